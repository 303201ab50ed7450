//! `snapshot`, as a user has it: taken, followed and recorded once, whatever comes between.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::folder::{Folder, OPEN, Ran};
use crate::server::Server;
use crate::settings;
use crate::sources::database;
use crate::stand_in::StandIn;

/// A project whose AWS is at `url`, with a deployment open.
pub fn project(url: &str, more: &str) -> Folder {
    let folder = Folder::enrolled();
    let file = folder.at("aether.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("[aws]\n").unwrap();
    let (_, after) = rest.split_once("# [http]").unwrap();
    fs::write(&file, format!("{before}{}\n# [http]{after}\n{more}", settings(url))).unwrap();
    folder.ok(&OPEN);
    folder
}

pub fn run(folder: &Folder, args: &[&str]) -> Ran {
    let mut command = folder.command(args);
    command.envs([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test-secret-hunter2"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AETHER_AUDIT_AS", "alice"),
        ("RUST_LOG", "trace"),
    ]);
    Ran::of(command.output().unwrap())
}

/// What is recorded of snapshots: each act with its body.
fn recorded(folder: &Folder) -> Vec<(String, Value)> {
    let log: Value = serde_json::from_str(&folder.ok(&["log", "-o", "json"])).unwrap();
    let entries = log.as_array().unwrap().iter().filter(|entry| entry["kind"] == "snapshot-taken");
    entries
        .map(|entry| {
            let seq = entry["seq"].to_string();
            let shown: Value = serde_json::from_str(&folder.ok(&["show", &seq, "-o", "json"])).unwrap();
            let body = find(&shown, "body").unwrap_or_else(|| panic!("{shown}")).clone();
            (body["act"].as_str().unwrap().to_owned(), body)
        })
        .collect()
}

fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => {
            members.get(name).or_else(|| members.values().find_map(|member| find(member, name)))
        }
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

fn acts(folder: &Folder) -> Vec<String> {
    recorded(folder).into_iter().map(|(act, _)| act).collect()
}

const DATABASE: &str = "[[database]]\nid = \"db\"\n";

#[test]
fn taken_and_recorded() {
    let server = StandIn::start();
    database(&server, "db", false);
    database(&server, "aurora", true);
    let folder = project(&server.url, &format!("{DATABASE}[[database]]\nid = \"aurora\"\ncluster = true\n"));
    let dry = run(&folder, &["snapshot", "db", "--dry-run"]);
    assert_eq!(dry.status, Some(0), "{}", dry.err);
    assert!(dry.out.contains("would record snapshot-taken db intended"), "{}", dry.out);
    assert_eq!(acts(&folder), [""; 0]);
    run(&folder, &["snapshot", "bd"]).failed(2, "did you mean");
    let ran = run(&folder, &["snapshot", "--yes", "--every", "1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.out.contains("available, 20 GiB"), "{}", ran.out);
    assert_eq!(acts(&folder), ["intended", "done", "intended", "done"]);
    for (index, kind) in [(1, ":snapshot:aether-v2-14-0-"), (3, ":cluster-snapshot:aether-v2-14-0-")] {
        let body = &recorded(&folder)[index].1;
        assert!(body["snapshot"].as_str().unwrap().contains(kind), "{body}");
        assert!(body["intent"].is_string() && body["detail"]["commit"].is_string(), "{body}");
    }
    // Asked again, it takes another one: the first has its outcome.
    assert_eq!(run(&folder, &["snapshot", "db", "--every", "1"]).status, Some(0));
    assert_eq!(acts(&folder).len(), 6);
}

/// What the server that follows has: no snapshot, one that goes on, or one that is done.
#[derive(Default)]
struct World {
    creates: AtomicUsize,
    looks: AtomicUsize,
}

fn answer(action: &str, result: &str) -> String {
    format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")
}

fn snapshot(id: &str, status: &str, percent: usize) -> String {
    format!(
        "<DBSnapshot><DBSnapshotIdentifier>{id}</DBSnapshotIdentifier><DBInstanceIdentifier>db</DBInstanceIdentifier>\
         <DBSnapshotArn>arn:aws:rds:us-east-1:1:snapshot:{id}</DBSnapshotArn><Engine>postgres</Engine><EngineVersion>16.3</EngineVersion>\
         <Status>{status}</Status><AllocatedStorage>7</AllocatedStorage><Encrypted>true</Encrypted><PercentProgress>{percent}</PercentProgress></DBSnapshot>"
    )
}

/// RDS with one database. `create` answers when a snapshot is begun; `look` says how far it is at the nth look after.
fn rds(
    world: &Arc<World>,
    create: impl Fn(&World, &str) -> (&'static str, String) + Send + 'static,
    look: impl Fn(usize) -> Option<(&'static str, usize)> + Send + 'static,
) -> Server {
    let world = world.clone();
    Server::answering(move |body| {
        let value = |name: &str| {
            let part = body.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")));
            part.unwrap_or_default().to_owned()
        };
        let id = value("DBSnapshotIdentifier");
        match value("Action").as_str() {
            "DescribeDBInstances" => {
                let one = "<DBInstances><DBInstance><Engine>postgres</Engine><EngineVersion>16.3</EngineVersion></DBInstance></DBInstances>";
                ("200 OK", answer("DescribeDBInstances", one))
            }
            "CreateDBSnapshot" => create(&world, &id),
            "DescribeDBSnapshots" if world.creates.load(Ordering::SeqCst) > 0 => {
                match look(world.looks.fetch_add(1, Ordering::SeqCst)) {
                    None => error("404 Not Found", "DBSnapshotNotFound"),
                    Some((status, percent)) => {
                        let list = format!("<DBSnapshots>{}</DBSnapshots>", snapshot(&id, status, percent));
                        ("200 OK", answer("DescribeDBSnapshots", &list))
                    }
                }
            }
            "DescribeDBSnapshots" => error("404 Not Found", "DBSnapshotNotFound"),
            other => panic!("{other}"),
        }
    })
}

fn error(status: &'static str, code: &str) -> (&'static str, String) {
    (
        status,
        format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>hunter2</Message></Error></ErrorResponse>"
        ),
    )
}

fn begins(world: &World, id: &str) -> (&'static str, String) {
    world.creates.fetch_add(1, Ordering::SeqCst);
    ("200 OK", answer("CreateDBSnapshot", &snapshot(id, "creating", 0)))
}

/// Scripted: a pending snapshot, one that fails, one that is deleted, and one that RDS does not begin.
#[test]
fn every_end_is_recorded() {
    type Look = fn(usize) -> Option<(&'static str, usize)>;
    let ends: [(Look, i32, &str, &str); 3] = [
        (
            |look| Some(if look < 2 { ("creating", 40) } else { ("available", 100) }),
            0,
            "done",
            "40 % creating",
        ),
        (|_| Some(("failed", 3)), 1, "failed", "ended as failed"),
        (|_| None, 1, "failed", "no longer there"),
    ];
    for (look, status, act, says) in ends {
        let world = Arc::new(World::default());
        let server = rds(&world, begins, look);
        let folder = project(&server.url(), DATABASE);
        let ran = run(&folder, &["snapshot", "--every", "1"]);
        assert_eq!(ran.status, Some(status), "{act}: {}", ran.err);
        assert!(ran.err.contains(says), "{says}: {}", ran.err);
        assert_eq!(acts(&folder), ["intended", act]);
        assert_eq!(world.creates.load(Ordering::SeqCst), 1);
    }
    let world = Arc::new(World::default());
    let server = rds(&world, |_, _| error("403 Forbidden", "AccessDenied"), |_| None);
    let folder = project(&server.url(), DATABASE);
    let said = run(&folder, &["snapshot"]).failed(2, "AWS denies rds:CreateDBSnapshot");
    assert!(!said.contains("hunter2"), "{said}");
    assert_eq!(acts(&folder), ["intended", "failed"]);
}

/// Scripted: the answer to the beginning is lost, time runs out, and the next run finds what was begun.
#[test]
fn one_snapshot_whatever_comes_between() {
    let world = Arc::new(World::default());
    let lost = |world: &World, _: &str| {
        // It begins, and nobody hears of it; once more it is there already.
        if world.creates.fetch_add(1, Ordering::SeqCst) == 0 {
            ("503 Service Unavailable", String::new())
        } else {
            error("400 Bad Request", "DBSnapshotAlreadyExists")
        }
    };
    let server =
        rds(&world, lost, |look| Some(if look < 4 { ("creating", 10 * look) } else { ("available", 100) }));
    let folder = project(&server.url(), DATABASE);
    let mut first = folder.command(&["snapshot", "--every", "1", "--as", "alice"]);
    first.envs([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    let mut first = first.spawn().unwrap();
    while world.looks.load(Ordering::SeqCst) < 2 {
        assert!(first.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(acts(&folder), ["intended"]);
    let begun = world.creates.load(Ordering::SeqCst);
    let ran = run(&folder, &["snapshot", "--every", "1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("was begun before"), "{}", ran.err);
    assert_eq!(acts(&folder), ["intended", "done"]);
    assert_eq!(world.creates.load(Ordering::SeqCst), begun, "a second one was begun");
}

/// Scripted: nobody answers any more, or the credentials end. The intention stays, and says how to go on.
#[test]
fn what_cannot_be_known_is_not_recorded() {
    for code in ["ExpiredToken", "InternalFailure", "ServiceUnavailable"] {
        let world = Arc::new(World::default());
        let server = rds(&world, move |_, _| error("500 Internal Server Error", code), |_| None);
        let folder = project(&server.url(), DATABASE);
        let ran = run(&folder, &["snapshot", "--every", "1"]);
        ran.failed(2, "`aether-audit snapshot db` goes on with aether-v2-14-0-");
        assert_eq!(acts(&folder), ["intended"], "{code}");
    }
    // Before anything is intended, what is wrong is told and nothing recorded.
    let server = Server::answering(|_| error("403 Forbidden", "AccessDenied"));
    let folder = project(&server.url(), DATABASE);
    run(&folder, &["snapshot"]).failed(2, "AWS denies rds:DescribeDBInstances");
    assert_eq!(acts(&folder), [""; 0]);
}
