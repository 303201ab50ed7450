//! The verification window: what it measures, and the all-clear at its end.

use aether_audit::core::check::{Phase, Reading};
use aether_audit::core::deployment::Severity;
use aether_audit::core::event::{Colour, Decision, Event, Gate, Outcome, RollbackTriggered, Trigger};

use crate::common::story::{close, decide, reading, shift, sign};
use crate::{ALICE, CAROL, CI, ID, codes, going, measure, missing, open_with, state, waive};

#[test]
fn all_clear_waits_for_the_whole_window_measured_and_passing() {
    let mut log = going();
    assert_eq!(missing(&log, Gate::AllClear), ["shift/green", "item/smoke"]);
    shift(&mut log, ID, Colour::Green);
    sign(&mut log, ID, CAROL, "smoke");
    assert_eq!(missing(&log, Gate::AllClear), ["window/verification", "readings/none", "coverage/http-5xx"]);
    measure(&mut log, 3, Phase::Pass);
    assert_eq!(missing(&log, Gate::AllClear), ["window/verification", "coverage/http-5xx"]);
    log.tick(180);
    assert_eq!(missing(&log, Gate::AllClear), ["coverage/http-5xx"], "time alone proves nothing");
}

#[test]
fn the_window_is_proven_by_the_readings_own_times() {
    let mut log = going();
    shift(&mut log, ID, Colour::Green);
    sign(&mut log, ID, CAROL, "smoke");
    for _ in 0..5 {
        log.record(&[CI], Some(ID), &reading(&log, "0.02", Phase::Pass));
    }
    log.tick(600);
    assert_eq!(missing(&log, Gate::AllClear), ["coverage/http-5xx"], "five readings of one minute cover one");
}

#[test]
fn a_breach_inside_the_window_is_accepted_one_by_one_or_not_at_all() {
    let mut log = going();
    shift(&mut log, ID, Colour::Green);
    sign(&mut log, ID, CAROL, "smoke");
    measure(&mut log, 2, Phase::Pass);
    measure(&mut log, 1, Phase::Warn);
    measure(&mut log, 3, Phase::Pass);
    assert_eq!(missing(&log, Gate::AllClear), ["breach/http-5xx"]);
    waive(&mut log, Gate::AllClear, "breach/http-5xx");
    decide(&mut log, ID, Decision::AllClear);
    close(&mut log, ID, Outcome::Completed);
    assert_eq!(codes(&log, Severity::Violation), [""; 0]);
}

#[test]
fn a_reading_may_not_be_better_than_its_own_numbers() {
    let mut log = going();
    log.record(&[CI], Some(ID), &reading(&log, "3", Phase::Pass));
    log.record(&[CI], Some(ID), &reading(&log, "0.5", Phase::Pass));
    assert_eq!(codes(&log, Severity::Violation), ["reading-verdict"; 2]);
    log.record(&[CI], Some(ID), &reading(&log, "0.02", Phase::Error));
    assert_eq!(codes(&log, Severity::Violation).len(), 2, "worse than its numbers is honest");
}

#[test]
fn a_passing_reading_states_the_value_of_its_own_points() {
    let mut log = going();
    let Event::MetricRead(body) = reading(&log, "0.05", Phase::Pass) else { panic!("a reading") };
    let stating = |value: &str| Event::MetricRead(Reading { value: value.parse().ok(), ..body.clone() });
    log.record(&[CI], Some(ID), &stating("0.050"));
    assert_eq!(codes(&log, Severity::Violation), [""; 0], "the same number");
    log.record(&[CI], Some(ID), &stating("0.01"));
    assert_eq!(codes(&log, Severity::Violation), ["reading-verdict"]);
}

#[test]
fn an_override_waives_the_evidence_before_it_and_none_after() {
    let mut log = going();
    shift(&mut log, ID, Colour::Green);
    sign(&mut log, ID, CAROL, "smoke");
    measure(&mut log, 5, Phase::Pass);
    measure(&mut log, 1, Phase::Warn);
    waive(&mut log, Gate::AllClear, "breach/http-5xx");
    waive(&mut log, Gate::AllClear, "check/http-5xx");
    assert_eq!(missing(&log, Gate::AllClear), [""; 0]);
    measure(&mut log, 1, Phase::Warn);
    assert_eq!(missing(&log, Gate::AllClear), ["check/http-5xx", "breach/http-5xx"]);
    measure(&mut log, 1, Phase::Pass);
    assert_eq!(missing(&log, Gate::AllClear), ["breach/http-5xx"]);
    assert_eq!(codes(&log, Severity::OutOfProcess), [""; 0]);
}

/// However its times are stated: neither far ahead of its entry, nor before the window, nor after it.
#[test]
fn a_breach_since_green_stays_one_wherever_its_points_lie() {
    for (at, age) in [(3600, 0), (-3600, 0), (0, 0), (30, 1)] {
        let mut log = going();
        if age == 0 {
            shift(&mut log, ID, Colour::Green);
            measure(&mut log, 6, Phase::Pass);
        }
        let Event::MetricRead(mut body) = reading(&log, "3", Phase::Trigger) else { panic!("a reading") };
        body.points[0].at = log.now.plus_seconds(at);
        log.record(&[CI], Some(ID), &Event::MetricRead(body));
        if age > 0 {
            shift(&mut log, ID, Colour::Green);
            measure(&mut log, 6, Phase::Pass);
        }
        measure(&mut log, 1, Phase::Pass);
        assert!(missing(&log, Gate::AllClear).contains(&"breach/http-5xx".to_owned()), "{at} {age}");
    }
}

#[test]
fn one_point_covers_five_minutes_at_the_most() {
    let mut log = open_with(|body| body.policy.verification_minutes = 60);
    shift(&mut log, ID, Colour::Green);
    let Event::MetricRead(mut body) = reading(&log, "0.02", Phase::Pass) else { panic!("a reading") };
    body.window.as_mut().unwrap().period = 3600;
    log.record(&[CI], Some(ID), &Event::MetricRead(body));
    assert_eq!(state(&log).coverage()[0].minutes, 5);
}

#[test]
fn going_back_to_blue_ends_the_window() {
    let mut log = going();
    shift(&mut log, ID, Colour::Green);
    measure(&mut log, 5, Phase::Pass);
    shift(&mut log, ID, Colour::Blue);
    assert!(state(&log).verification_window().is_none());
    assert!(missing(&log, Gate::AllClear).contains(&"shift/green".to_owned()));
    shift(&mut log, ID, Colour::Green);
    assert!(
        missing(&log, Gate::AllClear).contains(&"coverage/http-5xx".to_owned()),
        "the minutes before do not count"
    );
}

#[test]
fn a_window_without_a_watched_check_never_ends_in_all_clear() {
    let mut log = open_with(|body| {
        body.checks[0].watch = false;
        body.checklist.items[1].check = None;
    });
    sign(&mut log, ID, ALICE, "env-audit");
    sign(&mut log, ID, CAROL, "tests-green");
    decide(&mut log, ID, Decision::Go);
    shift(&mut log, ID, Colour::Green);
    sign(&mut log, ID, CAROL, "smoke");
    log.tick(3600);
    let missing = state(&log).missing(Gate::AllClear, log.now);
    assert_eq!(
        missing.iter().map(|m| (m.requirement.as_str(), m.waivable)).collect::<Vec<_>>(),
        [("checks/none", false)]
    );
}

#[test]
fn an_all_clear_needs_a_go() {
    let mut log = open_with(|_| {});
    shift(&mut log, ID, Colour::Green);
    measure(&mut log, 61, Phase::Pass);
    assert!(missing(&log, Gate::AllClear).contains(&"decision/go".to_owned()));
    waive(&mut log, Gate::AllClear, "decision/go");
    assert!(!missing(&log, Gate::AllClear).contains(&"decision/go".to_owned()));
}

#[test]
fn what_comes_after_the_all_clear_is_not_passed_over() {
    let mut log = going();
    shift(&mut log, ID, Colour::Green);
    measure(&mut log, 61, Phase::Pass);
    sign(&mut log, ID, CAROL, "smoke");
    decide(&mut log, ID, Decision::AllClear);
    assert!(missing(&log, Gate::Close).is_empty());
    let trigger = RollbackTriggered { check: None, evidence: None, reason: None, trigger: Trigger::Security };
    log.record(&[CAROL], Some(ID), &Event::RollbackTriggered(trigger));
    assert_eq!(missing(&log, Gate::Close), ["trigger/answered"]);
    decide(&mut log, ID, Decision::AllClear);
    assert!(missing(&log, Gate::Close).is_empty(), "answered");
    shift(&mut log, ID, Colour::Blue);
    assert_eq!(codes(&log, Severity::OutOfProcess), ["back-after-all-clear"; 2]);
}
