//! A list of deployments from elsewhere: JSON, or CSV with a line of names.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::cli::files;
use crate::core::retro::Foreign;
use crate::core::time::Timestamp;

const MAX: u64 = 64 << 20;

/// A line of it. `at` is RFC 3339, or a day.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    commit: String,
    #[serde(default)]
    release: String,
    #[serde(default)]
    what: String,
}

/// Every line of a list, in its order.
///
/// # Errors
/// Where one is not of the form; the error names it.
pub fn read(path: &Path) -> Result<Vec<Foreign>> {
    let text = files::read_text(path, MAX)?;
    let lines = if text.trim_start().starts_with('[') {
        serde_json::from_str::<Vec<Line>>(&text).with_context(|| format!("{}: {FORM}", path.display()))?
    } else {
        csv(&text).with_context(|| format!("{}: {FORM}", path.display()))?
    };
    let foreign = |(index, line): (usize, Line)| {
        let number = index + 1;
        let at = moment(&line.at).with_context(|| {
            format!(
                "{}: entry {number}: {:?} is no time such as 2026-07-03T02:04:11Z",
                path.display(),
                line.at
            )
        })?;
        if line.id.is_empty() && line.commit.is_empty() && line.release.is_empty() {
            bail!("{}: entry {number} names no id, commit or release", path.display());
        }
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let id = if line.id.is_empty() { format!("entry {number}") } else { line.id };
        let (commit, release) = (some(line.commit.to_ascii_lowercase()), some(line.release));
        Ok(Foreign { source: "list", id, at, what: line.what, commit, release, service: None })
    };
    lines.into_iter().enumerate().map(foreign).collect()
}

const FORM: &str = "a list is JSON, [{\"at\": …, \"id\": …, \"commit\": …, \"release\": …, \"what\": …}], or CSV with these names in its first \
                    line; `at` is needed, and one of id, commit and release";

fn moment(text: &str) -> Option<Timestamp> {
    let day = Timestamp::parse(&format!("{text}T00:00:00.000Z")).ok();
    let other = || {
        let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        Timestamp::from_millis(time.timestamp_millis()).ok()
    };
    day.or_else(other)
}

fn csv(text: &str) -> Result<Vec<Line>> {
    let mut rows = rows(text.trim_start_matches('\u{feff}'))?.into_iter();
    let names = rows.next().context("it is empty")?;
    let line = |(index, row): (usize, Vec<String>)| {
        if row.len() != names.len() {
            bail!("line {} has {} cells, the first has {}", index + 2, row.len(), names.len());
        }
        let cells = names.iter().cloned().zip(row.into_iter().map(serde_json::Value::String)).collect();
        Ok(serde_json::from_value(serde_json::Value::Object(cells))?)
    };
    rows.enumerate().map(line).collect()
}

/// The cells of each line (RFC 4180); empty lines are left out.
fn rows(text: &str) -> Result<Vec<Vec<String>>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    if quoted {
        bail!("a quotation mark is never closed");
    }
    row.push(cell);
    rows.push(row);
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    Ok(rows)
}
