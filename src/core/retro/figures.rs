//! Figures of a period, each with its definition beside it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::habits::{self, CheckHabit, ItemHabit, PersonHabit, RequirementHabit};
use super::{Facts, Spread};
use crate::core::event::Outcome;
use crate::core::time::Timestamp;

const DAY: f64 = 86_400_000.0;

/// From when until when, the end left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// The first moment.
    pub since: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl Period {
    /// Whether a moment lies in it.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        at >= self.since && at < self.until
    }

    /// Its length in days.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn days(&self) -> f64 {
        (self.until.millis() - self.since.millis()) as f64 / DAY
    }
}

/// A share: so many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// So many.
    pub count: usize,
    /// Of so many.
    pub of: usize,
    /// Between 0 and 1; `None` of none.
    pub share: Option<f64>,
}

impl Rate {
    #[allow(clippy::cast_precision_loss)]
    fn new(count: usize, of: usize) -> Self {
        Self { count, of, share: (of > 0).then(|| count as f64 / of as f64) }
    }
}

/// The four figures of DORA.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dora {
    /// Deployments that reached production, a day.
    pub per_day: Option<f64>,
    /// How many reached production.
    pub deployed: usize,
    /// From the commit to 100 % Green, in seconds.
    pub lead_time: Option<Spread>,
    /// Of how many the commit's time, or the moment of 100 % Green, is not known.
    pub lead_time_unknown: usize,
    /// How many of those that reached production failed.
    pub change_failure: Rate,
    /// From the first trigger to the end of the rollback, in seconds.
    pub restore: Option<Spread>,
    /// Failed ones that no complete rollback restored, as far as the record says.
    pub not_restored: usize,
}

impl Dora {
    /// What each figure means: its name in JSON, and its definition.
    pub const DEFINITIONS: [(&'static str, &'static str); 4] = [
        (
            "perDay",
            "deployment frequency: deployments opened in the period whose traffic came to Green (any share, as recorded), \
             divided by the period's days",
        ),
        (
            "leadTime",
            "lead time for changes: from the committer's time of the deployed commit to the first moment with every service \
             at 100 % Green; where either is not known the deployment is left out and counted as not known",
        ),
        (
            "changeFailure",
            "change failure rate: of the deployments that reached production, those with a rollback begun, or that ended rolled \
             back, partly rolled back or aborted",
        ),
        (
            "restore",
            "time to restore service: of the failed ones, from the first rollback trigger on record (the rollback's beginning \
             where none stands before it) to the end of the first rollback that brought everything back to Blue; others are \
             counted as not restored",
        ),
    ];
}

/// How long a phase took.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseFigures {
    /// `opened → go` and so on.
    pub phase: &'static str,
    /// In seconds; `None` where no deployment has both ends.
    pub seconds: Option<Spread>,
    /// How many lack an end of it.
    pub without: usize,
}

/// Everything that is said of a period.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// How many deployments, by how they ended (`open` where they have not).
    pub outcomes: BTreeMap<&'static str, usize>,
    /// DORA's four.
    pub dora: Dora,
    /// How long each phase took.
    pub phases: Vec<PhaseFigures>,
    /// Items that were late, not applicable, failed, withdrawn, or never signed.
    pub items: Vec<ItemHabit>,
    /// Requirements that were waived.
    pub waived: Vec<RequirementHabit>,
    /// Checks and how often their verdict changed.
    pub checks: Vec<CheckHabit>,
    /// Who signed and decided how often.
    pub people: Vec<PersonHabit>,
}

/// The word for an outcome in figures.
fn word(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("open", Outcome::as_str)
}

/// The figures of these deployments. `committed` gives the committer's time of a commit, where it is known.
#[must_use]
pub fn figures(
    deployments: &[&Facts],
    period: &Period,
    committed: &dyn Fn(&str) -> Option<Timestamp>,
) -> Figures {
    let mut outcomes = BTreeMap::new();
    for facts in deployments {
        *outcomes.entry(word(facts.outcome)).or_default() += 1;
    }
    Figures {
        outcomes,
        dora: dora(deployments, period, committed),
        phases: phases(deployments),
        items: habits::items(deployments),
        waived: habits::waived(deployments),
        checks: habits::checks(deployments),
        people: habits::people(deployments),
    }
}

#[allow(clippy::cast_precision_loss)]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

#[allow(clippy::cast_precision_loss)]
fn dora(deployments: &[&Facts], period: &Period, committed: &dyn Fn(&str) -> Option<Timestamp>) -> Dora {
    let live: Vec<&&Facts> = deployments.iter().filter(|facts| facts.reached_production()).collect();
    let lead = live.iter().filter_map(|facts| {
        let from = committed(facts.commit.as_deref()?)?;
        // A commit younger than its own deployment says that a clock is wrong: that is no lead time.
        Some(seconds(facts.green?.millis() - from.millis())).filter(|lead| *lead >= 0.0)
    });
    let lead: Vec<f64> = lead.collect();
    let failed: Vec<&&&Facts> = live.iter().filter(|facts| facts.failed()).collect();
    let restored: Vec<f64> = failed.iter().filter_map(|facts| facts.restored_after()).map(seconds).collect();
    let days = period.days();
    Dora {
        per_day: (days > 0.0).then(|| live.len() as f64 / days),
        deployed: live.len(),
        lead_time_unknown: live.len() - lead.len(),
        lead_time: Spread::of(lead),
        change_failure: Rate::new(failed.len(), live.len()),
        not_restored: failed.len() - restored.len(),
        restore: Spread::of(restored),
    }
}

fn phases(deployments: &[&Facts]) -> Vec<PhaseFigures> {
    type Ends = fn(&Facts) -> (Option<Timestamp>, Option<Timestamp>);
    let all: [(&'static str, Ends); 6] = [
        ("opened → go", |f| (Some(f.opened), f.go)),
        ("go → cutover", |f| (f.go, f.cutover)),
        ("cutover → 100 % Green", |f| (f.cutover, f.green)),
        ("100 % Green → all-clear", |f| (f.green, f.all_clear)),
        ("all-clear → closed", |f| (f.all_clear, f.closed)),
        ("opened → closed", |f| (Some(f.opened), f.closed)),
    ];
    let of = |(phase, ends): (&'static str, Ends)| {
        let long = deployments.iter().filter_map(|facts| {
            let (from, to) = ends(facts);
            Some(to?.millis() - from?.millis()).filter(|millis| *millis >= 0).map(seconds)
        });
        let long: Vec<f64> = long.collect();
        PhaseFigures { phase, without: deployments.len() - long.len(), seconds: Spread::of(long) }
    };
    all.into_iter().map(of).collect()
}
