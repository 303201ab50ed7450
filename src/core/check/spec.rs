//! What a check is: frozen in clear in `deployment-opened`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::core::hash::Hash;
use crate::core::strict;
use serde::{Deserialize, Serialize};

use super::{Alpha, Decimal, Phase, Rules, plain, present, present_plain};

/// Where a check's readings come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Amazon `CloudWatch`: metrics and alarms.
    Cloudwatch,
    /// One HTTP request.
    Http,
    /// Several HTTP requests after each other.
    Flow,
    /// A server's certificate.
    Certificate,
    /// A workflow's run on GitHub.
    Workflow,
    /// The pull requests of a release on GitHub.
    PullRequests,
    /// A branch on GitHub that nothing may come to.
    CodeFreeze,
    /// One program run.
    Command,
    /// A file of readings made elsewhere.
    File,
    /// Route 53: the records by which traffic moves.
    Dns,
    /// Parameter Store: names, types and versions, never values.
    Parameters,
    /// RDS: the newest snapshot of a database.
    Snapshot,
    /// `CloudWatch` Logs: error rates, and what nobody should write into a log.
    Logs,
    /// A query to a Prometheus server.
    Prometheus,
}

impl SourceKind {
    /// Its one spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloudwatch => "cloudwatch",
            Self::Http => "http",
            Self::Flow => "flow",
            Self::Certificate => "certificate",
            Self::Workflow => "workflow",
            Self::PullRequests => "pull-requests",
            Self::CodeFreeze => "code-freeze",
            Self::Command => "command",
            Self::File => "file",
            Self::Dns => "dns",
            Self::Parameters => "parameters",
            Self::Snapshot => "snapshot",
            Self::Logs => "logs",
            Self::Prometheus => "prometheus",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The comparison of a [`Limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Op {
    /// Less than.
    #[serde(rename = "<")]
    Lt,
    /// At most.
    #[serde(rename = "<=")]
    Le,
    /// Greater than.
    #[serde(rename = ">")]
    Gt,
    /// At least.
    #[serde(rename = ">=")]
    Ge,
}

impl Op {
    /// `<`, `<=`, `>` or `>=`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// True for `<` and `<=`.
    #[must_use]
    pub const fn is_upper(self) -> bool {
        matches!(self, Self::Lt | Self::Le)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A comparison with a number: an objective holds while it is true, a rollback limit is breached when it is true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// The comparison.
    pub op: Op,
    /// What is compared with, in the check's unit.
    pub value: Decimal,
}

/// Text that is no [`Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a limit: write a comparison and a number, such as \"< 0.1\" or \">= 99.9\"")]
pub struct LimitError;

impl Limit {
    /// True when `value` stands in this relation to the limit.
    #[must_use]
    pub fn holds(&self, value: &Decimal) -> bool {
        let order = value.compare(&self.value);
        match self.op {
            Op::Lt => order == Ordering::Less,
            Op::Le => order != Ordering::Greater,
            Op::Gt => order == Ordering::Greater,
            Op::Ge => order != Ordering::Less,
        }
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let text = text.trim();
        let ops = [Op::Le, Op::Ge, Op::Lt, Op::Gt];
        let (op, rest) = ops
            .into_iter()
            .find_map(|op| text.strip_prefix(op.as_str()).map(|rest| (op, rest)))
            .ok_or(LimitError)?;
        Ok(Self { op, value: Decimal::parse(rest.trim_start()).map_err(|_| LimitError)? })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.op, self.value)
    }
}

/// An objective taken from history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BaselineMembers", into = "BaselineMembers")]
pub struct BaselineSpec {
    /// How many earlier days are looked at, the same hours of each.
    pub days: u32,
    /// What is held against them.
    pub history: History,
}

/// How history is an objective.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// The value is at most so many times the median of the days.
    Ratio(Decimal),
    /// The points are no worse than those of the days, by a one-sided Mann-Whitney U test at this level.
    MannWhitney(Alpha),
}

/// A [`BaselineSpec`] as it is written: `ratio` alone, or `test` and `alpha`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineMembers {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    alpha: Option<Alpha>,
    days: u32,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    ratio: Option<Decimal>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    test: Option<Test>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Test {
    MannWhitney,
}

impl TryFrom<BaselineMembers> for BaselineSpec {
    type Error = &'static str;

    fn try_from(members: BaselineMembers) -> Result<Self, Self::Error> {
        let history = match (members.ratio, members.test, members.alpha) {
            (Some(ratio), None, None) => History::Ratio(ratio),
            (None, Some(Test::MannWhitney), Some(alpha)) => History::MannWhitney(alpha),
            _ => return Err("a baseline has a ratio, or a test and its alpha"),
        };
        Ok(Self { days: members.days, history })
    }
}

impl From<BaselineSpec> for BaselineMembers {
    fn from(spec: BaselineSpec) -> Self {
        let days = spec.days;
        match spec.history {
            History::Ratio(ratio) => Self { alpha: None, days, ratio: Some(ratio), test: None },
            History::MannWhitney(alpha) => {
                Self { alpha: Some(alpha), days, ratio: None, test: Some(Test::MannWhitney) }
            }
        }
    }
}

/// How the points of a window become the one value that is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// The arithmetic mean, to 15 significant digits.
    Mean,
    /// The newest.
    Last,
}

impl Aggregate {
    /// Its one spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Min => "min",
            Self::Mean => "mean",
            Self::Last => "last",
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A check, as `deployment-opened` freezes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckSpec {
    /// Unique within the deployment: `[a-z0-9][a-z0-9.-]{0,63}`.
    #[serde(deserialize_with = "plain")]
    pub id: String,
    /// Where readings come from.
    pub source: SourceKind,
    /// The unit of values and limits, such as `percent`.
    #[serde(default, deserialize_with = "present_plain", skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Holds while all is well; `warn` when it does not.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub objective: Option<Limit>,
    /// `trigger` when it holds.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Limit>,
    /// An objective taken from history.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineSpec>,
    /// How points become one value. Absent: the worst, which is the least for a `>` objective and else the greatest.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    /// Fewer samples than this are no data.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub min_requests: Option<u64>,
    /// For a check that answers yes or no by itself (a status, an exit code, an alarm): what a "no" means, `warn` or
    /// `trigger`. Absent for a check that is numbers alone, which then needs a limit.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub on_fail: Option<Phase>,
    /// What a check that answers by itself expects, in words, such as `status 200-299`. No secrets; at most 500 bytes.
    #[serde(default, deserialize_with = "present_plain", skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// SHA-256 of what the source is asked, so that a deployment's readings all answer the same question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Hash>,
    /// How its readings add up. Absent in records from before there were such rules.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// Measured each minute through the verification window.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "strict::stated")]
    pub watch: bool,
}

impl CheckSpec {
    /// The aggregate in force: the one given, or the worst by the direction of the limits.
    #[must_use]
    pub fn aggregate(&self) -> Aggregate {
        self.aggregate.unwrap_or(if self.rises() { Aggregate::Max } else { Aggregate::Min })
    }

    /// Whether it gets worse as the value rises.
    #[must_use]
    pub fn rises(&self) -> bool {
        let objective = self.objective.as_ref().map(|limit| limit.op.is_upper());
        let rollback = || self.rollback.as_ref().map(|limit| !limit.op.is_upper());
        objective.or_else(rollback).unwrap_or(true)
    }
}
