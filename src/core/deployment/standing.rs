//! Where a check stands after its readings, in the order of the time that they are about.

use std::collections::BTreeMap;

use super::{Deployment, Record, watch};
use crate::core::check::{Evaluation, Phase, Reading, Standing};
use crate::core::time::Timestamp;

impl Deployment {
    /// The readings of a check about what came after `from`, by the time that they are about (the end of their window, or
    /// the moment). Where several are about the same time the newest counts, but a failure to measure never does.
    #[must_use]
    pub fn readings_since(&self, check: &str, from: Option<Timestamp>) -> Vec<&Record<Reading>> {
        let mut by_time: BTreeMap<Timestamp, &Record<Reading>> = BTreeMap::new();
        for record in self.evidence.iter().filter(|record| record.body.check.as_deref() == Some(check)) {
            let (about, within) = about(record, from);
            if !within {
                continue;
            }
            let failed = record.body.phase == Some(Phase::Error);
            let known = by_time.get(&about).is_some_and(|known| known.body.phase != Some(Phase::Error));
            if !(failed && known) {
                by_time.insert(about, record);
            }
        }
        by_time.into_values().collect()
    }

    /// Where a check stands by its readings since `from`, those up to and with entry `after` left out.
    #[must_use]
    pub fn standing(&self, check: &str, from: Option<Timestamp>, after: Option<u64>) -> Standing {
        let Some(spec) = self.check(check) else { return Standing::NoData };
        let readings = self.readings_since(check, from).into_iter();
        let evaluations: Vec<Evaluation> = readings
            .filter(|record| after.is_none_or(|after| record.meta.seq > after))
            .filter_map(|record| spec.evaluation(&record.body))
            .collect();
        spec.standing(&evaluations)
    }
}

/// The time that a reading is about, and whether that came after `from`.
fn about(record: &Record<Reading>, from: Option<Timestamp>) -> (Timestamp, bool) {
    match &record.body.window {
        Some(window) if window.period > 0 => {
            // One that says that it is about the time after its own entry is about the last whole period before it.
            let to = window.to.min(watch::floor(record.meta.recorded, window.period));
            (to, from.is_none_or(|from| to > from))
        }
        _ => (record.meta.recorded, from.is_none_or(|from| record.meta.recorded >= from)),
    }
}
