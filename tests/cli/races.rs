//! What two honest people do at once never leaves a finding: one of them is refused, or both are right.

use std::thread;

use rusqlite::Connection;

use crate::folder::{Folder, Ran};

fn at_once(folder: &Folder, commands: &[&[&str]]) -> Vec<Ran> {
    thread::scope(|scope| {
        let threads: Vec<_> = commands
            .iter()
            .map(|command| scope.spawn(move || Ran::of(folder.command(command).output().unwrap())))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn clean(folder: &Folder) {
    let verified = folder.run(&["verify", "--roster-sha256", &folder.roster_sha256()]);
    assert_eq!(verified.status, Some(4), "only the missing checkpoint: {}{}", verified.out, verified.err);
}

#[test]
fn two_enrolments() {
    for _ in 0..3 {
        let folder = Folder::enrolled();
        folder.ok(&["key", "new", "dave"]);
        folder.ok(&["key", "new", "erin"]);
        let enrol = |name| ["key", "enroll", name, "--role", "comms-lead", "--as", "alice"];
        let ran = at_once(&folder, &[&enrol("dave"), &enrol("erin")]);
        assert!(ran.iter().any(|ran| ran.status == Some(0)));
        for lost in ran.iter().filter(|ran| ran.status != Some(0)) {
            assert_eq!(lost.status, Some(1), "{}", lost.err);
        }
        clean(&folder);
    }
}

#[test]
fn closing_while_people_talk() {
    for _ in 0..3 {
        let folder = Folder::opened();
        folder.ok(&["abort", "--reason", "not today", "--as", "alice"]);
        let note = ["note", "still here", "--as", "bob"];
        let close = ["close", "--as", "alice"];
        let ran = at_once(&folder, &[&note, &close, &note, &note]);
        assert!(ran.iter().all(|ran| ran.status == Some(0)), "{}", ran[1].err);
        clean(&folder);
    }
}

#[test]
fn closing_while_a_fact_comes_in() {
    for _ in 0..3 {
        let folder = Folder::opened();
        folder.ok(&["abort", "--reason", "not today", "--as", "alice"]);
        let stage = ["record", "stage-reached", "--stage", "build", "--as", "alice"];
        let ran = at_once(&folder, &[&["close", "--as", "alice"], &stage]);
        assert!(ran.iter().all(|ran| matches!(ran.status, Some(0..=2))));
        clean(&folder);
    }
}

#[test]
fn governance_signed_by_a_role_key_is_not_joined() {
    let folder = Folder::enrolled();
    folder.ok(&["key", "new", "dave"]);
    folder.ok(&["key", "new", "erin"]);
    for name in ["dave", "erin"] {
        let out = format!("{name}.json");
        folder.ok(&["key", "enroll", name, "--role", "comms-lead", "--as", "alice", "--out", &out]);
    }
    folder.ok(&["join", "dave.json"]);
    folder.fails(1, &["join", "erin.json", "--dry-run"], "does not follow the roster in force");
    let late = folder.run(&["join", "erin.json"]);
    assert_eq!(late.status, Some(1), "{}", late.err);
    assert!(late.err.contains("does not follow the roster in force"), "{}", late.err);
    clean(&folder);
}

#[test]
fn a_gate_does_not_believe_what_nobody_signed() {
    let folder = Folder::opened();
    folder.ok(&["note", "before", "--as", "bob"]);
    let ledger = Connection::open(folder.path().join("records/ledger.db")).unwrap();
    ledger.execute_batch("DROP TRIGGER entries_never_change").unwrap();
    let changed = ledger.execute(
        "UPDATE entries SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"sig\":\"', '\"sig\":\"AAAA') AS BLOB) WHERE seq = 4",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
    let bytes: Vec<u8> =
        ledger.query_row("SELECT bytes FROM entries WHERE seq = 4", [], |row| row.get(0)).unwrap();
    let at = bytes.windows(11).position(|w| w == b"\"sig\":\"AAAA").unwrap() + 7;
    let mut forged = bytes.clone();
    forged.drain(at + 4..at + 8);
    ledger.execute("UPDATE entries SET bytes = ?1 WHERE seq = 4", [forged]).unwrap();
    drop(ledger);
    let gate = folder.run(&["gate", "go"]);
    assert_eq!(gate.status, Some(1), "{}{}", gate.out, gate.err);
    assert!(gate.err.contains("this ledger has findings"), "{}", gate.err);
    assert!(folder.run(&["status"]).err.contains("findings"));
    assert!(folder.ok(&["log"]).contains("! it is not signed by whom it names"));
}

/// The key that the roster has is always here, whoever was told what.
#[test]
fn two_rotations() {
    for words in [&["key", "rotate", "--root", "--as", "alice"][..], &["key", "rotate", "--as", "alice"]] {
        let folder = Folder::enrolled();
        for _ in 0..4 {
            let rans = at_once(&folder, &[words, words]);
            assert!(rans.iter().any(|ran| ran.status == Some(0)), "{}", rans[0].err);
        }
        folder.ok(&["key", "rotate", "--root", "--as", "alice"]);
        folder.ok(&["key", "rotate", "--as", "alice"]);
        clean(&folder);
    }
}
