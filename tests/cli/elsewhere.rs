//! Statements signed elsewhere: three people, three laptops, one record.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::folder::{Folder, ORIGIN, Ran};

/// A person's own machine: a copy of the ledger and their own key, nothing else.
struct Laptop {
    who: &'static str,
    folder: Folder,
}

impl Laptop {
    fn of(who: &'static str, office: &Folder) -> Self {
        let folder = Folder::empty();
        fs::create_dir(folder.at("private")).unwrap();
        fs::copy(office.at(&format!("private/{who}.pem")), folder.at(&format!("private/{who}.pem"))).unwrap();
        fs::copy(office.ledger(), folder.at("copy.db")).unwrap();
        Self { who, folder }
    }

    /// Signs into a file and gives its path.
    fn out(&self, words: &[&str], file: &str) -> PathBuf {
        let ran = self.try_out(words, file);
        assert_eq!(ran.status, Some(0), "{}", ran.err);
        self.folder.at(file)
    }

    fn try_out(&self, words: &[&str], file: &str) -> Ran {
        self.folder.run(&[words, &["--as", self.who, "--ledger", "copy.db", "--out", file]].concat())
    }

    fn cosign(&self, file: &str) -> Ran {
        self.folder.run(&["cosign", file, "--as", self.who])
    }
}

fn join(office: &Folder, files: &[&PathBuf]) -> Ran {
    let files = files.iter().map(|file| file.to_str().unwrap());
    office.run(&["join"].into_iter().chain(files).collect::<Vec<_>>())
}

fn joined(office: &Folder, files: &[&PathBuf]) -> Vec<Value> {
    let files = files.iter().map(|file| file.to_str().unwrap());
    let said = office.ok(&["join", "-o", "json"].into_iter().chain(files).collect::<Vec<_>>());
    serde_json::from_str(&said).unwrap()
}

fn assert_verifies(office: &Folder) {
    fs::write(office.at("ckpt"), office.ok(&["checkpoint"])).unwrap();
    office.ok(&["verify", "--roster-sha256", &office.roster_sha256(), "--checkpoint", "ckpt"]);
}

#[test]
fn three_laptops_make_one_record_in_any_order() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let office = Folder::opened();
        let files = [("alice", "env-audit"), ("bob", "channel-ready"), ("carol", "tests-green")]
            .map(|(who, item)| Laptop::of(who, &office).keep(&["sign", item], &office));
        office.ok(&["note", "something else came first", "--as", "bob"]);
        let files: Vec<&PathBuf> = order.iter().map(|&n| &files[n]).collect();
        let places = joined(&office, &files);
        assert_eq!(places.iter().map(|place| place["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [5, 6, 7]);
        let status = office.ok(&["log", "-o", "json"]);
        for item in ["env-audit", "channel-ready", "tests-green"] {
            assert!(status.contains(item), "{status}");
        }
        assert_verifies(&office);
    }
}

impl Laptop {
    /// Signs on this laptop and carries the file to the office.
    fn keep(&self, words: &[&str], office: &Folder) -> PathBuf {
        let file = office.at(&format!("from-{}.json", self.who));
        fs::copy(self.out(words, "signed.json"), &file).unwrap();
        file
    }
}

#[test]
fn joined_twice_it_stands_once() {
    let office = Folder::opened();
    let file = Laptop::of("bob", &office).keep(&["sign", "channel-ready", "--note", "seen"], &office);
    assert_eq!(joined(&office, &[&file])[0]["already"], false);
    office.ok(&["note", "meanwhile", "--as", "alice"]);
    let again = joined(&office, &[&file, &file]);
    assert!(again.iter().all(|place| place["already"] == true && place["seq"] == 4), "{again:?}");
    assert_eq!(office.entries(), 6);
    assert_verifies(&office);
}

#[test]
fn two_sign_one_statement_on_two_laptops() {
    let office = Folder::opened();
    let (alice, carol) = (Laptop::of("alice", &office), Laptop::of("carol", &office));
    let file = alice.out(&["note", "we both saw it", "--with", "carol"], "both.json");
    join(&office, &[&file]).failed(2, "have its holder run `aether-audit cosign FILE`");
    let bob = Laptop::of("bob", &office);
    fs::copy(&file, bob.folder.at("both.json")).unwrap();
    bob.cosign("both.json").failed(2, "none of bob's keys here is among those that must still sign");
    fs::copy(&file, carol.folder.at("both.json")).unwrap();
    let ran = carol.cosign("both.json");
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains(ORIGIN) && ran.err.contains("note-added"), "who cosigns sees what: {}", ran.err);
    carol.cosign("both.json").failed(2, "everybody has signed");
    assert_eq!(joined(&office, &[&carol.folder.at("both.json")])[0]["seq"], 4);
    let log = office.ok(&["log", "-o", "json"]);
    assert!(log.contains("alice (lead-deployer)") && log.contains("carol (qa-engineer)"), "{log}");
    assert_verifies(&office);
}

#[test]
fn the_laptops_copy_is_only_read() {
    let office = Folder::opened();
    let bob = Laptop::of("bob", &office);
    let before = fs::read(bob.folder.at("copy.db")).unwrap();
    bob.out(&["sign", "channel-ready"], "signed.json");
    assert_eq!(fs::read(bob.folder.at("copy.db")).unwrap(), before);
    bob.try_out(&["sign", "team-ready"], "no.json").failed(1, "that is for lead-deployer");
    assert!(!bob.folder.at("no.json").exists());
    let ran =
        bob.folder.run(&["sign", "channel-ready", "--with", "carol", "--as", "bob", "--ledger", "copy.db"]);
    ran.failed(2, "--out");
}

/// Every byte of a carried file that is changed is noticed, or changes nothing.
#[test]
fn a_tampered_file_is_refused() {
    let office = Folder::opened();
    let file = Laptop::of("bob", &office).keep(&["sign", "channel-ready", "--note", "as it was"], &office);
    let sound: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let try_join = |what: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = sound.clone();
        change(&mut changed);
        assert_ne!(changed, sound, "{what}");
        fs::write(&file, changed.to_string()).unwrap();
        let ran = join(&office, &[&file]);
        assert!(matches!(ran.status, Some(1 | 2)), "{what}: {:?} {}", ran.status, ran.err);
        assert!(
            ran.err.starts_with("aether-audit: ") && !ran.err.contains("panicked"),
            "{what}: {}",
            ran.err
        );
        assert_eq!(office.entries(), 4, "{what} was appended");
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let flip = |text: String| {
        if let Some(rest) = text.strip_prefix('A') { format!("B{rest}") } else { format!("A{}", &text[1..]) }
    };
    try_join("a signature", &|v| {
        v["envelope"]["signatures"][0]["sig"] = flip(text(&v["envelope"]["signatures"][0]["sig"])).into();
    });
    try_join("no signature", &|v| v["envelope"]["signatures"] = Value::Array(vec![]));
    try_join("a signature twice", &|v| {
        let first = v["envelope"]["signatures"][0].clone();
        v["envelope"]["signatures"].as_array_mut().unwrap().push(first);
    });
    try_join("a key id", &|v| v["envelope"]["signatures"][0]["keyid"] = "0".repeat(64).into());
    try_join("a payload type", &|v| v["envelope"]["payloadType"] = "text/plain".into());
    try_join("the payload", &|v| v["envelope"]["payload"] = flip(text(&v["envelope"]["payload"])).into());
    for (from, to) in [
        ("channel-ready", "team-ready"),
        ("v2.14.0", "v2.15.0"),
        ("\"done\"", "\"na\""),
        ("comms-lead", "qa-engineer"),
    ] {
        try_join(&format!("{from} for {to}"), &|v| {
            let payload =
                aether_audit::core::dsse::decode(v["envelope"]["payload"].as_str().unwrap()).unwrap();
            let payload = String::from_utf8(payload).unwrap();
            assert!(payload.contains(from), "{payload}");
            v["envelope"]["payload"] =
                aether_audit::core::dsse::encode(payload.replace(from, to).as_bytes()).into();
        });
    }
    try_join("no opening", &|v| v["openings"] = Value::Object(serde_json::Map::new()));
    try_join("another opening", &|v| {
        let openings = v["openings"].as_object_mut().unwrap();
        let commit = openings.keys().next().unwrap().clone();
        openings.insert(commit, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".into());
    });
    try_join("one opening more", &|v| {
        let opening = aether_audit::core::opening::Opening { salt: [1; 16], bytes: b"smuggled".to_vec() };
        let encoded = aether_audit::core::dsse::encode(&opening.to_file_bytes());
        v["openings"].as_object_mut().unwrap().insert(opening.commit().to_string(), encoded.into());
    });
    try_join("a member more", &|v| v["extra"] = 1.into());
    fs::write(&file, sound.to_string()).unwrap();
    assert_eq!(joined(&office, &[&file])[0]["seq"], 4);
    assert_verifies(&office);
}

#[test]
fn a_statement_for_another_log_is_refused() {
    let office = Folder::opened();
    let other = Folder::empty();
    other.ok(&["init", "--origin", "example.com/audit/staging", "--as", "alice"]);
    for (name, role) in [("bob", "comms-lead"), ("carol", "qa-engineer")] {
        other.ok(&["key", "new", name]);
        other.ok(&["key", "enroll", name, "--role", role, "--as", "alice"]);
    }
    other.ok(&crate::folder::OPEN);
    let file = Laptop::of("bob", &other).keep(&["note", "for staging"], &office);
    join(&office, &[&file])
        .failed(2, "it was signed for the log example.com/audit/staging, this one is example.com/audit/prod");
    assert_eq!(office.entries(), 4);
}

#[test]
fn the_delay_between_signing_and_joining_is_told() {
    let office = Folder::opened();
    let file = Laptop::of("bob", &office).keep(&["note", "early"], &office);
    assert!(joined(&office, &[&file])[0]["delayMinutes"].as_u64().is_some());
    let log: Value = serde_json::from_str(&office.ok(&["log", "-o", "json"])).unwrap();
    let last = log.as_array().unwrap().last().unwrap().clone();
    assert!(last["time"].as_str().unwrap() <= last["recorded"].as_str().unwrap());
}
