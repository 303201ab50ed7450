//! Checks with their readings, the verification window, and what people brought.

use std::collections::BTreeMap;

use super::Reader;
use crate::core::check::{CheckSpec, History, Phase, Reading};
use crate::core::deployment::Record;
use crate::report::model::{Attachment, Check, Counts, Coverage, ReadingLine, Text, Window};

/// What people brought is shown as text up to this size, in bytes.
pub const FILE_SHOWN_MAX: usize = 4096;
/// The source of what a person brought.
const PERSON: &str = "person";

pub(super) fn checks(reader: &Reader) -> Vec<Check> {
    let deployment = reader.deployment();
    let mut readings: BTreeMap<&str, Vec<ReadingLine>> = BTreeMap::new();
    for record in &deployment.evidence {
        if let Some(check) = record.body.check.as_deref() {
            readings.entry(check).or_default().push(reading(reader, record));
        }
    }
    let mut checks: Vec<Check> = Vec::new();
    for spec in &deployment.opened.body.checks {
        let own = readings.remove(spec.id.as_str()).unwrap_or_default();
        checks.push(check(reader, &spec.id, Some(spec), own));
    }
    for (id, own) in readings {
        checks.push(check(reader, id, None, own));
    }
    checks
}

fn check(reader: &Reader, id: &str, spec: Option<&CheckSpec>, readings: Vec<ReadingLine>) -> Check {
    let items = reader.deployment().checklist.items.iter().filter(|item| item.check.as_deref() == Some(id));
    let baseline = spec.and_then(|spec| spec.baseline.as_ref());
    let mut check = Check {
        id: id.into(),
        source: spec.map(|spec| spec.source),
        unit: spec.and_then(|spec| spec.unit.clone()),
        objective: spec.and_then(|spec| spec.objective.clone()),
        rollback: spec.and_then(|spec| spec.rollback.clone()),
        baseline_ratio: baseline.and_then(|baseline| match &baseline.history {
            History::Ratio(ratio) => Some(ratio.clone()),
            History::MannWhitney(_) => None,
        }),
        baseline_alpha: baseline.and_then(|baseline| match &baseline.history {
            History::Ratio(_) => None,
            History::MannWhitney(alpha) => Some(*alpha),
        }),
        baseline_days: baseline.map(|baseline| baseline.days),
        aggregate: spec.map(CheckSpec::aggregate),
        min_requests: spec.and_then(|spec| spec.min_requests),
        expect: spec.and_then(|spec| spec.expect.clone()),
        rules: spec.and_then(|spec| spec.rules.clone()),
        watch: spec.is_some_and(|spec| spec.watch),
        items: items.map(|item| item.id.clone()).collect(),
        last: None,
        counts: counts(&readings),
        readings,
    };
    check.last = check.newest(|_| true).and_then(|reading| reading.phase);
    check
}

fn counts(readings: &[ReadingLine]) -> Counts {
    let mut counts = Counts::default();
    for phase in readings.iter().filter_map(|reading| reading.phase) {
        match phase {
            Phase::Pass => counts.pass += 1,
            Phase::Warn => counts.warn += 1,
            Phase::NoData => counts.no_data += 1,
            Phase::Error => counts.error += 1,
            Phase::Trigger => counts.trigger += 1,
        }
    }
    counts
}

fn reading(reader: &Reader, record: &Record<Reading>) -> ReadingLine {
    let body = &record.body;
    ReadingLine {
        entry: reader.place(&record.meta),
        attested: body.source == PERSON,
        source: body.source.clone(),
        phase: body.phase,
        value: body.value.clone(),
        unit: body.unit.clone(),
        statistic: body.statistic.clone(),
        query: body.query.clone(),
        window: body.window,
        points: body.points.clone(),
        baseline: body.baseline.clone(),
        baseline_points: body.baseline_points.clone(),
        samples: body.samples,
        response: body.response.as_ref().map(|response| reader.held(response)),
        note: reader.maybe(body.note.as_ref()),
        detail: body.detail.clone(),
    }
}

pub(super) fn attachments(reader: &Reader) -> Vec<Attachment> {
    let own = reader.deployment().evidence.iter().filter(|record| record.body.check.is_none());
    own.map(|record| {
        let body = &record.body;
        let text = body.response.as_ref().filter(|r| r.media_type.starts_with("text/"));
        let text = text.map(|reference| reader.text(reference));
        Attachment {
            entry: reader.place(&record.meta),
            attested: body.source == PERSON,
            source: body.source.clone(),
            detail: if body.source == PERSON { body.detail.clone() } else { asked(body) },
            note: reader.maybe(body.note.as_ref()),
            file: body.response.as_ref().map(|response| reader.held(response)),
            text: text.filter(|text| !long(text)),
        }
    })
    .collect()
}

/// Whether a file is more than is shown of one.
fn long(text: &Text) -> bool {
    match text {
        Text::Shown { text, .. } => text.len() > FILE_SHOWN_MAX,
        Text::Binary { bytes, .. } => *bytes > FILE_SHOWN_MAX as u64,
        Text::Erased { .. } | Text::Missing { .. } => false,
    }
}

/// What was asked beside the checks, and what came of it: health, and production each second while traffic moved.
fn asked(body: &Reading) -> Option<String> {
    let phase = body.phase.map(|phase| phase.as_str().to_owned());
    let parts: Vec<String> = [body.query.clone(), phase, body.detail.clone()].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

pub(super) fn window(reader: &Reader) -> Option<Window> {
    let deployment = reader.deployment();
    let (from, to) = deployment.verification_window()?;
    let policy = &deployment.opened.body.policy;
    let coverage = deployment.coverage().into_iter().map(|c| Coverage {
        check: c.check,
        minutes: c.minutes,
        of: c.of,
        not_passed: c.not_passed,
    });
    Some(Window {
        from,
        to,
        minutes: policy.verification_minutes,
        needed_percent: policy.coverage.clone(),
        coverage: coverage.collect(),
    })
}
