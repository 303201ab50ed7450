//! The types of `report.json`, version 1. Times are UTC with milliseconds, durations are whole seconds,
//! hashes lower-case hex, measured values decimal strings. Optional members are absent, never null.

mod act;
mod approval;
mod evidence;
mod people;
mod text;

use serde::{Deserialize, Serialize};

use super::controls::Mapped;
use crate::core::event::{ChangeType, Outcome, Risk};
use crate::core::hash::Hash;
use crate::core::name::{Label, Token};
use crate::core::time::Timestamp;

pub use act::{ActLine, Message, NoteLine, Rollback, RollbackStepLine, Shift, TriggerLine};
pub use approval::{Approval, ApprovalKind, Item, ItemStatus, Withdrawal};
pub use evidence::{Attachment, Check, Counts, Coverage, ReadingLine, Window};
pub use people::{
    Control, Custody, Key, KeyState, Participant, RoleHeld, RootHolder, RosterChange, Separation,
    SeparationRule,
};
pub use text::{Held, Place, Signature, Text};

/// The value of `schema` in every `report.json` of this shape.
pub const SCHEMA: &str = "https://project-aether.io/audit/report/v1";

/// The report of one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// True before `close`: more may follow.
    pub interim: bool,
    /// True where nothing real was deployed.
    pub rehearsal: bool,
    /// How it ended and what is to be known first.
    pub summary: Summary,
    /// Gaps, overrides and breaches, the gravest first, then in entry order.
    pub attention: Vec<Attention>,
    /// What this is the record of.
    pub identity: Identity,
    /// Who took part, by person id.
    pub people: Vec<Participant>,
    /// Who controls the roster, and how keys are kept.
    pub control: Control,
    /// Whether duties were kept apart.
    pub separation: Separation,
    /// Every sign-off and decision, in entry order.
    pub approvals: Vec<Approval>,
    /// The checklist in force, in its order.
    pub items: Vec<Item>,
    /// The verification window, once every service was at 100 % Green.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Checks with their limits and readings, in the order of the configuration.
    pub checks: Vec<Check>,
    /// Evidence that answers no check: what people brought.
    pub attachments: Vec<Attachment>,
    /// Snapshots, stages, and changes of the standby, in entry order.
    pub acts: Vec<ActLine>,
    /// Movements of traffic, in entry order.
    pub shifts: Vec<Shift>,
    /// Rollbacks, in entry order; a trigger that nobody answered is a rollback that never began.
    pub rollbacks: Vec<Rollback>,
    /// Messages to people, in entry order.
    pub communications: Vec<Message>,
    /// Notes and reviews, in entry order.
    pub notes: Vec<NoteLine>,
    /// Every event of the deployment, and governance while it was open, in entry order.
    pub timeline: Vec<Moment>,
    /// The control mapping: what all of this speaks for. Empty in reports of earlier versions.
    #[serde(default)]
    pub controls: Vec<Mapped>,
    /// What ties the report to the log.
    pub integrity: Integrity,
}

/// How it ended and what is to be known first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Summary {
    /// How it ended; absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Where it stands, in words.
    pub stage: String,
    /// One sentence for people.
    pub sentence: String,
    /// When it was opened, as recorded.
    pub opened: Timestamp,
    /// When it was closed, as recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
    /// When traffic first moved to Green: the moment that `sinceCutoverSeconds` counts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutover: Option<Timestamp>,
    /// Items done, not applicable, or ticked by their event.
    pub items_complete: u64,
    /// Items of the checklist in force.
    pub items: u64,
    /// How many overrides there are.
    pub overrides: u64,
    /// How many facts stand out of process.
    pub out_of_process: u64,
}

impl Summary {
    /// How it ended, or where it stands.
    #[must_use]
    pub fn state(&self) -> &str {
        match self.outcome {
            Some(outcome) => outcome.as_str(),
            None => &self.stage,
        }
    }
}

/// Something that whoever reads the report must not miss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attention {
    /// How grave it is.
    pub level: Level,
    /// Stable, for programs.
    pub code: String,
    /// The entry that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// For people.
    pub text: String,
    /// The reason that was given for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// How grave an [`Attention`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The record breaks its own rules, or the verifier found something.
    Critical,
    /// Out of process, overridden, failed or unfinished.
    Warning,
    /// To be known when judging the rest.
    Notice,
}

impl Level {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// What a report is the record of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// The deployment's id.
    pub deployment: Token,
    /// The origin of the log.
    pub log: String,
    /// For example `prod`.
    pub environment: Label,
    /// What was released.
    pub release: Label,
    /// The services whose traffic moved.
    pub services: Vec<Label>,
    /// Commit and artifact digests.
    pub artifacts: Vec<Artifact>,
    /// The type of change.
    #[serde(rename = "type")]
    pub change_type: ChangeType,
    /// Why the change was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// The change ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Label>,
    /// The risk that the team gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// The deployment that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeploy_of: Option<Token>,
    /// The commit of the checklist's text in force.
    pub checklist: Held,
    /// How often the checklist was amended.
    pub amendments: u64,
}

/// One thing that was deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Artifact {
    /// Its name.
    pub name: Label,
    /// `sha256` or `gitCommit`.
    pub algorithm: String,
    /// Hex.
    pub digest: String,
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moment {
    /// The entry.
    pub seq: u64,
    /// The writer's clock.
    pub recorded: Timestamp,
    /// Seconds from the cutover, negative before it; absent without a cutover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_cutover_seconds: Option<i64>,
    /// The kind of event.
    pub kind: String,
    /// Who signed it.
    pub by: String,
    /// Whether a machine did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machine: bool,
    /// What happened, in plain words.
    pub text: String,
    /// What people wrote with it; long texts are cut, with `…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// What is wrong or out of process about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<String>,
}

/// What ties the report to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Integrity {
    /// One sentence from the verifier.
    pub verdict: String,
    /// How many entries the deployment has.
    pub deployment_entries: u64,
    /// How many entries the log has.
    pub log_entries: u64,
    /// The leaf of entry 0.
    pub first_leaf: Hash,
    /// The newest entry.
    pub last_seq: u64,
    /// The leaf of the newest entry.
    pub last_leaf: Hash,
    /// RFC 6962 root over every entry.
    pub root: Hash,
    /// SHA-256 of the first roster.
    pub first_roster: Hash,
    /// A checkpoint as a signed note, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// Every finding of the verifier.
    pub findings: Vec<Finding>,
}

/// A finding of the verifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// The entry; absent where it is about the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub text: String,
}
