//! What is run twice does its work once, and says so.

use std::{fs, thread};

use crate::folder::{Folder, ORIGIN, Ran};

#[test]
fn key_new_offers_the_same_key_again() {
    let folder = Folder::initialised();
    let first = folder.ok(&["key", "new", "bob"]);
    assert_eq!(folder.ok(&["key", "new", "bob"]), first);
}

#[test]
fn two_inits_at_once_make_one_log() {
    let folder = Folder::empty();
    let init = || Ran::of(folder.command(&["init", "--origin", ORIGIN, "--as", "alice"]).output().unwrap());
    let ran: Vec<Ran> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(init)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for lost in ran.iter().filter(|ran| ran.status != Some(0)) {
        assert_eq!(lost.status, Some(2), "{}", lost.err);
    }
    assert_eq!(ran.iter().filter(|ran| ran.status == Some(0)).count(), 1);
    assert_eq!(folder.entries(), 1);
    let verified = folder.run(&["verify", "--roster-sha256", &folder.roster_sha256()]);
    assert_eq!(verified.status, Some(4), "{}{}", verified.out, verified.err);
    folder.ok(&["checkpoint"]);
}

#[test]
fn several_people_sign_at_once() {
    let folder = Folder::opened();
    let work =
        [("alice", "env-audit"), ("bob", "channel-ready"), ("carol", "tests-green"), ("alice", "dns-ttl")];
    thread::scope(|scope| {
        for (who, item) in work {
            let folder = &folder;
            scope.spawn(move || folder.ok(&["sign", item, "--as", who]));
        }
    });
    assert_eq!(folder.entries(), 8);
}

#[test]
fn a_checkpoint_is_made_again_and_never_of_less() {
    let folder = Folder::opened();
    let short = folder.copy();
    assert_eq!(folder.ok(&["checkpoint"]), folder.ok(&["checkpoint"]));
    folder.ok(&["note", "more", "--as", "bob"]);
    folder.ok(&["checkpoint"]);
    let ledger = short.ledger();
    let args = ["checkpoint", "--ledger", ledger.to_str().unwrap()];
    folder.fails(2, &args, "ends before entry 4, which was seen here before");
    let seen = fs::read_dir(folder.at("private")).unwrap().map(|file| file.unwrap().path());
    let seen = seen.filter(|path| path.to_string_lossy().contains("/head-")).collect::<Vec<_>>();
    assert_eq!(seen.len(), 1);
    let head = fs::read(&seen[0]).unwrap();
    fs::remove_file(&seen[0]).unwrap();
    folder.fails(2, &args, "entries are missing");
    short.ok(&["note", "other", "--as", "bob"]);
    short.ok(&["note", "and other", "--as", "bob"]);
    folder.fails(2, &args, "not those of the last checkpoint made here: the log was rewritten or forked");
    fs::write(&seen[0], head).unwrap();
    folder.fails(2, &args, "entry 4 of");
    folder.fails(
        2,
        &["note", "x", "--as", "bob", "--ledger", ledger.to_str().unwrap()],
        "not the one that was seen here",
    );
    folder.fails(
        2,
        &["note", "x", "--as", "bob", "--out", "o", "--ledger", ledger.to_str().unwrap()],
        "not the one that was seen here",
    );
    fs::write(&seen[0], "").unwrap();
    folder.fails(2, &["note", "x", "--as", "bob"], "is damaged");
}
