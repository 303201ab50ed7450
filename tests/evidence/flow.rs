//! Flows of several requests against an application with sessions and roles.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use aether_audit::core::check::Phase;
use aether_audit::evidence::Collected;

use crate::child::parent_of;
use crate::{detail, measure};

const PASSWORD: &str = "hunter2-planted";
const TOKEN: &str = "tok-planted-3f9a";

/// The application: a session for who knows the password, orders for who has a session, nothing for others. It lives
/// as long as the test.
fn application() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = answer(stream.unwrap());
        }
    });
    url
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let line = head.lines().next().unwrap_or_default();
    let allowed = head.contains(&format!("Bearer {TOKEN}")) || head.contains(&format!("sid={TOKEN}"));
    let (status, headers, said) = match line.trim_end_matches(" HTTP/1.1") {
        "POST /session" if body == format!("{{\"password\":\"{PASSWORD}\",\"user\":\"smoke\"}}") => {
            ("200 OK", format!("set-cookie: sid={TOKEN}; HttpOnly\r\n"), format!("{{\"token\":\"{TOKEN}\"}}"))
        }
        "POST /form" if body == format!("password=a+%26%3D{PASSWORD}&user=smoke") => {
            ("303 See Other", format!("set-cookie: sid={TOKEN}; Path=/\r\nlocation: /\r\n"), String::new())
        }
        "GET /orders" if allowed => ("200 OK", String::new(), "[{\"id\":7}]".to_owned()),
        "GET /orders/7" if allowed => ("200 OK", String::new(), "order 7".to_owned()),
        "GET /admin" if allowed => ("403 Forbidden", String::new(), String::new()),
        "GET /orders" | "GET /admin" => ("401 Unauthorized", String::new(), String::new()),
        "GET /" => ("200 OK", String::new(), format!("welcome, debug: {TOKEN}")),
        _ => ("404 Not Found", String::new(), String::new()),
    };
    let length = said.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{said}"
    )
}

const GOOD: &str = r#"
[[step]]
name = "without a session nobody sees orders"
path = "/orders"
status = "401,403"

[[step]]
name = "log in"
method = "POST"
path = "/session"
json = { user = "smoke", password = "{env:FLOW_TEST_PASSWORD}" }
save = { token = '"token":"([^"]+)"' }

[[step]]
name = "own orders"
path = "/orders"
headers = { Authorization = "Bearer {token}" }
save = { order = '"id":(\d+)' }

[[step]]
name = "one order"
path = "/orders/{order}"
body-pattern = 'order 7'

[[step]]
name = "no admin without the role"
path = "/admin"
status = "403"
"#;

fn flow(steps: &str, base: &str, more: &str) -> Collected {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("path.toml"), steps).unwrap();
    flow_in(folder.path(), base, more)
}

fn flow_in(folder: &Path, base: &str, more: &str) -> Collected {
    let config = format!(
        "[[check]]\nid = \"critical-path\"\nsource = \"flow\"\n{more}\n[check.flow]\nfile = \"path.toml\"\nbase = \"{base}\""
    );
    measure(&config, folder)
}

fn said(collected: &Collected) -> String {
    String::from_utf8(collected.response.as_ref().map(|response| response.bytes.clone()).unwrap_or_default())
        .unwrap()
}

#[test]
fn the_critical_path_works_and_keeps_its_secrets() {
    if parent_of("flow::the_critical_path_works_and_keeps_its_secrets", &[("FLOW_TEST_PASSWORD", PASSWORD)]) {
        return;
    }
    let collected = flow(GOOD, &application(), "");
    assert_eq!(collected.reading.phase, Some(Phase::Pass), "{}", detail(&collected));
    assert!(detail(&collected).contains("5 of 5 steps pass"), "{}", detail(&collected));
    let all = format!("{:?}{}", collected.reading, said(&collected));
    assert!(!all.contains(PASSWORD) && !all.contains(TOKEN), "{all}");
    assert!(all.contains("/orders/{order}") && all.contains("\"status\": 401"), "{all}");
    // A limit on the time of all steps together.
    let slow = flow(GOOD, &application(), "objective = \"< 0.001\"");
    assert_eq!(slow.reading.phase, Some(Phase::Warn), "{}", detail(&slow));

    let form = "[[step]]\nname = \"f\"\nmethod = \"POST\"\npath = \"/form\"\nstatus = \"303\"\n[step.form]\nuser = \"smoke\"\n\
                password = \"a &={env:FLOW_TEST_PASSWORD}\"\n[[step]]\nname = \"cookie\"\npath = \"/orders\"\n";
    let collected = flow(form, &application(), "");
    assert_eq!(collected.reading.phase, Some(Phase::Pass), "{}", detail(&collected));
}

#[test]
fn a_step_that_fails_is_named_and_those_that_need_it_are_not_run() {
    let url = application();
    let open =
        GOOD.replace("status = \"401,403\"", "status = \"200\"").replace("{env:FLOW_TEST_PASSWORD}", "wrong");
    let collected = flow(&open, &url, "on-fail = \"trigger\"");
    assert_eq!(collected.reading.phase, Some(Phase::Trigger), "{}", detail(&collected));
    let first = "0 of 5 steps pass; without a session nobody sees orders: status 401, and not 200";
    assert!(detail(&collected).contains(first), "{}", detail(&collected));
    let said = said(&collected);
    for verdict in ["not run: no step before it has saved token", "saved order", "status 401, and not 403"] {
        assert!(said.contains(verdict), "{verdict}: {said}");
    }
    assert!(collected.reading.points.is_empty(), "a flow that fails has no time");
    // What must not be on a page.
    let leak = "[[step]]\nname = \"home\"\npath = \"/\"\nnot-pattern = 'debug'\n";
    let collected = flow(leak, &url, "");
    assert_eq!(collected.reading.phase, Some(Phase::Warn), "{}", detail(&collected));
    assert!(detail(&collected).contains("what must not be there was found"), "{}", detail(&collected));
    let nobody = flow(leak, "http://127.0.0.1:1", "on-fail = \"trigger\"");
    assert_eq!(nobody.reading.phase, Some(Phase::Trigger), "{}", detail(&nobody));
    assert!(detail(&nobody).contains("home: connection refused"), "{}", detail(&nobody));
}

#[test]
fn a_file_that_is_wrong_is_no_verdict_on_the_application() {
    let url = application();
    for (steps, says) in [
        ("", "1 to 50 steps"),
        ("[[step]]\nname = \"a\"\n", "line 1: missing field `path`"),
        ("[[step]]\nname = \"a\"\npath = \"/\"\nstatsu = \"200\"\n", "line 4: unknown field `statsu`"),
        ("[[step]]\nname = \"a\"\npath = \"orders\"\n", "step 1: its path does not begin with /"),
        ("[[step]]\nname = \"a\"\npath = \"/\"\nstatus = \"OK\"\n", "step 1: its status is not a set"),
        ("[[step]]\nname = \"a\"\npath = \"/\"\nbody-pattern = \"(\"\n", "step 1: a pattern of it"),
        ("[[step]]\nname = \"a\"\npath = \"/\"\nbody = \"x\"\n", "a GET request carries no body"),
        (
            "[[step]]\nname = \"a\"\npath = \"/{env:FLOW_TEST_UNSET}\"\n",
            "the environment has no FLOW_TEST_UNSET",
        ),
        ("[[step]]\nname = \"a\"\npath = \"/a b\"\n", "makes no request"),
        ("password = \"hunter2", "line 1: "),
    ] {
        let collected = flow(steps, &url, "on-fail = \"trigger\"");
        assert_eq!(collected.reading.phase, Some(Phase::Error), "{steps}: {}", detail(&collected));
        assert!(detail(&collected).contains(says), "{steps}: {}", detail(&collected));
        assert!(!detail(&collected).contains("hunter2"), "{}", detail(&collected));
    }
    let folder = tempfile::tempdir().unwrap();
    let collected = flow_in(folder.path(), &url, "");
    assert_eq!(collected.reading.phase, Some(Phase::Error), "{}", detail(&collected));
    assert!(detail(&collected).contains("path.toml: cannot be read"), "{}", detail(&collected));
}

/// The record says which file it was: another one is another question.
#[test]
fn the_query_holds_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let step = "[[step]]\nname = \"home\"\npath = \"/\"\n";
    std::fs::write(folder.path().join("path.toml"), step).unwrap();
    let url = application();
    let first = flow_in(folder.path(), &url, "").reading.query.unwrap();
    assert_eq!(flow_in(folder.path(), &url, "").reading.query.unwrap(), first);
    std::fs::write(folder.path().join("path.toml"), format!("{step}status = \"200\"\n")).unwrap();
    assert_ne!(flow_in(folder.path(), &url, "").reading.query.unwrap(), first);
}
