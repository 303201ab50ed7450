//! A ledger with four people and one open deployment, and statements to append to it.

use std::path::{Path, PathBuf};

use aether_audit::core::checkpoint::{Checkpoint, sign_checkpoint};
use aether_audit::core::dsse::{self, Envelope};
use aether_audit::core::entry::Entry;
use aether_audit::core::event::{Event, NoteAdded};
use aether_audit::core::merkle::Tree;
use aether_audit::core::name::Id;
use aether_audit::core::opening::Opening;
use aether_audit::core::roster::{COMMS_LEAD, LEAD_DEPLOYER};
use aether_audit::core::statement::{Predicate, Seen, Statement};
use aether_audit::core::verify::{Anchors, Report, Verdict};
use aether_audit::ledger::{Ledger, Submission};
use tempfile::TempDir;

use crate::common::{By, ORIGIN, TestLog, secret, sign, signer, story, subject, token};
use crate::walk::walk;

pub const ALICE: By = ("alice", LEAD_DEPLOYER);
pub const BOB: By = ("bob", COMMS_LEAD);

pub struct World {
    /// Keeps the folder.
    pub dir: TempDir,
    pub path: PathBuf,
    /// What the ledger holds, in memory.
    pub log: TestLog,
}

impl World {
    /// The ledger in a folder of its own.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.db");
        let log = told();
        fill(&mut Ledger::create(&path).unwrap(), &log);
        Self { dir, path, log }
    }

    pub fn open(&self) -> Ledger {
        Ledger::open(&self.path).unwrap()
    }

    /// A note by bob who has seen the newest entry.
    pub fn note(&self, ledger: &Ledger, text: &str) -> Submission {
        note(&self.log, seen(ledger), text)
    }

    /// Any event by somebody who had seen `seen`.
    pub fn submission(&self, by: By, event: &Event, openings: Vec<Opening>, seen: Seen) -> Submission {
        submission(&self.log, by, event, openings, seen)
    }

    /// Everything that the verifier can check is in order, up to the newest entry.
    pub fn assert_clean(&self) -> Report {
        assert_clean(&self.path, &self.log)
    }
}

/// Entry 0, three people more, and a deployment opened.
pub fn told() -> TestLog {
    let mut log = TestLog::init();
    log.enroll("bob", COMMS_LEAD);
    log.enroll("carol", "qa-engineer");
    log.enroll("ci", "recorder");
    let opened = story::opened(&mut log);
    log.record(&[ALICE], Some(story::GOOD), &Event::DeploymentOpened(opened));
    log
}

/// Appends all of a log in memory.
pub fn fill(ledger: &mut Ledger, log: &TestLog) {
    for bytes in &log.entries {
        let entry = Entry::parse(bytes).unwrap();
        ledger.append(entry.line.recorded, &carrying(log, entry.line.envelope)).unwrap();
    }
}

/// An envelope with the openings of `log` that its statement names.
pub fn carrying(log: &TestLog, envelope: Envelope) -> Submission {
    let payload = String::from_utf8(dsse::decode(&envelope.payload).unwrap()).unwrap();
    let named = log.openings.iter().filter(|(commit, _)| payload.contains(&commit.to_string()));
    let openings = named.map(|(_, file)| Opening::from_file_bytes(file).unwrap()).collect();
    Submission { envelope, openings }
}

pub fn seen(ledger: &Ledger) -> Seen {
    let head = ledger.head().unwrap().unwrap();
    Seen { leaf: head.leaf, seq: head.seq }
}

/// A note by bob.
pub fn note(log: &TestLog, seen: Seen, text: &str) -> Submission {
    let opening = Opening { salt: random(), bytes: text.into() };
    let text = opening.reference("text/plain").unwrap();
    submission(log, BOB, &Event::NoteAdded(NoteAdded { about: None, text }), vec![opening], seen)
}

fn submission(log: &TestLog, by: By, event: &Event, openings: Vec<Opening>, seen: Seen) -> Submission {
    let predicate = Predicate {
        body: event.body().unwrap(),
        deployment: Some(token(story::GOOD)),
        id: Id::from_bytes(random()),
        log: ORIGIN.into(),
        roster: log.log.roster().unwrap().hash,
        seen: Some(seen),
        signers: vec![signer(&by)],
        time: log.now,
    };
    let statement = Statement::new(event.kind(), subject(), predicate);
    Submission { envelope: sign(&statement, &[by]), openings }
}

pub fn assert_clean(path: &Path, log: &TestLog) -> Report {
    let leaves = Ledger::open_read_only(path).unwrap().leaves().unwrap();
    let tree = Tree::new(&leaves);
    let checkpoint =
        Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root_at(tree.size()).unwrap() };
    let anchors = Anchors {
        first_roster: Some(log.first_roster()),
        checkpoints: vec![sign_checkpoint(&checkpoint, &secret("log")).unwrap()],
        ..Anchors::default()
    };
    let report = walk(path, &anchors);
    assert_eq!(report.verdict(), Verdict::Verified, "{:#?}", report.findings);
    assert_eq!(report.entries, leaves.len() as u64);
    report
}

pub fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}
