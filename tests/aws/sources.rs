//! Parameters, snapshots and logs, as a server by other hands has them.

use std::path::Path;

use aether_audit::core::check::Phase;
use serde_json::json;

use crate::child::{CREDENTIALS, parent_of};
use crate::folder::opening;
use crate::snapshot::{project, run};
use crate::stand_in::StandIn;
use crate::{detail, measure, now, response, settings};

fn put(server: &StandIn, name: &str, kind: &str) {
    let input = json!({ "Name": name, "Type": kind, "Value": "hunter2-value", "Overwrite": true });
    server.json("ssm", "AmazonSSM.PutParameter", &input);
}

#[test]
fn parameters_against_what_is_expected() {
    if parent_of("sources::parameters_against_what_is_expected", &CREDENTIALS) {
        return;
    }
    let server = StandIn::start();
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in [("URL", "SecureString"), ("LEVEL", "String"), ("deep/KEY", "SecureString")] {
        put(&server, &format!("/aether/prod/{name}"), kind);
    }
    // More than a page, below another path that begins alike.
    for number in 0..60 {
        put(&server, &format!("/aether/production/{number}"), "String");
    }
    let check = |own: &str| {
        let check = format!("[[check]]\nid = \"p\"\nsource = \"parameters\"\n[check.parameters]\n{own}\n");
        let collected = measure(&format!("{}{check}", settings(&server.url)), folder.path());
        assert!(!response(&collected).contains("hunter2") && !detail(&collected).contains("hunter2"));
        collected
    };
    let all = "expected = [\"URL SecureString\", \"LEVEL\", \"/aether/prod/deep/KEY\"]";
    let fine = check(&format!("path = \"/aether/prod/\"\n{all}\nmax-age-days = 1"));
    assert_eq!(fine.reading.phase, Some(Phase::Pass), "{}", detail(&fine));
    assert!(detail(&fine).contains("3 parameters"), "{}", detail(&fine));
    let kept: serde_json::Value = serde_json::from_str(&response(&fine)).unwrap();
    assert_eq!(kept["parameters"][0]["name"], "/aether/prod/LEVEL");
    assert_eq!(kept["parameters"][0]["version"], 1);
    put(&server, "/aether/prod/LEVEL", "String");
    let long: Vec<String> = (0..60).map(|number| format!("\"{number}\"")).collect();
    let long = check(&format!("path = \"/aether/production\"\nexpected = [{}]", long.join(", ")));
    assert_eq!(long.reading.phase, Some(Phase::Pass), "{}", detail(&long));
    let today = &now().to_string()[..10];
    for (own, part) in [
        ("expected = [\"URL\", \"LEVEL\", \"deep/KEY\", \"GONE\"]".to_owned(), "1 missing: GONE"),
        ("expected = [\"URL String\", \"LEVEL\", \"deep/KEY\"]".to_owned(), "1 of another type: URL"),
        ("expected = [\"URL\", \"LEVEL\"]".to_owned(), "1 unexpected: deep/KEY"),
        (format!("{all}\nsince = \"{today}\"\nallow-changes = false"), "3 changed since"),
    ] {
        let bad = check(&format!("path = \"/aether/prod\"\n{own}"));
        assert_eq!(bad.reading.phase, Some(Phase::Warn), "{own}: {}", detail(&bad));
        assert!(detail(&bad).contains(part), "{part}: {}", detail(&bad));
    }
    let lenient = check(&format!("path = \"/aether/prod\"\n{all}\nsince = \"{today}\""));
    assert_eq!(lenient.reading.phase, Some(Phase::Pass), "{}", detail(&lenient));
    let manifest = "path = \"/aether/prod\"\nmanifest = \"m.txt\"";
    let none = check(manifest);
    assert_eq!(none.reading.phase, Some(Phase::Error));
    std::fs::write(folder.path().join("m.txt"), "# ours\nURL SecureString\nLEVEL # how much\n\ndeep/KEY\n")
        .unwrap();
    let by_file = check(manifest);
    assert_eq!(by_file.reading.phase, Some(Phase::Pass), "{}", detail(&by_file));
    std::fs::write(folder.path().join("m.txt"), "URL = hunter2\n").unwrap();
    let broken = check(manifest);
    assert!(detail(&broken).contains("line 1 is not"), "{}", detail(&broken));
    // Another manifest is another question.
    assert_ne!(by_file.reading.query, broken.reading.query);
    let nothing = check("path = \"/nowhere\"\nexpected = [\"X\"]");
    assert_eq!(nothing.reading.phase, Some(Phase::Warn), "{}", detail(&nothing));
}

#[test]
fn what_changed_since_the_last_deployment() {
    let server = StandIn::start();
    for name in ["URL", "LEVEL"] {
        put(&server, &format!("/a/{name}"), "String");
    }
    let folder = project(
        &server.url,
        "[[check]]\nid = \"p\"\nsource = \"parameters\"\n[check.parameters]\npath = \"/a\"\nexpected = [\"URL\", \"LEVEL\"]\nallow-changes = false\n",
    );
    let collect = |deployment: &str, status: i32, part: &str| {
        let ran = run(&folder, &["collect", "p", "--deployment", deployment]);
        assert_eq!(ran.status, Some(status), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    };
    // Nothing to compare with is no pass.
    collect("v2.14.0", 4, "nothing earlier to compare with");
    for release in ["v2.15.0", "v2.16.0"] {
        folder.ok(&opening(release));
    }
    collect("v2.15.0", 0, "2 parameters");
    put(&server, "/a/URL", "String");
    put(&server, "/a/URL", "String");
    collect("v2.15.0", 1, "1 changed since v2.14.0: URL");
    collect("v2.16.0", 0, "2 parameters");
    put(&server, "/a/LEVEL", "String");
    collect("v2.16.0", 1, "1 changed since v2.15.0: LEVEL");
}

pub fn database(server: &StandIn, id: &str, cluster: bool) {
    let what = if cluster {
        "DBCluster&Engine=aurora-postgresql&DBClusterIdentifier"
    } else {
        "DBInstance&Engine=postgres&DBInstanceClass=db.t3.micro&AllocatedStorage=20&DBInstanceIdentifier"
    };
    rds(
        server,
        &format!(
            "Create{what}={id}&MasterUsername=app&MasterUserPassword=hunter2hunter2&StorageEncrypted=true"
        ),
    );
}

fn rds(server: &StandIn, call: &str) {
    server.post("rds", "/", &format!("Version=2014-10-31&Action={call}"));
}

#[test]
fn the_newest_snapshot() {
    if parent_of("sources::the_newest_snapshot", &CREDENTIALS) {
        return;
    }
    let server = StandIn::start();
    database(&server, "db", false);
    database(&server, "aurora", true);
    let check = |id: &str, own: &str| {
        let check = format!(
            "[[database]]\nid = \"db\"\n[[database]]\nid = \"aurora\"\ncluster = true\n[[database]]\nid = \"none\"\n\
             [[database]]\nid = \"whole\"\ncluster = true\n\
             [[check]]\nid = \"s\"\nsource = \"snapshot\"\n[check.snapshot]\ndatabase = \"{id}\"\n{own}\n"
        );
        measure(&format!("{}{check}", settings(&server.url)), Path::new("."))
    };
    let gone = check("none", "");
    assert_eq!(gone.reading.phase, Some(Phase::Error));
    assert!(detail(&gone).contains("no instance called none"), "{}", detail(&gone));
    for (id, form) in [
        ("db", "CreateDBSnapshot&DBInstanceIdentifier=db&DBSnapshotIdentifier=s1"),
        ("aurora", "CreateDBClusterSnapshot&DBClusterIdentifier=aurora&DBClusterSnapshotIdentifier=s1"),
    ] {
        let none = check(id, "");
        assert_eq!(none.reading.phase, Some(Phase::Warn), "{id}");
        assert!(detail(&none).contains("none of 0 snapshots is available"), "{}", detail(&none));
        rds(&server, form);
        let one = check(id, "");
        assert_eq!(one.reading.phase, Some(Phase::Pass), "{id}: {}", detail(&one));
        assert!(response(&one).contains("\"encrypted\":true"), "{}", response(&one));
        let untested = check(id, "restore-tested = \"2020-01-01\"\nrestore-test-days = 90");
        assert_eq!(untested.reading.phase, Some(Phase::Warn));
        assert!(detail(&untested).contains("more than 90 days ago"), "{}", detail(&untested));
    }
    // The stand-in has no groups but those that are made: what a database was made with can be gone, as in life.
    let gone = check("db", "restore = true");
    assert_eq!(gone.reading.phase, Some(Phase::Warn), "{}", detail(&gone));
    for part in ["the subnet group default is gone", "the parameter group default.postgres15 is gone"] {
        assert!(detail(&gone).contains(part), "{}", detail(&gone));
    }
    let subnets = "SubnetIds.SubnetIdentifier.1=subnet-00000001&SubnetIds.SubnetIdentifier.2=subnet-00000002";
    rds(&server, &format!("CreateDBSubnetGroup&DBSubnetGroupName=ours&DBSubnetGroupDescription=x&{subnets}"));
    let group = "DBParameterGroupName=ours&DBParameterGroupFamily=postgres15&Description=x";
    rds(&server, &format!("CreateDBParameterGroup&{group}"));
    let group = "DBClusterParameterGroupName=ours&DBParameterGroupFamily=aurora-postgresql15&Description=x";
    rds(&server, &format!("CreateDBClusterParameterGroup&{group}"));
    database(&server, "none&DBSubnetGroupName=ours&DBParameterGroupName=ours", false);
    rds(&server, "CreateDBSnapshot&DBInstanceIdentifier=none&DBSnapshotIdentifier=s2");
    database(&server, "whole&DBSubnetGroupName=ours&DBClusterParameterGroupName=ours", true);
    rds(&server, "CreateDBClusterSnapshot&DBClusterIdentifier=whole&DBClusterSnapshotIdentifier=s2");
    for id in ["none", "whole"] {
        let ready = check(id, "restore = true");
        assert_eq!(ready.reading.phase, Some(Phase::Pass), "{id}: {}", detail(&ready));
    }
}

fn log(server: &StandIn, minutes_ago: i64, messages: &[&str]) {
    let at = now().millis() - minutes_ago * 60_000;
    let events: Vec<_> = messages.iter().map(|text| json!({ "timestamp": at, "message": text })).collect();
    let input = json!({ "logGroupName": "/app", "logStreamName": "s", "logEvents": events });
    server.json("logs", "Logs_20140328.PutLogEvents", &input);
}

#[test]
fn logs_are_counted_and_never_shown() {
    if parent_of("sources::logs_are_counted_and_never_shown", &CREDENTIALS) {
        return;
    }
    let server = StandIn::start();
    server.json("logs", "Logs_20140328.CreateLogGroup", &json!({ "logGroupName": "/app" }));
    server.json(
        "logs",
        "Logs_20140328.CreateLogStream",
        &json!({ "logGroupName": "/app", "logStreamName": "s" }),
    );
    let check = |own: &str| {
        let check =
            format!("[[check]]\nid = \"l\"\nsource = \"logs\"\n[check.logs]\ngroups = [\"/app\"]\n{own}\n");
        measure(&format!("{}{check}", settings(&server.url)), Path::new("."))
    };
    let (errors, leaks) = ("errors = \"ERROR\"\nmin-events = 3", "sensitive = true");
    for own in [errors, leaks] {
        let silent = check(own);
        assert_eq!(silent.reading.phase, Some(Phase::NoData), "{}", detail(&silent));
    }
    log(&server, 30, &["ERROR once"]);
    log(&server, 1, &["all is well", "ERROR a", "ERROR b"]);
    let few = check(errors);
    assert_eq!(few.reading.phase, Some(Phase::Pass), "{}", detail(&few));
    assert_eq!(few.reading.points.len(), 5);
    log(&server, 0, &["ERROR c", "ERROR d"]);
    let many = check(errors);
    assert_eq!(many.reading.phase, Some(Phase::Warn), "{}", detail(&many));
    assert!(detail(&many).contains("4 in 5 minutes"), "{}", detail(&many));
    let usual = check("errors = \"ERROR\"\nmin-events = 3\nmax-ratio = \"100\"");
    assert_eq!(usual.reading.phase, Some(Phase::Pass), "{}", detail(&usual));

    let clean = check(leaks);
    assert_eq!(clean.reading.phase, Some(Phase::Pass), "{}", detail(&clean));
    let (card, key) = ("4111 1111 1111 1111", format!("AKIA{}", "ABCDEFGH23456723"));
    log(&server, 0, &[&format!("paid with {card}"), &format!("again {card}"), &format!("key {key}")]);
    let found = check(leaks);
    assert_eq!(found.reading.phase, Some(Phase::Warn));
    assert!(detail(&found).contains("found: 1 aws-access-key, 2 card-number"), "{}", detail(&found));
    let kept = response(&found);
    assert!(!kept.contains(card) && !kept.contains(&key) && !kept.contains("paid"), "{kept}");
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["findings"].as_array().unwrap().len(), 2, "the same card twice is one finding: {kept}");
    // Another reading has another salt.
    assert_ne!(response(&check(leaks)), response(&found));
    let except = check("sensitive = true\nexcept = [\"card-number\", \"aws-access-key\"]");
    assert_eq!(except.reading.phase, Some(Phase::Pass), "{}", detail(&except));
    let missing = measure(&format!("{}{}", settings(&server.url), crate::faults::LEAKS), Path::new("."));
    assert_eq!(missing.reading.phase, Some(Phase::Error));
    assert!(
        detail(&missing).contains("logs:FilterLogEvents failed with ResourceNotFound"),
        "{}",
        detail(&missing)
    );
}
