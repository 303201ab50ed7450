//! `retro --reconcile` against GitHub's runs, and against CloudTrail's events, which a scripted server plays: no peer has them.

use std::io::Write as _;

use aether_audit::core::time::Timestamp;
use serde_json::{Value, json};

use crate::folder::{Folder, Ran};
use crate::hub::{Hub, TOKEN, opened_with};
use crate::server::Server;

const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba98";

fn retro(folder: &Folder, endpoint: &str, args: &[&str]) -> (Option<i32>, Value) {
    let all: Vec<&str> =
        ["retro", "-o", "json", "--reconcile"].into_iter().chain(args.iter().copied()).collect();
    let mut command = folder.command(&all);
    command.env_remove("GITHUB_TOKEN").env_remove("GH_TOKEN").env("AETHER_AUDIT_GITHUB_TOKEN", TOKEN);
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_ENDPOINT_URL", endpoint);
    let ran = Ran::of(command.output().unwrap());
    assert!(!ran.err.contains(TOKEN));
    (ran.status, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err)))
}

/// CloudTrail's pages, one event each; what is asked next gets the next one.
fn cloudtrail(events: Vec<Value>) -> Server {
    let count = events.len();
    let mut pages = events.into_iter().enumerate().map(move |(index, event)| {
        let mut page = json!({"Events": [event]});
        if index + 1 < count {
            page["NextToken"] = json!(format!("page-{index}"));
        }
        page.to_string()
    });
    let pages = std::sync::Mutex::new(move || pages.next());
    Server::start(move |stream, _| {
        let body = (pages.lock().unwrap())().unwrap_or_else(|| json!({"Events": []}).to_string());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
    })
}

fn change(id: &str, at: i64, name: &str, refused: bool) -> Value {
    let set = json!({"name": name, "type": "A", "setIdentifier": "green", "weight": 255});
    let mut inner = json!({
        "eventName": "ChangeResourceRecordSets",
        "requestParameters": {"hostedZoneId": "Z0123456789ABCDEFGHIJ", "changeBatch": {"changes": [
            {"action": "UPSERT", "resourceRecordSet": set}, {"action": "UPSERT", "resourceRecordSet": set},
        ]}},
    });
    if refused {
        inner["errorCode"] = json!("AccessDenied");
    }
    json!({"EventId": id, "EventName": "ChangeResourceRecordSets", "EventTime": at, "Username": "mallory", "CloudTrailEvent": inner.to_string()})
}

#[test]
fn what_github_and_cloudtrail_know_and_no_record_has() {
    let hub = Hub::start(&json!({}));
    let now = Timestamp::from(chrono::Utc::now()).millis() / 1000;
    let trail = cloudtrail(vec![
        change("moved", now, "app.example.com.", false),
        change("refused", now, "app.example.com.", true),
        change("elsewhere", now, "mail.example.com.", false),
        change("by-night", now - 3600, "App.example.com.", false),
    ]);
    let more = "[[traffic]]\nservice = \"app\"\nzone = \"Z0123456789ABCDEFGHIJ\"\nrecord = \"app.example.com\"\ntype = \"A\"\n\
                blue-set = \"blue\"\ngreen-set = \"green\"\n";
    let folder = opened_with(&hub.url, more);
    folder.ok(&["record", "traffic-shifted", "--service", "app", "--to", "green", "--as", "alice"]);
    // One run of the recorded commit, one of another.
    hub.change(&json!({"advance": false, "runs": [{}, {"sha": OTHER}]}));
    let since = Timestamp::from_millis((now - 7200) * 1000).unwrap().to_string();
    let (status, said) = retro(&folder, &trail.url(), &["--since", &since]);
    assert_eq!(status, Some(1), "{said}");
    let held = &said["reconciliation"];
    let names: Vec<&str> =
        held["unrecorded"].as_array().unwrap().iter().map(|one| one["source"].as_str().unwrap()).collect();
    assert_eq!(names, ["route53", "github"], "{held}");
    assert_eq!(
        (&held["unrecorded"][0]["id"], &held["unrecorded"][1]["commit"]),
        (&json!("by-night"), &json!(OTHER))
    );
    assert_eq!(held["matched"], 2);
    let states: Vec<&str> =
        held["sources"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["whole", "whole"], "{held}");
}

#[test]
fn who_does_not_answer_proves_nothing() {
    let hub = Hub::start(&json!({"permissions": ["metadata:read"]}));
    let folder = opened_with(&hub.url, "");
    let (status, said) = retro(&folder, "http://127.0.0.1:9", &[]);
    assert_eq!(status, Some(4), "{said}");
    let sources = &said["reconciliation"]["sources"];
    assert_eq!(
        (&sources[0]["state"], &sources[1]["state"]),
        (&json!("failed"), &json!("not-asked")),
        "{sources}"
    );
}
