//! The plots of a look back, as numbers for inline SVG; every number stands in a table beside it too.

use super::model::{Retro, human_seconds};
use super::page::state_tone;
use crate::core::time::Timestamp;

const DAY: i64 = 86_400_000;
/// At most so many bars stand side by side.
const MOST_BARS: i64 = 60;
/// The bars' ground: left, right, top, bottom.
const GROUND: (f64, f64, f64, f64) = (30.0, 632.0, 10.0, 140.0);
/// Where the phases' bars begin and how far they may reach.
const REACH: (f64, f64) = (170.0, 460.0);
/// The order in which a bar's parts stand on each other.
const TONES: [&str; 4] = ["good", "critical", "warning", "plain"];

/// Deployments by the time of their opening.
pub struct Bars {
    /// The parts of every bar.
    pub bars: Vec<Bar>,
    /// The highest bar.
    pub most: usize,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// `day`, `week` or another length.
    pub unit: String,
    /// For those who cannot see it.
    pub says: String,
}

/// A part of a bar.
pub struct Bar {
    /// Its tone.
    pub class: &'static str,
    /// Its place.
    pub x: String,
    /// Its top.
    pub y: String,
    /// Its width.
    pub width: String,
    /// Its height.
    pub height: String,
    /// What it says.
    pub says: String,
}

/// How long each phase takes.
pub struct Spans {
    /// Each phase.
    pub spans: Vec<Span>,
    /// The drawing's height.
    pub height: usize,
    /// For those who cannot see it.
    pub says: String,
}

/// A phase: its bar up to the median, its line up to the 90th percentile.
pub struct Span {
    /// Which.
    pub phase: &'static str,
    /// The bar's top.
    pub y: usize,
    /// Its middle.
    pub middle: usize,
    /// Its bottom.
    pub low: usize,
    /// The text's base line.
    pub text: usize,
    /// The bar's width.
    pub median: String,
    /// Where it ends.
    pub median_x: String,
    /// Where the line ends.
    pub p90_x: String,
}

fn day(millis: i64) -> String {
    Timestamp::from_millis(millis)
        .map_or_else(|_| String::new(), |at| at.to_utc().format("%Y-%m-%d").to_string())
}

/// The bars; `None` without a deployment.
#[allow(clippy::cast_precision_loss)]
pub fn bars(retro: &Retro) -> Option<Bars> {
    let first = retro.deployments.first()?.opened.millis().div_euclid(DAY);
    let last = retro.deployments.last()?.opened.millis().div_euclid(DAY).max(first);
    let days = last - first + 1;
    let length =
        [1, 7, 28].into_iter().find(|length| days <= length * MOST_BARS).unwrap_or(days / MOST_BARS + 1);
    let count = usize::try_from(days.div_euclid(length) + i64::from(days % length > 0)).ok()?;
    let mut counts = vec![[0usize; TONES.len()]; count];
    for one in &retro.deployments {
        let at = usize::try_from((one.opened.millis().div_euclid(DAY) - first) / length).unwrap_or_default();
        let tone = TONES.iter().position(|tone| *tone == state_tone(one)).unwrap_or_default();
        if let Some(slot) = counts.get_mut(at).and_then(|bar| bar.get_mut(tone)) {
            *slot += 1;
        }
    }
    let most = counts.iter().map(|bar| bar.iter().sum::<usize>()).max()?.max(1);
    let (left, right, top, bottom) = GROUND;
    let step = (right - left) / count as f64;
    let mut drawn = Vec::new();
    for (index, bar) in counts.iter().enumerate() {
        let begins = day((first + i64::try_from(index).unwrap_or_default() * length) * DAY);
        let mut y = bottom;
        for (class, number) in TONES.into_iter().zip(bar).filter(|(_, number)| **number > 0) {
            let height = (bottom - top) * *number as f64 / most as f64;
            y -= height;
            drawn.push(Bar {
                class,
                x: format!("{:.1}", left + step * index as f64 + step * 0.1),
                y: format!("{y:.1}"),
                width: format!("{:.1}", (step * 0.8).min(40.0)),
                height: format!("{height:.1}"),
                says: format!("from {begins}: {number} {}", meaning(class)),
            });
        }
    }
    let unit = match length {
        1 => "day".to_owned(),
        7 => "week".to_owned(),
        days => format!("{days} days"),
    };
    let total = |class: usize| counts.iter().filter_map(|bar| bar.get(class)).sum::<usize>();
    let parts = TONES.iter().enumerate().map(|(index, tone)| format!("{} {}", total(index), meaning(tone)));
    let says = format!(
        "Deployments by the {unit} of their opening, {} to {}, at most {most}: {}",
        day(first * DAY),
        day(last * DAY),
        parts.collect::<Vec<_>>().join(", ")
    );
    Some(Bars { bars: drawn, most, from: day(first * DAY), to: day(last * DAY), unit, says })
}

fn meaning(tone: &str) -> &'static str {
    match tone {
        "good" => "completed",
        "critical" => "failed in production",
        "warning" => "ended before production",
        _ => "open",
    }
}

/// The phases' bars; `None` where no phase is known.
pub fn spans(retro: &Retro) -> Option<Spans> {
    let known: Vec<_> =
        retro.figures.phases.iter().filter_map(|phase| Some((phase.phase, phase.seconds?))).collect();
    let most = known.iter().map(|(_, spread)| spread.p90).fold(0.0, f64::max);
    if known.is_empty() {
        return None;
    }
    let width = |seconds: f64| if most > 0.0 { seconds / most * REACH.1 } else { 0.0 };
    let of = |(index, (phase, spread)): (usize, &(&'static str, crate::core::retro::Spread))| {
        let y = 6 + index * 26;
        Span {
            phase,
            y,
            middle: y + 6,
            low: y + 12,
            text: y + 10,
            median: format!("{:.1}", width(spread.median).max(1.0)),
            median_x: format!("{:.1}", REACH.0 + width(spread.median)),
            p90_x: format!("{:.1}", REACH.0 + width(spread.p90)),
        }
    };
    let says = known.iter().map(|(phase, spread)| {
        format!(
            "{phase}: median {}, 90th percentile {}",
            human_seconds(spread.median),
            human_seconds(spread.p90)
        )
    });
    let says = says.collect::<Vec<_>>().join("; ");
    Some(Spans { height: known.len() * 26 + 6, says, spans: known.iter().enumerate().map(of).collect() })
}
