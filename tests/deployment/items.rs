//! Items: whose sign-offs make them done.

use aether_audit::core::checklist::ItemSpec;
use aether_audit::core::deployment::{ItemState, Severity};
use aether_audit::core::event::{Event, Gate, ItemSigned, ItemWithdrawn, SignOutcome};
use aether_audit::core::roster::{LEAD_DEPLOYER, QA_ENGINEER};

use crate::common::story::sign;
use crate::common::{TestLog, token};
use crate::{ALICE, CAROL, ID, codes, missing, open_with, state, waive};

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
fn an_older_sign_off_displaces_no_newer_word() {
    let signed = |log: &mut TestLog, outcome| {
        let checklist = state(log).checklist.text.commit;
        let body = ItemSigned { checklist, item: token("env-audit"), note: None, outcome, reason: None };
        Event::ItemSigned(body)
    };
    let state_of = |log: &TestLog| state(log).progress_of("env-audit").unwrap().state;
    let mut log = open_with(|_| {});
    let done = signed(&mut log, SignOutcome::Done);
    let early = log.statement(&[ALICE], Some(ID), &done);
    let failed = signed(&mut log, SignOutcome::Failed);
    log.record(&[ALICE], Some(ID), &failed);
    log.append(crate::common::sign(&early, &[ALICE]));
    assert_eq!(state_of(&log), ItemState::Failed);
    assert_eq!(codes(&log, Severity::OutOfProcess), ["sign-off-overtaken"]);
    log.record(&[ALICE], Some(ID), &done);
    assert_eq!(state_of(&log), ItemState::Done, "that failure was seen");

    let mut log = open_with(|_| {});
    let first = log.record(&[ALICE], Some(ID), &done);
    let early = log.statement(&[ALICE], Some(ID), &done);
    let (statement, reason) = (log.entry(first).statement.predicate.id.clone(), log.opening("not so"));
    let withdrawn = ItemWithdrawn { item: token("env-audit"), reason, statement };
    log.record(&[ALICE], Some(ID), &Event::ItemWithdrawn(withdrawn));
    log.append(crate::common::sign(&early, &[ALICE]));
    assert_eq!(state_of(&log), ItemState::Open);
    assert_eq!(codes(&log, Severity::OutOfProcess), ["sign-off-overtaken"]);
}
