//! A real log in memory, made through the public core: for tests that need entries.
//!
//! Everything is derived from names and counters, so that the same story gives the same bytes.
#![allow(dead_code, missing_docs)] // each test binary uses its own part

pub mod story;

use std::collections::BTreeMap;

use aether_audit::core::checkpoint::{Checkpoint, Vkey, sign_checkpoint};
use aether_audit::core::dsse::{self, Envelope, PAYLOAD_TYPE, Signature};
use aether_audit::core::entry::{Entry, Line};
use aether_audit::core::event::{Class, Event, LedgerOpened, RosterChanged};
use aether_audit::core::hash::Hash;
use aether_audit::core::keys::SecretKey;
use aether_audit::core::log::{Log, governance_subject};
use aether_audit::core::merkle::{Frontier, leaf_hash};
use aether_audit::core::name::{Id, Label, Token};
use aether_audit::core::opening::{Opening, OpeningRef};
use aether_audit::core::roster::{
    COMMS_LEAD, CUSTODIAN, KeyUse, LEAD_DEPLOYER, Person, PersonKind, QA_ENGINEER, RECORDER, ROOT, RoleRule,
    Roster, RosterKey, proof_message,
};
use aether_audit::core::statement::{Predicate, Seen, Signer, Statement, Subject};
use aether_audit::core::time::Timestamp;
use aether_audit::core::verify::{Columns, Openings, Stored};

pub const ORIGIN: &str = "example.com/audit/test";
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A signer: who, and in which role; [`ROOT`] signs with the root key.
pub type By<'a> = (&'a str, &'a str);

/// A log with all its keys, and the clock of its world.
#[derive(Clone)]
pub struct TestLog {
    /// Every entry's bytes, in `seq` order.
    pub entries: Vec<Vec<u8>>,
    /// Salt ‖ bytes by commit.
    pub openings: BTreeMap<Hash, Vec<u8>>,
    /// What the next statement is signed and recorded at.
    pub now: Timestamp,
    /// The fold over the entries.
    pub log: Log,
    /// Statements made so far: ids and salts count on it.
    made: u64,
    origin: String,
}

impl TestLog {
    /// Entry 0: alice holds the root key and is Lead Deployer and custodian.
    pub fn init() -> Self {
        Self::init_at(ORIGIN)
    }

    pub fn init_at(origin: &str) -> Self {
        let now = Timestamp::parse("2026-07-03T02:00:00.000Z").unwrap();
        let mut log = Self {
            entries: Vec::new(),
            openings: BTreeMap::new(),
            now,
            log: Log::default(),
            made: 0,
            origin: origin.into(),
        };
        let roles = [LEAD_DEPLOYER, COMMS_LEAD, QA_ENGINEER, CUSTODIAN, RECORDER];
        let vkey = Vkey::new(origin, secret("log").public()).unwrap();
        let roster = Roster {
            log: origin.into(),
            log_keys: vec![vkey.to_string()],
            people: vec![log.person("alice", &[LEAD_DEPLOYER, CUSTODIAN], true)],
            previous: None,
            roles: roles.map(|role| (token(role), RoleRule { threshold: 1 })).into(),
            root_threshold: 1,
            separate: vec![(token(LEAD_DEPLOYER), token(QA_ENGINEER))],
            version: 1,
            witness_policy: None,
        };
        let names = BTreeMap::from([(token("alice"), log.opening("Alice Example"))]);
        log.govern(&Event::LedgerOpened(LedgerOpened { names, rehearsal: false, roster }));
        log
    }

    /// Somebody with a role key, and a root key if `root`; a machine where the role is the recorder's.
    pub fn person(&self, id: &str, roles: &[&str], root: bool) -> Person {
        let machine = roles.contains(&RECORDER);
        let mut keys = vec![self.roster_key(id, id, KeyUse::Role)];
        if root {
            keys.insert(0, self.roster_key(id, &root_name(id), KeyUse::Root));
        }
        Person {
            id: token(id),
            keys,
            kind: if machine { PersonKind::Machine } else { PersonKind::Person },
            roles: roles.iter().map(|role| token(role)).collect(),
        }
    }

    /// The roster's form of the key called `key`, held by `person`.
    pub fn roster_key(&self, person: &str, key: &str, key_use: KeyUse) -> RosterKey {
        let secret = secret(key);
        let proof = secret.sign(&proof_message(&self.origin, &token(person), key_use));
        RosterKey { made_by: None, proof: dsse::encode(&proof), public: secret.public(), key_use }
    }

    /// A roster change by alice that brings somebody on.
    pub fn enroll(&mut self, id: &str, role: &str) -> u64 {
        let mut roster = self.log.roster().unwrap().roster.successor();
        roster.people.push(self.person(id, &[role], false));
        self.govern(&Event::RosterChanged(RosterChanged { names: BTreeMap::new(), reason: None, roster }))
    }

    /// A governance event signed by alice's root key.
    pub fn govern(&mut self, event: &Event) -> u64 {
        self.record(&[("alice", ROOT)], None, event)
    }

    /// An opening of a text, kept beside the log.
    pub fn opening(&mut self, text: &str) -> OpeningRef {
        self.made += 1;
        let salt = Hash::of(&[b"salt", &self.made.to_be_bytes()]).0[..16].try_into().unwrap();
        let opening = Opening { salt, bytes: text.into() };
        self.openings.insert(opening.commit(), opening.to_file_bytes());
        opening.reference("text/plain").unwrap()
    }

    pub fn tick(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    /// The newest entry, as a signer sees it.
    pub fn head(&self) -> Option<Seen> {
        let last = self.entries.last()?;
        Some(Seen { leaf: leaf_hash(last), seq: self.entries.len() as u64 - 1 })
    }

    /// Signs an event having seen everything, and appends it. Gives its `seq`.
    pub fn record(&mut self, by: &[By], deployment: Option<&str>, event: &Event) -> u64 {
        let statement = self.statement(by, deployment, event);
        self.append(sign(&statement, by))
    }

    /// The statement that `record` would sign.
    pub fn statement(&mut self, by: &[By], deployment: Option<&str>, event: &Event) -> Statement {
        self.made += 1;
        let id =
            Hash::of(&[b"id", self.origin.as_bytes(), &self.made.to_be_bytes()]).0[..16].try_into().unwrap();
        let (subject, roster) = match event {
            _ if event.class() != Class::Governance => (subject(), self.log.roster().unwrap().hash),
            Event::LedgerOpened(body) => (governance_subject(&body.roster), body.roster.hash()),
            _ => {
                let before = self.log.roster().unwrap();
                (governance_subject(&roster_after(&before.roster, event)), before.hash)
            }
        };
        let predicate = Predicate {
            body: event.body().unwrap(),
            deployment: deployment.map(token),
            id: Id::from_bytes(id),
            log: self.origin.clone(),
            roster,
            seen: self.head(),
            signers: by.iter().map(signer).collect(),
            time: self.now,
        };
        Statement::new(event.kind(), subject, predicate)
    }

    /// Gives a signed statement its place.
    pub fn append(&mut self, envelope: Envelope) -> u64 {
        let seq = self.entries.len() as u64;
        let bytes = self.line(envelope, seq).to_bytes().unwrap();
        self.push(bytes);
        seq
    }

    /// The entry that `append` would make, numbered `seq`.
    pub fn line(&self, envelope: Envelope, seq: u64) -> Line {
        let payload = dsse::decode(&envelope.payload).unwrap();
        let deployment = Statement::parse(&payload).unwrap().predicate.deployment;
        let counted = |id: Token| self.log.deployments.get(&id).map_or(0, |deployment| deployment.entries);
        let prev = self.head().map_or(Hash::ZERO, |seen| seen.leaf);
        Line { deployment_seq: deployment.map(counted), envelope, prev, recorded: self.now, seq }
    }

    /// Puts bytes at the end, as a writer without any scruple would.
    pub fn push(&mut self, bytes: Vec<u8>) {
        if let Ok(entry) = Entry::parse(&bytes) {
            self.log.take(&entry, |_| Vec::new());
        }
        self.entries.push(bytes);
    }

    pub fn first_roster(&self) -> Hash {
        self.log.rosters[0].hash
    }

    /// A checkpoint over everything so far, signed by the log key.
    pub fn checkpoint(&self) -> String {
        self.checkpoint_at(self.entries.len())
    }

    pub fn checkpoint_at(&self, size: usize) -> String {
        let mut tree = Frontier::new();
        tree.extend(self.entries[..size].iter().map(|entry| leaf_hash(entry)));
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: tree.size(), root: tree.root() };
        sign_checkpoint(&checkpoint, &secret("log")).unwrap()
    }

    /// The root over the first `size` entries.
    pub fn root_at(&self, size: usize) -> Hash {
        let mut tree = Frontier::new();
        tree.extend(self.entries[..size].iter().map(|entry| leaf_hash(entry)));
        tree.root()
    }

    /// The first `size` entries of another log, with its openings, to go on from there otherwise.
    pub fn replayed(other: &Self, size: usize) -> Self {
        let mut log = Self { entries: Vec::new(), log: Log::default(), ..other.clone() };
        for bytes in &other.entries[..size] {
            log.now = recorded(bytes);
            log.push(bytes.clone());
        }
        log
    }

    /// The entries as a store with index columns gives them.
    pub fn stored(&self) -> Vec<Stored> {
        self.entries.iter().map(|bytes| Stored { bytes: bytes.clone(), columns: columns(bytes) }).collect()
    }

    pub fn entry(&self, seq: u64) -> Entry {
        Entry::parse(&self.entries[usize::try_from(seq).unwrap()]).unwrap()
    }
}

/// The openings of a test log, as a store.
impl Openings for TestLog {
    fn get(&mut self, commit: &Hash) -> Result<Option<Vec<u8>>, String> {
        Ok(self.openings.get(commit).cloned())
    }

    fn each(&mut self, found: &mut dyn FnMut(Hash)) -> Result<(), String> {
        self.openings.keys().for_each(|commit| found(*commit));
        Ok(())
    }
}

/// When an entry was recorded.
pub fn recorded(bytes: &[u8]) -> Timestamp {
    Entry::parse(bytes).unwrap().line.recorded
}

/// The index columns that an honest store would have.
pub fn columns(bytes: &[u8]) -> Option<Columns> {
    let entry = Entry::parse(bytes).ok()?;
    let predicate = &entry.statement.predicate;
    Some(Columns {
        seq: entry.line.seq,
        leaf: entry.leaf.0.to_vec(),
        deployment: predicate.deployment.as_ref().map(Token::to_string),
        deployment_seq: entry.line.deployment_seq,
        id: predicate.id.to_string(),
        kind: entry.statement.kind().into(),
    })
}

/// An envelope by the keys that `by` names.
pub fn sign(statement: &Statement, by: &[By]) -> Envelope {
    let payload = statement.to_bytes().unwrap();
    let message = dsse::pae(&payload);
    let signature = |by: &By| {
        let key = secret(&key_name(by));
        Signature { keyid: key.public().keyid(), sig: dsse::encode(&key.sign(&message)) }
    };
    let signatures = by.iter().map(signature).collect();
    Envelope { payload: dsse::encode(&payload), payload_type: PAYLOAD_TYPE.into(), signatures }
}

/// The key of that name; the same each time.
pub fn secret(name: &str) -> SecretKey {
    SecretKey::from_seed(&seed(name))
}

/// The seed of that key.
pub fn seed(name: &str) -> [u8; 32] {
    Hash::of(&[b"test key ", name.as_bytes()]).0
}

pub fn root_name(person: &str) -> String {
    format!("{person} root")
}

fn key_name((person, role): &By) -> String {
    if *role == ROOT { root_name(person) } else { (*person).into() }
}

pub fn signer(by: &By) -> Signer {
    Signer { key: secret(&key_name(by)).public().keyid(), role: token(by.1) }
}

pub fn subject() -> Vec<Subject> {
    vec![Subject::git_commit(label("aether"), COMMIT)]
}

pub fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

pub fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn roster_after(before: &Roster, event: &Event) -> Roster {
    match event {
        Event::RosterChanged(body) => body.roster.clone(),
        Event::KeyRotated(body) => before.rotated(&body.person, &body.old, &body.new).unwrap(),
        Event::KeyRevoked(body) => before.revoked(&body.person, &body.key).unwrap(),
        _ => panic!("{} changes no roster", event.kind()),
    }
}
