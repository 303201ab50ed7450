//! `report --format`: what is written, signed and compared, and what the control mapping says of a record.

use std::fs;

use cdevents_sdk::CDEvent;
use chrono::DateTime;
use serde_json::Value;

use crate::folder::{Folder, OPEN};

const RECORD: &str = "records/v2.14.0";
const FILES: [&str; 4] =
    ["report.oscal.json", "report.cdevents.jsonl", "report.events.csv", "report.bundle.jsonl"];
const ALL: [&str; 7] = ["report", "--as", "alice", "--format", "oscal,cdevents", "--format", "csv,bundle"];

/// Green takes some traffic, then all of it, then Blue has it back.
fn rolled_back() -> Folder {
    let folder = Folder::enrolled();
    let path = folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("services = [").unwrap();
    let (_, after) = rest.split_once(']').unwrap();
    fs::write(&path, format!("{before}services = [\"=web,1\"]{after}")).unwrap();
    folder.ok(&OPEN);
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    for (to, percent) in [("green", "10"), ("green", "100"), ("blue", "100")] {
        let shifted = ["record", "traffic-shifted", "--service", "=web,1", "--as", "alice", "--to", to];
        folder.ok(&[shifted.as_slice(), &["--percent", percent]].concat());
    }
    folder
}

fn findings(folder: &Folder) -> Vec<String> {
    let said: Value = serde_json::from_str(&folder.run(&["verify", RECORD, "-o", "json"]).out).unwrap();
    let found = said["record"]["findings"].as_array().unwrap().iter();
    found.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_format_is_signed_and_compared_and_goes_with_its_report() {
    let folder = rolled_back();
    folder.ok(&ALL);
    assert_eq!(findings(&folder), Vec::<String>::new());
    let signed = fs::read_to_string(folder.at(RECORD).join("report.dsse.json")).unwrap();
    assert!(signed.contains("payload"));
    for name in FILES {
        let path = folder.at(RECORD).join(name);
        let before = fs::read(&path).unwrap();
        let mut spoilt = before.clone();
        let middle = spoilt.len() / 2;
        spoilt[middle] ^= 1;
        fs::write(&path, spoilt).unwrap();
        assert_eq!(findings(&folder), ["report-file-changed"], "{name}");
        fs::remove_file(&path).unwrap();
        assert_eq!(findings(&folder), ["report-file-missing"], "{name}");
        fs::write(&path, before).unwrap();
    }
    folder.ok(&["report", "--as", "alice"]);
    assert!(FILES.iter().all(|name| !folder.at(RECORD).join(name).exists()));
    assert_eq!(findings(&folder), Vec::<String>::new());
}

#[test]
fn the_bundle_holds_the_envelopes_of_the_log() {
    let folder = rolled_back();
    folder.ok(&ALL);
    folder.ok(&["export", "out"]);
    let lines = fs::read_to_string(folder.at("out/entries.jsonl")).unwrap();
    let stored: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let stored: Vec<_> = stored.iter().filter(|line| line.get("deploymentSeq").is_some()).collect();
    let bundle = fs::read_to_string(folder.at(RECORD).join("report.bundle.jsonl")).unwrap();
    let bundle: Vec<Value> = bundle.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(bundle.len(), 5);
    assert_eq!(stored.len(), 6, "with report-issued, which came after");
    assert!(bundle.iter().zip(stored).all(|(given, stored)| *given == stored["envelope"]));
}

#[test]
fn events_tell_what_happened_to_the_service() {
    let folder = rolled_back();
    let stranger = ["record", "traffic-shifted", "--service", "a;=1", "--as", "alice", "--to", "green"];
    folder.ok(&stranger);
    folder.ok(&ALL);
    let text = fs::read_to_string(folder.at(RECORD).join("report.cdevents.jsonl")).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = events.iter().map(|event| event["context"]["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["deployed", "upgraded", "rolledback"].map(|kind| format!("dev.cdevents.service.{kind}.0.3.0"))
    );
    assert_eq!(events[0]["subject"]["content"]["artifactId"], "pkg:generic/%3Dweb%2C1@v2.14.0");
    for event in &events {
        agrees_with_the_specifications_types(event);
    }
    let csv = fs::read_to_string(folder.at(RECORD).join("report.events.csv")).unwrap();
    assert_eq!(csv.matches("\r\n").count(), 7, "{csv}");
    assert!(csv.contains(",a;'=1,observed,"), "{csv}");
    assert_eq!(csv.matches(",\"'=web,1\",observed,").count(), 3, "{csv}");
}

/// The `CDEvents` project generates the types of its own library from the JSON schemas of its specification;
/// what it does not know it refuses or does not give back.
fn agrees_with_the_specifications_types(event: &Value) {
    let read: CDEvent = serde_json::from_value(event.clone()).unwrap();
    let kind = event["context"]["type"].as_str().unwrap();
    assert_eq!((read.version(), read.ty(), read.subject().content().ty()), ("0.5.0", kind, kind));
    let time = DateTime::parse_from_rfc3339(event["context"]["timestamp"].as_str().unwrap()).unwrap();
    assert_eq!(read.timestamp().unix_timestamp_nanos(), time.timestamp_nanos_opt().unwrap().into());
    let mut back = serde_json::to_value(&read).unwrap();
    // It leaves out the zeros at the end of a fraction.
    back["context"]["timestamp"] = event["context"]["timestamp"].clone();
    assert_eq!(back, *event);
    for place in ["", "/context", "/subject/content", "/subject/content/environment"] {
        let mut more = event.clone();
        more.pointer_mut(place).unwrap()["unheardOf"] = "x".into();
        assert!(serde_json::from_value::<CDEvent>(more).is_err(), "{place}");
    }
    for name in ["environment", "artifactId"] {
        let mut less = event.clone();
        less["subject"]["content"].as_object_mut().unwrap().remove(name);
        assert!(serde_json::from_value::<CDEvent>(less).is_err(), "{name}");
    }
}

#[test]
fn a_control_is_evidenced_by_what_the_record_shows_and_by_nothing_else() {
    let folder = rolled_back();
    folder.ok(&ALL);
    let text = fs::read(folder.at(RECORD).join("report.oscal.json")).unwrap();
    let oscal: Value = serde_json::from_slice(&text).unwrap();
    let result = &oscal["assessment-results"]["results"][0];
    let verdict = |id: &str| {
        let all = result["findings"].as_array().unwrap();
        let found = all.iter().find(|finding| finding["target"]["target-id"] == id).unwrap();
        (found["props"][0]["value"].clone(), found["target"]["status"]["state"].clone())
    };
    assert_eq!(verdict("au-9"), ("evidenced".into(), "satisfied".into()));
    assert_eq!(verdict("au-10"), ("partly".into(), "not-satisfied".into()), "alice made bob's key");
    assert_eq!(verdict("cm-3"), ("not evidenced".into(), "not-satisfied".into()));
    let page = fs::read_to_string(folder.at(RECORD).join("report.md")).unwrap();
    assert!(page.contains("AU-9: Protection of audit information | **evidenced** |"), "{page}");
    assert!(page.contains("**no**: go-decision-before-cutover"), "{page}");
    assert!(page.contains("**no**: nothing-out-of-process (entries "), "{page}");
}

#[test]
fn a_go_that_overrides_brought_about_evidences_no_control() {
    let folder = Folder::opened();
    let missing: Value = serde_json::from_str(&folder.run(&["gate", "go", "-o", "json"]).out).unwrap();
    let waived: Vec<&str> =
        missing["missing"].as_array().unwrap().iter().filter_map(|m| m["requirement"].as_str()).collect();
    assert!(waived.len() > 3, "{missing}");
    let mut go = vec!["decide", "go", "--reason", "now", "--as", "alice"];
    go.extend(waived.iter().flat_map(|requirement| ["--override", requirement]));
    folder.ok(&go);
    folder.ok(&[
        "record",
        "traffic-shifted",
        "--service",
        "app",
        "--to",
        "green",
        "--act",
        "done",
        "--as",
        "alice",
    ]);
    folder.ok(&["report", "--as", "alice"]);
    let page = fs::read_to_string(folder.at(RECORD).join("report.md")).unwrap();
    assert!(page.contains("**no**: go-decision-before-cutover (entries "), "{page}");
    assert!(page.contains("**no**: every-item-signed"), "{page}");
    for control in [
        "Changes are authorized",
        "Change management",
        "Configuration change control",
        "established procedures",
    ] {
        let line =
            page.lines().find(|line| line.contains(control)).unwrap_or_else(|| panic!("{control}: {page}"));
        assert!(!line.contains("**evidenced**"), "{line}");
    }
}
