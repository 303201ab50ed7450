//! A thousand entries while many look on: none missing, none twice, in order, also for those who go and come back.

use std::thread;

use aether_audit::ledger::Ledger;

use crate::child;
use crate::client::Page;
use crate::world::{World, note, seen, told};

const EVENTS: u64 = 1000;
const VIEWERS: usize = 50;

/// In a process of its own: appends notes, each durable before the next.
#[test]
fn appends() {
    let Some(path) = child::place_in("follow::appends") else { return };
    let log = told();
    let mut ledger = Ledger::open(&path).unwrap();
    for n in 0..EVENTS {
        ledger.append(log.now, &note(&log, seen(&ledger), &format!("note {n}"))).unwrap();
    }
}

/// Goes after every so many entries, in the middle of whatever comes, and comes back to where it was.
fn come_and_go(page: &Page, every: usize, last: u64) -> Vec<u64> {
    let mut got: Vec<u64> = Vec::new();
    while got.last() != Some(&last) {
        let events = page.events(got.last().copied()).filter(|event| event.name != "state");
        for event in events.take(every) {
            assert_eq!(event.name, "entry", "{event:?}");
            got.push(event.seq());
            if event.seq() == last {
                break;
            }
        }
    }
    got
}

#[test]
fn a_thousand_entries_come_to_fifty_viewers_once_each_and_in_order() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let last = 4 + EVENTS;
    let all: Vec<u64> = (0..=last).collect();
    thread::scope(|scope| {
        let page = &page;
        let viewers: Vec<_> =
            (0..VIEWERS - 5).map(|_| scope.spawn(move || page.events(None).entries_to(last))).collect();
        let leavers: Vec<_> = [7, 31, 64, 137, 400]
            .into_iter()
            .map(|every| scope.spawn(move || come_and_go(page, every, last)))
            .collect();
        child::passed(child::start("follow::appends", &["env"], &world.path));
        for viewer in viewers.into_iter().chain(leavers) {
            assert_eq!(viewer.join().unwrap(), all);
        }
    });
    // What was shown is what the ledger holds.
    let ledger = Ledger::open_read_only(&world.path).unwrap();
    let shown: Vec<(u64, String)> = page
        .events(Some(0))
        .filter(|event| event.name == "entry")
        .map(|event| (event.seq(), event.data["leaf"].as_str().unwrap().to_owned()))
        .take(usize::try_from(last).unwrap())
        .collect();
    let held = ledger.leaves().unwrap();
    let held: Vec<(u64, String)> =
        (0..).zip(held).skip(1).map(|(seq, leaf)| (seq, leaf.to_string())).collect();
    assert_eq!(shown, held);
    let state = page.state();
    assert_eq!(state["chain"]["entries"], last + 1);
    assert_eq!(state["chain"]["findings"], 0, "{state}");
    assert_eq!((&state["alarm"], &state["trouble"]), (&serde_json::Value::Null, &serde_json::Value::Null));
}

/// Whoever has seen all of it gets the state and nothing else.
#[test]
fn nothing_comes_twice_to_whoever_has_it() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let mut events = page.events(Some(4));
    let first = events.next().unwrap();
    assert_eq!((first.name.as_str(), first.id.as_deref()), ("state", None));
    let mut ledger = world.open();
    ledger.append(world.log.now, &world.note(&ledger, "one more")).unwrap();
    assert_eq!(events.find(|event| event.name == "entry").unwrap().seq(), 5);
    let state = events.find(|event| event.name == "state").unwrap();
    assert_eq!(state.data["chain"]["entries"], 6);
    // As the page asks where it begins a stream itself.
    let mut after = page.events_at("/events?after=4", "");
    assert_eq!(after.entries_to(5), [5]);
    let mut both = page.events_at("/events?after=2", "Last-Event-ID: 4\r\n");
    assert_eq!(both.entries_to(5), [5]);
}

/// Both sides know that the other is there, and that somebody still reads the ledger.
#[test]
fn it_gives_signs_of_life() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let mut events = page.events(Some(4));
    assert_eq!(events.next().unwrap().name, "state");
    while events.beats.len() < 2 {
        assert!(events.more());
        let _ = events.buffered();
    }
    assert!(
        events
            .beats
            .iter()
            .all(|beat| ["{\"age\":0}", "{\"age\":1}", "{\"age\":2}"].contains(&beat.as_str())),
        "{:?}",
        events.beats
    );
}
