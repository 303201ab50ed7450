//! Metrics: one, several added up, or a ratio, now and in the same hours of earlier days.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode,
};
use serde_json::{Value, json};

use super::client::Client;
use crate::core::check::{Decimal, MetricProbe, Point, Window};
use crate::core::time::Timestamp;
use crate::evidence::{EvidenceError, MAX_RESPONSE, Observation, Request, Response, series};
use crate::remote::aws::AwsError;

const ACTION: &str = "cloudwatch:GetMetricData";

/// A request answers with a page of at most 100,800 points; more pages than this are no honest answer.
const MAX_PAGES: usize = 50;

/// The values of one query by the first moment of their period.
type Series = BTreeMap<Timestamp, f64>;

struct Fetched {
    points: Vec<Point>,
    samples: u64,
    empty_periods: usize,
    raw: Value,
}

pub fn read(client: &Client, probe: &MetricProbe, request: &Request) -> Result<Observation, EvidenceError> {
    let now = fetch(client, probe, request.window)?;
    let mut baseline_points = vec![];
    let mut raw = vec![now.raw];
    for days in (1..=request.baseline_days).rev() {
        let window = series::earlier(request.window, days);
        let earlier = fetch(client, probe, window)?;
        baseline_points.extend(series::day(earlier.points, window, request));
        raw.push(earlier.raw);
    }
    let note = match (&probe.divide_by, now.points.len()) {
        (Some(_), 0) => Some("insufficient: no requests in the window".to_owned()),
        (Some(_), all) if now.empty_periods > 0 => {
            Some(format!("{} of {all} periods without a count", now.empty_periods))
        }
        _ => None,
    };
    let bytes =
        serde_json::to_vec(&json!({ "windows": raw })).ok().filter(|bytes| bytes.len() <= MAX_RESPONSE);
    Ok(Observation {
        points: now.points,
        baseline_points,
        samples: Some(now.samples),
        response: bytes.map(|bytes| Response { bytes, media_type: "application/json".to_owned() }),
        note,
        ..Observation::default()
    })
}

fn fetch(client: &Client, probe: &MetricProbe, window: Window) -> Result<Fetched, EvidenceError> {
    let names =
        probe.metrics.iter().enumerate().map(|(i, name)| (format!("m{i}"), name, probe.statistic.as_str()));
    let divisor = probe.divide_by.as_ref().map(|name| ("d".to_owned(), name, probe.statistic.as_str()));
    let count =
        probe.metrics.first().filter(|_| divisor.is_none()).map(|name| ("n".to_owned(), name, "SampleCount"));
    let queries: Vec<_> = names
        .chain(divisor)
        .chain(count)
        .map(|(id, name, statistic)| query(probe, id, name, statistic, window.period))
        .collect();
    let mut all = pages(client, &queries, window)?;
    let divisor = all.remove("d");
    let count = all.remove("n");
    let mut sum = Series::new();
    for (at, value) in all.into_values().flatten() {
        *sum.entry(at).or_default() += value;
    }
    let raw = raw(window, &sum, divisor.as_ref(), count.as_ref());
    let (values, samples, empty_periods) = match divisor {
        None => {
            let samples = count.iter().flat_map(BTreeMap::values).sum();
            (sum, samples, 0)
        }
        Some(divisor) => {
            let empty =
                divisor.iter().filter(|(at, requests)| **requests > 0.0 && !sum.contains_key(at)).count();
            let (values, samples) = ratio(&sum, &divisor);
            (values, samples, empty)
        }
    };
    let points = values
        .into_iter()
        .filter_map(|(at, value)| Some(Point { at, value: Decimal::from_f64(value)? }))
        .collect();
    Ok(Fetched { points, samples: whole(samples), empty_periods, raw })
}

/// 100 · counts / requests by period, and how many requests there were. Errors without any request counted are 100 %:
/// a load balancer that finds no target counts its own errors and no request.
fn ratio(counts: &Series, requests: &Series) -> (Series, f64) {
    let mut values = Series::new();
    let mut samples = 0.0;
    for at in counts.keys().chain(requests.keys()) {
        let count = counts.get(at).copied().unwrap_or_default();
        let total = requests.get(at).copied().unwrap_or_default();
        let of = if total > 0.0 { total } else { count };
        if of > 0.0 && values.insert(*at, rounded(100.0 * count / of)).is_none() {
            samples += of;
        }
    }
    (values, samples)
}

fn rounded(value: f64) -> f64 {
    Decimal::rounded(value).map_or(value, |decimal| decimal.to_f64())
}

fn whole(count: f64) -> u64 {
    const MOST: f64 = 9_007_199_254_740_991.0;
    format!("{:.0}", count.clamp(0.0, MOST)).parse().unwrap_or(0)
}

fn query(probe: &MetricProbe, id: String, name: &str, statistic: &str, period: u32) -> MetricDataQuery {
    let dimensions =
        probe.dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&probe.namespace)
        .metric_name(name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let period = i32::try_from(period).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(statistic).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).return_data(true).build()
}

fn pages(
    client: &Client,
    queries: &[MetricDataQuery],
    window: Window,
) -> Result<BTreeMap<String, Series>, EvidenceError> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    let mut states: BTreeMap<String, StatusCode> = BTreeMap::new();
    let mut token = None;
    for _ in 0..MAX_PAGES {
        let page = client.call(ACTION, |sdk| {
            sdk.get_metric_data()
                .set_metric_data_queries(Some(queries.to_vec()))
                .start_time(DateTime::from_millis(window.from.millis()))
                .end_time(DateTime::from_millis(window.to.millis()))
                .scan_by(aws_sdk_cloudwatch::types::ScanBy::TimestampAscending)
                .set_next_token(token.take())
                .send()
        })?;
        for result in page.metric_data_results() {
            let id = result.id().unwrap_or_default().to_owned();
            if let Some(status) = result.status_code() {
                states.insert(id.clone(), status.clone());
            }
            all.entry(id).or_default().extend(values(result, window));
        }
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            let bad = states.into_iter().find(|(_, status)| *status != StatusCode::Complete);
            return bad.map_or(Ok(all), |(id, status)| Err(incomplete(queries, &id, &status)));
        }
    }
    Err(incomplete(queries, "", &StatusCode::PartialData))
}

/// The points that start within the window: the service rounds its start down, so it may give one from before.
fn values(result: &MetricDataResult, window: Window) -> Vec<(Timestamp, f64)> {
    let times = result.timestamps().iter().filter_map(|time| {
        let millis = time.to_millis().ok()?;
        Timestamp::from_millis(millis).ok()
    });
    let pairs = times.zip(result.values().iter().copied());
    pairs.filter(|(at, value)| window.from <= *at && *at < window.to && value.is_finite()).collect()
}

fn incomplete(queries: &[MetricDataQuery], id: &str, status: &StatusCode) -> EvidenceError {
    if *status == StatusCode::Forbidden {
        return AwsError::Denied { action: ACTION, said: String::new() }.into();
    }
    let metric = queries
        .iter()
        .find(|query| query.id() == Some(id))
        .and_then(|query| query.metric_stat().and_then(MetricStat::metric).and_then(Metric::metric_name));
    EvidenceError::Incomplete {
        status: status.as_str().to_owned(),
        metric: metric.unwrap_or("a metric").to_owned(),
    }
}

/// What the service answered, decoded, as JSON with its numbers as text.
fn raw(window: Window, sum: &Series, divisor: Option<&Series>, count: Option<&Series>) -> Value {
    let rows = |series: &Series| -> Vec<(String, String)> {
        series.iter().map(|(at, value)| (at.to_string(), value.to_string())).collect()
    };
    let mut raw =
        json!({ "from": window.from, "to": window.to, "period": window.period, "values": rows(sum) });
    if let Some(members) = raw.as_object_mut() {
        members.extend(divisor.map(|series| ("divideBy".to_owned(), json!(rows(series)))));
        members.extend(count.map(|series| ("sampleCount".to_owned(), json!(rows(series)))));
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_by_period() {
        let at = |minute: i64| Timestamp::from_millis(minute * 60_000).unwrap();
        let counts = Series::from([(at(0), 1.0), (at(3), 2.0), (at(4), 0.0)]);
        let requests = Series::from([(at(0), 300.0), (at(1), 100.0), (at(2), 0.0), (at(4), 0.0)]);
        let (values, samples) = ratio(&counts, &requests);
        let expected = [(at(0), 0.333_333_333_333_333), (at(1), 0.0), (at(3), 100.0)];
        assert_eq!(values, Series::from(expected));
        assert_eq!(whole(samples), 402);
        assert_eq!(ratio(&Series::new(), &Series::new()), (Series::new(), 0.0));
    }
}
