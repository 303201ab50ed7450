//! The plot of a check: its values against the limits and the history, with what is missing shown as missing.

use super::axis::{Time, Values};
use super::series::{Series, holds};
use super::{Drawing, Pair, Shape, bar, text_width, unit};
use crate::core::check::Limit;
use crate::core::time::Timestamp;
use crate::report::model::{Check, Report};

const HEIGHT: u32 = 190;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 166.0;
const LEFT: f64 = 40.0;
/// Limits that close are told below their line.
const LINE: f64 = 13.0;
/// A limit further off than this many times everything else is named and not drawn.
const BEYOND: f64 = 4.0;
/// What happened up to so long before or after the readings is marked too, in seconds.
const NEAR: i64 = 900;

/// The plot of a check; `None` where nothing was asked over any stretch of time.
pub fn plot(check: &Check, report: &Report) -> Option<Pair> {
    let series = Series::of(check);
    let (from, to) = series.span?;
    let from = series.values.first().map_or(from, |(at, _)| from.min(*at));
    let to = series.values.last().map_or(to, |(at, _)| to.max(*at));
    let marks = marks(report);
    let near = |at: Timestamp| from.plus_seconds(-NEAR) <= at && at <= to.plus_seconds(NEAR);
    let seen: Vec<Timestamp> = marks.iter().map(|mark| mark.0).filter(|at| near(*at)).collect();
    let from = seen.iter().copied().fold(from, Timestamp::min);
    let to = seen.into_iter().fold(to, Timestamp::max);
    if from >= to || (series.values.len() < 2 && series.missing.is_empty()) {
        return None;
    }
    let window = report.window.as_ref().filter(|_| check.watch);
    let end = report.timeline.last().map_or(to, |moment| moment.recorded.max(to));
    let missing = series.missing_with(window.map(|window| (window.from, window.to.min(end))));
    let says = says(check, &series, &missing, from, to);
    let made = |width: u32| {
        let time = Time { from, to, left: LEFT, right: f64::from(width) - 8.0 };
        let plot = Plot { check, series: &series, time, values: values(check, &series) };
        Drawing { width, height: HEIGHT, says: says.clone(), shapes: plot.shapes(report, &marks, &missing) }
    };
    Some(Pair { wide: made(860), narrow: made(340) })
}

/// What is marked in every plot: when, how, and its name.
fn marks(report: &Report) -> Vec<(Timestamp, &'static str, &'static str)> {
    let mut marks: Vec<_> = report.summary.cutover.map(|at| (at, "cut", "cutover")).into_iter().collect();
    for rollback in &report.rollbacks {
        let trigger = rollback.triggers.first().map(|trigger| (trigger.entry.recorded, "alarm", "trigger"));
        let started = rollback.started.as_ref().map(|place| (place.recorded, "alarm", "rollback"));
        let finished = rollback.finished.as_ref().map(|place| (place.recorded, "alarm", "rolled back"));
        marks.extend([trigger, started, finished].into_iter().flatten());
    }
    marks
}

fn values(check: &Check, series: &Series) -> Values {
    let limits =
        [&check.objective, &check.rollback].map(|limit| limit.as_ref().map(|limit| limit.value.to_f64()));
    let mut near: Vec<f64> = series.range().map_or(Vec::new(), |(low, high)| vec![low, high]);
    near.extend(limits[0].filter(|value| value.is_finite()));
    let reach = near.iter().fold(0.0, |reach: f64, value| reach.max(value.abs()));
    let fits = |value: &f64| value.is_finite() && (reach == 0.0 || value.abs() <= reach * BEYOND);
    near.extend(limits[1].filter(fits));
    near.extend(series.history.into_iter().flat_map(|(low, high)| [low, high]).filter(fits));
    let low = near.iter().copied().fold(f64::INFINITY, f64::min);
    let high = near.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low.is_finite() { (low, high) } else { (0.0, 1.0) };
    let low = if low >= 0.0 && low <= high * 0.6 { 0.0 } else { low - (high - low) * 0.15 };
    let high = if high > low { high + (high - low) * 0.14 } else { low + 1.0 };
    Values { low, high, top: TOP, bottom: BOTTOM }
}

fn says(
    check: &Check,
    series: &Series,
    missing: &[(Timestamp, Timestamp)],
    from: Timestamp,
    to: Timestamp,
) -> String {
    let unit = check.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
    let values = match series.range() {
        Some((low, high)) => format!("{} values from {low} to {high}{unit}", series.values.len()),
        None => "no value".into(),
    };
    let seconds: i64 = missing.iter().map(|(from, to)| (to.millis() - from.millis()) / 1000).sum();
    let gap = if seconds > 0 {
        format!("; nothing for {} of it", crate::report::words::duration(seconds))
    } else {
        String::new()
    };
    format!("{values}, {} to {}{gap}; {}", from.human(), to.human(), check.limits())
}

struct Plot<'a> {
    check: &'a Check,
    series: &'a Series,
    time: Time,
    values: Values,
}

impl Plot<'_> {
    fn shapes(
        &self,
        report: &Report,
        marks: &[(Timestamp, &'static str, &'static str)],
        missing: &[(Timestamp, Timestamp)],
    ) -> Vec<Shape> {
        let mut shapes = Vec::new();
        self.ground(report, missing, &mut shapes);
        self.limits(&mut shapes);
        self.marks(marks, &mut shapes);
        self.line(&mut shapes);
        shapes
    }

    /// Axes, the verification window, the history, and hatching where there is nothing.
    fn ground(&self, report: &Report, missing: &[(Timestamp, Timestamp)], shapes: &mut Vec<Shape>) {
        let (time, right) = (&self.time, self.time.right);
        if let Some(window) =
            report.window.as_ref().filter(|window| window.to > time.from && window.from < time.to)
        {
            let (from, to) = (time.x(window.from), time.x(window.to));
            let title = format!("verification window, {} to {}", window.from.human(), window.to.human());
            shapes.push(Shape::titled("window", bar(from, TOP, to - from, BOTTOM - TOP), title));
        }
        if let Some((low, high)) = self.series.history {
            let (top, foot) = (self.values.y(high), self.values.y(low));
            let title = format!("history: 10th to 90th percentile, {low} to {high}");
            let height = (foot - top).max(1.5);
            shapes.push(Shape::titled("history", bar(time.left, top, right - time.left, height), title));
        }
        for (y, words) in self.values.ticks() {
            shapes.push(Shape::horizontal("grid", y, time.left, right));
            shapes.push(Shape::text("end", time.left - 5.0, y + 4.0, words));
        }
        for (x, words) in time.ticks(None, 70.0) {
            shapes.push(Shape::vertical("grid", x, BOTTOM, BOTTOM + 4.0));
            let class = if x + 16.0 > right { "end" } else { "mid" };
            shapes.push(Shape::text(class, if class == "end" { right } else { x }, BOTTOM + 17.0, words));
        }
        let mut d = String::new();
        let mut drawn = f64::NEG_INFINITY;
        let (mut first, mut last) = (None, 0.0);
        for (from, to) in missing {
            let (from, to) = (time.x(*from).max(drawn), time.x(*to));
            if to - from >= 1.0 {
                d += &format!("M{} {}H{}", unit(from), unit(f64::midpoint(TOP, BOTTOM)), unit(to));
                (drawn, last) = (to, to);
                first.get_or_insert(from);
            }
        }
        if let Some(first) = first {
            shapes.push(Shape::titled("hatch", d, "no data".into()));
            let x = f64::midpoint(first, last).clamp(time.left + 24.0, right - 24.0);
            shapes.push(Shape::text("mid halo", x, BOTTOM - 8.0, "no data"));
        }
        shapes.push(Shape::horizontal("axis", BOTTOM, time.left, right));
    }

    fn limits(&self, shapes: &mut Vec<Shape>) {
        let unit = self.check.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let named = [("objective", &self.check.objective), ("rollback", &self.check.rollback)];
        let mut drawn: Vec<(f64, &'static str, String)> = Vec::new();
        for (class, limit) in named {
            let Some(limit): &Option<Limit> = limit else { continue };
            let (value, words) = (limit.value.to_f64(), format!("{class} {limit}{unit}"));
            if (self.values.low..=self.values.high).contains(&value) {
                drawn.push((self.values.y(value), class, words));
            } else {
                let (y, arrow) =
                    if value > self.values.high { (TOP + LINE, '↑') } else { (BOTTOM - 6.0, '↓') };
                let words = format!("{words} {arrow} off this scale");
                shapes.push(Shape::text(of(class), self.time.right - 4.0, y, words));
            }
        }
        drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut above = f64::NEG_INFINITY;
        for (y, class, words) in drawn {
            let foot = if y - 5.0 - above < LINE || y - LINE < TOP { y + LINE } else { y - 5.0 };
            shapes.push(Shape::horizontal(class, y, self.time.left, self.time.right));
            shapes.push(Shape::text(of(class), self.time.right - 4.0, foot, words));
            above = foot;
        }
    }

    fn marks(&self, marks: &[(Timestamp, &'static str, &'static str)], shapes: &mut Vec<Shape>) {
        let (mut free, mut last) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (at, class, name) in marks.iter().filter(|mark| self.time.holds(mark.0)) {
            let x = self.time.x(*at);
            if (x - last).abs() >= 1.0 {
                shapes.push(Shape::vertical(class, x, TOP - 6.0, BOTTOM));
                last = x;
            }
            let half = text_width(name) / 2.0;
            let middle = x.clamp(self.time.left + half - 20.0, self.time.right - half);
            if middle - half > free {
                shapes.push(Shape::text("mid", middle, TOP - 10.0, *name));
                free = middle + half + 4.0;
            }
        }
    }

    /// One path for all stretches; of more values than columns, the lowest and the highest of each.
    fn line(&self, shapes: &mut Vec<Shape>) {
        let limit = |limit: &Option<Limit>, good: bool, value| {
            limit.as_ref().is_some_and(|l| holds(l, value) != good)
        };
        let (mut line, mut warn, mut trigger, mut dots) =
            (String::new(), String::new(), String::new(), String::new());
        let few = self.series.values.len() <= 70;
        let mut last = ("", f64::NEG_INFINITY);
        for stretch in self.series.stretches() {
            let mut letter = 'M';
            for column in stretch.chunk_by(|a, b| self.column(a.0) == self.column(b.0)) {
                let mut ends = [column.first(), None, None, column.last()];
                ends[1] = column.iter().min_by(|a, b| a.1.total_cmp(&b.1));
                ends[2] = column.iter().max_by(|a, b| a.1.total_cmp(&b.1));
                let mut ends: Vec<(Timestamp, f64)> = ends.into_iter().flatten().copied().collect();
                ends.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
                ends.dedup();
                for (at, value) in ends {
                    let (x, y) = (self.time.x(at), self.values.y(value));
                    line += &format!("{letter}{} {}", unit(x), unit(y));
                    letter = 'L';
                    let (name, dot) = match value {
                        value if limit(&self.check.rollback, false, value) => ("trigger", &mut trigger),
                        value if limit(&self.check.objective, true, value) => ("warn", &mut warn),
                        _ if few || stretch.len() == 1 => ("", &mut dots),
                        _ => continue,
                    };
                    if name != last.0 || x - last.1 >= 2.0 || few {
                        *dot += &format!("M{} {}h0", unit(x), unit(y));
                        last = (name, x);
                    }
                }
            }
        }
        shapes.push(Shape::path("line", line));
        for (class, d) in [("dot", dots), ("dot warn", warn), ("dot trigger", trigger)] {
            shapes.extend((!d.is_empty()).then(|| Shape::path(class, d)));
        }
    }

    #[allow(clippy::cast_possible_truncation)] // a column of the picture
    fn column(&self, at: Timestamp) -> i32 {
        (self.time.x(at) / 2.5) as i32
    }
}

/// The class of a limit's words.
fn of(class: &str) -> &'static str {
    if class == "rollback" { "end halo rollback" } else { "end halo objective" }
}
