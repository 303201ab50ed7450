//! What an entry says, in words: `show`, `join`, `cosign`, and what was probably meant.

use std::fs;

use aether_audit::core::dsse;
use aether_audit::core::keys::SecretKey;
use serde_json::Value;

use crate::folder::{COMMIT, Folder, PASSPHRASE};

#[test]
fn show_tells_who_when_what_and_whether_it_verifies() {
    let folder = Folder::opened();
    folder.ok(&["sign", "env-audit", "--note", "compared with the manifest", "--as", "alice"]);
    let shown = folder.ok(&["show", "4"]);
    for part in [
        "entry        4 of example.com/audit/prod\n",
        "what         item-signed env-audit done: A role's sign-off of one item\n",
        "deployment   v2.14.0, its entry 1\n",
        "signed by    alice as lead-deployer, key ",
        ": VALID\n",
        "having seen  the log up to entry 3\n",
        "  outcome      done\n",
        "(text/plain)\n    | compared with the manifest\n",
    ] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    let json: Value = serde_json::from_str(&folder.ok(&["show", "4", "-o", "json"])).unwrap();
    assert_eq!(json["statement"]["predicate"]["body"]["item"], "env-audit");
    let opened = folder.ok(&["show", "3"]);
    assert!(opened.contains("more lines, all of them with -o json"), "{opened}");
    let governance = folder.ok(&["show", "0"]);
    assert!(
        governance.contains("none: it is about the log itself") && governance.contains(": VALID"),
        "{governance}"
    );
}

#[test]
fn show_gives_the_verdict_on_a_key_that_is_rotated_or_suspect() {
    let folder = Folder::opened();
    folder.ok(&["note", "first", "--as", "bob"]);
    folder.ok(&["key", "rotate", "--as", "bob"]);
    let shown = folder.ok(&["show", "4"]);
    assert!(
        shown.contains("SUPERSEDED: the signature verifies; the key was in force until entry 5"),
        "{shown}"
    );
    folder.ok(&["note", "second", "--as", "bob"]);
    folder.ok(&["key", "revoke", "bob", "--compromised-from", "6", "--reason", "stolen", "--as", "alice"]);
    let shown = folder.ok(&["show", "6"]);
    assert!(shown.contains("SUSPECT: the key may be in other hands from entry 6 on"), "{shown}");
}

#[test]
fn show_says_what_became_of_an_erased_text_and_of_a_fact_out_of_process() {
    let folder = Folder::opened();
    folder.ok(&["note", "hunter2", "--as", "bob"]);
    let shown: Value = serde_json::from_str(&folder.ok(&["show", "4", "-o", "json"])).unwrap();
    let commit = shown["openings"].as_object().unwrap().keys().next().unwrap();
    folder.ok(&["erase", commit, "--reason", "a password", "--as", "alice", "--yes"]);
    let shown = folder.ok(&["show", "4"]);
    assert!(shown.contains("[erased on ") && shown.contains("by alice: a password (entry 5)]"), "{shown}");
    folder.ok(&["record", "traffic-shifted", "--service", "app", "--to", "green", "--as", "carol"]);
    let shown = folder.ok(&["show", "6"]);
    assert!(shown.contains("OUT OF PROCESS traffic of app moved to Green without a go in force"), "{shown}");
}

/// A statement of bob's into a file, signed `minutes` ago.
fn signed_earlier(folder: &Folder, minutes: i64) {
    folder.ok(&["sign", "channel-ready", "--note", "on the train", "--as", "bob", "--out", "signed.json"]);
    let mut bundle: Value =
        serde_json::from_str(&fs::read_to_string(folder.at("signed.json")).unwrap()).unwrap();
    let payload = dsse::decode(bundle["envelope"]["payload"].as_str().unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    let time = payload.split("\"time\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let earlier = aether_audit::core::time::Timestamp::parse(&time).unwrap().plus_seconds(-60 * minutes);
    let payload = payload.replace(&time, &earlier.to_string());
    let pem = fs::read_to_string(folder.at("private/bob.pem")).unwrap();
    let key = SecretKey::from_encrypted_pem(&pem, PASSPHRASE.as_bytes()).unwrap();
    bundle["envelope"]["payload"] = dsse::encode(payload.as_bytes()).into();
    bundle["envelope"]["signatures"][0]["sig"] =
        dsse::encode(&key.sign(&dsse::pae(payload.as_bytes()))).into();
    fs::write(folder.at("signed.json"), bundle.to_string()).unwrap();
}

#[test]
fn join_tells_what_was_joined_and_how_late() {
    let folder = Folder::opened();
    signed_earlier(&folder, 41);
    let joined = folder.run(&["join", "signed.json"]);
    let told = "entry 4: v2.14.0: item-signed channel-ready done, by bob as comms-lead, joined 41 minutes after it was signed\n";
    assert_eq!((joined.status, joined.err.as_str()), (Some(0), told));
    let again = folder.run(&["join", "signed.json"]);
    assert!(
        again.err.contains(", by bob as comms-lead: it stood there already, recorded at "),
        "{}",
        again.err
    );
    let log = folder.ok(&["log"]);
    assert!(log.contains("(signed 41 min earlier)"), "{log}");
    let shown = folder.ok(&["show", "4"]);
    assert!(shown.contains(" 41 minutes after it was signed\n"), "{shown}");
}

#[test]
fn cosign_tells_what_is_signed_and_who_is_still_needed() {
    let folder = Folder::opened();
    folder.ok(&["note", "we both saw it", "--with", "carol", "--as", "alice", "--out", "both.json"]);
    let ran = folder.run(&["cosign", "both.json", "--as", "carol"]);
    for part in [
        "what         note-added: A note\n",
        "deployment   v2.14.0\n",
        "signed by    alice as lead-deployer\n",
        "still needed carol as qa-engineer\n",
        "    | we both saw it\n",
        "signed; everybody has: `aether-audit join both.json`",
    ] {
        assert!(ran.err.contains(part), "{part:?} is not in {}", ran.err);
    }
}

#[test]
fn what_was_mistyped_is_guessed() {
    let folder = Folder::opened();
    for (status, command, says) in [
        (2, "sign env-adit --as alice", "no item env-adit: did you mean env-audit?"),
        (2, "withdraw env-adit --reason x --as alice", "no item env-adit: did you mean env-audit?"),
        (2, "collect htpp-5xx --as alice", "defines no check htpp-5xx: did you mean http-5xx?"),
        (2, "note x --as alise", "alise is not on the roster: did you mean alice?"),
        (2, "key remove carrol --reason x --as alice", "carrol is not on the roster: did you mean carol?"),
        (2, "key revoke bbo --reason x --as alice", "bbo is not on the roster: did you mean bob?"),
        (2, "assign coms-lead bob --as alice", "no role coms-lead: did you mean comms-lead?"),
        (2, "assign comms-lead bbo --as alice", "bbo is not on the roster: did you mean bob?"),
        (2, "key enroll bob --role custodain --as alice", "no role custodain: did you mean custodian?"),
        (2, "status --deployment v2.41.0", "no deployment v2.41.0 in this ledger: did you mean v2.14.0?"),
        (2, "log --deployment v2.14", "no deployment v2.14 in this ledger: did you mean v2.14.0?"),
        (2, "render --deployment v2.14.o", "no deployment v2.14.o in this ledger: did you mean v2.14.0?"),
        (
            2,
            "decide go --reason x --override item/env-adit --as alice",
            "cannot be waived; did you mean item/env-audit?",
        ),
        (
            2,
            "decide override --gate go --waive items/env-audit --reason x --as alice",
            "cannot be waived; did you mean item/env-audit?",
        ),
        (2, "note x --as zebulon", "zebulon is not on the roster: see `aether-audit key list`"),
    ] {
        folder.fails(status, &command.split(' ').collect::<Vec<_>>(), says);
    }
    let open = format!(
        "open v3 --commit {COMMIT} --lead-deployer alice --comms-lead bob --qa-engineer caroll --as alice"
    );
    folder.fails(2, &open.split(' ').collect::<Vec<_>>(), "caroll is not on the roster: did you mean carol?");
}
