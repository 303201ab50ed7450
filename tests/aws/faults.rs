//! Scripted: what no server by other hands does on demand. Each path ends in the right phase, with the permission named.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::Ordering;

use aether_audit::core::check::Phase;
use aether_audit::evidence::Collected;

use crate::child::{CREDENTIALS, parent_of};
use crate::server::Server;
use crate::{detail, measure, response, settings};

const PARAMETERS: &str = "[[check]]\nid = \"p\"\nsource = \"parameters\"\n[check.parameters]\npath = \"/a/\"\nexpected = [\"X\", \"Y\"]\n";
pub const LEAKS: &str =
    "[[check]]\nid = \"l\"\nsource = \"logs\"\n[check.logs]\ngroups = [\"/a\"]\nsensitive = true\n";
const ERRORS: &str =
    "[[check]]\nid = \"l\"\nsource = \"logs\"\n[check.logs]\ngroups = [\"/a\"]\nerrors = \"ERROR\"\n";
const SNAPSHOT: &str = "[[database]]\nid = \"db\"\n[[check]]\nid = \"s\"\nsource = \"snapshot\"\n[check.snapshot]\ndatabase = \"db\"\n";

fn against(server: &Server, check: &str) -> Collected {
    measure(&format!("{}{check}", settings(&server.url())), Path::new("."))
}

fn refusal(code: &str) -> String {
    format!("{{\"__type\":\"com.amazonaws#{code}\",\"message\":\"hunter2 is not allowed\"}}")
}

fn xml(code: &str) -> String {
    format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>hunter2 is not allowed</Message></Error></ErrorResponse>"
    )
}

#[test]
fn refusals_name_the_permission() {
    if parent_of("faults::refusals_name_the_permission", &CREDENTIALS) {
        return;
    }
    let (ok, bad, forbidden) = ("200 OK", "400 Bad Request", "403 Forbidden");
    for (check, action, json) in [
        (PARAMETERS, "ssm:DescribeParameters", true),
        (LEAKS, "logs:FilterLogEvents", true),
        (ERRORS, "logs:FilterLogEvents", true),
        (SNAPSHOT, "rds:DescribeDBInstances", false),
    ] {
        let body = |code: &str| if json { refusal(code) } else { xml(code) };
        for (status, body, part) in [
            (forbidden, body("AccessDeniedException"), format!("AWS denies {action}")),
            (ok, body("AccessDeniedException"), format!("AWS denies {action}")),
            (bad, body("ExpiredTokenException"), "credentials have expired".to_owned()),
            (bad, body("UnrecognizedClientException"), "does not accept these credentials".to_owned()),
            (bad, body("ThrottlingException"), format!("AWS throttles {action}, also after 3 attempts")),
            (bad, body("SomethingElse"), format!("{action} failed with SomethingElse")),
            (ok, "nonsense".to_owned(), "an answer that cannot be read".to_owned()),
            (ok, String::new(), "an answer that cannot be read".to_owned()),
            (ok, "{}".to_owned(), "an answer that cannot be read".to_owned()),
            ("502 Bad Gateway", "<html>hunter2</html>".to_owned(), "HTTP status 502".to_owned()),
        ] {
            let collected = against(&Server::script(vec![(status, body.clone())]), check);
            assert_eq!(collected.reading.phase, Some(Phase::Error), "{action} {status} {body}");
            assert!(detail(&collected).contains(&part), "{part}: {}", detail(&collected));
            assert!(!response(&collected).contains("hunter2"), "{action} {body}: {}", response(&collected));
        }
    }
}

#[test]
fn pages_are_all_read_or_none_count() {
    if parent_of("faults::pages_are_all_read_or_none_count", &CREDENTIALS) {
        return;
    }
    let (ok, bad) = ("200 OK", "400 Bad Request");
    let page = |name: &str, more: &str| {
        format!(
            "{{\"Parameters\":[{{\"Name\":\"/a/{name}\",\"Type\":\"String\",\"Version\":1,\"LastModifiedDate\":1783044251.5}}]{more}}}"
        )
    };
    let next = ",\"NextToken\":\"n\"";
    let server = Server::script(vec![
        (ok, page("X", next)),
        (bad, refusal("ThrottlingException")),
        // A page without parameters that goes on is how the service says "not yet".
        (ok, "{\"Parameters\":[],\"NextToken\":\"m\"}".into()),
        (ok, page("Y", "")),
    ]);
    let whole = against(&server, PARAMETERS);
    assert_eq!(whole.reading.phase, Some(Phase::Pass), "{}", detail(&whole));
    assert_eq!(server.requests.load(Ordering::SeqCst), 4);
    for answers in [
        vec![(ok, page("X", next)), (bad, refusal("ThrottlingException"))],
        vec![(ok, page("X", next)), (ok, "nonsense".into())],
        // A list that does not go on.
        vec![(ok, page("X", next))],
    ] {
        let half = against(&Server::script(answers), PARAMETERS);
        assert_eq!(half.reading.phase, Some(Phase::Error), "{}", detail(&half));
    }
    let cut = Server::start(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"Parameters\":[]");
    });
    assert_eq!(against(&cut, PARAMETERS).reading.phase, Some(Phase::Error));
    let events = |message: &str, more: &str| {
        let at = crate::now().millis() - 1000;
        format!("{{\"events\":[{{\"timestamp\":{at},\"message\":\"{message}\"}}]{more}}}")
    };
    let next = ",\"nextToken\":\"n\"";
    let two =
        against(&Server::script(vec![(ok, events("fine", next)), (ok, events("a@example.com", ""))]), LEAKS);
    assert_eq!(two.reading.phase, Some(Phase::Warn), "{}", detail(&two));
    let half =
        against(&Server::script(vec![(ok, events("fine", next)), (bad, refusal("AccessDenied"))]), LEAKS);
    assert_eq!(half.reading.phase, Some(Phase::Error), "{}", detail(&half));
}
