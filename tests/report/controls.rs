//! Each criterion of the control mapping, taken away alone: it no longer holds, all others do, and no control that rests
//! on it is called evidenced.

use aether_audit::core::check::Phase;
use aether_audit::core::event::{Decision, Gate, RollbackOutcome};
use aether_audit::report;
use aether_audit::report::controls::{Mapped, Verdict, mapped};
use aether_audit::report::model::{ApprovalKind, Finding, ItemStatus, Report};

use crate::world::{completed, label, rolled_back};

/// A record of which every criterion holds.
fn whole() -> Report {
    let mut world = completed();
    world.integrity.checkpoint = Some("a note".into());
    let mut report = world.with(|input| report::report(input).unwrap());
    report.control.custody.clear();
    report
}

fn failing(all: &[Mapped]) -> Vec<&'static str> {
    let judged = all.iter().flat_map(|control| &control.criteria);
    let mut failing: Vec<_> =
        judged.filter(|judged| !judged.holds).map(|judged| judged.criterion.as_str()).collect();
    failing.sort_unstable();
    failing.dedup();
    failing
}

fn decided(report: &mut Report, which: Decision) -> &mut ApprovalKind {
    let mut all = report.approvals.iter_mut().map(|approval| &mut approval.what);
    all.find(|what| matches!(what, ApprovalKind::Decision { decision, .. } if *decision == which)).unwrap()
}

fn found(report: &mut Report) {
    let finding = Finding { seq: Some(3), code: "signature".into(), text: "bad".into() };
    report.integrity.findings.push(finding);
}

/// Makes that decision an override of a gate.
fn waive(report: &mut Report, which: Decision, gate: Gate) {
    let waived = Some(label("item/env-audit"));
    let made = ApprovalKind::Decision { decision: Decision::Override, gate: Some(gate), waives: waived };
    let mut more = report.approvals[0].clone();
    let place = report.approvals.iter().position(
        |approval| matches!(approval.what, ApprovalKind::Decision { decision, .. } if decision == which),
    );
    more.what = made;
    more.entry = report.approvals[place.unwrap()].entry.clone();
    report.approvals.insert(place.unwrap(), more);
}

#[test]
fn everything_evidences_every_control() {
    let all = mapped(&whole());
    assert_eq!(failing(&all), Vec::<&str>::new());
    assert!(all.iter().all(|control| control.verdict == Verdict::Evidenced));
    for judged in all.iter().flat_map(|control| &control.criteria) {
        assert!(!judged.entries.is_empty(), "{} rests on nothing", judged.criterion.as_str());
    }
}

#[test]
fn a_rehearsal_evidences_none() {
    let mut report = whole();
    report.rehearsal = true;
    assert!(mapped(&report).iter().all(|control| control.verdict == Verdict::NotEvidenced));
}

#[test]
fn what_is_taken_away_is_missed() {
    type Change = fn(&mut Report);
    let changes: [(&[&str], Change); 23] = [
        (&["reason-stated"], |r| r.identity.reason = None),
        (&["ticket-stated"], |r| r.identity.ticket = None),
        (&["impact-risk-stated"], |r| r.identity.risk = None),
        (&["separation-of-duties-held"], |r| r.separation.kept = false),
        (&["every-item-signed"], |r| r.items[0].status = ItemStatus::Open),
        (&["every-item-signed"], |r| r.items[0].status = ItemStatus::Failed),
        (&["every-item-signed"], |r| r.items.clear()),
        (&["nothing-out-of-process"], |r| r.summary.out_of_process = 1),
        (&["evidence-passed"], |r| r.checks[0].readings.last_mut().unwrap().phase = Some(Phase::Warn)),
        (&["evidence-passed"], |r| r.checks[0].readings.last_mut().unwrap().phase = Some(Phase::NoData)),
        (&["evidence-passed"], |r| r.checks[0].readings.last_mut().unwrap().phase = None),
        (&["evidence-passed"], |r| r.checks[0].readings.clear()),
        (&["evidence-passed", "rollback-limits-or-rollback-complete"], |r| r.checks.clear()),
        (&["rollback-limits-or-rollback-complete"], |r| r.checks[0].rollback = None),
        (&["record-closed"], |r| r.summary.closed = None),
        (&["chain-and-checkpoint"], |r| r.integrity.checkpoint = None),
        (&["chain-and-checkpoint", "keys-made-by-their-holders", "signatures-valid"], found),
        (&["go-decision-before-cutover"], |r| {
            let ApprovalKind::Decision { decision, .. } = decided(r, Decision::Go) else { unreachable!() };
            *decision = Decision::NoGo;
        }),
        (&["go-decision-before-cutover"], |r| {
            r.approvals.iter_mut().for_each(|approval| {
                approval.entry.not_verified =
                    matches!(approval.what, ApprovalKind::Decision { decision: Decision::Go, .. });
            });
        }),
        (&["go-decision-before-cutover"], |r| waive(r, Decision::Go, Gate::Go)),
        (&["go-decision-before-cutover"], |r| waive(r, Decision::Go, Gate::Shift)),
        (&["post-change-verification"], |r| waive(r, Decision::AllClear, Gate::AllClear)),
        (&["post-change-verification"], |r| {
            r.approvals.retain(|approval| {
                !matches!(approval.what, ApprovalKind::Decision { decision: Decision::AllClear, .. })
            });
        }),
    ];
    for (number, (missed, change)) in changes.into_iter().enumerate() {
        let mut report = whole();
        change(&mut report);
        let all = mapped(&report);
        assert_eq!(failing(&all), missed, "change {number}");
        for control in &all {
            let rests = control.criteria.iter().any(|judged| missed.contains(&judged.criterion.as_str()));
            assert_eq!(control.verdict == Verdict::Evidenced, !rests, "change {number}: {}", control.id);
        }
    }
}

#[test]
fn a_key_that_another_made_is_missed() {
    let mut world = completed();
    world.integrity.checkpoint = Some("a note".into());
    let all = mapped(&world.with(|input| report::report(input).unwrap()));
    assert_eq!(failing(&all), ["keys-made-by-their-holders"], "alice made carol's");
}

#[test]
fn a_rollback_counts_where_it_ended_complete() {
    let holds = |change: fn(&mut Report)| {
        let mut report = rolled_back().with(|input| report::report(input).unwrap());
        change(&mut report);
        !failing(&mapped(&report)).contains(&"rollback-limits-or-rollback-complete")
    };
    assert!(holds(|_| {}));
    assert!(!holds(|r| r.rollbacks[0].outcome = Some(RollbackOutcome::Partial)));
    assert!(!holds(|r| r.rollbacks[0].outcome = None));
    assert!(!holds(|r| r.rollbacks[0].finished.as_mut().unwrap().not_verified = true));
}
