//! The shell steps of the workflow that `init --github` writes, run as a runner runs them, against the stand-ins.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::catcher::Catcher;
use crate::folder::{COMMIT, PASSPHRASE};
use crate::world::World;

const WORKFLOW: &str = ".github/workflows/deploy-to-prod.yml";
const SECRET: &str = "planted-role-secret";

/// A project with the workflow, a machine on the roster, and programs in deploy/ that do next to nothing.
fn project(world: &World) {
    fs::create_dir(world.folder.at(".git")).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (from, to) in [
        ("templates/github/deploy-to-prod.yml", WORKFLOW),
        (".github/actions/aether-audit/action.yml", ".github/actions/aether-audit/action.yml"),
    ] {
        let to = world.folder.at(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root.join(from), to).unwrap();
    }
    fs::create_dir(world.folder.at("deploy")).unwrap();
    let program = |name: &str, text: &str| {
        let path = world.folder.at("deploy").join(name);
        fs::write(&path, format!("#!/bin/sh\nset -e\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("build", "mkdir -p dist; echo app > dist/app");
    program("test", "test -f dist/app");
    program("provision-green", "test \"$AWS_SECRET_ACCESS_KEY\"; touch green");
    program("health", "test -f green");
    program("retire-blue", "touch blue-is-gone");
    world.folder.ok(&["key", "new", "runner"]);
    world.folder.ok(&["key", "enroll", "runner", "--machine", "--as", "alice"]);
}

/// Runs the jobs named, or all of them; `before` are the results of earlier ones.
fn run(world: &World, correlation: &str, only: Option<&[&str]>, before: &Value, out: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let key = fs::read_to_string(world.folder.at("private/runner.pem")).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_aether-audit")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut settings = json!({
        "scope": {
            "inputs": { "release": "v2.14.0", "commit": COMMIT, "correlation": correlation },
            "vars": { "AETHER_AUDIT_AS": "runner", "AETHER_AUDIT_OUT": out, "AWS_REGION": "us-east-1" },
            "secrets": { "AETHER_AUDIT_KEY": key, "AETHER_AUDIT_PASSPHRASE": PASSPHRASE },
        },
        "runner": { "GITHUB_SHA": COMMIT, "GITHUB_RUN_ID": "7000000001", "GITHUB_RUN_ATTEMPT": "1", "PATH": path },
        "aws": { "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1" },
        "before": before,
    });
    if let Some(only) = only {
        settings["only"] = json!(only);
    }
    fs::write(world.folder.at("settings.json"), settings.to_string()).unwrap();
    let ran = Command::new(root.join("target/peers/venv/bin/python"))
        .arg(root.join("tests/traffic/runner.py"))
        .args([world.folder.path(), &world.folder.at(WORKFLOW), &world.folder.at("settings.json")])
        .env_remove("AETHER_AUDIT_PASSPHRASE")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AETHER_AUDIT_SLACK_WEBHOOK", world.slack.url("/services/T0/B0/SeCrEtPlAnTeD"))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let told = String::from_utf8(ran.stdout).unwrap();
    for secret in [SECRET, PASSPHRASE, "SeCrEtPlAnTeD", "PRIVATE KEY"] {
        assert!(!told.contains(secret), "{secret} is shown");
    }
    serde_json::from_str(&told).unwrap()
}

fn said(told: &Value, job: &str) -> String {
    told["said"][job].as_array().unwrap().iter().map(|step| step["said"].as_str().unwrap()).collect()
}

fn results(told: &Value, of: &[&str]) -> Vec<String> {
    of.iter().map(|job| told["results"][job].as_str().unwrap().to_owned()).collect()
}

const ALL: &[&str] =
    &["gate", "build", "test", "provision", "health", "switch", "retire", "back", "statements"];

#[test]
fn the_workflow_deploys_switches_and_keeps_blue_until_it_may_go() {
    let world = World::new();
    project(&world);
    let none = json!({});

    // Before the go, nothing after the gate runs.
    let told = run(&world, "c0ffee", None, &none, "");
    assert_eq!(told["results"]["gate"], "failure", "{told:#}");
    assert!(said(&told, "gate").contains("ready"), "it says what is missing: {told:#}");
    assert_eq!(results(&told, &ALL[1..]), ["skipped"; 8], "{told:#}");
    assert_eq!(world.weights(), (100, 0));

    let world = world.go();
    let told = run(&world, "c0ffee", None, &none, "");
    assert_eq!(results(&told, &ALL[..6]), ["success"; 6], "{told:#}");
    assert_eq!(world.weights(), (0, 100));
    // Blue's hour is not over, and there is no all-clear.
    assert_eq!(
        results(&told, &ALL[6..]),
        ["failure", "skipped", "skipped"],
        "`deploy` records the jobs of what it started: {told:#}"
    );
    assert!(!world.folder.at("blue-is-gone").exists());
    let story = world.story();
    assert!(story.contains(&"traffic-shifted done green 100".to_owned()), "{story:?}");
    assert!(!story.iter().any(|line| line.starts_with("standby-changed done retired")), "{story:?}");

    // What the gate waits for is waived, loudly: nobody can wait for an hour here.
    let waive = ["decide", "override", "--gate", "retire", "--reason", "a test", "--as", "alice"];
    let missing = world.run(&["gate", "retire", "-o", "json"]);
    let missing: Value = serde_json::from_str(&missing.out).unwrap();
    for requirement in missing["missing"].as_array().unwrap() {
        assert_eq!(requirement["waivable"], true, "{missing}");
        world.ok(&[&waive[..], &["--waive", requirement["requirement"].as_str().unwrap()]].concat());
    }
    let told = run(&world, "c0ffee", Some(&["retire"]), &json!({ "switch": "success" }), "");
    assert_eq!(told["results"]["retire"], "success", "{told:#}");
    assert!(world.folder.at("blue-is-gone").exists());
    let story = world.story();
    assert!(story.iter().any(|line| line.starts_with("standby-changed done retired")), "{story:?}");
    let verified = world.run(&["verify", "--roster-sha256", &world.folder.roster_sha256()]);
    assert_eq!(verified.status, Some(4), "nothing wrong, and nothing anchors it: {}", verified.out);
}

#[test]
fn a_switch_that_fails_goes_back_and_statements_are_handed_on() {
    let sick = |count: usize| match count {
        // The first look at Green's health is well, and what comes after the switch is not.
        0 | 1 => ("200 OK".into(), "ok".into(), Duration::ZERO),
        _ => ("500 Internal Server Error".into(), "no".into(), Duration::ZERO),
    };
    let world = World::with(sick, Catcher::saying("200 OK", "ok")).go();
    project(&world);
    let before = world.folder.entries();
    let earlier = json!({ "gate": "success", "build": "success", "test": "success", "provision": "success", "health": "success" });
    let told = run(&world, "", Some(&["switch", "back", "statements"]), &earlier, "statements");
    assert_eq!(told["results"]["switch"], "failure", "{told:#}");
    assert_eq!(told["results"]["statements"], "success", "{told:#}");
    assert_ne!(told["results"]["back"], "skipped", "{told:#}");
    assert_eq!(world.weights(), (100, 0), "{told:#}");
    assert!(world.folder.entries() > before, "the failed switch is on record");

    // What the runner could only sign gets its place here.
    let files = fs::read_dir(world.folder.at("statements")).unwrap().count();
    assert_eq!(files, 4);
    for stage in ["build", "test", "provision", "health"] {
        world.ok(&["join", &format!("statements/stage-{stage}.json")]);
    }
    let log = world.folder.ok(&["log", "--all", "-o", "json"]);
    assert_eq!(log.matches("\"stage-reached\"").count(), 4, "{log}");
}
