//! The program itself, in the time of this machine: killed, started again, and twice at once.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aether_audit::core::time::Timestamp;

use crate::hour::{UP, script};
use crate::server::Server;
use crate::world::World;

fn command(world: &World, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AETHER_AUDIT_") {
            command.env_remove(name);
        }
    }
    command.args(args).current_dir(world.path());
    command
        .env("AETHER_AUDIT_PASSPHRASE", "correct-horse")
        .env("AETHER_AUDIT_KEYS", world.path().join("private"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(world: &World, person: &str) -> Child {
    command(world, env!("CARGO_BIN_EXE_aether-audit"), &["watch", "--as", person]).spawn().unwrap()
}

#[track_caller]
fn until(what: &str, mut good: impl FnMut() -> bool) {
    let started = Instant::now();
    while !good() {
        assert!(started.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn killed_and_started_again_while_others_look_on() {
    let world = World::opened("verification-minutes = 1", UP);
    script(&world, "exit 0");
    let now = Timestamp::from_millis(chrono::Utc::now().timestamp_millis()).unwrap();
    world.clock.set(now);
    world.shifted();
    let mut first = start(&world, "carol");
    until("the first reading", || !world.readings().is_empty());
    // SIGKILL.
    first.kill().unwrap();
    first.wait().unwrap();
    let second = start(&world, "bob");
    let lease = world.path().join("records/ledger.db.watch-v1");
    until("bob watches", || std::fs::read_to_string(&lease).is_ok_and(|text| text.contains("\"bob\"")));
    let third = start(&world, "alice");
    let drawn = format!("{} watch --as carol", env!("CARGO_BIN_EXE_aether-audit"));
    let terminal = command(&world, "script", &["-qec", &drawn, "/dev/null"]).spawn().unwrap();
    let (second, third) = (second.wait_with_output().unwrap(), third.wait_with_output().unwrap());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for output in [&second, &third] {
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        assert!(text(&output.stdout).contains("PROVEN: 1 minutes"), "{}", text(&output.stdout));
    }
    assert!(!text(&second.stderr).contains("attached"), "{}", text(&second.stderr));
    assert!(text(&third.stderr).contains("bob watches already (process "), "{}", text(&third.stderr));
    let terminal = terminal.wait_with_output().unwrap();
    let screen = text(&terminal.stdout);
    for part in [
        "minute 0 of 1, 0:",
        "left; attached",
        "\u{1b}[32mpass",
        "\u{1b}[2A\u{1b}[J",
        "░░",
        "1/1 min",
        "PROVEN",
    ] {
        assert!(screen.contains(part), "{part:?} is not on the screen: {screen:?}");
    }
    assert!(!lease.exists(), "the last one turns out the light");
    assert_eq!(world.readings().len(), 1 + usize::from(world.readings().len() > 1), "{:?}", world.readings());
}

/// The channel is told at once, and by somebody who may not record that: it is told all the same.
#[test]
fn a_trigger_is_told_to_the_channel() {
    for (person, recorded) in [("alice", 1), ("carol", 0)] {
        let world = World::opened(
            "verification-minutes = 1",
            &format!("{UP}objective = \"< 1\"\nvalue-pattern = '([0-9]+)'\n"),
        );
        script(&world, "exit 1");
        let now = Timestamp::from_millis(chrono::Utc::now().timestamp_millis()).unwrap();
        world.clock.set(now);
        world.shifted();
        let channel = Server::saying("200 OK", "", b"ok");
        let mut watch = command(&world, env!("CARGO_BIN_EXE_aether-audit"), &["watch", "--as", person]);
        let ran = watch
            .env("AETHER_AUDIT_SLACK_WEBHOOK", format!("{}/secret-path", channel.url()))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(3), "{told}");
        assert_eq!(channel.requests.load(std::sync::atomic::Ordering::SeqCst), 1, "{told}");
        assert_eq!(told.contains("the channel may not have been told"), recorded == 0, "{told}");
        assert!(!told.contains("secret-path"), "{told}");
        world.clock.set(Timestamp::from_millis(chrono::Utc::now().timestamp_millis()).unwrap());
        assert_eq!(world.entries("message-sent").len(), recorded);
    }
}
