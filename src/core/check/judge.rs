//! The verdict on what was measured.

use std::cmp::Ordering;

use super::{Aggregate, Alpha, BaselineSpec, CheckSpec, Decimal, History, MissingData, Phase, Point, rank};

/// What a source brought for one check.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured<'a> {
    /// The points of the window, oldest first.
    pub points: &'a [Point],
    /// One point for each earlier day with data.
    pub baseline_points: &'a [Point],
    /// Samples behind the points, where the source knows.
    pub samples: Option<u64>,
    /// The source's own verdict, where it answers by itself.
    pub own: Option<Phase>,
}

/// A verdict with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub phase: Phase,
    /// The value that was judged.
    pub value: Option<Decimal>,
    /// The value of history.
    pub baseline: Option<Decimal>,
    /// The reason, in numbers.
    pub detail: String,
}

/// Judges `measured` by `spec`. Nothing measured is never a pass, and neither is nothing to judge by.
#[must_use]
pub fn judge(spec: &CheckSpec, measured: &Measured) -> Judgement {
    let by_numbers = numbers(spec, measured);
    let by_itself = spec.on_fail.map(|fail| match measured.own {
        None | Some(Phase::NoData) if breaching(spec) => fail,
        own => own.unwrap_or(Phase::NoData),
    });
    match (by_numbers, by_itself) {
        (None, None) => verdict(
            Phase::Error,
            "nothing to judge by: the check has no objective, rollback limit or baseline",
        ),
        (Some(numbers), None) => numbers,
        (None, Some(own)) => {
            let value = aggregate(spec.aggregate(), measured.points);
            Judgement { value, ..verdict(own, expectation(spec, own)) }
        }
        (Some(numbers), Some(own)) => {
            let detail = format!("{}; {}", expectation(spec, own), numbers.detail);
            Judgement { phase: own.max(numbers.phase), detail, ..numbers }
        }
    }
}

/// Reduces points to one value; `None` without points.
#[must_use]
pub fn aggregate(how: Aggregate, points: &[Point]) -> Option<Decimal> {
    let values = points.iter().map(|point| &point.value);
    match how {
        Aggregate::Max => values.max_by(|a, b| a.compare(b)).cloned(),
        Aggregate::Min => values.min_by(|a, b| a.compare(b)).cloned(),
        Aggregate::Last => points.iter().max_by_key(|point| point.at).map(|point| point.value.clone()),
        Aggregate::Mean => {
            let count = f64::from(u32::try_from(points.len()).ok().filter(|&count| count > 0)?);
            Decimal::rounded(values.map(Decimal::to_f64).sum::<f64>() / count)
        }
    }
}

fn numbers(spec: &CheckSpec, measured: &Measured) -> Option<Judgement> {
    if spec.objective.is_none() && spec.rollback.is_none() && spec.baseline.is_none() {
        return None;
    }
    let Some(value) = aggregate(spec.aggregate(), measured.points) else {
        return Some(nothing(spec));
    };
    if let Some(needed) = spec.min_requests
        && measured.samples.is_none_or(|samples| samples < needed)
    {
        let got =
            measured.samples.map_or_else(|| "an unknown number of".to_owned(), |samples| samples.to_string());
        let detail = format!("insufficient: {got} requests, {needed} needed");
        return Some(Judgement { value: Some(value), ..verdict(Phase::NoData, detail) });
    }
    let baseline = spec.baseline.as_ref().and_then(|_| median(measured.baseline_points));
    let (phase, detail) = compare(spec, measured, &value, baseline.as_ref());
    Some(Judgement { phase, value: Some(value), baseline, detail })
}

fn breaching(spec: &CheckSpec) -> bool {
    spec.rules.as_ref().is_some_and(|rules| rules.missing == Some(MissingData::Breaching))
}

/// The verdict without any point.
fn nothing(spec: &CheckSpec) -> Judgement {
    let what = "no points in the window";
    match (breaching(spec), &spec.rollback) {
        (false, _) => verdict(Phase::NoData, what),
        (true, Some(limit)) => {
            verdict(Phase::Trigger, format!("{what}, which counts as a breach of the rollback limit {limit}"))
        }
        (true, None) => verdict(Phase::Warn, format!("{what}, which counts as a breach")),
    }
}

fn compare(
    spec: &CheckSpec,
    measured: &Measured,
    value: &Decimal,
    baseline: Option<&Decimal>,
) -> (Phase, String) {
    let how = spec.aggregate();
    if let Some(limit) = spec.rollback.as_ref().filter(|limit| limit.holds(value)) {
        return (Phase::Trigger, format!("{how} {value} breaches the rollback limit {limit}"));
    }
    let mut reasons = vec![];
    let mut phase = Phase::Pass;
    if let Some(limit) = &spec.objective {
        let holds = limit.holds(value);
        phase = phase.max(if holds { Phase::Pass } else { Phase::Warn });
        reasons.push(format!(
            "{how} {value} {} the objective {limit}",
            if holds { "meets" } else { "breaches" }
        ));
    }
    if let Some(history) = &spec.baseline {
        let (own, reason) = match (&history.history, baseline) {
            (_, None) => {
                let days = history.days;
                let reason = format!("no baseline: none of the last {days} days has data in these hours");
                (Phase::NoData, reason)
            }
            (History::Ratio(ratio), Some(baseline)) => {
                by_ratio(measured, how, value, history, ratio, baseline)
            }
            (History::MannWhitney(alpha), Some(_)) => by_rank(spec, measured, *alpha),
        };
        phase = phase.max(own);
        reasons.push(reason);
    }
    if reasons.is_empty() {
        reasons.push(format!("{how} {value} does not reach the rollback limit"));
    }
    (phase, reasons.join("; "))
}

fn by_ratio(
    measured: &Measured,
    how: Aggregate,
    value: &Decimal,
    history: &BaselineSpec,
    ratio: &Decimal,
    baseline: &Decimal,
) -> (Phase, String) {
    let holds = value.compare_product(baseline, ratio) != Ordering::Greater;
    let relation = if holds { "is within" } else { "exceeds" };
    let (days, of) = (measured.baseline_points.len(), history.days);
    let reason = format!("{how} {value} {relation} {ratio} x baseline {baseline} ({days} of {of} days)");
    (if holds { Phase::Pass } else { Phase::Warn }, reason)
}

/// All points against all points of history.
fn by_rank(spec: &CheckSpec, measured: &Measured, alpha: Alpha) -> (Phase, String) {
    let values = |points: &'_ [Point]| points.iter().map(|point| point.value.clone()).collect::<Vec<_>>();
    let (now, before) = (values(measured.points), values(measured.baseline_points));
    let ranked = rank(now.iter(), before.iter());
    let ranked = if spec.rises() { ranked } else { ranked.turned() };
    let (phase, said) = if !ranked.can_tell(alpha) {
        (Phase::NoData, "insufficient: too few points to tell")
    } else if ranked.significant(alpha) {
        (Phase::Warn, "worse than history")
    } else {
        (Phase::Pass, "no worse than history")
    };
    (phase, format!("mann-whitney: {said} at alpha {alpha} ({ranked})"))
}

/// The lower median, so that one bad day does not move the bar.
fn median(points: &[Point]) -> Option<Decimal> {
    let mut values: Vec<_> = points.iter().map(|point| &point.value).collect();
    values.sort_by(|a, b| a.compare(b));
    values.get(values.len().saturating_sub(1) / 2).map(|&value| value.clone())
}

fn expectation(spec: &CheckSpec, own: Phase) -> String {
    let expected = spec.expect.as_deref().unwrap_or("what the check expects");
    match own {
        Phase::Pass => format!("as expected: {expected}"),
        Phase::NoData => format!("no answer to judge; expected: {expected}"),
        Phase::Error => format!("could not be measured; expected: {expected}"),
        Phase::Warn | Phase::Trigger => format!("not as expected (expected: {expected})"),
    }
}

fn verdict(phase: Phase, detail: impl Into<String>) -> Judgement {
    Judgement { phase, value: None, baseline: None, detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::super::SourceKind;
    use super::*;
    use crate::core::time::Timestamp;

    fn points(values: &[&str]) -> Vec<Point> {
        let start = Timestamp::parse("2026-07-03T02:00:00.000Z").unwrap();
        (0..)
            .zip(values)
            .map(|(i, value)| Point { at: start.plus_seconds(i * 60), value: value.parse().unwrap() })
            .collect()
    }

    fn spec(objective: Option<&str>, rollback: Option<&str>) -> CheckSpec {
        CheckSpec {
            id: "x".into(),
            source: SourceKind::File,
            unit: None,
            objective: objective.map(|text| text.parse().unwrap()),
            rollback: rollback.map(|text| text.parse().unwrap()),
            baseline: None,
            aggregate: None,
            min_requests: None,
            on_fail: None,
            query: None,
            expect: None,
            rules: None,
            watch: false,
        }
    }

    fn phase(spec: &CheckSpec, values: &[&str], own: Option<Phase>) -> Phase {
        judge(spec, &Measured { points: &points(values), own, ..Measured::default() }).phase
    }

    #[test]
    fn the_playbook() {
        let errors = spec(Some("< 0.1"), Some("> 1"));
        assert_eq!(phase(&errors, &[], None), Phase::NoData);
        assert_eq!(phase(&errors, &["0.02", "0.09"], None), Phase::Pass);
        assert_eq!(phase(&errors, &["0.02", "0.1", "0.01"], None), Phase::Warn);
        assert_eq!(phase(&errors, &["1"], None), Phase::Warn);
        assert_eq!(phase(&errors, &["1.0000000000000000001", "0"], None), Phase::Trigger);
    }

    #[test]
    fn the_worst_follows_the_direction() {
        let uptime = spec(Some(">= 99.9"), Some("< 95"));
        assert_eq!(phase(&uptime, &["100", "99.8"], None), Phase::Warn);
        assert_eq!(phase(&uptime, &["94.9", "100"], None), Phase::Trigger);
        assert_eq!(spec(None, Some("< 95")).aggregate(), Aggregate::Min);
    }

    #[test]
    fn nothing_to_judge_by_is_no_pass() {
        let none = spec(None, None);
        assert_eq!(phase(&none, &["1"], None), Phase::Error);
        assert_eq!(phase(&none, &["1"], Some(Phase::Pass)), Phase::Error);
        let own = CheckSpec { on_fail: Some(Phase::Trigger), ..none };
        assert_eq!(phase(&own, &[], Some(Phase::Pass)), Phase::Pass);
        assert_eq!(phase(&own, &[], None), Phase::NoData);
        assert_eq!(phase(&own, &[], Some(Phase::Trigger)), Phase::Trigger);
    }

    #[test]
    fn the_worse_of_numbers_and_own_verdict_counts() {
        let both = CheckSpec { on_fail: Some(Phase::Warn), ..spec(Some("< 500"), Some("> 2000")) };
        assert_eq!(phase(&both, &["100"], Some(Phase::Pass)), Phase::Pass);
        assert_eq!(phase(&both, &["3000"], Some(Phase::Pass)), Phase::Trigger);
        assert_eq!(phase(&both, &["100"], Some(Phase::Warn)), Phase::Warn);
        assert_eq!(phase(&both, &[], Some(Phase::Pass)), Phase::NoData);
        assert_eq!(phase(&both, &["3000"], Some(Phase::Error)), Phase::Trigger);
    }

    #[test]
    fn too_few_requests_are_no_data() {
        let few = CheckSpec { min_requests: Some(100), ..spec(Some("< 0.1"), None) };
        let points = points(&["0"]);
        for (samples, phase) in [(None, Phase::NoData), (Some(99), Phase::NoData), (Some(100), Phase::Pass)] {
            assert_eq!(
                judge(&few, &Measured { points: &points, samples, ..Measured::default() }).phase,
                phase
            );
        }
    }

    #[test]
    fn baseline_is_the_lower_median_of_days() {
        let history = BaselineSpec { history: History::Ratio("1.2".parse().unwrap()), days: 4 };
        let latency = CheckSpec { baseline: Some(history), ..spec(None, Some("> 5000")) };
        let days = points(&["90", "9000", "100", "110"]);
        for (now, phase) in [("120", Phase::Pass), ("120.01", Phase::Warn), ("5001", Phase::Trigger)] {
            let judged = judge(
                &latency,
                &Measured { points: &points(&[now]), baseline_points: &days, ..Measured::default() },
            );
            assert_eq!((judged.phase, judged.baseline), (phase, Some("100".parse().unwrap())), "{now}");
        }
        assert_eq!(phase(&latency, &["1"], None), Phase::NoData);
    }

    #[test]
    fn aggregates() {
        let three = points(&["3", "1", "2"]);
        for (how, value) in
            [(Aggregate::Max, "3"), (Aggregate::Min, "1"), (Aggregate::Mean, "2"), (Aggregate::Last, "2")]
        {
            assert_eq!(aggregate(how, &three), Some(value.parse().unwrap()));
            assert_eq!(aggregate(how, &[]), None);
        }
    }
}
