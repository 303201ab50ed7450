//! Gates: what is missing before an act. They refuse acts, never facts.

use super::{Deployment, ItemState};
use crate::core::check::Phase;
use crate::core::checklist::{By, ItemSpec};
use crate::core::event::{Act, Decision, Gate, Outcome, StandbyState};
use crate::core::time::Timestamp;

/// One thing that a gate misses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What an override names to waive it, for example `item/env-audit`.
    pub requirement: String,
    /// For people.
    pub text: String,
    /// Whether an override can waive it.
    pub waivable: bool,
}

impl Missing {
    pub(super) fn new(requirement: impl Into<String>, text: impl Into<String>) -> Self {
        Self { requirement: requirement.into(), text: text.into(), waivable: true }
    }

    pub(super) fn fixed(requirement: impl Into<String>, text: impl Into<String>) -> Self {
        Self { waivable: false, ..Self::new(requirement, text) }
    }
}

impl Deployment {
    /// All that a gate misses at `now`; empty when it is open.
    #[must_use]
    pub fn missing(&self, gate: Gate, now: Timestamp) -> Vec<Missing> {
        let mut missing = match gate {
            Gate::Go => [self.missing_go(), self.missing_end()].concat(),
            Gate::Shift => self.missing_shift(),
            Gate::AllClear => self.missing_all_clear(now),
            Gate::Retire => self.missing_retire(now),
            Gate::Close => self.missing_close(),
            Gate::Sign => Vec::new(),
        };
        missing.retain(|m| !m.waivable || !self.waived(gate, &m.requirement));
        if self.closed.is_some() {
            missing.insert(0, Missing::fixed("record/open", "the record is closed"));
        }
        missing
    }

    /// Whether an override waives a requirement of a gate. Of evidence it waives what stood before it, and
    /// nothing that was measured later.
    #[must_use]
    pub fn waived(&self, gate: Gate, requirement: &str) -> bool {
        let newest = self.trusted(&self.decisions).rev().find(|d| {
            d.body.decision == Decision::Override
                && d.body.gate == Some(gate)
                && d.body.waives.as_ref().is_some_and(|waives| waives.as_str() == requirement)
        });
        let Some(newest) = newest.map(|d| d.meta.seq) else { return false };
        match requirement.split_once('/') {
            Some(("check", check)) => self.watch.last(check).is_none_or(|(seq, _)| seq < newest),
            Some(("breach", check)) => self.breaches(check).into_iter().all(|seq| seq < newest),
            _ => true,
        }
    }

    /// Why an override at `now` would waive nothing.
    pub(super) fn idle(&self, gate: Gate, requirement: &str, now: Timestamp) -> Option<String> {
        let missing = if gate == Gate::Sign {
            let bound = |check: &str| self.checklist.items.iter().any(|i| i.check.as_deref() == Some(check));
            let check = requirement.strip_prefix("check/").filter(|check| bound(check));
            let waived = self.waived(gate, requirement);
            check.and_then(|check| self.check_missing(check)).filter(|_| !waived).into_iter().collect()
        } else {
            self.missing(gate, now)
        };
        match missing.iter().find(|m| m.requirement == requirement) {
            None => Some(format!("an override of {requirement}, which its gate does not miss")),
            Some(m) if !m.waivable => Some(format!("an override of {requirement}, which nobody can waive")),
            Some(_) => None,
        }
    }

    /// Whether a go stands and nothing has suspended it since.
    #[must_use]
    pub fn go_in_force(&self) -> bool {
        self.go_decided() && self.missing_items(self.first_phase()).is_empty()
    }

    /// Whether the newest go or no-go is a go, and no abort followed.
    pub(super) fn go_decided(&self) -> bool {
        self.trusted(&self.decisions)
            .rev()
            .map(|d| d.body.decision)
            .find(|d| matches!(d, Decision::Go | Decision::NoGo | Decision::Abort))
            == Some(Decision::Go)
    }

    pub(super) fn first_phase(&self) -> Option<&str> {
        self.checklist.phases.first().map(|phase| phase.id.as_ref())
    }

    /// Items of a phase (of all phases when `None`) that are neither done nor ticked by their event.
    fn missing_items(&self, phase: Option<&str>) -> Vec<Missing> {
        self.progress()
            .into_iter()
            .filter(|p| phase.is_none_or(|phase| p.spec.phase.as_deref() == Some(phase)))
            .filter(|p| p.spec.by.is_none() && !p.complete())
            .map(|p| {
                let what = match p.state {
                    ItemState::Failed => "was signed as failed",
                    ItemState::Partly => "is not signed by all who must",
                    _ => "is not signed",
                };
                Missing::new(format!("item/{}", p.spec.id), format!("item {} {what}", p.spec.id))
            })
            .filter(|m| !self.waived(Gate::Go, &m.requirement))
            .collect()
    }

    /// What a check misses: evidence, and that it passed.
    pub(super) fn check_missing(&self, check: &str) -> Option<Missing> {
        let requirement = format!("check/{check}");
        match self.watch.last(check).map(|(_, phase)| phase) {
            Some(Some(Phase::Pass)) => None,
            Some(phase) => {
                let phase = phase.map_or("no verdict".into(), |p| p.to_string());
                Some(Missing::new(requirement, format!("the last evidence of {check} is {phase}, not pass")))
            }
            None => Some(Missing::new(requirement, format!("{check} has no evidence yet"))),
        }
    }

    fn missing_go(&self) -> Vec<Missing> {
        let first = self.first_phase();
        let signed = |item: &ItemSpec| item.phase.as_deref() == first && item.by.is_none();
        let why = match first {
            None => Some("the checklist has no phases"),
            Some(_) if !self.checklist.items.iter().any(signed) => {
                Some("the first phase has no item that people sign")
            }
            Some(_) => None,
        };
        if let Some(why) = why {
            let text = format!("{why}, so that go gates nothing: override phases/none to go all the same");
            let aborted = self.missing_after_abort();
            return [Missing::new("phases/none", text)].into_iter().chain(aborted).collect();
        }
        let mut missing = self.missing_items(first);
        let bound: Vec<&str> = self
            .checklist
            .items
            .iter()
            .filter(|item| item.phase.as_deref() == first && item.by.is_none())
            .filter_map(|item| item.check.as_deref())
            .collect();
        for check in &bound {
            missing.extend(self.check_missing(check));
        }
        missing.extend(self.missing_after_no_go(&bound));
        missing.extend(self.missing_after_abort());
        missing.dedup();
        missing
    }

    fn missing_after_abort(&self) -> Option<Missing> {
        let aborted = self.trusted(&self.decisions).any(|d| d.body.decision == Decision::Abort);
        aborted.then(|| Missing::fixed("decision/abort", "the deployment was aborted"))
    }

    /// After a no-go, evidence is collected again: of each check bound to Phase 1, or any at all.
    fn missing_after_no_go(&self, bound: &[&str]) -> Vec<Missing> {
        let Some(no_go) = self.trusted(&self.decisions).rev().find(|d| d.body.decision == Decision::NoGo)
        else {
            return Vec::new();
        };
        let after = |seq: u64| seq > no_go.meta.seq;
        if bound.is_empty() {
            let text = format!("no evidence has been collected since the no-go (entry {})", no_go.meta.seq);
            return if self.watch.newest().is_some_and(after) {
                Vec::new()
            } else {
                vec![Missing::new("evidence/after-no-go", text)]
            };
        }
        bound
            .iter()
            .filter(|check| !self.watch.last(check).is_some_and(|(seq, _)| after(seq)))
            .map(|check| {
                let text = format!(
                    "{check} has not been collected again since the no-go (entry {})",
                    no_go.meta.seq
                );
                Missing::new(format!("evidence/{check}"), text)
            })
            .collect()
    }

    fn missing_shift(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if !self.go_decided() {
            missing.push(Missing::new("decision/go", "there is no go"));
        } else if !self.go_in_force() {
            let items: Vec<_> = self.missing_items(self.first_phase()).into_iter().map(|m| m.text).collect();
            missing.push(Missing::new("decision/go", format!("the go is suspended: {}", items.join(", "))));
        }
        missing.extend(self.missing_end());
        if missing.is_empty() && self.rolled_back() {
            missing.push(Missing::new("rollback/none", "the deployment was rolled back"));
        }
        missing
    }

    /// Whether a rollback was begun.
    pub(super) fn rolled_back(&self) -> bool {
        self.trusted(&self.rollbacks).next().is_some()
    }

    /// The end of a rollback that is under way.
    fn missing_end(&self) -> Vec<Missing> {
        let open = || Missing::fixed("rollback/open", "a rollback is under way");
        self.rollback_open().then(open).into_iter().collect()
    }

    fn missing_all_clear(&self, now: Timestamp) -> Vec<Missing> {
        let mut missing = Vec::new();
        if !self.go_decided() {
            missing.push(Missing::new("decision/go", "there is no go"));
        }
        if !self.rollbacks.is_empty() {
            missing.push(Missing::fixed("rollback/none", "the deployment was rolled back, or is being"));
        }
        if self.trigger_open() {
            let text = "a rollback trigger stands that nobody has answered";
            missing.push(Missing::new("trigger/answered", text));
        }
        missing.extend(self.window_missing(now));
        missing.extend(self.missing_items(None).into_iter().filter(|m| self.stands_before_all_clear(m)));
        missing
    }

    /// Items below the one that the all-clear ticks come after it.
    fn stands_before_all_clear(&self, missing: &Missing) -> bool {
        let items = &self.checklist.items;
        let decided = items.iter().position(|item| item.by == Some(By::AllClear)).unwrap_or(items.len());
        items[..decided]
            .iter()
            .any(|item| missing.requirement.strip_prefix("item/") == Some(item.id.as_str()))
    }

    fn missing_retire(&self, now: Timestamp) -> Vec<Missing> {
        let mut missing = Vec::new();
        if !self.trusted(&self.decisions).any(|d| d.body.decision == Decision::AllClear) {
            missing.push(Missing::new("decision/all-clear", "there is no all-clear"));
        }
        match self.standby_until() {
            Some(until) if now < until => {
                missing
                    .push(Missing::new("window/standby", format!("Blue stands by until {}", until.human())));
            }
            Some(_) => {}
            None => missing.push(Missing::new("window/standby", "traffic has not been at 100 % Green")),
        }
        missing
    }

    /// Until when Blue stands by: the policy's time from 100 % Green, or as extended.
    #[must_use]
    pub fn standby_until(&self) -> Option<Timestamp> {
        let since = self.green_since()?;
        let policy = since.plus_seconds(i64::from(self.opened.body.policy.standby_minutes) * 60);
        self.standby
            .iter()
            .filter(|s| s.body.state == StandbyState::Extended && s.body.act != Act::Failed)
            .filter_map(|s| s.body.until)
            .chain([policy])
            .max()
    }

    /// The newest entry that says that Blue is gone, where one does.
    #[must_use]
    pub fn retired(&self) -> Option<u64> {
        let retired = self.standby.iter().filter(|s| s.body.state == StandbyState::Retired);
        retired.filter(|s| matches!(s.body.act, Act::Done | Act::Observed)).map(|s| s.meta.seq).max()
    }

    fn missing_close(&self) -> Vec<Missing> {
        if self.outcome().is_some() {
            let open = self.trigger_open() && self.outcome() == Some(Outcome::Completed);
            let text = "a rollback trigger came after the all-clear, and nobody has answered it";
            return open.then(|| Missing::new("trigger/answered", text)).into_iter().collect();
        }
        let text = if self.rollback_open() {
            "a rollback is under way, and has not ended"
        } else {
            "there is no outcome yet: all-clear, a finished rollback, no-go or abort"
        };
        vec![Missing::fixed("outcome/any", text)]
    }
}
