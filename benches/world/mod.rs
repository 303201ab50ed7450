//! A project folder with a ledger of any size, for measuring: all of it real, its clock simulated.
//!
//! Every deployment is opened, signed off, watched, cleared and closed, so that `verify` finds nothing.
#![allow(dead_code)] // each measurement uses its own part

#[path = "../../tests/common/mod.rs"]
pub mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aether_audit::core::check::{Phase, Point, Reading, Window};
use aether_audit::core::dsse::{self, Envelope};
use aether_audit::core::entry::Entry;
use aether_audit::core::event::{Colour, Decision, Event, Outcome};
use aether_audit::core::opening::{Opening, refs_in};
use aether_audit::core::roster::{COMMS_LEAD, LEAD_DEPLOYER, QA_ENGINEER, RECORDER};
use aether_audit::ledger::{Ledger, Submission};

use common::{By, TestLog, root_name, secret, sign, story};

/// Of every private key in `private/`.
pub const PASSPHRASE: &str = "measuring";
/// Every so many readings carry the source's answer as an opening.
const ANSWERED: u64 = 10;
/// Every so many entries are a note that somebody wrote.
const NOTED: u64 = 50;

const ALICE: By = ("alice", LEAD_DEPLOYER);
const CAROL: By = ("carol", QA_ENGINEER);
const CI: By = ("ci", RECORDER);

/// A project with its ledger, and what the ledger says.
pub struct World {
    /// The project's folder.
    pub home: PathBuf,
    /// Its ledger.
    pub ledger: Ledger,
    /// The fold, the clock, the newest entries.
    pub log: TestLog,
    flushed: usize,
}

impl World {
    /// A new project: four on the roster, their keys in `private/`.
    pub fn new(home: &Path) -> Self {
        let make = |name: &str| fs::create_dir_all(home.join(name)).expect("the folder can be written");
        ["records", "keys", "private"].into_iter().for_each(make);
        let mut log = TestLog::init();
        log.enroll("bob", COMMS_LEAD);
        log.enroll("carol", QA_ENGINEER);
        log.enroll("ci", RECORDER);
        let toml = format!("[log]\norigin = \"{}\"\nledger = \"records/ledger.db\"\n", common::ORIGIN);
        fs::write(home.join("aether.toml"), toml).expect("the folder can be written");
        fs::write(home.join("keys/roster.sha256"), format!("{}\n", log.first_roster())).expect("as before");
        for name in ["alice", &root_name("alice"), "bob", "carol", "ci", "log"] {
            save_key(&home.join("private"), name);
        }
        let ledger = Ledger::create(&home.join("records/ledger.db")).expect("there is no ledger yet");
        let mut world = Self { home: home.to_owned(), ledger, log, flushed: 0 };
        world.flush();
        world
    }

    /// One deployment of `entries` entries from its opening to its closing, both included.
    pub fn deployment(&mut self, id: &str, entries: u64) {
        let from = self.log.entries.len() as u64;
        story::until_go(&mut self.log, id);
        story::shift(&mut self.log, id, Colour::Green);
        // What follows the readings: a sign-off, the all-clear, the closing.
        let told = self.log.entries.len() as u64 - from + 3;
        let readings = entries.saturating_sub(told);
        let minutes = u64::from(story::WINDOW);
        for minute in 0..minutes {
            for index in readings * minute / minutes..readings * (minute + 1) / minutes {
                self.happening(id, index);
            }
            self.log.tick(60);
            self.flush();
        }
        story::sign(&mut self.log, id, CAROL, "smoke");
        story::decide(&mut self.log, id, Decision::AllClear);
        story::close(&mut self.log, id, Outcome::Completed);
        self.flush();
        self.log.log.release(None);
    }

    fn happening(&mut self, id: &str, index: u64) {
        if index % NOTED == NOTED - 1 {
            story::note(&mut self.log, id, CAROL, &format!("note {index}: looks as it should"));
            return;
        }
        let event = self.reading(index);
        self.log.record(&[CI], Some(id), &event);
    }

    /// A reading as a source gives it, about a kilobyte as an entry.
    pub fn reading(&mut self, index: u64) -> Event {
        let (at, value) = (self.log.now, story::decimal(&format!("0.0{}", index % 10)));
        let answer =
            format!("{{\"index\":{index},\"Values\":[0.0{}],\"StatusCode\":\"Complete\"}}", index % 10);
        Event::MetricRead(Reading {
            check: Some("http-5xx".into()),
            source: "file".into(),
            phase: Some(Phase::Pass),
            value: Some(value.clone()),
            unit: Some("percent".into()),
            window: Some(Window { from: at, to: at.plus_seconds(60), period: 60 }),
            points: vec![Point { at, value }],
            response: index.is_multiple_of(ANSWERED).then(|| self.log.opening(&answer)),
            ..Reading::default()
        })
    }

    /// Stores what was recorded since the last time.
    pub fn flush(&mut self) {
        let new: Vec<Entry> = self.log.entries[self.flushed..]
            .iter()
            .map(|bytes| Entry::parse(bytes).expect("it was made by the core"))
            .collect();
        for group in new.chunk_by(|a, b| a.line.recorded == b.line.recorded) {
            let submissions: Vec<Submission> = group.iter().map(|entry| self.submission(entry)).collect();
            self.ledger.append_all(group[0].line.recorded, &submissions).expect("the ledger takes them");
        }
        self.flushed = self.log.entries.len();
        let head = self.ledger.head().expect("the ledger can be read").map(|head| head.leaf);
        assert_eq!(head, self.log.head().map(|seen| seen.leaf), "the ledger holds what was recorded");
    }

    fn submission(&mut self, entry: &Entry) -> Submission {
        let commits = refs_in(entry.statement.predicate.body.get());
        let files = commits.iter().filter_map(|commit| self.log.openings.remove(commit));
        let openings = files.map(|file| Opening::from_file_bytes(&file).expect("it was made by the core"));
        Submission { envelope: entry.line.envelope.clone(), openings: openings.collect() }
    }

    /// Opens a deployment and takes it up to its go.
    pub fn open(&mut self, id: &str) {
        story::until_go(&mut self.log, id);
        self.flush();
    }

    /// A signed reading that has not got its place yet.
    pub fn signed_reading(&mut self, id: &str, index: u64) -> Submission {
        let event = self.reading(index);
        let statement = self.log.statement(&[CI], Some(id), &event);
        let envelope = sign(&statement, &[CI]);
        let commits = refs_in(statement.predicate.body.get());
        let files = commits.iter().filter_map(|commit| self.log.openings.remove(commit));
        let openings = files.map(|file| Opening::from_file_bytes(&file).expect("it was made by the core"));
        Submission { openings: openings.collect(), envelope }
    }

    /// Writes the checkpoint over everything so far, as a file beside the project's own.
    pub fn checkpoint(&self) -> PathBuf {
        let path = self.home.join("checkpoint");
        fs::write(&path, self.log.checkpoint()).expect("the folder can be written");
        path
    }
}

/// Fills a new project with `entries` entries in deployments of `each`.
pub fn fill(home: &Path, entries: u64, each: u64, mut progress: impl FnMut(u64)) -> World {
    let mut world = World::new(home);
    let mut number = 0;
    loop {
        let left = entries.saturating_sub(world.log.entries.len() as u64);
        if left < 40 {
            break;
        }
        number += 1;
        let rest = left.saturating_sub(each);
        world.deployment(&format!("d-{number:05}"), if rest < 40 { left } else { each.min(left) });
        progress(world.log.entries.len() as u64);
    }
    world.checkpoint();
    world
}

/// The bytes that an envelope's signature is over.
pub fn message(envelope: &Envelope) -> Vec<u8> {
    dsse::pae(&dsse::decode(&envelope.payload).expect("it was made by the core"))
}

/// A private key without encryption, as a build machine gets it: PKCS#8 v1 (RFC 8410 §7) in PEM.
pub fn seed_pem(name: &str) -> String {
    let mut der =
        vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend(common::seed(name));
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", dsse::encode(&der))
}

fn save_key(folder: &Path, name: &str) {
    let file = match name.strip_suffix(" root") {
        Some(person) => format!("{person}.root"),
        None => name.to_owned(),
    };
    let salt = [7; 16];
    let pem = secret(name).to_encrypted_pem(PASSPHRASE.as_bytes(), salt, salt).expect("it encrypts");
    let path = folder.join(format!("{file}.pem"));
    fs::write(&path, pem.as_bytes()).expect("the folder can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
}
