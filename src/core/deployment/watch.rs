//! What the gates need of the evidence: the newest verdict of each check, and which minutes it covers.
//!
//! Small and quick whatever the number of readings: what can no longer matter to a window that begins
//! later is counted and let go.

use std::collections::BTreeMap;

use super::Meta;
use crate::core::check::{CheckSpec, MissingData, Phase, Reading};
use crate::core::hash::Hash;
use crate::core::time::Timestamp;

const MINUTE: i64 = 60_000;
/// The most time that one point covers, in seconds, whatever period its reading states.
const MAX_PERIOD: i64 = 300;
/// How much later than its own entry a reading's time may be, in seconds.
const SLACK: i64 = 120;
/// Readings kept one by one before old ones are counted and let go; more where none can be.
const KEEP: usize = 256;

/// When the window begins, in milliseconds, and how many minutes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub from: i64,
    pub of: u32,
}

/// The evidence of a deployment, as its gates see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    newest: Option<u64>,
    checks: BTreeMap<String, Watched>,
    kept: usize,
    limit: usize,
}

#[derive(Clone, Debug)]
struct Watched {
    last: (u64, Option<Phase>),
    /// The time that it is about.
    last_about: Timestamp,
    /// The keys that signed it.
    last_by: Box<[Hash]>,
    /// Minutes after the window make up for missed ones, up to as many again.
    extends: bool,
    spans: Vec<Span>,
    counted: Option<Counted>,
}

/// One reading: the stretches of time that it covers.
#[derive(Clone, Debug)]
struct Span {
    seq: u64,
    /// The keys that signed it.
    by: Box<[Hash]>,
    passed: bool,
    /// It says nothing of the metric, good or bad.
    aside: bool,
    measured: bool,
    /// The latest moment that it is about, its own entry's among them; however late, nothing hides a breach.
    latest: i64,
    /// Without points it stands at its own entry, whether it covers anything or not.
    alone: Option<Timestamp>,
    points: Box<[Timestamp]>,
    period: i64,
}

/// Readings that were let go, in a window.
#[derive(Clone, Debug)]
struct Counted {
    window: Window,
    extends: bool,
    minutes: Minutes,
    measured: bool,
    not_passed: Vec<u64>,
    /// The keys that signed what covers those minutes, each with its newest entry.
    by: BTreeMap<Hash, u64>,
}

/// What a check's readings come to in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Covered {
    /// How many minutes are covered.
    pub minutes: u32,
    /// Whether anything at all was measured, and not only excused.
    pub measured: bool,
    /// The readings from its beginning on that did not pass.
    pub not_passed: Vec<u64>,
}

/// Minutes as disjoint half-open ranges: first minute, minute after the last.
#[derive(Clone, Debug, Default)]
struct Minutes(BTreeMap<i64, i64>);

/// The time that a reading is about: the end of its window, never after its entry; without a window, its entry's.
fn about(recorded: Timestamp, window: Option<&crate::core::check::Window>) -> Timestamp {
    window.map_or(recorded, |window| window.to.min(recorded))
}

/// The beginning of the period, in seconds, that a time is in.
pub(super) fn floor(time: Timestamp, period: u32) -> Timestamp {
    let period = i64::from(period.max(1)) * 1000;
    Timestamp::from_millis(time.millis().div_euclid(period) * period).unwrap_or(time)
}

/// The newest of readings in the order of their entries (FORMAT, section 11): a later entry, unless its window ended
/// before the time that the one before it is about, by whole periods of its own.
#[must_use]
pub fn newest<'r, T>(
    readings: impl Iterator<Item = &'r T>,
    of: impl Fn(&T) -> (Timestamp, Option<crate::core::check::Window>),
) -> Option<&'r T> {
    readings.fold(None, |newest, next| match newest.map(&of) {
        Some((recorded, window)) if overtaken(about(recorded, window.as_ref()), of(next).1.as_ref()) => {
            newest
        }
        _ => Some(next),
    })
}

/// Whether a reading over this window is older than one that is about `last`.
fn overtaken(last: Timestamp, window: Option<&crate::core::check::Window>) -> bool {
    window.is_some_and(|window| window.to < floor(last, window.period))
}

impl Watch {
    /// Whether it is time to give [`Watch::take`] the window.
    pub fn full(&self) -> bool {
        self.kept >= self.limit.max(KEEP)
    }

    /// Takes one reading of a check as it was frozen; `window` is the one that has begun, if any, and is looked at
    /// when full.
    pub fn take(&mut self, meta: &Meta, reading: &Reading, spec: Option<&CheckSpec>, window: Option<Window>) {
        if !matches!(reading.phase, Some(Phase::Error | Phase::NoData)) {
            self.newest = Some(meta.seq);
        }
        let Some(check) = &reading.check else { return };
        if self.full() {
            self.checks.values_mut().for_each(|watched| watched.count(window, meta.recorded));
            self.kept = self.checks.values().map(|watched| watched.spans.len()).sum();
            self.limit = self.kept * 2;
        }
        let latest = meta.recorded.plus_seconds(SLACK);
        let extends = spec.is_some_and(|spec| spec.rules.is_some());
        let excused = spec.and_then(|spec| spec.excused(reading));
        let well = excused == Some(MissingData::NotBreaching);
        let period = reading.window.as_ref().map_or(60, |window| i64::from(window.period));
        let points: Vec<Timestamp> = if well {
            reading.window.as_ref().map_or_else(Vec::new, minutes_of)
        } else {
            reading.points.iter().map(|point| point.at).collect()
        };
        let span = Span {
            seq: meta.seq,
            by: meta.by.iter().map(|by| by.key).collect(),
            passed: well || reading.phase == Some(Phase::Pass),
            aside: excused == Some(MissingData::Ignore) || extends && reading.phase == Some(Phase::Error),
            measured: excused.is_none(),
            latest: points.iter().copied().chain([meta.recorded]).max().map_or(i64::MAX, Timestamp::millis),
            alone: points.is_empty().then_some(meta.recorded),
            points: points.into_iter().filter(|at| *at <= latest).collect(),
            period: if well { MINUTE } else { period.clamp(60, MAX_PERIOD) / 60 * MINUTE },
        };
        let last = (meta.seq, if well { Some(Phase::Pass) } else { reading.phase });
        let window = reading.window.as_ref();
        let last_about = about(meta.recorded, window);
        let new = || Watched {
            last,
            last_about,
            last_by: span.by.clone(),
            extends,
            spans: Vec::new(),
            counted: None,
        };
        let watched = self.checks.entry(check.clone()).or_insert_with(new);
        if excused != Some(MissingData::Ignore) && !overtaken(watched.last_about, window) {
            (watched.last, watched.last_about, watched.last_by) = (last, last_about, span.by.clone());
        }
        watched.spans.push(span);
        self.kept += 1;
    }

    /// Goes by no reading any more that passed and that a suspect key signed, by the key and the entry. What speaks
    /// against a deployment stays.
    pub fn forget(&mut self, suspect: impl Fn(&Hash, u64) -> bool) {
        for watched in self.checks.values_mut() {
            let doubted = |span: &Span| span.by.iter().any(|key| suspect(key, span.seq));
            watched.spans.retain(|span| !span.passed || !doubted(span));
            let (seq, phase) = &mut watched.last;
            if *phase == Some(Phase::Pass) && watched.last_by.iter().any(|key| suspect(key, *seq)) {
                *phase = None;
            }
            let counted = watched
                .counted
                .as_mut()
                .filter(|counted| counted.by.iter().any(|(key, seq)| suspect(key, *seq)));
            if let Some(counted) = counted {
                (counted.minutes, counted.measured) = (Minutes::default(), false);
            }
        }
    }

    /// The newest evidence of any kind; a reading that found nothing out is none.
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// The newest evidence of a check by the time that it is about: its entry and its verdict.
    pub fn last(&self, check: &str) -> Option<(u64, Option<Phase>)> {
        self.checks.get(check).map(|watched| watched.last)
    }

    /// How much of the window a check covers, and which readings from its beginning on did not pass.
    pub fn covered(&self, check: &str, window: Window) -> Covered {
        let Some(watched) = self.checks.get(check) else { return Covered::default() };
        let mut counted = watched.counted_in(window);
        watched.spans.iter().for_each(|span| counted.take(span));
        let minutes = counted.minutes.total().min(window.of);
        Covered { minutes, measured: counted.measured, not_passed: counted.not_passed }
    }
}

impl Watched {
    fn counted_in(&self, window: Window) -> Counted {
        let same = self.counted.clone().filter(|counted| counted.window == window);
        same.unwrap_or_else(|| Counted {
            window,
            extends: self.extends,
            minutes: Minutes::default(),
            measured: false,
            not_passed: Vec::new(),
            by: BTreeMap::new(),
        })
    }

    /// Counts and lets go of every reading that ends before `now`: no later window can begin before it.
    fn count(&mut self, window: Option<Window>, now: Timestamp) {
        let mut counted = window.map(|window| self.counted_in(window));
        self.spans.retain(|span| {
            let over = span.end() <= now.millis();
            if let Some(counted) = counted.as_mut().filter(|_| over) {
                counted.take(span);
            }
            !over
        });
        self.counted = counted;
    }
}

impl Span {
    fn end(&self) -> i64 {
        let breach = if self.passed || self.aside { i64::MIN } else { self.latest.saturating_add(1) };
        let covered = self.points.iter().chain(&self.alone).max();
        covered.map_or(i64::MIN, |at| at.millis().saturating_add(self.period)).max(breach)
    }
}

impl Counted {
    fn take(&mut self, span: &Span) {
        if span.aside {
            return;
        }
        let of = i64::from(self.window.of) * if self.extends { 2 } else { 1 };
        let minute = |at: &Timestamp| (at.millis() - self.window.from).div_euclid(MINUTE);
        for at in span.points.iter().chain(span.alone.iter().filter(|_| span.passed)) {
            let start = minute(at);
            let (start, end) = (start.max(0), (start + span.period / MINUTE).min(of));
            if start < end {
                self.minutes.add(start, end);
                self.measured |= span.measured;
                self.by.extend(span.by.iter().map(|key| (*key, span.seq)));
            }
        }
        if !span.passed && span.latest >= self.window.from {
            self.not_passed.push(span.seq);
        }
    }
}

/// The beginnings of the minutes that a window touches, of at most a day.
fn minutes_of(window: &crate::core::check::Window) -> Vec<Timestamp> {
    let count = (window.to.millis() - window.from.millis()).div_euclid(MINUTE).clamp(0, 1440);
    (0..count).map(|minute| window.from.plus_seconds(60 * minute)).collect()
}

impl Minutes {
    fn add(&mut self, mut start: i64, mut end: i64) {
        while let Some((&earlier, &until)) =
            self.0.range(..=end).next_back().filter(|(_, until)| **until >= start)
        {
            self.0.remove(&earlier);
            start = start.min(earlier);
            end = end.max(until);
        }
        self.0.insert(start, end);
    }

    fn total(&self) -> u32 {
        u32::try_from(self.0.iter().map(|(start, end)| end - start).sum::<i64>()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::check::{Decimal, Point};
    use crate::core::deployment::Signatory;
    use crate::core::name::{Id, Token};

    #[test]
    fn ranges_join() {
        let mut minutes = Minutes::default();
        for (start, end) in [(0, 1), (5, 6), (1, 2), (4, 7), (9, 10), (2, 4)] {
            minutes.add(start, end);
        }
        assert_eq!(minutes.0, BTreeMap::from([(0, 7), (9, 10)]));
        assert_eq!(minutes.total(), 8);
    }

    /// Letting go changes no answer, and keeps little.
    #[test]
    fn counted_readings_count() {
        let start = Timestamp::parse("2026-07-03T02:00:00.000Z").unwrap();
        let window = Window { from: start.plus_seconds(3000).millis(), of: 60 };
        let mut watch = Watch::default();
        let mut plain = Counted {
            window,
            extends: false,
            minutes: Minutes::default(),
            measured: false,
            not_passed: Vec::new(),
            by: BTreeMap::new(),
        };
        for seq in 0..5000 {
            let recorded = start.plus_seconds(i64::try_from(seq).unwrap() * 2);
            let phase = if seq % 700 == 0 { Phase::Warn } else { Phase::Pass };
            let at = recorded.plus_seconds(if seq % 3 == 0 { 200 } else { -90 });
            let points =
                if seq % 5 == 0 { vec![] } else { vec![Point { at, value: Decimal::parse("1").unwrap() }] };
            let reading =
                Reading { check: Some("x".into()), phase: Some(phase), points, ..Reading::default() };
            let meta = Meta { seq, id: Id::from_bytes([0; 16]), time: recorded, recorded, by: Vec::new() };
            let begun = (recorded.millis() >= window.from).then_some(window);
            watch.take(&meta, &reading, None, begun);
            let mut alone = Watch::default();
            alone.take(&meta, &reading, None, None);
            alone.checks["x"].spans.iter().for_each(|span| plain.take(span));
        }
        let covered =
            Covered { minutes: plain.minutes.total(), measured: true, not_passed: plain.not_passed.clone() };
        assert_eq!(watch.covered("x", window), covered);
        assert!(plain.minutes.total() > 55 && plain.not_passed.len() > 1);
        assert!(watch.kept < 1000, "{}", watch.kept);
        assert_eq!(watch.last("x"), Some((4999, Some(Phase::Pass))));
    }

    /// What a suspect key measured counts no more, let go or not; what did not pass stays.
    #[test]
    fn readings_of_a_suspect_key_are_forgotten() {
        let start = Timestamp::parse("2026-07-03T02:00:00.000Z").unwrap();
        let window = Window { from: start.millis(), of: 60 };
        let (honest, stolen) = (Hash([1; 32]), Hash([2; 32]));
        for each in [60, 1] {
            let mut watch = Watch::default();
            for seq in 0..3600 / each {
                let recorded = start.plus_seconds(i64::try_from(seq * each).unwrap());
                let key = if seq * each < 1800 { honest } else { stolen };
                let by = Signatory {
                    person: Token::new("ci").unwrap(),
                    role: Token::new("recorder").unwrap(),
                    key,
                    machine: true,
                };
                let phase = if seq * each == 2400 { Phase::Trigger } else { Phase::Pass };
                let reading = Reading { check: Some("x".into()), phase: Some(phase), ..Reading::default() };
                let meta = Meta { seq, id: Id::from_bytes([0; 16]), time: recorded, recorded, by: vec![by] };
                watch.take(&meta, &reading, None, Some(window));
            }
            let before = watch.covered("x", window);
            assert!(before.minutes >= 59 && before.not_passed == [2400 / each], "{before:?}");
            watch.forget(|key, seq| *key == stolen && seq * each >= 3000);
            let late = watch.covered("x", window).minutes;
            assert!(late <= 50, "{late}");
            watch.forget(|key, _| *key == stolen);
            let after = watch.covered("x", window);
            assert!(after.minutes <= 30 && after.not_passed == [2400 / each], "{after:?}");
            assert_eq!(watch.last("x"), Some((3600 / each - 1, None)));
        }
    }
}
