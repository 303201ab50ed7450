//! A record's folder held against the entries: by people who sign rightly, and may sign what is not so.
#![allow(missing_docs)] // a test binary has no readers of its own

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use aether_audit::core::attestation::{GENERATOR, ReportPredicate, ReportStatement};
use aether_audit::core::checkpoint::{Checkpoint, sign_checkpoint};
use aether_audit::core::entry::Entry;
use aether_audit::core::event::{Event, FileDigest, KeyRevoked, OpeningErased, ReportIssued};
use aether_audit::core::hash::Hash;
use aether_audit::core::merkle::{Tree, leaf_hash};
use aether_audit::core::name::Label;
use aether_audit::core::opening::{Opening, OpeningRef};
use aether_audit::core::roster::{COMMS_LEAD, CUSTODIAN};
use aether_audit::report::carried::{Carried, Texts, carry, prune};
use aether_audit::report::{self, Input, Integrity, Opened};
use common::{By, TestLog, label, secret, story, token};

const BOB: By = ("bob", COMMS_LEAD);
const VERDICT: &str = "Chain, tree, signatures, rosters and rules of {} entries check. This says nothing about what was cut off \
     or replaced as a whole: for that, verify with the first roster's hash and a checkpoint from elsewhere.";

type Files = BTreeMap<&'static str, Vec<u8>>;

/// The files of the record as of now, as the program renders them.
fn files(log: &TestLog) -> Files {
    files_with(log, None)
}

/// The same with a checkpoint.
fn files_with(log: &TestLog, checkpoint: Option<String>) -> Files {
    let entries: Vec<Entry> = (0..log.entries.len()).map(|seq| log.entry(seq as u64)).collect();
    let leaves: Vec<Hash> = log.entries.iter().map(|bytes| leaf_hash(bytes)).collect();
    let size = leaves.len() as u64;
    let integrity = Integrity {
        log_entries: size,
        first_leaf: leaves[0],
        last_leaf: leaves[leaves.len() - 1],
        last_seq: size - 1,
        root: Tree::new(&leaves).root_at(size).unwrap(),
        first_roster: log.first_roster(),
        checkpoint: checkpoint.clone(),
        findings: Vec::new(),
        verdict: VERDICT.replace("{}", &size.to_string()),
    };
    let asked = RefCell::new(BTreeMap::new());
    let opening = |commit: &Hash| {
        asked.borrow_mut().insert(*commit, log.openings[commit].clone());
        Opened::Bytes(Opening::from_file_bytes(&log.openings[commit]).unwrap().bytes)
    };
    let deployment = &log.log.deployments[&token(story::GOOD)];
    let input =
        Input { log: &log.log, deployment, entries: &entries, opening: &opening, integrity: &integrity };
    let made = report::report(&input).unwrap();
    let carried = Carried {
        generator: GENERATOR.into(),
        deployment: token(story::GOOD),
        entries: log.entries.clone(),
        tree: prune(&Tree::new(&leaves), 0..size),
        checkpoint: checkpoint.clone(),
        texts: Texts { openings: asked.borrow().clone(), ..Texts::default() },
    };
    let page = carry(report::to_html(&made).unwrap(), &carried.pack(true));
    let note = checkpoint.map(|note| ("checkpoint", note.into_bytes()));
    let files = [
        ("Deployment_Checklist.md", report::checklist(&input, &made).unwrap().into_bytes()),
        ("report.json", report::to_json(&made).unwrap().into_bytes()),
        ("report.md", report::to_markdown(&made).unwrap().into_bytes()),
        ("report.html", page.into_bytes()),
    ];
    files.into_iter().chain(note).collect()
}

/// Signs these files as the record of all entries so far, and says so in the log.
fn sign(log: &mut TestLog, files: &mut Files, generator: Option<&str>) {
    sign_as(log, files, generator, None);
}

/// The same by a statement that names another roster.
fn sign_as(log: &mut TestLog, files: &mut Files, generator: Option<&str>, roster: Option<Hash>) {
    let digests: Vec<(Label, Hash)> =
        files.iter().map(|(name, bytes)| (label(name), Hash::of(&[bytes]))).collect();
    let key = secret("bob");
    let covers = log.head().unwrap();
    let predicate = ReportPredicate {
        covers,
        deployment: token(story::GOOD),
        generator: generator.map(label),
        log: log.log.origin.clone(),
        roster: roster.unwrap_or(log.log.roster().unwrap().hash),
        signer: key.public().keyid(),
        time: log.now,
    };
    let envelope = ReportStatement::new(predicate, &digests).sign(&key).unwrap();
    let signed = serde_json::to_vec(&envelope).unwrap();
    let named = FileDigest { name: label("report.dsse.json"), sha256: Hash::of(&[&signed]) };
    files.insert("report.dsse.json", signed);
    let digests =
        digests.into_iter().map(|(name, sha256)| FileDigest { name, sha256 }).chain([named]).collect();
    log.record(&[BOB], Some(story::GOOD), &Event::ReportIssued(ReportIssued { covers, files: digests }));
}

/// `verify -o json` of the record with its export inside, anchored at both ends.
fn verify(log: &TestLog, files: &Files) -> (i32, serde_json::Value) {
    let home = tempfile::tempdir().unwrap();
    let record = home.path().join("record");
    fs::create_dir_all(record.join("export/openings")).unwrap();
    for (name, bytes) in files {
        fs::write(record.join(name), bytes).unwrap();
    }
    let lines: Vec<u8> = log.entries.iter().flat_map(|bytes| [bytes.as_slice(), b"\n"].concat()).collect();
    fs::write(record.join("export/entries.jsonl"), lines).unwrap();
    for (commit, bytes) in &log.openings {
        fs::write(record.join("export/openings").join(commit.to_string()), bytes).unwrap();
    }
    fs::write(home.path().join("checkpoint"), log.checkpoint()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_aether-audit"))
        .args(["verify", "record", "-o", "json", "--checkpoint", "checkpoint", "--roster-sha256"])
        .arg(log.first_roster().to_string())
        .current_dir(home.path())
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), said)
}

fn found(said: &serde_json::Value) -> Vec<&str> {
    said["record"]["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
}

#[test]
fn what_is_signed_is_what_the_entries_say() {
    let mut log = story::short();
    let mut honest = files(&log);
    let rendered = honest.clone();
    let before = log.clone();
    sign(&mut log, &mut honest, Some(GENERATOR));
    let (status, said) = verify(&log, &honest);
    assert_eq!((status, found(&said).len()), (0, 0), "{said:#}");
    assert!(said["record"]["notCompared"].is_null(), "{said:#}");

    for name in ["Deployment_Checklist.md", "report.json", "report.md", "report.html"] {
        let (mut log, mut other) = (before.clone(), rendered.clone());
        other.get_mut(name).unwrap().extend(b"\n");
        sign(&mut log, &mut other, Some(GENERATOR));
        let (status, said) = verify(&log, &other);
        assert_eq!((status, found(&said)), (1, vec!["report-differs"]), "{name}: {said:#}");

        let (mut log, mut fewer) = (before.clone(), rendered.clone());
        fewer.remove(name);
        sign(&mut log, &mut fewer, Some(GENERATOR));
        let (status, said) = verify(&log, &fewer);
        assert_eq!((status, found(&said)), (1, vec!["report-file-missing"]), "{name}: {said:#}");
    }

    let (mut log, mut other) = (before, rendered);
    other.get_mut("report.html").unwrap().extend(b"\n");
    sign(&mut log, &mut other, None);
    let (status, said) = verify(&log, &other);
    assert_eq!((status, said["verdict"].as_str()), (4, Some("not-proven")), "{said:#}");
    let told = said["record"]["notCompared"].as_str().unwrap();
    assert!(
        told.contains("report.html not compared") && told.contains("does not say what made it"),
        "{said:#}"
    );
    assert_eq!(said["notProven"], serde_json::json!([told]), "{said:#}");
}

#[test]
fn what_an_erasure_hides_is_not_proven() {
    let mut log = story::short();
    let mut made = files(&log);
    sign(&mut log, &mut made, Some(GENERATOR));
    let erased = (0..log.entries.len()).find_map(|seq| match story::event(&log.entries[seq]) {
        Event::NoteAdded(body) => Some(body.text.commit),
        _ => None,
    });
    let commit = erased.unwrap();
    let reason: OpeningRef = log.opening("a credential");
    let by = [("alice", CUSTODIAN)];
    let seq = log.record(&by, Some(story::GOOD), &Event::OpeningErased(OpeningErased { commit, reason }));
    log.openings.remove(&commit);
    let (status, said) = verify(&log, &made);
    assert_eq!((status, said["verdict"].as_str()), (4, Some("not-proven")), "{said:#}");
    let reasons = said["notProven"].as_array().unwrap();
    let told = format!("cannot be compared since the erasure in entry {seq}");
    assert!(reasons.len() == 1 && reasons[0].as_str().unwrap().contains(&told), "{reasons:?}");
}

/// An erasure excuses that its own text cannot be compared, and nothing else that the record says.
#[test]
fn an_erasure_hides_nothing_else() {
    for (what, with) in [
        ("100 % of web to Green: done", "50 % of web to Green: done"),
        ("\"logEntries\": 13", "\"logEntries\": 14"),
    ] {
        let mut log = story::short();
        let mut made = files(&log);
        let json = String::from_utf8(made["report.json"].clone()).unwrap();
        assert!(json.contains(what), "{json}");
        made.insert("report.json", json.replacen(what, with, 1).into_bytes());
        sign(&mut log, &mut made, Some(GENERATOR));
        assert_eq!(found(&verify(&log, &made).1), ["report-differs"]);
        erase_first_note(&mut log);
        let (status, said) = verify(&log, &made);
        assert_eq!((status, found(&said)), (1, vec!["report-differs"]), "{said:#}");
    }
}

/// An opening that is gone without an erasure of its own is a finding of the record too, whatever else was erased.
#[test]
fn an_erasure_excuses_its_own_opening_alone() {
    let mut log = story::short();
    let mut made = files(&log);
    sign(&mut log, &mut made, Some(GENERATOR));
    let erased = erase_first_note(&mut log);
    let checklist = log.log.deployments[&token(story::GOOD)].opened.body.reason.as_ref().map(|r| r.commit);
    let other = checklist.or_else(|| log.openings.keys().copied().find(|commit| *commit != erased)).unwrap();
    log.openings.remove(&other);
    let (_, said) = verify(&log, &made);
    assert_eq!(found(&said), ["report-differs"], "{said:#}");
}

fn erase_first_note(log: &mut TestLog) -> Hash {
    let note = (0..log.entries.len()).find_map(|seq| match story::event(&log.entries[seq]) {
        Event::NoteAdded(body) => Some(body.text.commit),
        _ => None,
    });
    let commit = note.unwrap();
    let reason: OpeningRef = log.opening("a credential");
    let by = [("alice", CUSTODIAN)];
    log.record(&by, Some(story::GOOD), &Event::OpeningErased(OpeningErased { commit, reason }));
    log.openings.remove(&commit);
    commit
}

#[test]
fn a_key_that_is_suspect_signs_no_record() {
    let mut log = story::short();
    let mut made = files(&log);
    let covers = log.head().unwrap().seq;
    sign(&mut log, &mut made, Some(GENERATOR));
    for (from, expected) in [(covers + 1, vec![]), (covers, vec!["report-key"])] {
        let mut log = log.clone();
        let reason = log.opening("laptop lost");
        let (key, person) = (secret("bob").public().keyid(), token("bob"));
        log.govern(&Event::KeyRevoked(KeyRevoked { compromised_from_seq: Some(from), key, person, reason }));
        let (_, said) = verify(&log, &made);
        assert_eq!(found(&said), expected, "{said:#}");
    }
}

#[test]
fn what_nothing_can_be_held_against_is_said_to_be_so() {
    let mut log = story::short();
    let mut other = files(&log);
    other.insert("SUMMARY.md", b"all signed, all well\n".to_vec());
    sign(&mut log, &mut other, Some(GENERATOR));
    let (status, said) = verify(&log, &other);
    assert_eq!((status, found(&said).len()), (4, 0), "{said:#}");
    assert!(
        said["record"]["notCompared"].as_str().unwrap().starts_with("SUMMARY.md is the file"),
        "{said:#}"
    );

    let mut log = story::short();
    let mut made = files(&log);
    sign(&mut log, &mut made, Some(GENERATOR));
    made.insert("export.txt", Vec::new());
    assert_eq!(found(&verify(&log, &made).1), ["report-file-stray"]);
}

#[test]
fn a_records_own_checkpoint_and_roster_are_held_against_the_log() {
    let before = story::short();
    let right = before.checkpoint();
    let stated = Checkpoint {
        origin: before.log.origin.clone(),
        size: before.entries.len() as u64,
        root: Hash::of(&[b"another history"]),
    };
    let forged = sign_checkpoint(&stated, &secret("log")).unwrap();
    let junk = "Cosigned by the external auditor on Friday: all in order.\n".to_owned();
    for (note, expected) in [(right, None), (forged, Some("checkpoint-root")), (junk, Some("checkpoint"))] {
        let mut log = before.clone();
        let mut made = files_with(&log, Some(note));
        sign(&mut log, &mut made, Some(GENERATOR));
        let (status, said) = verify(&log, &made);
        assert_eq!(status, i32::from(expected.is_some()), "{said:#}");
        assert_eq!(found(&said).first().copied(), expected, "{said:#}");
    }
    let mut log = before;
    let mut made = files(&log);
    sign_as(&mut log, &mut made, Some(GENERATOR), Some(Hash::of(&[b"no roster"])));
    assert_eq!(found(&verify(&log, &made).1), ["report-roster"]);
}
