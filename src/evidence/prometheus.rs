//! Prometheus: one series over time (`/api/v1/query_range`), or at one moment where the window is one period
//! (`/api/v1/query`).
//!
//! A sample at t speaks of the period that ends at t, as `rate(x[1m])` does: its point begins one period earlier.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http;

use super::web::Web;
use super::{EvidenceError, MAX_RESPONSE, Observation, Request, Response, Source, series};
use crate::core::check::{Decimal, Point, PrometheusProbe, Window};
use crate::core::redact;
use crate::core::time::Timestamp;

/// The most bytes of a token.
const MAX_TOKEN: usize = 8192;

/// One query.
#[derive(Clone, Debug)]
pub struct Prometheus {
    probe: PrometheusProbe,
    root: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status: String,
    data: Option<Data>,
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

/// A time in seconds and a value as text.
type Sample = (f64, String);

struct Fetched {
    points: Vec<Point>,
    /// Samples that are no number: NaN and the infinities.
    not_numbers: usize,
    warnings: usize,
}

impl Prometheus {
    /// Measures by `probe`; its files are below `root`.
    #[must_use]
    pub fn new(probe: PrometheusProbe, root: &Path) -> Self {
        Self { probe, root: root.to_owned() }
    }

    fn place(&self) -> String {
        redact::url(&self.probe.url)
    }

    fn no_answer(&self, problem: impl Into<String>) -> EvidenceError {
        EvidenceError::NoAnswer { place: self.place(), problem: problem.into() }
    }

    fn token(&self) -> Result<Option<String>, EvidenceError> {
        let Some(name) = &self.probe.token_env else { return Ok(None) };
        let fits = |token: &String| {
            !token.is_empty() && token.len() <= MAX_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let token = std::env::var(name).ok().map(|token| token.trim().to_owned()).filter(fits);
        token.map(Some).ok_or_else(|| EvidenceError::Missing {
            what: format!(
                "the variable {name} holds no token: set it, or leave out token-env in aether.toml"
            ),
        })
    }

    fn ask(&self, path: &str, form: &[(&str, String)]) -> Result<Answer, EvidenceError> {
        let web = Web::new(&self.root, self.probe.ca_file.as_deref(), self.probe.timeout_seconds)?;
        let mut post = http::Request::post(format!("{}/api/v1/{path}", self.probe.url))
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(token) = self.token()? {
            post = post.header("authorization", format!("Bearer {token}"));
        }
        let pairs = form.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let post = post.body(pairs.collect::<Vec<_>>().join("&").into_bytes());
        let post = post
            .map_err(|_| EvidenceError::Invalid { what: "the check's url cannot be requested".to_owned() })?;
        let reply = match web.send(&post) {
            Ok(reply) => reply,
            Err(error) => return Err(self.no_answer(web.silence(&error, &self.probe.url)?)),
        };
        if reply.more {
            return Err(self.no_answer("it is too long for one series: make it one, such as with sum(…)"));
        }
        let (status, body) = (reply.status, reply.body);
        let refused = |kind: String, said: String| EvidenceError::Query { place: self.place(), kind, said };
        match serde_json::from_slice::<Answer>(&body) {
            Ok(answer) if answer.status == "success" && status == 200 => Ok(answer),
            Ok(answer) => {
                let kind = answer.error_type.unwrap_or_else(|| format!("status {status}"));
                let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ');
                let kind = kind.chars().filter(|c| fits(*c)).take(40).collect();
                Err(refused(kind, redact::urls_in(&answer.error.unwrap_or_default())))
            }
            Err(_) if status != 200 => Err(refused(format!("status {status}"), String::new())),
            Err(_) => Err(self.no_answer("not what its API answers; is the url right?")),
        }
    }

    fn fetch(&self, query: &str, window: Window) -> Result<Fetched, EvidenceError> {
        let step = i64::from(window.period.max(1));
        let seconds =
            |at: Timestamp| format!("{}.{:03}", at.millis().div_euclid(1000), at.millis().rem_euclid(1000));
        let first = window.from.plus_seconds(step);
        let query = ("query", query.to_owned());
        let answer = if first >= window.to {
            self.ask("query", &[query, ("time", seconds(window.to))])?
        } else {
            let range =
                [query, ("start", seconds(first)), ("end", seconds(window.to)), ("step", step.to_string())];
            self.ask("query_range", &range)?
        };
        let data = answer.data.ok_or_else(|| self.no_answer("success without data"))?;
        let samples = self.samples(data)?;
        let all = samples.len();
        let mut points = BTreeMap::new();
        for (at, value) in samples {
            let value = value.parse::<f64>().ok().and_then(Decimal::from_f64);
            if let (Some(at), Some(value)) = (moment(at), value) {
                points.insert(at.plus_seconds(-step), value);
            }
        }
        let points: Vec<Point> = points.into_iter().map(|(at, value)| Point { at, value }).collect();
        let points = series::within(&points, window);
        Ok(Fetched { not_numbers: all - points.len(), points, warnings: answer.warnings.len() })
    }

    /// The samples of the one series.
    fn samples(&self, data: Data) -> Result<Vec<Sample>, EvidenceError> {
        #[derive(Deserialize)]
        struct Series {
            #[serde(default)]
            value: Option<Sample>,
            #[serde(default)]
            values: Vec<Sample>,
            #[serde(default, rename = "histogram")]
            one: Option<Value>,
            #[serde(default)]
            histograms: Vec<Value>,
        }
        let unreadable = |_| self.no_answer("an answer whose result cannot be read");
        match data.result_type.as_str() {
            "matrix" | "vector" => {
                let mut all: Vec<Series> = serde_json::from_value(data.result).map_err(unreadable)?;
                if all.len() > 1 {
                    return Err(EvidenceError::ManySeries { count: all.len() });
                }
                let Some(series) = all.pop() else { return Ok(vec![]) };
                if series.one.is_some() || !series.histograms.is_empty() {
                    return Err(
                        self.no_answer("a histogram: take one number of it, as histogram_quantile() does")
                    );
                }
                Ok(series.values.into_iter().chain(series.value).collect())
            }
            "scalar" => Ok(vec![serde_json::from_value(data.result).map_err(unreadable)?]),
            _ => Err(self.no_answer("neither numbers over time nor a number: is it a string?")),
        }
    }
}

/// A value of a form.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// A time in seconds, to the millisecond.
fn moment(seconds: f64) -> Option<Timestamp> {
    let millis = format!("{:.0}", seconds * 1000.0).parse().ok()?;
    Timestamp::from_millis(millis).ok()
}

impl Source for Prometheus {
    fn query(&self) -> String {
        let mut query = BTreeMap::from([("query", self.probe.query.clone()), ("server", self.place())]);
        query.extend(self.probe.requests.clone().map(|requests| ("requests", requests)));
        serde_json::to_string(&query).unwrap_or_default()
    }

    fn statistic(&self) -> Option<String> {
        Some("PromQL".to_owned())
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let now = self.fetch(&self.probe.query, request.window)?;
        let requests = self.probe.requests.as_ref();
        let requests = requests.map(|query| self.fetch(query, request.window)).transpose()?;
        let mut baseline_points = vec![];
        let mut warnings = now.warnings;
        for days in (1..=request.baseline_days).rev() {
            let window = series::earlier(request.window, days);
            let earlier = self.fetch(&self.probe.query, window)?;
            warnings += earlier.warnings;
            baseline_points.extend(series::day(earlier.points, window, request));
        }
        let rows = |points: &[Point]| -> Vec<(Timestamp, String)> {
            points.iter().map(|point| (point.at, point.value.to_string())).collect()
        };
        let mut raw =
            json!({ "from": request.window.from, "to": request.window.to, "values": rows(&now.points) });
        if let (Some(raw), Some(requests)) = (raw.as_object_mut(), &requests) {
            raw.insert("requests".to_owned(), json!(rows(&requests.points)));
        }
        let bytes = serde_json::to_vec(&raw).ok().filter(|bytes| bytes.len() <= MAX_RESPONSE);
        let told = [
            (now.not_numbers, "samples that are no numbers"),
            (warnings, "warnings of the server, which may not have seen all data"),
        ];
        let told: Vec<String> =
            told.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{what}: {n}")).collect();
        Ok(Observation {
            points: now.points,
            baseline_points,
            samples: requests.map(|requests| whole(&requests.points)),
            response: bytes.map(|bytes| Response { bytes, media_type: "application/json".to_owned() }),
            note: (!told.is_empty()).then(|| told.join(", ")),
            ..Observation::default()
        })
    }
}

/// The sum of counts, rounded to a whole number of requests.
fn whole(points: &[Point]) -> u64 {
    const MOST: f64 = 9_007_199_254_740_991.0;
    let sum: f64 = points.iter().map(|point| point.value.to_f64()).sum();
    format!("{:.0}", sum.clamp(0.0, MOST)).parse().unwrap_or(0)
}
