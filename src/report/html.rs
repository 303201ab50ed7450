//! `report.html`: one file, nothing from elsewhere, readable without its script, which checks it.

use std::collections::HashSet;

use askama::Template;

use super::ReportError;
use super::draw;
use super::model::{ApprovalKind, Check, Moment, ReadingLine, Report};
use super::ticked::{Ticked, ticked};
use super::tone::Tone as _;
use super::words::{Counted as _, InWords as _, Seconds as _};
use crate::core::check::{Phase, Point, Window};
use crate::core::dsse;
use crate::core::hash::Hash;
use crate::core::time::Timestamp;

/// What lets the page check itself, but for [`STYLED`]; it holds no `</script`.
const SCRIPT: &str = include_str!("../../templates/report.js");
/// How the page looks.
const STYLE: &str = include_str!("../../templates/report.css");
/// Stands in the script for the SHA-256 of the style.
const STYLED: &str = "the style's SHA-256";

/// This many readings in a row that passed are folded into one line of the list of events.
const FOLD_FROM: usize = 4;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Of more raw points than this a reading shows the first; `report.json` has all.
const POINTS_MAX: usize = 12;

#[derive(Template)]
#[template(path = "report.html", escape = "record-html", config = "templates/askama.toml")]
struct Page<'a> {
    r: &'a Report,
    css: &'static str,
    script: String,
    /// The SHA-256 of script and style as a Content-Security-Policy names them.
    allowed: String,
    styled: String,
    course: Option<String>,
    rows: Vec<Row<'a>>,
    phases: Vec<(Option<&'a str>, Vec<Ticked<'a>>)>,
    checks: Vec<Shown<'a>>,
}

/// A line of the list of events, or several that are folded into one.
enum Row<'a> {
    One(&'a Moment),
    Passed(Vec<&'a Moment>),
}

/// A check with its plot, and with what all of its readings have in common and need not say again.
struct Shown<'a> {
    check: &'a Check,
    plot: Option<String>,
    query: Option<&'a str>,
    statistic: Option<&'a str>,
    source: Option<(String, String)>,
}

impl<'a> Shown<'a> {
    fn new(check: &'a Check, report: &Report) -> Result<Self, ReportError> {
        let plot = draw::plot(check, report).map(|pair| pair.svg(&check.id)).transpose()?;
        let source = |reading: &ReadingLine| {
            (!reading.attested).then(|| (reading.source.clone(), reading.entry.signers()))
        };
        Ok(Self {
            check,
            plot,
            query: common(&check.readings, |reading| reading.query.as_deref()),
            statistic: common(&check.readings, |reading| reading.statistic.as_deref()),
            source: common(&check.readings, source),
        })
    }
}

/// What is the same of every reading.
fn common<'a, T: PartialEq>(
    readings: &'a [ReadingLine],
    of: impl Fn(&'a ReadingLine) -> Option<T>,
) -> Option<T> {
    let first = of(readings.first()?)?;
    readings.iter().all(|reading| of(reading).as_ref() == Some(&first)).then_some(first)
}

#[allow(clippy::trivially_copy_pass_by_ref, clippy::unused_self)] // templates call them, with references
impl Page<'_> {
    /// How long the record was open, where it is closed.
    fn took(&self) -> Option<String> {
        let closed = self.r.summary.closed?;
        Some(super::words::duration((closed.millis() - self.r.summary.opened.millis()) / 1000))
    }

    fn plotted(&self) -> bool {
        self.checks.iter().any(|shown| shown.plot.is_some())
    }

    /// `14:03:20`: beside what says the day.
    fn clock(&self, at: &Timestamp) -> String {
        let second = at.millis().div_euclid(1000).rem_euclid(DAY);
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }

    /// `14:02:00 to 14:03:00, each 60 s`; with the day where that is not the one of `recorded`.
    fn looked(&self, window: &Window, recorded: &Timestamp) -> String {
        let day = |at: &Timestamp| at.millis().div_euclid(1000 * DAY);
        let same = [window.from, window.to].iter().all(|at| day(at) == day(recorded));
        let told = |at: &Timestamp| if same { self.clock(at) } else { at.human() };
        format!("{} to {}, each {} s", told(&window.from), told(&window.to), window.period)
    }

    /// A point's time and value, for the first of them.
    fn points<'p>(&self, points: &'p [Point]) -> impl Iterator<Item = &'p Point> {
        points.iter().take(POINTS_MAX)
    }

    /// How many points are not shown.
    fn more(&self, points: &[Point]) -> usize {
        points.len().saturating_sub(POINTS_MAX)
    }
}

/// `report.html`.
///
/// # Errors
/// Never for a [`Report`] that [`report`](super::report) made.
pub fn to_html(report: &Report) -> Result<String, ReportError> {
    let style = Hash::of(&[STYLE.as_bytes()]);
    let script = SCRIPT.replace(STYLED, &style.to_string());
    let page = Page {
        r: report,
        css: STYLE,
        allowed: dsse::encode(Hash::of(&[script.as_bytes()]).as_bytes()),
        styled: dsse::encode(style.as_bytes()),
        script,
        course: draw::course(report).map(|pair| pair.svg("Course of the deployment")).transpose()?,
        rows: rows(report),
        phases: ticked(report),
        checks: report.checks.iter().map(|check| Shown::new(check, report)).collect::<Result<_, _>>()?,
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
