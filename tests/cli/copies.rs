//! Copies of the ledger that are behind, ahead or forked.

use std::fs;

use crate::folder::Folder;

/// A statement signed on `copy` and joined at `office`.
fn carry(copy: &Folder, office: &Folder, words: &[&str]) -> crate::folder::Ran {
    copy.ok(&[words, &["--out", "signed.json"]].concat());
    fs::copy(copy.at("signed.json"), office.at("signed.json")).unwrap();
    office.run(&["join", "signed.json"])
}

#[test]
fn facts_from_a_copy_that_is_behind_are_taken() {
    let office = Folder::opened();
    let behind = office.copy();
    office.ok(&["sign", "env-audit", "--as", "alice"]);
    office.ok(&["note", "more", "--as", "bob"]);
    let ran = carry(&behind, &office, &["sign", "channel-ready", "--as", "bob"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(office.entries(), 7);
}

#[test]
fn decisions_from_a_copy_that_is_behind_are_shown_what_came_in() {
    let office = Folder::opened();
    let behind = office.copy();
    office.ok(&["sign", "env-audit", "--as", "alice"]);
    let words = ["decide", "no-go", "--reason", "not ready", "--as", "alice"];
    carry(&behind, &office, &words).failed(1, "since then entries [4] came into this deployment");
    assert_eq!(office.entries(), 5);
}

#[test]
fn statements_from_a_copy_that_is_ahead_are_refused() {
    let office = Folder::opened();
    let ahead = office.copy();
    ahead.ok(&["note", "only in the copy", "--as", "bob"]);
    carry(&ahead, &office, &["note", "after it", "--as", "bob"]).failed(1, "not what this ledger holds");
    assert_eq!(office.entries(), 4);
}

#[test]
fn statements_from_a_forked_copy_are_refused() {
    let office = Folder::opened();
    let fork = office.copy();
    fork.ok(&["note", "one history", "--as", "bob"]);
    office.ok(&["note", "another history", "--as", "bob"]);
    carry(&fork, &office, &["note", "after it", "--as", "bob"]).failed(1, "run `aether-audit verify`");
    assert_eq!(office.entries(), 5);
}

#[test]
fn a_rotated_key_signs_no_more() {
    let office = Folder::opened();
    let before = office.copy();
    office.ok(&["key", "rotate", "--as", "bob"]);
    office.ok(&["note", "with the new key", "--as", "bob"]);
    carry(&before, &office, &["note", "with the old key", "--as", "bob"])
        .failed(2, "signed again with the new one");
    assert_eq!(office.entries(), 6);
    fs::write(office.at("ckpt"), office.ok(&["checkpoint"])).unwrap();
    office.ok(&["verify", "--roster-sha256", &office.roster_sha256(), "--checkpoint", "ckpt"]);
}
