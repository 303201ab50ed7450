//! What a check measured, as numbers for a picture: values by time, the history, and where there was nothing.

use std::collections::BTreeMap;

use crate::core::check::{Limit, Op, Phase};
use crate::core::time::Timestamp;
use crate::report::model::Check;

/// Everything about a check that its picture shows.
pub(super) struct Series {
    /// By time; of two values for one moment the one read later.
    pub values: Vec<(Timestamp, f64)>,
    /// Two values further apart than this, in milliseconds, are not joined.
    pub apart: i64,
    /// What one value stands for, in milliseconds; 0 where that is not said.
    period: i64,
    /// Stretches that were asked for and gave no value, by time, without overlap.
    pub missing: Vec<(Timestamp, Timestamp)>,
    /// Of the values of earlier days the 10th and the 90th percentile (nearest rank).
    pub history: Option<(f64, f64)>,
    /// The first and the last moment that was asked for.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Series {
    pub fn of(check: &Check) -> Self {
        let (mut values, mut history) = (BTreeMap::new(), BTreeMap::new());
        let (mut asked, mut span) = (Vec::new(), None);
        let mut period = 0;
        for reading in &check.readings {
            let at = reading.entry.recorded;
            let (from, to) = reading.window.map_or((at, at), |window| (window.from, window.to));
            let (first, last) = span.unwrap_or((from, to));
            span = Some((from.min(first), to.max(last)));
            period = period.max(reading.window.map_or(0, |window| i64::from(window.period) * 1000));
            if reading.points.is_empty() {
                values.extend(reading.value.as_ref().map(|value| (at, value.to_f64())));
            }
            values.extend(reading.points.iter().map(|point| (point.at, point.value.to_f64())));
            history.extend(reading.baseline_points.iter().map(|point| (point.at, point.value.to_f64())));
            if matches!(reading.phase, Some(Phase::NoData | Phase::Error)) && from < to {
                asked.push((from, to));
            }
        }
        let values: Vec<(Timestamp, f64)> =
            values.into_iter().filter(|(_, v): &(_, f64)| v.is_finite()).collect();
        let apart = if period > 0 { period * 5 / 2 } else { usual(&values).saturating_mul(5) / 2 };
        let missing = without(merged(asked), &values, period);
        Self { values, apart, period, missing, history: percentiles(history.into_values().collect()), span }
    }

    /// The lowest and the highest value.
    pub fn range(&self) -> Option<(f64, f64)> {
        let mut all = self.values.iter().map(|(_, value)| *value);
        let first = all.next()?;
        Some(all.fold((first, first), |(low, high), value| (low.min(value), high.max(value))))
    }

    /// The values as stretches that nothing is missing in.
    pub fn stretches(&self) -> impl Iterator<Item = &[(Timestamp, f64)]> {
        let joined = |a: &(Timestamp, f64), b: &(Timestamp, f64)| b.0.millis() - a.0.millis() <= self.apart;
        self.values.chunk_by(joined)
    }

    /// The same, and within a stretch of time also what was never asked for.
    pub fn missing_with(&self, within: Option<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
        let Some((from, to)) = within else { return self.missing.clone() };
        let ends = self.stretches().filter_map(|stretch| Some((stretch.first()?.0, stretch.last()?.0)));
        let mut all = self.missing.clone();
        let mut last = from;
        for (first, end) in ends {
            if first.millis() - last.millis() > self.apart - self.period {
                all.push((last.max(from), first.min(to)));
            }
            last = last.max(end.plus_seconds(self.period / 1000));
        }
        if to.millis() - last.millis() > self.apart - self.period {
            all.push((last, to));
        }
        merged(all.into_iter().filter(|(from, to)| from < to).collect())
    }
}

/// Whether a value stands in this relation to the limit.
pub(super) fn holds(limit: &Limit, value: f64) -> bool {
    let bound = limit.value.to_f64();
    match limit.op {
        Op::Lt => value < bound,
        Op::Le => value <= bound,
        Op::Gt => value > bound,
        Op::Ge => value >= bound,
    }
}

/// The median distance of neighbours, in milliseconds.
fn usual(values: &[(Timestamp, f64)]) -> i64 {
    let mut all: Vec<i64> = values.windows(2).map(|pair| pair[1].0.millis() - pair[0].0.millis()).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

fn percentiles(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let rank = |percent: usize| values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some((rank(10)?, rank(90)?))
}

fn merged(mut spans: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    spans.sort_unstable();
    let mut all: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, to) in spans {
        match all.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all
}

/// The stretches without those periods that have a value after all. `period` in milliseconds.
fn without(
    spans: Vec<(Timestamp, Timestamp)>,
    values: &[(Timestamp, f64)],
    period: i64,
) -> Vec<(Timestamp, Timestamp)> {
    let mut left = Vec::new();
    for (mut from, to) in spans {
        let first = values.partition_point(|(at, _)| *at < from);
        for (at, _) in values.iter().skip(first).take_while(|(at, _)| *at < to) {
            if from < *at {
                left.push((from, *at));
            }
            from = at.plus_seconds(period / 1000).max(*at);
        }
        if from < to {
            left.push((from, to));
        }
    }
    left
}
