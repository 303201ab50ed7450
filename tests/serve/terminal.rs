//! `status` and `log` at a terminal and in a pipe: what they print, in which colours, and that they follow the ledger.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use aether_audit::core::entry::Entry;
use aether_audit::ledger::Ledger;
use serde_json::Value;

use crate::client::command;
use crate::common::{TestLog, story};
use crate::world::{ALICE, World, carrying, fill};

/// A ledger with a story.
fn telling(tell: impl FnOnce(&mut TestLog)) -> World {
    let mut world = World::new();
    fs::remove_file(&world.path).unwrap();
    world.log = TestLog::init();
    for (name, role) in [("bob", "comms-lead"), ("carol", "qa-engineer"), ("ci", "recorder")] {
        world.log.enroll(name, role);
    }
    tell(&mut world.log);
    fill(&mut Ledger::create(&world.path).unwrap(), &world.log);
    world
}

/// Appends the next sign-off of the story.
fn sign(world: &mut World, item: &str) {
    story::sign(&mut world.log, story::GOOD, ALICE, item);
    let entry = Entry::parse(world.log.entries.last().unwrap()).unwrap();
    world.open().append(entry.line.recorded, &carrying(&world.log, entry.line.envelope)).unwrap();
}

/// What is printed into a pipe.
fn printed(world: &World, args: &[&str]) -> String {
    let ran = command(&world.path, args).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// What is printed on a terminal, in this environment.
fn drawn(world: &World, args: &str, environment: &[(&str, &str)]) -> String {
    let program = env!("CARGO_BIN_EXE_aether-audit");
    let line = format!("{program} --ledger {} {args}", world.path.display());
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(world.dir.path()).stdin(Stdio::null());
    command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
    let ran = command.envs(environment.iter().copied()).output().unwrap();
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// Nothing here takes so long, unless it hangs.
const HANGS: Duration = Duration::from_mins(1);

struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn of(world: &World, args: &[&str]) -> Self {
        let mut child = command(&world.path, args).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        thread::spawn(move || out.lines().map_while(Result::ok).all(|line| send.send(line).is_ok()));
        Self { child, lines }
    }

    #[track_caller]
    fn line(&mut self) -> String {
        self.lines.recv_timeout(HANGS).expect("it goes on")
    }

    #[track_caller]
    fn ended(&mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < HANGS, "it never ends");
            thread::sleep(Duration::from_millis(20));
        };
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Against the files of this folder; run with `UPDATE_SNAPSHOTS=1` to write them anew.
#[test]
fn what_they_print_is_as_it_was() {
    let mut all = String::new();
    for (name, world) in [
        ("go", telling(|log| story::until_go(log, story::GOOD))),
        ("completed", telling(|log| story::completed(log, story::GOOD))),
        ("rolled back", telling(|log| story::rolled_back(log, story::GOOD))),
    ] {
        for args in [["status"], ["log"]] {
            all.push_str(&format!(
                "== {name}: aether-audit {}\n{}\n",
                args.join(" "),
                printed(&world, &args)
            ));
        }
    }
    assert!(!all.contains('\u{1b}'), "no colours in a pipe");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/printed.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &all).unwrap();
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    for (number, (was, is)) in before.lines().zip(all.lines()).enumerate() {
        assert_eq!(is, was, "line {} of printed.txt; if it should, run with UPDATE_SNAPSHOTS=1", number + 1);
    }
    assert_eq!(all.lines().count(), before.lines().count());
}

/// Colours say nothing that the words do not, and can be switched off.
#[test]
fn colours_are_for_terminals_that_want_them() {
    let world = telling(|log| story::rolled_back(log, story::GOOD));
    for args in ["status", "log"] {
        let colours = drawn(&world, args, &[]);
        assert!(colours.contains("\u{1b}[31m"), "{colours:?}");
        let plain = printed(&world, &[args]);
        let bare = |text: &str| {
            let mut left = String::new();
            let mut rest = text;
            while let Some((before, after)) = rest.split_once("\u{1b}[") {
                left.push_str(before);
                rest = after.split_once('m').map_or("", |(_, rest)| rest);
            }
            (left + rest).replace("\r\n", "\n")
        };
        assert_eq!(bare(&colours).trim_end(), plain.trim_end());
        for off in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let drawn = drawn(&world, args, &[off]);
            assert_eq!(drawn.replace("\r\n", "\n").trim_end(), plain.trim_end(), "{off:?}");
        }
        assert_eq!(drawn(&world, args, &[("NO_COLOR", "")]), colours, "empty is not set");
    }
}

#[test]
fn status_says_each_change_on_a_line() {
    let mut world = World::new();
    let mut text = Following::of(&world, &["status", "--watch"]);
    let mut json = Following::of(&world, &["status", "--watch", "-o", "json"]);
    let first = text.line();
    assert!(first.contains("preparing") && first.contains("pre-deployment 0/"), "{first}");
    let before: Value = serde_json::from_str(&json.line()).unwrap();
    // A note changes nothing of it for people.
    let mut ledger = world.open();
    ledger.append(world.log.now, &world.note(&ledger, "nothing changes")).unwrap();
    drop(ledger);
    let noted: Value = serde_json::from_str(&json.line()).unwrap();
    assert_eq!(noted["entries"], before["entries"].as_u64().unwrap() + 1);
    world.log = replayed(&world);
    let item = before["items"][0]["id"].as_str().unwrap().to_owned();
    sign(&mut world, &item);
    let second = text.line();
    assert!(second.contains("pre-deployment 1/"), "{second}");
    let signed: Value = serde_json::from_str(&json.line()).unwrap();
    assert_eq!(signed["items"][0]["state"], "done");
}

/// What the ledger holds now, in memory.
fn replayed(world: &World) -> TestLog {
    let ledger = Ledger::open_read_only(&world.path).unwrap();
    let mut log = world.log.clone();
    for bytes in ledger.entries_since(log.head().unwrap().seq).unwrap() {
        log.push(bytes);
    }
    log
}

#[test]
fn status_is_drawn_over_on_a_terminal() {
    let world = telling(|log| story::rolled_back(log, story::GOOD));
    let program = env!("CARGO_BIN_EXE_aether-audit");
    let line =
        format!("stty rows 12 cols 60; timeout 3 {program} --ledger {} status --watch", world.path.display());
    let ran = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let screen = String::from_utf8_lossy(&ran.stdout).into_owned();
    let frames: Vec<&str> = screen.split("\u{1b}[H").skip(1).collect();
    assert!(frames.len() >= 2, "{screen:?}");
    for frame in frames {
        let rows: Vec<&str> = frame.split("\r\n").collect();
        assert!(rows.len() <= 12, "{} rows: {frame:?}", rows.len());
        assert!(frame.contains("next: ") && frame.contains("Ctrl-C ends it"), "{frame:?}");
    }
}

#[test]
fn log_follows_what_comes() {
    let world = World::new();
    let mut text = Following::of(&world, &["log", "--watch", "-n", "1"]);
    let mut json = Following::of(&world, &["log", "--watch", "--all", "-o", "json"]);
    assert!(text.line().contains("deployment-opened"));
    let seqs: Vec<u64> = (0..5)
        .map(|_| serde_json::from_str::<Value>(&json.line()).unwrap()["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, [0, 1, 2, 3, 4]);
    for n in 5..25 {
        let mut ledger = world.open();
        ledger.append(world.log.now, &world.note(&ledger, "more")).unwrap();
        assert!(text.line().trim_start().starts_with(&format!("{n}  ")));
        assert_eq!(serde_json::from_str::<Value>(&json.line()).unwrap()["seq"], n);
    }
}

/// A finding, and the end: nobody goes on looking at another history as if nothing had happened.
#[test]
fn another_history_ends_them_loudly() {
    for args in [&["log", "--watch"][..], &["status", "--watch"]] {
        let world = World::new();
        let older = world.dir.path().join("older.db");
        fs::copy(&world.path, &older).unwrap();
        let mut ledger = world.open();
        ledger.append(world.log.now, &world.note(&ledger, "what was shown")).unwrap();
        drop(ledger);
        let mut following = Following::of(&world, args);
        following.line();
        fs::rename(&older, &world.path).unwrap();
        let (status, said) = following.ended();
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("THE HISTORY WAS CHANGED"), "{said}");
    }
}

#[test]
fn they_need_something_to_follow() {
    let world = World::new();
    for args in [&["status", "--watch", "--deployment", "v9"][..], &["log", "--watch", "--deployment", "v9"]]
    {
        let ran = command(&world.path, args).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code() == Some(2) && said.contains("there is no deployment v9"), "{said}");
    }
}
