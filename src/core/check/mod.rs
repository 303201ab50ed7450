//! Checks: what is measured, what passes, and the verdict on a measurement.

mod aws;
mod decimal;
mod github;
mod judge;
mod probe;
mod rank;
mod reading;
mod rules;
mod spec;

pub use aws::{Database, DnsProbe, Expected, LogsProbe, ParametersProbe, Search, SnapshotProbe};
pub use decimal::{Decimal, DecimalError};
pub use github::{GITHUB_API, GithubAsk, GithubProbe, GithubSettings};
pub use judge::{Judgement, Measured, aggregate, judge};
pub use probe::{
    AwsSettings, CertificateProbe, Check, CommandProbe, FlowProbe, HttpProbe, MetricProbe, Probe,
    PrometheusProbe, StatusRange, status_in, statuses,
};
pub use rank::{Alpha, AlphaError, Ranked, rank};
pub use reading::{MAX_POINTS, Point, Reading, Window};
pub use rules::{Evaluation, MissingData, Rules, Standing, TriggerAfter};
pub use spec::{Aggregate, BaselineSpec, CheckSpec, History, Limit, LimitError, Op, SourceKind};

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The verdict on a reading, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Measured, and within every limit.
    Pass,
    /// Breaches the objective.
    Warn,
    /// Nothing, or too little, was measured.
    NoData,
    /// Measuring failed.
    Error,
    /// Breaches the rollback limit.
    Trigger,
}

impl Phase {
    /// Its one spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::NoData => "no-data",
            Self::Error => "error",
            Self::Trigger => "trigger",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Text that a terminal shows as it stands: no control characters.
fn plain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.contains(char::is_control) {
        return Err(serde::de::Error::custom("text with a control character"));
    }
    Ok(text)
}

/// An optional member that, where it stands, is such text and not null.
fn present_plain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    plain(deserializer).map(Some)
}

/// An optional member that, where it stands, is a value and not null.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
