//! Every source that asks over the network, against every way in which a server can fail it: `collect` records each as
//! what it is, none passes, and nothing secret is shown. Scripted: no server does this on demand.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::everything::everything;
use crate::folder::{COMMIT, Folder, Ran};
use crate::server::Server;

const SECRETS: [(&str, &str); 3] = [
    ("AWS_SECRET_ACCESS_KEY", "planted-aws-secret"),
    ("AETHER_AUDIT_GITHUB_TOKEN", "planted-github-token"),
    ("PROMETHEUS_TOKEN", "planted-prometheus-token"),
];
/// Those that ask for one fact of their server; any answer but that fact is an error.
const READERS: [&str; 10] = [
    "metric",
    "alarms",
    "parameters",
    "snapshot",
    "logs",
    "dns",
    "prometheus",
    "workflow",
    "pulls",
    "code-freeze",
];
/// Those that judge the server itself: what it answers is the measurement.
const JUDGES: [&str; 3] = ["page", "flow", "certificate"];

fn opened(address: &str) -> Folder {
    let folder = Folder::enrolled();
    let path = folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("[aws]\n").unwrap();
    let (_, rest) = rest.split_once("# [http]").unwrap();
    let (middle, _) = rest.split_once("# A check names a source").unwrap();
    let (_, port) = address.split_once(':').unwrap();
    let checks = include_str!("every_source.toml").replace("ADDRESS", address).replace("PORT", port);
    fs::write(&path, format!("{head}{checks}")).unwrap();
    assert!(!middle.contains("\n["), "{middle}");
    fs::write(
        folder.at("flow.toml"),
        "[[step]]\nname = \"in\"\nmethod = \"GET\"\npath = \"/\"\nstatus = \"200\"\nbody-pattern = \"welcome\"\n",
    )
    .unwrap();
    fs::write(folder.at("short.md"), "- [ ] ready\n").unwrap();
    let roles =
        ["--lead-deployer", "alice", "--comms-lead", "bob", "--qa-engineer", "carol", "--as", "alice"];
    folder.ok(&[&["open", "v2.14.0", "--checklist", "short.md", "--commit", COMMIT][..], &roles].concat());
    folder
}

/// Collects those checks; gives the answer of each.
fn collected(folder: &Folder, name: &str, checks: &[&str], status: i32) -> Vec<Value> {
    let mut command = folder.command(&[&["collect", "--as", "alice", "-o", "json"], checks].concat());
    command.envs(SECRETS).envs([("AWS_ACCESS_KEY_ID", "test"), ("RUST_LOG", "trace")]);
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(ran.status, Some(status), "{name}: {}{}", ran.out, ran.err);
    for (_, secret) in SECRETS {
        assert!(!(ran.out.clone() + &ran.err).contains(secret), "{name}: {secret}");
    }
    let lines: Vec<Value> = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{name}: {}", ran.err));
    let answered: Vec<_> = lines.iter().map(|line| line["check"].as_str().unwrap()).collect();
    assert_eq!(answered, checks, "{name}");
    lines
}

/// Holds what is recorded against what must be.
fn fails(name: &str, address: &str, answered: bool) {
    let folder = opened(address);
    for line in collected(&folder, name, &READERS, 1) {
        assert_eq!(line["phase"], "error", "{name}: {line}");
        assert!(line["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{name}: {line}");
    }
    for line in collected(&folder, name, &JUDGES, 1) {
        let known = if answered { &["warn"][..] } else { &["warn", "error"] };
        assert!(known.contains(&line["phase"].as_str().unwrap()), "{name}: {line}");
    }
    let log: Value = serde_json::from_str(&folder.ok(&["log", "-o", "json"])).unwrap();
    let is_reading = |entry: &&Value| entry["kind"] == "metric-read" || entry["kind"] == "evidence-collected";
    let recorded = log.as_array().unwrap().iter().filter(is_reading).count();
    assert_eq!(recorded, READERS.len() + JUDGES.len(), "{name}: {log}");
    let roster = fs::read_to_string(folder.at("keys/roster.sha256")).unwrap();
    let verified = folder.run(&["verify", "--roster-sha256", roster.trim()]);
    assert_eq!(verified.status, Some(4), "{name}: {}", verified.err);
    folder.ok(&["export", "out"]);
    let mut all = Vec::new();
    for place in ["records", "out"] {
        everything(&folder.at(place), &[], &mut all);
    }
    for (_, secret) in SECRETS {
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|at| at == secret.as_bytes());
        let found = all.iter().find(|(_, bytes)| holds(bytes));
        assert!(found.is_none(), "{name}: {secret} is in {}", found.unwrap().0);
    }
}

/// The server that fails in this way, at every connection.
fn against(name: &str, answered: bool, answer: impl Fn(&mut TcpStream) + Send + 'static) {
    let server = Server::start(move |stream, _| answer(stream));
    fails(name, server.url().strip_prefix("http://").unwrap(), answered);
}

fn saying(name: &str, status: &str, body: &str) {
    let whole = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    against(name, true, move |stream| drop(stream.write_all(whole.as_bytes())));
}

/// Nearly all of it is waiting: at the same time.
fn together(cases: &[&(dyn Fn() + Sync)]) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(case);
        }
    });
}

#[test]
fn answers_that_do_not_come() {
    together(&[
        &|| fails("gone", "127.0.0.1:1", false),
        &|| against("cut before an answer", false, |_| {}),
        &|| against("silent", false, |_| thread::sleep(Duration::from_secs(3))),
        &|| {
            against("cut in the middle", false, |stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"a\":");
            });
        },
        &|| {
            against("drop by drop", false, |stream| {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
                let late = Instant::now() + Duration::from_secs(5);
                while Instant::now() < late && stream.write_all(b" ").is_ok() {
                    thread::sleep(Duration::from_millis(50));
                }
            });
        },
        &|| against("not HTTP", false, |stream| drop(stream.write_all(b"220 ready\r\n\r\n"))),
    ]);
}

#[test]
fn answers_that_say_nothing() {
    let error = "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"x\",\"message\":\"x\"}";
    together(&[
        &|| saying("nonsense", "200 OK", "\u{1}nonsense\u{2}"),
        &|| saying("nothing", "200 OK", ""),
        &|| saying("no members", "200 OK", "{}"),
        &|| saying("null", "200 OK", "null"),
        &|| saying("an error inside", "200 OK", error),
        &|| saying("a page", "200 OK", "<!doctype html><title>proxy</title>"),
    ]);
}

#[test]
fn refusals() {
    let no = |status| saying(status, status, "{\"message\":\"no\",\"__type\":\"AccessDenied\"}");
    together(&[
        &|| no("401 Unauthorized"),
        &|| no("403 Forbidden"),
        &|| no("404 Not Found"),
        &|| no("302 Found"),
        &|| no("500 Internal Server Error"),
        &|| no("503 Service Unavailable"),
        &|| saying("throttled", "429 Too Many Requests", "{\"__type\":\"ThrottlingException\"}"),
    ]);
}
