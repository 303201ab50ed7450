//! The body of `metric-read` and `evidence-collected`.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Decimal, Phase, plain, present, present_plain};
use crate::core::opening::OpeningRef;
use crate::core::time::Timestamp;

/// The most points that one reading carries.
pub const MAX_POINTS: usize = 500;

/// One measured value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The start of the period that was measured.
    pub at: Timestamp,
    /// In the reading's unit.
    pub value: Decimal,
}

/// The time that a reading looks at. For a single moment `from` and `to` are the same and `period` is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// Seconds that one point stands for.
    pub period: u32,
}

/// A reading, with all that is needed to judge it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reading {
    /// The check that it answers; absent for attachments.
    #[serde(default, deserialize_with = "present_plain", skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// As the check names it, such as `cloudwatch` or `http`; `person` for what somebody brought.
    #[serde(deserialize_with = "plain")]
    pub source: String,
    /// The verdict; absent for attachments.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The value that was judged.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Decimal>,
    /// The unit of every value here.
    #[serde(default, deserialize_with = "present_plain", skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What each point is, such as `p95` or `Average`.
    #[serde(default, deserialize_with = "present_plain", skip_serializing_if = "Option::is_none")]
    pub statistic: Option<String>,
    /// What was asked of the source; at most 4096 bytes, never a secret.
    #[serde(default, deserialize_with = "at_most::<_, 4096>", skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The time looked at.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The raw points, oldest first; at most [`MAX_POINTS`].
    #[serde(default, deserialize_with = "points", skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
    /// The value of history that the check's ratio is applied to.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Decimal>,
    /// One point for each earlier day with data: the check's aggregate over the same hours, at that day's first moment.
    #[serde(default, deserialize_with = "points", skip_serializing_if = "Vec::is_empty")]
    pub baseline_points: Vec<Point>,
    /// How many samples or requests stand behind the points.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// What the source answered, or the file that somebody brought.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub response: Option<OpeningRef>,
    /// What somebody says of what they brought, and the file's name.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub note: Option<OpeningRef>,
    /// Why the verdict is what it is, made by the program; at most 500 bytes.
    #[serde(default, deserialize_with = "at_most::<_, 500>", skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

fn at_most<'de, D: Deserializer<'de>, const MAX: usize>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = plain(deserializer)?;
    if text.len() <= MAX {
        Ok(Some(text))
    } else {
        Err(serde::de::Error::custom(format!("text longer than {MAX} bytes")))
    }
}

fn points<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Point>, D::Error> {
    let points = Vec::<Point>::deserialize(deserializer)?;
    if points.is_empty() {
        return Err(serde::de::Error::custom("an empty list of points: it is left out instead"));
    }
    if points.len() <= MAX_POINTS {
        Ok(points)
    } else {
        Err(serde::de::Error::custom(format!("more than {MAX_POINTS} points")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reading, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn one_encoding() {
        let full = concat!(
            r#"{"check":"http-5xx","source":"cloudwatch","phase":"no-data","value":"0.02","unit":"percent","statistic":"Sum","#,
            r#""query":"q","window":{"from":"2026-07-03T02:00:00.000Z","to":"2026-07-03T02:05:00.000Z","period":60},"#,
            r#""points":[{"at":"2026-07-03T02:00:00.000Z","value":"0.02"}],"baseline":"1","#,
            r#""baselinePoints":[{"at":"2026-07-02T02:00:00.000Z","value":"1"}],"samples":7,"detail":"d"}"#
        );
        assert_eq!(serde_json::to_string(&read(full).unwrap()).unwrap(), full);
        let least = r#"{"source":"person"}"#;
        assert_eq!(serde_json::to_string(&read(least).unwrap()).unwrap(), least);
    }

    #[test]
    fn everything_else_is_refused() {
        let with = |more: &str| read(&format!("{{\"source\":\"file\",{more}}}")).unwrap_err();
        for null in [
            "check",
            "phase",
            "value",
            "unit",
            "statistic",
            "query",
            "window",
            "baseline",
            "samples",
            "response",
            "detail",
        ] {
            let error = with(&format!("\"{null}\":null"));
            assert!(error.contains("null") || error.contains("expected value"), "{null}: {error}");
        }
        assert!(with(r#""value":0.1"#).contains("expected a string"));
        assert!(with(r#""value":"0,1""#).contains("not a decimal"));
        assert!(with(r#""remark":"x""#).contains("unknown field"));
        assert!(with(r#""phase":"noData""#).contains("unknown variant"));
        for member in ["check", "unit", "statistic", "query", "detail"] {
            for control in [r"\u001b[2J", r"\n", r"\u0085"] {
                let error = with(&format!("\"{member}\":\"a{control}\""));
                assert!(error.contains("control character"), "{member} {control}: {error}");
            }
        }
        assert!(with(r#""points":[]"#).contains("left out"));
        assert!(with(&format!("\"query\":\"{}\"", "q".repeat(4097))).contains("4096"));
        assert!(with(&format!("\"detail\":\"{}\"", "q".repeat(501))).contains("500"));
        let point = r#"{"at":"2026-07-03T02:00:00.000Z","value":"1"}"#;
        let many = vec![point; MAX_POINTS + 1].join(",");
        assert!(with(&format!("\"points\":[{many}]")).contains("more than 500"));
    }
}
