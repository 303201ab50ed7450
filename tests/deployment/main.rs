//! The deployment's rules: what the gates miss, what suspends a go, what stands out loudly.

#[path = "../common/mod.rs"]
mod common;
mod go;
mod items;
mod rollback;
mod sealed;
mod traffic;
mod window;

use aether_audit::core::check::Phase;
use aether_audit::core::deployment::{Deployment, Severity};
use aether_audit::core::event::{Decision, DecisionMade, DeploymentOpened, Event, Gate};
use aether_audit::core::roster::{COMMS_LEAD, LEAD_DEPLOYER, QA_ENGINEER, RECORDER};
use common::story::{opened, reading, until_go};
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
