//! What a second look would have told: old evidence, a report that was overtaken, boxes that are none, waivers, names.

use std::fs;

use serde_json::Value;

use crate::folder::{Folder, Ran, opening};

const CHECK: &str = "\n[[check]]\nid = \"rate\"\nsource = \"file\"\npath = \"rate.json\"\nobjective = \"< 1\"\nrollback = \"> 2\"\nwindow-minutes = 5\n";

fn json(folder: &Folder, words: &[&str]) -> Value {
    serde_json::from_str(&folder.ok(&[words, &["-o", "json"]].concat())).unwrap()
}

/// With a check that was well until ten minutes ago and is not since, and an item bound to it.
fn worse() -> Folder {
    let folder = Folder::enrolled();
    let text = fs::read_to_string(folder.at("aether.toml")).unwrap();
    fs::write(folder.at("aether.toml"), text + CHECK).unwrap();
    let list = "## Before <!-- phase: before -->\n- [ ] well <!-- id: well; check: rate -->\n";
    fs::write(folder.at("templates/Deployment_Checklist.md"), list).unwrap();
    let now = chrono::Utc::now();
    let points: Vec<Value> = (0..40)
        .map(|ago| {
            let at = (now - chrono::Duration::minutes(ago)).format("%Y-%m-%dT%H:%M:00.000Z").to_string();
            serde_json::json!([at, if ago < 10 { "5" } else { "0.1" }])
        })
        .collect();
    fs::write(folder.at("rate.json"), serde_json::json!({"series": {"rate": points}}).to_string()).unwrap();
    folder.ok(&opening("v1"));
    folder
}

#[test]
fn evidence_of_before_does_not_answer_what_came_after_it() {
    let folder = worse();
    assert_eq!(folder.run(&["collect", "rate", "--as", "carol"]).status, Some(3));
    folder.fails(1, &["sign", "well", "--as", "carol"], "rate");
    folder.ok(&["decide", "no-go", "--reason", "bad", "--as", "alice"]);
    let past =
        (chrono::Utc::now() - chrono::Duration::minutes(15)).format("%Y-%m-%dT%H:%M:00.000Z").to_string();
    folder.ok(&["collect", "rate", "--until", &past, "--as", "carol"]);
    folder.fails(1, &["sign", "well", "--as", "carol"], "rate");
    folder
        .run(&["decide", "go", "--reason", "go", "--as", "alice"])
        .failed(1, "rate has not been collected again");
    let status = json(&folder, &["status"]);
    assert_eq!(
        status["checks"].as_array().unwrap().iter().find(|c| c["id"] == "rate").unwrap()["phase"],
        "trigger"
    );
    folder.ok(&["report", "--as", "alice"]);
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.at("records/v1/report.json")).unwrap()).unwrap();
    let check = report["checks"].as_array().unwrap().iter().find(|c| c["id"] == "rate").unwrap().clone();
    assert_eq!(check["last"], "trigger", "{check}");
}

#[test]
fn a_rollback_for_a_check_has_the_criterion_of_the_check() {
    let folder = worse();
    assert_eq!(folder.run(&["collect", "rate", "--as", "carol"]).status, Some(3));
    folder.ok(&["rollback", "--check", "rate", "--reason", "5 %", "--as", "alice"]);
    let log = json(&folder, &["log"]);
    let triggered =
        log.as_array().unwrap().iter().find(|e| e["kind"] == "rollback-triggered").unwrap().clone();
    assert_eq!(triggered["body"]["trigger"], "limit", "{triggered}");
    let read = log.as_array().unwrap().iter().find(|e| e["kind"] == "metric-read").unwrap();
    assert_eq!(triggered["body"]["evidence"], read["id"], "the reading that says so");
}

#[test]
fn a_rendering_beside_a_signed_report_says_what_that_means() {
    let folder = Folder::opened();
    folder.ok(&["abort", "--reason", "x", "--as", "alice"]);
    folder.ok(&["close", "--as", "alice"]);
    let first = folder.run(&["render"]);
    assert!(!first.err.contains("signed report"), "{}", first.err);
    folder.ok(&["report", "--as", "alice"]);
    let after = folder.run(&["render"]);
    assert_eq!(after.status, Some(0));
    assert!(
        after.err.contains("the signed report in ./records/v2.14.0 is of another rendering"),
        "{}",
        after.err
    );
    let roster = folder.roster_sha256();
    let found = folder.run(&["verify", "records/v2.14.0", "--roster-sha256", &roster]);
    assert!(found.out.contains("`aether-audit report` makes all of it anew"), "{}", found.out);
    folder.ok(&["report", "--as", "alice"]);
    assert_eq!(folder.run(&["verify", "records/v2.14.0", "--roster-sha256", &roster]).status, Some(4));
}

#[test]
fn lines_that_look_like_boxes_are_told() {
    let folder = Folder::enrolled();
    let list = "## Before <!-- phase: before -->\n- [ ] well\n- [] not a box\n-[ ] nor this\n";
    fs::write(folder.at("templates/Deployment_Checklist.md"), list).unwrap();
    let ran = folder.run(&opening("v1"));
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("(line 3, 4)"), "{}", ran.err);
    let doctor = folder.run(&["doctor"]);
    assert!(doctor.out.contains("look like task items"), "{}", doctor.out);
}

#[test]
fn waivers_are_seen_where_it_is_seen_how_it_stands() {
    let folder = Folder::opened();
    let missing = json(&folder, &["status"])["missing"].as_array().unwrap().clone();
    let names: Vec<&str> = missing.iter().map(|m| m["requirement"].as_str().unwrap()).collect();
    let waive = names.iter().flat_map(|name| ["--override", name]);
    let words: Vec<&str> =
        ["decide", "go", "--reason", "now", "--as", "alice"].into_iter().chain(waive).collect();
    folder.ok(&words);
    let status = json(&folder, &["status"]);
    assert_eq!(status["waived"].as_array().unwrap().len(), names.len());
    assert_eq!(status["waived"][0]["by"], "alice");
    let text = folder.ok(&["status"]);
    assert!(text.contains("! OVERRIDE by alice at go: ") && text.contains("more waived"), "{text}");
}

#[test]
fn what_comes_next_names_the_deployment_where_several_are_open() {
    let folder = Folder::opened();
    let next = |folder: &Folder| {
        json(folder, &["--deployment", "v2.14.0", "status"])["next"].as_str().unwrap().to_owned()
    };
    assert!(!next(&folder).contains("--deployment"), "{}", next(&folder));
    folder.ok(&opening("v3"));
    let told = next(&folder);
    let words: Vec<&str> = told.split(' ').skip(1).collect();
    assert_eq!(words[..2], ["--deployment", "v2.14.0"]);
    folder.ok(&words);
}

#[test]
fn a_deployment_that_is_named_for_all_commands_makes_no_export_of_it_alone() {
    let folder = Folder::opened();
    folder.ok(&opening("v3"));
    let with = |words: &[&str]| {
        Ran::of(folder.command(words).env("AETHER_AUDIT_DEPLOYMENT", "v3").output().unwrap())
    };
    assert_eq!(with(&["export", "all"]).status, Some(0));
    assert!(!folder.at("all/leaves.txt").exists());
    assert_eq!(with(&["export", "part", "--only-deployment"]).status, Some(0));
    assert!(folder.at("part/leaves.txt").exists());
    folder.ok(&["export", "named", "--deployment", "v3"]);
    assert!(folder.at("named/leaves.txt").exists());
}

#[test]
fn a_second_log_of_one_name_is_not_begun_with_the_same_keys() {
    let folder = Folder::opened();
    let keys = folder.at("private");
    let other = Folder::empty();
    let words = ["init", "--origin", "example.com/audit/prod", "--as", "alice"];
    let ran = Ran::of(other.command(&words).env("AETHER_AUDIT_KEYS", &keys).output().unwrap());
    ran.failed(2, "remembers a log that is called example.com/audit/prod already");
    assert!(!other.ledger().exists());
    let (first, second) = (Folder::empty(), Folder::empty());
    first.ok(&["init", "--origin", "example.com/new", "--as", "alice"]);
    let again = ["init", "--origin", "example.com/new", "--as", "alice"];
    let ran = Ran::of(second.command(&again).env("AETHER_AUDIT_KEYS", first.at("private")).output().unwrap());
    ran.failed(2, "remembers a log that is called example.com/new already");
}

#[test]
fn what_is_still_to_come_is_not_collected() {
    let folder = worse();
    let later =
        (chrono::Utc::now() + chrono::Duration::minutes(3)).format("%Y-%m-%dT%H:%M:00.000Z").to_string();
    folder.fails(2, &["collect", "rate", "--until", &later, "--as", "carol"], "--until is in the future");
}

#[test]
fn a_key_that_was_stolen_is_revoked_by_the_one_that_followed_it_and_what_came_of_it_is_warned_of() {
    let folder = Folder::opened();
    let old = json(&folder, &["key", "list"])["keyids"].clone();
    let ids = old.as_object().unwrap();
    let stolen = ids.iter().find(|(_, of)| of["person"] == "carol").unwrap().0.clone();
    folder.ok(&["note", "signed by a thief", "--as", "carol"]);
    folder.ok(&["key", "rotate", "--as", "carol"]);
    let revoke =
        ["key", "revoke", "carol", "--key", &stolen, "--compromised-from", "4", "--reason", "stolen"];
    let ran = folder.run(&[&revoke[..], &["--as", "carol"]].concat());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("revoke it too"), "{}", ran.err);
    let signed = folder.run(&["note", "and now", "--as", "carol"]);
    assert!(signed.err.contains("the key of carol is suspect from entry 4 on"), "{}", signed.err);
    let found = folder.run(&["verify", "--roster-sha256", &folder.roster_sha256(), "-o", "json"]);
    let found: Value = serde_json::from_str(&found.out).unwrap();
    let mut suspect: Vec<u64> =
        found["findings"].as_array().unwrap().iter().map(|f| f["seq"].as_u64().unwrap()).collect();
    suspect.dedup();
    assert_eq!(suspect, [4, 5, 7], "the revoking entry, 6, is excepted");
}

#[test]
fn a_rollback_for_a_check_names_it_beside_a_trigger_that_stands() {
    let folder = worse();
    folder.ok(&["record", "rollback-triggered", "--trigger", "manual", "--as", "alice"]);
    assert_eq!(folder.run(&["collect", "rate", "--as", "carol"]).status, Some(3));
    folder.ok(&["rollback", "--check", "rate", "--reason", "5 %", "--as", "alice"]);
    let log = json(&folder, &["log"]);
    let triggers = log.as_array().unwrap().iter().filter(|e| e["kind"] == "rollback-triggered");
    let checks: Vec<&Value> = triggers.map(|e| &e["body"]["check"]).collect();
    assert_eq!(checks, [&Value::Null, &Value::from("rate")]);
}

#[test]
fn a_check_that_drifted_is_told_before_anything_is_recorded() {
    let folder = worse();
    let text = fs::read_to_string(folder.at("aether.toml")).unwrap();
    let more = CHECK.replace("rate", "calm");
    fs::write(folder.at("aether.toml"), format!("{text}{more}")).unwrap();
    let before = folder.entries();
    folder.fails(2, &["collect", "rate", "calm", "--as", "carol"], "calm");
    assert_eq!(folder.entries(), before);
}

#[test]
fn another_origin_is_found_by_doctor() {
    let folder = Folder::opened();
    let text = fs::read_to_string(folder.at("aether.toml")).unwrap();
    fs::write(folder.at("aether.toml"), text.replace("example.com/audit/prod", "example.com/audit/dev"))
        .unwrap();
    let ran = folder.run(&["doctor"]);
    assert!(ran.out.contains("aether.toml is for the log example.com/audit/dev"), "{}", ran.out);
}

#[test]
fn a_dry_run_is_one_document_for_programs() {
    let folder = Folder::opened();
    for words in [
        vec!["sign", "env-audit", "dns-ttl", "--as", "alice"],
        vec!["rollback", "--reason", "x", "--as", "alice"],
        vec!["note", "x", "--as", "alice"],
    ] {
        let out = folder.ok(&[&words[..], &["--dry-run", "-o", "json"]].concat());
        let _: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"));
    }
    folder.ok(&["rollback", "--reason", "x", "--as", "alice"]);
    assert_eq!(json(&folder, &["rollback", "--reason", "x", "--as", "alice"]), serde_json::json!([]));
}

#[test]
fn a_rollback_that_is_said_to_be_complete_too_early_is_told() {
    let folder = Folder::opened();
    folder.ok(&["rollback", "--reason", "x", "--as", "alice"]);
    let words = ["record", "rollback-finished", "--outcome", "complete", "--as", "alice"];
    let ran = folder.run(&words);
    assert!(ran.err.contains("the step announce is not on record"), "{}", ran.err);
}

#[test]
fn a_page_that_is_older_than_the_checkpoint_says_that_and_nothing_else() {
    let folder = Folder::opened();
    folder.ok(&["report", "--as", "alice"]);
    folder.ok(&["note", "later", "--as", "alice"]);
    fs::write(folder.at("kept"), folder.ok(&["checkpoint"])).unwrap();
    let page = "records/v2.14.0/report.html";
    let ran =
        folder.run(&["verify", page, "--roster-sha256", &folder.roster_sha256(), "--checkpoint", "kept"]);
    assert_eq!(ran.status, Some(4), "{}", ran.out);
    assert!(ran.out.contains("cannot be held against the page"), "{}", ran.out);
    assert!(!ran.out.contains("no checkpoint was given"), "{}", ran.out);
}
