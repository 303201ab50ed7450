//! The resolvers' view of a shift, at a real resolver that keeps what it knows for as long as it may.

use std::fs;
use std::time::{Duration, Instant};

use crate::folder::Ran;
use crate::unbound::Unbound;
use crate::world::World;

const SHIFT: [&str; 6] = ["shift", "--to", "green", "--yes", "--as", "alice"];

/// A go, and this resolver to be asked, so many seconds.
fn asking(server: &Unbound, seconds: u32) -> World {
    let world = World::new().go();
    let path = world.folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("[dns]\n").unwrap();
    let (_, rest) = rest.split_once("timeout-seconds = 20\n").unwrap();
    let section = format!("[dns]\nresolvers = [\"{}\"]\ntimeout-seconds = {seconds}\n", server.address);
    fs::write(path, format!("{head}{section}{rest}")).unwrap();
    world
}

#[track_caller]
fn answers(server: &Unbound, target: &str) {
    assert_eq!(server.look().unwrap().names, [format!("{target}.example.com")]);
}

#[test]
fn a_resolver_that_still_has_the_old_answer_is_waited_for() {
    let server = Unbound::start("blue", 6);
    let world = asking(&server, 60);
    let shift = world.command(&SHIFT).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    while world.weights() != (0, 100) {
        assert!(Instant::now() < patience, "the records do not move");
        std::thread::sleep(Duration::from_millis(50));
    }
    // The old answer is fetched once more just before the zone changes, and is kept.
    while server.look().unwrap().ttl.unwrap() < 4 {
        std::thread::sleep(Duration::from_millis(200));
    }
    server.change("green", 6);
    answers(&server, "blue");
    let ran = Ran::of(shift.wait_with_output().unwrap());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("1 of 1 answer with the new target of app.example.com"), "{}", ran.err);
    answers(&server, "green");
}

#[test]
fn a_resolver_that_never_learns_of_it_is_no_pass() {
    let server = Unbound::start("blue", 1);
    let world = asking(&server, 2);
    let ran = world.run(&SHIFT);
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    let told = format!("not yet for app.example.com: {} (answers with another target)", server.address);
    assert!(ran.err.contains(&told), "{}", ran.err);
    assert_eq!(world.weights(), (0, 100), "what was changed stays changed, and is said");
    server.change("green", 1);
    let ran = world.ok(&SHIFT);
    assert!(ran.err.contains("1 of 1 answer with the new target"), "{}", ran.err);
}

#[test]
fn a_resolver_that_is_gone_is_no_pass() {
    let server = Unbound::start("blue", 1);
    let world = asking(&server, 2);
    let address = server.address;
    drop(server);
    let ran = world.run(&SHIFT);
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    assert!(ran.err.contains(&format!("{address} (")) && ran.err.contains("does not answer"), "{}", ran.err);
}
