//! What is run twice does its work once, and says so.

use std::thread;

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
    folder.fails(2, &args, "entries are missing");
    short.ok(&["note", "other", "--as", "bob"]);
    short.ok(&["note", "and other", "--as", "bob"]);
    folder.fails(2, &args, "rewritten or forked");
}
