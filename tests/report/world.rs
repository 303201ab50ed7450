//! A small log, built through the core's public face: entries are not signed, everything else is real.

use std::collections::BTreeMap;

use aether_audit::core::check::{CheckSpec, Phase, Point, Reading, SourceKind, Window};
use aether_audit::core::checklist::parse;
use aether_audit::core::dsse::{self, Envelope, PAYLOAD_TYPE, Signature};
use aether_audit::core::entry::{Entry, Line};
use aether_audit::core::event::*;
use aether_audit::core::hash::Hash;
use aether_audit::core::keys::SecretKey;
use aether_audit::core::log::{Log, governance_subject};
use aether_audit::core::name::{Id, Label, Token};
use aether_audit::core::opening::{Opening, OpeningRef};
use aether_audit::core::roster::{KeyUse, Person, PersonKind, RoleRule, Roster, RosterKey, proof_message};
use aether_audit::core::statement::{Predicate, Seen, Signer, Statement, Subject};
use aether_audit::core::time::Timestamp;
use aether_audit::report::{Input, Integrity, Opened};

pub const ORIGIN: &str = "example.com/audit/prod";
pub const CHECKLIST: &str = include_str!("checklist.md");

pub fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

pub fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub struct World {
    pub log: Log,
    pub entries: Vec<Entry>,
    pub openings: BTreeMap<Hash, Opened>,
    pub clock: Timestamp,
    pub integrity: Integrity,
    pub faults: Vec<String>,
    /// How long before its recording the next statement is signed, in seconds.
    pub signed_before: i64,
    subject: Vec<Subject>,
    keys: BTreeMap<&'static str, Hash>,
    next_id: u64,
}

fn roster_key(seed: u8, person: &str, key_use: KeyUse, made_by: Option<&str>) -> RosterKey {
    let secret = SecretKey::from_seed(&[seed; 32]);
    let proof = secret.sign(&proof_message(ORIGIN, &token(person), key_use));
    RosterKey { made_by: made_by.map(token), proof: dsse::encode(&proof), public: secret.public(), key_use }
}

impl World {
    pub fn new() -> Self {
        let person = |id: &str, kind, roles: &[&str], keys| Person {
            id: token(id),
            keys,
            kind,
            roles: roles.iter().map(|role| token(role)).collect(),
        };
        let roles = ["lead-deployer", "comms-lead", "qa-engineer", "custodian", "recorder"];
        let roster = Roster {
            log: ORIGIN.into(),
            log_keys: Vec::new(),
            people: vec![
                person(
                    "alice",
                    PersonKind::Person,
                    &["lead-deployer", "custodian"],
                    vec![
                        roster_key(1, "alice", KeyUse::Root, None),
                        roster_key(2, "alice", KeyUse::Role, None),
                    ],
                ),
                person(
                    "bob",
                    PersonKind::Person,
                    &["comms-lead"],
                    vec![roster_key(3, "bob", KeyUse::Role, None)],
                ),
                person(
                    "carol",
                    PersonKind::Person,
                    &["qa-engineer"],
                    vec![roster_key(4, "carol", KeyUse::Role, Some("alice"))],
                ),
                person(
                    "ci",
                    PersonKind::Machine,
                    &["recorder"],
                    vec![roster_key(5, "ci", KeyUse::Role, None)],
                ),
            ],
            previous: None,
            roles: roles.iter().map(|role| (token(role), RoleRule { threshold: 1 })).collect(),
            root_threshold: 1,
            separate: vec![(token("lead-deployer"), token("qa-engineer"))],
            version: 1,
            witness_policy: None,
        };
        let keys = [("root", 1), ("alice", 2), ("bob", 3), ("carol", 4), ("ci", 5)];
        let mut world = Self {
            log: Log::default(),
            entries: Vec::new(),
            openings: BTreeMap::new(),
            clock: Timestamp::parse("2026-07-03T00:00:00.000Z").unwrap(),
            integrity: Integrity {
                log_entries: 0,
                first_leaf: Hash::ZERO,
                last_leaf: Hash::ZERO,
                last_seq: 0,
                root: Hash::of(&[b"root"]),
                first_roster: roster.hash(),
                checkpoint: None,
                findings: Vec::new(),
                verdict: "Consistent: every entry, signature and rule checked, and nothing was found.".into(),
            },
            faults: Vec::new(),
            signed_before: 0,
            subject: Vec::new(),
            keys: keys.map(|(name, seed)| (name, SecretKey::from_seed(&[seed; 32]).public().keyid())).into(),
            next_id: 0,
        };
        let name = world.say("Alice Example");
        let hash = roster.hash();
        let subject = governance_subject(&roster);
        let body = LedgerOpened { names: [(token("alice"), name)].into(), rehearsal: false, roster };
        world.place(&[("root", "root")], &Event::LedgerOpened(body), None, subject, hash);
        world
    }

    /// An opening with this text.
    pub fn say(&mut self, text: impl AsRef<[u8]>) -> OpeningRef {
        self.next_id += 1;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&self.next_id.to_be_bytes());
        let opening = Opening { salt, bytes: text.as_ref().to_vec() };
        let reference = opening.reference("text/plain").unwrap();
        self.openings.insert(reference.commit, Opened::Bytes(opening.bytes));
        reference
    }

    pub fn pass(&mut self, seconds: i64) {
        self.clock = self.clock.plus_seconds(seconds);
    }

    /// Appends an event of the deployment.
    pub fn put(&mut self, who: &'static str, role: &str, event: &Event) -> Id {
        let subject = self.subject.clone();
        let roster = self.log.roster().unwrap().hash;
        self.place(&[(who, role)], event, Some(token("d-1")), subject, roster)
    }

    pub fn govern(&mut self, event: &Event, after: &Roster) -> Id {
        let subject = governance_subject(after);
        let roster = self.log.roster().unwrap().hash;
        self.place(&[("root", "root")], event, None, subject, roster)
    }

    fn place(
        &mut self,
        by: &[(&'static str, &str)],
        event: &Event,
        deployment: Option<Token>,
        subject: Vec<Subject>,
        roster: Hash,
    ) -> Id {
        self.next_id += 1;
        let id = Id::new(format!("{:032x}", self.next_id)).unwrap();
        let last = self.entries.last();
        let signers: Vec<Signer> =
            by.iter().map(|(who, role)| Signer { key: self.keys[who], role: token(role) }).collect();
        let predicate = Predicate {
            body: event.body().unwrap(),
            deployment: deployment.clone(),
            id: id.clone(),
            log: ORIGIN.into(),
            roster,
            seen: last.map(|entry| Seen { leaf: entry.leaf, seq: entry.line.seq }),
            signers: signers.clone(),
            time: self.clock.plus_seconds(-self.signed_before),
        };
        let seq = self.entries.len() as u64;
        let deployment_seq = deployment.map(|id| self.log.deployments.get(&id).map_or(0, |d| d.entries));
        let signatures = signers.iter().map(|s| Signature { keyid: s.key, sig: dsse::encode(&[0; 64]) });
        let entry = Entry {
            line: Line {
                deployment_seq,
                envelope: Envelope {
                    payload: String::new(),
                    payload_type: PAYLOAD_TYPE.into(),
                    signatures: signatures.collect(),
                },
                prev: last.map_or(Hash::ZERO, |entry| entry.leaf),
                recorded: self.clock,
                seq,
            },
            payload: Vec::new(),
            statement: Statement::new(event.kind(), subject, predicate),
            signatures: vec![[0; 64]; signers.len()],
            leaf: Hash::of(&[b"leaf", &seq.to_be_bytes()]),
        };
        let taken = self.log.take(&entry, |_| Vec::new());
        self.faults.extend(taken.faults.iter().map(|fault| format!("{seq}: {}: {fault}", fault.code())));
        self.integrity.log_entries = seq + 1;
        self.integrity.last_seq = seq;
        self.integrity.last_leaf = entry.leaf;
        if seq == 0 {
            self.integrity.first_leaf = entry.leaf;
        }
        self.entries.push(entry);
        self.pass(7);
        id
    }

    pub fn frozen(&mut self, text: &str) -> FrozenChecklist {
        let parsed = parse(text).unwrap();
        FrozenChecklist {
            items: parsed.items.iter().map(|item| item.spec.clone()).collect(),
            phases: parsed.phases,
            text: self.say(text),
        }
    }

    pub fn open(&mut self, checklist: &str) {
        self.open_with(checklist, vec![errors()], |_| {});
    }

    pub fn open_with(
        &mut self,
        checklist: &str,
        checks: Vec<CheckSpec>,
        change: impl FnOnce(&mut DeploymentOpened),
    ) {
        self.subject = vec![
            Subject::git_commit(label("aether"), "0123456789abcdef0123456789abcdef01234567"),
            Subject::sha256(label("registry.example.com/aether:v2.14.0"), Hash::of(&[b"image"])),
        ];
        let held = [("lead-deployer", "alice"), ("comms-lead", "bob"), ("qa-engineer", "carol")];
        let mut body = DeploymentOpened {
            assignments: held
                .map(|(role, person)| Assignment { person: token(person), role: token(role) })
                .into(),
            checklist: self.frozen(checklist),
            checks,
            environment: label("prod"),
            policy: Policy {
                coverage: "90".parse().unwrap(),
                machine_rollback: true,
                standby_minutes: 60,
                verification_minutes: 60,
            },
            reason: Some(self.say("Faster search, and the fix for AE-1182.")),
            redeploy_of: None,
            rehearsal: false,
            release: label("v2.14.0"),
            risk: Some(Risk::Medium),
            services: vec![label("web")],
            ticket: Some(label("CHG-4711")),
            change_type: ChangeType::Normal,
        };
        change(&mut body);
        self.put("alice", "lead-deployer", &Event::DeploymentOpened(body));
    }

    pub fn commit(&self) -> Hash {
        self.deployment().checklist.text.commit
    }

    pub fn deployment(&self) -> &aether_audit::core::deployment::Deployment {
        &self.log.deployments[&token("d-1")]
    }

    pub fn sign(&mut self, who: &'static str, role: &str, item: &str, note: &str) -> Id {
        let note = Some(self.say(note));
        let body = ItemSigned {
            checklist: self.commit(),
            item: token(item),
            note,
            outcome: SignOutcome::Done,
            reason: None,
        };
        self.put(who, role, &Event::ItemSigned(body))
    }

    pub fn decide(&mut self, decision: Decision, reason: &str) -> Id {
        let body = DecisionMade { decision, gate: None, reason: self.say(reason), waives: None };
        self.put("alice", "lead-deployer", &Event::DecisionMade(body))
    }

    pub fn read(&mut self, phase: Phase, value: &str) -> Id {
        let window = Window { from: self.clock.plus_seconds(-60), to: self.clock, period: 60 };
        let reading = Reading {
            check: Some("http-5xx".into()),
            source: "cloudwatch".into(),
            phase: Some(phase),
            value: Some(value.parse().unwrap()),
            unit: Some("percent".into()),
            statistic: Some("Sum".into()),
            query: Some("100 * HTTPCode_Target_5XX_Count / RequestCount".into()),
            window: Some(window),
            points: vec![Point { at: self.clock.plus_seconds(-60), value: value.parse().unwrap() }],
            samples: Some(18_204),
            response: Some(self.say("{\"MetricDataResults\":[]}")),
            detail: (phase == Phase::Trigger).then(|| format!("max {value} breaches the rollback limit > 1")),
            ..Reading::default()
        };
        self.put("ci", "recorder", &Event::MetricRead(reading))
    }

    pub fn message(&mut self, text: &str) {
        let body = MessageSent {
            channel: label("#proj-aether-deploy"),
            delivery: Delivery::Sent,
            response: None,
            template: Some(token("status")),
            text: self.say(text),
        };
        self.put("bob", "comms-lead", &Event::MessageSent(body));
    }

    pub fn shift(&mut self, act: Act, to: Colour, percent: u8, intent: Option<Id>) -> Id {
        let body = TrafficShifted { act, detail: None, intent, percent, service: label("web"), to };
        self.put("ci", "recorder", &Event::TrafficShifted(body))
    }

    pub fn note(&mut self, text: impl AsRef<[u8]>) {
        let body = NoteAdded { about: None, text: self.say(text) };
        self.put("carol", "qa-engineer", &Event::NoteAdded(body));
    }

    /// Phase 1 signed and measured, the decision to go, and all traffic on Green.
    pub fn all_on_green(&mut self) {
        self.message("Deployment of v2.14.0 begins in two hours.");
        self.pass(600);
        self.read(Phase::Pass, "0.02");
        self.sign("alice", "lead-deployer", "env-audit", "compared with the manifest");
        self.signed_before = 1830;
        self.sign("carol", "qa-engineer", "tests-green", "run 8841, 1204 of 1204");
        self.signed_before = 0;
        let snapshot = SnapshotTaken {
            act: Act::Done,
            detail: None,
            intent: None,
            resource: label("aether-prod"),
            snapshot: Some(label("aether-prod-v2-14-0")),
        };
        self.put("ci", "recorder", &Event::SnapshotTaken(snapshot));
        self.pass(3600);
        self.decide(Decision::Go, "everything signed, nothing open");
        let stage = StageReached {
            act: Act::Done,
            detail: None,
            intent: None,
            run: Some(label("9914")),
            stage: label("deploy"),
        };
        self.put("ci", "recorder", &Event::StageReached(stage));
        let half = self.shift(Act::Intended, Colour::Green, 50, None);
        self.shift(Act::Done, Colour::Green, 50, Some(half));
        self.pass(120);
        let all = self.shift(Act::Intended, Colour::Green, 100, None);
        self.shift(Act::Done, Colour::Green, 100, Some(all));
    }

    pub fn close(&mut self) {
        let deployment = self.deployment();
        let body =
            DeploymentClosed { entries: deployment.entries + 1, outcome: deployment.outcome().unwrap() };
        self.put("alice", "lead-deployer", &Event::DeploymentClosed(body));
    }

    pub fn erase(&mut self, commit: Hash) {
        let reason = self.say("a token was pasted");
        let at = self.clock;
        let seq = self.entries.len() as u64;
        self.put("alice", "custodian", &Event::OpeningErased(OpeningErased { commit, reason }));
        let by = "alice (custodian)".into();
        self.openings.insert(commit, Opened::Erased { by, at, why: "a token was pasted".into(), seq });
    }

    pub fn with<T>(&self, run: impl FnOnce(&Input) -> T) -> T {
        let opening = |commit: &Hash| self.openings.get(commit).cloned().unwrap_or(Opened::Missing);
        run(&Input {
            log: &self.log,
            deployment: self.deployment(),
            entries: &self.entries,
            opening: &opening,
            integrity: &self.integrity,
        })
    }
}

/// The HTTP 5xx rate with the team's limits.
pub fn errors() -> CheckSpec {
    CheckSpec {
        id: "http-5xx".into(),
        source: SourceKind::Cloudwatch,
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
    }
}

/// All-clear after an hour of verification, and closed.
pub fn completed() -> World {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.all_on_green();
    for minute in 0..62 {
        let value = format!("0.0{}", minute % 7 + 1);
        world.read(Phase::Pass, &value);
        world.pass(53);
    }
    world.sign("carol", "qa-engineer", "smoke", "login, search, checkout");
    world.note("Latency looked odd at first;\nit was the cold cache.");
    world.message("ALL CLEAR: v2.14.0 is live and verified.");
    world.decide(Decision::AllClear, "an hour of verification, every check passed");
    world.close();
    world
}

/// Triggered by the 5xx rate, rolled back, and closed.
pub fn rolled_back() -> World {
    let mut world = World::new();
    world.open(CHECKLIST);
    let waived = DecisionMade {
        decision: Decision::Override,
        gate: Some(Gate::Go),
        reason: world.say("the vendor's audit is late; agreed with the product owner"),
        waives: Some(label("item/env-audit")),
    };
    world.put("alice", "lead-deployer", &Event::DecisionMade(waived));
    world.all_on_green();
    for value in ["0.03", "0.05", "0.08"] {
        world.read(Phase::Pass, value);
        world.pass(53);
    }
    world.read(Phase::Warn, "0.4");
    let evidence = world.read(Phase::Trigger, "3.2");
    let trigger = RollbackTriggered {
        check: Some(token("http-5xx")),
        evidence: Some(evidence),
        reason: None,
        trigger: Trigger::ErrorRate,
    };
    world.put("ci", "recorder", &Event::RollbackTriggered(trigger));
    world.pass(40);
    let reason = world.say("5xx above 3 %, checkout is down");
    world.put("alice", "lead-deployer", &Event::RollbackStarted(RollbackStarted { reason }));
    for step in [StepName::Announce, StepName::RevertTraffic, StepName::VerifyPrevious, StepName::Notify] {
        let body = |act, intent| RollbackStep { act, detail: None, intent, service: None, step };
        let intent = world.put("alice", "lead-deployer", &Event::RollbackStep(body(Act::Intended, None)));
        world.pass(25);
        if step == StepName::RevertTraffic {
            world.shift(Act::Done, Colour::Blue, 100, None);
        }
        if step == StepName::Announce {
            world.message("ROLLBACK INITIATED: v2.14.0");
        }
        world.put("alice", "lead-deployer", &Event::RollbackStep(body(Act::Done, Some(intent))));
    }
    let end = RollbackFinished { detail: None, outcome: RollbackOutcome::Complete };
    world.put("alice", "lead-deployer", &Event::RollbackFinished(end));
    world.close();
    world
}
