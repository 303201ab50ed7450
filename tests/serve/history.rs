//! The ledger held by somebody, taken away, put back, and exchanged for another history.

use std::fs;

use aether_audit::ledger::Ledger;
use rusqlite::Connection;
use serde_json::Value;

use crate::client::Page;
use crate::world::World;

fn append(world: &World, text: &str) -> u64 {
    let mut ledger = world.open();
    let submission = world.note(&ledger, text);
    ledger.append(world.log.now, &submission).unwrap().seq
}

#[test]
fn a_ledger_that_is_held_is_waited_for() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let mut events = page.events(Some(4));
    let holder = Connection::open(&world.path).unwrap();
    holder
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE x (y); ROLLBACK; SELECT * FROM entries LIMIT 1;")
        .unwrap();
    let state = page.until("held", |state| !state["trouble"].is_null());
    assert!(state["trouble"].as_str().unwrap().contains("held by another process"), "{state}");
    // What was read before stays, and no history is called into question.
    assert_eq!((&state["chain"]["entries"], &state["alarm"]), (&5.into(), &Value::Null));
    drop(holder);
    page.until("free", |state| state["trouble"].is_null());
    append(&world, "afterwards");
    assert_eq!(events.find(|event| event.name == "entry").unwrap().seq(), 5);
}

#[test]
fn a_ledger_that_is_away_comes_back_and_goes_on() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let mut events = page.events(Some(4));
    let aside = world.dir.path().join("aside.db");
    fs::rename(&world.path, &aside).unwrap();
    // A read that was under way as it went may fail in other words first.
    let gone = |state: &serde_json::Value| {
        state["trouble"].as_str().is_some_and(|why| why.contains("there is no ledger"))
    };
    page.until("away", gone);
    // A copy that has more, in its place: the same history.
    {
        let mut ledger = Ledger::open(&aside).unwrap();
        let submission = world.note(&ledger, "written elsewhere");
        ledger.append(world.log.now, &submission).unwrap();
    }
    fs::rename(&aside, &world.path).unwrap();
    let event = events.find(|event| event.name != "state").unwrap();
    assert_eq!((event.name.as_str(), event.seq()), ("entry", 5));
    let state = page.until("back", |state| state["trouble"].is_null());
    assert_eq!(state["alarm"], Value::Null, "{state}");
    // And replaced while it is there.
    let copy = world.dir.path().join("copy.db");
    fs::copy(&world.path, &copy).unwrap();
    fs::rename(&copy, &world.path).unwrap();
    append(&world, "after the exchange");
    let event = events.find(|event| event.name != "state").unwrap();
    assert_eq!((event.name.as_str(), event.seq()), ("entry", 6));
}

#[test]
fn another_history_is_an_alarm_that_stays() {
    let world = World::new();
    let older = world.dir.path().join("older.db");
    fs::copy(&world.path, &older).unwrap();
    append(&world, "what was shown");
    let page = Page::of(&world.path, &[]);
    let mut events = page.events(None);
    assert_eq!(events.entries_to(5).len(), 6);
    fs::rename(&older, &world.path).unwrap();
    let reset = events.find(|event| event.name != "state").unwrap();
    // The id is emptied, so that nobody comes back to a place in the other history.
    assert_eq!((reset.name.as_str(), reset.id.as_deref()), ("reset", Some("")));
    assert_eq!(events.entries_to(4), [0, 1, 2, 3, 4]);
    append(&world, "what stands there now");
    assert_eq!(events.entries_to(5), [5]);
    let state = page.until("six entries", |state| state["chain"]["entries"] == 6);
    assert!(state["alarm"].as_str().unwrap().starts_with("THE HISTORY WAS CHANGED: entry 5"), "{state}");
    // Whoever has seen more than there is begins anew, and is told.
    let mut ahead = page.events(Some(77));
    assert_eq!(ahead.next().unwrap().name, "reset");
    assert_eq!(ahead.entries_to(5).len(), 6);
}

#[test]
fn an_entry_that_is_none_is_said_and_the_ones_before_are_shown() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let mut events = page.events(Some(4));
    append(&world, "a good one");
    let raw = Connection::open(&world.path).unwrap();
    raw.execute(
        "INSERT INTO entries (seq, leaf, id, kind, deployment, deployment_seq, bytes) VALUES (6, zeroblob(32), 'x', 'y', NULL, NULL, x'7b7d')",
        [],
    )
    .unwrap();
    drop(raw);
    assert_eq!(events.find(|event| event.name == "entry").unwrap().seq(), 5);
    let state = page.until("said", |state| !state["trouble"].is_null());
    assert!(state["trouble"].as_str().unwrap().contains("entry 5 is not of the format"), "{state}");
    assert_eq!(state["chain"]["entries"], 6);
}

#[test]
fn it_does_not_begin_with_what_it_cannot_read() {
    let world = World::new();
    for (ledger, args, says) in [
        (world.dir.path().join("none.db"), &["serve"][..], "there is no ledger at"),
        (world.path.clone(), &["serve", "--deployment", "v9"], "there is no deployment v9"),
        (
            world.path.clone(),
            &["serve", "--bind", "192.0.2.1:0", "--new-token"],
            "cannot listen on 192.0.2.1:0",
        ),
        (world.path.clone(), &["serve", "--bind", "localhost"], "invalid value"),
    ] {
        let ran = crate::client::command(&ledger, args).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(
            ran.status.code() == Some(2) && told.contains(says) && ran.stdout.is_empty(),
            "{args:?}: {told}"
        );
    }
    let ran = crate::client::command(&world.path, &["serve", "--dry-run"]).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success() && told.starts_with("would show deployment "), "{told}");
}
