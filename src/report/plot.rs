//! A small plot of a check's readings against its limits, as numbers for an inline SVG.

use std::collections::BTreeMap;

use super::model::Check;
use crate::core::check::Decimal;
use crate::core::time::Timestamp;

/// Width and height of the drawing, in SVG units.
pub const SIZE: (f64, f64) = (640.0, 150.0);
/// Space around the plot: left, top, right, bottom.
const LEFT: f64 = 8.0;
/// Limits are named to the right of the plot.
const RIGHT: f64 = 120.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 22.0;
/// At most this many columns are drawn; of more points, each column's highest.
const COLUMNS: usize = 600;

/// A plot, ready to be put into a template.
pub struct Plot {
    /// The polyline's points.
    pub line: String,
    /// Single points, where there are few: x and y.
    pub dots: Vec<(String, String)>,
    /// The limits: class, y, and what is written there.
    pub limits: Vec<(&'static str, String, String)>,
    /// A limit that lies beyond the scale.
    pub beyond: Option<String>,
    /// The first and the last moment, for the axis.
    pub from: String,
    /// The last moment.
    pub to: String,
    /// x of the cutover.
    pub cutover: Option<String>,
    /// What the plot says, for those who cannot see it.
    pub says: String,
}

/// The plot of a check; `None` with fewer than two moments measured.
pub fn plot(check: &Check, cutover: Option<Timestamp>) -> Option<Plot> {
    let mut values: BTreeMap<Timestamp, &Decimal> = BTreeMap::new();
    for reading in &check.readings {
        if reading.points.is_empty() {
            values.extend(reading.value.as_ref().map(|value| (reading.entry.recorded, value)));
        }
        values.extend(reading.points.iter().map(|point| (point.at, &point.value)));
    }
    let (first, _) = values.first_key_value()?;
    let (last, _) = values.last_key_value()?;
    if first == last {
        return None;
    }
    let lowest = values.values().min_by(|a, b| a.compare(b))?;
    let highest = values.values().max_by(|a, b| a.compare(b))?;
    let limit = |limit: &Option<crate::core::check::Limit>| limit.as_ref().map(|limit| limit.value.to_f64());
    let (objective, rollback) = (limit(&check.objective), limit(&check.rollback));
    let mut top = highest.to_f64().max(objective.unwrap_or(f64::MIN));
    let shown = rollback.filter(|rollback| *rollback <= top * 4.0);
    top = top.max(shown.unwrap_or(f64::MIN));
    let bottom = lowest.to_f64().min(objective.unwrap_or(0.0)).min(shown.unwrap_or(0.0)).min(0.0);
    let span = if top > bottom { (top - bottom) * 1.12 } else { 1.0 };
    let scale = Scale { first: first.millis(), width: last.millis() - first.millis(), bottom, span };
    let points: Vec<(f64, f64)> = columns(&values, &scale);
    let unit = check.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
    let mut limits = Vec::new();
    limits.extend(
        objective
            .zip(check.objective.as_ref())
            .map(|(y, limit)| ("objective", scale.y(y), format!("objective {limit}"))),
    );
    limits.extend(
        shown
            .zip(check.rollback.as_ref())
            .map(|(y, limit)| ("rollback", scale.y(y), format!("rollback {limit}"))),
    );
    Some(Plot {
        line: points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" "),
        dots: if points.len() <= 80 {
            points.iter().map(|(x, y)| (format!("{x:.1}"), format!("{y:.1}"))).collect()
        } else {
            Vec::new()
        },
        limits: limits.into_iter().map(|(class, y, text)| (class, format!("{y:.1}"), text)).collect(),
        beyond: check
            .rollback
            .as_ref()
            .filter(|_| shown.is_none())
            .map(|limit| format!("rollback {limit} ↑")),
        from: clock(*first),
        to: clock(*last),
        cutover: cutover.filter(|at| (first..=last).contains(&at)).map(|at| format!("{:.1}", scale.x(at))),
        says: format!(
            "{} values from {lowest} to {highest}{unit}, {} to {}",
            values.len(),
            first.human(),
            last.human()
        ),
    })
}

struct Scale {
    first: i64,
    width: i64,
    bottom: f64,
    span: f64,
}

impl Scale {
    #[allow(clippy::cast_precision_loss)] // a drawing of at most a few days
    fn x(&self, at: Timestamp) -> f64 {
        LEFT + (at.millis() - self.first) as f64 / self.width as f64 * (SIZE.0 - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = ((value - self.bottom) / self.span).clamp(0.0, 1.0);
        SIZE.1 - BOTTOM - share * (SIZE.1 - BOTTOM - TOP)
    }
}

fn columns(values: &BTreeMap<Timestamp, &Decimal>, scale: &Scale) -> Vec<(f64, f64)> {
    let all = values.iter().map(|(at, value)| (scale.x(*at), scale.y(value.to_f64())));
    if values.len() <= COLUMNS {
        return all.collect();
    }
    let mut columns: Vec<(f64, f64)> = Vec::with_capacity(COLUMNS);
    for (x, y) in all {
        match columns.last_mut() {
            Some(last) if (x - last.0).abs() < SIZE.0 / 600.0 => last.1 = last.1.min(y),
            _ => columns.push((x, y)),
        }
    }
    columns
}

fn clock(at: Timestamp) -> String {
    at.to_utc().format("%H:%M:%S").to_string()
}
