//! From the intention to the end of the run, when nothing breaks on the way.

use std::fs;

use serde_json::json;

use crate::hub::{Hub, TOKEN, deploy, deploy_command, go, opened, stages};

#[test]
fn a_run_is_started_once_and_each_stage_recorded_once() {
    let hub = Hub::start(&json!({}));
    let folder = opened(&hub);
    go(&folder);
    let ran = deploy(&folder, &["--yes"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let run = "7000000001/1";
    let expected = [
        "deploy intended -".to_owned(),
        format!("build done {run}"),
        format!("test done {run}"),
        format!("provision done {run}"),
        format!("deploy done {run}"),
    ];
    assert_eq!(stages(&folder), expected);
    assert!(ran.err.contains(&format!("v2.14.0 is deployed: run {run} ended with success")), "{}", ran.err);
    let status = folder.ok(&["status"]);
    assert!(status.lines().any(|line| line.contains("[x] deploy-workflow")), "{status}");
    // What has ended is not started again, unless it is said.
    let again = deploy(&folder, &["--yes"]);
    assert_eq!(again.status, Some(0), "{}", again.err);
    assert!(again.err.contains("deploy is done"), "{}", again.err);
    assert_eq!((hub.runs(), stages(&folder).len()), (1, 5));
    assert_eq!(deploy(&folder, &["--yes", "--again"]).status, Some(0));
    assert_eq!((hub.runs(), stages(&folder).len()), (2, 10));
}

#[test]
fn a_failed_stage_ends_with_1_and_what_did_not_run_is_no_stage() {
    let hub = Hub::start(&json!({"jobs": [
        {"name": "build"},
        {"name": "test", "conclusion": "failure", "steps": [{"name": "unit tests", "conclusion": "failure"}]},
        {"name": "provision"},
        {"name": "Deploy", "always": true},
    ]}));
    let folder = opened(&hub);
    go(&folder);
    let ran = deploy(&folder, &["--yes", "-o", "json"]);
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    assert!(ran.err.contains("provision did not run (skipped)"), "{}", ran.err);
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["conclusion"], &told["act"]), (&json!("failure"), &json!("failed")));
    let run = "7000000001/1";
    let expected = [
        "deploy intended -".to_owned(),
        format!("build done {run}"),
        format!("test failed {run}"),
        // A job of that name does not stand for the whole.
        format!("job Deploy done {run}"),
        format!("deploy failed {run}"),
    ];
    assert_eq!(stages(&folder), expected);
    let status = folder.ok(&["status"]);
    assert!(status.lines().any(|line| line.contains("[ ] deploy-workflow")), "{status}");
    deploy(&folder, &["--yes"]).failed(2, "--again");
    assert_eq!(hub.runs(), 1);
}

#[test]
fn a_success_in_which_nothing_ran_or_something_failed_is_none() {
    for jobs in [
        json!([{"name": "build", "conclusion": "skipped"}]),
        json!([{"name": "build"}, {"name": "flaky", "conclusion": "failure"}]),
    ] {
        let hub = Hub::start(&json!({"jobs": jobs}));
        let folder = opened(&hub);
        go(&folder);
        hub.change(&json!({"conclusion": "success"}));
        let ran = deploy(&folder, &["--yes"]);
        assert_eq!(ran.status, Some(1), "{}", ran.err);
        assert!(ran.err.contains("ended with success"), "{}", ran.err);
        assert!(stages(&folder).contains(&"deploy failed 7000000001/1".to_owned()));
    }
}

#[test]
fn nothing_is_started_before_the_gate_the_question_and_the_commit_agree() {
    let hub = Hub::start(&json!({}));
    let folder = opened(&hub);
    deploy(&folder, &["--yes"]).failed(1, "there is no go");
    deploy(&folder, &["--dry-run"]).failed(1, "there is no go");
    go(&folder);
    deploy(&folder, &[]).failed(2, "say --yes");
    let entries = folder.entries();
    let ran = deploy(&folder, &["--dry-run"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    for part in ["would record", "\"Deploy to Prod\"", "of example/aether on main", "gate shift: open"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    hub.change(&json!({"branches": {"main": "f".repeat(40)}}));
    deploy(&folder, &["--yes"]).failed(1, "main is not at the commit of v2.14.0");
    assert_eq!((hub.runs(), folder.entries()), (0, entries));
}

#[test]
fn a_branch_that_moves_after_the_last_look_is_a_failure() {
    let hub = Hub::start(&json!({"movesTo": "f".repeat(40)}));
    let folder = opened(&hub);
    go(&folder);
    deploy(&folder, &["--yes"]).failed(1, "the run is not of v2.14.0");
    assert_eq!(stages(&folder), ["deploy intended -", "deploy failed 7000000001/1"]);
}

#[test]
fn a_run_started_by_hand_is_observed_and_no_gate_asks() {
    let hub = Hub::start(&json!({}));
    let folder = opened(&hub);
    hub.change(&json!({"runs": [{"title": "by hand"}]}));
    let ran = deploy(&folder, &["--run", "7000000001"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let run = "7000000001/1";
    let expected = ["build", "test", "provision", "deploy"].map(|stage| format!("{stage} observed {run}"));
    assert_eq!(stages(&folder), expected);
    assert_eq!(deploy(&folder, &["--run", "7000000001"]).status, Some(0));
    assert_eq!(stages(&folder).len(), 4, "nothing twice");
    hub.change(&json!({"runs": [null, {"sha": "f".repeat(40)}]}));
    deploy(&folder, &["--run", "7000000002"]).failed(1, "the run is not of v2.14.0");
    deploy(&folder, &["--run", "5"]).failed(2, "\"Actions: read\"");
}

#[test]
fn a_github_that_names_no_run_is_searched_by_correlation_or_by_time() {
    for (titles, said) in [(true, "by its title"), (false, "by its time")] {
        let hub = Hub::start(&json!({"details": false, "titles": titles, "perPage": 1}));
        let folder = opened(&hub);
        go(&folder);
        hub.change(&json!({"runs": [{"created": 0, "title": "long ago", "event": "workflow_dispatch"}]}));
        let ran = deploy(&folder, &["--yes"]);
        assert_eq!(ran.status, Some(0), "{said}: {}", ran.err);
        assert_eq!(stages(&folder).last().unwrap(), "deploy done 7000000002/1", "{said}");
        assert!(hub.asked("/runs/7000000002/attempts/1/jobs") >= 4);
    }
}

#[test]
fn a_missing_permission_is_named_and_the_token_is_nowhere() {
    let hub = Hub::start(&json!({"permissions": ["metadata:read", "contents:read"]}));
    let folder = opened(&hub);
    go(&folder);
    let mut said = deploy(&folder, &["--yes"]).failed(2, "\"Actions: read\"");
    hub.change(&json!({"permissions": ["metadata:read", "contents:read", "actions:read"]}));
    said += &deploy(&folder, &["--yes"]).failed(2, "\"Actions: write\"");
    assert_eq!(stages(&folder), ["deploy intended -", "deploy failed -"]);
    // This GitHub repeats the token in its refusal.
    hub.change(&json!({"token": "another"}));
    said += &deploy(&folder, &["--yes", "--again", "-v"]).failed(2, "does not accept the token");
    let none =
        deploy_command(&folder, &["--yes", "--again"]).env_remove("AETHER_AUDIT_GITHUB_TOKEN").output();
    said += &crate::folder::Ran::of(none.unwrap()).failed(2, "AETHER_AUDIT_GITHUB_TOKEN");
    assert!(!said.contains(TOKEN), "{said}");
    for file in fs::read_dir(folder.at("records")).unwrap().map(|file| file.unwrap().path()) {
        let bytes = fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()), "{}", file.display());
    }
    assert_eq!(hub.runs(), 0);
}

#[test]
fn what_github_refuses_is_said_with_what_to_do() {
    let hub = Hub::start(&json!({}));
    let folder = opened(&hub);
    go(&folder);
    let workflow =
        json!({"id": 11, "name": "Deploy to Prod", "path": "p", "state": "active", "inputs": ["release"]});
    hub.change(&json!({"workflows": [workflow]}));
    deploy(&folder, &["--yes"]).failed(2, "takes other inputs than release, commit and correlation");
    hub.change(&json!({"workflows": [{"id": 11, "name": "Deploy to Prod", "path": "p", "state": "disabled_manually"}]}));
    deploy(&folder, &["--yes", "--again"]).failed(2, "is not active");
    hub.change(&json!({"workflows": [{"id": 12, "name": "Tests", "path": "p", "state": "active"}]}));
    deploy(&folder, &["--yes", "--again"]).failed(2, "it has Tests");
    assert_eq!(hub.runs(), 0);
}
