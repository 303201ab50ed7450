//! One writer: what is stored, what is recognised, what is refused.

use aether_audit::core::entry::{Entry, Opened};
use aether_audit::core::event::{Decision, DecisionMade, Event, ItemSigned, SignOutcome};
use aether_audit::core::hash::Hash;
use aether_audit::core::opening::Opening;
use aether_audit::core::statement::Seen;
use aether_audit::core::time::Timestamp;
use aether_audit::ledger::{Ledger, LedgerError, Submission};

use crate::common::{TestLog, sign, story, token};
use crate::world::{ALICE, World, carrying, note, random, seen};

#[test]
fn what_is_stored_is_what_was_signed() {
    let world = World::new();
    let ledger = world.open();
    let stored: Vec<Vec<u8>> = ledger.rows().map(|row| row.unwrap().bytes).collect();
    assert_eq!(stored, world.log.entries);
    assert_eq!(ledger.openings().unwrap(), world.log.openings.keys().copied().collect::<Vec<_>>());
    for (commit, bytes) in &world.log.openings {
        assert_eq!(ledger.opening(commit).unwrap().as_ref(), Some(bytes));
    }
    let head = ledger.head().unwrap().unwrap();
    assert_eq!((head.seq, head.leaf), world.log.head().map(|seen| (seen.seq, seen.leaf)).unwrap());
    assert_eq!(ledger.deployments().unwrap(), [(token(story::GOOD), false)]);
    assert_eq!(ledger.entries_of(None).unwrap().len(), 4);
    assert_eq!(ledger.entries_since(3).unwrap(), world.log.entries[4..]);
    world.assert_clean();
}

#[test]
fn an_append_says_where_it_stands() {
    let world = World::new();
    let mut ledger = world.open();
    let appended = ledger.append(world.log.now, &world.note(&ledger, "all well")).unwrap();
    let entry = Entry::parse(&ledger.entry(appended.seq).unwrap().unwrap()).unwrap();
    assert_eq!((appended.seq, appended.leaf, appended.recorded), (5, entry.leaf, entry.line.recorded));
    assert_eq!((entry.line.prev, entry.line.deployment_seq), (world.log.head().unwrap().leaf, Some(1)));
    assert!(!appended.already);
    world.assert_clean();
}

#[test]
fn a_statement_joined_twice_is_stored_once() {
    let world = World::new();
    let mut ledger = world.open();
    let once = world.note(&ledger, "sent twice");
    let other = world.note(&ledger, "in between");
    let first = ledger.append(world.log.now, &once).unwrap();
    ledger.append(world.log.now, &other).unwrap();
    let later = world.log.now.plus_seconds(3600);
    let again = ledger.append(later, &once).unwrap();
    assert!(again.already);
    assert_eq!((again.seq, again.leaf, again.recorded), (first.seq, first.leaf, first.recorded));
    let both = ledger.append_all(later, &[once.clone(), once]).unwrap();
    assert!(both.iter().all(|place| place.already && place.seq == first.seq));
    assert_eq!(ledger.head().unwrap().unwrap().seq, 6);
    world.assert_clean();
}

#[test]
fn an_id_belongs_to_one_statement() {
    let world = World::new();
    let mut ledger = world.open();
    let first = world.note(&ledger, "mine");
    ledger.append(world.log.now, &first).unwrap();
    let mut statement = Opened::of(&world.note(&ledger, "stolen id").envelope).unwrap().statement;
    statement.predicate.id = Opened::of(&first.envelope).unwrap().statement.predicate.id;
    let stolen = Submission { envelope: sign(&statement, &[crate::world::BOB]), openings: Vec::new() };
    let error = ledger.append(world.log.now, &stolen).unwrap_err();
    assert!(matches!(&error, LedgerError::IdTaken(id) if *id == statement.predicate.id.as_str()), "{error}");
    assert_eq!(ledger.head().unwrap().unwrap().seq, 5);
    world.assert_clean();
}

#[test]
fn of_several_all_are_stored_or_none() {
    let world = World::new();
    let mut ledger = world.open();
    let good = world.note(&ledger, "good");
    let bad = note(&world.log, Seen { leaf: Hash([7; 32]), seq: 2 }, "of another history");
    let error = ledger.append_all(world.log.now, &[good.clone(), bad]).unwrap_err();
    assert!(matches!(error, LedgerError::OtherHistory { seq: 2, .. }), "{error}");
    assert_eq!(ledger.head().unwrap().unwrap().seq, 4);
    assert_eq!(ledger.opening(&good.openings[0].commit()).unwrap(), None);
    let places = ledger.append_all(world.log.now, &[good, world.note(&ledger, "also good")]).unwrap();
    assert_eq!(places.iter().map(|place| place.seq).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(ledger.append_all(world.log.now, &[]).unwrap(), []);
    world.assert_clean();
}

#[test]
fn a_signer_ahead_of_this_ledger_is_of_another_history() {
    let world = World::new();
    let mut ledger = world.open();
    let ahead = note(&world.log, Seen { leaf: Hash([7; 32]), seq: 900 }, "from a copy that is ahead");
    let error = ledger.append(world.log.now, &ahead).unwrap_err();
    assert!(matches!(error, LedgerError::OtherHistory { seq: 900, .. }), "{error}");
    assert!(error.to_string().contains("aether-audit verify"), "{error}");
}

fn decision(world: &World, decision: Decision, seen: Seen) -> Submission {
    let opening = Opening { salt: random(), bytes: b"because".to_vec() };
    let reason = opening.reference("text/plain").unwrap();
    let event = Event::DecisionMade(DecisionMade { decision, gate: None, reason, waives: None });
    world.submission(ALICE, &event, vec![opening], seen)
}

fn sign_off(world: &World, seen: Seen) -> Submission {
    let checklist = world.log.log.deployments[&token(story::GOOD)].checklist.text.commit;
    let signed = ItemSigned {
        checklist,
        item: token("env-audit"),
        note: None,
        outcome: SignOutcome::Done,
        reason: None,
    };
    world.submission(ALICE, &Event::ItemSigned(signed), Vec::new(), seen)
}

#[test]
fn a_stale_decision_is_refused_with_what_came_in() {
    let world = World::new();
    let mut ledger = world.open();
    let before = seen(&ledger);
    ledger.append(world.log.now, &world.note(&ledger, "a note has not to be seen")).unwrap();
    ledger.append(world.log.now, &decision(&world, Decision::NoGo, before)).unwrap();
    ledger.append(world.log.now, &world.note(&ledger, "another")).unwrap();
    ledger.append(world.log.now, &sign_off(&world, before)).unwrap();
    let stale = decision(&world, Decision::NoGo, before);
    let error = ledger.append(world.log.now, &stale).unwrap_err();
    assert!(
        matches!(&error, LedgerError::Stale { seen: 4, entries } if *entries == [6, 8]),
        "{error}: a decision must have seen the decision at 6 and the sign-off at 8"
    );
    assert!(
        error.to_string().contains("[6, 8]") && error.to_string().contains("aether-audit log"),
        "{error}"
    );
    assert_eq!(ledger.head().unwrap().unwrap().seq, 8);
    ledger.append(world.log.now, &decision(&world, Decision::NoGo, seen(&ledger))).unwrap();
    assert!(ledger.append(world.log.now, &stale).is_err());
}

#[test]
fn a_fact_is_never_stale() {
    let world = World::new();
    let mut ledger = world.open();
    let before = seen(&ledger);
    ledger.append(world.log.now, &decision(&world, Decision::NoGo, before)).unwrap();
    ledger.append(world.log.now, &sign_off(&world, before)).unwrap();
    world.assert_clean();
}

#[test]
fn entry_0_comes_first_and_once() {
    let world = World::new();
    let first = carrying(&world.log, Entry::parse(&world.log.entries[0]).unwrap().line.envelope);
    let dir = tempfile::tempdir().unwrap();
    let mut empty = Ledger::create(&dir.path().join("ledger.db")).unwrap();
    assert_eq!(empty.head().unwrap(), None);
    let error = empty.append(world.log.now, &note(&world.log, world.log.head().unwrap(), "x")).unwrap_err();
    assert!(matches!(error, LedgerError::Order(_)) && error.to_string().contains("init"), "{error}");
    let other = TestLog::init_at("example.com/audit/other");
    let other = carrying(&other, Entry::parse(&other.entries[0]).unwrap().line.envelope);
    let error = world.open().append(world.log.now, &other).unwrap_err();
    assert!(matches!(error, LedgerError::Order(_)), "{error}");
    assert!(world.open().append(world.log.now, &first).unwrap().already);
}

#[test]
fn recorded_never_decreases() {
    let world = World::new();
    let mut ledger = world.open();
    let late = world.log.now.plus_seconds(500);
    ledger.append(late, &world.note(&ledger, "late")).unwrap();
    let within = ledger.append(late.plus_seconds(-120), &world.note(&ledger, "a slow clock")).unwrap();
    assert_eq!(within.recorded, late);
    let error = ledger.append(late.plus_seconds(-121), &world.note(&ledger, "too slow")).unwrap_err();
    assert!(matches!(error, LedgerError::ClockBehind { head, .. } if head == late), "{error}");
    assert!(error.to_string().contains("set the clock right"), "{error}");
    assert_eq!(ledger.head().unwrap().unwrap().seq, 6);
    world.assert_clean();
}

#[test]
fn a_signer_from_the_future_is_refused() {
    let world = World::new();
    let mut ledger = world.open();
    let statement = |time: Timestamp| {
        let mut statement = Opened::of(&world.note(&ledger, "future").envelope).unwrap().statement;
        statement.predicate.time = time;
        Submission { envelope: sign(&statement, &[crate::world::BOB]), openings: Vec::new() }
    };
    let (near, far) =
        (statement(world.log.now.plus_seconds(120)), statement(world.log.now.plus_seconds(121)));
    let error = ledger.append(world.log.now, &far).unwrap_err();
    assert!(matches!(error, LedgerError::ClockAhead { .. }), "{error}");
    ledger.append(world.log.now, &near).unwrap();
    assert_eq!(ledger.head().unwrap().unwrap().seq, 5);
}

#[test]
fn what_would_be_no_entry_is_refused() {
    let world = World::new();
    let mut ledger = world.open();
    let mut unsigned = world.note(&ledger, "unsigned");
    unsigned.envelope.signatures.clear();
    assert!(matches!(ledger.append(world.log.now, &unsigned), Err(LedgerError::Entry(_))));
    let mut garbage = world.note(&ledger, "garbage");
    garbage.envelope.payload = "AAAA".into();
    assert!(matches!(ledger.append(world.log.now, &garbage), Err(LedgerError::Entry(_))));
    let big: Vec<_> = (0..4000)
        .map(|n| aether_audit::core::event::Assignment {
            person: token(&format!("somebody-{n}")),
            role: token("qa-engineer"),
        })
        .collect();
    let mut log = world.log.clone();
    let mut opened = story::opened(&mut log);
    opened.assignments = big;
    let big = world.submission(ALICE, &Event::DeploymentOpened(opened), Vec::new(), seen(&ledger));
    let error = ledger.append(world.log.now, &big).unwrap_err();
    assert!(error.to_string().contains("65,535"), "{error}");
    assert_eq!(ledger.head().unwrap().unwrap().seq, 4);
    world.assert_clean();
}

#[test]
fn a_new_ledger_comes_whole_or_not_at_all() {
    let world = World::new();
    let first = carrying(&world.log, Entry::parse(&world.log.entries[0]).unwrap().line.envelope);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let orphan = world.note(&world.open(), "no entry 0");
    let error = Ledger::create_with(&path, world.log.now, &orphan).unwrap_err();
    assert!(matches!(error, LedgerError::Order(_)), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "something is left behind");
    let winners: Vec<_> = std::thread::scope(|scope| {
        let make = || Ledger::create_with(&path, world.log.now, &first);
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(winners.iter().filter(|made| made.is_ok()).count(), 1);
    let lost = |made: &Result<_, LedgerError>| matches!(made, Ok(_) | Err(LedgerError::Exists(_)));
    assert!(winners.iter().all(lost), "{winners:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(crate::world::assert_clean(&path, &world.log).entries, 1);
}
