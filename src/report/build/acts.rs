//! What was done to the systems, and the way back.

use std::collections::HashMap;

use super::Reader;
use crate::core::check::Reading;
use crate::core::deployment::{Deployment, Record};
use crate::core::event::{Act, RollbackFinished, RollbackStep, RollbackTriggered, StepName};
use crate::core::name::Id;
use crate::core::time::Timestamp;
use crate::report::model::{ActLine, Rollback, RollbackStepLine, Shift, TriggerLine};
use crate::report::words;

pub(super) fn acts(reader: &Reader) -> Vec<ActLine> {
    let deployment = reader.deployment();
    let mut all = Vec::new();
    macro_rules! line {
        ($record:expr, $kind:expr, $text:expr) => {
            all.push(ActLine {
                entry: reader.place(&$record.meta),
                kind: $kind.into(),
                act: $record.body.act,
                text: $text,
                detail: reader.maybe($record.body.detail.as_ref()),
            })
        };
    }
    for record in &deployment.snapshots {
        line!(record, "snapshot-taken", words::snapshot(&record.body));
    }
    for record in &deployment.stages {
        line!(record, "stage-reached", words::stage(&record.body));
    }
    for record in &deployment.standby {
        line!(record, "standby-changed", words::standby_line(&record.body));
    }
    all.sort_by_key(|act| act.entry.seq);
    all
}

pub(super) fn shifts(reader: &Reader) -> Vec<Shift> {
    let shifts = reader.deployment().shifts.iter();
    shifts
        .map(|record| Shift {
            entry: reader.place(&record.meta),
            act: record.body.act,
            service: record.body.service.clone(),
            percent: record.body.percent,
            to: record.body.to,
            detail: reader.maybe(record.body.detail.as_ref()),
        })
        .collect()
}

/// Each rollback with the triggers before it; triggers that none answered make one that never began.
pub(super) fn rollbacks(reader: &Reader) -> Vec<Rollback> {
    let deployment = reader.deployment();
    let readings: HashMap<&Id, &Record<Reading>> =
        deployment.evidence.iter().map(|r| (&r.meta.id, r)).collect();
    let mut triggers = deployment.triggers.iter().peekable();
    let mut all = Vec::new();
    let ends = ends(deployment);
    for (index, started) in deployment.rollbacks.iter().enumerate() {
        let mut before = Vec::new();
        while let Some(trigger) = triggers.next_if(|trigger| trigger.meta.seq < started.meta.seq) {
            before.push(trigger);
        }
        let ended = ends.get(&started.meta.seq).copied();
        let next = deployment.rollbacks.get(index + 1).map_or(u64::MAX, |next| next.meta.seq);
        let first = if index == 0 { 0 } else { started.meta.seq };
        let steps = deployment
            .rollback_steps
            .iter()
            .filter(|s| (first..next).contains(&s.meta.seq))
            .collect::<Vec<_>>();
        let since = before.first().map_or(started.meta.recorded, |trigger| trigger.meta.recorded);
        let signed = before.first().map_or(started.meta.time, |trigger| trigger.meta.time);
        let answered = steps.iter().find(|s| {
            s.body.step == StepName::VerifyPrevious && s.body.act == Act::Done && s.body.intent.is_some()
        });
        let blue_answered_seconds = answered.map(|step| seconds(signed, step.meta.time));
        let took = |from: Timestamp| ended.map(|end| seconds(from, end.meta.recorded));
        let steps = lines(reader, &steps, since);
        let done = |step: &StepName| {
            steps.iter().any(|line| line.step == *step && matches!(line.act, Act::Done | Act::Observed))
        };
        all.push(Rollback {
            steps_missing: STEPS.into_iter().filter(|step| !done(step)).collect(),
            trigger_to_finish_seconds: before.first().and_then(|trigger| took(trigger.meta.recorded)),
            start_to_finish_seconds: took(started.meta.recorded),
            blue_answered_seconds,
            triggers: before.into_iter().map(|trigger| trigger_line(reader, trigger, &readings)).collect(),
            started: Some(reader.place(&started.meta)),
            reason: Some(reader.text(&started.body.reason)),
            steps,
            finished: ended.map(|end| reader.place(&end.meta)),
            outcome: ended.map(|end| end.body.outcome),
        });
    }
    let unanswered: Vec<TriggerLine> =
        triggers.map(|trigger| trigger_line(reader, trigger, &readings)).collect();
    if !unanswered.is_empty() {
        all.push(Rollback {
            triggers: unanswered,
            started: None,
            reason: None,
            steps: Vec::new(),
            steps_missing: Vec::new(),
            finished: None,
            outcome: None,
            trigger_to_finish_seconds: None,
            start_to_finish_seconds: None,
            blue_answered_seconds: None,
        });
    }
    all
}

/// The end of each rollback, by the entry of its beginning: an end is of the newest beginning before it that has
/// none yet. One that none stands before is of none.
fn ends(deployment: &Deployment) -> HashMap<u64, &Record<RollbackFinished>> {
    let mut begun: Vec<u64> = Vec::new();
    let mut starts = deployment.rollbacks.iter().map(|started| started.meta.seq).peekable();
    let mut ends = HashMap::new();
    for end in &deployment.rollback_ends {
        begun.extend(std::iter::from_fn(|| starts.next_if(|seq| *seq < end.meta.seq)));
        if let Some(seq) = begun.pop() {
            ends.insert(seq, end);
        }
    }
    ends
}

const STEPS: [StepName; 5] = [
    StepName::Announce,
    StepName::RevertTraffic,
    StepName::VerifyPrevious,
    StepName::Notify,
    StepName::ScheduleReview,
];

fn lines(reader: &Reader, steps: &[&Record<RollbackStep>], since: Timestamp) -> Vec<RollbackStepLine> {
    let intended: HashMap<&Id, Timestamp> = steps.iter().map(|s| (&s.meta.id, s.meta.recorded)).collect();
    steps
        .iter()
        .map(|record| RollbackStepLine {
            entry: reader.place(&record.meta),
            step: record.body.step,
            act: record.body.act,
            service: record.body.service.clone(),
            since_trigger_seconds: seconds(since, record.meta.recorded),
            took_seconds: record
                .body
                .intent
                .as_ref()
                .and_then(|intent| intended.get(intent))
                .map(|from| seconds(*from, record.meta.recorded)),
            detail: reader.maybe(record.body.detail.as_ref()),
        })
        .collect()
}

fn trigger_line(
    reader: &Reader,
    record: &Record<RollbackTriggered>,
    readings: &HashMap<&Id, &Record<Reading>>,
) -> TriggerLine {
    let reading = record.body.evidence.as_ref().and_then(|id| readings.get(id));
    let value = reading.and_then(|r| r.body.value.as_ref().map(|value| (value, r.body.unit.as_deref())));
    TriggerLine {
        entry: reader.place(&record.meta),
        trigger: record.body.trigger,
        check: record.body.check.clone(),
        evidence: record.body.evidence.as_ref().and_then(|id| reader.seq_of(id)),
        value: value
            .map(|(value, unit)| unit.map_or_else(|| value.to_string(), |unit| format!("{value} {unit}"))),
        reason: reader.maybe(record.body.reason.as_ref()),
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    (to.millis() - from.millis()) / 1000
}
