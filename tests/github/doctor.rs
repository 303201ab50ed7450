//! `doctor` before there is a deployment: what the checks of a repository will look at is asked for, as far as it can be.

use std::fs;

use serde_json::{Value, json};

use crate::folder::{COMMIT, Folder, Ran};
use crate::hub::{Hub, TOKEN};

const CHECKS: &str = "[[check]]\nid = \"built\"\nsource = \"workflow\"\n[check.workflow]\njobs = [\"build\"]\napproval = true\n\
    [[check]]\nid = \"reviewed\"\nsource = \"pull-requests\"\n[[check]]\nid = \"frozen\"\nsource = \"code-freeze\"\n";

fn project(hub: &Hub) -> Folder {
    let folder = Folder::enrolled();
    let path = folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("# A check names a source").unwrap();
    let section = format!(
        "[github]\nrepository = \"example/aether\"\napi-url = \"{}\"\nworkflow = \"deploy-to-prod.yml\"\ntimeout-seconds = 5\n",
        hub.url
    );
    fs::write(&path, format!("{head}\n{section}\n{CHECKS}")).unwrap();
    folder
}

/// State and text of what `doctor` says of a check.
fn said(folder: &Folder, what: &str) -> (String, String) {
    let mut command = folder.command(&["doctor", "--as", "alice", "-o", "json"]);
    command.env_remove("GITHUB_TOKEN").env_remove("GH_TOKEN").env("AETHER_AUDIT_GITHUB_TOKEN", TOKEN);
    let ran = Ran::of(command.output().unwrap());
    assert!(!(ran.out.clone() + &ran.err).contains(TOKEN));
    let found: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let line = found["lines"].as_array().unwrap().iter().find(|line| line["what"] == what).unwrap();
    (line["state"].as_str().unwrap().to_owned(), line["text"].as_str().unwrap().to_owned())
}

#[track_caller]
fn says(folder: &Folder, what: &str, state: &str, part: &str) {
    let (got, text) = said(folder, what);
    assert!(got == state && text.contains(part), "{what}: {got}: {text}");
}

#[test]
fn what_needs_no_deployment_is_asked() {
    let hub = Hub::start(&json!({
        "release": "v2.13.0", "protection": {"contexts": ["ci"], "locked": false},
        "commits": [{"sha": COMMIT, "author": "bob", "pull": 5}],
        "pulls": [{"number": 5, "author": "bob", "head": COMMIT, "merged": "2026-07-01T10:00:00Z"}],
    }));
    let folder = project(&hub);
    says(&folder, "built", "good", "deploy-to-prod.yml is there, 0 runs");
    says(&folder, "reviewed", "good", "1 commits on main since v2.13.0 so far, 1 checks required");
    says(&folder, "frozen", "good", "main is there, not locked yet");
    hub.change(&json!({"protection": {"contexts": [], "locked": true}}));
    says(&folder, "reviewed", "wrong", "no check is required on main");
    says(&folder, "frozen", "good", "main is there, locked");
}

#[test]
fn what_is_missing_or_may_not_be_seen_is_to_be_put_right() {
    let hub = Hub::start(&json!({"release": null, "protection": {"contexts": ["ci"]}}));
    let folder = project(&hub);
    says(&folder, "reviewed", "wrong", "GitHub has no release");
    let only = |permissions: Value| hub.change(&json!({"release": "v2.13.0", "permissions": permissions}));
    only(json!(["metadata:read", "contents:read", "pull_requests:read"]));
    says(&folder, "built", "wrong", "\"Actions: read\"");
    says(&folder, "frozen", "wrong", "\"Administration: read\"");
    says(&folder, "reviewed", "wrong", "\"Checks: read\"");
    only(json!(["metadata:read", "actions:read"]));
    says(&folder, "built", "wrong", "\"Contents: read\"");
    hub.change(&json!({"permissions": null, "branches": {"trunk": COMMIT}}));
    says(&folder, "frozen", "wrong", "branch main");
    hub.change(&json!({"workflows": []}));
    says(&folder, "built", "wrong", "has no workflow called \"deploy-to-prod.yml\"");
}
