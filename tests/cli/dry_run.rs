//! `--dry-run`: what would be recorded is said, the gates give their verdict, and nothing is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::folder::Folder;

/// Every file below a folder, with its bytes; what SQLite needs for readers to wait for each other aside.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".db-shm") || name.ends_with(".db-wal") && file.metadata().unwrap().len() == 0 {
            continue;
        }
        if file.file_type().unwrap().is_dir() {
            all.insert(format!("{name}/"), Vec::new());
            all.extend(
                tree(&file.path()).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)),
            );
        } else {
            all.insert(name, fs::read(file.path()).unwrap());
        }
    }
    all
}

/// Runs a command twice, as text and as JSON, and holds the folder against what it was.
#[track_caller]
fn dry(folder: &Folder, command: &str, says: &str) {
    let before = tree(folder.path());
    let words: Vec<&str> = command.split(' ').chain(["--dry-run"]).collect();
    // Neither a passphrase nor a key is needed to foresee something.
    let run = |words: &[&str]| {
        let output = folder.command(words).env_remove("AETHER_AUDIT_PASSPHRASE").output().unwrap();
        crate::folder::Ran::of(output)
    };
    let ran = run(&words);
    assert_eq!(ran.status, Some(0), "{command}: {}", ran.err);
    assert!(
        format!("{}{}", ran.out, ran.err).contains(says),
        "{command}: {says:?} is not in {}{}",
        ran.out,
        ran.err
    );
    let json = run(&[&words[..], &["-o", "json"]].concat());
    assert_eq!(json.status, Some(0), "{command}: {}", json.err);
    let answer: Value = serde_json::from_str(&json.out).unwrap();
    for one in answer.as_array().unwrap_or(&vec![answer.clone()]) {
        assert_eq!(one["dryRun"], true, "{command}: {}", json.out);
    }
    let after = tree(folder.path());
    let changed: Vec<_> =
        after.iter().filter(|(name, bytes)| before.get(*name) != Some(bytes)).map(|(n, _)| n).collect();
    assert!(changed.is_empty() && before.len() == after.len(), "{command} changed {changed:?}");
}

#[test]
fn init_says_what_it_would_make() {
    let folder = Folder::empty();
    dry(
        &folder,
        "init --origin example.com/audit/prod --as alice",
        "would open the log example.com/audit/prod in ",
    );
    folder.fails(
        2,
        &["init", "--origin", "https://x", "--as", "alice", "--dry-run"],
        "an origin has no scheme",
    );
    folder.ok(&["init", "--origin", "example.com/audit/prod", "--as", "alice"]);
    folder.fails(
        2,
        &["init", "--origin", "example.com/audit/prod", "--as", "alice", "--dry-run"],
        "is there already",
    );
}

#[test]
fn nothing_is_written() {
    let folder = Folder::opened();
    folder.ok(&["note", "we both saw it", "--with", "carol", "--as", "alice", "--out", "both.json"]);
    folder.ok(&["sign", "channel-ready", "--as", "bob", "--out", "signed.json"]);
    folder.ok(&["key", "new", "dave"]);
    fs::write(folder.at("new.md"), "- [ ] one\n").unwrap();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let people = "--lead-deployer alice --comms-lead bob --qa-engineer carol --as alice";
    for (command, says) in [
        ("key new erin", "would make a key"),
        ("key new dave", "would offer the key that is here already"),
        (
            "key enroll dave --role custodian --as alice",
            "would record roster-changed: the roster's version 4",
        ),
        ("key remove bob --reason x --as alice", "would record roster-changed"),
        ("key rotate --as bob", "would make a new key for bob, record key-rotated"),
        ("key rotate --root --as alice", "would make a new key for alice.root, record key-rotated"),
        ("key revoke bob --reason x --as bob", "would record key-revoked bob"),
        ("key revoke bob --reason x --as alice", "would record key-revoked bob"),
        ("key log --rotate --as alice", "would make a new log key"),
        (&format!("open v3 --commit {commit} {people}"), "would record deployment-opened v3"),
        ("assign custodian alice --as alice", "would record roles-assigned custodian alice"),
        ("amend new.md --reason x --as alice", "would record checklist-amended"),
        ("abort --reason x --as alice", "would record decision-made abort, by alice as lead-deployer"),
        (
            "sign env-audit --note seen --as alice",
            "would record item-signed env-audit done, by alice as lead-deployer",
        ),
        ("sign env-audit --out x.json --as alice", "would sign into x.json: item-signed env-audit done"),
        ("cosign both.json --as carol", "would add carol's signature to both.json"),
        ("join signed.json", "would join v2.14.0: item-signed channel-ready done, by bob as comms-lead"),
        ("attach new.md --as carol", "would record evidence-collected"),
        ("note hello --as bob", "| hello"),
        ("decide no-go --reason x --as alice", "would record decision-made no-go"),
        ("rollback --reason x --as carol", "would record rollback-started, by carol as qa-engineer"),
        (
            "record traffic-shifted --service app --to green --as carol",
            "it would be OUT OF PROCESS: traffic of app",
        ),
        ("render", "would write "),
        ("report --as alice", "would write the report of v2.14.0, up to entry 3, into "),
        ("checkpoint", "would sign a checkpoint of 4 entries, root "),
        ("prove 3", "would write entry 3 (deployment-opened)"),
        ("export out", "and write the whole log, up to entry 3, into out"),
        ("man --to pages", "pages into pages"),
    ] {
        dry(&folder, command, says);
    }
}

#[test]
fn gates_and_the_table_give_their_verdict() {
    let folder = Folder::opened();
    folder.fails(1, &["decide", "go", "--reason", "x", "--as", "alice", "--dry-run"], "go of v2.14.0: ");
    folder.fails(1, &["close", "--as", "alice", "--dry-run"], "there is no outcome yet");
    folder.fails(1, &["sign", "env-audit", "--as", "carol", "--dry-run"], "that is for lead-deployer");
    let missing: Value = serde_json::from_str(&folder.run(&["gate", "go", "-o", "json"]).out).unwrap();
    let mut go = vec!["decide", "go", "--reason", "x", "--as", "alice", "--dry-run"];
    for one in missing["missing"].as_array().unwrap() {
        go.extend(["--override", one["requirement"].as_str().unwrap()]);
    }
    let ran = folder.run(&go);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.out.contains("would record decision-made override go item/env-audit"), "{}", ran.out);
    assert!(
        ran.out.contains("would record decision-made go, by alice") && ran.err.contains("gate go: open"),
        "{}",
        ran.err
    );
    folder.ok(&["decide", "no-go", "--reason", "x", "--as", "alice"]);
    dry(&folder, "close --as alice", "would record deployment-closed no-go");
    assert_eq!(folder.entries(), 5);
}

/// What cannot be foreseen is not run at all.
#[test]
fn a_command_without_a_dry_run_refuses_it() {
    let folder = Folder::opened();
    folder.fails(2, &["rehearse", "--dry-run"], "--dry-run");
    folder.fails(2, &["verify", "--follow", "seen.json", "--dry-run"], "--follow remembers");
    folder.fails(2, &["witness", "--state", "w", "--name", "x", "--log", "y", "--dry-run"], "--dry-run");
    assert!(!folder.at("seen.json").exists() && !folder.at("w").exists());
}
