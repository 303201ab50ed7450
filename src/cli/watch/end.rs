//! How a watch ends, by what the ledger says and nothing else: everybody who looks comes to the same.

use super::plan::{Stretch, Watched};
use crate::core::check::{Phase, Reading};
use crate::core::deployment::{Deployment, Record};
use crate::core::event::{Decision, Gate};
use crate::core::time::Timestamp;

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It goes on.
    NotYet,
    /// Measured throughout, and within every limit.
    Proven,
    /// A person must decide.
    Person(Vec<String>),
    /// No data, or not enough.
    NotProven(Vec<String>),
    /// A trigger stands (its entry).
    Triggered(u64),
    /// A rollback was begun (its entry).
    RolledBack(u64),
    /// An all-clear stands, or the record is closed (the entry): nothing that is measured now decides anything.
    Decided(u64),
}

/// All readings of a check.
#[must_use]
pub fn readings<'a>(deployment: &'a Deployment, check: &str) -> Vec<&'a Record<Reading>> {
    deployment.evidence.iter().filter(|record| record.body.check.as_deref() == Some(check)).collect()
}

/// How the watch of a stretch stands at `now`.
#[must_use]
pub fn end(deployment: &Deployment, stretch: &Stretch, checks: &[Watched], now: Timestamp) -> End {
    if let Some(started) = deployment.rollbacks.last() {
        return End::RolledBack(started.meta.seq);
    }
    let clear = deployment.decisions.iter().rev().find(|record| record.body.decision == Decision::AllClear);
    let clear = clear.filter(|_| !stretch.look).map(|record| record.meta.seq);
    if let Some(seq) = deployment.closed.as_ref().map(|closed| closed.meta.seq).or(clear) {
        return End::Decided(seq);
    }
    let standing = deployment.trigger_open() && !deployment.waived(Gate::AllClear, "trigger/answered");
    if let Some(trigger) = deployment.triggers.last().filter(|_| standing) {
        return End::Triggered(trigger.meta.seq);
    }
    let over = now >= stretch.last();
    let settled = |watched: &Watched| watched.settled(stretch, &readings(deployment, &watched.spec.id), now);
    if !over && !checks.iter().all(settled) {
        return End::NotYet;
    }
    let faults = if stretch.look { of_look(deployment, stretch, checks) } else { of_window(deployment, now) };
    let texts = |wanted: &[Fault]| -> Vec<String> {
        faults.iter().filter(|(fault, _)| wanted.contains(fault)).map(|(_, text)| text.clone()).collect()
    };
    let person = texts(&[Fault::Person]);
    if !person.is_empty() {
        return End::Person(person);
    }
    let lasting = texts(&[Fault::Lasting]);
    let curable = texts(&[Fault::Curable]);
    match (lasting.is_empty(), curable.is_empty()) {
        (true, true) => End::Proven,
        (true, false) if !over => End::NotYet,
        _ => End::NotProven([lasting, curable].concat()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Only a person can answer it.
    Person,
    /// Nothing that is still to come changes it.
    Lasting,
    /// More minutes may cure it.
    Curable,
}

fn of_phase(phase: Option<Phase>) -> Fault {
    match phase {
        Some(Phase::Warn | Phase::Trigger) => Fault::Person,
        Some(Phase::Error) | None => Fault::Curable,
        Some(Phase::NoData | Phase::Pass) => Fault::Lasting,
    }
}

/// What the gate misses of the evidence.
fn of_window(deployment: &Deployment, now: Timestamp) -> Vec<(Fault, String)> {
    let coverage = deployment.coverage();
    let phase_of = |seq: &u64| {
        deployment.evidence.iter().find(|record| record.meta.seq == *seq).and_then(|record| record.body.phase)
    };
    let mut faults = Vec::new();
    for missing in deployment.missing(Gate::AllClear, now) {
        let fault = match missing.requirement.split_once('/') {
            Some(("checks", _)) => Fault::Lasting,
            Some(("coverage" | "readings", _)) => Fault::Curable,
            Some(("check", id)) => of_phase(deployment.latest(id).and_then(|record| record.body.phase)),
            Some(("breach", id)) => {
                let breaches = coverage.iter().filter(|c| c.check == id).flat_map(|c| &c.not_passed);
                let person = breaches.map(phase_of).any(|phase| of_phase(phase) == Fault::Person);
                if person { Fault::Person } else { Fault::Lasting }
            }
            _ => continue,
        };
        faults.push((fault, missing.text));
    }
    faults
}

/// A look: every reading of it counts, none may be missing.
fn of_look(deployment: &Deployment, stretch: &Stretch, checks: &[Watched]) -> Vec<(Fault, String)> {
    let mut faults = Vec::new();
    for watched in checks {
        let id = &watched.spec.id;
        let readings = deployment.readings_since(id, Some(stretch.from));
        let worst = readings.iter().filter_map(|record| record.body.phase).max();
        let excused = |record: &&Record<Reading>| watched.spec.excused(&record.body).is_some();
        match worst {
            Some(Phase::Pass) => {}
            Some(Phase::NoData)
                if readings.iter().all(|r| r.body.phase == Some(Phase::Pass) || excused(r)) => {}
            Some(phase) => faults.push((of_phase(Some(phase)), format!("{id} was {phase}"))),
            None => faults.push((Fault::Curable, format!("{id} was not read"))),
        }
    }
    if checks.is_empty() {
        faults.push((Fault::Lasting, "no check is watched".into()));
    }
    faults
}
