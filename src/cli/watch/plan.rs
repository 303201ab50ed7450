//! What there is to read: each minute of a stretch of time, for each watched check.

use crate::core::check::{Check, CheckSpec, Phase, Reading, Window};
use crate::core::deployment::Record;
use crate::core::time::Timestamp;

const MINUTE: i64 = 60_000;
/// So many seconds data may be late: until then no data is not yet a verdict, and the last minutes are read again.
pub const LATE: i64 = 120;

/// The stretch of time that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its beginning.
    pub from: Timestamp,
    /// Its minutes.
    pub of: u32,
    /// A look by itself, which proves nothing of a verification window.
    pub look: bool,
}

/// A watched check.
#[derive(Clone, Debug)]
pub struct Watched {
    /// How it is measured.
    pub check: Check,
    /// As the deployment froze it.
    pub spec: CheckSpec,
}

/// One reading that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What to look at.
    pub window: Window,
    /// Whether no data counts yet: the rest of it may only be late.
    pub settled: bool,
}

impl Stretch {
    /// The first moment after it.
    #[must_use]
    pub fn to(&self) -> Timestamp {
        self.from.plus_seconds(60 * i64::from(self.of))
    }

    /// Until when missed minutes can be made up for.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        self.from.plus_seconds(2 * 60 * i64::from(self.of) + LATE)
    }
}

impl Watched {
    /// What is due at `now`, the newest first, given all readings of the check.
    #[must_use]
    pub fn due(&self, stretch: &Stretch, readings: &[&Record<Reading>], now: Timestamp) -> Vec<Ask> {
        let this_minute = minute(now);
        let failed =
            readings.iter().any(|record| failed(record) && minute(record.meta.recorded) == this_minute);
        if failed { Vec::new() } else { self.outstanding(stretch, readings, now) }
    }

    /// Whether nothing of the stretch is left to read.
    #[must_use]
    pub fn settled(&self, stretch: &Stretch, readings: &[&Record<Reading>], now: Timestamp) -> bool {
        if self.check.probe.is_momentary() {
            return now >= stretch.to();
        }
        let (start, step, count) = self.ticks(stretch);
        now >= start.plus_seconds(step * count + LATE) && self.outstanding(stretch, readings, now).is_empty()
    }

    fn outstanding(&self, stretch: &Stretch, readings: &[&Record<Reading>], now: Timestamp) -> Vec<Ask> {
        if self.check.probe.is_momentary() {
            return this_moment(stretch, readings, now).into_iter().collect();
        }
        let (start, step, count) = self.ticks(stretch);
        let end = start.plus_seconds(step * count);
        let again = now >= end.plus_seconds(LATE);
        let span = i64::from(self.check.window_minutes) * 60;
        // Shorter windows than the check's own are looked at for a breach; what they lack is no verdict.
        let whole = (span.div_euclid(step)).clamp(1, count);
        let read = |to: Timestamp| {
            let since =
                if again && to > end.plus_seconds(-LATE - 1) { end.plus_seconds(LATE) } else { stretch.from };
            let about = |reading: &Reading| reading.window.is_some_and(|w| w.to == to && w.period > 0);
            readings.iter().any(|r| !failed(r) && about(&r.body) && r.meta.recorded >= since)
        };
        let mut asks = Vec::new();
        let mut later = false;
        for index in (1..=count).rev() {
            let to = start.plus_seconds(step * index);
            if to > now {
                continue;
            }
            let done = read(to);
            let needed = index >= whole || !later;
            later |= done && index >= whole;
            if !done && needed {
                let from = to.plus_seconds(-span).max(start);
                let window = Window { from, to, period: self.check.period_seconds };
                asks.push(Ask { window, settled: index >= whole && now >= to.plus_seconds(LATE) });
            }
        }
        asks
    }

    /// The first moment that is looked at, seconds from reading to reading, and how many readings there are. A minute in
    /// which traffic was not yet all on Green is left out; a longer period that it falls into is not.
    fn ticks(&self, stretch: &Stretch) -> (Timestamp, i64, i64) {
        let step = i64::from(self.check.period_seconds).max(60);
        let unit = step * 1000;
        let from = stretch.from.millis();
        let start = if step == 60 {
            from.div_euclid(unit) + i64::from(from.rem_euclid(unit) > 0)
        } else {
            from.div_euclid(unit)
        };
        let start = Timestamp::from_millis(start * unit).unwrap_or(stretch.from);
        let seconds = 60 * i64::from(stretch.of);
        (start, step, (seconds + step - 1).div_euclid(step))
    }
}

/// A source that measures a moment is asked once in each minute of the stretch, counted from its beginning.
fn this_moment(stretch: &Stretch, readings: &[&Record<Reading>], now: Timestamp) -> Option<Ask> {
    let index = |at: Timestamp| (at.millis() - stretch.from.millis()).div_euclid(MINUTE);
    let this = index(now);
    let within = (0..2 * i64::from(stretch.of)).contains(&this);
    let read = readings.iter().any(|record| index(record.meta.recorded) == this);
    let window = Window { from: now, to: now, period: 0 };
    (within && !read).then_some(Ask { window, settled: true })
}

fn failed(record: &Record<Reading>) -> bool {
    record.body.phase == Some(Phase::Error)
}

/// The minute that a moment falls into.
#[must_use]
pub fn minute(at: Timestamp) -> i64 {
    at.millis().div_euclid(MINUTE)
}
