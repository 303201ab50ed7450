//! Times, shares and the closed words of the format, for people.

use crate::core::check::{Phase, Reading};
use crate::core::deployment::Signatory;
use crate::core::event::{
    Act, ChangeType, Colour, Decision, DecisionMade, Delivery, Gate, Risk, RollbackOutcome, RollbackStep,
    RollbackTriggered, SignOutcome, SnapshotTaken, StageReached, StandbyChanged, StandbyState, StepName,
    TrafficShifted, Trigger,
};

/// `1 h 03 min 12 s`, `12 min 05 s`, `7 s`.
pub fn duration(seconds: i64) -> String {
    let total = seconds.unsigned_abs();
    let (days, hours, minutes, rest) = (total / 86_400, total / 3600 % 24, total / 60 % 60, total % 60);
    let sign = if seconds < 0 { "−" } else { "" };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{rest} s"),
        (0, 0, _) => format!("{sign}{minutes} min {rest:02} s"),
        (0, _, _) => format!("{sign}{hours} h {minutes:02} min {rest:02} s"),
        _ => format!("{sign}{days} d {hours:02} h {minutes:02} min"),
    }
}

/// `T−01:12:05` before the cutover, `T+00:03:10` after it.
pub fn relative(seconds: i64) -> String {
    let total = seconds.unsigned_abs();
    let sign = if seconds < 0 { '−' } else { '+' };
    format!("T{sign}{:02}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60)
}

/// `alice (lead-deployer) and bob (qa-engineer)`.
pub fn signatories(by: &[Signatory]) -> String {
    if by.is_empty() {
        return "a key that is on no roster".into();
    }
    let one = |s: &Signatory| format!("{} ({})", s.person, s.role);
    by.iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// Texts that people wrote are cut here where they stand beside others, in characters.
const SHORT_MAX: usize = 280;

/// `text` on one line, cut with `…`.
pub fn short(text: &str) -> String {
    let mut out = String::new();
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > SHORT_MAX * 4 {
            break;
        }
    }
    if out.chars().count() <= SHORT_MAX {
        out
    } else {
        out.chars().take(SHORT_MAX - 1).chain(['…']).collect()
    }
}

/// `1 entry`, `2 entries`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

pub const fn phase(phase: Option<Phase>) -> &'static str {
    match phase {
        Some(phase) => phase.as_str(),
        None => "no verdict",
    }
}

pub const fn act(act: Act) -> &'static str {
    match act {
        Act::Intended => "intended",
        Act::Done => "done",
        Act::Failed => "failed",
        Act::Observed => "observed",
    }
}

pub const fn colour(colour: Colour) -> &'static str {
    match colour {
        Colour::Blue => "Blue",
        Colour::Green => "Green",
    }
}

pub const fn change_type(change: ChangeType) -> &'static str {
    match change {
        ChangeType::Standard => "standard",
        ChangeType::Normal => "normal",
        ChangeType::Emergency => "emergency",
    }
}

pub const fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}

pub const fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Go => "go",
        Decision::NoGo => "no-go",
        Decision::AllClear => "all-clear",
        Decision::Override => "override",
        Decision::Abort => "abort",
    }
}

pub const fn gate(gate: Option<Gate>) -> &'static str {
    match gate {
        Some(Gate::Go) => "go",
        Some(Gate::Shift) => "shift",
        Some(Gate::AllClear) => "all-clear",
        Some(Gate::Retire) => "retire",
        Some(Gate::Sign) => "sign",
        Some(Gate::Close) => "close",
        None => "no gate",
    }
}

pub const fn sign_outcome(outcome: SignOutcome) -> &'static str {
    match outcome {
        SignOutcome::Done => "done",
        SignOutcome::Na => "not applicable",
        SignOutcome::Failed => "failed",
    }
}

pub const fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Sent => "sent",
        Delivery::Failed => "not delivered",
        Delivery::Reported => "sent by hand, as reported",
    }
}

pub const fn standby(state: StandbyState) -> &'static str {
    match state {
        StandbyState::Kept => "kept",
        StandbyState::Extended => "extended",
        StandbyState::Retired => "retired",
    }
}

pub const fn rollback_outcome(outcome: RollbackOutcome) -> &'static str {
    match outcome {
        RollbackOutcome::Complete => "complete",
        RollbackOutcome::Partial => "partial",
        RollbackOutcome::Failed => "failed",
    }
}

pub const fn step(step: StepName) -> &'static str {
    match step {
        StepName::Announce => "announce the rollback",
        StepName::RevertTraffic => "revert the traffic to Blue",
        StepName::VerifyPrevious => "verify the previous version",
        StepName::Notify => "notify the stakeholders",
        StepName::ScheduleReview => "schedule the incident review",
    }
}

/// A trigger in words.
pub const fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::ErrorRate => "HTTP 5xx error rate above the rollback limit",
        Trigger::Unresponsive => "complete application unresponsiveness",
        Trigger::Database => "database connectivity failure",
        Trigger::Security => "critical security vulnerability",
        Trigger::Business => "business-critical functionality failure",
        Trigger::Limit => "a check's rollback limit",
        Trigger::Manual => "a person's judgement",
    }
}

/// What an act is, with how far it is.
pub fn acted(what: &str, how_far: Act) -> String {
    format!("{what}: {}", act(how_far))
}

pub fn snapshot(body: &SnapshotTaken) -> String {
    let name = body.snapshot.as_ref().map(|snapshot| format!(" as {snapshot}")).unwrap_or_default();
    format!("snapshot of {}{name}", body.resource)
}

pub fn stage(body: &StageReached) -> String {
    let run = body.run.as_ref().map(|run| format!(" (run {run})")).unwrap_or_default();
    format!("stage {}{run}", body.stage)
}

pub fn standby_line(body: &StandbyChanged) -> String {
    let until = body.until.map(|until| format!(" until {}", until.human())).unwrap_or_default();
    format!("standby of {}: {}{until}", body.service, standby(body.state))
}

/// Whether these words of [`standby_line`] say that it ended.
pub fn is_retired(text: &str) -> bool {
    text.strip_suffix(standby(StandbyState::Retired)).is_some_and(|rest| rest.ends_with(": "))
}

pub fn shift(body: &TrafficShifted) -> String {
    format!("{} % of {} to {}", body.percent, body.service, colour(body.to))
}

pub fn rollback_step(body: &RollbackStep) -> String {
    let service = body.service.as_ref().map(|service| format!(" of {service}")).unwrap_or_default();
    format!("rollback step: {}{service}", step(body.step))
}

pub fn reading(body: &Reading) -> String {
    let mut text = String::from(body.check.as_deref().unwrap_or("evidence"));
    match body.phase {
        None => text += &format!(" from {}", body.source),
        Some(verdict) => text += &format!(": {verdict}"),
    }
    if let Some(value) = &body.value {
        text += &format!(", {value}");
        if let Some(unit) = &body.unit {
            text.extend([" ", unit]);
        }
    }
    if let Some(detail) =
        body.detail.as_ref().filter(|_| body.phase.is_some_and(|phase| phase != Phase::Pass))
    {
        text.extend([" – ", detail]);
    }
    text
}

pub fn decision_line(body: &DecisionMade) -> String {
    match (&body.waives, body.decision) {
        (Some(waives), Decision::Override) => {
            format!("OVERRIDE of the gate {}: waives {waives}", gate(body.gate))
        }
        (None, Decision::Override) => format!("OVERRIDE of the gate {}", gate(body.gate)),
        (_, other) => format!("decided: {}", decision(other)),
    }
}

pub fn trigger_words(body: &RollbackTriggered) -> String {
    let check = body.check.as_ref().map(|check| format!(" ({check})")).unwrap_or_default();
    format!("ROLLBACK TRIGGERED: {}{check}", trigger(body.trigger))
}

/// A closed word of the format, for people; as a method, so that templates can call it on any reference.
pub trait InWords {
    /// The word.
    fn words(&self) -> &'static str;
}

macro_rules! in_words {
    ($($type:ty => $words:path),* $(,)?) => {
        $(impl InWords for $type {
            fn words(&self) -> &'static str {
                $words(*self)
            }
        })*
    };
}

in_words! {
    Option<Phase> => phase,
    Act => act,
    Colour => colour,
    ChangeType => change_type,
    Risk => risk,
    Decision => decision,
    Option<Gate> => gate,
    SignOutcome => sign_outcome,
    Delivery => delivery,
    RollbackOutcome => rollback_outcome,
    StepName => step,
    Trigger => trigger,
}

/// Seconds, for people.
pub trait Seconds {
    /// See [`duration`].
    fn duration(&self) -> String;
    /// See [`relative`].
    fn relative(&self) -> String;
}

impl Seconds for i64 {
    fn duration(&self) -> String {
        duration(*self)
    }

    fn relative(&self) -> String {
        relative(*self)
    }
}

/// A number with its noun.
pub trait Counted {
    /// See [`count`].
    fn of(&self, one: &str, many: &str) -> String;
}

impl Counted for u32 {
    fn of(&self, one: &str, many: &str) -> String {
        count(u64::from(*self), one, many)
    }
}

impl Counted for u64 {
    fn of(&self, one: &str, many: &str) -> String {
        count(*self, one, many)
    }
}

impl Counted for usize {
    fn of(&self, one: &str, many: &str) -> String {
        count(*self as u64, one, many)
    }
}
