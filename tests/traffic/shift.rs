//! `shift` and `standby`: gates, health, steps, reality, and a process that is killed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::catcher::Catcher;
use crate::say::nowhere;
use crate::world::World;

pub fn of(story: &[String], kind: &str) -> Vec<String> {
    story.iter().filter(|line| line.starts_with(kind)).cloned().collect()
}

#[test]
fn traffic_moves_in_steps_and_every_step_is_recorded() {
    let world = World::new();
    let shift = ["shift", "--to", "green", "--steps", "10,100", "--yes", "--as", "alice"];
    world.run(&shift).failed(1, "refused: the shift of v2.14.0 to Green\n  - there is no go");
    let world = world.go();
    world.run(&["shift", "--to", "green", "--as", "alice"]).failed(2, "say --yes");
    let dry = world.run(&["shift", "--to", "green", "--dry-run", "--as", "alice"]);
    assert_eq!(
        (dry.status, dry.out.as_str()),
        (Some(0), "app: CNAME app.example.com now all on Blue\nwould move 100 % to Green\n"),
        "{}",
        dry.err
    );
    assert_eq!(world.weights(), (100, 0));

    let ran = world.ok(&shift);
    assert_eq!(world.weights(), (0, 100), "{}", ran.err);
    assert_eq!(
        world.story()[3..],
        [
            "evidence-collected pass",
            "traffic-shifted intended green 10",
            "traffic-shifted done green 10",
            "metric-read app-up pass",
            "traffic-shifted intended green 100",
            "traffic-shifted done green 100",
            "metric-read app-up pass",
            "standby-changed done kept",
            "evidence-collected pass",
        ],
        "{}",
        ran.err
    );
    assert!(ran.err.contains("1 of 1 answer with the new target of app.example.com"), "{}", ran.err);
    assert!(ran.err.contains("answered, 0 failed"), "{}", ran.err);
    assert!(world.app.caught().iter().any(|asked| asked.path == "/green"));
    assert!(world.folder.ok(&["status"]).contains("on Green: app 100 %"));
    // Once more: nothing to do.
    let entries = world.story().len();
    world.ok(&shift);
    assert_eq!(of(&world.story(), "traffic-shifted").len(), 4);
    assert_eq!(of(&world.story(), "standby-changed").len(), 1);
    assert!(world.story().len() > entries);

    let retire = ["standby", "--retire", "--yes", "--as", "alice"];
    world.run(&retire).failed(1, "there is no all-clear");
    world.run(&["standby", "--extend", "30", "--as", "alice"]).failed(2, "--reason");
    world.ok(&["standby", "--extend", "30", "--reason", "a slow leak is suspected", "--as", "alice"]);
    assert_eq!(of(&world.story(), "standby-changed")[1..], ["standby-changed done extended"]);
    nowhere(world.folder.path(), &[&ran], "planted-secret-key");
}

#[test]
fn no_traffic_goes_to_what_does_not_answer() {
    let sick = |_| ("500 Internal Server Error".into(), String::new(), Duration::ZERO);
    let world = World::with(sick, Catcher::saying("200 OK", "ok")).go();
    let ran = world.run(&["shift", "--to", "green", "--yes", "--as", "alice"]);
    ran.failed(1, "app on Green does not answer as it should");
    assert_eq!(world.weights(), (100, 0));
    assert_eq!(world.story()[3..], ["evidence-collected warn"]);
}

/// Green is well when asked past the DNS, and the smoke check finds production broken: exit 3, and nothing moves on.
#[test]
fn a_trigger_between_steps_stops_the_shift() {
    let world = World::with(
        |before| {
            let status = if before < 1 { "200 OK" } else { "503 Service Unavailable" };
            (status.into(), String::new(), Duration::ZERO)
        },
        Catcher::saying("200 OK", "ok"),
    )
    .go();
    let ran = world.run(&["shift", "--to", "green", "--steps", "10,100", "--yes", "--as", "alice"]);
    assert_eq!(ran.status, Some(3), "{}", ran.err);
    assert_eq!(world.weights(), (90, 10));
    assert!(of(&world.story(), "traffic-shifted").len() == 2, "{:?}", world.story());
    assert!(ran.err.contains("failed, longest outage"), "{}", ran.err);
}

/// Killed after each single request to Route 53 was done and before its answer came, then run again: one true record.
#[test]
fn killed_anywhere_it_is_run_again() {
    let shift = ["shift", "--to", "green", "--yes", "--as", "alice"];
    let mut killed = 0;
    for at in 0.. {
        let world = World::new().go();
        world.proxy.armed.store(world.proxy.seen.load(Ordering::SeqCst) + at, Ordering::SeqCst);
        let mut child = world.command(&shift).spawn().unwrap();
        let held = world.proxy.wait(&mut child);
        if held {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        world.proxy.armed.store(usize::MAX, Ordering::SeqCst);
        let again = world.ok(&shift);
        assert_eq!(world.weights(), (0, 100), "request {at}: {}", again.err);
        let moved = of(&world.story(), "traffic-shifted");
        assert_eq!(
            moved,
            ["traffic-shifted intended green 100", "traffic-shifted done green 100"],
            "request {at}: {}",
            again.err
        );
        assert_eq!(of(&world.story(), "standby-changed").len(), 1, "request {at}");
        if !held {
            break;
        }
    }
    assert!(killed >= 3, "{killed}");
}

/// Killed in the middle of the way to Green, then reverted: the half is on record as what it was.
#[test]
fn a_half_done_shift_is_reverted() {
    let world = World::new().go();
    // The first request looks, the second changes.
    world.proxy.armed.store(world.proxy.seen.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    let mut child = world
        .command(&["shift", "--to", "green", "--percent", "50", "--yes", "--as", "alice"])
        .spawn()
        .unwrap();
    assert!(world.proxy.wait(&mut child));
    child.kill().unwrap();
    child.wait().unwrap();
    world.proxy.armed.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(world.weights(), (50, 50));
    let ran = world.ok(&["shift", "--to", "blue", "--yes", "--as", "alice"]);
    assert_eq!(world.weights(), (100, 0), "{}", ran.err);
    assert_eq!(
        of(&world.story(), "traffic-shifted"),
        [
            "traffic-shifted intended green 50",
            "traffic-shifted done green 50",
            "traffic-shifted intended blue 100",
            "traffic-shifted done blue 100",
        ]
    );
}
