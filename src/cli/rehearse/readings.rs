//! The recorded readings, moved to the simulated hour.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use askama::Template;
use serde::Deserialize;

use crate::cli::files;
use crate::core::checklist::Checklist;
use crate::core::time::Timestamp;

const RECORDED: &str = include_str!("../../../templates/rehearsal_readings.json");

type Series = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
#[allow(dead_code)]
struct Recorded {
    about: String,
    calm: Series,
    storm: Series,
}

#[derive(Template)]
#[template(path = "rehearsal.toml", escape = "none")]
struct ConfigFile<'a> {
    origin: String,
    checks: Vec<Check<'a>>,
}

struct Check<'a> {
    id: &'a str,
    unit: &'a str,
    objective: &'a str,
    rollback: Option<&'a str>,
}

const CHECKS: [Check<'static>; 5] = [
    Check { id: "http-5xx", unit: "percent", objective: "< 0.1", rollback: Some("> 1") },
    Check { id: "cpu", unit: "percent", objective: "< 80", rollback: None },
    Check { id: "memory", unit: "percent", objective: "< 80", rollback: None },
    Check { id: "latency-p95", unit: "seconds", objective: "< 0.3", rollback: None },
    Check { id: "latency-p99", unit: "seconds", objective: "< 0.5", rollback: None },
];

/// Checks that the checklist binds beyond the recorded ones.
fn others(checklist: &Checklist) -> Vec<&str> {
    let mut others: Vec<&str> =
        checklist.items.iter().filter_map(|item| item.spec.check.as_deref()).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|id| CHECKS.iter().all(|check| check.id != *id));
    others
}

/// The configuration of a rehearsal.
///
/// # Errors
/// Where the template cannot be filled.
pub fn config(origin: &str, checklist: &Checklist) -> Result<String> {
    let other = |id| Check { id, unit: "faults", objective: "< 1", rollback: None };
    let checks = CHECKS.into_iter().chain(others(checklist).into_iter().map(other)).collect();
    Ok(ConfigFile { origin: format!("{origin:?}"), checks }.render()?)
}

/// Writes `readings.json` with one point a minute from `from` on.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(home: &Path, storm: bool, from: Timestamp, checklist: &Checklist) -> Result<usize> {
    let recorded: Recorded = serde_json::from_str(RECORDED).context("the recorded readings")?;
    let mut series = if storm { recorded.storm } else { recorded.calm };
    let minutes = series.values().map(Vec::len).min().unwrap_or(0);
    for id in others(checklist) {
        series.insert(id.to_owned(), vec!["0".to_owned(); minutes]);
    }
    let timed: BTreeMap<&String, Vec<(Timestamp, &String)>> = series
        .iter()
        .map(|(id, values)| {
            let points =
                values.iter().zip(0..).map(|(value, minute)| (from.plus_seconds(60 * minute), value));
            (id, points.collect())
        })
        .collect();
    files::write(
        &home.join("readings.json"),
        serde_json::to_string(&serde_json::json!({"series": timed}))?.as_bytes(),
    )?;
    Ok(minutes)
}
