//! Events: the closed set of kinds with their strict bodies.
//!
//! A statement of another kind is kept and counted, but its meaning is unsupported here.

mod act;
mod deployment;
mod governance;
mod item;
mod record;

use serde_json::value::RawValue;

pub use act::{
    Act, Colour, RollbackFinished, RollbackOutcome, RollbackStarted, RollbackStep, RollbackTriggered,
    SnapshotTaken, StageReached, StandbyChanged, StandbyState, StepName, TrafficShifted, Trigger,
};
pub use deployment::{
    Assignment, ChangeType, ChecklistAmended, Decision, DecisionMade, DeploymentClosed, DeploymentOpened,
    FrozenChecklist, Gate, Outcome, Policy, Risk, RolesAssigned,
};
pub use governance::{KeyRevoked, KeyRotated, LedgerOpened, RosterChanged};
pub use item::{ItemSigned, ItemWithdrawn, SignOutcome};
pub use record::{Delivery, FileDigest, MessageSent, NoteAdded, OpeningErased, ReportIssued, ReviewRecorded};

use super::check::Reading;
use super::jcs;
use super::keys::PublicKey;

/// Why a statement's kind and body are not an event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// A kind that this version does not know.
    #[error("kind {0:?} is not supported by this version")]
    Unsupported(String),
    /// A known kind with a body of another shape.
    #[error("body of {kind}: {source}")]
    Body {
        /// The statement's kind.
        kind: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

macro_rules! events {
    ($(#[doc = $words:literal] $variant:ident($body:ty) = $kind:literal, $class:ident;)*) => {
        /// What happened, by kind.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant)]
        pub enum Event {
            $(#[doc = $words] $variant($body),)*
        }

        impl Event {
            /// Every kind, as it stands in the predicate type.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// Reads a body of the given kind strictly.
            ///
            /// # Errors
            /// [`EventError`] on an unknown kind or a body of another shape.
            pub fn parse(kind: &str, body: &RawValue) -> Result<Self, EventError> {
                match kind {
                    $($kind => serde_json::from_str(body.get())
                        .map(Self::$variant)
                        .map_err(|source| EventError::Body { kind: $kind, source }),)*
                    other => Err(EventError::Unsupported(other.to_owned())),
                }
            }

            /// The kind, as it stands in the predicate type.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// What sort of event it is.
            #[must_use]
            pub fn class(&self) -> Class {
                match self { $(Self::$variant(_) => Class::$class,)* }
            }

            /// What sort of event a kind is; `None` for an unknown kind.
            #[must_use]
            pub fn class_of(kind: &str) -> Option<Class> {
                match kind { $($kind => Some(Class::$class),)* _ => None }
            }

            /// A kind in words, for people; `None` for an unknown kind.
            #[must_use]
            pub fn words_of(kind: &str) -> Option<&'static str> {
                match kind { $($kind => Some($words.trim_ascii().trim_end_matches('.')),)* _ => None }
            }

            /// The body as canonical JSON, for a statement.
            ///
            /// # Errors
            /// Where the body is not representable in the format.
            pub fn body(&self) -> Result<Box<RawValue>, serde_json::Error> {
                let text = match self { $(Self::$variant(body) => jcs::to_string(body)?,)* };
                RawValue::from_string(text)
            }
        }
    };
}

/// What sort of event a kind is: it decides where the event may stand and what must have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// About the log itself: names no deployment.
    Governance,
    /// A decision or an act: its signer must have seen all but readings, messages and notes.
    Decision,
    /// Something that happened.
    Fact,
    /// A reading, message or note: nobody has to have seen it before they decide.
    Aside,
}

events! {
    /// Entry 0: the first roster.
    LedgerOpened(LedgerOpened) = "ledger-opened", Governance;
    /// A new roster, in force from the next entry.
    RosterChanged(RosterChanged) = "roster-changed", Governance;
    /// A person's key replaced by another of theirs.
    KeyRotated(KeyRotated) = "key-rotated", Governance;
    /// A key taken out of force.
    KeyRevoked(KeyRevoked) = "key-revoked", Governance;
    /// A deployment begins: release, people, checklist, checks, policy.
    DeploymentOpened(DeploymentOpened) = "deployment-opened", Decision;
    /// Somebody takes a role in this deployment.
    RolesAssigned(RolesAssigned) = "roles-assigned", Decision;
    /// Go, no-go, all-clear, override or abort.
    DecisionMade(DecisionMade) = "decision-made", Decision;
    /// The checklist in force replaced by another.
    ChecklistAmended(ChecklistAmended) = "checklist-amended", Decision;
    /// The record is sealed.
    DeploymentClosed(DeploymentClosed) = "deployment-closed", Decision;
    /// A role's sign-off of one item.
    ItemSigned(ItemSigned) = "item-signed", Fact;
    /// A sign-off taken back.
    ItemWithdrawn(ItemWithdrawn) = "item-withdrawn", Fact;
    /// A message to people.
    MessageSent(MessageSent) = "message-sent", Aside;
    /// Evidence from a check or a person.
    EvidenceCollected(Reading) = "evidence-collected", Aside;
    /// A database snapshot.
    SnapshotTaken(SnapshotTaken) = "snapshot-taken", Fact;
    /// A metric's reading against its limits.
    MetricRead(Reading) = "metric-read", Aside;
    /// A stage of the deployment workflow.
    StageReached(StageReached) = "stage-reached", Fact;
    /// Traffic moved between Blue and Green.
    TrafficShifted(TrafficShifted) = "traffic-shifted", Fact;
    /// The standby environment kept, extended or retired.
    StandbyChanged(StandbyChanged) = "standby-changed", Fact;
    /// One step of the rollback.
    RollbackStep(RollbackStep) = "rollback-step", Fact;
    /// A reason to roll back came up.
    RollbackTriggered(RollbackTriggered) = "rollback-triggered", Fact;
    /// The rollback began.
    RollbackStarted(RollbackStarted) = "rollback-started", Fact;
    /// The rollback ended.
    RollbackFinished(RollbackFinished) = "rollback-finished", Fact;
    /// A note.
    NoteAdded(NoteAdded) = "note-added", Aside;
    /// The outcome of a review.
    ReviewRecorded(ReviewRecorded) = "review-recorded", Aside;
    /// A report was made, with the digests of its files.
    ReportIssued(ReportIssued) = "report-issued", Aside;
    /// An opening was erased.
    OpeningErased(OpeningErased) = "opening-erased", Aside;
}

impl Event {
    /// The keys that a governance event itself brings on: it may be signed by them too.
    #[must_use]
    pub fn brought_keys(&self) -> Vec<PublicKey> {
        match self {
            Self::LedgerOpened(body) => body.roster.keys().map(|(_, key)| key.public.clone()).collect(),
            Self::RosterChanged(body) => body.roster.keys().map(|(_, key)| key.public.clone()).collect(),
            Self::KeyRotated(body) => vec![body.new.public.clone()],
            _ => Vec::new(),
        }
    }

    /// Whether its signer must have seen all that stands before it in its deployment, readings,
    /// messages and notes aside: decisions, and the intention to move traffic to Green. A rollback
    /// never waits.
    #[must_use]
    pub fn must_have_seen(&self) -> bool {
        match self {
            Self::TrafficShifted(body) => body.act == Act::Intended && body.to == Colour::Green,
            _ => self.class() == Class::Decision,
        }
    }
}
