//! Statements in files: several who write or sign one at once, keys that are not asked for, signatures that are none.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::thread;

use serde_json::Value;

use crate::folder::{Folder, Ran};

fn both(folder: &Folder, file: &str) {
    folder.ok(&["note", "two more", "--as", "alice", "--with", "bob", "--with", "carol", "--out", file]);
}

fn at_once<'s>(folder: &'s Folder, all: &'s [Vec<&'s str>]) -> Vec<Ran> {
    thread::scope(|scope| {
        let run =
            |words: &'s Vec<&str>| scope.spawn(move || Ran::of(folder.command(words).output().unwrap()));
        let threads: Vec<_> = all.iter().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn two_who_cosign_at_once_both_have() {
    for round in 0..3 {
        let folder = Folder::opened();
        both(&folder, "n.json");
        let ran = at_once(&folder, &["bob", "carol"].map(|who| vec!["cosign", "n.json", "--as", who]));
        assert!(ran.iter().all(|ran| ran.status == Some(0)), "{round}: {}{}", ran[0].err, ran[1].err);
        assert_eq!(ran.iter().filter(|ran| ran.err.contains("everybody has")).count(), 1, "{round}");
        folder.ok(&["join", "n.json"]);
    }
}

#[test]
fn one_file_is_written_by_one() {
    for _ in 0..3 {
        let folder = Folder::opened();
        let words = ["a", "b", "c", "d"].map(|text| vec!["note", text, "--as", "alice", "--out", "n.json"]);
        let ran = at_once(&folder, &words);
        assert_eq!(ran.iter().filter(|ran| ran.status == Some(0)).count(), 1);
        let lost = ran.iter().find(|ran| ran.status != Some(0)).unwrap();
        assert!(lost.err.contains("is there already"), "{}", lost.err);
    }
}

#[test]
fn the_file_stays_where_and_what_it_is() {
    let folder = Folder::opened();
    both(&folder, "n.json");
    fs::set_permissions(folder.at("n.json"), Permissions::from_mode(0o600)).unwrap();
    symlink("n.json", folder.at("link.json")).unwrap();
    folder.ok(&["cosign", "link.json", "--as", "bob"]);
    assert!(fs::symlink_metadata(folder.at("link.json")).unwrap().is_symlink());
    assert_eq!(fs::metadata(folder.at("n.json")).unwrap().permissions().mode() & 0o777, 0o600);
    folder.ok(&["cosign", "n.json", "--as", "carol"]);
    folder.ok(&["join", "n.json"]);
}

#[test]
fn only_the_key_that_is_wanted_is_asked_for() {
    let folder = Folder::enrolled();
    let with = |words: &[&str]| {
        Ran::of(folder.command(words).env("AETHER_AUDIT_PASSPHRASE", "another").output().unwrap())
    };
    assert_eq!(with(&["key", "new", "bob", "--root"]).status, Some(0));
    folder.ok(&["key", "enroll", "bob", "--root", "--as", "alice"]);
    folder.ok(&["key", "quorum", "2", "--reason", "two", "--as", "alice", "--with", "bob", "--out", "q"]);
    let laptop = folder.copy();
    fs::remove_file(laptop.ledger()).unwrap();
    let alone =
        laptop.command(&["cosign", "q", "--as", "bob"]).env("AETHER_AUDIT_PASSPHRASE", "another").output();
    let alone = Ran::of(alone.unwrap());
    assert_eq!(alone.status, Some(0), "without a ledger: {}", alone.err);
    let ran = with(&["cosign", "q", "--as", "bob"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    folder.ok(&["join", "q"]);
}

#[test]
fn a_key_that_another_log_has_left_behind_still_cosigns() {
    let (one, two) = (Folder::opened(), Folder::empty());
    let keys = one.at("private");
    let there = |words: &[&str]| {
        let ran = Ran::of(two.command(words).env("AETHER_AUDIT_KEYS", &keys).output().unwrap());
        assert_eq!(ran.status, Some(0), "{}", ran.err);
    };
    there(&["init", "--origin", "example.com/other", "--as", "alice"]);
    fs::copy(one.at("keys/bob.pub.pem"), two.at("keys/bob.pub.pem")).unwrap();
    one.ok(&["note", "both", "--as", "alice", "--with", "bob", "--out", "n.json"]);
    let key = fs::read(keys.join("bob.pem")).unwrap();
    fs::write(keys.join("bob.old-1234.pem"), key).unwrap();
    fs::set_permissions(keys.join("bob.old-1234.pem"), Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(keys.join("bob.pem")).unwrap();
    there(&["key", "new", "bob"]);
    one.ok(&["cosign", "n.json", "--as", "bob"]);
    one.ok(&["join", "n.json"]);
}

#[test]
fn a_signature_that_is_none_is_named_before_another_is_added() {
    let folder = Folder::opened();
    both(&folder, "n.json");
    folder.ok(&["cosign", "n.json", "--as", "bob"]);
    let text = fs::read_to_string(folder.at("n.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let signatures = file["envelope"]["signatures"].as_array().unwrap().clone();
    let spoilt = |change: &dyn Fn(&mut Vec<Value>)| {
        let (mut file, mut signatures) = (file.clone(), signatures.clone());
        change(&mut signatures);
        file["envelope"]["signatures"] = signatures.into();
        fs::write(folder.at("n.json"), file.to_string()).unwrap();
        folder.fails(2, &["cosign", "n.json", "--as", "carol"], "is not one of its signers' own");
    };
    spoilt(&|all| all[1]["sig"] = all[0]["sig"].clone());
    spoilt(&|all| all.push(all[0].clone()));
    spoilt(&|all| all[1]["keyid"] = "ab".repeat(32).into());
    fs::write(folder.at("n.json"), text).unwrap();
    folder.ok(&["cosign", "n.json", "--as", "carol"]);
}

#[test]
fn a_change_of_the_roster_that_was_overtaken_says_so() {
    let folder = Folder::enrolled();
    folder.ok(&["key", "new", "bob", "--root"]);
    folder.ok(&["key", "enroll", "bob", "--root", "--as", "alice"]);
    folder.ok(&["key", "quorum", "2", "--reason", "two", "--as", "alice", "--with", "bob", "--out", "q"]);
    folder.ok(&["key", "new", "dave"]);
    folder.ok(&["key", "enroll", "dave", "--role", "qa-engineer", "--as", "alice"]);
    let ran = folder.run(&["cosign", "q", "--as", "bob"]);
    assert!(ran.err.contains("the roster has changed since this was made"), "{}", ran.err);
}
