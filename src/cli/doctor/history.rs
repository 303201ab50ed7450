//! A check's limits, tried on the last day's real data.

use std::fmt;

use crate::cli::app::App;
use crate::core::check::{Check, CheckSpec, Measured, Phase, Point, Probe, Window, judge};
use crate::core::time::Timestamp;
use crate::evidence::{Request, Source};

/// One point stands for so many seconds: a day of them fits into one answer.
const PERIOD: u32 = 300;

/// What the limits would have done.
pub struct Tried {
    points: usize,
    /// Runs of points, each with its beginning.
    fired: Vec<Timestamp>,
    warned: usize,
}

impl Tried {
    /// Whether they would have done anything.
    pub fn any(&self) -> bool {
        !self.fired.is_empty() || self.warned > 0
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = |count: usize| if count == 1 { "once".to_owned() } else { format!("{count} times") };
        match (self.points, self.fired.as_slice()) {
            (0, _) => return f.write_str("the last day has no data"),
            (_, []) => f.write_str("in the last day it would never have fired")?,
            (_, [first, ..]) => {
                write!(
                    f,
                    "in the last day it would have fired {}, first at {}",
                    times(self.fired.len()),
                    first.human()
                )?;
            }
        }
        if self.warned > 0 {
            write!(f, ", warned {}", times(self.warned))?;
        }
        write!(f, " ({} points)", self.points)
    }
}

/// Tries a check that has limits on numbers, where its source remembers a day; `None` for others.
pub fn of(app: &App, check: &Check, source: &dyn Source) -> Option<Result<Tried, String>> {
    let limits = check.spec.objective.is_some() || check.spec.rollback.is_some();
    if !limits || !matches!(check.probe, Probe::Metric(_)) {
        return None;
    }
    let to = app.now().millis().div_euclid(i64::from(PERIOD) * 1000) * i64::from(PERIOD) * 1000;
    let to = Timestamp::from_millis(to).unwrap_or(app.now());
    let window = Window { from: to.plus_seconds(-86_400), to, period: PERIOD };
    let request = Request { baseline_days: 0, ..Request::new(check, window, app.now()) };
    let observed = source.read(&request).map_err(|error| error.to_string());
    Some(observed.map(|observed| tried(&check.spec, &observed.points)))
}

fn tried(spec: &CheckSpec, points: &[Point]) -> Tried {
    // How many requests stand behind each point is not known, nor is its history.
    let spec = CheckSpec { min_requests: None, baseline: None, ..spec.clone() };
    let mut tried = Tried { points: points.len(), fired: Vec::new(), warned: 0 };
    let (mut before, mut last) = (Phase::Pass, None::<Timestamp>);
    for point in points {
        let gap = last.is_some_and(|last| point.at.millis() - last.millis() > i64::from(PERIOD) * 1000);
        before = if gap { Phase::Pass } else { before };
        last = Some(point.at);
        let phase =
            judge(&spec, &Measured { points: std::slice::from_ref(point), ..Measured::default() }).phase;
        if phase == Phase::Trigger && before != Phase::Trigger {
            tried.fired.push(point.at);
        }
        if phase == Phase::Warn && before != Phase::Warn {
            tried.warned += 1;
        }
        before = phase;
    }
    tried
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_once() {
        let spec: CheckSpec = serde_json::from_str(
            r#"{"id":"x","source":"file","objective":{"op":"<","value":"1"},"rollback":{"op":">","value":"5"},"minRequests":9}"#,
        )
        .unwrap();
        let start = Timestamp::parse("2026-07-03T02:00:00.000Z").unwrap();
        let point = |(minute, value): (i64, &str)| Point {
            at: start.plus_seconds(minute * i64::from(PERIOD)),
            value: value.parse().unwrap(),
        };
        let values = ["0", "6", "7", "2", "6", "0", "3", "4", "0"];
        let points: Vec<Point> = (0..).zip(values).map(point).collect();
        let tried = tried(&spec, &points);
        assert_eq!((tried.fired.len(), tried.warned), (2, 2));
        assert_eq!(
            tried.to_string(),
            "in the last day it would have fired 2 times, first at 2026-07-03 02:05:00 UTC, warned 2 times (9 points)"
        );
    }
}
