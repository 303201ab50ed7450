//! Where a deployment stands and how it ended.

use super::{Deployment, Record};
use crate::core::event::{Decision, Outcome, RollbackFinished, RollbackOutcome};

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before `go`.
    Preparing,
    /// A `no-go` stands.
    Held,
    /// `go` stands; traffic has not moved all the way.
    Deploying,
    /// 100 % Green, before the all-clear.
    Verifying,
    /// A trigger stands, and no rollback has begun.
    Triggered,
    /// The way back has begun.
    RollingBack,
    /// A rollback ended as failed: another one, or an abort, is ahead.
    RollbackFailed,
    /// The outcome is known; the record is not closed.
    Ended,
    /// The record is closed.
    Closed,
}

impl Stage {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Held => "held by a no-go",
            Self::Deploying => "deploying",
            Self::Verifying => "verifying",
            Self::Triggered => "rollback triggered",
            Self::RollingBack => "rolling back",
            Self::RollbackFailed => "rollback failed",
            Self::Ended => "ended, not closed",
            Self::Closed => "closed",
        }
    }
}

impl Outcome {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::RolledBack => "rolled back",
            Self::Partly => "partly rolled back",
            Self::Aborted => "aborted",
            Self::NoGo => "no-go",
        }
    }
}

impl Deployment {
    /// Where it stands.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if self.closed.is_some() {
            Stage::Closed
        } else if self.rollback_open() {
            Stage::RollingBack
        } else if self.trigger_open() {
            Stage::Triggered
        } else if self.rollback_failed() {
            Stage::RollbackFailed
        } else if self.decided(Decision::NoGo) {
            Stage::Held
        } else if self.outcome().is_some() {
            Stage::Ended
        } else if self.green_since().is_some() {
            Stage::Verifying
        } else if self.go_decided() {
            Stage::Deploying
        } else {
            Stage::Preparing
        }
    }

    /// How it ended, as far as the entries say; `None` while it has not.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        if self.rollback_open() {
            return None;
        }
        if let Some(end) = self.rollback_end() {
            let some_green = self.green_percent().values().any(|&share| share > 0);
            return match end.body.outcome {
                RollbackOutcome::Complete if !some_green => Some(Outcome::RolledBack),
                RollbackOutcome::Complete | RollbackOutcome::Partial => Some(Outcome::Partly),
                RollbackOutcome::Failed => self.aborted_since(end.meta.seq).then_some(Outcome::Aborted),
            };
        }
        match self.last_decision() {
            Some(Decision::AllClear) => Some(Outcome::Completed),
            Some(Decision::Abort) => Some(Outcome::Aborted),
            Some(Decision::NoGo) if self.cutover().is_none() => Some(Outcome::NoGo),
            _ => None,
        }
    }

    /// Whether the newest rollback failed, and nobody aborted since.
    fn rollback_failed(&self) -> bool {
        self.rollback_end().is_some_and(|end| {
            end.body.outcome == RollbackOutcome::Failed && !self.aborted_since(end.meta.seq)
        })
    }

    fn aborted_since(&self, seq: u64) -> bool {
        self.trusted(&self.decisions).any(|d| d.meta.seq > seq && d.body.decision == Decision::Abort)
    }

    /// Whether a rollback has begun and not ended.
    #[must_use]
    pub fn rollback_open(&self) -> bool {
        self.trusted(&self.rollbacks).next().is_some() && self.rollback_end().is_none()
    }

    /// How the newest rollback ended. An end that no beginning stands before is of none.
    fn rollback_end(&self) -> Option<&Record<RollbackFinished>> {
        let started = self.trusted(&self.rollbacks).next_back()?.meta.seq;
        self.trusted(&self.rollback_ends).find(|end| end.meta.seq > started)
    }

    /// Whether a trigger stands that nobody has answered by a rollback or an all-clear.
    #[must_use]
    pub fn trigger_open(&self) -> bool {
        let Some(trigger) = self.triggers.last() else {
            return false;
        };
        let answered = |seq: u64| seq > trigger.meta.seq;
        !self.trusted(&self.rollbacks).any(|r| answered(r.meta.seq))
            && !self.trusted(&self.decisions).any(|d| {
                answered(d.meta.seq) && matches!(d.body.decision, Decision::AllClear | Decision::Abort)
            })
    }

    fn decided(&self, decision: Decision) -> bool {
        self.last_decision() == Some(decision)
    }

    pub(super) fn last_decision(&self) -> Option<Decision> {
        self.trusted(&self.decisions).rev().map(|d| d.body.decision).find(|d| *d != Decision::Override)
    }
}
