//! How an hour ends.

use std::fs;

use crate::world::{World, minute};

pub const ERRORS: &str = "[[check]]\nid = \"errors\"\nsource = \"file\"\npath = \"readings.json\"\nobjective = \"< 0.1\"\nrollback = \"> 1\"\n";
pub const UP: &str =
    "[[check]]\nid = \"up\"\nsource = \"command\"\nargv = [\"./up\"]\non-fail = \"trigger\"\n";
pub const HOUR: &str = "verification-minutes = 60";

#[allow(clippy::unnecessary_wraps)] // stands beside sources that may have nothing
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
    world.ok(&[
        "decide",
        "all-clear",
        "--reason",
        "an hour within every limit",
        "--override",
        "decision/go",
        "--as",
        "alice",
    ]);
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
    assert_eq!(
        (&body["trigger"], &body["check"], &body["evidence"]),
        (&"error-rate".into(), &"errors".into(), &reading["id"])
    );
    assert_eq!(reading["body"]["window"]["to"], minute(13).to_string());
    // Again: it stands, and is not recorded twice.
    world.watch(3, "a rollback trigger stands");
    assert_eq!(world.entries("rollback-triggered").len(), 1);
}

#[test]
fn so_many_of_so_many_fire() {
    let config = format!("{ERRORS}trigger-after = \"2 of 3\"\n");
    let series =
        |bad: &'static [i64]| move |m: i64| Some(if bad.contains(&m) { "1.5" } else { "0.02" }.to_owned());
    let world = World::green("verification-minutes = 10", &config);
    world.feed(0, series(&[2, 5, 8]));
    world.watch(1, "A PERSON MUST DECIDE: errors did not pass throughout");
    assert!(world.entries("rollback-triggered").is_empty());
    let world = World::green("verification-minutes = 10", &config);
    world.feed(0, series(&[2, 5, 7]));
    world.watch(3, "TRIGGER: errors fires");
    assert_eq!(world.readings().last().unwrap().2, minute(8).to_string());
    let (told, standing) = status(&world);
    assert!(!told.contains("not often enough") && standing == "fires", "{standing}: {told}");
    // `status` says of the newest reading what `watch` makes of it.
    let world = World::green("verification-minutes = 10", &config);
    world.feed(0, series(&[9]));
    world.watch(1, "A PERSON MUST DECIDE: the last evidence of errors is trigger");
    let (told, standing) = status(&world);
    assert!(
        told.contains("(over the rollback limit, not often enough to fire: it fires at 2 of 3)"),
        "{told}"
    );
    assert_eq!(standing, "limit");
}

/// For people, and where the first check stands.
fn status(world: &World) -> (String, String) {
    let told = world.ok(&["status"]);
    let all: serde_json::Value = serde_json::from_str(&world.ok(&["status", "-o", "json"])).unwrap();
    (told, all["checks"][0]["standing"].as_str().unwrap().to_owned())
}

#[test]
fn a_no_of_a_check_that_answers_by_itself_fires_at_once() {
    let config = format!("{UP}errors-after = 2\ntrigger = \"unresponsive\"\n");
    let world = World::green("verification-minutes = 10", &config);
    script(&world, "test ! -e down");
    let down = world.path().join("down");
    world.each(move |now| {
        if now >= minute(4) {
            fs::write(&down, "").unwrap();
        }
    });
    world.watch(3, "TRIGGER: up fires");
    assert_eq!(world.entries("rollback-triggered")[0]["body"]["trigger"], "unresponsive");
}

#[test]
fn between_the_limits_a_person_decides() {
    let world = World::green("verification-minutes = 5", &format!("{ERRORS}window-minutes = 1\n"));
    world.feed(0, |m| Some(if m == 2 { "0.5" } else { "0.02" }.into()));
    world.watch(1, "A PERSON MUST DECIDE");
    let why = ["--reason", "a deploy of a neighbour", "--as", "alice"];
    world
        .ok(&[&["decide", "override", "--gate", "all-clear", "--waive", "breach/errors"], &why[..]].concat());
    world.watch(0, "PROVEN");
}

#[test]
fn no_data_proves_nothing() {
    let world = World::green("verification-minutes = 5", ERRORS);
    world.feed(0, |_| None);
    let ran = world.watch(4, "NOT PROVEN");
    assert!(ran.out.contains("no-data") && !ran.out.contains("pass  "), "{}", ran.out);
    world
        .run(&["decide", "all-clear", "--reason", "x", "--as", "alice"])
        .refused("errors covers 0 of 5 minutes");
}

/// What no data means is said by the check, and is never a pass: an hour that only has excuses is not proven.
#[test]
fn missing_data_means_what_the_check_says() {
    for (missing, status, says) in [
        ("breaching", 3, "which counts as a breach of the rollback limit > 1"),
        ("not-breaching", 4, "the window has no reading at all"),
        ("ignore", 4, "errors covers 0 of 5 minutes"),
        ("unknown", 4, "errors did not pass throughout"),
    ] {
        let world = World::green("verification-minutes = 5", &format!("{ERRORS}missing = \"{missing}\"\n"));
        world.feed(0, |_| None);
        let ran = world.watch(status, says);
        assert!(!ran.out.contains("pass  "), "{missing}: {}", ran.out);
    }
    // Beside a check that is measured, errors that there are none of hold nothing up.
    let world =
        World::green("verification-minutes = 5", &format!("{ERRORS}missing = \"not-breaching\"\n{UP}"));
    script(&world, "exit 0");
    world.feed(0, |_| None);
    world.watch(0, "PROVEN");
}

#[test]
fn data_may_be_late() {
    for (late, status) in [(90, 0), (600, 4)] {
        let world = World::green("verification-minutes = 8", &format!("{ERRORS}window-minutes = 1\n"));
        world.feed(late, calm);
        let ran = world.watch(status, "");
        assert_eq!(
            world.readings().iter().any(|(_, phase, _)| phase == "no-data"),
            late == 600,
            "{}",
            ran.out
        );
    }
}

/// What was good when it was first read and bad when the rest of the data had come in is found by the last look.
#[test]
fn the_last_minutes_are_read_again() {
    let world = World::green("verification-minutes = 8", &format!("{ERRORS}window-minutes = 1\n"));
    let path = world.path().join("readings.json");
    world.each(move |now| {
        let late = now >= minute(9);
        crate::world::write_readings(&path, now, 0, &|m| {
            Some(if m == 7 && late { "0.7" } else { "0.02" }.into())
        });
    });
    world.watch(1, "A PERSON MUST DECIDE");
}

#[test]
fn a_provider_that_is_down_for_a_while_is_read_again_later() {
    let world = World::green("verification-minutes = 15", &format!("{ERRORS}window-minutes = 1\n"));
    let path = world.path().join("readings.json");
    world.each(move |now| {
        if (minute(4)..minute(9)).contains(&now) {
            let _ = fs::remove_file(&path);
        } else {
            crate::world::write_readings(&path, now, 0, &calm);
        }
    });
    world.watch(0, "PROVEN: 15 minutes measured");
    let readings = world.readings();
    let errors = readings.iter().filter(|(_, phase, _)| phase == "error").count();
    assert_eq!(errors, 5, "one a minute: {readings:?}");
    for m in 1..=15 {
        let to = minute(m).to_string();
        assert!(
            readings.iter().any(|(_, phase, at)| phase == "pass" && *at == to),
            "minute {m}: {readings:?}"
        );
    }
}

#[test]
fn a_provider_that_stays_down_is_not_proven() {
    let world = World::green("verification-minutes = 3", ERRORS);
    world.watch(4, "NOT PROVEN");
    assert!(world.readings().iter().all(|(_, phase, _)| phase == "error"));
}

/// A source that only measures the moment cannot be asked about minutes that were missed: more are added at the end.
#[test]
fn missed_moments_extend_the_window() {
    let world = World::green("verification-minutes = 10", UP);
    script(&world, "exit 0");
    let script = world.path().join("up");
    world.each(move |now| {
        let mode = if (minute(3)..minute(7)).contains(&now) { 0o644 } else { 0o755 };
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    });
    world.watch(0, "PROVEN: 10 minutes measured");
    assert!(world.clock.now_at() > minute(12), "{}", world.clock.now_at());
}

#[test]
fn nothing_watched_proves_nothing() {
    let world = World::green("verification-minutes = 3", &format!("{UP}watch = false\n"));
    let ran = world.watch(4, "no check is watched");
    assert!(ran.err.contains("can never be proven"), "{}", ran.err);
}

#[test]
fn it_waits_for_nothing() {
    let world = World::opened("verification-minutes = 5", UP);
    script(&world, "exit 0");
    world.run(&["watch", "--as", "carol"]).refused("app is at 0 % Green");
    let ran = world.run(&["watch", "--minutes", "2", "--as", "carol"]);
    assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("proves nothing of the verification window"), "{}", ran.out);
    let would = world.ok(&["watch", "--minutes", "2", "--as", "carol", "--dry-run"]);
    assert!(would.contains("would watch v1 until") && would.contains("of up"), "{would}");
}

#[test]
fn the_way_back_is_begun_where_that_was_asked_for() {
    let world = World::green("verification-minutes = 5", ERRORS);
    world.feed(0, |m| Some(if m == 2 { "5" } else { "0.02" }.into()));
    let ran = world.run(&["watch", "--auto-rollback", "--as", "carol"]);
    assert_eq!(ran.status, Some(3), "{}{}", ran.out, ran.err);
    assert_eq!((world.entries("rollback-triggered").len(), world.entries("rollback-started").len()), (1, 1));
    world.watch(3, "a rollback was begun");
}

/// A machine may not trigger unless the deployment was opened so: it still ends with 3, and says so.
#[test]
fn a_machine_tells_what_it_may_not_record() {
    for (allowed, count) in [(false, 0), (true, 1)] {
        let deployment = format!("verification-minutes = 5\nmachine-rollback = {allowed}");
        let world = World::green(&deployment, ERRORS);
        world.feed(0, |m| Some(if m == 2 { "5" } else { "0.02" }.into()));
        let ran = world.run(&["watch", "--as", "ci"]);
        assert_eq!(ran.status, Some(3), "{}{}", ran.out, ran.err);
        assert_eq!(ran.err.contains("could not be recorded by you"), !allowed, "{}", ran.err);
        assert_eq!(world.entries("rollback-triggered").len(), count);
    }
}

#[test]
fn programs_get_a_line_for_each_reading() {
    let world = World::green("verification-minutes = 3", ERRORS);
    world.feed(0, calm);
    let ran = world.run(&["watch", "-o", "json", "--as", "carol"]);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, readings) = lines.split_last().unwrap();
    assert_eq!((&last["verdict"], &last["exit"]), (&"proven".into(), &0.into()));
    assert_eq!(readings.len(), world.readings().len());
    assert_eq!((&readings[0]["check"], &readings[0]["phase"]), (&"errors".into(), &"pass".into()));
}
