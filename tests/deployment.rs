//! The deployment's rules: what the gates miss, what suspends a go, what stands out loudly.

mod common;

use aether_audit::core::check::{Phase, Reading};
use aether_audit::core::checklist::{By as Ticked, ItemSpec};
use aether_audit::core::deployment::{Deployment, ItemState, Severity, Stage};
use aether_audit::core::event::{
    Act, Colour, Decision, DecisionMade, DeploymentOpened, Event, Gate, ItemSigned, ItemWithdrawn, Outcome,
    RollbackFinished, RollbackOutcome, RollbackStarted, RollbackTriggered, SignOutcome, StandbyChanged,
    StandbyState, TrafficShifted, Trigger,
};
use aether_audit::core::roster::{COMMS_LEAD, LEAD_DEPLOYER, QA_ENGINEER, RECORDER};
use common::story::{close, decide, opened, reading, shift, sign, until_go};
use common::{By, TestLog, label, token};

const ID: &str = "aether-1";
const ALICE: By = ("alice", LEAD_DEPLOYER);
const CAROL: By = ("carol", QA_ENGINEER);
const CI: By = ("ci", RECORDER);

fn staffed() -> TestLog {
    let mut log = TestLog::init();
    log.enroll("bob", COMMS_LEAD);
    log.enroll("carol", QA_ENGINEER);
    log.enroll("ci", RECORDER);
    log
}

fn open_with(change: impl FnOnce(&mut DeploymentOpened)) -> TestLog {
    let mut log = staffed();
    let mut body = opened(&mut log);
    change(&mut body);
    log.record(&[ALICE], Some(ID), &Event::DeploymentOpened(body));
    log
}

fn going() -> TestLog {
    let mut log = staffed();
    until_go(&mut log, ID);
    log
}

fn state(log: &TestLog) -> &Deployment {
    &log.log.deployments[&token(ID)]
}

fn missing(log: &TestLog, gate: Gate) -> Vec<String> {
    state(log).missing(gate, log.now).into_iter().map(|m| m.requirement).collect()
}

fn codes(log: &TestLog, severity: Severity) -> Vec<&'static str> {
    state(log).issues.iter().filter(|i| i.severity == severity).map(|i| i.code).collect()
}

fn waive(log: &mut TestLog, gate: Gate, requirement: &str) {
    let reason = log.opening("known and accepted");
    let body = DecisionMade {
        decision: Decision::Override,
        gate: Some(gate),
        reason,
        waives: Some(label(requirement)),
    };
    log.record(&[ALICE], Some(ID), &Event::DecisionMade(body));
}

fn measure(log: &mut TestLog, minutes: u32, phase: Phase) {
    for _ in 0..minutes {
        let value = match phase {
            Phase::Pass => "0.02",
            Phase::Warn => "0.5",
            _ => "3",
        };
        log.record(&[CI], Some(ID), &reading(log, value, phase));
        log.tick(60);
    }
}

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
fn an_item_bound_to_a_check_is_not_signed_as_done_without_a_pass() {
    let log = open_with(|_| {});
    let done = state(&log).sign_missing("tests-green", SignOutcome::Done);
    assert_eq!(done.iter().map(|m| m.requirement.as_str()).collect::<Vec<_>>(), ["check/http-5xx"]);
    assert!(state(&log).sign_missing("tests-green", SignOutcome::Failed).is_empty());
    let mut log = log;
    waive(&mut log, Gate::Sign, "check/http-5xx");
    assert!(state(&log).sign_missing("tests-green", SignOutcome::Done).is_empty());
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
fn traffic_shifted_before_go_is_recorded_and_stands_out() {
    let mut log = open_with(|_| {});
    assert_eq!(missing(&log, Gate::Shift), ["decision/go"]);
    shift(&mut log, ID, Colour::Green);
    assert_eq!(codes(&log, Severity::OutOfProcess), ["shift-before-go"; 2]);
    assert_eq!(codes(&log, Severity::Violation), [""; 0]);
    assert!(state(&log).green_since().is_some());
}

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
fn traffic_of_another_service_stands_out_and_moves_nothing() {
    let mut log = open_with(|body| body.services.push(label("api")));
    let act = |service: &str| {
        let (detail, intent, service) = (None, None, label(service));
        Event::TrafficShifted(TrafficShifted {
            act: Act::Done,
            detail,
            intent,
            percent: 100,
            service,
            to: Colour::Green,
        })
    };
    log.record(&[ALICE], Some(ID), &act("web"));
    log.record(&[ALICE], Some(ID), &act("other"));
    assert!(codes(&log, Severity::OutOfProcess).contains(&"service-unknown"));
    assert_eq!(state(&log).green_percent().len(), 2);
    assert_eq!(state(&log).green_since(), None);
    log.record(&[ALICE], Some(ID), &act("api"));
    let since = state(&log).green_since();
    let back = |service| TrafficShifted {
        act: Act::Done,
        detail: None,
        intent: None,
        percent: 100,
        service,
        to: Colour::Blue,
    };
    log.record(&[ALICE], Some(ID), &Event::TrafficShifted(back(label("other"))));
    assert!(since.is_some() && state(&log).green_since() == since);
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
}

#[test]
fn blue_is_retired_only_after_all_clear_and_its_standby() {
    let mut log = going();
    shift(&mut log, ID, Colour::Green);
    assert_eq!(missing(&log, Gate::Retire), ["decision/all-clear", "window/standby"]);
    let retired = StandbyChanged {
        act: Act::Observed,
        detail: None,
        intent: None,
        service: label("web"),
        state: StandbyState::Retired,
        until: None,
    };
    log.record(&[ALICE], Some(ID), &Event::StandbyChanged(retired.clone()));
    assert_eq!(codes(&log, Severity::OutOfProcess), ["retired-early"; 2]);
    let until = Some(log.now.plus_seconds(4 * 3600));
    let extended = StandbyChanged { state: StandbyState::Extended, until, ..retired };
    log.record(&[ALICE], Some(ID), &Event::StandbyChanged(extended));
    assert_eq!(state(&log).standby_until(), until);
}

#[test]
fn several_signers_are_several_people() {
    let mut log = open_with(|body| {
        body.checklist.items[0] = ItemSpec {
            phase: Some("pre-deployment".into()),
            roles: vec![LEAD_DEPLOYER.into(), QA_ENGINEER.into()],
            all_roles: true,
            ..ItemSpec::new("env-audit".into())
        };
    });
    sign(&mut log, ID, ALICE, "env-audit");
    sign(&mut log, ID, ALICE, "env-audit");
    assert_eq!(state(&log).progress_of("env-audit").unwrap().state, ItemState::Partly);
    sign(&mut log, ID, CAROL, "env-audit");
    assert_eq!(state(&log).progress_of("env-audit").unwrap().state, ItemState::Done);
}

#[test]
fn a_failed_sign_off_blocks_until_the_same_person_signs_again() {
    let mut log = open_with(|_| {});
    let checklist = state(&log).checklist.text.commit;
    let reason = Some(log.opening("two parameters missing"));
    let item = token("env-audit");
    let body = ItemSigned { checklist, item, note: None, outcome: SignOutcome::Failed, reason };
    log.record(&[ALICE], Some(ID), &Event::ItemSigned(body));
    assert_eq!(state(&log).progress_of("env-audit").unwrap().state, ItemState::Failed);
    assert!(missing(&log, Gate::Go).contains(&"item/env-audit".to_owned()));
    sign(&mut log, ID, ALICE, "env-audit");
    assert_eq!(state(&log).progress_of("env-audit").unwrap().state, ItemState::Done);
}

#[test]
fn after_the_closing_only_asides_and_corrections_are_allowed() {
    let mut log = going();
    decide(&mut log, ID, Decision::Abort);
    close(&mut log, ID, Outcome::Aborted);
    assert_eq!(codes(&log, Severity::Violation), [""; 0]);
    shift(&mut log, ID, Colour::Green);
    assert!(codes(&log, Severity::Violation).contains(&"after-close"));
}

#[test]
fn an_outcome_finds_its_intention() {
    let mut log = going();
    let act = |act| TrafficShifted {
        act,
        detail: None,
        intent: None,
        percent: 50,
        service: label("web"),
        to: Colour::Green,
    };
    let done = Event::TrafficShifted(act(Act::Done));
    assert_eq!(state(&log).open_intention(&done), None);
    log.record(&[ALICE], Some(ID), &Event::TrafficShifted(act(Act::Intended)));
    let intention = state(&log).open_intention(&done).cloned().expect("the intention");
    log.record(
        &[ALICE],
        Some(ID),
        &Event::TrafficShifted(TrafficShifted { intent: Some(intention), ..act(Act::Done) }),
    );
    assert_eq!(state(&log).open_intention(&done), None, "it has its outcome");
}
