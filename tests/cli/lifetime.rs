//! Keys over a lifetime: rotated, stolen, revoked; root quorums and log keys that change.

use std::fs;

use serde_json::Value;

use crate::folder::Folder;

fn verify(folder: &Folder, args: &[&str]) -> (Option<i32>, Value) {
    let roster = folder.roster_sha256();
    let ran = folder.run(&[&["verify", "-o", "json", "--roster-sha256", &roster], args].concat());
    (ran.status, serde_json::from_str(&ran.out).unwrap())
}

/// `(seq, code)` of every finding.
fn findings(report: &Value) -> Vec<(u64, String)> {
    let list = report["findings"].as_array().unwrap();
    list.iter().map(|f| (f["seq"].as_u64().unwrap(), f["code"].as_str().unwrap().to_owned())).collect()
}

fn checkpoint(folder: &Folder, name: &str) {
    fs::write(folder.at(name), folder.ok(&["checkpoint"])).unwrap();
}

/// The id of the key that signed an entry.
fn key_of(folder: &Folder, seq: u64) -> String {
    let shown: Value = serde_json::from_str(&folder.ok(&["show", &seq.to_string(), "-o", "json"])).unwrap();
    shown["statement"]["predicate"]["signers"][0]["key"].as_str().unwrap().to_owned()
}

#[test]
fn a_thief_who_rotates_to_keys_of_his_own_is_caught() {
    let folder = Folder::opened();
    folder.ok(&["note", "truly bob", "--as", "bob"]);
    checkpoint(&folder, "before");
    folder.ok(&["export", "older"]);
    let original = fs::read(folder.at("private/bob.pem")).unwrap();
    let key = key_of(&folder, 4);
    let thief = folder.at("thief");
    fs::create_dir(&thief).unwrap();
    fs::write(thief.join("bob.pem"), original).unwrap();
    let thief_does = |args: &[&str]| {
        let mut command = folder.command(args);
        let mode = "chmod 600 thief/bob.pem";
        std::process::Command::new("sh").args(["-c", mode]).current_dir(folder.path()).status().unwrap();
        let ran = command.env("AETHER_AUDIT_KEYS", &thief).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    thief_does(&["note", "no longer bob", "--as", "bob"]);
    thief_does(&["key", "rotate", "--as", "bob"]);
    thief_does(&["note", "with a key of his own", "--as", "bob"]);
    thief_does(&["key", "rotate", "--as", "bob"]);
    thief_does(&["note", "and another", "--as", "bob"]);
    checkpoint(&folder, "during");
    assert_eq!(verify(&folder, &["--checkpoint", "during"]).0, Some(0), "nobody knows yet");

    let revoke = [
        "key",
        "revoke",
        "bob",
        "--key",
        &key,
        "--compromised-from",
        "5",
        "--reason",
        "stolen",
        "--as",
        "alice",
    ];
    let shown = folder.run(&[&revoke[..], &["--dry-run"]].concat());
    assert!(shown.err.contains("become suspect with it") && shown.err.contains("5 entries"), "{}", shown.err);
    folder.ok(&revoke);
    let (status, report) = verify(&folder, &["--checkpoint", "before"]);
    assert_eq!(status, Some(1));
    let suspect: Vec<_> = (5..10).map(|seq| (seq, "key-suspect".to_owned())).collect();
    let mut found = findings(&report);
    // Both keys of a rotation are.
    found.dedup();
    assert_eq!(found, suspect);
    folder.ok(&["key", "revoke", "bob", "--reason", "his last key too", "--as", "alice"]);
    folder.fails(2, &["note", "locked out", "--as", "bob"], "no key for daily work");
    let (_, older) = verify(&folder, &["older", "--checkpoint", "before"]);
    assert_eq!(older["verdict"], "verified", "{older}");
    folder.fails(2, &[&revoke[..]].concat(), "out of force already");
}

#[test]
fn what_a_suspect_key_signed_opens_no_gate_until_it_is_said_again() {
    let folder = Folder::opened();
    let log = || -> Vec<Value> { serde_json::from_str(&folder.ok(&["log", "--all", "-o", "json"])).unwrap() };
    let state = |item: &str| {
        let told: Value = serde_json::from_str(&folder.ok(&["status", "-o", "json"])).unwrap();
        let mut items = told["items"].as_array().unwrap().iter();
        items.find(|one| one["id"] == item).unwrap()["state"].as_str().unwrap().to_owned()
    };
    let missing =
        |item: &str| folder.run(&["gate", "go", "-o", "json"]).out.contains(&format!("item/{item}"));
    let revoke = |person: &str, key: &str, from: &str| {
        let which = ["--key", key, "--compromised-from", from, "--reason", "stolen", "--as", "alice"];
        folder.ok(&[&["key", "revoke", person], &which[..]].concat())
    };
    let next = log().len() as u64;
    let from = next.to_string();
    folder.ok(&["sign", "tests-green", "--as", "carol"]);
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    assert!(state("tests-green") == "done" && !missing("tests-green"));
    revoke("carol", &key_of(&folder, next), &from);
    assert_eq!((state("tests-green"), state("env-audit")), ("open".into(), "done".into()));
    assert!(missing("tests-green") && !missing("env-audit"));
    let suspect: Vec<u64> = log()
        .iter()
        .filter(|line| line.get("faults").is_some())
        .map(|line| line["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(suspect, [next]);
    assert!(
        folder
            .ok(&["log"])
            .contains(&format!("! SUSPECT: the key of carol may be in other hands from entry {next} on"))
    );

    fs::rename(folder.at("private/carol.pem"), folder.at("carol.old")).unwrap();
    folder.ok(&["key", "new", "carol"]);
    folder.ok(&["key", "enroll", "carol", "--role", "qa-engineer", "--as", "alice"]);
    folder.ok(&["sign", "tests-green", "--as", "carol"]);
    assert!(state("tests-green") == "done" && !missing("tests-green"));

    // A thief who rotated first: what the key that came of it signs counts for nothing either, later too.
    folder.ok(&["note", "truly bob", "--as", "bob"]);
    let stolen = key_of(&folder, log().len() as u64 - 1);
    folder.ok(&["key", "rotate", "--as", "bob"]);
    folder.ok(&["sign", "channel-ready", "--as", "bob"]);
    assert_eq!(state("channel-ready"), "done");
    revoke("bob", &stolen, &from);
    assert_eq!(state("channel-ready"), "open");
    folder.ok(&["sign", "channel-ready", "--as", "bob"]);
    assert_eq!(state("channel-ready"), "open");
}

#[test]
fn everyone_may_revoke_their_own_key_and_nobody_another_s() {
    let folder = Folder::opened();
    folder.fails(
        2,
        &["key", "revoke", "carol", "--reason", "x", "--as", "bob"],
        "bob holds no root key; these do: alice",
    );
    folder.fails(
        2,
        &["key", "revoke", "dave", "--reason", "x", "--as", "alice"],
        "dave is not on the roster",
    );
    folder.fails(
        2,
        &["key", "revoke", "bob", "--compromised-from", "99", "--reason", "x", "--as", "bob"],
        "no entry 99 yet",
    );
    folder.ok(&[
        "key",
        "revoke",
        "bob",
        "--compromised-from",
        "3",
        "--reason",
        "lost my laptop",
        "--as",
        "bob",
    ]);
    folder.fails(2, &["note", "x", "--as", "bob"], "no key for daily work");
    fs::rename(folder.at("private/bob.pem"), folder.at("private/bob.lost.pem")).unwrap();
    folder.ok(&["key", "new", "bob"]);
    folder.ok(&["key", "enroll", "bob", "--as", "alice"]);
    folder.ok(&["note", "back again", "--as", "bob"]);
    checkpoint(&folder, "now");
    let (status, report) = verify(&folder, &["--checkpoint", "now"]);
    assert_eq!(
        (status, findings(&report)),
        (Some(0), vec![]),
        "bob signed nothing from entry 3 on: {report}"
    );
    let key = key_of(&folder, 4);
    let once_more = |from| {
        let words = ["key", "revoke", "bob", "--key", &key, "--compromised-from", from, "--reason", "again"];
        folder.run(&[&words[..], &["--as", "alice", "--dry-run"]].concat())
    };
    once_more("4").failed(2, "nothing to change");
    let earlier = once_more("2");
    assert!(earlier.err.contains("Nothing from entry 2 on was signed by it"), "{}", earlier.err);
}

#[test]
fn two_of_three_root_holders_change_the_roster() {
    let folder = Folder::opened();
    for who in ["bob", "carol"] {
        folder.ok(&["key", "new", who, "--root"]);
        folder.ok(&["key", "enroll", who, "--root", "--as", "alice"]);
    }
    folder.fails(2, &["key", "quorum", "4", "--reason", "x", "--as", "alice"], "root keys are held by 3");
    folder.fails(2, &["key", "quorum", "0", "--reason", "x", "--as", "alice"], "0 is not in 1..");
    folder.fails(2, &["key", "quorum", "1", "--reason", "x", "--as", "alice"], "already");
    // More are needed after than before: both quorums sign.
    folder.fails(2, &["key", "quorum", "2", "--reason", "x", "--as", "alice"], "alice alone");
    folder.ok(&[
        "key",
        "quorum",
        "2",
        "--reason",
        "no one alone",
        "--as",
        "alice",
        "--out",
        "q",
        "--with",
        "bob",
    ]);
    folder.fails(2, &["join", "q"], "is missing");
    folder.ok(&["cosign", "q", "--as", "bob"]);
    folder.ok(&["join", "q"]);
    folder.fails(2, &["key", "remove", "carol", "--reason", "x", "--as", "alice"], "alice alone");
    folder
        .ok(&["key", "remove", "carol", "--reason", "left", "--as", "bob", "--out", "r", "--with", "alice"]);
    folder.ok(&["cosign", "r", "--as", "alice"]);
    folder.ok(&["join", "r"]);
    folder.fails(
        2,
        &["key", "remove", "bob", "--reason", "x", "--as", "bob", "--out", "s", "--with", "alice"],
        "rootThreshold",
    );
    folder.fails(2, &["sign", "tests-green", "--as", "carol"], "not on the roster");
    checkpoint(&folder, "now");
    let (status, report) = verify(&folder, &["--checkpoint", "now"]);
    assert_eq!((status, findings(&report)), (Some(0), vec![]));
    let notices = report["notices"].to_string();
    assert!(notices.contains("roster-changed-during") && !notices.contains("root-threshold"), "{notices}");
}

#[test]
fn a_log_key_is_rotated_and_older_checkpoints_stay_good() {
    let folder = Folder::opened();
    checkpoint(&folder, "older");
    let before = folder.ok(&["key", "log"]);
    folder.ok(&["key", "log", "--rotate", "--as", "alice"]);
    let after = folder.ok(&["key", "log"]);
    assert_ne!(before, after);
    checkpoint(&folder, "newer");
    assert_eq!(verify(&folder, &["--checkpoint", "older"]).0, Some(4));
    assert_eq!(verify(&folder, &["--checkpoint", "older", "--checkpoint", "newer"]).0, Some(0));

    let elsewhere = folder.copy();
    for file in fs::read_dir(elsewhere.at("private")).unwrap().map(|file| file.unwrap().path()) {
        if file.file_name().unwrap().to_string_lossy().starts_with("log-") {
            fs::remove_file(file).unwrap();
        }
    }
    elsewhere.fails(2, &["checkpoint"], "no log key");
    let theirs = elsewhere.ok(&["key", "log"]);
    elsewhere.fails(2, &["checkpoint"], "not on the roster");
    folder.ok(&["key", "log", "--add", theirs.trim(), "--as", "alice"]);
    folder.fails(2, &["key", "log", "--add", theirs.trim(), "--as", "alice"], "log key");
    folder.fails(2, &["key", "log", "--drop", before.trim(), "--as", "alice"], "these are:");
    fs::copy(folder.ledger(), elsewhere.ledger()).unwrap();
    checkpoint(&elsewhere, "theirs");
    fs::copy(elsewhere.at("theirs"), folder.at("theirs")).unwrap();
    assert_eq!(verify(&folder, &["--checkpoint", "theirs"]).0, Some(0));
    folder.ok(&["key", "log", "--drop", theirs.trim(), "--as", "alice"]);
    fs::copy(folder.ledger(), elsewhere.ledger()).unwrap();
    elsewhere.fails(2, &["checkpoint"], "not on the roster");
}

/// As if the power had gone between the entry and the renaming of the files.
#[test]
fn an_interrupted_rotation_is_finished_by_the_next_command() {
    let folder = Folder::opened();
    let old = fs::read(folder.at("private/bob.pem")).unwrap();
    folder.ok(&["key", "rotate", "--as", "bob"]);
    let kept = fs::read_dir(folder.at("private")).unwrap().map(|file| file.unwrap().path());
    let kept = kept.filter(|path| path.to_string_lossy().contains("bob.old-")).last().unwrap();
    assert_eq!(fs::read(&kept).unwrap(), old);
    fs::rename(folder.at("private/bob.pem"), folder.at("private/bob.next.pem")).unwrap();
    let halfway = folder.copy();
    halfway.ok(&["note", "the old file was moved away already", "--as", "bob"]);
    fs::rename(&kept, folder.at("private/bob.pem")).unwrap();
    folder.ok(&["note", "signed with the new key", "--as", "bob"]);
    assert!(!folder.at("private/bob.next.pem").exists());
    folder.ok(&["key", "rotate", "--as", "bob"]);
    folder.ok(&["key", "rotate", "--root", "--as", "alice"]);
    folder.ok(&["key", "log", "--rotate", "--as", "alice"]);
    checkpoint(&folder, "now");
    assert_eq!(verify(&folder, &["--checkpoint", "now"]).0, Some(0));
}

/// Whoever made a key could have made its rotation too: only a key that its owner brings themselves clears the mark.
#[test]
fn a_rotation_does_not_hide_who_made_the_key_before() {
    let folder = Folder::opened();
    let notices = || {
        let (_, report) = verify(&folder, &[]);
        let list = report["notices"].as_array().unwrap().clone();
        let of_bob =
            |n: &&Value| n["code"] == "key-made-by-another" && n["text"].as_str().unwrap().contains("of bob");
        list.iter().filter(of_bob).map(|n| n["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(notices(), ["the key of bob was made by alice, who could sign with it"]);
    for _ in 0..2 {
        let ran = folder.run(&["key", "rotate", "--as", "bob"]);
        assert!(ran.status == Some(0) && ran.err.contains("alice made the old key"), "{}", ran.err);
        assert_eq!(
            notices(),
            ["the key of bob was rotated from one that alice made, who could have done that too"]
        );
    }
    let list = folder.ok(&["key", "list"]);
    assert!(list.contains("rotated from one that alice made"), "{list}");
    // The report says what `verify` says.
    folder.ok(&["report", "--as", "alice"]);
    let report: Value =
        serde_json::from_slice(&fs::read(folder.at("records/v2.14.0/report.json")).unwrap()).unwrap();
    let custody = report["control"]["custody"].as_array().unwrap();
    let of_bob = |of: &&Value| of["person"] == "bob" && of["madeBy"] == "alice";
    assert_eq!(custody.iter().filter(of_bob).count(), 3, "each of his keys since the opening: {custody:?}");
    let people = report["people"].as_array().unwrap();
    let bob = people.iter().find(|person| person["id"] == "bob").unwrap();
    assert_eq!(bob["keys"][0]["madeBy"], "alice", "{bob}");

    let own = folder.at("bob-s-own");
    let ran = folder.command(&["key", "new", "bob"]).env("AETHER_AUDIT_KEYS", &own).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let list: Value = serde_json::from_str(&folder.ok(&["key", "list", "-o", "json"])).unwrap();
    let bob = list["roster"]["people"].as_array().unwrap().iter().find(|p| p["id"] == "bob").unwrap().clone();
    let old =
        aether_audit::core::keys::PublicKey::from_spki_base64(bob["keys"][0]["public"].as_str().unwrap());
    let old = old.unwrap().keyid().to_string();
    fs::rename(folder.at("private/bob.pem"), folder.at("private/bob.handed-over.pem")).unwrap();
    folder.ok(&["key", "enroll", "bob", "--as", "alice"]);
    folder.ok(&["key", "revoke", "bob", "--key", &old, "--reason", "alice made it", "--as", "alice"]);
    assert_eq!(notices(), Vec::<String>::new());
}

#[test]
fn neither_a_key_out_of_force_nor_the_id_of_somebody_removed_comes_back() {
    let folder = Folder::opened();
    folder.ok(&["key", "new", "bob"]);
    let again = &["key", "enroll", "bob", "--role", "comms-lead", "--as", "alice"];
    folder.ok(&["key", "revoke", "bob", "--reason", "stolen", "--as", "alice"]);
    folder.fails(2, again, "was taken out of force in entry 4 and does not come back");
    folder.ok(&["key", "remove", "bob", "--reason", "left", "--as", "alice"]);
    folder.fails(2, again, "ids are never used again");
}
