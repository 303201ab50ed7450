//! Points by window, and by the same hours of earlier days.

use super::Request;
use crate::core::check::{Point, Window, aggregate};

const DAY: i64 = 86_400;

/// `window`, `days` days earlier.
pub fn earlier(window: Window, days: u32) -> Window {
    let shift = -DAY * i64::from(days);
    Window { from: window.from.plus_seconds(shift), to: window.to.plus_seconds(shift), ..window }
}

/// The points that start within `window`, oldest first.
pub fn within(points: &[Point], window: Window) -> Vec<Point> {
    let mut inside: Vec<_> =
        points.iter().filter(|point| window.from <= point.at && point.at < window.to).cloned().collect();
    inside.sort_by_key(|point| point.at);
    inside
}

/// One day's points: as one point at the day's first moment, or each where the request aggregates none.
pub fn day(points: Vec<Point>, window: Window, request: &Request) -> Vec<Point> {
    match request.aggregate {
        None => points,
        Some(how) => {
            aggregate(how, &points).map(|value| Point { at: window.from, value }).into_iter().collect()
        }
    }
}
