//! The checks that ask GitHub: what passes, and everything that must not.

use std::fs;

use serde_json::{Value, json};

use crate::folder::{COMMIT, Folder, Ran};
use crate::hub::{Hub, TOKEN};

/// A folder whose deployment was opened with these checks alone.
fn opened(hub: &Hub, checks: &str) -> Folder {
    let folder = Folder::enrolled();
    let path = folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("# A check names a source").unwrap();
    let section = format!(
        "[github]\nrepository = \"example/aether\"\napi-url = \"{}\"\nenvironment = \"production\"\ntimeout-seconds = 5\n",
        hub.url
    );
    fs::write(&path, format!("{head}\n{section}\n{checks}")).unwrap();
    let checklist = "## Before <!-- phase: before -->\n- [ ] ready <!-- id: ready; role: lead-deployer -->\n";
    fs::write(folder.at("short.md"), checklist).unwrap();
    let roles =
        ["--lead-deployer", "alice", "--comms-lead", "bob", "--qa-engineer", "carol", "--as", "alice"];
    folder.ok(&[&["open", "v2.14.0", "--checklist", "short.md", "--commit", COMMIT][..], &roles].concat());
    folder
}

/// Collects; gives the exit status and the detail of the one check.
fn collect(folder: &Folder) -> (Option<i32>, String) {
    let mut command = folder.command(&["collect", "--as", "alice", "-o", "json"]);
    command.env_remove("GITHUB_TOKEN").env_remove("GH_TOKEN").env("AETHER_AUDIT_GITHUB_TOKEN", TOKEN);
    let ran = Ran::of(command.output().unwrap());
    let lines: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    assert_eq!(lines.as_array().unwrap().len(), 1);
    assert!(!(ran.out + &ran.err).contains(TOKEN));
    (ran.status, lines[0]["detail"].as_str().unwrap().to_owned())
}

#[track_caller]
fn comes_to(folder: &Folder, status: i32, says: &str) {
    let (got, detail) = collect(folder);
    assert_eq!(got, Some(status), "{detail}");
    assert!(detail.contains(says), "{says:?} is not in {detail}");
}

/// What the newest reading's opening holds.
fn response(folder: &Folder) -> String {
    let log: Value = serde_json::from_str(&folder.ok(&["log", "--all", "-o", "json"])).unwrap();
    let seq =
        log.as_array().unwrap().iter().rev().find(|entry| entry["kind"] == "evidence-collected").unwrap();
    folder.ok(&["show", &seq["seq"].to_string(), "-o", "json"])
}

#[test]
fn a_workflow_passes_by_its_jobs_and_its_approval() {
    let checks = "[[check]]\nid = \"built\"\nsource = \"workflow\"\n[check.workflow]\njobs = [\"build\", \"test\"]\napproval = true\n";
    let digest = format!("sha256:{}", "a".repeat(64));
    let hub = Hub::start(&json!({"advance": false, "artifacts": [{"name": "app", "digest": digest}]}));
    let folder = opened(&hub, checks);
    comes_to(&folder, 4, "no run of the workflow on commit");
    hub.change(&json!({"runs": [{"tick": 1}]}));
    comes_to(&folder, 4, "build success; test in_progress; 0 approvals");
    let approval = |state: &str, environment: &str| json!([{"state": state, "comment": "ship-it-words", "user": "dora", "environment": environment}]);
    hub.change(&json!({"runs": [{"tick": 2, "approvals": approval("approved", "staging")}]}));
    comes_to(&folder, 4, "build success; test success; 0 approvals");
    hub.change(&json!({"runs": [{"approvals": approval("approved", "production")}]}));
    comes_to(&folder, 0, "run 7000000001/1: build success; test success; 1 approvals");
    let told = response(&folder);
    for part in ["ship-it-words", "dora", "sha256:aaaa"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // Who and what they wrote can be erased: neither stands in clear.
    let log = folder.ok(&["log", "--all", "-o", "json"]);
    assert!(!log.contains("ship-it-words") && !log.contains("dora"), "{log}");
    // What was attested of the artifact is in the record, by its type; where a bundle lies is a secret.
    hub.change(&json!({"attested": {digest.clone(): ["https://slsa.dev/provenance/v1", null]}}));
    comes_to(&folder, 0, "1 artifacts, 1 with digest, 1 attested");
    let told = response(&folder);
    assert!(told.contains("https://slsa.dev/provenance/v1") && told.contains("unknown"), "{told}");
    assert!(!told.contains("blob.core.windows.net") && !told.contains("sig="), "{told}");
    hub.change(&json!({"permissions": ["actions:read", "metadata:read", "contents:read"]}));
    comes_to(&folder, 0, "1 with digest, attestations not known");
    hub.change(&json!({"permissions": null, "attested": {}}));
    comes_to(&folder, 0, "1 with digest, 0 attested");
    hub.change(&json!({"runs": [{"approvals": approval("rejected", "production")}]}));
    comes_to(&folder, 1, "1 rejections");
    let failed = json!([{"name": "build"}, {"name": "test", "conclusion": "failure"}]);
    hub.change(
        &json!({"runs": [{"tick": 9, "jobs": failed, "approvals": approval("approved", "production")}]}),
    );
    comes_to(&folder, 1, "test failure");
    hub.change(&json!({"runs": [{"jobs": [{"name": "build"}]}]}));
    comes_to(&folder, 1, "test not there");
}

#[test]
fn pull_requests_pass_where_somebody_else_approved_and_checks_passed() {
    let hub = Hub::start(&json!({
        "release": "v2.13.0", "perPage": 1, "protection": {"contexts": ["ci"]},
        "commits": [{"sha": "1".repeat(40), "author": "alice", "pull": 5}, {"sha": COMMIT, "author": "bob", "pull": 5}],
        "pulls": [{"number": 5, "author": "alice", "head": COMMIT, "merged": "2026-07-01T10:00:00Z", "reviews": [["carol", "APPROVED"], ["carol", "COMMENTED"]]}],
        "checks": {COMMIT: [["other", "failure"], ["ci", "success"]]},
    }));
    let folder = opened(&hub, "[[check]]\nid = \"reviewed\"\nsource = \"pull-requests\"\n");
    comes_to(&folder, 0, "2 commits since v2.13.0, 1 pull requests");
    let pull = |reviews: Value| json!({"pulls": [{"number": 5, "author": "alice", "head": COMMIT, "merged": "2026-07-01T10:00:00Z", "reviews": reviews}]});
    for by in ["alice", "bob"] {
        hub.change(&pull(json!([[by, "APPROVED"]])));
        comes_to(&folder, 1, "#5 approved by nobody else");
    }
    hub.change(&pull(json!([["carol", "APPROVED"], ["carol", "DISMISSED"]])));
    comes_to(&folder, 1, "#5 approved by nobody else");
    hub.change(&pull(json!([["carol", "APPROVED"], ["dora", "CHANGES_REQUESTED"]])));
    comes_to(&folder, 1, "#5 has changes requested");
    hub.change(&pull(json!([["carol", "APPROVED"]])));
    hub.change(&json!({"checks": {COMMIT: [["ci", null]]}}));
    comes_to(&folder, 1, "#5 without ci");
    hub.change(&json!({"checks": {COMMIT: [["ci", "success"]]}, "protection": null}));
    comes_to(&folder, 4, "no check is required on main");
    let rule = json!([{"type": "required_status_checks", "parameters": {
        "required_status_checks": [{"context": "ci"}], "strict_required_status_checks_policy": true}}]);
    hub.change(&json!({"rules": rule}));
    comes_to(&folder, 0, "1 pull requests");
    hub.change(&json!({"commits": [{"sha": COMMIT, "author": "bob", "pull": 6}]}));
    comes_to(&folder, 1, "1 commits by no merged pull request");
    hub.change(&json!({"compared": "diverged"}));
    comes_to(&folder, 1, "diverged");
    hub.change(&json!({"compared": "identical", "commits": []}));
    comes_to(&folder, 4, "no commit since v2.13.0");
    hub.change(&json!({"release": null}));
    comes_to(&folder, 1, "GitHub has no release");
}

#[test]
fn a_freeze_is_a_lock_on_a_branch_that_has_not_moved() {
    let hub = Hub::start(&json!({}));
    let folder = opened(&hub, "[[check]]\nid = \"frozen\"\nsource = \"code-freeze\"\n");
    comes_to(&folder, 1, "main is not locked");
    hub.change(&json!({"protection": {"locked": false}}));
    comes_to(&folder, 1, "main is not locked");
    hub.change(&json!({"protection": {"locked": true}}));
    comes_to(&folder, 0, "main is locked; it points to the deployment's commit");
    hub.change(&json!({"protection": null, "rules": [{"type": "update"}]}));
    comes_to(&folder, 0, "main is locked");
    let merged = json!([{"number": 9, "author": "alice", "head": COMMIT, "merged": "2999-01-01T00:00:00Z"}]);
    hub.change(
        &json!({"branches": {"main": "f".repeat(40)}, "since": [{"sha": "f".repeat(40)}], "pulls": merged}),
    );
    comes_to(&folder, 1, "since the opening 1 commits, 1 pull requests merged");
    hub.change(&json!({"rules": [], "protection": {"locked": true}, "permissions": ["metadata:read", "contents:read"]}));
    comes_to(&folder, 1, "\"Administration: read\"");
}
