//! Bodies that open, steer and close a deployment.

use serde::{Deserialize, Serialize};

use crate::core::check::{CheckSpec, Decimal};
use crate::core::checklist::{ItemSpec, PhaseSpec};
use crate::core::name::{Label, Token};
use crate::core::opening::OpeningRef;
use crate::core::strict;

/// Body of `deployment-opened`: all that the fold needs, in clear and never erasable.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentOpened {
    /// Who holds which role.
    pub assignments: Vec<Assignment>,
    /// The checklist as frozen.
    pub checklist: FrozenChecklist,
    /// The checks and their limits.
    pub checks: Vec<CheckSpec>,
    /// For example `prod`.
    pub environment: Label,
    /// Windows and permissions.
    pub policy: Policy,
    /// Why the change is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<OpeningRef>,
    /// The deployment that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redeploy_of: Option<Token>,
    /// Present and true in a rehearsal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "strict::stated")]
    pub rehearsal: bool,
    /// What is released, for example `v2.14.0`.
    pub release: Label,
    /// The risk that the team gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// The services whose traffic moves.
    pub services: Vec<Label>,
    /// The change ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Label>,
    /// The type of change.
    #[serde(rename = "type")]
    pub change_type: ChangeType,
}

/// A role of this deployment and who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assignment {
    /// A person of the roster.
    pub person: Token,
    /// A role of the roster.
    pub role: Token,
}

/// The checklist's shape in clear, its text as an opening.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrozenChecklist {
    /// In document order.
    pub items: Vec<ItemSpec>,
    /// In document order.
    pub phases: Vec<PhaseSpec>,
    /// The author's bytes.
    pub text: OpeningRef,
}

/// How long to verify, how long Blue stands by, and what a machine may do alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// The share of the window that each watched check must cover, in percent.
    pub coverage: Decimal,
    /// Whether a machine may trigger, start and finish a rollback.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "strict::stated")]
    pub machine_rollback: bool,
    /// Minutes that Blue stands by after 100 % Green.
    pub standby_minutes: u32,
    /// Minutes of verification after 100 % Green.
    pub verification_minutes: u32,
}

impl Policy {
    /// Where it asks for less than the team's playbook: 60 minutes of verification and of standby, 95 % coverage.
    #[must_use]
    pub fn weaker(&self) -> Vec<String> {
        let minutes = [("verification", self.verification_minutes), ("standby", self.standby_minutes)];
        let short = minutes.into_iter().filter(|(_, minutes)| *minutes < 60);
        let mut weaker: Vec<String> =
            short.map(|(what, minutes)| format!("{what} lasts {minutes} minutes, not 60")).collect();
        if self.coverage.to_f64() < 95.0 {
            weaker.push(format!("a watched check must cover {} % of the window, not 95 %", self.coverage));
        }
        weaker
    }
}

/// The type of change, as change management names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeType {
    /// Pre-approved and routine.
    Standard,
    /// Assessed on its own.
    Normal,
    /// To end or prevent an incident.
    Emergency,
}

/// The risk that the team gave the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

/// Body of `roles-assigned`: from here on the person holds the role instead of who held it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolesAssigned {
    /// Who takes it.
    pub person: Token,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<OpeningRef>,
    /// Which role.
    pub role: Token,
}

/// Body of `decision-made`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionMade {
    /// What was decided.
    pub decision: Decision,
    /// Of an override: the gate that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Why.
    pub reason: OpeningRef,
    /// Of an override: the one requirement that it waives, for example `item/env-audit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waives: Option<Label>,
}

/// The decisions of the Lead Deployer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The deployment may act.
    Go,
    /// It may not, for now.
    NoGo,
    /// Verification has ended well.
    AllClear,
    /// One requirement of one gate is waived.
    Override,
    /// The deployment ends without having been finished.
    Abort,
}

/// The gates that refuse acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Before `go`.
    Go,
    /// Before traffic moves to Green.
    Shift,
    /// Before `all-clear`.
    AllClear,
    /// Before Blue is retired.
    Retire,
    /// Before an item is signed as done.
    Sign,
    /// Before the record is sealed.
    Close,
}

/// Body of `checklist-amended`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChecklistAmended {
    /// The checklist in force from here on.
    pub checklist: FrozenChecklist,
    /// Why.
    pub reason: OpeningRef,
}

/// Body of `deployment-closed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentClosed {
    /// How many entries the deployment has, this one included.
    pub entries: u64,
    /// How it ended, as folded from the entries before.
    pub outcome: Outcome,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All-clear.
    Completed,
    /// Everything is back on Blue.
    RolledBack,
    /// Some services are on Green and some on Blue.
    Partly,
    /// Ended by decision.
    Aborted,
    /// Never begun.
    NoGo,
}
