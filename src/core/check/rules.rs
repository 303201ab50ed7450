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

impl Standing {
    /// As programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NoData => "no-data",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Limit => "limit",
            Self::Fires => "fires",
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::check::Point;
    use crate::core::time::Timestamp;

    fn spec(rules: &str) -> CheckSpec {
        let text = format!(
            r#"{{"id":"x","source":"file","objective":{{"op":"<","value":"1"}},"rollback":{{"op":">","value":"5"}}{rules}}}"#
        );
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// p w n e t: the phases; f: a no that fires at once; s: says nothing.
    fn standing(spec: &CheckSpec, phases: &str) -> Standing {
        let of = |c: char| {
            let phase = match c {
                'p' => Phase::Pass,
                'w' => Phase::Warn,
                'n' | 's' => Phase::NoData,
                'e' => Phase::Error,
                _ => Phase::Trigger,
            };
            Evaluation { phase, at_once: c == 'f', silent: c == 's' }
        };
        spec.standing(&phases.chars().map(of).collect::<Vec<_>>())
    }

    #[test]
    fn how_readings_add_up() {
        let two_of_three = spec(r#","rules":{"errorsAfter":3,"triggerAfter":{"of":3,"times":2}}"#);
        for (phases, expected) in [
            ("", Standing::NoData),
            ("p", Standing::Pass),
            ("pw", Standing::Warn),
            ("wp", Standing::Pass),
            ("t", Standing::Limit),
            ("tt", Standing::Fires),
            ("tpt", Standing::Fires),
            ("tppt", Standing::Limit),
            ("ttp", Standing::Pass),
            ("tnt", Standing::Fires),
            // What could not be measured is no reading, and neither is what says nothing.
            ("teet", Standing::Fires),
            ("tsst", Standing::Fires),
            ("pee", Standing::Pass),
            ("tee", Standing::Limit),
            ("peee", Standing::Error),
            ("eeep", Standing::Pass),
            ("ps", Standing::Pass),
            ("s", Standing::NoData),
            ("f", Standing::Fires),
        ] {
            assert_eq!(standing(&two_of_three, phases), expected, "{phases}");
        }
        let old = spec("");
        assert_eq!((standing(&old, "t"), standing(&old, "pe")), (Standing::Fires, Standing::Error));
    }

    #[test]
    fn what_no_data_means() {
        let empty = Reading { phase: Some(Phase::NoData), ..Reading::default() };
        let at = Timestamp::parse("2026-07-03T02:00:00.000Z").unwrap();
        let few = Reading { points: vec![Point { at, value: "0".parse().unwrap() }], ..empty.clone() };
        for (given, meaning, phase) in [
            ("", None, Phase::NoData),
            (r#","missing":"breaching""#, None, Phase::Trigger),
            (r#","missing":"not-breaching""#, Some(MissingData::NotBreaching), Phase::NoData),
            (r#","missing":"ignore""#, Some(MissingData::Ignore), Phase::NoData),
        ] {
            let spec = spec(&format!(r#","rules":{{"errorsAfter":3{given}}}"#));
            assert_eq!((spec.excused(&empty), spec.excused(&few)), (meaning, None), "{given}");
            assert_eq!(judge(&spec, &Measured::default()).phase, phase, "{given}");
            let counted = CheckSpec { min_requests: Some(1), rollback: None, ..spec };
            assert_eq!(counted.excused(&empty), None, "{given}");
            assert_ne!(judge(&counted, &Measured::default()).phase, Phase::Pass, "{given}");
        }
    }

    #[test]
    fn one_encoding() {
        let read = |rules: &str| serde_json::from_str::<Rules>(rules).map_err(|error| error.to_string());
        let full = r#"{"errorsAfter":3,"missing":"not-breaching","trigger":"error-rate","triggerAfter":{"of":3,"times":2}}"#;
        assert_eq!(serde_json::to_string(&read(full).unwrap()).unwrap(), full);
        for bad in [
            "{}",
            r#"{"errorsAfter":0}"#,
            r#"{"errorsAfter":3,"missing":null}"#,
            r#"{"errorsAfter":3,"missing":"unknown"}"#,
            r#"{"errorsAfter":3,"more":1}"#,
            r#"{"errorsAfter":3,"triggerAfter":{"of":2,"times":3}}"#,
            r#"{"errorsAfter":3,"triggerAfter":{"of":61,"times":1}}"#,
            r#"{"errorsAfter":3,"triggerAfter":{"of":2,"times":0}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(TriggerAfter::parse("2 of 3").unwrap().to_string(), "2 of 3");
        for bad in ["2 of", "3 of 2", "two of three", "2/3", "-1 of 3"] {
            assert_eq!(TriggerAfter::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_baseline_has_a_ratio_or_a_test() {
        let read = |text: &str| {
            serde_json::from_str::<crate::core::check::BaselineSpec>(text).map_err(|e| e.to_string())
        };
        for good in [r#"{"days":7,"ratio":"1.2"}"#, r#"{"alpha":"0.01","days":7,"test":"mann-whitney"}"#] {
            assert_eq!(serde_json::to_string(&read(good).unwrap()).unwrap(), good);
        }
        for bad in [
            r#"{"days":7}"#,
            r#"{"alpha":"0.01","days":7}"#,
            r#"{"days":7,"test":"mann-whitney"}"#,
            r#"{"alpha":"0.01","days":7,"ratio":"1.2","test":"mann-whitney"}"#,
            r#"{"alpha":"0.03","days":7,"test":"mann-whitney"}"#,
            r#"{"days":7,"ratio":null}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
