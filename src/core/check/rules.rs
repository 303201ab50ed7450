//! How the readings of a check add up: when a limit fires, and what missing data and failures to measure mean.

use serde::{Deserialize, Deserializer, Serialize};

use super::{CheckSpec, Measured, Phase, Reading, judge, present};
use crate::core::event::Trigger;

/// Frozen with a check. A check without them is of a record from before there were any: then every reading stands
/// for itself, failures to measure among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rules {
    /// So many failures to measure in a row make the check `error`; one alone is no reading of the metric.
    #[serde(deserialize_with = "at_least_one")]
    pub errors_after: u32,
    /// What no data means. Absent: it is not known, and `no-data`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingData>,
    /// Which of the team's rollback criteria the check stands for. Absent: `limit`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// How often the rollback limit is breached before it fires. Absent: once.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub trigger_after: Option<TriggerAfter>,
}

/// What it means that a source answered and had no point to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingData {
    /// As bad as the worst that the check knows: the rollback limit, or else the objective.
    Breaching,
    /// Nothing is wrong: what counts errors alone has nothing to give where there are none. It is still no pass.
    NotBreaching,
    /// It says nothing: what was known before stands, and no minute is covered.
    Ignore,
}

/// `times` of the newest `of` evaluations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Counts", into = "Counts")]
pub struct TriggerAfter {
    times: u32,
    of: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    of: u32,
    times: u32,
}

impl TriggerAfter {
    /// The most evaluations that are looked at.
    pub const MOST: u32 = 60;

    /// `None` unless 1 ≤ `times` ≤ `of` ≤ [`TriggerAfter::MOST`].
    #[must_use]
    pub fn new(times: u32, of: u32) -> Option<Self> {
        (1 <= times && times <= of && of <= Self::MOST).then_some(Self { times, of })
    }

    /// Reads `2 of 3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (times, of) = text.split_once(" of ")?;
        Self::new(times.trim().parse().ok()?, of.trim().parse().ok()?)
    }
}

impl std::fmt::Display for TriggerAfter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.times, self.of)
    }
}

impl TryFrom<Counts> for TriggerAfter {
    type Error = &'static str;

    fn try_from(counts: Counts) -> Result<Self, Self::Error> {
        Self::new(counts.times, counts.of).ok_or("times and of must hold 1 <= times <= of <= 60")
    }
}

impl From<TriggerAfter> for Counts {
    fn from(after: TriggerAfter) -> Self {
        Self { of: after.of, times: after.times }
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(deserializer)?;
    if count == 0 { Err(serde::de::Error::custom("errorsAfter is at least 1")) } else { Ok(count) }
}

/// Where a check stands after its readings, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Measured, and within every limit.
    Pass,
    /// Never read, or it had nothing to say.
    NoData,
    /// It could not be measured so often in a row that it counts.
    Error,
    /// The objective is breached: a person must decide.
    Warn,
    /// The rollback limit is breached, not yet often enough to fire.
    Limit,
    /// Roll back.
    Fires,
}

/// One reading, as far as standing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Its verdict.
    pub phase: Phase,
    /// Whether a check that answers by itself said no: then nothing is counted, it fires at once.
    pub at_once: bool,
    /// Whether it says nothing, by [`MissingData::Ignore`].
    pub silent: bool,
}

impl CheckSpec {
    /// What no data means for a reading of this check that has none; `None` where it is not excused.
    ///
    /// Too few requests prove nothing, whatever is said of missing data.
    #[must_use]
    pub fn excused(&self, reading: &Reading) -> Option<MissingData> {
        let empty = reading.phase == Some(Phase::NoData) && reading.points.is_empty();
        let missing = self.rules.as_ref()?.missing?;
        (empty && self.min_requests.is_none() && missing != MissingData::Breaching).then_some(missing)
    }

    /// A reading, as far as standing goes; `None` for one without a verdict.
    #[must_use]
    pub fn evaluation(&self, reading: &Reading) -> Option<Evaluation> {
        let phase = reading.phase?;
        let own = Some(Phase::Pass);
        let (points, baseline_points) = (&reading.points, &reading.baseline_points);
        let numbers = Measured { points, baseline_points, samples: reading.samples, own };
        let at_once = phase == Phase::Trigger
            && self.on_fail == Some(Phase::Trigger)
            && judge(self, &numbers).phase != Phase::Trigger;
        Some(Evaluation { phase, at_once, silent: self.excused(reading) == Some(MissingData::Ignore) })
    }

    /// Where the check stands after these evaluations, oldest first.
    #[must_use]
    pub fn standing(&self, evaluations: &[Evaluation]) -> Standing {
        let errors = evaluations.iter().rev().take_while(|e| e.phase == Phase::Error).count();
        if errors >= self.rules.as_ref().map_or(1, |rules| rules.errors_after as usize) {
            return Standing::Error;
        }
        let counted = || evaluations.iter().rev().filter(|e| e.phase != Phase::Error && !e.silent);
        let after = self.rules.as_ref().and_then(|rules| rules.trigger_after);
        let (times, of) = after.map_or((1, 1), |after| (after.times as usize, after.of as usize));
        match counted().next() {
            None => Standing::NoData,
            Some(newest) => match newest.phase {
                Phase::Pass => Standing::Pass,
                Phase::Warn => Standing::Warn,
                Phase::NoData | Phase::Error => Standing::NoData,
                Phase::Trigger => {
                    let breaches = counted().take(of).filter(|e| e.phase == Phase::Trigger).count();
                    if newest.at_once || breaches >= times { Standing::Fires } else { Standing::Limit }
                }
            },
        }
    }
}
