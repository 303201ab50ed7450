//! Sign-offs and decisions, and how far each item is.

use serde::{Deserialize, Serialize};

use super::{Place, Text};
use crate::core::check::{Decimal, Phase};
use crate::core::checklist::By;
use crate::core::event::{Decision, Gate, SignOutcome};
use crate::core::name::{Label, Token};

/// A sign-off or a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// Where, when, who.
    pub entry: Place,
    /// What was signed or decided.
    pub what: ApprovalKind,
    /// What the signer added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// The reason that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// Taken back, by which event and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

/// What was signed or decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ApprovalKind {
    /// One item of the checklist.
    Item {
        /// Its id.
        item: Token,
        /// The first line of its text, where the checklist's text is there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// What the sign-off says.
        outcome: SignOutcome,
        /// False where it was signed on a checklist that is not in force any more.
        current: bool,
    },
    /// A decision.
    Decision {
        /// Which.
        decision: Decision,
        /// Of an override: the gate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate: Option<Gate>,
        /// Of an override: the requirement that it waives.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waives: Option<Label>,
    },
}

/// A sign-off taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Withdrawal {
    /// Where, when, who.
    pub entry: Place,
    /// Why.
    pub reason: Text,
}

/// One item of the checklist in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// The first line of its text, where the checklist's text is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The roles that may sign; empty: anyone with a role.
    pub roles: Vec<String>,
    /// How far it is.
    pub status: ItemStatus,
    /// The event that ticks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// The entries of the sign-offs that count.
    pub signed: Vec<u64>,
    /// The check that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The newest verdict of that check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_phase: Option<Phase>,
    /// The newest value of that check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_value: Option<Decimal>,
}

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemStatus {
    /// Nobody has signed it.
    Open,
    /// Some of those who must sign have.
    Partly,
    /// Signed as done, or ticked by its event.
    Done,
    /// Signed as not applicable.
    Na,
    /// Signed as failed.
    Failed,
}

impl ItemStatus {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Partly => "partly signed",
            Self::Done => "done",
            Self::Na => "not applicable",
            Self::Failed => "failed",
        }
    }
}
