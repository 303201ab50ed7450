//! Erasing an opening: the event stays, the bytes are gone from the disk.

use std::fs;

use aether_audit::core::event::{Event, NoteAdded, OpeningErased};
use aether_audit::core::hash::Hash;
use aether_audit::core::opening::Opening;
use aether_audit::core::roster::CUSTODIAN;
use aether_audit::ledger::{Ledger, LedgerError, Submission};

use crate::world::{BOB, World, random, seen};

const SECRET: &str = "hunter2-pasted-at-two-in-the-morning";

fn erasure(world: &World, ledger: &Ledger, erased: &Opening) -> Submission {
    let opening = Opening { salt: random(), bytes: b"a credential".to_vec() };
    let reason = opening.reference("text/plain").unwrap();
    let event = Event::OpeningErased(OpeningErased { commit: erased.commit(), reason });
    world.submission(("alice", CUSTODIAN), &event, vec![opening], seen(ledger))
}

/// Whether any file of the ledger's folder holds the secret.
fn on_disk(world: &World) -> bool {
    holds(world, SECRET)
}

fn holds(world: &World, text: &str) -> bool {
    fs::read_dir(world.dir.path()).unwrap().any(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn what_is_erased_leaves_the_disk() {
    let world = World::new();
    let mut ledger = world.open();
    let pasted = world.note(&ledger, SECRET);
    ledger.append(world.log.now, &pasted).unwrap();
    drop(ledger);
    let mut ledger = world.open();
    assert!(on_disk(&world));
    let place = ledger.append(world.log.now, &erasure(&world, &ledger, &pasted.openings[0]));
    assert_eq!(place.unwrap().seq, 6);
    assert!(!on_disk(&world), "the bytes are still there while the ledger is open");
    assert_eq!(ledger.opening(&pasted.openings[0].commit()).unwrap(), None);
    drop(ledger);
    assert!(!on_disk(&world));
    world.assert_clean();
}

/// Larger than a page, and with a reader who keeps the old bytes alive: said, and wiped when run again.
#[test]
fn a_reader_keeps_the_bytes_and_running_again_wipes_them() {
    let world = World::new();
    let mut ledger = world.open();
    let pasted = world.note(&ledger, &format!("{}{SECRET}{}", "x".repeat(9000), "y".repeat(9000)));
    ledger.append(world.log.now, &pasted).unwrap();
    let reader = rusqlite::Connection::open(&world.path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM openings;").unwrap();
    let erasure = erasure(&world, &ledger, &pasted.openings[0]);
    reader.busy_timeout(std::time::Duration::ZERO).unwrap();
    let error = ledger.append(world.log.now, &erasure).unwrap_err();
    assert!(matches!(error, LedgerError::Traces(_)), "{error}");
    assert_eq!(ledger.opening(&pasted.openings[0].commit()).unwrap(), None);
    assert!(on_disk(&world));
    reader.execute_batch("COMMIT;").unwrap();
    assert!(ledger.append(world.log.now, &erasure).unwrap().already);
    assert!(!on_disk(&world));
    world.assert_clean();
}

#[test]
fn an_erasure_that_was_refused_erases_nothing() {
    let world = World::new();
    let mut ledger = world.open();
    let pasted = world.note(&ledger, SECRET);
    ledger.append(world.log.now, &pasted).unwrap();
    let erasure = erasure(&world, &ledger, &pasted.openings[0]);
    let commit = pasted.openings[0].commit();
    let error = ledger.append(world.log.now.plus_seconds(-600), &erasure).unwrap_err();
    assert!(matches!(error, LedgerError::ClockBehind { .. }), "{error}");
    assert!(ledger.opening(&commit).unwrap().is_some());
    assert!(!ledger.append(world.log.now, &erasure).unwrap().already);
    assert!(ledger.append(world.log.now, &erasure).unwrap().already, "run again, it is recognised");
    world.assert_clean();
}

/// Pages that were split and joined hold no forgotten copy of what moved between them.
#[test]
fn no_copy_is_left_where_pages_were_split() {
    let world = World::new();
    let mut ledger = world.open();
    let notes: Vec<_> = (0..240)
        .map(|number: usize| {
            let mark = format!("<{number:04}-{SECRET}>");
            let bytes = format!("{mark}{}{mark}", "x".repeat(number * 37 % 1900)).into_bytes();
            let salt = *Hash::of(&[&bytes]).as_bytes().first_chunk().unwrap();
            let opening = Opening { salt, bytes };
            let text = opening.reference("text/plain").unwrap();
            let event = Event::NoteAdded(NoteAdded { about: None, text });
            let note = world.submission(BOB, &event, vec![opening], seen(&ledger));
            ledger.append(world.log.now, &note).unwrap();
            (mark, note)
        })
        .collect();
    let mut left = Vec::new();
    for (mark, note) in notes.iter().step_by(3) {
        ledger.append(world.log.now, &erasure(&world, &ledger, &note.openings[0])).unwrap();
        if holds(&world, mark) {
            left.push(mark);
        }
    }
    assert!(left.is_empty(), "{} left: {left:?}", left.len());
    assert!(holds(&world, &notes[1].0), "the others stay");
    world.assert_clean();
}
