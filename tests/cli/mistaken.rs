//! What tired hands get wrong: files in the way, a foreign ledger, names that are taken, a checklist nobody can sign.

use std::fs;
use std::process::Command;

use crate::folder::{Folder, opening};

fn edited(folder: &Folder, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(folder.at(name)).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(folder.at(name), text.replace(from, to)).unwrap();
}

#[test]
fn a_statement_for_others_never_takes_the_place_of_anything() {
    let folder = Folder::opened();
    for taken in ["records/ledger.db", "aether.toml", "keys"] {
        let words = ["sign", "channel-ready", "--as", "bob", "--out", taken];
        folder.fails(2, &words, "is there already: it was left as it is");
    }
    let words = ["key", "quorum", "1", "--reason", "x", "--as", "alice", "--out", "aether.toml"];
    folder.run(&words).failed(2, "");
    folder.ok(&["status"]);
    assert_eq!(folder.entries(), 4);
}

#[test]
fn a_ledger_of_another_log_is_signed_nothing_for() {
    let folder = Folder::opened();
    let other = Folder::opened();
    edited(&other, "aether.toml", "example.com/audit/prod", "example.com/audit/staging");
    let ledger = folder.ledger();
    let words = ["note", "meant for staging", "--as", "bob", "--ledger", ledger.to_str().unwrap()];
    other.fails(
        2,
        &words,
        "aether.toml is for the log example.com/audit/staging, and this ledger is the log",
    );
    assert_eq!(folder.entries(), 4);
}

#[test]
fn nobody_is_called_as_the_files_of_other_keys_are() {
    let folder = Folder::initialised();
    let log = fs::read(folder.at("keys/log.pub.pem")).unwrap();
    for name in ["log", "log-0123456789ab", "alice.root", "bob.next", "bob.old-1234"] {
        folder.fails(2, &["key", "new", name], "files of other keys are called so");
    }
    assert_eq!(fs::read(folder.at("keys/log.pub.pem")).unwrap(), log);
    Folder::empty().fails(2, &["init", "--origin", "example.com/a", "--as", "log"], "files of other keys");
}

#[test]
fn pairs_that_are_kept_apart_come_into_the_roster_by_a_command() {
    let folder = Folder::enrolled();
    let (before, after) = ("[[\"lead-deployer\", \"qa-engineer\"]]", "[[\"comms-lead\", \"qa-engineer\"]]");
    edited(&folder, "aether.toml", before, after);
    folder.ok(&["key", "enroll", "bob", "--role", "qa-engineer", "--as", "alice"]);
    let open = opening("v3").map(|word| if word == "carol" { "bob" } else { word });
    let ran = folder.run(&[&open[..], &["--dry-run"]].concat());
    assert!(ran.err.contains("`separate` in aether.toml is not what the roster says"), "{}", ran.err);
    assert!(folder.run(&["doctor", "--offline"]).out.contains("aether-audit key separate"));
    edited(&folder, "aether.toml", after, "[[\"comms-leed\", \"qa-engineer\"]]");
    folder.fails(2, &["key", "separate", "--reason", "policy", "--as", "alice"], "comms-leed");
    edited(&folder, "aether.toml", "comms-leed", "comms-lead");
    folder.ok(&["key", "separate", "--reason", "policy", "--as", "alice"]);
    folder.fails(2, &["key", "separate", "--reason", "policy", "--as", "alice"], "nothing to change");
    folder.run(&open).failed(1, "comms-lead");
    edited(&folder, "aether.toml", after, "[]");
    folder.fails(2, &["key", "separate", "--reason", "policy", "--as", "alice"], "--none");
    edited(&folder, "aether.toml", "separate = []", &format!("separate = {after}"));
    let ran = folder.run(&opening("v4"));
    assert!(ran.status == Some(0) && !ran.err.contains("separate"), "{}", ran.err);
}

#[test]
fn a_checklist_that_nobody_can_sign_is_told_before_it_is_frozen() {
    let folder = Folder::enrolled();
    let text = "# List\n\n## Before\n\n- [x] restored <!-- id: restored -->\n- [ ] b <!-- id: b; role: lead-deploier -->\n\
                - [ ] c <!-- id: c; signers: 9 -->\n- [ ] d <!-- id: d; role: qa-engineer -->\n\
                - [ ] e <!-- id: e; roles: qa-engineer+recorder -->\n";
    fs::write(folder.at("templates/Deployment_Checklist.md"), text).unwrap();
    let told = folder.run(&opening("v3"));
    assert_eq!(told.status, Some(0), "{}", told.err);
    assert!(told.err.contains("nobody signed them") && told.err.contains(": restored"), "{}", told.err);
    assert!(told.err.contains("nobody can sign b: the roster has no role lead-deploier"), "{}", told.err);
    assert!(told.err.contains("nobody can sign c: it takes 9 people, and 3"), "{}", told.err);
    assert!(told.err.contains("nobody can sign e: recorder must sign it"), "{}", told.err);
    assert!(!told.err.contains("can sign d"), "{}", told.err);
    assert!(folder.run(&["doctor", "--offline"]).out.contains("nobody can sign b"));
}

#[test]
fn the_checklist_that_the_guide_shows_opens_as_it_stands() {
    let folder = Folder::enrolled();
    let guide = include_str!("../../docs/GUIDE.md");
    let own = guide.split("```markdown\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    fs::write(folder.at("own.md"), own).unwrap();
    let ran = folder.run(&[&opening("v3")[..], &["--checklist", "own.md"]].concat());
    assert!(ran.status == Some(0) && !ran.err.contains("nobody can sign"), "{}", ran.err);
    let status = folder.ok(&["status"]);
    for id in ["env-audit", "looked", "notes", "errors", "green"] {
        assert!(status.contains(id), "{id}: {status}");
    }
}

#[test]
fn the_sign_off_that_counts_is_the_one_that_is_taken_back() {
    let folder = Folder::opened();
    folder.ok(&["sign", "channel-ready", "--as", "bob", "--out", "early"]);
    folder.ok(&["sign", "channel-ready", "--failed", "--reason", "mail bounced", "--as", "bob"]);
    let joined = folder.run(&["join", "early"]);
    assert!(joined.err.contains("OUT OF PROCESS"), "{}", joined.err);
    folder.ok(&["withdraw", "channel-ready", "--reason", "it did not", "--as", "bob", "--out", "back"]);
    folder.ok(&["join", "back"]);
    let log = folder.ok(&["log", "-o", "json"]);
    let entries: Vec<serde_json::Value> = serde_json::from_str(&log).unwrap();
    let failed = entries[4]["statement"]["predicate"]["id"].as_str().or(entries[4]["id"].as_str());
    assert!(failed.is_some(), "{}", entries[4]);
    assert!(log.matches(failed.unwrap()).count() >= 2, "the withdrawal names entry 4: {log}");
    folder.fails(
        2,
        &["withdraw", "channel-ready", "--reason", "x", "--as", "bob"],
        "taken back or overtaken",
    );
}

#[test]
fn what_is_joined_is_about_what_was_meant() {
    let folder = Folder::opened();
    folder.ok(&["note", "x", "--as", "bob", "--out", "note"]);
    let words = ["join", "note", "--deployment", "v9"];
    folder.fails(2, &words, "it is about v2.14.0, not about v9");
    let shift = "record traffic-shifted --service app --to green --act observed --as bob --out shift";
    folder.ok(&shift.split(' ').collect::<Vec<_>>());
    let ran = folder.run(&["join", "shift"]);
    assert!(ran.err.contains("OUT OF PROCESS"), "{}", ran.err);
}

#[test]
fn an_older_copy_says_so_to_who_only_looks() {
    let folder = Folder::opened();
    let older = fs::read(folder.ledger()).unwrap();
    folder.ok(&["note", "newer", "--as", "bob"]);
    assert!(!folder.run(&["status"]).err.contains("which was seen here before"));
    fs::write(folder.ledger(), older).unwrap();
    let ran = folder.run(&["status"]);
    assert!(ran.status == Some(0) && ran.err.contains("was seen here before"), "{}", ran.err);
}

/// A limit on the size of files stands for the full disk: neither takes another byte.
#[test]
fn a_full_disk_keeps_nobody_from_reading() {
    let folder = Folder::opened();
    let program = env!("CARGO_BIN_EXE_aether-audit");
    let limited = |words: &str| {
        let line = format!("trap '' XFSZ; ulimit -f 0; exec {program} {words}");
        let ran = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned())
    };
    let (status, said) = limited("status");
    assert!(status == Some(0) && said.contains("preparing"), "{said}");
    let (status, said) = limited("verify");
    assert!(status == Some(4) && said.contains("NOT PROVEN"), "{said}");
}

#[test]
fn nothing_is_joined_to_an_older_copy() {
    let folder = Folder::opened();
    folder.ok(&["note", "late", "--as", "carol", "--out", "late"]);
    let older = fs::read(folder.ledger()).unwrap();
    folder.ok(&["note", "newer", "--as", "bob"]);
    fs::write(folder.ledger(), older).unwrap();
    folder.fails(2, &["join", "late"], "was seen here before");
    assert_eq!(folder.entries(), 4);
}

/// One folder of keys serves two logs, and each goes its own way with them.
#[test]
fn two_logs_with_the_same_keys_rotate_them_apart() {
    let (one, other) = (Folder::initialised(), Folder::empty());
    let keys = one.at("private");
    let there = |words: &[&str]| {
        let ran = other.command(words).env("AETHER_AUDIT_KEYS", &keys).output().unwrap();
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    there(&["init", "--origin", "example.com/audit/staging", "--as", "alice"]);
    for _ in 0..2 {
        one.ok(&["key", "rotate", "--as", "alice"]);
        one.ok(&["key", "rotate", "--root", "--as", "alice"]);
        there(&["key", "rotate", "--as", "alice"]);
        there(&["key", "rotate", "--root", "--as", "alice"]);
    }
    // Cut off between its entry and its file, by what is left of it.
    fs::rename(keys.join("alice.pem"), keys.join("alice.next.pem")).unwrap();
    let before = fs::read_dir(&keys).unwrap().flatten().map(|file| file.path());
    let before = before.filter(|path| path.to_string_lossy().contains("/alice.old-")).max().unwrap();
    fs::copy(before, keys.join("alice.pem")).unwrap();
    one.ok(&["key", "rotate", "--as", "alice"]);
    there(&["key", "rotate", "--as", "alice"]);
    one.ok(&["key", "rotate", "--as", "alice"]);
}

#[test]
fn the_checkpoint_of_the_record_anchors_nothing() {
    let folder = Folder::opened();
    folder.ok(&["abort", "--reason", "x", "--as", "alice"]);
    folder.ok(&["close", "--as", "alice"]);
    let roster = folder.roster_sha256();
    for path in [None, Some("records/ledger.db")] {
        let words = ["verify", "--roster-sha256", &roster, "--checkpoint", "records/v2.14.0/checkpoint"];
        let words: Vec<&str> = words.into_iter().chain(path).collect();
        folder.fails(2, &words, "lies inside what is checked");
    }
    fs::copy(folder.at("records/v2.14.0/checkpoint"), folder.at("kept")).unwrap();
    folder.ok(&["verify", "--roster-sha256", &roster, "--checkpoint", "kept"]);
}

#[test]
fn a_roster_that_was_joined_is_the_one_in_keys() {
    let folder = Folder::enrolled();
    folder.ok(&["key", "new", "bob", "--root"]);
    folder.ok(&["key", "enroll", "bob", "--root", "--as", "alice"]);
    folder.ok(&["key", "quorum", "2", "--reason", "two", "--as", "alice", "--with", "bob", "--out", "q"]);
    folder.ok(&["cosign", "q", "--as", "bob"]);
    folder.ok(&["join", "q"]);
    let roster = fs::read_to_string(folder.at("keys/roster.json")).unwrap();
    assert!(roster.contains("\"rootThreshold\":2"), "{roster}");
}
