//! Killed, started again, started twice: each minute is read once.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::hour::{ERRORS, UP, script};
use crate::world::{Fake, World, minute};

const MINUTES: &str = "verification-minutes = 6";

#[allow(clippy::unnecessary_wraps)] // stands beside sources that may have nothing
fn calm(_: i64) -> Option<String> {
    Some("0.02".into())
}

/// What was read when, in order; without what was measured while the last data was waited for.
fn once(world: &World) -> Vec<(String, String)> {
    let over = minute(5).plus_seconds(20).to_string();
    let mut seen: Vec<(String, String)> =
        world.readings().into_iter().map(|(check, _, to)| (check, to)).collect();
    seen.retain(|(check, to)| check != "up" || *to < over);
    seen.sort();
    seen
}

#[test]
fn killed_at_every_step_and_started_again() {
    let config = format!("{ERRORS}window-minutes = 2\n{UP}");
    let world = World::green(MINUTES, &config);
    script(&world, "exit 0");
    world.feed(0, calm);
    world.watch(0, "PROVEN");
    let undisturbed = once(&world);
    let world = World::green(MINUTES, &config);
    script(&world, "exit 0");
    world.feed(0, calm);
    let mut kills = 0;
    // Each life is a few looks at the clock longer than the last, so that it dies at other steps.
    let mut lives = 2;
    while world.killed(lives) {
        kills += 1;
        lives = 2 + (lives + 1) % 17;
        assert!(kills < 500, "it never ends");
    }
    assert!(kills > 10, "{kills}");
    assert_eq!(once(&world), undisturbed);
}

#[test]
fn a_trigger_is_recorded_once_wherever_it_is_killed() {
    let world = World::green(MINUTES, ERRORS);
    world.feed(0, |m| Some(if m == 1 { "3" } else { "0.02" }.into()));
    let (mut kills, mut lives) = (0, 3);
    while world.killed(lives) {
        kills += 1;
        lives = 2 + (lives + 3) % 11;
        assert!(kills < 500, "it never ends");
    }
    assert_eq!(world.entries("rollback-triggered").len(), 1);
    world.watch(3, "a rollback trigger stands");
}

/// The first stops in its tracks; the second attaches, takes over after two missed minutes, and the first, awake
/// again, records nothing more.
#[test]
fn the_second_attaches_and_takes_over() {
    let world = Rc::new(World::green("verification-minutes = 12", ERRORS));
    world.feed(0, calm);
    let second = Rc::new(Cell::new(None));
    let (inner, result, feed) = (Rc::downgrade(&world), second.clone(), world.path().join("readings.json"));
    world.each(move |now| {
        crate::world::write_readings(&feed, now, 0, &calm);
        if now >= minute(4) && result.take().is_none() {
            let world = inner.upgrade().unwrap();
            let clock = Fake::at(now.plus_seconds(5));
            let feed = feed.clone();
            clock.each(move |now| crate::world::write_readings(&feed, now, 0, &calm));
            let ran = world.run_by(&clock, &["watch", "--as", "bob"]);
            let (attached, took) =
                (ran.err.contains("carol watches already"), ran.err.contains("taking over"));
            result.set(Some((ran.status, attached, took)));
            world.clock.set(clock.now_at());
        } else if let Some(known) = result.take() {
            result.set(Some(known));
        }
    });
    let first = world.run(&["watch", "--as", "carol"]);
    assert_eq!(second.take(), Some((Some(0), true, true)));
    assert_eq!(first.status, Some(0), "{}{}", first.out, first.err);
    let readings = once(&world);
    let distinct: BTreeSet<_> = readings.iter().collect();
    // Twelve, and the last three again.
    assert_eq!((distinct.len(), readings.len()), (12, 15), "{readings:?}");
}
