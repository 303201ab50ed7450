//! Go: what its gate misses, what suspends it, what overrides it.

use aether_audit::core::check::Phase;
use aether_audit::core::checklist::{By as Ticked, ItemSpec};
use aether_audit::core::deployment::{Severity, Stage};
use aether_audit::core::event::{Decision, Event, Gate, ItemWithdrawn, Outcome};

use crate::common::story::{decide, reading, sign};
use crate::common::token;
use crate::{ALICE, CAROL, CI, ID, codes, going, missing, open_with, state, waive};

#[test]
fn go_misses_every_unsigned_item_and_unpassed_check_of_the_first_phase_alone() {
    let mut log = open_with(|_| {});
    assert_eq!(missing(&log, Gate::Go), ["item/env-audit", "item/tests-green", "check/http-5xx"]);
    sign(&mut log, ID, ALICE, "env-audit");
    assert_eq!(missing(&log, Gate::Go), ["item/tests-green", "check/http-5xx"]);
    log.record(&[CI], Some(ID), &reading(&log, "3", Phase::Trigger));
    assert_eq!(missing(&log, Gate::Go), ["item/tests-green", "check/http-5xx"]);
    log.record(&[CI], Some(ID), &reading(&log, "0.01", Phase::Pass));
    sign(&mut log, ID, CAROL, "tests-green");
    assert_eq!(missing(&log, Gate::Go), [""; 0]);
}

#[test]
fn an_item_that_the_decision_itself_ticks_never_blocks_it() {
    let log = open_with(|body| {
        let go = ItemSpec {
            phase: Some("pre-deployment".into()),
            by: Some(Ticked::Go),
            ..ItemSpec::new("go-no-go".into())
        };
        body.checklist.items.push(go);
    });
    assert!(!missing(&log, Gate::Go).contains(&"item/go-no-go".to_owned()));
}

#[test]
fn without_phases_go_gates_nothing_and_needs_an_override() {
    let mut log = open_with(|body| {
        body.checklist.phases.clear();
        for item in &mut body.checklist.items {
            item.phase = None;
        }
    });
    assert_eq!(missing(&log, Gate::Go), ["phases/none"]);
    waive(&mut log, Gate::Go, "phases/none");
    assert_eq!(missing(&log, Gate::Go), [""; 0]);
    decide(&mut log, ID, Decision::Abort);
    assert_eq!(missing(&log, Gate::Go), ["decision/abort"]);
}

#[test]
fn a_first_phase_that_nobody_signs_gates_nothing_either() {
    let log = open_with(|body| {
        for item in &mut body.checklist.items[..2] {
            item.by = Some(Ticked::Go);
        }
    });
    let missing = state(&log).missing(Gate::Go, log.now);
    assert_eq!(missing.len(), 1);
    assert!(missing[0].requirement == "phases/none" && missing[0].text.contains("no item that people sign"));
}

#[test]
fn a_go_against_the_gate_is_a_violation_and_an_override_makes_it_none() {
    let mut log = open_with(|_| {});
    decide(&mut log, ID, Decision::Go);
    assert_eq!(codes(&log, Severity::Violation), ["gate-go"; 3]);

    let mut log = open_with(|_| {});
    for requirement in ["item/env-audit", "item/tests-green", "check/http-5xx"] {
        waive(&mut log, Gate::Go, requirement);
    }
    decide(&mut log, ID, Decision::Go);
    assert_eq!(codes(&log, Severity::Violation), [""; 0]);
    assert!(state(&log).go_in_force());
}

#[test]
fn withdrawing_a_first_phase_item_suspends_the_go_until_it_is_signed_again() {
    let mut log = going();
    assert!(state(&log).go_in_force());
    let statement = state(&log).sign_offs[0].meta.id.clone();
    let reason = log.opening("signed the wrong environment");
    let body = ItemWithdrawn { item: token("env-audit"), reason, statement };
    log.record(&[ALICE], Some(ID), &Event::ItemWithdrawn(body));
    assert!(!state(&log).go_in_force());
    assert_eq!(missing(&log, Gate::Shift), ["decision/go"]);
    sign(&mut log, ID, ALICE, "env-audit");
    assert!(state(&log).go_in_force());
}

#[test]
fn a_go_after_a_no_go_needs_evidence_collected_again() {
    let mut log = going();
    decide(&mut log, ID, Decision::NoGo);
    assert_eq!(state(&log).stage(), Stage::Held);
    assert_eq!(state(&log).outcome(), Some(Outcome::NoGo));
    assert_eq!(missing(&log, Gate::Go), ["evidence/http-5xx"]);
    log.record(&[CI], Some(ID), &reading(&log, "0.02", Phase::Pass));
    assert_eq!(missing(&log, Gate::Go), [""; 0]);
}

#[test]
fn an_override_of_what_its_gate_does_not_miss_stands_out() {
    let mut log = open_with(|_| {});
    waive(&mut log, Gate::Go, "item/env-audit");
    assert_eq!(codes(&log, Severity::OutOfProcess), [""; 0]);
    waive(&mut log, Gate::Go, "item/env-audit");
    waive(&mut log, Gate::Go, "item/no-such");
    waive(&mut log, Gate::AllClear, "shift/green");
    waive(&mut log, Gate::Sign, "check/none");
    assert_eq!(codes(&log, Severity::OutOfProcess), ["override-idle"; 4]);
    waive(&mut log, Gate::Sign, "check/http-5xx");
    assert_eq!(codes(&log, Severity::OutOfProcess).len(), 4, "an item waits for this check");
}
