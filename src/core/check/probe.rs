//! How a check is measured: what configuration says and evidence does. No part of the format.

use std::collections::BTreeMap;

use super::{CheckSpec, DnsProbe, GithubProbe, LogsProbe, ParametersProbe, SnapshotProbe, Window};
use crate::core::time::Timestamp;

/// A check with all that measuring it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is frozen in the record.
    pub spec: CheckSpec,
    /// How it is measured.
    pub probe: Probe,
    /// The window looked at when nothing else is said, in minutes.
    pub window_minutes: u32,
    /// Seconds that one point stands for.
    pub period_seconds: u32,
}

/// How a check is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A `CloudWatch` metric, or a ratio of two.
    Metric(MetricProbe),
    /// `CloudWatch` alarms, by name: none may be in alarm.
    Alarms {
        /// At least one.
        names: Vec<String>,
    },
    /// One HTTP request.
    Http(HttpProbe),
    /// Several HTTP requests after each other.
    Flow(FlowProbe),
    /// A server's certificate.
    Certificate(CertificateProbe),
    /// A repository on GitHub.
    Github(GithubProbe),
    /// One program run.
    Command(CommandProbe),
    /// A file of readings.
    File {
        /// Relative to the project's folder.
        path: String,
        /// The member of `series`.
        series: String,
    },
    /// The records by which traffic moves.
    Dns(DnsProbe),
    /// The parameters of an environment.
    Parameters(ParametersProbe),
    /// The newest snapshot of a database.
    Snapshot(SnapshotProbe),
    /// Log groups.
    Logs(LogsProbe),
    /// A query to a Prometheus server.
    Prometheus(PrometheusProbe),
}

impl Probe {
    /// Whether it measures the moment at which it is asked and nothing before: a minute that was missed is lost.
    #[must_use]
    pub const fn is_momentary(&self) -> bool {
        !matches!(self, Self::Metric(_) | Self::File { .. } | Self::Logs(_) | Self::Prometheus(_))
    }
}

/// A `CloudWatch` metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricProbe {
    /// Such as `AWS/ApplicationELB`.
    pub namespace: String,
    /// Added up when several.
    pub metrics: Vec<String>,
    /// The same for every metric here.
    pub dimensions: BTreeMap<String, String>,
    /// `Average`, `Sum`, `p95`, …
    pub statistic: String,
    /// Makes the value 100 · `metrics` / this, in percent. A period without it is no data; a period with it and
    /// without `metrics` is zero, because `CloudWatch` stores no point where a counter counted nothing.
    pub divide_by: Option<String>,
}

/// One GET request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    /// With scheme.
    pub url: String,
    /// The statuses that are a yes, as inclusive ranges.
    pub status: Vec<(u16, u16)>,
    /// A pattern that the body must contain.
    pub body_pattern: Option<String>,
    /// For the whole exchange.
    pub timeout_seconds: u32,
    /// PEM certificates that are trusted beside the public web roots, relative to the project's folder.
    pub ca_file: Option<String>,
}

/// One PromQL query over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusProbe {
    /// The server, with scheme and, behind a proxy, its path.
    pub url: String,
    /// Must give one series.
    pub query: String,
    /// Gives the number of requests of each period; added up, they are the samples behind the points.
    pub requests: Option<String>,
    /// The environment variable that holds a bearer token.
    pub token_env: Option<String>,
    /// For one request.
    pub timeout_seconds: u32,
    /// PEM certificates that are trusted beside the public web roots, relative to the project's folder.
    pub ca_file: Option<String>,
}

/// A file of steps, each one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowProbe {
    /// Relative to the project's folder.
    pub file: String,
    /// What each step's path is appended to.
    pub base: String,
    /// For each exchange.
    pub timeout_seconds: u32,
    /// As of [`HttpProbe`].
    pub ca_file: Option<String>,
}

/// One server that speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateProbe {
    /// Its name, which the certificate must be for.
    pub host: String,
    /// 443 unless set.
    pub port: u16,
    /// For the whole exchange.
    pub timeout_seconds: u32,
    /// As of [`HttpProbe`].
    pub ca_file: Option<String>,
}

/// HTTP statuses from the first to the last, both included.
pub type StatusRange = (u16, u16);

/// Reads a set of HTTP statuses, such as `200-299` or `401,403`.
#[must_use]
pub fn statuses(text: &str) -> Option<Vec<StatusRange>> {
    let one = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=599).contains(status));
    let range = |part: &str| match part.split_once('-') {
        None => one(part).map(|status| (status, status)),
        Some((from, to)) => Some((one(from)?, one(to)?)).filter(|(from, to)| from <= to),
    };
    text.split(',').map(range).collect()
}

/// Whether a status is in the set.
#[must_use]
pub fn status_in(set: &[StatusRange], status: u16) -> bool {
    set.iter().any(|&(from, to)| (from..=to).contains(&status))
}

/// One program run, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandProbe {
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// The exit code that is a yes.
    pub exit_code: i32,
    /// After which the whole process group is killed.
    pub timeout_seconds: u32,
    /// Reads a number from the output: its first group, or the whole match.
    pub value_pattern: Option<String>,
}

/// How to reach AWS; whatever is absent comes from the SDK's default chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// Such as `eu-central-1`.
    pub region: Option<String>,
    /// Another server than AWS's own.
    pub endpoint_url: Option<String>,
    /// A profile of the shared configuration file.
    pub profile: Option<String>,
    /// For one attempt; 0 stands for the default of 10.
    pub timeout_seconds: u32,
}

impl Check {
    /// The window that ends with the last whole period before `now`.
    #[must_use]
    pub fn window(&self, now: Timestamp) -> Window {
        let period = i64::from(self.period_seconds.max(1));
        let to = now.millis().div_euclid(period * 1000) * period * 1000;
        let to = Timestamp::from_millis(to).unwrap_or(now);
        Window {
            from: to.plus_seconds(-60 * i64::from(self.window_minutes)),
            to,
            period: self.period_seconds,
        }
    }
}
