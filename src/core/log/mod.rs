//! The log as a fold: rosters, keys and deployments after some of its entries.
//!
//! It takes entries whose signatures and hashes somebody else has checked; what it finds is about
//! meaning: who may, in which order, under which roster.

mod governance;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::core::authority::{self, Context, Denied};
use crate::core::deployment::{Deployment, Fact, Issue, Severity, Signatory};
use crate::core::entry::Entry;
use crate::core::event::{Class, Event, EventError};
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::packed;
use crate::core::retro::Facts;
use crate::core::roster::{Roster, RosterError, RosterKey};
use crate::core::statement::Subject;

/// What is wrong with the meaning of an entry.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The kind or body.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The signers may not record it.
    #[error("{}", list(.0))]
    Denied(Vec<Denied>),
    /// The roster that it brings may not take force.
    #[error(transparent)]
    Roster(RosterError),
    /// Something about its place or its members.
    #[error("{text}")]
    Rule {
        /// Stable.
        code: &'static str,
        /// For people.
        text: String,
    },
    /// A deployment rule.
    #[error("{}", .0.text)]
    Deployment(Issue),
}

impl Fault {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Event(EventError::Unsupported(_)) => "kind-unsupported",
            Self::Event(EventError::Body { .. }) => "body",
            Self::Denied(denied) => match denied.first() {
                Some(Denied::Key(_)) => "key-unknown",
                Some(Denied::Separation { .. }) => "separation",
                _ => "not-authorised",
            },
            Self::Roster(_) => "roster",
            Self::Rule { code, .. } => code,
            Self::Deployment(issue) => issue.code,
        }
    }

    /// Whether it is only a fact out of process, which is shown but is no finding.
    #[must_use]
    pub fn out_of_process(&self) -> bool {
        matches!(self, Self::Deployment(issue) if issue.severity == Severity::OutOfProcess)
    }
}

fn list(denied: &[Denied]) -> String {
    denied.iter().map(Denied::to_string).collect::<Vec<_>>().join("; ")
}

/// A roster and from which entry on it is in force.
#[derive(Clone, Debug)]
pub struct RosterVersion {
    /// In force from the entry after this one.
    pub seq: u64,
    /// The roster.
    pub roster: Arc<Roster>,
    /// Its hash.
    pub hash: Hash,
    /// The kind of the event that brought it.
    pub kind: &'static str,
    /// The people whose keys signed it.
    pub by: Vec<Token>,
}

/// A key that was, or is, on the roster.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Whose.
    pub person: Token,
    /// The key as the roster had it.
    pub key: RosterKey,
    /// Who could have made it, where its holder may not have: as the roster says of it, or of a key that it
    /// replaced by that key's signature alone.
    pub made_by: Option<Token>,
    /// The entry that took it out of force.
    pub ended: Option<u64>,
    /// The key that it was rotated into.
    pub rotated_into: Option<Hash>,
    /// The revocations that make it suspect: its own, and those of the keys that were rotated into it.
    pub suspicions: Vec<Suspicion>,
}

/// What one `key-revoked` says of a key that may have been in other hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// The first entry that is suspect where the key signed it.
    pub from: u64,
    /// The revoking entry, which is excepted.
    pub by: u64,
}

impl KnownKey {
    /// From which entry on it is suspect.
    #[must_use]
    pub fn suspect_from(&self) -> Option<u64> {
        self.suspicions.iter().map(|suspicion| suspicion.from).min()
    }

    /// The same, where it is so of an entry `seq`.
    #[must_use]
    pub fn suspect_at(&self, seq: u64) -> Option<u64> {
        let meant = self.suspicions.iter().filter(|suspicion| suspicion.from <= seq && suspicion.by != seq);
        meant.map(|suspicion| suspicion.from).min()
    }
}

/// The state of a log after some of its entries.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The origin.
    pub origin: String,
    /// Whether it is a rehearsal's.
    pub rehearsal: bool,
    /// Every roster, oldest first.
    pub rosters: Vec<RosterVersion>,
    /// Every key that ever was on a roster.
    pub keys: BTreeMap<Hash, KnownKey>,
    /// The deployments, but for those in `sealed`.
    pub deployments: BTreeMap<Token, Deployment>,
    /// Deployments packed after their closing, to hold memory, until an entry names them again.
    sealed: BTreeMap<Token, Box<[u8]>>,
    /// Closed deployments that have let go of nearly all that they knew.
    released: BTreeSet<Token>,
    /// Deployments that entries name and that were never opened.
    unopened: BTreeSet<Token>,
    /// The facts of deployments before they were let go, packed, where somebody asked for them.
    facts: Option<BTreeMap<Token, Box<[u8]>>>,
    /// Deployments open when a roster changed: `(deployment, seq)`.
    pub roster_changed_during: Vec<(Token, u64)>,
}

/// What taking an entry gave.
#[derive(Debug, Default)]
pub struct Taken {
    /// The event, where the kind is known.
    pub event: Option<Event>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

impl Log {
    /// The roster in force.
    #[must_use]
    pub fn roster(&self) -> Option<&RosterVersion> {
        self.rosters.last()
    }

    /// The roster that judged an entry.
    #[must_use]
    pub fn roster_at(&self, seq: u64) -> Option<&RosterVersion> {
        self.rosters.iter().rev().find(|version| version.seq < seq).or_else(|| self.rosters.first())
    }

    /// Takes the next entry. `authors` names who signed the statement that carries an opening, for
    /// judging its erasure.
    pub fn take(&mut self, entry: &Entry, authors: impl Fn(&Hash) -> Vec<Token>) -> Taken {
        let statement = &entry.statement;
        if let Some(id) = &statement.predicate.deployment
            && let Some(deployment) = self.sealed.remove(id).and_then(|sealed| packed::unpack(&sealed))
        {
            self.deployments.insert(id.clone(), deployment);
        }
        let event = match Event::parse(statement.kind(), &statement.predicate.body) {
            Ok(event) => event,
            Err(error) => {
                let mut faults = vec![error.into()];
                faults.extend(self.take_unknown(entry));
                return Taken { event: None, faults };
            }
        };
        let mut faults = self.place(entry, &event);
        if event.class() == Class::Governance {
            faults.extend(self.govern(entry, &event));
        } else {
            faults.extend(self.happen(entry, &event, authors));
        }
        Taken { event: Some(event), faults }
    }

    /// Lets go of what the gates do not need, to hold memory on long logs: readings, messages, notes and
    /// the like of every deployment but `keep`, and nearly all of a closed one. Its place, count and outcome stay.
    pub fn release(&mut self, keep: Option<&Token>) {
        for (id, deployment) in &mut self.deployments {
            if keep == Some(id) {
                continue;
            }
            if deployment.closed.is_some()
                && self.released.insert(id.clone())
                && let Some(facts) = &mut self.facts
            {
                facts.extend(packed::pack(&Facts::of(deployment)).map(|packed| (id.clone(), packed)));
            }
            deployment.release();
            if deployment.closed.is_some()
                && let Some(packed) = packed::pack(deployment)
            {
                self.sealed.insert(id.clone(), packed);
            }
        }
        self.deployments.retain(|id, _| !self.sealed.contains_key(id));
    }

    /// Gives every deployment, those that were let go too, by id.
    pub fn each_deployment(&self, mut of: impl FnMut(&Deployment)) {
        let ids: BTreeSet<&Token> = self.deployments.keys().chain(self.sealed.keys()).collect();
        for id in ids {
            match self.deployments.get(id) {
                Some(deployment) => of(deployment),
                None => {
                    self.sealed.get(id).and_then(|sealed| packed::unpack(sealed)).iter().for_each(&mut of);
                }
            }
        }
    }

    /// From here on keeps the facts of each deployment, also once it is let go.
    pub fn keep_facts(&mut self) {
        self.facts.get_or_insert_default();
    }

    /// The facts of every deployment: `None` where they were not kept. One that changed after it was closed and let go
    /// is left out.
    #[must_use]
    pub fn facts(&self) -> Option<Vec<Facts>> {
        let kept = self.facts.as_ref()?;
        let mut all = Vec::new();
        self.each_deployment(|deployment| {
            all.extend(match kept.get(&deployment.id) {
                Some(packed) => packed::unpack(packed).and_then(|facts: Facts| facts.brought_up(deployment)),
                None => Some(Facts::of(deployment)).filter(|_| !self.released.contains(&deployment.id)),
            });
        });
        Some(all)
    }

    /// What holds for a statement of any kind: its log, roster, subject and count.
    fn take_unknown(&mut self, entry: &Entry) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut rule = |code, text: String| faults.push(Fault::Rule { code, text });
        let predicate = &entry.statement.predicate;
        if predicate.log != self.origin {
            rule("log", format!("the statement was made for the log {}", predicate.log));
        }
        if !self.had_roster(&predicate.roster) {
            rule("roster", "the statement names a roster that this log never had".into());
        }
        let id = predicate.deployment.as_ref();
        if let Some(deployment) = id.and_then(|id| self.deployments.get_mut(id)) {
            if entry.statement.subject != deployment.subject {
                rule("subject", "the subject is not the one that the deployment was opened with".into());
            }
            if entry.line.deployment_seq != Some(deployment.entries) {
                let text =
                    format!("deploymentSeq is not {}, the next of {}", deployment.entries, deployment.id);
                rule("deployment-seq", text);
            }
            deployment.entries =
                entry.line.deployment_seq.unwrap_or(deployment.entries).max(deployment.entries) + 1;
            deployment.last_seq = entry.line.seq;
        }
        faults
    }

    fn had_roster(&self, hash: &Hash) -> bool {
        self.rosters.iter().rev().any(|version| version.hash == *hash)
    }

    fn place(&self, entry: &Entry, event: &Event) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut rule = |code, text: String| faults.push(Fault::Rule { code, text });
        let predicate = &entry.statement.predicate;
        let first = entry.line.seq == 0;
        if !first && predicate.log != self.origin {
            rule("log", format!("the statement was made for the log {}", predicate.log));
        }
        if first != matches!(event, Event::LedgerOpened(_)) {
            rule("order", "ledger-opened stands in entry 0 and nowhere else".into());
        }
        if first != predicate.seen.is_none() {
            rule("seen", "seen is absent in entry 0 and nowhere else".into());
        }
        let governance = event.class() == Class::Governance;
        let either = matches!(event, Event::OpeningErased(_));
        if !either && governance != predicate.deployment.is_none() {
            rule("deployment", format!("{} names a deployment where it should not, or none", event.kind()));
        }
        if !governance && !self.had_roster(&predicate.roster) {
            rule("roster", "the statement names a roster that this log never had".into());
        }
        faults
    }

    fn happen(&mut self, entry: &Entry, event: &Event, authors: impl Fn(&Hash) -> Vec<Token>) -> Vec<Fault> {
        let mut faults = Vec::new();
        let Some(roster) = self.rosters.last().map(|version| Arc::clone(&version.roster)) else {
            return faults;
        };
        let id = entry.statement.predicate.deployment.clone();
        let known = id.as_ref().and_then(|id| self.deployments.get(id));
        let authors = match event {
            Event::OpeningErased(body) => authors(&body.commit),
            _ => Vec::new(),
        };
        let context = Context { deployment: known, authors: &authors };
        let by = match authority::check(event, &entry.statement, &roster, context) {
            Ok(by) => by,
            Err(denied) => {
                let by = self.best_effort(entry);
                faults.push(Fault::Denied(denied));
                by
            }
        };
        let Some(id) = id else {
            return faults;
        };
        self.take_fact(&id, entry, event, &by, &mut faults);
        faults
    }

    fn take_fact(
        &mut self,
        id: &Token,
        entry: &Entry,
        event: &Event,
        by: &[Signatory],
        faults: &mut Vec<Fault>,
    ) {
        let seq = entry.line.seq;
        let fact = Fact { seq, recorded: entry.line.recorded, statement: &entry.statement, event, by };
        let stated = entry.line.deployment_seq;
        let counted = if let Some(deployment) = self.deployments.get_mut(id) {
            faults.extend(unseen(deployment, entry, event));
            let counted = deployment.entries;
            let before = deployment.issues.len();
            deployment.apply(&fact);
            faults.extend(deployment.issues.iter().skip(before).cloned().map(Fault::Deployment));
            let suspect = |key: &Hash, seq| governance::suspicious(&self.keys, key, seq);
            if deployment.closed.is_none() && by.iter().any(|by| suspect(&by.key, seq)) {
                deployment.distrust_keys(suspect);
            }
            if self.released.contains(id) {
                deployment.release();
            }
            // After a break the count goes on from what the entry says, so that one break is one fault.
            deployment.entries = match stated {
                Some(stated) if stated < counted => counted,
                Some(stated) => stated + 1,
                None => counted + 1,
            };
            counted
        } else if let Some(deployment) = Deployment::open(&fact) {
            faults.extend(deployment.unsound().map(|text| Fault::Rule { code: "opened", text }));
            self.deployments.insert(id.clone(), deployment);
            0
        } else {
            if self.unopened.insert(id.clone()) {
                let text =
                    format!("{id} was never opened: neither this nor its later entries can be judged by it");
                faults.push(Fault::Rule { code: "not-opened", text });
            }
            return;
        };
        if stated != Some(counted) {
            let stated = stated.map_or("absent".into(), |stated| stated.to_string());
            let text = format!("deploymentSeq is {stated}, the next of {id} is {counted}");
            faults.push(Fault::Rule { code: "deployment-seq", text });
        }
    }

    /// The signers by name as far as any roster knew them, for showing what a refused entry says.
    fn best_effort(&self, entry: &Entry) -> Vec<Signatory> {
        let signers = entry.statement.predicate.signers.iter();
        signers
            .filter_map(|signer| {
                let known = self.keys.get(&signer.key)?;
                let (person, role, key) = (known.person.clone(), signer.role.clone(), signer.key);
                Some(Signatory { person, role, key, machine: false })
            })
            .collect()
    }
}

/// A decision or an act that was signed without having seen what stood before it in its deployment.
fn unseen(deployment: &Deployment, entry: &Entry, event: &Event) -> Option<Fault> {
    let seen = entry.statement.predicate.seen?.seq;
    if !event.must_have_seen() || deployment.last_weighty <= seen {
        return None;
    }
    let text = format!(
        "{} was signed having seen entry {seen}; entry {} of its deployment stood before it",
        event.kind(),
        deployment.last_weighty
    );
    Some(Fault::Rule { code: "unseen", text })
}

/// The subject of every governance statement: the origin with the hash of the roster after it.
#[must_use]
pub fn governance_subject(roster: &Roster) -> Vec<Subject> {
    crate::core::name::Label::new(roster.log.clone())
        .map(|name| vec![Subject::sha256(name, roster.hash())])
        .unwrap_or_default()
}
