//! What must hold in a folder, whatever failed there.

use std::fs;

use aether_audit::core::entry::Entry;
use aether_audit::core::hash::Hash;
use aether_audit::core::merkle::leaf_hash;
use aether_audit::core::verify::{Anchors, Verdict};
use aether_audit::ledger::Ledger;

use crate::folder::Folder;
use crate::walk::walk;

/// The kinds of all entries, in order.
pub fn kinds(folder: &Folder) -> Vec<String> {
    if !folder.ledger().exists() {
        return Vec::new();
    }
    let ledger = Ledger::open_read_only(&folder.ledger()).unwrap();
    ledger.rows().map(|row| Entry::parse(&row.unwrap().bytes).unwrap().statement.kind().to_owned()).collect()
}

/// What a place remembers: the file's text.
fn remembered(folder: &Folder, what: &str) -> Option<String> {
    let files = fs::read_dir(folder.at("private")).into_iter().flatten().map(|file| file.unwrap().path());
    let mut found = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(what));
    found.next().map(|path| fs::read_to_string(path).unwrap())
}

pub fn checkpoint(folder: &Folder) -> Option<String> {
    remembered(folder, "checkpoint-")
}

/// No finding, also against the checkpoints that this place made before and since; and nothing that is
/// remembered is ahead of the ledger.
#[track_caller]
pub fn assert_sound(folder: &Folder, earlier: Option<&String>, what: &str) {
    if !folder.ledger().exists() {
        return;
    }
    let checkpoints = [earlier.cloned(), checkpoint(folder)].into_iter().flatten().collect();
    let report = verdict(folder, checkpoints);
    assert!(report.findings.is_empty(), "{what}: {:#?}", report.findings);
    if let Some(head) = remembered(folder, "head-") {
        let head: serde_json::Value = serde_json::from_str(&head).unwrap();
        let ledger = Ledger::open_read_only(&folder.ledger()).unwrap();
        let bytes = ledger.entry(head["seq"].as_u64().unwrap()).unwrap();
        let leaf = bytes.map(|bytes| leaf_hash(&bytes).to_string());
        assert_eq!(leaf.as_deref(), head["leaf"].as_str(), "{what}: what is remembered is not in the ledger");
    }
}

/// All is well again: keys sign, checkpoints are made, and everything verifies.
#[track_caller]
pub fn assert_goes_on(folder: &Folder, who: &str, what: &str) {
    if kinds(folder).iter().any(|kind| kind == "deployment-opened") {
        let ran = folder.run(&["note", "it goes on", "--as", who, "--deployment", "v2.14.0"]);
        assert_eq!(ran.status, Some(0), "{what}: then a note: {}", ran.err);
    }
    let ran = folder.run(&["checkpoint"]);
    assert_eq!(ran.status, Some(0), "{what}: then a checkpoint: {}", ran.err);
    let report = verdict(folder, vec![ran.out]);
    assert_eq!(report.verdict(), Verdict::Verified, "{what}: {:#?}", report.findings);
}

fn verdict(folder: &Folder, checkpoints: Vec<String>) -> aether_audit::core::verify::Report {
    let first_roster = fs::read_to_string(folder.at("keys/roster.sha256")).ok();
    let first_roster = first_roster.map(|text| Hash::parse(text.trim()).unwrap());
    let anchors = Anchors { first_roster, checkpoints, ..Anchors::default() };
    walk(&folder.ledger(), &anchors)
}
