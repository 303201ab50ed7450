//! Bodies of acts on systems: recorded as intended before they are tried, and again when they end.

use serde::{Deserialize, Serialize};

use crate::core::name::{Id, Label, Token};
use crate::core::opening::OpeningRef;
use crate::core::time::Timestamp;

/// How far an act is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// About to be tried; durable before it is.
    Intended,
    /// Tried and succeeded.
    Done,
    /// Tried and failed.
    Failed,
    /// Found to be so, whoever did it.
    Observed,
}

/// The two environments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// What served before.
    Blue,
    /// What the deployment brings.
    Green,
}

macro_rules! act_body {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $(@[$attr:meta])? $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            /// How far it is.
            pub act: Act,
            /// Captured output or a remark.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub detail: Option<OpeningRef>,
            /// The id of the statement that recorded the intention.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub intent: Option<Id>,
            $($(#[$field_doc])* $(#[$attr])? pub $field: $type,)*
        }
    };
}

act_body! {
    /// Body of `snapshot-taken`.
    SnapshotTaken {
        /// The database.
        resource: Label,
        /// The snapshot's identifier or ARN.
        @[serde(skip_serializing_if = "Option::is_none")]
        snapshot: Option<Label>,
    }
}

act_body! {
    /// Body of `stage-reached`.
    StageReached {
        /// The workflow run that it belongs to.
        @[serde(skip_serializing_if = "Option::is_none")]
        run: Option<Label>,
        /// For example `build`, `test`, `provision`, `deploy`.
        stage: Label,
    }
}

act_body! {
    /// Body of `traffic-shifted`.
    TrafficShifted {
        /// Share of the traffic that goes to `to`, 0 to 100.
        percent: u8,
        /// The service whose traffic moves.
        service: Label,
        /// Where it moves.
        to: Colour,
    }
}

act_body! {
    /// Body of `standby-changed`.
    StandbyChanged {
        /// The service whose standby it is.
        service: Label,
        /// What became of it.
        state: StandbyState,
        /// Until when it is kept.
        @[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    }
}

act_body! {
    /// Body of `rollback-step`.
    RollbackStep {
        /// The service, where the step is about one.
        @[serde(skip_serializing_if = "Option::is_none")]
        service: Option<Label>,
        /// Which of the five.
        step: StepName,
    }
}

/// What became of the standby environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandbyState {
    /// Kept ready.
    Kept,
    /// Kept longer than the policy says.
    Extended,
    /// Taken away.
    Retired,
}

/// The five steps of the team's rollback, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// "ROLLBACK INITIATED" to the channel.
    Announce,
    /// DNS back to Blue.
    RevertTraffic,
    /// The previous version verified.
    VerifyPrevious,
    /// Stakeholders told that it is complete.
    Notify,
    /// The incident review scheduled.
    ScheduleReview,
}

/// Body of `rollback-triggered`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackTriggered {
    /// The check whose limit was breached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Token>,
    /// The id of the statement that holds the reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Id>,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<OpeningRef>,
    /// Which of the team's criteria.
    pub trigger: Trigger,
}

/// The team's rollback criteria, and a person's own judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// HTTP 5xx error rate above the rollback limit.
    ErrorRate,
    /// Complete application unresponsiveness.
    Unresponsive,
    /// Database connectivity failure.
    Database,
    /// Critical security vulnerability.
    Security,
    /// Business-critical functionality failure.
    Business,
    /// Another check's rollback limit.
    Limit,
    /// A person's judgement.
    Manual,
}

/// Body of `rollback-started`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackStarted {
    /// Why.
    pub reason: OpeningRef,
}

/// Body of `rollback-finished`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackFinished {
    /// Captured output or a remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<OpeningRef>,
    /// How it ended.
    pub outcome: RollbackOutcome,
}

/// How a rollback ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackOutcome {
    /// Everything is back on Blue.
    Complete,
    /// Some services are.
    Partial,
    /// It did not succeed.
    Failed,
}
