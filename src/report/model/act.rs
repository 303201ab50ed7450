//! What was done to the systems, the way back, and what people were told.

use serde::{Deserialize, Serialize};

use super::{Held, Place, Text};
use crate::core::event::{Act, Colour, Delivery, RollbackOutcome, StepName, Trigger};
use crate::core::name::{Label, Token};
use crate::core::time::Timestamp;
use crate::report::words;

/// A snapshot, a stage, or a change of the standby.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActLine {
    /// Where, when, who.
    pub entry: Place,
    /// The kind of event.
    pub kind: String,
    /// How far it is.
    pub act: Act,
    /// What it is, in words.
    pub text: String,
    /// Captured output or a remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
}

/// A movement of traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shift {
    /// Where, when, who.
    pub entry: Place,
    /// How far it is.
    pub act: Act,
    /// The service.
    pub service: Label,
    /// Share of the traffic that goes to `to`, 0 to 100.
    pub percent: u8,
    /// Where it moves.
    pub to: Colour,
    /// Captured output or a remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
}

impl super::Report {
    /// Everything that was done to the systems, in entry order: what, how far, where, captured output.
    #[must_use]
    pub fn done(&self) -> Vec<(String, Act, &Place, Option<&Text>)> {
        let shift = |s: &Shift| format!("{} % of {} to {}", s.percent, s.service, words::colour(s.to));
        let shifts = self.shifts.iter().map(|s| (shift(s), s.act, &s.entry, s.detail.as_ref()));
        let acts = self.acts.iter().map(|a| (a.text.clone(), a.act, &a.entry, a.detail.as_ref()));
        let mut all: Vec<_> = shifts.chain(acts).collect();
        all.sort_by_key(|(_, _, entry, _)| entry.seq);
        all
    }
}

/// A way back: why, who decided, how long each step took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollback {
    /// The reasons, in entry order.
    pub triggers: Vec<TriggerLine>,
    /// Who decided it and when; absent while nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Place>,
    /// Why, in the words of who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// The steps, in entry order.
    pub steps: Vec<RollbackStepLine>,
    /// Steps of the procedure that no event records as done.
    pub steps_missing: Vec<StepName>,
    /// When it ended; absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Place>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RollbackOutcome>,
    /// From the first trigger to the end, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_to_finish_seconds: Option<i64>,
    /// From the first trigger (or the decision) until the previous version was seen to work, by the signers' own
    /// clocks, in seconds; present where `rollback` itself looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_answered_seconds: Option<i64>,
    /// From the decision to the end, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_to_finish_seconds: Option<i64>,
}

/// A reason to roll back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TriggerLine {
    /// Where, when, who.
    pub entry: Place,
    /// Which of the team's criteria.
    pub trigger: Trigger,
    /// The check whose limit was breached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Token>,
    /// The entry of the reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<u64>,
    /// The value that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// One step of a rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackStepLine {
    /// Where, when, who.
    pub entry: Place,
    /// Which of the five.
    pub step: StepName,
    /// How far it is.
    pub act: Act,
    /// The service, where the step is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Label>,
    /// Seconds since the first trigger, or since the rollback began where there is none.
    pub since_trigger_seconds: i64,
    /// From the step's own intention, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_seconds: Option<i64>,
    /// Captured output or a remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
}

/// A message to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// Where, when, who.
    pub entry: Place,
    /// Where it went.
    pub channel: Label,
    /// What became of it.
    pub delivery: Delivery,
    /// The template that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Token>,
    /// Its exact text.
    pub text: Text,
    /// The receiver's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Held>,
}

/// A note or a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoteLine {
    /// Where, when, who.
    pub entry: Place,
    /// True for the outcome of a review.
    pub review: bool,
    /// The entry that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<u64>,
    /// Its text.
    pub text: Text,
    /// Present when it came after the closing, with the time of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_close: Option<Timestamp>,
}
