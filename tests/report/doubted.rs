//! What the verifier found not to be rightly signed: shown for what it is, and nothing is done by it.

use aether_audit::core::checklist::parse;
use aether_audit::core::event::Decision;
use aether_audit::report::model::ItemStatus;

use crate::rendered;
use crate::world::{CHECKLIST, World};

fn find(world: &mut World, seq: u64, code: &str) {
    world.integrity.findings.push((Some(seq), code.into(), format!("entry {seq} is not what it says")));
}

fn last(world: &World) -> u64 {
    world.entries.last().unwrap().line.seq
}

#[test]
fn a_sign_off_that_nobody_rightly_signed_ticks_nothing() {
    for code in ["signature", "key-unknown", "key-suspect", "not-authorised", "id-repeated"] {
        let mut world = World::new();
        world.open(CHECKLIST);
        world.sign("carol", "qa-engineer", "tests-green", "all of them");
        let seq = last(&world);
        let before = rendered(&world);
        assert!(parse(&before.checklist).unwrap().item("tests-green").unwrap().ticked);
        assert!(!before.json.contains("notVerified"));

        find(&mut world, seq, code);
        let r = rendered(&world);
        assert!(!parse(&r.checklist).unwrap().item("tests-green").unwrap().ticked, "{code}");
        assert!(r.checklist.contains("**NOT VERIFIED: it does not count"), "{code}: {}", r.checklist);
        let item = r.data.items.iter().find(|item| item.id == "tests-green").unwrap();
        assert_eq!((item.status, item.signed.len()), (ItemStatus::Open, 0), "{code}");
        assert!(
            r.data.approvals.iter().any(|approval| approval.entry.seq == seq && approval.entry.not_verified)
        );
        assert!(
            r.markdown.contains("**NOT VERIFIED:** ") && r.html.contains("not verified</span>"),
            "{code}"
        );
        assert!(
            r.data
                .timeline
                .iter()
                .any(|moment| moment.seq == seq && moment.text.starts_with("NOT VERIFIED: "))
        );
    }
}

#[test]
fn a_decision_that_nobody_rightly_made_decides_nothing() {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.decide(Decision::Go, "all signed");
    let seq = last(&world);
    assert_eq!(rendered(&world).data.summary.stage, "deploying");
    find(&mut world, seq, "signature");
    let r = rendered(&world);
    assert_eq!(r.data.summary.stage, "preparing", "it goes by what was rightly decided");
    assert!(r.markdown.contains("**NOT VERIFIED:** **go**"), "{}", r.markdown);

    let mut world = crate::world::completed();
    let seq = last(&world);
    find(&mut world, seq, "signature");
    assert!(rendered(&world).data.interim, "a closing that nobody signed closes nothing");
}

#[test]
fn a_finding_about_a_text_unticks_nothing() {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.sign("carol", "qa-engineer", "tests-green", "all of them");
    let seq = last(&world);
    find(&mut world, seq, "opening-missing");
    let r = rendered(&world);
    assert!(parse(&r.checklist).unwrap().item("tests-green").unwrap().ticked);
}
