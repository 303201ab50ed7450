//! A deployment: a pure fold over its entries. Nothing here is stored.

mod apply;
mod doubt;
mod gate;
mod intent;
mod issues;
mod items;
mod outcome;
mod sound;
mod standing;
mod watch;
mod window;

pub use gate::Missing;
pub use items::{ItemProgress, ItemState};
pub use outcome::Stage;
pub use watch::newest;
pub use window::Coverage;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::check::{CheckSpec, Reading};
use super::event::{
    DecisionMade, DeploymentClosed, DeploymentOpened, Event, FrozenChecklist, ItemSigned, MessageSent,
    NoteAdded, ReportIssued, ReviewRecorded, RollbackFinished, RollbackStarted, RollbackStep,
    RollbackTriggered, SnapshotTaken, StageReached, StandbyChanged, TrafficShifted,
};
use super::hash::Hash;
use super::name::{Id, Label, Token};
use super::opening::OpeningRef;
use super::retro::CheckFacts;
use super::statement::{Statement, Subject};
use super::time::Timestamp;

/// A signer, by name, as the roster in force knew them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signatory {
    /// The person or machine.
    pub person: Token,
    /// In which role they signed.
    pub role: Token,
    /// With which key.
    pub key: Hash,
    /// Whether it is a machine.
    pub machine: bool,
}

/// Where and when an event stands, and who signed it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// Its entry.
    pub seq: u64,
    /// Its statement.
    pub id: Id,
    /// The signer's clock.
    pub time: Timestamp,
    /// The writer's clock.
    pub recorded: Timestamp,
    /// Who signed.
    pub by: Vec<Signatory>,
}

impl Meta {
    /// The signers' ids, for people.
    #[must_use]
    pub fn people(&self) -> String {
        self.by.iter().map(|signatory| signatory.person.as_str()).collect::<Vec<_>>().join(" and ")
    }

    /// Whether a machine signed.
    #[must_use]
    pub fn machine(&self) -> bool {
        self.by.iter().any(|signatory| signatory.machine)
    }
}

/// An event's body with its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record<T> {
    /// Where, when, who.
    pub meta: Meta,
    /// What.
    pub body: T,
}

/// A sign-off and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignOff {
    /// Where, when, who.
    pub meta: Meta,
    /// What was signed.
    pub body: ItemSigned,
    /// Taken back, by which event and why.
    pub withdrawn: Option<Record<OpeningRef>>,
    /// The entry in which the same person's newer word on the item stood already when this older one was joined: it
    /// counts for nothing.
    pub overtaken: Option<u64>,
}

/// Somebody in a role, for a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Holding {
    /// The role.
    pub role: Token,
    /// Who holds it.
    pub person: Token,
    /// From this entry on.
    pub from: u64,
    /// Up to and without this entry.
    pub until: Option<u64>,
}

/// How serious an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The writer never makes this: a finding.
    Violation,
    /// A fact out of process: stored, and shown loudly.
    OutOfProcess,
}

/// Something in the record that should not have been so.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The entry.
    pub seq: u64,
    /// Stable.
    pub code: &'static str,
    /// How serious.
    pub severity: Severity,
    /// For people.
    pub text: String,
}

/// One entry of a deployment, as the fold takes it.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    /// Its place in the log.
    pub seq: u64,
    /// The writer's clock.
    pub recorded: Timestamp,
    /// Who said it and when.
    pub statement: &'a Statement,
    /// What it says.
    pub event: &'a Event,
    /// Who signed, as the roster in force knew them.
    pub by: &'a [Signatory],
}

/// The state of one deployment after some of its entries. What is skipped when it is packed is what a closed one has let
/// go of by then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deployment {
    /// Its id.
    pub id: Token,
    /// Its opening.
    pub opened: Box<Record<DeploymentOpened>>,
    /// What is deployed; every statement repeats it.
    pub subject: Vec<Subject>,
    /// Its newest entry.
    pub last_seq: u64,
    /// Its newest entry that is no reading, message or note: a decision must have seen it.
    pub last_weighty: u64,
    /// How many entries it has.
    pub entries: u64,
    /// Who held which role when.
    pub holdings: Vec<Holding>,
    /// The checklist in force.
    pub checklist: FrozenChecklist,
    /// Amendments of it.
    #[serde(skip)]
    pub amendments: Vec<Record<OpeningRef>>,
    /// Every sign-off, withdrawn ones too.
    pub sign_offs: Vec<SignOff>,
    /// Readings and what people attached.
    #[serde(skip)]
    pub evidence: Vec<Record<Reading>>,
    /// Every decision and override.
    pub decisions: Vec<Record<DecisionMade>>,
    /// Database snapshots.
    #[serde(skip)]
    pub snapshots: Vec<Record<SnapshotTaken>>,
    /// Workflow stages.
    #[serde(skip)]
    pub stages: Vec<Record<StageReached>>,
    /// Movements of traffic.
    pub shifts: Vec<Record<TrafficShifted>>,
    /// Changes of the standby.
    #[serde(skip)]
    pub standby: Vec<Record<StandbyChanged>>,
    /// Reasons to roll back.
    pub triggers: Vec<Record<RollbackTriggered>>,
    /// Rollbacks begun.
    pub rollbacks: Vec<Record<RollbackStarted>>,
    /// Their steps.
    #[serde(skip)]
    pub rollback_steps: Vec<Record<RollbackStep>>,
    /// Rollbacks ended.
    pub rollback_ends: Vec<Record<RollbackFinished>>,
    /// Messages to people.
    #[serde(skip)]
    pub messages: Vec<Record<MessageSent>>,
    /// Notes.
    #[serde(skip)]
    pub notes: Vec<Record<NoteAdded>>,
    /// Reviews.
    #[serde(skip)]
    pub reviews: Vec<Record<ReviewRecorded>>,
    /// Reports made.
    #[serde(skip)]
    pub reports: Vec<Record<ReportIssued>>,
    /// The closing.
    pub closed: Option<Record<DeploymentClosed>>,
    /// What should not have been so.
    #[serde(skip)]
    pub issues: Vec<Issue>,
    /// Entries that nothing is judged by.
    distrusted: BTreeSet<u64>,
    /// What the gates need of the evidence.
    #[serde(skip)]
    watch: watch::Watch,
    /// How often the verdict of each check changed.
    flaps: BTreeMap<String, CheckFacts>,
    /// The entry of the newest word on an item by a person: a sign-off of theirs, or the withdrawal of one.
    words: BTreeMap<Token, BTreeMap<Token, u64>>,
    /// How many reviews there are, those let go included.
    reviewed: u64,
}

impl Deployment {
    /// Begins the fold with a `deployment-opened`; `None` for any other event.
    #[must_use]
    pub fn open(fact: &Fact) -> Option<Self> {
        let (Event::DeploymentOpened(body), Some(id)) = (fact.event, &fact.statement.predicate.deployment)
        else {
            return None;
        };
        let holdings = body
            .assignments
            .iter()
            .map(|a| Holding { role: a.role.clone(), person: a.person.clone(), from: fact.seq, until: None })
            .collect();
        Some(Self {
            id: id.clone(),
            subject: fact.statement.subject.clone(),
            last_seq: fact.seq,
            last_weighty: fact.seq,
            entries: 1,
            holdings,
            checklist: body.checklist.clone(),
            opened: Box::new(Record { meta: fact.meta(), body: body.clone() }),
            amendments: Vec::new(),
            sign_offs: Vec::new(),
            evidence: Vec::new(),
            decisions: Vec::new(),
            snapshots: Vec::new(),
            stages: Vec::new(),
            shifts: Vec::new(),
            standby: Vec::new(),
            triggers: Vec::new(),
            rollbacks: Vec::new(),
            rollback_steps: Vec::new(),
            rollback_ends: Vec::new(),
            messages: Vec::new(),
            notes: Vec::new(),
            reviews: Vec::new(),
            reports: Vec::new(),
            closed: None,
            issues: Vec::new(),
            distrusted: BTreeSet::new(),
            watch: watch::Watch::default(),
            flaps: BTreeMap::new(),
            words: BTreeMap::new(),
            reviewed: 0,
        })
    }

    /// Who holds a role now.
    #[must_use]
    pub fn holder(&self, role: &str) -> Option<&Token> {
        self.holdings.iter().find(|h| h.until.is_none() && h.role == *role).map(|h| &h.person)
    }

    /// The roles that a person holds now.
    pub fn roles_of<'a>(&'a self, person: &'a str) -> impl Iterator<Item = &'a Token> {
        self.holdings.iter().filter(move |h| h.until.is_none() && h.person == *person).map(|h| &h.role)
    }

    /// The newest evidence of a check: see [`newest`].
    #[must_use]
    pub fn latest(&self, check: &str) -> Option<&Record<Reading>> {
        let own = self.evidence.iter().filter(|record| record.body.check.as_deref() == Some(check));
        newest(own, |record| (record.meta.recorded, record.body.window))
    }

    /// Lets go of what the gates do not need, to hold memory on long logs; once closed, of nearly all.
    pub fn release(&mut self) {
        self.evidence = Vec::new();
        self.messages = Vec::new();
        self.notes = Vec::new();
        self.reviews = Vec::new();
        self.reports = Vec::new();
        self.issues = Vec::new();
        if self.closed.is_some() {
            self.watch = watch::Watch::default();
            self.amendments = Vec::new();
            self.snapshots = Vec::new();
            self.stages = Vec::new();
            self.standby = Vec::new();
            self.rollback_steps = Vec::new();
            self.opened.body.checks = Vec::new();
            self.opened.body.checklist.items = Vec::new();
            self.opened.body.checklist.phases = Vec::new();
            self.opened.body.assignments = Vec::new();
            self.checklist.items = Vec::new();
            self.checklist.phases = Vec::new();
            self.holdings.shrink_to_fit();
            self.sign_offs.shrink_to_fit();
            self.decisions.shrink_to_fit();
            self.shifts.shrink_to_fit();
        }
    }

    /// How often each check was read and changed its verdict, readings let go included.
    #[must_use]
    pub const fn flaps(&self) -> &BTreeMap<String, CheckFacts> {
        &self.flaps
    }

    /// How many reviews are recorded, those let go included.
    #[must_use]
    pub const fn reviewed(&self) -> u64 {
        self.reviewed
    }

    /// A check as it was frozen.
    #[must_use]
    pub fn check(&self, id: &str) -> Option<&CheckSpec> {
        self.opened.body.checks.iter().find(|spec| spec.id == id)
    }

    /// The services whose traffic moves.
    #[must_use]
    pub fn services(&self) -> &[Label] {
        &self.opened.body.services
    }
}

impl Fact<'_> {
    fn meta(&self) -> Meta {
        let predicate = &self.statement.predicate;
        Meta {
            seq: self.seq,
            id: predicate.id.clone(),
            time: predicate.time,
            recorded: self.recorded,
            by: self.by.to_vec(),
        }
    }
}
