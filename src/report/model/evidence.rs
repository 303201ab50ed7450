//! Checks with their limits, readings with their raw points, and what people brought.

use serde::{Deserialize, Serialize};

use super::{Held, Place, Text};
use crate::core::check::{
    Aggregate, Alpha, Decimal, Limit, MissingData, Phase, Point, Rules, SourceKind, Window as Looked,
};
use crate::core::deployment::newest;
use crate::core::time::Timestamp;

/// The verification window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    /// When every service was at 100 % Green.
    pub from: Timestamp,
    /// When the verification may end.
    pub to: Timestamp,
    /// Its length.
    pub minutes: u32,
    /// The share of it that each watched check must cover, in percent.
    pub needed_percent: Decimal,
    /// How much of it each watched check covers.
    pub coverage: Vec<Coverage>,
}

/// How much of the window a watched check covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Coverage {
    /// The check.
    pub check: String,
    /// Minutes with a reading.
    pub minutes: u32,
    /// Minutes of the window.
    pub of: u32,
    /// Entries in the window that did not pass.
    pub not_passed: Vec<u64>,
}

/// A check with everything that was measured for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// Its id.
    pub id: String,
    /// Where readings come from; absent for a check that the deployment was not opened with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceKind>,
    /// The unit of values and limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Holds while all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Limit>,
    /// A reason to roll back when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Limit>,
    /// An objective taken from history: the factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_ratio: Option<Decimal>,
    /// An objective taken from history: the level of a Mann-Whitney U test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_alpha: Option<Alpha>,
    /// An objective taken from history: how many earlier days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_days: Option<u32>,
    /// How points become the value that is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    /// Fewer samples than this are no data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_requests: Option<u64>,
    /// What a check that answers by itself expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// How its readings add up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// Whether it is measured through the verification window.
    pub watch: bool,
    /// The items bound to it.
    pub items: Vec<String>,
    /// The newest verdict; absent when nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Phase>,
    /// How many readings there are by verdict.
    pub counts: Counts,
    /// Every reading, in entry order.
    pub readings: Vec<ReadingLine>,
}

impl Check {
    /// The newest of its readings for which `wanted` holds.
    #[must_use]
    pub fn newest(&self, wanted: impl Fn(&ReadingLine) -> bool) -> Option<&ReadingLine> {
        let wanted = self.readings.iter().filter(|reading| wanted(reading));
        newest(wanted, |reading| (reading.entry.recorded, reading.window))
    }

    /// The limits in one line, for people.
    #[must_use]
    pub fn limits(&self) -> String {
        let unit = self.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let mut parts = Vec::new();
        parts.extend(self.objective.as_ref().map(|limit| format!("objective {limit}{unit}")));
        if let (Some(ratio), Some(days)) = (&self.baseline_ratio, self.baseline_days) {
            parts.push(format!("at most {ratio} × the median of the last {days} days"));
        }
        if let (Some(alpha), Some(days)) = (self.baseline_alpha, self.baseline_days) {
            parts.push(format!("no worse than the last {days} days (Mann-Whitney, alpha {alpha})"));
        }
        parts.extend(self.rollback.as_ref().map(|limit| format!("rollback {limit}{unit}")));
        parts.extend(self.expect.as_ref().map(|expect| format!("expects {expect}")));
        parts.extend(self.min_requests.map(|least| format!("no data below {least} requests")));
        let rules = self.rules.as_ref();
        parts.extend(rules.and_then(|rules| rules.trigger_after).map(|after| format!("fires after {after}")));
        parts.extend(rules.and_then(|rules| rules.missing).map(|missing| {
            let meaning = match missing {
                MissingData::Breaching => "a breach",
                MissingData::NotBreaching => "no breach",
                MissingData::Ignore => "ignored",
            };
            format!("no data is {meaning}")
        }));
        if parts.is_empty() { "no limits".into() } else { parts.join("; ") }
    }
}

/// How many readings there are by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    /// Within every limit.
    pub pass: u64,
    /// Beyond the objective.
    pub warn: u64,
    /// Nothing, or too little, was measured.
    pub no_data: u64,
    /// Measuring failed.
    pub error: u64,
    /// Beyond the rollback limit.
    pub trigger: u64,
}

/// One reading with its raw points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadingLine {
    /// Where, when, who.
    pub entry: Place,
    /// True where a person says so; false where the program measured it.
    pub attested: bool,
    /// Where it comes from.
    pub source: String,
    /// The verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The value that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Decimal>,
    /// The unit of every value here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What each point is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistic: Option<String>,
    /// What was asked of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The time looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Looked>,
    /// The raw points, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// The value of history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Decimal>,
    /// The points of history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baseline_points: Vec<Point>,
    /// How many samples stand behind the points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// What the source answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Held>,
    /// What somebody says of what they brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// Why the verdict is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl ReadingLine {
    /// The value with its unit, or a dash.
    #[must_use]
    pub fn measured(&self) -> String {
        match (&self.value, &self.unit) {
            (Some(value), Some(unit)) => format!("{value} {unit}"),
            (Some(value), None) => value.to_string(),
            (None, _) => "–".into(),
        }
    }
}

impl super::Report {
    /// Evidence that answers no check: what people brought, or what was measured.
    #[must_use]
    pub fn beside(&self, attested: bool) -> Vec<&Attachment> {
        self.attachments.iter().filter(|one| one.attested == attested).collect()
    }
}

/// Evidence that answers no check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// Where, when, who.
    pub entry: Place,
    /// True where a person brought it.
    pub attested: bool,
    /// Where it comes from.
    pub source: String,
    /// What the program says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What somebody says of what they brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// The file that somebody brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Held>,
    /// Its text, where it is text of at most 4096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
}
