//! Traffic, Blue's standby, and what comes after the end.

use aether_audit::core::deployment::Severity;
use aether_audit::core::event::{
    Act, Colour, Decision, Event, Gate, Outcome, StandbyChanged, StandbyState, TrafficShifted,
};

use crate::common::label;
use crate::common::story::{close, decide, shift};
use crate::{ALICE, ID, codes, going, missing, open_with, state};

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

#[test]
fn after_the_closing_only_asides_and_corrections_are_allowed() {
    let mut log = going();
    decide(&mut log, ID, Decision::Abort);
    close(&mut log, ID, Outcome::Aborted);
    assert_eq!(codes(&log, Severity::Violation), [""; 0]);
    shift(&mut log, ID, Colour::Green);
    assert!(codes(&log, Severity::Violation).contains(&"after-close"));
}
