//! `report.html`: one file, nothing from elsewhere, readable without its script, which checks it.

use std::collections::HashSet;

use askama::Template;

use super::ReportError;
use super::model::{ApprovalKind, Check, Item, ItemStatus, Level, Moment, Report};
use super::plot::{self, Plot};
use super::words::{Counted as _, InWords as _, Seconds as _};
use crate::core::check::Phase;
use crate::core::dsse;
use crate::core::event::{Delivery, Outcome, SignOutcome};
use crate::core::hash::Hash;

/// What lets the page check itself. It holds no `</script`, and begins and ends with a line end.
const SCRIPT: &str = include_str!("../../templates/report.js");

/// This many readings in a row that passed are folded into one line of the timeline.
const FOLD_FROM: usize = 4;

#[derive(Template)]
#[template(path = "report.html", escape = "record-html", config = "templates/askama.toml")]
struct Page<'a> {
    r: &'a Report,
    css: &'static str,
    script: &'static str,
    /// The script's SHA-256 as a Content-Security-Policy names it.
    allowed: String,
    rows: Vec<Row<'a>>,
    phases: Vec<(Option<&'a str>, Vec<&'a Item>)>,
    checks: Vec<(&'a Check, Option<Plot>)>,
}

/// A line of the timeline, or several that are folded into one.
enum Row<'a> {
    One(&'a Moment),
    Passed(Vec<&'a Moment>),
}

impl Page<'_> {
    fn tone(&self) -> &'static str {
        let critical = self.r.attention.iter().any(|attention| attention.level == Level::Critical);
        match self.r.summary.outcome {
            _ if critical => "critical",
            Some(Outcome::Completed) => "good",
            Some(Outcome::Partly) => "critical",
            Some(Outcome::RolledBack | Outcome::Aborted | Outcome::NoGo) => "warning",
            None => "plain",
        }
    }

    /// How long the record was open, where it is closed.
    fn took(&self) -> Option<String> {
        let closed = self.r.summary.closed?;
        Some(super::words::duration((closed.millis() - self.r.summary.opened.millis()) / 1000))
    }
}

/// A verdict as a class of the style sheet.
trait Tone {
    fn tone(&self) -> &'static str;
}

impl Tone for Option<Phase> {
    fn tone(&self) -> &'static str {
        match self {
            Some(Phase::Pass) => "good",
            Some(Phase::Trigger) => "critical",
            Some(_) => "warning",
            None => "plain",
        }
    }
}

impl Tone for ItemStatus {
    fn tone(&self) -> &'static str {
        match self {
            Self::Done => "good",
            Self::Failed => "critical",
            Self::Partly | Self::Na => "warning",
            Self::Open => "plain",
        }
    }
}

impl Tone for SignOutcome {
    fn tone(&self) -> &'static str {
        match self {
            Self::Done => "good",
            Self::Na => "warning",
            Self::Failed => "critical",
        }
    }
}

impl Tone for Delivery {
    fn tone(&self) -> &'static str {
        match self {
            Self::Sent => "good",
            Self::Failed => "critical",
            Self::Reported => "plain",
        }
    }
}

/// `report.html`.
///
/// # Errors
/// Never for a [`Report`] that [`report`](super::report) made.
pub fn to_html(report: &Report) -> Result<String, ReportError> {
    let page = Page {
        r: report,
        css: include_str!("../../templates/report.css"),
        script: SCRIPT,
        allowed: dsse::encode(Hash::of(&[SCRIPT.as_bytes()]).as_bytes()),
        rows: rows(report),
        phases: phases(&report.items),
        checks: report
            .checks
            .iter()
            .map(|check| (check, plot::plot(check, report.summary.cutover)))
            .collect(),
    };
    Ok(page.render()? + "\n")
}

fn rows(report: &Report) -> Vec<Row<'_>> {
    let readings = report.checks.iter().flat_map(|check| &check.readings);
    let passed: HashSet<u64> = readings
        .filter(|reading| reading.phase == Some(Phase::Pass))
        .map(|reading| reading.entry.seq)
        .collect();
    let folds =
        |moment: &Moment| passed.contains(&moment.seq) && moment.issues.is_empty() && moment.said.is_none();
    let mut rows = Vec::new();
    for run in report.timeline.chunk_by(|a, b| folds(a) && folds(b)) {
        if run.len() >= FOLD_FROM {
            rows.push(Row::Passed(run.iter().collect()));
        } else {
            rows.extend(run.iter().map(Row::One));
        }
    }
    rows
}

fn phases(items: &[Item]) -> Vec<(Option<&str>, Vec<&Item>)> {
    let groups = items.chunk_by(|a, b| a.phase == b.phase);
    groups
        .map(|group| (group.first().and_then(|item| item.phase.as_deref()), group.iter().collect()))
        .collect()
}
