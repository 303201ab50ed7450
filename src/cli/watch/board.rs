//! What a watch shows, put together from the ledger alone.

use serde::Serialize;

use super::plan::{Stretch, Watched};
use crate::core::check::{CheckSpec, Decimal, Phase, Standing};
use crate::core::deployment::{Coverage, Deployment};
use crate::core::time::Timestamp;

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub check: String,
    /// Its newest verdict.
    pub phase: Option<Phase>,
    /// Whether it fires, or is `error`, by its rules.
    pub standing: Standing,
    /// The values so far, by the time that they are about.
    pub values: Vec<Decimal>,
    /// The worst of them.
    pub worst: Option<Decimal>,
    /// The unit of the values, with a space before it.
    pub unit: String,
    /// Its limits.
    pub limits: String,
    /// Minutes that it covers, and minutes of the window.
    pub covered: Option<(u32, u32)>,
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// In the order of the configuration.
    pub rows: Vec<Row>,
    /// Minutes that are over.
    pub minute: u32,
    /// Minutes in all.
    pub of: u32,
    /// Seconds until the stretch is over; below 0 once it is.
    pub left: i64,
}

/// One reading, for programs and for lines.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// When it was recorded.
    pub recorded: Timestamp,
    /// Its entry.
    pub seq: u64,
    /// The check.
    pub check: String,
    /// Its verdict.
    pub phase: Option<Phase>,
    /// The value judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Decimal>,
    /// The end of what was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Board {
    /// As of `now`.
    #[must_use]
    pub fn new(deployment: &Deployment, stretch: &Stretch, checks: &[Watched], now: Timestamp) -> Self {
        let coverage = if stretch.look { Vec::new() } else { deployment.coverage() };
        let rows = checks.iter().map(|watched| row(deployment, stretch, &coverage, &watched.spec)).collect();
        let over = (now.millis() - stretch.from.millis()).div_euclid(60_000).clamp(0, stretch.of.into());
        let left = (stretch.to().millis() - now.millis()).div_euclid(1000);
        Self { rows, minute: u32::try_from(over).unwrap_or(stretch.of), of: stretch.of, left }
    }

    /// How many checks stand at each verdict, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        let names = [
            (Phase::Pass, "pass"),
            (Phase::Warn, "warn"),
            (Phase::NoData, "no-data"),
            (Phase::Error, "error"),
            (Phase::Trigger, "trigger"),
        ];
        for (phase, name) in names {
            let count = self.rows.iter().filter(|row| row.phase == Some(phase)).count();
            if count > 0 {
                parts.push(format!("{count} {name}"));
            }
        }
        let unread = self.rows.iter().filter(|row| row.phase.is_none()).count();
        if unread > 0 {
            parts.push(format!("{unread} not read yet"));
        }
        parts.join(", ")
    }

    /// The time left, for people.
    #[must_use]
    pub fn left(&self) -> String {
        if self.left <= 0 {
            return "the time is over, waiting for late data".into();
        }
        format!("{}:{:02} left", self.left / 60, self.left % 60)
    }
}

/// The readings that came after entry `after`.
#[must_use]
pub fn lines(
    deployment: &Deployment,
    checks: &[Watched],
    stretch: &Stretch,
    after: Option<u64>,
) -> Vec<Line> {
    let watched = |check: Option<&str>| checks.iter().any(|watched| check == Some(&watched.spec.id));
    let new = |seq: u64| after.is_none_or(|after| seq > after);
    deployment
        .evidence
        .iter()
        .filter(|record| new(record.meta.seq) && watched(record.body.check.as_deref()))
        .filter(|record| record.meta.recorded >= stretch.from)
        .map(|record| Line {
            recorded: record.meta.recorded,
            seq: record.meta.seq,
            check: record.body.check.clone().unwrap_or_default(),
            phase: record.body.phase,
            value: record.body.value.clone(),
            to: record.body.window.map(|window| window.to),
            detail: record.body.detail.clone(),
        })
        .collect()
}

fn row(deployment: &Deployment, stretch: &Stretch, coverage: &[Coverage], spec: &CheckSpec) -> Row {
    let readings = deployment.readings_since(&spec.id, Some(stretch.from));
    let values: Vec<Decimal> = readings.iter().filter_map(|record| record.body.value.clone()).collect();
    let order = |a: &&Decimal, b: &&Decimal| a.compare(b);
    let worst = if spec.rises() { values.iter().max_by(order) } else { values.iter().min_by(order) };
    let mut limits = Vec::new();
    limits.extend(spec.objective.as_ref().map(|limit| format!("objective {limit}")));
    limits.extend(spec.rollback.as_ref().map(|limit| format!("rollback {limit}")));
    Row {
        check: spec.id.clone(),
        phase: readings.iter().max_by_key(|record| record.meta.seq).and_then(|record| record.body.phase),
        standing: deployment.standing(&spec.id, Some(stretch.from), None),
        worst: worst.cloned(),
        values,
        unit: spec.unit.as_ref().map_or_else(String::new, |unit| format!(" {unit}")),
        limits: limits.join(", "),
        covered: coverage.iter().find(|c| c.check == spec.id).map(|c| (c.minutes, c.of)),
    }
}

/// The newest `width` values as a line of blocks, from the least to the greatest of them.
#[must_use]
pub fn sparkline(values: &[Decimal], width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown: Vec<f64> =
        values.iter().skip(values.len().saturating_sub(width)).map(Decimal::to_f64).collect();
    let least = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let block = |value: &f64| {
        let share = if most > least { (value - least) / (most - least) } else { 0.0 };
        let step = (1..8).filter(|step| share * 8.0 >= f64::from(*step)).count();
        BLOCKS.get(step).copied().unwrap_or('█')
    };
    shown.iter().map(block).collect()
}
