//! Evidence: what the systems say, measured by one source for each kind of check.
//!
//! A source only observes. [`collect`] turns whatever came of it, failure included, into a reading that can be recorded;
//! recording it, and failing because of it afterwards, is the caller's.

mod certificate;
mod cloudwatch;
mod command;
mod dns;
mod error;
mod file;
mod flow;
mod github;
mod http;
mod logs;
mod network;
mod parameters;
mod prometheus;
mod series;
mod snapshot;
mod web;

use std::path::Path;

pub use certificate::Certificate;
pub use cloudwatch::CloudWatch;
pub use command::Command;
pub use dns::Dns;
pub use error::EvidenceError;
pub use file::File;
pub use flow::Flow;
pub use github::{Beforehand, Github};
pub use http::Http;
pub use logs::Logs;
pub use parameters::Parameters;
pub use prometheus::Prometheus;
pub use snapshot::Snapshot;

use crate::core::check::{
    Aggregate, AwsSettings, Check, CheckSpec, History, MAX_POINTS, Measured, Phase, Point, Probe, Reading,
    Window, judge,
};
use crate::core::time::Timestamp;

/// The most bytes of an answer that are kept.
pub const MAX_RESPONSE: usize = 256 * 1024;

/// The most bytes of a reading as JSON: with envelope and base64 it still fits into an entry.
const MAX_READING: usize = 40_000;

/// What a source is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The time to look at; sources that measure a moment take `now` instead.
    pub window: Window,
    /// The present.
    pub now: Timestamp,
    /// How many earlier days to look at too; 0 for none.
    pub baseline_days: u32,
    /// How the points of each earlier day become one; `None` where each is wanted.
    pub aggregate: Option<Aggregate>,
    /// What is deployed, for sources that look at it.
    pub deployed: Option<Deployed>,
}

/// What a deployment is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The full commit, 40 lower-case hex digits.
    pub commit: String,
    /// When the deployment was opened, by the writer's clock.
    pub opened: Timestamp,
}

impl Request {
    /// What `check` asks for over `window`.
    #[must_use]
    pub fn new(check: &Check, window: Window, now: Timestamp) -> Self {
        let baseline = check.spec.baseline.as_ref();
        let each = baseline.is_some_and(|baseline| matches!(baseline.history, History::MannWhitney(_)));
        let aggregate = (!each).then(|| check.spec.aggregate());
        let baseline_days = baseline.map_or(0, |baseline| baseline.days);
        Self { window, now, baseline_days, aggregate, deployed: None }
    }

    /// The same about a deployment.
    #[must_use]
    pub fn about(self, commit: &str, opened: Timestamp) -> Self {
        Self { deployed: Some(Deployed { commit: commit.to_owned(), opened }), ..self }
    }
}

/// What a source that answers by itself says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// As expected.
    Yes,
    /// Not as expected.
    No,
    /// It cannot say, such as an alarm without enough data.
    Unknown,
}

/// What a source observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The time looked at, when it is not the one asked for.
    pub window: Option<Window>,
    /// Oldest first.
    pub points: Vec<Point>,
    /// One for each earlier day with data, or all of them where the request aggregates none.
    pub baseline_points: Vec<Point>,
    /// How many samples stand behind the points.
    pub samples: Option<u64>,
    /// For sources that answer by themselves.
    pub answer: Option<Answer>,
    /// What came back, at most [`MAX_RESPONSE`] bytes.
    pub response: Option<Response>,
    /// What should be known beside the verdict; made by the program, never the source's own words.
    pub note: Option<String>,
}

/// Bytes for an opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// As received, cut at [`MAX_RESPONSE`].
    pub bytes: Vec<u8>,
    /// Such as `application/json`.
    pub media_type: String,
}

/// Something that can be measured.
pub trait Source {
    /// What it asks, for the record: at most 4096 bytes, without secrets.
    fn query(&self) -> String;

    /// What each of its points is, such as `p95`.
    fn statistic(&self) -> Option<String> {
        None
    }

    /// Whether it compares with what it answered in the last deployment.
    fn recalls(&self) -> bool {
        false
    }

    /// What it answered in the deployment `of`, the last one that has an answer.
    fn recall(&mut self, _of: &str, _response: &[u8]) {}

    /// Measures once. It ends within the source's timeouts, and changes nothing.
    ///
    /// # Errors
    /// [`EvidenceError`] when it could not be measured, which is not the same as a bad result.
    fn read(&self, request: &Request) -> Result<Observation, EvidenceError>;
}

/// A reading ready to be recorded.
#[derive(Debug)]
pub struct Collected {
    /// Without `response`: whoever makes the opening sets it.
    pub reading: Reading,
    /// What the opening is made of.
    pub response: Option<Response>,
    /// Why the phase is `error`, where the source failed.
    pub failure: Option<EvidenceError>,
}

/// The source of `check`. Relative paths are below `root`, the folder of `aether.toml`.
#[must_use]
pub fn source(check: &Check, aws: &AwsSettings, root: &Path) -> Box<dyn Source> {
    match &check.probe {
        Probe::Metric(metric) => Box::new(CloudWatch::metric(metric.clone(), aws.clone())),
        Probe::Alarms { names } => Box::new(CloudWatch::alarms(names.clone(), aws.clone())),
        Probe::Http(http) => Box::new(Http::new(http.clone(), root)),
        Probe::Flow(flow) => Box::new(Flow::new(flow.clone(), root)),
        Probe::Certificate(certificate) => Box::new(Certificate::new(certificate.clone(), root)),
        Probe::Github(probe) => Box::new(Github::new(probe.clone())),
        Probe::Command(command) => Box::new(Command::new(command.clone(), root)),
        Probe::Prometheus(prometheus) => Box::new(Prometheus::new(prometheus.clone(), root)),
        Probe::File { path, series } => Box::new(File::new(root, path, series)),
        Probe::Dns(dns) => Box::new(Dns::new(dns.clone(), aws.clone())),
        Probe::Parameters(all) => Box::new(Parameters::new(all.clone(), aws.clone(), root)),
        Probe::Snapshot(snapshot) => Box::new(Snapshot::new(snapshot.clone(), aws.clone())),
        Probe::Logs(logs) => Box::new(Logs::new(logs.clone(), aws.clone())),
    }
}

/// What a source asks, as its readings record it.
#[must_use]
pub fn query(source: &dyn Source) -> String {
    cut(source.query(), 4096)
}

/// Measures once and judges. Whatever happens there is a reading: a failure has the phase `error` and says why.
#[must_use]
pub fn collect(spec: &CheckSpec, source: &dyn Source, request: &Request) -> Collected {
    let mut base = Reading {
        check: Some(spec.id.clone()),
        source: spec.source.as_str().to_owned(),
        unit: spec.unit.clone(),
        statistic: source.statistic(),
        query: Some(query(source)),
        window: Some(request.window),
        ..Reading::default()
    };
    let observed = source.read(request).and_then(|observation| {
        base.window = observation.window.or(base.window);
        let reading = judged(spec, &observation, base.clone());
        let bytes = serde_json::to_vec(&reading).map_or(usize::MAX, |bytes| bytes.len());
        let points = reading.points.len();
        let fits = points <= MAX_POINTS && bytes <= MAX_READING;
        if fits { Ok((reading, observation.response)) } else { Err(EvidenceError::TooMuch { points }) }
    });
    match observed {
        Ok((reading, response)) => Collected { reading, response, failure: None },
        Err(failure) => {
            let response = failure.said().map(|said| Response {
                bytes: said.as_bytes().iter().copied().take(MAX_RESPONSE).collect(),
                media_type: "text/plain".to_owned(),
            });
            let detail = Some(cut(failure.to_string(), 500));
            let reading = Reading { phase: Some(Phase::Error), detail, ..base };
            Collected { reading, response, failure: Some(failure) }
        }
    }
}

fn judged(spec: &CheckSpec, observation: &Observation, base: Reading) -> Reading {
    let own = observation.answer.map(|answer| match answer {
        Answer::Yes => Phase::Pass,
        Answer::No => spec.on_fail.unwrap_or(Phase::Warn),
        Answer::Unknown => Phase::NoData,
    });
    let Observation { points, baseline_points, samples, note, .. } = observation;
    let judgement = judge(spec, &Measured { points, baseline_points, samples: *samples, own });
    let detail = note.iter().fold(judgement.detail, |detail, note| format!("{detail}; {note}"));
    Reading {
        phase: Some(judgement.phase),
        value: judgement.value,
        points: points.clone(),
        baseline: judgement.baseline,
        baseline_points: baseline_points.clone(),
        samples: *samples,
        detail: Some(cut(detail, 500)),
        ..base
    }
}

/// `text` without control characters, cut to at most `most` bytes.
fn cut(text: String, most: usize) -> String {
    let mut text = if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text };
    let end = (0..=most.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.truncate(end);
    text
}

/// JSON for an opening; without anything where that would be longer than is kept.
fn json_response(value: &serde_json::Value) -> Option<Response> {
    let bytes = Some(value.to_string().into_bytes()).filter(|bytes| bytes.len() <= MAX_RESPONSE);
    bytes.map(|bytes| Response { bytes, media_type: "application/json".to_owned() })
}

fn moment(now: Timestamp) -> Window {
    Window { from: now, to: now, period: 0 }
}
