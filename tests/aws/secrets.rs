//! Secrets that were planted are found nowhere: not in the ledger, its openings and exports, nor in anything that is said.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::everything::everything;
use crate::now;
use crate::snapshot::{project, run};
use crate::sources::database;
use crate::stand_in::StandIn;

#[test]
fn planted_secrets_stay_where_they_are() {
    let server = StandIn::start();
    let (card, key, value) = ("4111111111111111", format!("AKIA{}", "ABCDEFGH23456723"), "hunter2-parameter");
    for kind in ["String", "SecureString"] {
        let input = json!({ "Name": format!("/a/{kind}"), "Type": kind, "Value": value });
        server.json("ssm", "AmazonSSM.PutParameter", &input);
    }
    let at = now().millis() - 120_000;
    server.json("logs", "Logs_20140328.CreateLogGroup", &json!({ "logGroupName": "/a" }));
    server.json(
        "logs",
        "Logs_20140328.CreateLogStream",
        &json!({ "logGroupName": "/a", "logStreamName": "s" }),
    );
    let messages = [format!("paid with {card}"), format!("key {key}"), format!("ERROR {value}")];
    let events: Vec<_> = messages.iter().map(|text| json!({ "timestamp": at, "message": text })).collect();
    server.json(
        "logs",
        "Logs_20140328.PutLogEvents",
        &json!({ "logGroupName": "/a", "logStreamName": "s", "logEvents": events }),
    );
    database(&server, "db", false);
    let folder = project(
        &server.url,
        "[[database]]\nid = \"db\"\n\
         [[check]]\nid = \"p\"\nsource = \"parameters\"\n[check.parameters]\npath = \"/a\"\nexpected = [\"String\", \"Gone\"]\n\
         [[check]]\nid = \"leaks\"\nsource = \"logs\"\n[check.logs]\ngroups = [\"/a\"]\nsensitive = true\n\
         [[check]]\nid = \"errors\"\nsource = \"logs\"\n[check.logs]\ngroups = [\"/a\"]\nerrors = \"ERROR\"\n\
         [[check]]\nid = \"s\"\nsource = \"snapshot\"\n[check.snapshot]\ndatabase = \"db\"\nrestore = true\n",
    );
    let mut said = String::new();
    for (args, status) in [
        (&["collect", "p", "leaks", "errors", "-v"][..], 1),
        (&["snapshot", "--every", "1", "-v"], 0),
        (&["collect", "s", "-v"], 1),
        (&["report", "-v"], 0),
        (&["export", "out", "-v"], 0),
    ] {
        let ran = run(&folder, args);
        assert_eq!(ran.status, Some(status), "{args:?}: {}{}", ran.out, ran.err);
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    }
    assert!(said.contains("1 missing: Gone") && said.contains("1 card-number"), "{said}");
    let mut all = vec![("said".to_owned(), said.into_bytes())];
    everything(folder.path(), &[], &mut all);
    assert!(all.len() > 30);
    let encoded = STANDARD.encode(value);
    for secret in [card, key.as_str(), value, encoded.as_str(), "test-secret-hunter2", "hunter2hunter2"] {
        for (place, bytes) in &all {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} in {place}");
        }
    }
}
