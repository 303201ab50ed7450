//! Rollbacks: how they begin and end.

use aether_audit::core::deployment::{Severity, Stage};
use aether_audit::core::event::{
    Colour, Decision, Event, Gate, Outcome, RollbackFinished, RollbackOutcome, RollbackStarted,
    RollbackTriggered, Trigger,
};

use crate::common::story::{decide, shift};
use crate::{ALICE, CAROL, ID, codes, going, missing, state};

#[test]
fn the_end_of_a_rollback_that_none_began_stands_out_and_ends_nothing() {
    let mut log = going();
    let finished = |outcome| Event::RollbackFinished(RollbackFinished { detail: None, outcome });
    log.record(&[ALICE], Some(ID), &finished(RollbackOutcome::Complete));
    assert_eq!(codes(&log, Severity::OutOfProcess), ["rollback-unstarted"]);
    assert_eq!(state(&log).outcome(), None);
    assert!(!missing(&log, Gate::AllClear).contains(&"rollback/none".to_owned()));
    let reason = log.opening("back");
    log.record(&[ALICE], Some(ID), &Event::RollbackStarted(RollbackStarted { reason }));
    assert!(state(&log).rollback_open(), "the end before it is not its own");
    log.record(&[ALICE], Some(ID), &finished(RollbackOutcome::Partial));
    log.record(&[ALICE], Some(ID), &finished(RollbackOutcome::Complete));
    assert_eq!(state(&log).outcome(), Some(Outcome::Partly));
    assert_eq!(codes(&log, Severity::OutOfProcess), ["rollback-unstarted"; 2]);
}

#[test]
fn a_trigger_must_be_answered_and_a_rollback_is_never_an_all_clear() {
    let mut log = going();
    shift(&mut log, ID, Colour::Green);
    let trigger = RollbackTriggered { check: None, evidence: None, reason: None, trigger: Trigger::Manual };
    log.record(&[CAROL], Some(ID), &Event::RollbackTriggered(trigger));
    assert_eq!(state(&log).stage(), Stage::Triggered);
    assert!(missing(&log, Gate::AllClear).contains(&"trigger/answered".to_owned()));
    let reason = log.opening("back");
    log.record(&[ALICE], Some(ID), &Event::RollbackStarted(RollbackStarted { reason }));
    assert_eq!(state(&log).stage(), Stage::RollingBack);
    assert!(missing(&log, Gate::AllClear).contains(&"rollback/none".to_owned()));
    assert!(missing(&log, Gate::Go).contains(&"rollback/open".to_owned()));
    assert_eq!(missing(&log, Gate::Close), ["outcome/any"]);
    let finished = RollbackFinished { detail: None, outcome: RollbackOutcome::Complete };
    log.record(&[ALICE], Some(ID), &Event::RollbackFinished(finished.clone()));
    assert_eq!(state(&log).outcome(), Some(Outcome::Partly), "Green still has the traffic");
    shift(&mut log, ID, Colour::Blue);
    assert_eq!(state(&log).outcome(), Some(Outcome::RolledBack));
    assert_eq!(missing(&log, Gate::Shift), ["rollback/none"]);
    let before = state(&log).issues.len();
    shift(&mut log, ID, Colour::Green);
    let codes: Vec<_> = state(&log).issues[before..].iter().map(|issue| issue.code).collect();
    assert_eq!(codes, ["shift-after-rollback"; 2], "intended and done");
}

#[test]
fn a_failed_rollback_ends_by_an_abort() {
    let mut log = going();
    let reason = log.opening("back");
    log.record(&[ALICE], Some(ID), &Event::RollbackStarted(RollbackStarted { reason }));
    decide(&mut log, ID, Decision::Abort);
    assert_eq!(state(&log).outcome(), None, "under way");
    let failed = RollbackFinished { detail: None, outcome: RollbackOutcome::Failed };
    log.record(&[ALICE], Some(ID), &Event::RollbackFinished(failed));
    assert_eq!(state(&log).outcome(), None, "the abort came before");
    assert_eq!(state(&log).stage(), Stage::RollbackFailed);
    decide(&mut log, ID, Decision::Abort);
    assert_eq!(state(&log).outcome(), Some(Outcome::Aborted));
    assert_eq!(state(&log).stage(), Stage::Ended);
    assert!(missing(&log, Gate::Close).is_empty());
}
