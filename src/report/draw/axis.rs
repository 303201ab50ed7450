//! Scales and their ticks.

use crate::core::time::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Steps between ticks of a time axis, in seconds.
const STEPS: [i64; 20] = [
    1,
    5,
    10,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    30 * DAY,
    365 * DAY,
];

/// A stretch of time on a stretch of the picture.
#[derive(Clone, Copy)]
pub(super) struct Time {
    pub from: Timestamp,
    pub to: Timestamp,
    pub left: f64,
    pub right: f64,
}

impl Time {
    #[allow(clippy::cast_precision_loss)] // a drawing
    pub fn x(&self, at: Timestamp) -> f64 {
        let width = (self.to.millis() - self.from.millis()).max(1) as f64;
        let along = at.millis().saturating_sub(self.from.millis()) as f64 / width;
        self.left + along.clamp(0.0, 1.0) * (self.right - self.left)
    }

    pub fn holds(&self, at: Timestamp) -> bool {
        (self.from..=self.to).contains(&at)
    }

    /// Positions and words of the ticks, at most one each `apart` units; relative to `zero`, or by the clock.
    #[allow(clippy::cast_precision_loss)] // a drawing
    pub fn ticks(&self, zero: Option<Timestamp>, apart: f64) -> Vec<(f64, String)> {
        let seconds = (self.to.millis() - self.from.millis()) / 1000;
        let most = ((self.right - self.left) / apart).max(1.0);
        let step = STEPS.into_iter().find(|step| seconds as f64 / *step as f64 <= most);
        let step = step.unwrap_or_else(|| seconds.max(1));
        let origin = zero.map_or(0, Timestamp::millis);
        let mut ticks = Vec::new();
        let mut index = (self.from.millis() - origin).div_euclid(step * 1000);
        while let Some(at) = index.checked_mul(step * 1000).and_then(|after| origin.checked_add(after)) {
            index += 1;
            if at > self.to.millis() || ticks.len() > 100 {
                break;
            }
            let Ok(moment) = Timestamp::from_millis(at) else { break };
            if moment >= self.from {
                let words = match zero {
                    Some(_) => relative((at - origin) / 1000, step),
                    None => clock(moment, step),
                };
                ticks.push((self.x(moment), words));
            }
        }
        ticks
    }
}

/// `T−1 h 30`, `T`, `T+5 min`.
fn relative(seconds: i64, step: i64) -> String {
    let sign = if seconds < 0 { '−' } else { '+' };
    let total = seconds.abs();
    let (hours, minutes, rest) = (total / HOUR, total / MINUTE % 60, total % MINUTE);
    match (hours, minutes, rest) {
        (0, 0, 0) => "T".into(),
        (0, 0, _) => format!("T{sign}{rest} s"),
        (0, _, 0) => format!("T{sign}{minutes} min"),
        (0, _, _) => format!("T{sign}{minutes}:{rest:02}"),
        (_, 0, 0) if step >= HOUR => format!("T{sign}{hours} h"),
        _ => format!("T{sign}{hours}:{minutes:02}"),
    }
}

fn clock(at: Timestamp, step: i64) -> String {
    let form = match step {
        ..MINUTE => "%H:%M:%S",
        MINUTE..DAY => "%H:%M",
        _ => "%m-%d",
    };
    at.to_utc().format(form).to_string()
}

/// Values on a stretch of the picture, the greatest on top.
#[derive(Clone, Copy)]
pub(super) struct Values {
    pub low: f64,
    pub high: f64,
    pub top: f64,
    pub bottom: f64,
}

impl Values {
    pub fn y(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        let along = if span > 0.0 { (value - self.low) / span } else { 0.5 };
        self.bottom - along.clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// Positions and words of about five ticks at round values.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / 5.0;
        if !rough.is_finite() || rough <= 0.0 {
            return Vec::new();
        }
        let size = 10f64.powf(rough.log10().floor());
        let step = size * [1.0, 2.0, 5.0, 10.0].into_iter().find(|by| size * by >= rough).unwrap_or(10.0);
        let first = (self.low / step).ceil();
        let values = (0..8).map(|index| (first + f64::from(index)) * step);
        values
            .take_while(|value| *value <= self.high)
            .map(|value| (self.y(value), short(value, step)))
            .collect()
    }
}

/// A value with as many decimals as its step has, and thousands as `k`, `M`, `G`.
fn short(value: f64, step: f64) -> String {
    let (by, letter) = match value.abs().max(step) {
        large if large >= 1e9 => (1e9, "G"),
        large if large >= 1e6 => (1e6, "M"),
        large if large >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let decimals = (1..=9).find(|places| step / by * 10f64.powi(*places) >= 0.999).unwrap_or(9);
    let decimals = if step / by >= 0.999 { 0 } else { usize::try_from(decimals).unwrap_or(0) };
    let value = value / by;
    let value = if value == 0.0 { 0.0 } else { value };
    format!("{value:.decimals$}{letter}")
}
