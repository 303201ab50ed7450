//! `--since` and `--until`.

use anyhow::{Result, bail};

use crate::core::retro::Period;
use crate::core::time::Timestamp;

const DAY: i64 = 86_400;

/// A day, or a moment: where the period begins.
pub fn since(text: &str) -> Result<Timestamp, String> {
    day(text).or_else(|| Timestamp::parse(text).ok()).ok_or_else(wrong)
}

/// A day, all of which belongs to the period, or a moment, which does not.
pub fn until(text: &str) -> Result<Timestamp, String> {
    day(text).map(|day| day.plus_seconds(DAY)).or_else(|| Timestamp::parse(text).ok()).ok_or_else(wrong)
}

fn day(text: &str) -> Option<Timestamp> {
    Timestamp::parse(&format!("{text}T00:00:00.000Z")).ok()
}

fn wrong() -> String {
    "give a day such as 2026-07-03, or a moment such as 2026-07-03T02:04:11.120Z (UTC)".to_owned()
}

/// The period from the first opening to now, as far as neither end is given.
///
/// # Errors
/// Where it ends before it begins.
pub fn period(
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    first: Option<Timestamp>,
    now: Timestamp,
) -> Result<Period> {
    // An opening of this very moment belongs to it.
    let until = until.unwrap_or_else(|| now.plus_seconds(1));
    let since = since.unwrap_or_else(|| first.unwrap_or(now).min(until));
    if since > until {
        bail!(
            "the period ends ({}) before it begins ({}): exchange --since and --until",
            until.human(),
            since.human()
        );
    }
    Ok(Period { since, until })
}
