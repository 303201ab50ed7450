//! `say`: templates, what is sent, what is recorded, and what nobody must ever see.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::catcher::Catcher;
use crate::folder::{Folder, Ran};

const PLANTED: &str = "T0PLANTED/B0PLANTED/SeCrEtPlAnTeD0123456789";

pub fn messages(folder: &Folder) -> Vec<Value> {
    let log: Value = serde_json::from_str(&folder.ok(&["log", "--all", "-o", "json"])).unwrap();
    let all = log.as_array().unwrap().iter().filter(|entry| entry["kind"] == "message-sent");
    all.map(|entry| {
        serde_json::from_str(&folder.ok(&["show", &entry["seq"].to_string(), "-o", "json"])).unwrap()
    })
    .collect()
}

fn say(folder: &Folder, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let args = [&["say"], args, &["--as", "bob"]].concat();
    Ran::of(folder.command(&args).envs(variables.iter().copied()).output().unwrap())
}

fn configure(folder: &Folder, more: &str) {
    let path = folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{more}\n{text}")).unwrap();
}

#[track_caller]
pub fn nowhere(folder: &Path, ran: &[&Ran], secret: &str) {
    let mut folders = vec![folder.to_owned()];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            let bytes = fs::read(&file).unwrap();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", file.display());
            looked += 1;
        }
    }
    assert!(looked > 5);
    for ran in ran {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{}{}", ran.out, ran.err);
    }
}

#[test]
fn a_webhook_is_told_and_the_record_says_so() {
    let (folder, slack) = (Folder::opened(), Catcher::saying("200 OK", "ok"));
    let url = slack.url(&format!("/services/{PLANTED}"));
    let ran = say(
        &folder,
        &["custom", "--text", "lunch <!channel> & more"],
        &[("AETHER_AUDIT_SLACK_WEBHOOK", &url)],
    );
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let caught = slack.caught();
    assert_eq!(caught.len(), 1);
    assert_eq!(caught[0].path, format!("/services/{PLANTED}"));
    assert_eq!(caught[0].body["text"], "lunch &lt;!channel&gt; &amp; more");
    assert_eq!(caught[0].body["blocks"][0]["text"]["text"], "lunch <!channel> & more");
    let recorded = messages(&folder);
    let text = recorded[0].to_string();
    assert_eq!(recorded.len(), 1);
    for part in [
        "\"delivery\":\"sent\"",
        "#proj-aether-deploy",
        "\"template\":\"custom\"",
        "lunch <!channel> & more",
        "status 200\\nok",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    nowhere(folder.path(), &[&ran], "SeCrEtPlAnTeD");
}

#[test]
fn a_bot_names_the_channel_and_200_with_an_error_is_no_delivery() {
    let folder = Folder::opened();
    let slack = Catcher::start(|before| {
        let ok = if before == 0 {
            "{\"ok\":false,\"error\":\"channel_not_found\"}"
        } else {
            "{\"ok\":true,\"ts\":\"1.2\"}"
        };
        ("200 OK".into(), ok.into(), Duration::ZERO)
    });
    configure(&folder, &format!("[slack]\napi-url = \"{}\"\nchannel = \"#elsewhere\"", slack.url("/api/")));
    let token = "xoxb-planted-SeCrEt";
    let variables = &[("AETHER_AUDIT_SLACK_TOKEN", token)];
    let first = say(&folder, &["custom", "--text", "hello"], variables);
    assert_eq!(first.status, Some(0), "{}", first.err);
    assert!(first.err.contains("warning: #elsewhere was NOT told (status 200: "), "{}", first.err);
    let caught = slack.caught();
    assert_eq!((caught.len(), caught[0].path.as_str()), (1, "/api/chat.postMessage"));
    assert_eq!(caught[0].body["channel"], "#elsewhere");
    assert!(caught[0].head.contains("Bearer xoxb-planted-SeCrEt"), "{}", caught[0].head);
    assert!(
        folder.ok(&["status"]).contains("#elsewhere was not told (custom): aether-audit say custom --again")
    );

    let again = say(&folder, &["custom", "--again"], variables);
    assert_eq!(again.status, Some(0), "{}", again.err);
    assert_eq!(slack.texts(), ["hello", "hello"]);
    let recorded = messages(&folder);
    assert!(recorded[0].to_string().contains("\"delivery\":\"failed\""));
    assert!(recorded[1].to_string().contains("\"delivery\":\"sent\""));
    assert!(!folder.ok(&["status"]).contains("was not told"));
    let third = say(&folder, &["custom", "--again"], variables);
    third.failed(2, "no message of the template custom waits to be delivered");
    nowhere(folder.path(), &[&first, &again], token);
}

#[test]
fn too_many_requests_are_waited_for_and_a_dead_channel_stops_nothing() {
    let folder = Folder::opened();
    let slack = Catcher::start(|before| {
        let status = if before == 0 { "429 Too Many Requests\r\nretry-after: 1" } else { "200 OK" };
        (status.into(), "ok".into(), Duration::ZERO)
    });
    let start = Instant::now();
    let ran = say(&folder, &["custom", "--text", "x"], &[("AETHER_AUDIT_SLACK_WEBHOOK", &slack.url("/a"))]);
    assert_eq!((ran.status, slack.caught().len()), (Some(0), 2), "{}", ran.err);
    assert!(start.elapsed() >= Duration::from_secs(1) && !ran.err.contains("NOT told"), "{}", ran.err);

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dead = format!("http://127.0.0.1:{port}/services/{PLANTED}");
    let ran = say(&folder, &["custom", "--text", "y"], &[("AETHER_AUDIT_SLACK_WEBHOOK", &dead)]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("NOT told (after 3 tries: no connection (ConnectionRefused))"), "{}", ran.err);
    nowhere(folder.path(), &[&ran], "SeCrEtPlAnTeD");
}

/// The receiver echoes the address that it was asked at: that is no reason to record it.
#[test]
fn echoed_secrets_are_masked() {
    let folder = Folder::opened();
    let slack = Catcher::saying("404 Not Found", &format!("no hook at /services/{PLANTED}"));
    let url = slack.url(&format!("/services/{PLANTED}"));
    let ran = say(&folder, &["custom", "--text", "x"], &[("AETHER_AUDIT_SLACK_WEBHOOK", &url)]);
    assert!(ran.err.contains("status 404: no hook at REDACTED"), "{}", ran.err);
    nowhere(folder.path(), &[&ran], "SeCrEtPlAnTeD");
    configure(&folder, &format!("[slack]\nwebhook-url = \"{url}\""));
    let ran = say(&folder, &["custom", "--text", "x"], &[]);
    assert!(!ran.err.contains("PLANTED"), "{}", ran.err);
    ran.failed(2, "unknown key `webhook-url`");
}

#[test]
fn another_webhook_takes_plain_json_and_missing_variables_are_gaps() {
    let (folder, pager) = (Folder::opened(), Catcher::saying("204 No Content", ""));
    configure(&folder, "[webhook]\nurl-env = \"PAGER_URL\"\nchannel = \"pager\"\n[slack]");
    let ran = say(&folder, &["custom", "--text", "x"], &[("PAGER_URL", &pager.url("/in"))]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let body = &pager.caught()[0].body;
    assert_eq!(
        (body["text"].as_str(), body["channel"].as_str(), body["template"].as_str()),
        (Some("x"), Some("pager"), Some("custom"))
    );
    assert!(ran.err.contains("#proj-aether-deploy was NOT told (neither AETHER_AUDIT_SLACK_TOKEN nor AETHER_AUDIT_SLACK_WEBHOOK is set)"), "{}", ran.err);
    assert_eq!(messages(&folder).len(), 2);
}

#[test]
fn templates_are_filled_from_the_record_and_unknown_placeholders_are_named() {
    let (folder, slack) = (Folder::opened(), Catcher::saying("200 OK", "ok"));
    let url = slack.url("/a");
    let variables: &[(&str, &str)] = &[("AETHER_AUDIT_SLACK_WEBHOOK", &url)];
    let ran = say(&folder, &["scheduled", "--set", "window=22:00 to 23:00"], variables);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let text = &slack.texts()[0];
    assert!(
        text.starts_with(
            "DEPLOYMENT SCHEDULED: Project Aether v2.14.0 to production\nWindow: 22:00 to 23:00"
        ),
        "{text}"
    );
    assert!(text.contains("Lead Deployer: alice · Comms Lead: bob · QA Engineer: carol"), "{text}");

    fs::write(folder.at("templates/messages/mine.md"), "one\n{{relase}}\n").unwrap();
    say(&folder, &["mine"], variables)
        .failed(2, "line 2: {{relase}} is no placeholder; did you mean release?");
    say(&folder, &["start"], variables)
        .failed(2, "{{go-by}} has no value: there is no go; or say --set go-by=…");
    say(&folder, &["custom", "--set", "b=c", "--text", "x"], variables).failed(2, "--set b:");
    say(&folder, &["statsu"], variables).failed(2, "did you mean status?");
    say(&folder, &["custom", "--text", "x"], &[]).failed(2, "nobody can be told");
    let args = ["say", "custom", "--text", "x", "--as", "carol"];
    let ran = Ran::of(folder.command(&args).envs(variables.iter().copied()).output().unwrap());
    ran.failed(1, "carol as qa-engineer may not record message-sent");
    let ran = say(&folder, &["custom", "--text", "x", "--dry-run"], variables);
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "would send to #proj-aether-deploy:\nx\n"));
    assert_eq!((slack.caught().len(), messages(&folder).len()), (1, 1));
}

#[test]
fn killed_before_the_answer_is_recorded_it_stands_as_a_gap() {
    let folder = Folder::opened();
    let arrived = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = arrived.clone();
    let slack = Catcher::start(move |count| {
        seen.store(true, std::sync::atomic::Ordering::SeqCst);
        ("200 OK".into(), "ok".into(), if count == 0 { Duration::from_secs(20) } else { Duration::ZERO })
    });
    let url = slack.url(&format!("/services/{PLANTED}"));
    let variables = [("AETHER_AUDIT_SLACK_WEBHOOK", url.as_str())];
    let mut child = folder
        .command(&["say", "custom", "--text", "we begin", "--as", "bob"])
        .envs(variables.iter().copied())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    while !arrived.load(std::sync::atomic::Ordering::SeqCst) {
        assert!(
            child.try_wait().unwrap().is_none() && Instant::now() < patience,
            "nothing is sent: {:?}",
            Ran::of(child.wait_with_output().unwrap()).err
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(messages(&folder).len(), 0, "it ended in between");
    folder.ok(&["note", "the terminal went away", "--as", "bob"]);
    let told = messages(&folder);
    assert_eq!(told.len(), 1);
    assert!(told[0].to_string().contains("it is not known whether it was sent"), "{}", told[0]);
    assert!(folder.ok(&["status"]).contains("custom"), "the gap is told");
    let ran = say(&folder, &["custom", "--again"], &variables);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let told = messages(&folder);
    assert_eq!(told.len(), 2, "what was sent and recorded leaves nothing behind");
    assert!(told[1].to_string().contains("\"delivery\":\"sent\""), "{}", told[1]);
    folder.ok(&["note", "nothing waits", "--as", "bob"]);
    assert_eq!(messages(&folder).len(), 2);
    nowhere(folder.path(), &[&ran], PLANTED);
}

/// The ledger is busy from the moment that the message is taken until the program has given up.
#[test]
fn an_answer_that_the_ledger_did_not_take_is_recorded_later_and_once() {
    let folder = Folder::opened();
    let lock = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (held, ledger) = (lock.clone(), folder.at("records/ledger.db"));
    let slack = Catcher::start(move |_| {
        let writer = rusqlite::Connection::open(&ledger).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        *held.lock().unwrap() = Some(writer);
        ("200 OK".into(), "ok".into(), Duration::ZERO)
    });
    let url = slack.url("/a");
    let ran = say(&folder, &["custom", "--text", "we begin"], &[("AETHER_AUDIT_SLACK_WEBHOOK", &url)]);
    drop(lock.lock().unwrap().take());
    ran.failed(2, "held by another process");
    assert_eq!(messages(&folder).len(), 0);
    for _ in 0..2 {
        folder.ok(&["note", "the ledger is back", "--as", "bob"]);
        let told = messages(&folder);
        assert_eq!(told.len(), 1);
        assert!(told[0].to_string().contains("\"delivery\":\"sent\""), "{}", told[0]);
    }
}
