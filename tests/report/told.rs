//! What the report says of deployments that ended in different ways.

use aether_audit::core::check::Phase;
use aether_audit::core::event::*;
use aether_audit::core::hash::Hash;
use aether_audit::core::name::Id;
use aether_audit::report::model::{Level, Text};

use crate::rendered;
use crate::world::{CHECKLIST, World, completed, label, rolled_back, token};

fn codes(world: &World) -> Vec<(Level, String)> {
    rendered(world).data.attention.into_iter().map(|a| (a.level, a.code)).collect()
}

#[test]
fn completed_is_told() {
    let world = completed();
    assert_eq!(world.faults, Vec::<String>::new());
    let r = rendered(&world);
    let data = &r.data;
    assert!(!data.interim && !data.rehearsal);
    assert_eq!(data.summary.outcome, Some(Outcome::Completed));
    assert_eq!((data.summary.items_complete, data.summary.items), (8, 8));
    assert_eq!(data.rollbacks, []);
    assert!(data.separation.kept);
    assert_eq!(data.timeline.len() as u64, world.deployment().entries);
    assert!(data.timeline.is_sorted_by(|a, b| a.seq < b.seq));
    let go = data.approvals.iter().find(|a| a.entry.seq == 7).unwrap();
    assert_eq!(go.entry.since_cutover_seconds, Some(-21));
    assert_eq!(go.entry.relative(), "T−00:00:21");
    let tests = data.approvals.iter().find(|a| a.entry.seq == 5).unwrap();
    assert_eq!(tests.entry.delay_seconds, Some(1830));
    let window = data.window.as_ref().unwrap();
    assert_eq!((window.coverage[0].minutes, window.coverage[0].of), (60, 60));
    assert_eq!(data.checks[0].counts.pass, 63);
    assert!(data.checks[0].readings.iter().all(|reading| !reading.attested && !reading.points.is_empty()));
    for (name, page) in r.pages() {
        assert!(!page.contains("INTERIM") && !page.contains("REHEARSAL"), "{name}");
        assert!(page.contains(&world.integrity.root.to_string()), "{name}");
    }
    assert!(r.markdown.contains("```text\nLatency looked odd at first;\nit was the cold cache.\n```"));
    assert!(r.html.contains("<pre>\nLatency looked odd at first;\nit was the cold cache.</pre>"));
    assert!(r.html.contains("<path class=\"line\""));
}

#[test]
fn rolled_back_is_told() {
    let world = rolled_back();
    assert_eq!(world.faults, Vec::<String>::new());
    let r = rendered(&world);
    let [rollback] = &r.data.rollbacks[..] else { panic!("one rollback") };
    assert_eq!(r.data.summary.outcome, Some(Outcome::RolledBack));
    assert_eq!(rollback.triggers[0].value.as_deref(), Some("3.2 percent"));
    assert_eq!(rollback.triggers[0].evidence, Some(18));
    assert_eq!(rollback.started.as_ref().unwrap().signers(), "alice (lead-deployer)");
    assert_eq!(rollback.trigger_to_finish_seconds, Some(224));
    assert_eq!(rollback.start_to_finish_seconds, Some(177));
    assert_eq!(rollback.steps_missing, [StepName::ScheduleReview]);
    assert_eq!(rollback.steps[1].took_seconds, Some(39));
    for (name, page) in [("markdown", &r.markdown), ("html", &r.html)] {
        assert!(page.contains("3 min 44 s"), "{name}");
        let attention = page.find("What needs attention").unwrap();
        assert!(attention < page.find("OVERRIDE by alice").unwrap(), "{name}");
        assert!(
            page.find("OVERRIDE by alice").unwrap() < page.find("What was deployed\n").unwrap_or(usize::MAX),
            "{name}"
        );
    }
    let codes: Vec<String> = r.data.attention.iter().map(|a| a.code.clone()).collect();
    for code in ["override", "check-trigger", "rollback-steps", "key-custody", "root-alone", "not-anchored"] {
        assert!(codes.iter().any(|c| c == code), "{code}");
    }
    assert!(r.data.attention.is_sorted_by_key(|a| a.level));
}

#[test]
fn before_the_closing_it_is_interim() {
    let mut world = World::new();
    world.open(CHECKLIST);
    let r = rendered(&world);
    assert!(r.data.interim && r.data.summary.outcome.is_none() && r.data.summary.cutover.is_none());
    for (name, page) in r.pages() {
        assert!(page.contains("INTERIM"), "{name}");
    }
    assert!(codes(&world).contains(&(Level::Warning, "check-unmeasured".into())));
    world.all_on_green();
    assert!(rendered(&world).html.contains("INTERIM"));
}

#[test]
fn a_rehearsal_says_so_everywhere() {
    let mut world = World::new();
    world.open_with(CHECKLIST, Vec::new(), |body| body.rehearsal = true);
    let r = rendered(&world);
    for (name, page) in r.pages() {
        assert!(page.contains("REHEARSAL"), "{name}");
    }
    assert!(r.json.contains("\"rehearsal\": true"));
}

#[test]
fn aborted_without_checks() {
    let mut world = World::new();
    world.open_with("nothing to tick\n", Vec::new(), |body| {
        body.ticket = None;
        body.risk = None;
        body.reason = None;
        body.services = Vec::new();
    });
    world.decide(Decision::Abort, "the release was withdrawn");
    world.close();
    let r = rendered(&world);
    assert_eq!(r.data.summary.outcome, Some(Outcome::Aborted));
    assert_eq!((r.data.items.len(), r.data.checks.len()), (0, 0));
    assert!(r.data.summary.sentence.starts_with("The deployment of v2.14.0 was aborted"));
    assert!(r.checklist.starts_with("nothing to tick\n"));
}

#[test]
fn an_unanswered_trigger_is_critical() {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.all_on_green();
    let reason = Some(world.say("nothing answers"));
    let body = RollbackTriggered { check: None, evidence: None, reason, trigger: Trigger::Unresponsive };
    world.put("carol", "qa-engineer", &Event::RollbackTriggered(body));
    assert!(codes(&world).contains(&(Level::Critical, "trigger-unanswered".into())));
    let data = rendered(&world).data;
    assert!(data.rollbacks[0].started.is_none() && data.rollbacks[0].finished.is_none());
}

#[test]
fn acts_without_an_end_and_out_of_process_are_told() {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.shift(Act::Intended, Colour::Green, 10, None);
    world.shift(Act::Observed, Colour::Green, 100, None);
    let codes = codes(&world);
    assert!(codes.contains(&(Level::Warning, "act-unresolved".into())));
    assert!(codes.contains(&(Level::Warning, "shift-before-go".into())));
    let r = rendered(&world);
    assert_eq!(r.data.summary.out_of_process, 2);
    assert!(r.html.contains("moved to Green without a go in force"));
    assert!(r.data.timeline.iter().any(|moment| !moment.issues.is_empty()));
}

#[test]
fn traffic_that_is_not_where_the_outcome_lets_one_think_is_told() {
    let elsewhere = |world: &World| -> Vec<(Level, String)> {
        let all = rendered(world).data.attention.into_iter();
        all.filter(|a| a.code == "traffic-elsewhere").map(|a| (a.level, a.text)).collect()
    };
    let mut aborted = World::new();
    aborted.open(CHECKLIST);
    aborted.all_on_green();
    aborted.decide(Decision::Abort, "the release was withdrawn");
    let still = "100 % of the traffic of web is still on Green".to_owned();
    assert_eq!(elsewhere(&aborted), [(Level::Warning, still)]);
    aborted.shift(Act::Observed, Colour::Blue, 100, None);
    assert_eq!(elsewhere(&aborted), []);
    let mut completed = completed();
    assert_eq!(elsewhere(&completed), []);
    completed.shift(Act::Observed, Colour::Blue, 40, None);
    let though = "the traffic of web is at 60 % Green, though an all-clear was given".to_owned();
    assert_eq!(elsewhere(&completed), [(Level::Critical, though)]);
}

/// `open` refuses such a checklist; an entry that another program made may bring one.
#[test]
fn a_checklist_that_imitates_its_record_is_critical() {
    let mut world = World::new();
    world.open(&format!("{CHECKLIST}\nSigned by alice (lead-deployer), entry 4\n"));
    let r = rendered(&world);
    let line = CHECKLIST.lines().count() + 2;
    let told = r.data.attention.iter().find(|a| a.code == "checklist-imitates").unwrap();
    assert_eq!(told.level, Level::Critical);
    assert!(told.text.contains(&format!("(line {line})")), "{}", told.text);
    world = World::new();
    world.open(CHECKLIST);
    assert!(codes(&world).iter().all(|(_, code)| code != "checklist-imitates"));
}

#[test]
fn findings_come_first() {
    let mut world = completed();
    world.integrity.findings =
        vec![(Some(3), "leaf".into(), "entry 3 is not the one that entry 4 follows".into())];
    world.integrity.verdict = "1 finding.".into();
    let data = rendered(&world).data;
    assert_eq!((data.attention[0].level, data.attention[0].code.as_str()), (Level::Critical, "leaf"));
    assert_eq!(data.integrity.findings[0].seq, Some(3));
}

#[test]
fn a_roster_change_on_the_way_is_told() {
    let mut world = World::new();
    world.open(CHECKLIST);
    let mut next = world.log.roster().unwrap().roster.successor();
    next.separate.clear();
    let reason = Some(world.say("a small team on holiday"));
    let body = RosterChanged { names: [].into(), reason, roster: next.clone() };
    world.govern(&Event::RosterChanged(body), &next);
    assert_eq!(world.faults, Vec::<String>::new());
    let data = rendered(&world).data;
    assert_eq!(data.control.changes[0].text, "the separation of duties changed");
    assert!(data.attention.iter().any(|a| a.code == "roster-changed"));
    assert!(data.timeline.iter().any(|m| m.text == "roster changed to version 2"));
}

#[test]
fn erased_and_missing_are_said() {
    let mut world = completed();
    let note = world.deployment().notes[0].body.text.commit;
    let message = world.deployment().messages[0].body.text.commit;
    let response = world.deployment().evidence[0].body.response.as_ref().unwrap().commit;
    world.erase(note);
    world.erase(response);
    world.openings.remove(&message);
    let r = rendered(&world);
    assert!(matches!(r.data.notes[0].text, Text::Erased { .. }));
    assert_eq!(r.data.communications[0].text, Text::Missing { commit: message });
    assert!(r.data.checks[0].readings[0].response.as_ref().unwrap().erased.is_some());
    for page in [&r.markdown, &r.html, &r.json] {
        assert!(page.contains("erased on") || page.contains("\"state\": \"erased\""));
        assert!(page.contains("a token was pasted") && !page.contains("cold cache"));
    }
    assert!(r.html.contains("missing: no event erased the opening"));
}

#[test]
fn bytes_that_are_no_text_are_counted() {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.note([0xff, 0xfe, 0x00]);
    let r = rendered(&world);
    assert!(matches!(r.data.notes[0].text, Text::Binary { bytes: 3, .. }));
    assert!(r.html.contains("3 bytes that are no text"));
}

#[test]
fn what_has_no_effect_is_still_on_the_timeline() {
    let mut world = World::new();
    world.open(CHECKLIST);
    let reason = world.say("wrong one");
    let body = ItemWithdrawn { item: token("smoke"), reason, statement: Id::new("f".repeat(32)).unwrap() };
    world.put("carol", "qa-engineer", &Event::ItemWithdrawn(body));
    let data = rendered(&world).data;
    assert_eq!(data.timeline.len() as u64, world.deployment().entries);
    assert_eq!(data.timeline[1].kind, "item-withdrawn");
}

#[test]
fn thousands_of_readings_are_folded() {
    let mut world = World::new();
    world.open(CHECKLIST);
    for index in 0..3000 {
        world.read(if index % 500 == 3 { Phase::Warn } else { Phase::Pass }, "0.04");
    }
    let r = rendered(&world);
    assert_eq!(r.data.checks[0].readings.len(), 3000);
    assert_eq!(r.data.timeline.len(), 3001);
    assert!(r.html.contains("readings in a row, each a pass"));
    assert!(r.data.integrity.last_leaf != Hash::ZERO && r.data.identity.release == label("v2.14.0"));
}

#[test]
fn a_window_that_no_limit_watched_is_told() {
    let mut world = World::new();
    let check = aether_audit::core::check::CheckSpec { watch: false, ..crate::world::errors() };
    world.open_with(CHECKLIST, vec![check], |_| {});
    assert!(codes(&world).contains(&(Level::Warning, "unwatched".into())));
}

/// An end belongs to the newest beginning before it that has none yet.
#[test]
fn each_rollback_has_its_own_end() {
    let mut world = World::new();
    world.open(CHECKLIST);
    let end = |world: &mut World, outcome| {
        let body = RollbackFinished { detail: None, outcome };
        world.put("alice", "lead-deployer", &Event::RollbackFinished(body));
    };
    let begin = |world: &mut World, reason: &str| {
        let reason = world.say(reason);
        world.put("alice", "lead-deployer", &Event::RollbackStarted(RollbackStarted { reason }));
    };
    end(&mut world, RollbackOutcome::Failed); // entry 2: of none
    begin(&mut world, "the first"); // 3
    begin(&mut world, "pressed twice"); // 4
    end(&mut world, RollbackOutcome::Complete); // 5
    begin(&mut world, "once more"); // 6
    end(&mut world, RollbackOutcome::Partial); // 7
    let data = rendered(&world).data;
    let pairs: Vec<_> = data
        .rollbacks
        .iter()
        .map(|r| (r.started.as_ref().unwrap().seq, r.finished.as_ref().map(|end| end.seq), r.outcome))
        .collect();
    let first = data.rollbacks[0].started.as_ref().unwrap().seq;
    let of = |n: u64, end: Option<u64>, outcome| (first + n, end.map(|end| first + end), outcome);
    assert_eq!(
        pairs,
        [
            of(0, None, None),
            of(1, Some(2), Some(RollbackOutcome::Complete)),
            of(3, Some(4), Some(RollbackOutcome::Partial)),
        ]
    );
    assert!(codes(&world).contains(&(Level::Warning, "rollback-open".into())));
}
