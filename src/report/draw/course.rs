//! The course of a deployment on one line of time: from two hours before the cutover to an hour after it, longer
//! where the verification or a rollback is, with what came earlier and later gathered at its ends.

use super::axis::Time;
use super::lane::Lane;
use super::{Drawing, Pair, Shape, text_width};
use crate::core::check::Phase;
use crate::core::event::{Act, Colour, Decision, SignOutcome};
use crate::core::time::Timestamp;
use crate::report::model::{ApprovalKind, Report};
use crate::report::words::{self, InWords as _, Seconds as _};

const HOUR: i64 = 3600;
/// The furthest that the picture reaches after the cutover, in hours.
const LONGEST: i64 = 12;
/// Room for the ticks above the lanes, and for the clock below.
const HEAD: f64 = 38.0;
const FOOT: f64 = 22.0;
/// At most so many services' traffic is drawn.
const SERVICES_MAX: usize = 6;
/// Room at an end for what is beyond it.
const GUTTER: f64 = 26.0;

/// The course; `None` where everything happened in one moment.
pub fn course(report: &Report) -> Option<Pair> {
    let opened = report.summary.opened;
    let last = report.timeline.last()?.recorded;
    if opened >= last {
        return None;
    }
    let (from, to) = stretch(report, last);
    let lanes = lanes(report, last);
    let says = says(report, last);
    let made = |width: u32, left: f64, above: bool| {
        let (early, late) = (opened < from, last > to);
        let start = left + if early { GUTTER } else { 0.0 };
        let end = f64::from(width) - 8.0 - if late { GUTTER } else { 0.0 };
        let picture = Picture {
            report,
            lanes: &lanes,
            time: Time { from, to, left: start, right: end },
            left,
            right: f64::from(width) - 8.0,
            above,
        };
        let (height, shapes) = picture.shapes();
        Drawing { width, height, says: says.clone(), shapes }
    };
    Some(Pair { wide: made(1000, 104.0, false), narrow: made(360, 6.0, true) })
}

/// What of the deployment the picture shows.
fn stretch(report: &Report, last: Timestamp) -> (Timestamp, Timestamp) {
    let Some(cutover) = report.summary.cutover else {
        return (report.summary.opened.max(last.plus_seconds(-LONGEST * HOUR)), last);
    };
    let ends = report.rollbacks.iter().filter_map(|rollback| Some(rollback.finished.as_ref()?.recorded));
    let window = report.window.as_ref().map(|window| window.to);
    let wanted = ends.chain(window).fold(cutover.plus_seconds(HOUR), Timestamp::max);
    let to = wanted.min(cutover.plus_seconds(LONGEST * HOUR)).min(last).max(cutover.plus_seconds(1));
    // A little after the last thing that is wanted, so that it is not at the edge.
    let to = to.plus_seconds((to.millis() - cutover.millis()) / 25_000).min(last.max(to));
    (report.summary.opened.max(cutover.plus_seconds(-2 * HOUR)), to)
}

fn says(report: &Report, last: Timestamp) -> String {
    let mut parts = vec![format!("opened {}", report.summary.opened.human())];
    for approval in &report.approvals {
        if let ApprovalKind::Decision { decision, .. } = &approval.what {
            parts.push(format!("{} {}", decision.words(), approval.entry.recorded.human()));
        }
    }
    parts.extend(report.summary.cutover.map(|at| format!("cutover {}", at.human())));
    for rollback in &report.rollbacks {
        parts.extend(rollback.triggers.first().map(|t| format!("trigger {}", t.entry.recorded.human())));
        parts.extend(rollback.finished.as_ref().map(|f| format!("rollback finished {}", f.recorded.human())));
    }
    parts.truncate(30);
    let end = match report.summary.closed {
        Some(at) => format!("closed {}", at.human()),
        None => format!("last entry {}", last.human()),
    };
    parts.push(end);
    format!("{}. Every event stands in the list below.", parts.join("; "))
}

fn lanes(report: &Report, last: Timestamp) -> Vec<Lane> {
    let lanes = [
        phases(report, last),
        traffic(report),
        decisions(report),
        rollback(report, last),
        sign_offs(report),
        checks(report),
        acts(report),
        messages(report),
    ];
    lanes.into_iter().filter(|lane| !lane.is_empty()).collect()
}

/// When the decision to go was made, as far as one is in force or was.
fn went(report: &Report) -> Option<Timestamp> {
    let go = |what: &ApprovalKind| matches!(what, ApprovalKind::Decision { decision: Decision::Go, .. });
    report.approvals.iter().rev().find(|a| go(&a.what) && !a.entry.not_verified).map(|a| a.entry.recorded)
}

fn phases(report: &Report, last: Timestamp) -> Lane {
    let mut lane = Lane::new("Phases");
    let summary = &report.summary;
    let mut put = |from: Timestamp, to: Timestamp, class, name: &str| {
        if from < to {
            let took = ((to.millis() - from.millis()) / 1000).duration();
            lane.bars.push((from, to, class, format!("{name}: {took}, from {}", from.human())));
        }
    };
    let back = report.rollbacks.iter().find_map(|r| r.started.as_ref()).map(|place| place.recorded);
    let end = summary.closed.unwrap_or(last).min(back.unwrap_or(last));
    let go = went(report).or(summary.cutover).unwrap_or(end).min(end);
    put(summary.opened, go, "bar prepare", "Preparation");
    let green = report.window.as_ref().map(|window| window.from);
    put(go, green.unwrap_or(end).min(end), "bar move", "Cutover");
    if let Some(window) = &report.window {
        put(window.from, window.to.min(end), "bar prove", "Verification");
        let until = retired(report).unwrap_or(last).min(end.max(last));
        if until > window.to.min(end) && back.is_none() {
            put(window.to.min(end), until, "bar standby", "Blue on standby");
        }
    }
    for rollback in &report.rollbacks {
        let finished =
            rollback.finished.as_ref().map_or(summary.closed.unwrap_or(last), |place| place.recorded);
        if let Some(started) = &rollback.started {
            put(started.recorded, finished, "bar critical", "Rollback");
        }
    }
    lane
}

/// When the last service's standby ended.
fn retired(report: &Report) -> Option<Timestamp> {
    let over = |act: Act| matches!(act, Act::Done | Act::Observed);
    let all = report.acts.iter().filter(|act| act.kind == "standby-changed" && over(act.act));
    let all = all.filter(|act| words::is_retired(&act.text));
    let all: Vec<Timestamp> = all.map(|act| act.entry.recorded).collect();
    (all.len() >= report.identity.services.len().max(1)).then(|| all.last().copied()).flatten()
}

fn traffic(report: &Report) -> Lane {
    let mut lane = Lane::new("On Green");
    let moved = report.shifts.iter().filter(|s| matches!(s.act, Act::Done | Act::Observed));
    let mut by_service: Vec<(&str, Vec<(Timestamp, u8)>)> = Vec::new();
    for shift in moved {
        let percent = if shift.to == Colour::Green { shift.percent } else { 100 - shift.percent.min(100) };
        let point = (shift.entry.recorded, percent);
        let known = by_service.len();
        match by_service.iter_mut().find(|(service, _)| *service == shift.service.as_str()) {
            Some((_, all)) => all.push(point),
            None if known < SERVICES_MAX => by_service.push((shift.service.as_str(), vec![point])),
            None => {}
        }
    }
    lane.shares = by_service.into_iter().map(|(_, shares)| shares).collect();
    lane
}

fn decisions(report: &Report) -> Lane {
    let mut lane = Lane::new("Decisions");
    for approval in &report.approvals {
        let ApprovalKind::Decision { decision, waives, .. } = &approval.what else { continue };
        let (class, name) = match decision {
            Decision::Override => ("flag warning", "override"),
            Decision::Abort => ("flag critical", "abort"),
            Decision::NoGo => ("flag critical", "no-go"),
            Decision::Go => ("flag good", "go"),
            Decision::AllClear => ("flag good", "all-clear"),
        };
        let class = if approval.entry.not_verified { "flag critical" } else { class };
        let waives = waives.as_ref().map(|waives| format!(" of {waives}")).unwrap_or_default();
        let words =
            format!("{name}{waives}, {}, {}", approval.entry.signers(), approval.entry.recorded.human());
        lane.flags.push((approval.entry.recorded, class, name.into(), words));
    }
    if let Some(at) = report.summary.closed {
        lane.flags.push((at, "flag plain", "closed".into(), format!("record closed, {}", at.human())));
    }
    lane
}

fn rollback(report: &Report, last: Timestamp) -> Lane {
    let mut lane = Lane::new("Rollback");
    for rollback in &report.rollbacks {
        for trigger in &rollback.triggers {
            let check = trigger.check.as_ref().map(|check| format!(" ({check})")).unwrap_or_default();
            let words =
                format!("trigger: {}{check}, {}", trigger.trigger.words(), trigger.entry.recorded.human());
            lane.flags.push((trigger.entry.recorded, "flag critical", "trigger".into(), words));
        }
        if let Some(started) = &rollback.started {
            let to = rollback.finished.as_ref().map_or(last, |place| place.recorded);
            let took = ((to.millis() - started.recorded.millis()) / 1000).duration();
            let words = format!("rollback decided by {}, took {took}", started.signers());
            lane.flags.push((started.recorded, "flag critical", "decided".into(), words));
        }
        for step in rollback.steps.iter().filter(|step| matches!(step.act, Act::Done | Act::Failed)) {
            let words =
                format!("{}: {}, {}", step.step.words(), step.act.words(), step.entry.recorded.human());
            lane.ticks.push((
                step.entry.recorded,
                if step.act == Act::Done { "tick plain" } else { "tick critical" },
                words,
            ));
        }
        if let (Some(finished), Some(outcome)) = (&rollback.finished, rollback.outcome) {
            let words = format!("rollback {}, {}", outcome.words(), finished.recorded.human());
            lane.flags.push((finished.recorded, "flag plain", outcome.words().into(), words));
        }
    }
    lane
}

fn sign_offs(report: &Report) -> Lane {
    let mut lane = Lane::new("Sign-offs");
    for approval in &report.approvals {
        let ApprovalKind::Item { item, outcome, .. } = &approval.what else { continue };
        let class = match outcome {
            _ if approval.entry.not_verified || approval.withdrawn.is_some() => "tick critical",
            SignOutcome::Done => "tick good",
            SignOutcome::Na => "tick warning",
            SignOutcome::Failed => "tick critical",
        };
        let withdrawn = if approval.withdrawn.is_some() { ", withdrawn later" } else { "" };
        let words = format!("{item} {}{withdrawn}, {}", outcome.words(), approval.entry.signers());
        lane.ticks.push((approval.entry.recorded, class, words));
    }
    lane
}

fn checks(report: &Report) -> Lane {
    let mut lane = Lane::new("Checks");
    for check in &report.checks {
        for reading in &check.readings {
            let class = match reading.phase {
                Some(Phase::Pass) => "tick good",
                Some(Phase::Trigger) => "tick critical",
                _ => "tick warning",
            };
            let words = if reading.phase == Some(Phase::Pass) {
                format!("{} pass", check.id)
            } else {
                format!("{} {} {}", check.id, reading.phase.words(), reading.measured())
            };
            lane.ticks.push((reading.entry.recorded, class, words));
        }
    }
    lane
}

fn acts(report: &Report) -> Lane {
    let mut lane = Lane::new("Acts");
    for (what, act, entry, _) in report.done() {
        let class = match act {
            Act::Failed => "tick critical",
            Act::Intended => "tick faint",
            Act::Done | Act::Observed => "tick plain",
        };
        lane.ticks.push((
            entry.recorded,
            class,
            format!("{what}, {}, {}", act.words(), entry.recorded.human()),
        ));
    }
    lane
}

fn messages(report: &Report) -> Lane {
    let mut lane = Lane::new("Messages");
    for message in &report.communications {
        let failed = message.delivery == crate::core::event::Delivery::Failed;
        let words = format!("{} to {}", message.delivery.words(), message.channel);
        lane.ticks.push((message.entry.recorded, if failed { "tick critical" } else { "tick plain" }, words));
    }
    for note in &report.notes {
        let name = if note.review { "review" } else { "note" };
        lane.ticks.push((note.entry.recorded, "tick faint", format!("{name}, {}", note.entry.signers())));
    }
    lane
}

struct Picture<'a> {
    report: &'a Report,
    lanes: &'a [Lane],
    time: Time,
    left: f64,
    right: f64,
    /// Whether a lane's name stands above it.
    above: bool,
}

impl Picture<'_> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a height in units
    fn shapes(&self) -> (u32, Vec<Shape>) {
        let time = &self.time;
        // What is beyond an end stands in the middle of the room there.
        let at = |when: Timestamp| match when {
            when if when < time.from => time.left - GUTTER / 2.0,
            when if when > time.to => time.right + GUTTER / 2.0,
            when => time.x(when),
        };
        let mut lanes = Vec::new();
        let mut y = HEAD;
        let (mut ground, mut names) = (Vec::new(), Vec::new());
        for lane in self.lanes {
            if self.above {
                y += 15.0;
                names.push(Shape::text("name", self.left, y - 3.0, lane.name));
            } else {
                names.push(Shape::text("end name", self.left - 10.0, y + 17.0, lane.name));
            }
            let band = super::bar(self.left, y + 1.0, self.right - self.left, lane.height() - 2.0);
            ground.push(Shape::path("band", band));
            lanes.extend(lane.shapes(time, &at, y));
            y += lane.height();
        }
        let mut shapes = ground;
        let cutover = self.report.summary.cutover;
        for (x, words) in time.ticks(cutover, if self.above { 66.0 } else { 84.0 }) {
            shapes.push(Shape::vertical("grid", x, HEAD - 6.0, y));
            let half = text_width(&words) / 2.0;
            shapes.push(Shape::text(
                "mid",
                x.clamp(time.left + half - 8.0, time.right - half + 6.0),
                HEAD - 11.0,
                words,
            ));
        }
        for (x, words) in time.ticks(None, if self.above { 66.0 } else { 84.0 }) {
            let half = text_width(&words) / 2.0;
            shapes.push(Shape::text(
                "mid soft",
                x.clamp(time.left + half - 8.0, time.right - half + 6.0),
                y + 15.0,
                words,
            ));
        }
        if !self.above {
            shapes.push(Shape::text("end soft", self.left - 10.0, y + 15.0, "UTC"));
        }
        for (shown, x) in [(time.left > self.left, time.left), (time.right < self.right, time.right)] {
            if shown {
                shapes.push(Shape::vertical("edge", x, HEAD, y));
            }
        }
        if time.left > self.left {
            shapes.push(Shape::text("soft", self.left, HEAD - 24.0, "earlier"));
        }
        if time.right < self.right {
            shapes.push(Shape::text("end soft", self.right, HEAD - 24.0, "later"));
        }
        if let Some(at) = cutover.filter(|at| time.holds(*at)) {
            let x = time.x(at);
            shapes.push(Shape::vertical("cut", x, HEAD - 8.0, y));
            let half = text_width("cutover") / 2.0;
            shapes.push(Shape::text(
                "mid strong",
                x.clamp(time.left + half, time.right - half),
                HEAD - 24.0,
                "cutover",
            ));
        }
        shapes.extend(names);
        shapes.extend(lanes);
        ((y + FOOT) as u32, shapes)
    }
}
