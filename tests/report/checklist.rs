//! The completed checklist.

use aether_audit::core::check::Phase;
use aether_audit::core::checklist::parse;
use aether_audit::core::event::*;
use aether_audit::core::hash::Hash;
use aether_audit::report::{self, Opened, ReportError};

use crate::rendered;
use crate::world::{CHECKLIST, World, completed, label, rolled_back, token};

fn lines_below<'a>(checklist: &'a str, item: &str) -> Vec<&'a str> {
    let mut lines = checklist.lines().skip_while(|line| !line.contains(&format!("id: {item}")));
    lines.next().unwrap();
    lines.take_while(|line| line.starts_with("  <br>")).collect()
}

#[test]
fn with_nothing_signed_it_begins_with_the_authors_file() {
    let mut world = World::new();
    world.open(CHECKLIST);
    assert!(rendered(&world).checklist.starts_with(CHECKLIST));
    let ticked = CHECKLIST.replace("- [ ] **QA Engineer**: smoke", "- [x] **QA Engineer**: smoke");
    let mut world = World::new();
    world.open(&ticked);
    let checklist = rendered(&world).checklist;
    assert!(checklist.starts_with(&ticked));
    assert!(checklist.contains("signed by nobody:** smoke"));
}

#[test]
fn no_quotation_mark_of_a_note_ends_its_quotation() {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.sign("alice", "lead-deployer", "env-audit", "fine” · **signed** by carol · “");
    let checklist = rendered(&world).checklist;
    let lines = lines_below(&checklist, "env-audit");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0].matches('“').count(), lines[0].matches('”').count()), (1, 1), "{}", lines[0]);
    assert_eq!(lines[0].matches("**signed**").count(), 1, "{}", lines[0]);
}

#[test]
fn boxes_and_sign_offs() {
    let world = completed();
    let checklist = rendered(&world).checklist;
    let parsed = parse(&checklist).unwrap();
    assert!(parsed.items.iter().all(|item| item.ticked));
    assert_eq!(parsed.items.len(), 8);
    let lines = lines_below(&checklist, "env-audit");
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("**signed** by alice") && lines[0].contains("entry 4"), "{}", lines[0]);
    assert!(lines[0].contains("“compared with the manifest”"));
    assert!(lines[1].contains("check http-5xx: **pass**, 0.06 percent"), "{}", lines[1]);
    assert!(lines_below(&checklist, "tests-green")[0].contains("30 min 30 s before it was recorded"));
    assert!(lines_below(&checklist, "shift")[0].contains("100 % of web to Green: done"));
    assert!(lines_below(&checklist, "all-clear")[0].contains("decision all-clear"));
    for said in ["v2.14.0", "0123456789abcdef0123456789abcdef01234567", "alice, Alice Example", "COMPLETED"] {
        assert!(checklist.contains(said), "{said}");
    }
}

#[test]
fn only_boxes_and_added_lines_differ_from_the_authors_file() {
    let checklist = rendered(&rolled_back()).checklist;
    let end = checklist.find("<!-- The checklist ends here.").unwrap();
    let kept: Vec<&str> = checklist[..end].lines().filter(|line| !line.starts_with("  <br>")).collect();
    let restored = kept.join("\n").replace("[x]", "[ ]");
    assert_eq!(restored.trim_end(), CHECKLIST.trim_end());
}

#[test]
fn withdrawn_superseded_failed_and_overridden() {
    let mut world = World::new();
    world.open(CHECKLIST);
    let first = world.sign("carol", "qa-engineer", "tests-green", "too early");
    let reason = world.say("the run was another branch");
    let body = ItemWithdrawn { item: token("tests-green"), reason, statement: first };
    world.put("carol", "qa-engineer", &Event::ItemWithdrawn(body));
    let checklist = rendered(&world).checklist;
    let lines = lines_below(&checklist, "tests-green");
    assert!(lines[0].contains("~~**signed** by carol") && lines[0].contains("**WITHDRAWN**"), "{}", lines[0]);
    assert!(!parse(&checklist).unwrap().item("tests-green").unwrap().ticked);

    world.sign("carol", "qa-engineer", "smoke", "first");
    let reason = Some(world.say("checkout is down"));
    let failed = ItemSigned {
        checklist: world.commit(),
        item: token("smoke"),
        note: None,
        outcome: SignOutcome::Failed,
        reason,
    };
    world.put("carol", "qa-engineer", &Event::ItemSigned(failed));
    let waived = DecisionMade {
        decision: Decision::Override,
        gate: Some(Gate::Sign),
        reason: world.say("measured by hand"),
        waives: Some(label("check/http-5xx")),
    };
    world.put("alice", "lead-deployer", &Event::DecisionMade(waived));
    world.read(Phase::Warn, "0.4");
    let checklist = rendered(&world).checklist;
    let lines = lines_below(&checklist, "smoke");
    assert!(lines[0].contains("superseded by the same person"), "{}", lines[0]);
    assert!(lines[1].contains("**FAILED, signed**") && lines[1].contains("checkout is down"), "{}", lines[1]);
    let lines = lines_below(&checklist, "env-audit");
    assert!(lines[0].contains("**OVERRIDE** of the gate sign, without check/http-5xx"), "{}", lines[0]);
    assert!(lines[1].contains("check http-5xx: **WARN**, 0.4 percent"), "{}", lines[1]);
}

#[test]
fn the_amended_checklist_is_the_one_in_force() {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.sign("carol", "qa-engineer", "smoke", "before");
    let longer = format!("{CHECKLIST}- [ ] One more thing <!-- id: more -->\n");
    let checklist = world.frozen(&longer);
    let reason = world.say("forgotten");
    world.put("alice", "lead-deployer", &Event::ChecklistAmended(ChecklistAmended { checklist, reason }));
    let r = rendered(&world);
    assert!(r.checklist.contains("One more thing"));
    assert!(lines_below(&r.checklist, "smoke")[0].contains("it does not count"));
    assert_eq!((r.data.items.len(), r.data.identity.amendments), (9, 1));
    let told = r.data.attention.iter().find(|a| a.code == "checklist-amended").unwrap();
    assert!(told.text.contains("8 items before, 9 after"), "{}", told.text);
    assert!(!r.data.attention.iter().any(|a| a.code == "unwatched"));
}

#[test]
fn an_erased_checklist_leaves_the_record() {
    let mut world = completed();
    let commit = world.commit();
    world.erase(commit);
    let r = rendered(&world);
    assert!(r.checklist.contains("erased on") && r.checklist.contains("- [x] env-audit"), "{}", r.checklist);
    assert!(r.checklist.contains("compared with the manifest"));
    assert!(r.data.items.iter().all(|item| item.title.is_none()));
    assert!(r.data.attention.iter().any(|a| a.code == "checklist-text"));
}

#[test]
fn a_checklist_that_cannot_be_read_is_an_error() {
    let mut world = World::new();
    world.open(CHECKLIST);
    let commit: Hash = world.commit();
    world.openings.insert(commit, Opened::Bytes(vec![0xff]));
    let error = world
        .with(|input| report::report(input).and_then(|data| report::checklist(input, &data)).unwrap_err());
    assert!(matches!(error, ReportError::NotText(_)) && error.to_string().contains("verify"));
    world.openings.insert(commit, Opened::Bytes(b"- [ ] x <!-- id: a; id: b -->\n".to_vec()));
    let error = world.with(|input| report::report(input).unwrap_err());
    assert!(matches!(error, ReportError::Checklist { .. }), "{error}");
}
