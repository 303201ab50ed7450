//! What happened: one deployment that ends well, and one that is rolled back.

use aether_audit::core::check::{CheckSpec, Decimal, Phase, Point, Reading, SourceKind, Window};
use aether_audit::core::checklist::{ItemSpec, PhaseSpec};
use aether_audit::core::entry::Entry;
use aether_audit::core::event::{
    Act, Assignment, ChangeType, Colour, Decision, DecisionMade, Delivery, DeploymentClosed,
    DeploymentOpened, Event, FrozenChecklist, ItemSigned, MessageSent, NoteAdded, OpeningErased, Outcome,
    Policy, RollbackFinished, RollbackOutcome, RollbackStarted, RollbackTriggered, SignOutcome,
    TrafficShifted, Trigger,
};
use aether_audit::core::roster::{COMMS_LEAD, CUSTODIAN, LEAD_DEPLOYER, QA_ENGINEER, RECORDER};

use super::{By, TestLog, label, token};

pub const GOOD: &str = "aether-1";
pub const BAD: &str = "aether-2";
/// Minutes of the verification window.
pub const WINDOW: u32 = 5;

const ALICE: By = ("alice", LEAD_DEPLOYER);
const BOB: By = ("bob", COMMS_LEAD);
const CAROL: By = ("carol", QA_ENGINEER);
const CI: By = ("ci", RECORDER);

/// The whole of it: four on the roster, two deployments, a note erased.
pub fn told() -> TestLog {
    let mut log = told_with_erased_opening();
    let erased = log.entries.iter().find_map(|bytes| match event(bytes) {
        Event::OpeningErased(body) => Some(body.commit),
        _ => None,
    });
    log.openings.remove(&erased.unwrap());
    log
}

/// Few entries of many kinds, for tests that go through a log many times.
pub fn short() -> TestLog {
    let mut log = TestLog::init();
    log.enroll("bob", COMMS_LEAD);
    log.enroll("carol", QA_ENGINEER);
    log.enroll("ci", RECORDER);
    until_go(&mut log, GOOD);
    shift(&mut log, GOOD, Colour::Green);
    note(&mut log, GOOD, BOB, "so far");
    log
}

/// What [`told`] tells, with the erased opening left where it was.
pub fn told_with_erased_opening() -> TestLog {
    let mut log = TestLog::init();
    log.tick(60);
    log.enroll("bob", COMMS_LEAD);
    log.enroll("carol", QA_ENGINEER);
    log.enroll("ci", RECORDER);
    completed(&mut log, GOOD);
    erased_note(&mut log, GOOD);
    rolled_back(&mut log, BAD);
    log
}

/// A deployment up to its go.
pub fn until_go(log: &mut TestLog, id: &str) {
    log.tick(60);
    let opened = opened(log);
    log.record(&[ALICE], Some(id), &Event::DeploymentOpened(opened));
    log.tick(30);
    log.record(&[CI], Some(id), &reading(log, "0.02", Phase::Pass));
    sign(log, id, ALICE, "env-audit");
    sign(log, id, CAROL, "tests-green");
    say(log, id, "deployment starts");
    decide(log, id, Decision::Go);
}

/// Ends with an all-clear, and a review after the closing.
pub fn completed(log: &mut TestLog, id: &str) {
    until_go(log, id);
    shift(log, id, Colour::Green);
    for _ in 0..WINDOW {
        log.record(&[CI], Some(id), &reading(log, "0.03", Phase::Pass));
        log.tick(60);
    }
    sign(log, id, CAROL, "smoke");
    decide(log, id, Decision::AllClear);
    close(log, id, Outcome::Completed);
    note(log, id, BOB, "everybody was told");
}

/// Breaches the rollback limit and goes back to Blue.
pub fn rolled_back(log: &mut TestLog, id: &str) {
    until_go(log, id);
    shift(log, id, Colour::Green);
    log.tick(60);
    log.record(&[CI], Some(id), &reading(log, "3.7", Phase::Trigger));
    let trigger = RollbackTriggered {
        check: Some(token("http-5xx")),
        evidence: None,
        reason: None,
        trigger: Trigger::ErrorRate,
    };
    log.record(&[CAROL], Some(id), &Event::RollbackTriggered(trigger));
    let reason = log.opening("5xx above 1 %");
    log.record(&[ALICE], Some(id), &Event::RollbackStarted(RollbackStarted { reason }));
    shift(log, id, Colour::Blue);
    let finished = RollbackFinished { detail: None, outcome: RollbackOutcome::Complete };
    log.record(&[ALICE], Some(id), &Event::RollbackFinished(finished));
    close(log, id, Outcome::RolledBack);
}

/// Somebody pastes a token into a note, and an entry says that it was erased.
pub fn erased_note(log: &mut TestLog, id: &str) {
    let text = log.opening("token pasted by mistake");
    let commit = text.commit;
    log.record(&[BOB], Some(id), &Event::NoteAdded(NoteAdded { about: None, text }));
    log.tick(300);
    let reason = log.opening("a credential");
    log.record(&[("alice", CUSTODIAN)], Some(id), &Event::OpeningErased(OpeningErased { commit, reason }));
}

pub fn opened(log: &mut TestLog) -> DeploymentOpened {
    let assigned = |person, role| Assignment { person: token(person), role: token(role) };
    let item = |id: &str, phase: &str, role: &str| ItemSpec {
        phase: Some(phase.into()),
        roles: vec![role.into()],
        ..ItemSpec::new(id.into())
    };
    let phase = |id: &str| PhaseSpec { id: id.into(), from: None, to: None };
    DeploymentOpened {
        assignments: vec![
            assigned("alice", LEAD_DEPLOYER),
            assigned("bob", COMMS_LEAD),
            assigned("carol", QA_ENGINEER),
        ],
        checklist: FrozenChecklist {
            items: vec![
                item("env-audit", "pre-deployment", LEAD_DEPLOYER),
                ItemSpec {
                    check: Some("http-5xx".into()),
                    ..item("tests-green", "pre-deployment", QA_ENGINEER)
                },
                item("smoke", "post-deployment", QA_ENGINEER),
            ],
            phases: vec![phase("pre-deployment"), phase("post-deployment")],
            text: log.opening("- [ ] env-audit\n- [ ] tests-green\n- [ ] smoke\n"),
        },
        checks: vec![CheckSpec {
            id: "http-5xx".into(),
            source: SourceKind::File,
            unit: Some("percent".into()),
            objective: Some("< 0.1".parse().unwrap()),
            rollback: Some("> 1".parse().unwrap()),
            baseline: None,
            aggregate: None,
            min_requests: None,
            rules: None,
            on_fail: None,
            query: None,
            expect: None,
            watch: true,
        }],
        environment: label("prod"),
        policy: Policy {
            coverage: decimal("90"),
            machine_rollback: false,
            standby_minutes: 60,
            verification_minutes: WINDOW,
        },
        reason: None,
        redeploy_of: None,
        rehearsal: false,
        release: label("v2.14.0"),
        risk: None,
        services: vec![label("web")],
        ticket: None,
        change_type: ChangeType::Normal,
    }
}

pub fn reading(log: &TestLog, value: &str, phase: Phase) -> Event {
    let (at, to) = (log.now, log.now.plus_seconds(60));
    Event::MetricRead(Reading {
        check: Some("http-5xx".into()),
        source: "file".into(),
        phase: Some(phase),
        value: Some(decimal(value)),
        unit: Some("percent".into()),
        window: Some(Window { from: at, to, period: 60 }),
        points: vec![Point { at, value: decimal(value) }],
        ..Reading::default()
    })
}

pub fn sign(log: &mut TestLog, id: &str, by: By, item: &str) -> u64 {
    log.tick(5);
    let checklist = log.log.deployments[&token(id)].checklist.text.commit;
    let note = Some(log.opening("looked at it"));
    let body = ItemSigned { checklist, item: token(item), note, outcome: SignOutcome::Done, reason: None };
    log.record(&[by], Some(id), &Event::ItemSigned(body))
}

pub fn decide(log: &mut TestLog, id: &str, decision: Decision) -> u64 {
    log.tick(5);
    let reason = log.opening("as agreed");
    log.record(
        &[ALICE],
        Some(id),
        &Event::DecisionMade(DecisionMade { decision, gate: None, reason, waives: None }),
    )
}

/// All traffic of the service, intended and done.
pub fn shift(log: &mut TestLog, id: &str, to: Colour) -> u64 {
    let act = |act| {
        let (detail, intent, service) = (None, None, label("web"));
        Event::TrafficShifted(TrafficShifted { act, detail, intent, percent: 100, service, to })
    };
    log.record(&[ALICE], Some(id), &act(Act::Intended));
    log.tick(2);
    log.record(&[ALICE], Some(id), &act(Act::Done))
}

pub fn say(log: &mut TestLog, id: &str, text: &str) -> u64 {
    let text = log.opening(text);
    let channel = label("#proj-aether-deploy");
    let body = MessageSent { channel, delivery: Delivery::Reported, response: None, template: None, text };
    log.record(&[BOB], Some(id), &Event::MessageSent(body))
}

pub fn note(log: &mut TestLog, id: &str, by: By, text: &str) -> u64 {
    let text = log.opening(text);
    log.record(&[by], Some(id), &Event::NoteAdded(NoteAdded { about: None, text }))
}

pub fn close(log: &mut TestLog, id: &str, outcome: Outcome) -> u64 {
    log.tick(5);
    let entries = log.log.deployments[&token(id)].entries + 1;
    log.record(&[ALICE], Some(id), &Event::DeploymentClosed(DeploymentClosed { entries, outcome }))
}

/// What an entry says.
pub fn event(bytes: &[u8]) -> Event {
    let statement = Entry::parse(bytes).unwrap().statement;
    Event::parse(statement.kind(), &statement.predicate.body).unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}
