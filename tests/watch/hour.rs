//! How an hour ends.

use std::fs;

use crate::world::{World, minute};

pub const ERRORS: &str = "[[check]]\nid = \"errors\"\nsource = \"file\"\npath = \"readings.json\"\nobjective = \"< 0.1\"\nrollback = \"> 1\"\n";
pub const UP: &str = "[[check]]\nid = \"up\"\nsource = \"command\"\nargv = [\"./up\"]\non-fail = \"trigger\"\n";
pub const HOUR: &str = "verification-minutes = 60";

fn calm(_: i64) -> Option<String> {
    Some("0.02".into())
}

/// The program that the check `up` runs.
pub fn script(world: &World, text: &str) {
    let path = world.path().join("up");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
}

#[test]
fn a_quiet_hour_is_proven_and_can_be_decided() {
    let world = World::green(HOUR, &[ERRORS, UP].concat());
    script(&world, "exit 0");
    world.feed(0, calm);
    let ran = world.watch(0, "PROVEN: 60 minutes measured");
    assert!(ran.out.contains("decide all-clear") && ran.out.contains("minute 60 of 60"), "{}", ran.out);
    assert!(ran.out.lines().count() < 75, "a line for each change, not for each reading: {}", ran.out);
    let readings = world.readings();
    let of = |id: &str| readings.iter().filter(|(check, _, _)| check == id).count();
    // Sixty, and the last three minutes once more.
    assert_eq!((of("errors"), of("up")), (63, 63), "{readings:?}");
    assert!(world.entries("decision-made").is_empty());
    world.ok(&["decide", "all-clear", "--reason", "an hour within every limit", "--as", "alice"]);
}

#[test]
fn a_spike_triggers() {
    let config = format!("{ERRORS}trigger = \"error-rate\"\n");
    let world = World::green(HOUR, &config);
    world.feed(0, |m| Some(if m == 12 { "1.5" } else { "0.02" }.into()));
    let ran = world.watch(3, "TRIGGER: errors fires");
    assert!(ran.err.contains("aether-audit rollback --check errors"), "{}", ran.err);
    let triggers = world.entries("rollback-triggered");
    let reading = world.log().into_iter().rfind(|e| e["kind"] == "metric-read").unwrap();
    assert_eq!(triggers.len(), 1);
    let body = &triggers[0]["body"];
    assert_eq!((&body["trigger"], &body["check"], &body["evidence"]), (&"error-rate".into(), &"errors".into(), &reading["id"]));
    assert_eq!(reading["body"]["window"]["to"], minute(13).to_string());
    // Again: it stands, and is not recorded twice.
    world.watch(3, "a rollback trigger stands");
    assert_eq!(world.entries("rollback-triggered").len(), 1);
}
