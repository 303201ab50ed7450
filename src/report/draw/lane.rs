//! A lane of the course: bars, ticks and flags along one line of time.

use super::axis::Time;
use super::{Shape, bar, text_width, unit};
use crate::core::time::Timestamp;

/// More ticks or flags than this are drawn without words of their own.
const TITLED: usize = 80;

/// One lane.
#[derive(Default)]
pub(super) struct Lane {
    pub name: &'static str,
    /// From, to, class, words.
    pub bars: Vec<(Timestamp, Timestamp, &'static str, String)>,
    /// When, class, words.
    pub ticks: Vec<(Timestamp, &'static str, String)>,
    /// When, class, the name beside it, words. Those that matter most keep their name when there is no room for all.
    pub flags: Vec<(Timestamp, &'static str, String, String)>,
    /// Share of the traffic from then on, by service, 0 to 100.
    pub shares: Vec<Vec<(Timestamp, u8)>>,
}

impl Lane {
    pub fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.bars.is_empty() && self.ticks.is_empty() && self.flags.is_empty() && self.shares.is_empty()
    }

    pub fn height(&self) -> f64 {
        if self.flags.is_empty() { 26.0 } else { 40.0 }
    }

    pub fn shapes(&self, time: &Time, at: &dyn Fn(Timestamp) -> f64, top: f64) -> Vec<Shape> {
        let mut shapes = Vec::new();
        for shares in &self.shares {
            shapes.extend(traffic(shares, at, time.right, top + 3.0, 20.0));
        }
        for (from, to, class, words) in &self.bars {
            let (from, to) = (at(*from), at(*to));
            let width = (to - from).max(2.0);
            shapes.push(Shape::titled(class, bar(from, top + 4.0, width, 18.0), words.clone()));
            let name = words.split(':').next().unwrap_or_default();
            if text_width(name) + 8.0 <= width {
                shapes.push(Shape::text("on", from + 5.0, top + 17.0, name));
            }
        }
        let ticks = self.ticks.iter().map(|(when, class, words)| (at(*when), *class, words)).collect();
        shapes.extend(marks(ticks, top, 14));
        let flags = self.flags.iter().map(|(when, class, _, words)| (at(*when), *class, words)).collect();
        shapes.extend(marks(flags, top, 28));
        shapes.extend(self.names(time, at, top));
        shapes
    }

    /// The names of the flags in two rows, as far as there is room.
    fn names(&self, time: &Time, at: &dyn Fn(Timestamp) -> f64, top: f64) -> Vec<Shape> {
        let mut order: Vec<_> = self.flags.iter().collect();
        order.sort_by_key(|flag| std::cmp::Reverse(weight(flag.1)));
        let (mut shapes, mut taken) = (Vec::new(), Vec::<(u8, f64, f64)>::new());
        for (when, _, name, _) in order {
            let x = at(*when);
            let width = text_width(name) + 8.0;
            let left = if x + width > time.right { x - width } else { x };
            let free =
                |row: &u8| !taken.iter().any(|(r, l, w)| r == row && left < l + w && *l < left + width);
            if let Some(row) = [15, 31].into_iter().find(|row| free(row)) {
                taken.push((row, left, width));
                shapes.push(Shape::text("halo", left + 4.0, top + f64::from(row), name.as_str()));
            }
        }
        shapes
    }
}

/// Upright strokes at these places, with their words where they are few; what is critical is drawn last, over all else.
fn marks(mut all: Vec<(f64, &'static str, &String)>, top: f64, length: u32) -> Vec<Shape> {
    let d = |x: f64| format!("M{} {}v{length}", unit(x), unit(top + 6.0));
    all.sort_by(|a, b| (weight(a.1), a.1).cmp(&(weight(b.1), b.1)).then(a.0.total_cmp(&b.0)));
    if all.len() <= TITLED {
        return all.into_iter().map(|(x, class, words)| Shape::titled(class, d(x), words.clone())).collect();
    }
    let mut shapes = Vec::new();
    for group in all.chunk_by(|a, b| a.1 == b.1) {
        let (mut strokes, mut last) = (String::new(), f64::NEG_INFINITY);
        for (x, ..) in group {
            if x - last >= 1.5 {
                strokes += &d(*x);
                last = *x;
            }
        }
        let class = group.first().map_or("tick", |mark| mark.1);
        shapes.push(Shape::titled(class, strokes, format!("{} of them {}", group.len(), word(class))));
    }
    shapes
}

/// How much a class matters.
fn weight(class: &str) -> u8 {
    match class {
        class if class.ends_with("critical") => 2,
        class if class.ends_with("warning") => 1,
        _ => 0,
    }
}

/// What a class says.
fn word(class: &str) -> &'static str {
    match weight(class) {
        2 => "beyond a limit, failed or withdrawn",
        1 => "to be looked at",
        _ if class.ends_with("good") => "as they should be",
        _ => "in all",
    }
}

/// A staircase of shares.
fn traffic(
    shares: &[(Timestamp, u8)],
    at: &dyn Fn(Timestamp) -> f64,
    right: f64,
    top: f64,
    height: f64,
) -> Vec<Shape> {
    let foot = top + height;
    let Some((first, _)) = shares.first() else { return Vec::new() };
    let mut d = format!("M{} {}", unit(at(*first)), unit(foot));
    for (when, percent) in shares {
        d += &format!("H{}V{}", unit(at(*when)), unit(foot - f64::from(*percent) / 100.0 * height));
    }
    d += &format!("H{}V{}Z", unit(right), unit(foot));
    let mut steps: Vec<String> =
        shares.iter().take(12).map(|(when, percent)| format!("{percent} % at {}", when.human())).collect();
    if let Some(more @ 1..) = shares.len().checked_sub(steps.len()) {
        steps.push(format!("and {more} more"));
    }
    vec![Shape::titled("green", d, format!("traffic on Green: {}", steps.join(", ")))]
}
