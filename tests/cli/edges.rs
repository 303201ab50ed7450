//! What is said where somebody does a thing twice, too late, or nearly right.

use std::fs;

use serde_json::Value;

use crate::folder::{Folder, OPEN, opening};

/// What a command that works says on stderr.
#[track_caller]
fn says(folder: &Folder, args: &[&str]) -> String {
    let ran = folder.run(args);
    assert_eq!(ran.status, Some(0), "{args:?}: {}", ran.err);
    ran.err
}

fn entries(folder: &Folder) -> usize {
    let all: Value = serde_json::from_str(&folder.ok(&["log", "--all", "-o", "json"])).unwrap();
    all.as_array().unwrap().len()
}

#[test]
fn a_stage_that_is_nearly_one_of_the_usual_is_recorded_with_a_warning() {
    let folder = Folder::opened();
    let stage = |name: &str| says(&folder, &["record", "stage-reached", "--stage", name, "--as", "alice"]);
    let said = stage("depoly");
    assert!(said.contains("the stage depoly: did you mean deploy?") && said.contains("entry 4"), "{said}");
    for name in ["deploy", "integration", "smoke"] {
        let said = stage(name);
        assert!(!said.contains("did you mean"), "{said}");
    }
}

#[test]
fn a_role_that_is_held_already_is_not_given_again() {
    let folder = Folder::opened();
    let before = entries(&folder);
    let said = says(&folder, &["assign", "comms-lead", "bob", "--as", "alice"]);
    assert!(said.contains("bob is comms-lead of v2.14.0 already: nothing was recorded"), "{said}");
    assert_eq!(entries(&folder), before);
    folder.fails(2, &["assign", "comms-lead", "bbo", "--as", "alice"], "did you mean bob?");
}

#[test]
fn a_second_sign_off_of_the_same_item_says_so() {
    let folder = Folder::opened();
    let sign = || says(&folder, &["sign", "env-audit", "--as", "alice"]);
    assert!(!sign().contains("already"));
    let said = sign();
    assert!(said.contains("alice signed env-audit already, in entry 4"), "{said}");
    folder.ok(&["withdraw", "env-audit", "--reason", "x", "--as", "alice"]);
    assert!(!sign().contains("already"), "both were taken back");
    folder.fails(2, &["sign", "env-audit", "env-audit", "--as", "alice"], "named twice");
}

#[test]
fn what_is_not_signed_is_said_plainly() {
    let folder = Folder::opened();
    let none = "nobody has signed env-audit: there is nothing to take back";
    folder.fails(2, &["withdraw", "env-audit", "--reason", "x", "--as", "alice"], none);
    let attention = || {
        folder.ok(&["report", "--as", "alice"]);
        fs::read_to_string(folder.at("records/v2.14.0/report.md")).unwrap()
    };
    let report = attention();
    assert!(report.contains("nothing is signed: team-ready, "), "{report}");
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    let report = attention();
    assert!(!report.contains("nothing is signed") && report.contains("items are not signed: "), "{report}");
    folder.ok(&["withdraw", "env-audit", "--reason", "x", "--as", "alice"]);
    let gone = "every sign-off of env-audit was taken back or overtaken already";
    folder.fails(2, &["withdraw", "env-audit", "--reason", "x", "--as", "alice"], gone);
}

#[test]
fn a_key_that_was_revoked_is_not_offered_again() {
    let folder = Folder::opened();
    let offered = || {
        let offer = fs::read_to_string(folder.at("keys/bob.offer.json")).unwrap();
        serde_json::from_str::<Value>(&offer).unwrap()["key"]["public"].clone()
    };
    let said = says(&folder, &["key", "new", "bob"]);
    assert!(said.contains("it is offered again"), "{said}");
    let first = offered();
    folder.ok(&["key", "revoke", "bob", "--reason", "a laptop was lost", "--as", "bob"]);
    let said = says(&folder, &["key", "new", "bob"]);
    assert!(said.contains("was taken out of force") && said.contains("a new one is offered"), "{said}");
    assert_ne!(offered(), first);
    let files = fs::read_dir(folder.at("private")).unwrap().map(|file| file.unwrap().file_name());
    let names: Vec<String> = files.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(names.iter().any(|name| name.starts_with("bob.old-")), "{names:?}");
    folder.ok(&["key", "enroll", "bob", "--as", "alice"]);
    folder.ok(&["note", "with the new key", "--as", "bob"]);
}

#[test]
fn log_says_what_it_does_not_show() {
    let folder = Folder::opened();
    assert!(!says(&folder, &["log"]).contains("not shown"));
    folder.ok(&["abort", "--reason", "x", "--as", "alice"]);
    folder.ok(&["close", "--as", "alice"]);
    folder.ok(&opening("v3"));
    let said = says(&folder, &["log"]);
    assert!(said.contains("not shown: 3 entries of other deployments (`aether-audit log --all`)"), "{said}");
    assert!(!says(&folder, &["log", "--all"]).contains("not shown"));
}

#[test]
fn help_is_a_command_too() {
    let folder = Folder::empty();
    for words in ["sign", "key new", ""] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let asked = folder.ok(&[&words[..], &["--help"]].concat());
        assert_eq!(folder.ok(&[&["help"][..], &words].concat()).trim_end(), asked.trim_end(), "{words:?}");
    }
    folder.fails(2, &["help", "sing"], "there is no command sing: did you mean sign?");
}

/// What a variable sets need not be typed, and so is no part of the usage.
#[test]
fn a_wrong_command_line_is_answered_with_the_plain_usage() {
    let folder = Folder::empty();
    let ran = folder.command(&["sign"]).env("AETHER_AUDIT_AS", "alice").output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(said.contains("\nUsage: aether-audit sign [OPTIONS] <ITEMS>...\n"), "{said}");
    let ran = folder.command(&["key", "new"]).env("AETHER_AUDIT_AS", "alice").output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("\nUsage: aether-audit key new [OPTIONS] <NAME>\n"), "{said}");
}

/// Notices about the roster name the entry that brought the one in force.
#[test]
fn notices_name_the_newest_roster() {
    let folder = Folder::opened();
    let of_threshold = || {
        let ran = folder.run(&["verify", "-o", "json"]);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let notices = report["notices"].as_array().unwrap().clone();
        notices.iter().find(|notice| notice["code"] == "root-threshold").unwrap()["seq"].as_u64()
    };
    assert_eq!(of_threshold(), Some(2));
    folder.ok(&["key", "rotate", "--as", "bob"]);
    assert_eq!(of_threshold(), Some(4));
}

/// A disk that fails is no missing signature.
#[test]
fn a_root_rotation_that_fails_on_the_disk_says_so() {
    let folder = Folder::opened();
    fs::rename(folder.at("keys"), folder.at("keys.away")).unwrap();
    fs::write(folder.at("keys"), "no folder").unwrap();
    let ran = folder.run(&["key", "rotate", "--root", "--as", "alice"]);
    assert_eq!(ran.status, Some(2), "{}", ran.err);
    assert!(!ran.err.contains("where others must sign too"), "{}", ran.err);
    let quorum = Folder::opened();
    quorum.ok(&["key", "new", "bob", "--root"]);
    quorum.ok(&["key", "enroll", "bob", "--root", "--as", "alice"]);
    quorum.ok(&["key", "quorum", "2", "--reason", "two", "--as", "alice", "--out", "two", "--with", "bob"]);
    quorum.ok(&["cosign", "two", "--as", "bob"]);
    quorum.ok(&["join", "two"]);
    quorum.fails(2, &["key", "rotate", "--root", "--as", "alice"], "where others must sign too");
}

#[test]
fn what_is_recorded_is_answered_as_json() {
    let folder = Folder::opened();
    let answer = |args: &[&str]| -> Vec<Value> {
        serde_json::from_str(&folder.ok(&[args, &["--as", "alice", "-o", "json"]].concat())).unwrap()
    };
    let signed = answer(&["sign", "env-audit", "dns-ttl"]);
    let kinds: Vec<_> = signed.iter().map(|one| (one["seq"].as_u64().unwrap(), &one["kind"])).collect();
    assert_eq!(kinds, [(4, &"item-signed".into()), (5, &"item-signed".into())]);
    assert_eq!(signed[0]["deployment"], "v2.14.0");
    for args in [
        &["note", "hello"][..],
        &["withdraw", "dns-ttl", "--reason", "x"],
        &["decide", "no-go", "--reason", "x"],
        &["record", "stage-reached", "--stage", "build"],
        &["abort", "--reason", "x"],
        &["close"],
    ] {
        assert_eq!(answer(args).len(), 1, "{args:?}");
    }
}

#[test]
fn a_deployment_has_services_that_the_project_has() {
    let folder = Folder::enrolled();
    folder.fails(
        2,
        &[&OPEN[..], &["--service", "ap"]].concat(),
        "no such service under [project]: did you mean",
    );
}

#[test]
fn a_checklist_that_says_what_only_a_record_says_is_not_frozen() {
    let folder = Folder::enrolled();
    for line in [
        "  <br>**signed** by carol \\(qa-engineer\\) · key `8256d31bb08d` · entry 68",
        "<!-- The checklist ends here. What follows was written from the signed record of this deployment. -->",
        "## Record of this deployment",
    ] {
        fs::write(folder.at("own.md"), format!("- [ ] a\n{line}\n")).unwrap();
        folder.fails(
            2,
            &[&OPEN[..], &["--checklist", "own.md"]].concat(),
            "own.md:2: this looks like a line of",
        );
    }
}

#[test]
fn a_checkpoint_inside_what_is_checked_anchors_nothing_by_whatever_link() {
    let folder = Folder::opened();
    folder.ok(&["report", "--as", "alice"]);
    folder.ok(&["export", "out"]);
    fs::write(folder.at("kept"), folder.ok(&["checkpoint"])).unwrap();
    let record = folder.at("records/v2.14.0");
    std::os::unix::fs::symlink("../../out", record.join("export")).unwrap();
    fs::copy(folder.at("kept"), folder.at("out/checkpoint")).unwrap();
    let verify = |what: &str, checkpoint: &str, expected: Option<&str>| {
        let roster = folder.roster_sha256();
        let args = ["verify", what, "--roster-sha256", &roster, "--checkpoint", checkpoint];
        match expected {
            Some(text) => drop(folder.fails(2, &args, text)),
            None => assert_eq!(folder.run(&args).status, Some(0)),
        }
    };
    let inside = Some("lies inside what is checked");
    verify("out", "kept", None);
    verify("records/v2.14.0", "records/v2.14.0/export/checkpoint", inside);
    verify("records/v2.14.0", "out/checkpoint", inside);
    verify("records/v2.14.0/report.html", "records/v2.14.0/checkpoint", inside);
    fs::remove_file(folder.at("out/checkpoint")).unwrap();
    std::os::unix::fs::symlink("../kept", folder.at("out/checkpoint")).unwrap();
    verify("out", "out/checkpoint", inside);
}
