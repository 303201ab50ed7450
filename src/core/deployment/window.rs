//! The verification window: counted from 100 % Green, proven by the readings' own times.

use std::collections::BTreeMap;

use super::watch::{Covered, Window};
use super::{Deployment, Missing};
use crate::core::check::Decimal;
use crate::core::event::{Act, Colour};
use crate::core::name::Label;
use crate::core::time::Timestamp;

/// How much of the verification window a watched check covers.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// The check.
    pub check: String,
    /// Minutes of the window with a reading.
    pub minutes: u32,
    /// Minutes of the window.
    pub of: u32,
    /// Whether any of it was measured, and not only excused as data that may be missing.
    pub measured: bool,
    /// Entries whose verdict was not a pass, from the window's beginning on.
    pub not_passed: Vec<u64>,
}

impl Deployment {
    /// Share of each service's traffic on Green, 0 to 100, as last seen.
    #[must_use]
    pub fn green_percent(&self) -> BTreeMap<&Label, u8> {
        let mut percent: BTreeMap<&Label, u8> = self.services().iter().map(|service| (service, 0)).collect();
        for shift in self.trusted(&self.shifts).filter(|s| matches!(s.body.act, Act::Done | Act::Observed)) {
            let body = &shift.body;
            percent.entry(&body.service).and_modify(|share| *share = green(body.to, body.percent));
        }
        percent
    }

    /// Since when every service has been at 100 % Green; `None` when one is not.
    #[must_use]
    pub fn green_since(&self) -> Option<Timestamp> {
        let mut percent: BTreeMap<&Label, u8> = self.services().iter().map(|service| (service, 0)).collect();
        let mut since = None;
        for shift in self.trusted(&self.shifts).filter(|s| matches!(s.body.act, Act::Done | Act::Observed)) {
            let body = &shift.body;
            percent.entry(&body.service).and_modify(|share| *share = green(body.to, body.percent));
            let all = percent.values().all(|&share| share == 100);
            since = if all && !percent.is_empty() { since.or(Some(shift.meta.recorded)) } else { None };
        }
        since
    }

    /// The first moment with every service at 100 % Green, whatever came after it.
    #[must_use]
    pub fn first_green(&self) -> Option<Timestamp> {
        let mut percent: BTreeMap<&Label, u8> = self.services().iter().map(|service| (service, 0)).collect();
        let mut over = self.trusted(&self.shifts).filter(|s| matches!(s.body.act, Act::Done | Act::Observed));
        let first = over.find(|shift| {
            let body = &shift.body;
            percent.entry(&body.service).and_modify(|share| *share = green(body.to, body.percent));
            !percent.is_empty() && percent.values().all(|&share| share == 100)
        });
        first.map(|shift| shift.meta.recorded)
    }

    /// The first movement of traffic to Green: the cutover.
    #[must_use]
    pub fn cutover(&self) -> Option<Timestamp> {
        self.trusted(&self.shifts)
            .find(|s| {
                s.body.to == Colour::Green
                    && s.body.percent > 0
                    && matches!(s.body.act, Act::Done | Act::Observed)
            })
            .map(|s| s.meta.recorded)
    }

    pub(super) fn was_green(&self) -> bool {
        let full = |service: &Label| {
            self.trusted(&self.shifts).any(|s| {
                s.body.service == *service
                    && green(s.body.to, s.body.percent) == 100
                    && matches!(s.body.act, Act::Done | Act::Observed)
            })
        };
        !self.services().is_empty() && self.services().iter().all(full)
    }

    /// Beginning and end of the verification window, once every service is at 100 % Green.
    #[must_use]
    pub fn verification_window(&self) -> Option<(Timestamp, Timestamp)> {
        let from = self.green_since()?;
        Some((from, from.plus_seconds(i64::from(self.opened.body.policy.verification_minutes) * 60)))
    }

    /// How much of the window each watched check covers.
    #[must_use]
    pub fn coverage(&self) -> Vec<Coverage> {
        let Some(window) = self.watch_window() else {
            return Vec::new();
        };
        let watched = self.opened.body.checks.iter().filter(|check| check.watch);
        watched.map(|check| self.coverage_of(check.id.as_ref(), window)).collect()
    }

    /// Entries of a check that did not pass since every service has been at 100 % Green.
    pub(super) fn breaches(&self, check: &str) -> Vec<u64> {
        self.watch_window().map_or_else(Vec::new, |window| self.coverage_of(check, window).not_passed)
    }

    fn coverage_of(&self, check: &str, window: Window) -> Coverage {
        let Covered { minutes, measured, not_passed } = self.watch.covered(check, window);
        Coverage { check: check.into(), minutes, of: window.of, measured, not_passed }
    }

    pub(super) fn watch_window(&self) -> Option<Window> {
        let of = self.opened.body.policy.verification_minutes;
        Some(Window { from: self.green_since()?.millis(), of })
    }

    /// What the window misses for an all-clear at `now`.
    pub(super) fn window_missing(&self, now: Timestamp) -> Vec<Missing> {
        let Some((_, to)) = self.verification_window() else {
            let behind: Vec<String> = self
                .green_percent()
                .into_iter()
                .filter(|(_, share)| *share < 100)
                .map(|(service, share)| format!("{service} at {share} %"))
                .collect();
            return vec![Missing::fixed("shift/green", format!("not at 100 % Green: {}", behind.join(", ")))];
        };
        let mut missing = Vec::new();
        if now < to {
            missing.push(Missing::new(
                "window/verification",
                format!("verification lasts until {}", to.human()),
            ));
        }
        let coverage = self.coverage();
        if coverage.is_empty() {
            missing.push(Missing::fixed(
                "checks/none",
                "no check is watched, so that nothing proves the window",
            ));
        }
        let measured = coverage.iter().any(|c| c.measured);
        if !coverage.is_empty() && !measured {
            missing.push(Missing::fixed("readings/none", "the window has no reading at all"));
        }
        for check in &coverage {
            missing.extend(self.coverage_missing(check));
        }
        missing
    }

    fn coverage_missing(&self, coverage: &Coverage) -> Vec<Missing> {
        let id = &coverage.check;
        let mut missing: Vec<Missing> = self.check_missing(id).into_iter().collect();
        let needed = &self.opened.body.policy.coverage;
        if below(coverage, needed) {
            missing.push(Missing::new(
                format!("coverage/{id}"),
                format!("{id} covers {} of {} minutes, {needed} % are needed", coverage.minutes, coverage.of),
            ));
        }
        if !coverage.not_passed.is_empty() {
            let entries: Vec<String> = coverage.not_passed.iter().map(u64::to_string).collect();
            missing.push(Missing::new(
                format!("breach/{id}"),
                format!(
                    "{id} did not pass throughout, from the window's beginning on (entries {})",
                    entries.join(", ")
                ),
            ));
        }
        missing
    }
}

fn green(to: Colour, percent: u8) -> u8 {
    match to {
        Colour::Green => percent,
        Colour::Blue => 100u8.saturating_sub(percent),
    }
}

fn below(coverage: &Coverage, needed_percent: &Decimal) -> bool {
    f64::from(coverage.minutes) * 100.0 < needed_percent.to_f64() * f64::from(coverage.of)
}
