//! `doctor` before the day: what is not ready is named with what to do, and what nobody asked is no pass.
#![allow(missing_docs)] // a test binary has no readers of its own

#[path = "../evidence/child.rs"]
mod child;
#[path = "../cli/folder.rs"]
mod folder;
#[path = "../evidence/ministack.rs"]
mod ministack;
#[path = "../common/server.rs"]
mod server;
#[allow(dead_code)]
#[path = "../aws/stand_in.rs"]
mod stand_in;

use std::fs;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::MetricDatum;
use serde_json::Value;

use child::{CREDENTIALS, parent_of};
use folder::{Folder, Ran};
use ministack::Ministack;

/// State and text of every line, by what it is about.
fn lines(ran: &Ran) -> Vec<(String, String, String)> {
    let found: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    let word = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
    let lines = found["lines"].as_array().unwrap();
    lines.iter().map(|line| (word(line, "what"), word(line, "state"), word(line, "text"))).collect()
}

#[track_caller]
fn says(lines: &[(String, String, String)], what: &str, state: &str, part: &str) {
    let line = lines.iter().find(|line| line.0 == what).unwrap_or_else(|| panic!("{what}: {lines:#?}"));
    assert!(line.1 == state && line.2.contains(part), "{line:?}");
}

fn doctor(folder: &Folder, more: &[&str]) -> (Ran, Vec<(String, String, String)>) {
    let mut command = folder.command(&[&["doctor", "-o", "json"], more].concat());
    let ran = Ran::of(command.envs(CREDENTIALS).env("AWS_EC2_METADATA_DISABLED", "true").output().unwrap());
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    let lines = lines(&ran);
    (ran, lines)
}

/// Everything that `init` leaves to be set, set.
fn set_up(folder: &Folder) {
    for file in ["aether.toml", "templates/Deployment_Checklist.md", "templates/.filled.json"] {
        let text = fs::read_to_string(folder.at(file)).unwrap();
        fs::write(folder.at(file), text.replace("to be set", "+1 202 555 0100")).unwrap();
    }
}

#[test]
fn a_new_project_is_told_what_is_missing() {
    let folder = Folder::initialised();
    let (ran, lines) = doctor(&folder, &["--offline"]);
    assert_eq!(ran.status, Some(1), "{}", ran.out);
    says(&lines, "escalation", "wrong", "\"to be set\" for Lead Site Reliability Engineer");
    says(&lines, "comms-lead", "wrong", "aether-audit key enroll NAME --role comms-lead");
    says(&lines, "lead-deployer", "good", "alice");
    says(&lines, "root", "note", "one person alone can change the roster");
    says(&lines, "your key", "not-asked", "--as NAME");
    says(&lines, "http-5xx", "not-asked", "--offline");
    says(&lines, "checklist", "wrong", "to be set");
    says(&lines, "production-url", "set", "set, not asked: https://");
    let text = folder.run(&["doctor", "--offline"]);
    assert!(text.out.contains("  ✘ comms-lead") && text.out.contains("  ? http-5xx"), "{}", text.out);
    assert!(text.out.contains("  · channel"), "{}", text.out);
    assert!(text.out.contains("to put right before the day"), "{}", text.out);
}

#[test]
fn what_nobody_asked_is_no_pass() {
    let folder = Folder::enrolled();
    set_up(&folder);
    let (ran, lines) = doctor(&folder, &["--offline", "--as", "alice"]);
    assert_eq!(ran.status, Some(4), "{}", ran.out);
    says(&lines, "your key", "good", "opens, and is the one on the roster");
    says(&lines, "checklist", "good", "items in 3 phases");
    says(&lines, "bob", "note", "alice made this key");
    assert!(!lines.iter().any(|line| line.1 == "wrong"), "{lines:#?}");
    // A key that is not the roster's, one that is not here, and a wrong passphrase.
    fs::copy(folder.at("private/bob.pem"), folder.at("private/carol.pem")).unwrap();
    let (ran, lines) = doctor(&folder, &["--offline", "--as", "carol"]);
    assert_eq!(ran.status, Some(1), "{}", ran.out);
    says(&lines, "your key", "wrong", "");
    let ran = folder.command(&["doctor", "--offline", "--as", "alice", "-o", "json"]);
    let ran = Ran::of({ ran }.env("AETHER_AUDIT_PASSPHRASE", "wrong").output().unwrap());
    says(&self::lines(&ran), "your key", "wrong", "passphrase");
}

#[test]
fn limits_are_tried_on_the_last_day() {
    if parent_of("limits_are_tried_on_the_last_day", &CREDENTIALS) {
        return;
    }
    let server = Ministack::start();
    let now = chrono::Utc::now().timestamp();
    let hour = |hour: i64, value: f64| {
        MetricDatum::builder()
            .metric_name("Load")
            .timestamp(DateTime::from_secs(now - hour * 3600))
            .value(value)
            .build()
    };
    let mut data = vec![hour(20, 99.0), hour(10, 99.0), hour(5, 60.0), hour(30, 99.0), hour(1, 10.0)];
    for minute in 1..6 {
        data.push(
            MetricDatum::builder()
                .metric_name("Load")
                .timestamp(DateTime::from_secs(now - minute * 60))
                .value(12.0)
                .build(),
        );
    }
    server.with(|sdk| async move { sdk.put_metric_data().namespace("T").set_metric_data(Some(data)).send().await }).unwrap();
    let folder = Folder::enrolled();
    set_up(&folder);
    let toml = fs::read_to_string(folder.at("aether.toml")).unwrap();
    let (head, _) = toml.split_once("[aws]").unwrap();
    let check = |id: &str, metric: &str, limits: &str| {
        format!(
            "[[check]]\nid = \"{id}\"\nsource = \"cloudwatch\"\nnamespace = \"T\"\nmetric = \"{metric}\"\n{limits}\n"
        )
    };
    let checks = [
        check("http-5xx", "Load", "objective = \"< 50\"\nrollback = \"> 90\""),
        check("cpu", "Load", "objective = \"< 100\""),
        check("memory", "Nothing", "objective = \"< 100\""),
    ];
    fs::write(folder.at("aether.toml"), format!("{head}{}\n{}", server.settings(), checks.concat())).unwrap();
    let (ran, lines) = doctor(&folder, &["--as", "alice"]);
    assert_eq!(ran.status, Some(1), "{}", ran.out);
    says(&lines, "http-5xx", "note", "it would have fired 2 times, first at 20");
    says(&lines, "http-5xx", "note", "warned once");
    says(&lines, "cpu", "good", "it would never have fired");
    says(&lines, "memory", "wrong", "are the names right");
    says(&lines, "checklist", "wrong", "is bound to the check");
    // Nothing of this is recorded.
    assert_eq!(folder.entries(), Folder::enrolled().entries());
    drop(server);
    let (ran, lines) = doctor(&folder, &["--as", "alice"]);
    assert_eq!(ran.status, Some(1), "{}", ran.out);
    says(&lines, "cpu", "wrong", "cannot be reached");
}

/// A hosted zone with the record of `app` under a TTL; gives its id.
fn zone(aws: &stand_in::StandIn, ttl: u32) -> String {
    let namespace = "https://route53.amazonaws.com/doc/2013-04-01/";
    let made = aws.post(
        "route53",
        "/2013-04-01/hostedzone",
        &format!("<CreateHostedZoneRequest xmlns=\"{namespace}\"><Name>example.com</Name><CallerReference>{ttl}</CallerReference></CreateHostedZoneRequest>"),
    );
    let id = stand_in::between(&made, "Id").rsplit('/').next().unwrap().to_owned();
    let set = |colour: &str, weight: u8| {
        format!(
            "<Change><Action>CREATE</Action><ResourceRecordSet><Name>app.example.com.</Name><Type>CNAME</Type>\
             <SetIdentifier>{colour}</SetIdentifier><Weight>{weight}</Weight><TTL>{ttl}</TTL><ResourceRecords><ResourceRecord>\
             <Value>{colour}.example.com</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>"
        )
    };
    let changes = format!("{}{}", set("blue", 100), set("green", 0));
    aws.post(
        "route53",
        &format!("/2013-04-01/hostedzone/{id}/rrset"),
        &format!("<ChangeResourceRecordSetsRequest xmlns=\"{namespace}\"><ChangeBatch><Changes>{changes}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"),
    );
    id
}

#[test]
fn the_systems_that_acts_are_made_on() {
    let aws = stand_in::StandIn::start();
    aws.post(
        "rds",
        "/",
        "Action=CreateDBInstance&Version=2014-10-31&DBInstanceIdentifier=orders&DBInstanceClass=db.t3.micro&Engine=postgres\
         &MasterUsername=u&MasterUserPassword=p4ssw0rd4u&AllocatedStorage=20",
    );
    let late = chrono::Utc::now() - chrono::TimeDelta::minutes(5);
    let asked = "Action=PutDashboard&Version=2010-08-01&DashboardName=project-aether-prod&DashboardBody=%7B%22widgets%22%3A%5B%5D%7D";
    let date = format!("date: {}\r\n", late.format("%a, %d %b %Y %H:%M:%S GMT"));
    let app = server::Server::saying("200 OK", &date, b"");
    let folder = Folder::enrolled();
    set_up(&folder);
    let toml = fs::read_to_string(folder.at("aether.toml")).unwrap();
    let (head, _) = toml.split_once("[aws]").unwrap();
    let head = head.replace("https://app.project-aether.io", &app.url());
    let traffic = |zone: &str, record: &str| {
        format!(
            "[[traffic]]\nservice = \"{record}\"\nzone = \"{zone}\"\nrecord = \"{record}.example.com\"\ntype = \"CNAME\"\n\
             blue-set = \"blue\"\ngreen-set = \"green\"\n"
        )
    };
    let write = |ttl: u32, more: &str| {
        let zone = zone(&aws, ttl);
        let settings = format!("[aws]\nregion = \"us-east-1\"\nendpoint-url = \"{}\"\n", aws.url);
        let text = format!(
            "{head}{settings}{}{}[[database]]\nid = \"orders\"\n[[database]]\nid = \"lost\"\n{more}",
            traffic(&zone, "app"),
            traffic(&zone, "api"),
        );
        fs::write(folder.at("aether.toml"), text).unwrap();
    };
    write(60, "[slack]\n");
    let (ran, lines) = doctor(&folder, &["--as", "alice"]);
    assert_eq!(ran.status, Some(1), "{}", ran.out);
    says(&lines, "traffic app", "good", "app.example.com CNAME, all on Blue, TTL 60 s");
    says(&lines, "traffic api", "wrong", "api.example.com has no weighted set blue");
    says(&lines, "dashboard", "wrong", "CloudWatch has no dashboard project-aether-prod");
    says(&lines, "database orders", "good", "postgres");
    says(&lines, "database lost", "wrong", "no such database");
    says(&lines, "clock", "wrong", "NTP");
    says(&lines, "Slack", "wrong", "AETHER_AUDIT_SLACK_TOKEN");
    says(&lines, "GitHub", "note", "`deploy` cannot start it");
    says(&lines, "checks", "wrong", "add a [[check]]");
    aws.post("monitoring", "/", asked);
    write(300, "[github]\nrepository = \"o/r\"\n");
    let (_, lines) = doctor(&folder, &["--as", "alice"]);
    says(&lines, "traffic app", "wrong", "TTL 300 s, more than 60 s");
    says(&lines, "dashboard", "good", "CloudWatch has project-aether-prod");
    says(&lines, "GitHub", "wrong", "AETHER_AUDIT_GITHUB_TOKEN");
    drop(aws);
    let (_, lines) = doctor(&folder, &["--as", "alice"]);
    says(&lines, "traffic app", "wrong", "cannot be reached");
    says(&lines, "database orders", "wrong", "cannot be reached");
}

#[test]
fn where_production_does_not_tell_the_time_another_does() {
    let late = chrono::Utc::now() - chrono::TimeDelta::minutes(5);
    let date = format!("date: {}\r\n", late.format("%a, %d %b %Y %H:%M:%S GMT"));
    let (app, aws) =
        (server::Server::saying("200 OK", "", b""), server::Server::saying("404 Not Found", &date, b""));
    let folder = Folder::enrolled();
    let toml = fs::read_to_string(folder.at("aether.toml")).unwrap();
    let (head, _) = toml.split_once("[aws]").unwrap();
    let head = head.replace("https://app.project-aether.io", &app.url());
    let settings = format!("[aws]\nregion = \"us-east-1\"\nendpoint-url = \"{}\"\n", aws.url());
    fs::write(folder.at("aether.toml"), head + &settings).unwrap();
    let (_, lines) = doctor(&folder, &["--as", "alice"]);
    says(&lines, "clock", "wrong", "from that of the AWS endpoint");
}
