use aether_audit::core::deployment::Deployment;
use aether_audit::core::event::{Decision, Event, ItemWithdrawn, Outcome};
use aether_audit::core::log::Log;
use aether_audit::core::name::Id;
use aether_audit::core::statement::Seen;
use aether_audit::core::{entry::Entry, packed};

use super::common::sign;
use super::common::story::{self, BAD, GOOD};
use super::{ALICE, CAROL, TestLog, token};

/// What a gate says of what comes after a closing anyway.
const LET_GO: [&str; 3] = ["item", "gate-sign", "gate-go"];

/// Two closed deployments, and of each kind of entry after that one that may be and one that may not.
fn told() -> TestLog {
    let mut log = story::told();
    let signed = log.log.deployments[&token(GOOD)].sign_offs[0].clone();
    let reason = log.opening("signed in haste");
    let body = ItemWithdrawn { item: signed.body.item, reason, statement: signed.meta.id };
    log.record(&[ALICE], Some(GOOD), &Event::ItemWithdrawn(body));
    story::note(&mut log, GOOD, CAROL, "looked at once more");
    story::sign(&mut log, GOOD, CAROL, "smoke");
    story::decide(&mut log, BAD, Decision::Go);
    story::note(&mut log, BAD, CAROL, "and at this");
    overtake(&mut log, GOOD);
    story::close(&mut log, BAD, Outcome::Completed);
    log
}

/// Joins a sign-off of an item by who signed it last, made before they did.
fn overtake(log: &mut TestLog, id: &str) {
    let deployment = &log.log.deployments[&token(id)];
    let (opened, last) = (deployment.opened.meta.seq, deployment.sign_offs.last().unwrap());
    let mut signed = log.entry(last.meta.seq).statement;
    signed.predicate.id = Id::from_bytes([1; 16]);
    signed.predicate.seen = Some(Seen { leaf: log.entry(opened).leaf, seq: opened });
    log.append(sign(&signed, &[CAROL]));
}

/// What is wrong with each entry, but for what rests on what a closed deployment has let go of, and how each deployment stands in the end.
fn judged(log: &TestLog, release: bool) -> (Vec<String>, Vec<String>) {
    let mut state = Log::default();
    let (mut faults, mut packed) = (Vec::new(), 0);
    for bytes in &log.entries {
        let entry = Entry::parse(bytes).unwrap();
        let taken = state.take(&entry, |_| vec![token("alice")]);
        let faults_kept = taken.faults.iter().filter(|fault| !LET_GO.contains(&fault.code()));
        faults.extend(faults_kept.map(|fault| format!("{}: {} {fault}", entry.line.seq, fault.code())));
        if release {
            state.release(None);
        }
        if entry.statement.kind() == "deployment-closed" {
            packed +=
                usize::from(!state.deployments.contains_key(&entry.statement.predicate.deployment.unwrap()));
        }
    }
    assert_eq!(packed, if release { 3 } else { 0 }, "one has two closings");
    let mut ends = Vec::new();
    state.each_deployment(|one| {
        ends.push(format!(
            "{} {:?} {} {} {:?}",
            one.id,
            one.outcome(),
            one.last_seq,
            one.entries,
            one.closed
        ));
    });
    (faults, ends)
}

#[test]
fn a_deployment_that_was_packed_judges_later_entries_as_before() {
    let log = told();
    let (faults, ends) = judged(&log, true);
    assert!(faults.iter().any(|fault| fault.contains("sign-off-overtaken")), "{faults:?}");
    assert!(faults.len() >= 5 && ends.len() == 2, "{faults:?} {ends:?}");
    assert_eq!((faults, ends), judged(&log, false));
}

#[test]
fn packing_loses_nothing_that_was_not_let_go() {
    for deployment in told().log.deployments.values() {
        let mut deployment = deployment.clone();
        deployment.release();
        let packed = packed::pack(&deployment).unwrap();
        let again: Deployment = packed::unpack(&packed).unwrap();
        assert_eq!(format!("{again:?}"), format!("{deployment:?}"));
        assert!(packed.len() < 4096, "{} bytes", packed.len());
    }
}
