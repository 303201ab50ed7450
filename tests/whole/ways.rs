//! Both ways, from the day before to the auditor.

use crate::catcher::Catcher;
use crate::child::said_by;
use crate::nowhere::{not_in, nowhere};
use crate::systems::{WEBHOOK, environment};
use crate::walk::Walk;
use crate::world::World;

/// In the parent what the channel was told, after all was done in a child whose environment holds every secret.
fn parent(name: &str) -> Option<Vec<String>> {
    let slack = Catcher::saying("200 OK", "ok");
    let webhook = slack.url(WEBHOOK);
    let mut all = environment();
    all.push(("AETHER_AUDIT_SLACK_WEBHOOK", &webhook));
    let said = said_by(name, &all)?;
    not_in(&said);
    let texts = slack.texts();
    not_in(&texts.join("\n"));
    Some(texts)
}

fn told(texts: &[String]) -> Vec<&str> {
    texts.iter().filter_map(|text| text.split(':').next()).collect()
}

#[test]
fn a_spike_leads_back_to_blue() {
    if let Some(texts) = parent("ways::a_spike_leads_back_to_blue") {
        return assert_eq!(
            told(&texts),
            [
                "DEPLOYMENT SCHEDULED",
                "DEPLOYMENT STARTED",
                "TRAFFIC ON GREEN",
                "ROLLBACK INITIATED",
                "ROLLBACK COMPLETE",
                "INCIDENT REVIEW"
            ]
        );
    }
    let walk = Walk::start(Some(25));
    walk.to_green();
    let ran = walk.ends(3, &["watch", "--auto-rollback", "--as", "alice"]);
    assert!(ran.contains("http-5xx fires"), "{ran}");
    assert_eq!(World::weights_in(&walk.systems.zone), (100, 0));
    let steps = walk.story("rollback-step", &["act", "step"]);
    let expected: Vec<String> =
        ["announce", "revert-traffic", "verify-previous", "notify", "schedule-review"]
            .iter()
            .flat_map(|step| [format!("intended {step}"), format!("done {step}")])
            .collect();
    assert_eq!(steps, expected);
    assert_eq!(walk.story("rollback-triggered", &["check", "trigger"]), ["http-5xx error-rate"]);
    assert_eq!(walk.story("rollback-finished", &["outcome"]), ["complete"]);
    walk.next_is("close --as alice");
    walk.ends(0, &["close", "--as", "alice"]);
    let report = walk.proven();
    for part in [
        "Blue answered",
        "each second while traffic moved: pass: ",
        "answered, 0 failed",
        "100 % of app to Blue",
    ] {
        assert!(report.contains(part), "{part} is not in the report:\n{report}");
    }
    nowhere(&walk);
}

#[test]
fn a_quiet_hour_leads_to_the_all_clear() {
    if let Some(texts) = parent("ways::a_quiet_hour_leads_to_the_all_clear") {
        let expected =
            ["DEPLOYMENT SCHEDULED", "DEPLOYMENT STARTED", "TRAFFIC ON GREEN", "STATUS", "ALL CLEAR"];
        return assert_eq!(told(&texts), expected);
    }
    let walk = Walk::start(None);
    walk.to_green();
    let ran = walk.ends(0, &["watch", "--as", "carol"]);
    assert!(ran.contains("PROVEN: 60 minutes measured"), "{ran}");
    walk.ends(0, &["say", "status", "--as", "bob"]);
    walk.sign();
    walk.next_is("decide all-clear");
    walk.ends(1, &["standby", "--retire", "--yes", "--as", "alice"]);
    walk.ends(0, &["decide", "all-clear", "--reason", "an hour within every limit", "--as", "alice"]);
    walk.ends(0, &["say", "all-clear", "--as", "bob"]);
    walk.next_is("standby --retire");
    walk.ends(0, &["standby", "--retire", "--yes", "--as", "alice"]);
    walk.sign();
    walk.next_is("close --as alice");
    for item in ["all-clear-message", "blue-standby", "retrospective"] {
        let who = if item == "blue-standby" { "alice" } else { "bob" };
        walk.ends(0, &["sign", item, "--as", who]);
    }
    let open: Vec<String> = walk.status()["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["state"] != "done")
        .map(|item| item["id"].to_string())
        .collect();
    assert_eq!(open, [""; 0]);
    walk.ends(0, &["close", "--as", "alice"]);
    let report = walk.proven();
    for part in ["each second while traffic moved: pass: ", "answered, 0 failed", "retired"] {
        assert!(report.contains(part), "{part} is not in the report:\n{report}");
    }
    nowhere(&walk);
}
