//! `rollback`: five steps, in any weather.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::catcher::Catcher;
use crate::folder::Ran;
use crate::say::nowhere;
use crate::shift::of;
use crate::world::World;

const BACK: [&str; 6] = ["rollback", "--reason", "5xx at 2 %", "--yes", "--as", "alice"];
const STEPS: [&str; 5] = ["announce", "revert-traffic", "verify-previous", "notify", "schedule-review"];

fn on_green(world: World) -> World {
    world.ok(&["shift", "--to", "green", "--yes", "--as", "alice"]);
    world
}

fn spool(world: &World) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [world.folder.at("private"), world.folder.at("records")] {
        for inner in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if inner.file_name().unwrap().to_string_lossy().starts_with("spool-") {
                found.extend(fs::read_dir(inner).unwrap().map(|file| file.unwrap().path()));
            }
        }
    }
    found
}

#[track_caller]
fn complete(world: &World) {
    let story = world.story();
    let done: Vec<String> = STEPS
        .iter()
        .map(|step| {
            let service = if *step == "revert-traffic" { " app" } else { "" };
            format!("rollback-step done {step}{service}")
        })
        .collect();
    let ended: Vec<String> =
        of(&story, "rollback-step").into_iter().filter(|line| line.contains(" done ")).collect();
    assert_eq!(ended, done);
    assert_eq!(of(&story, "rollback-step intended").len(), 5, "{story:?}");
    assert_eq!(of(&story, "rollback-started").len(), 1);
    assert_eq!(of(&story, "rollback-finished"), ["rollback-finished complete"]);
    assert_eq!(world.weights(), (100, 0));
    let verified = world.folder.run(&["verify", "--roster-sha256", &world.folder.roster_sha256()]);
    assert_eq!(verified.status, Some(4), "{}{}", verified.out, verified.err);
    assert!(!verified.out.contains("FOUND") && verified.out.contains("NOT PROVEN"), "{}", verified.out);
}

#[test]
fn five_steps_in_their_order() {
    let world = on_green(World::new().go());
    world.run(&["rollback", "--reason", "x", "--as", "alice"]).failed(2, "say --yes");
    assert_eq!(of(&world.story(), "rollback").len(), 0);
    let ran = world.ok(&BACK);
    complete(&world);
    let texts = world.slack.texts();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[0].starts_with("ROLLBACK INITIATED: Project Aether v2.14.0, "), "{}", texts[0]);
    assert!(texts[0].contains("5xx at 2 %") && texts[0].contains("Decided by alice"), "{}", texts[0]);
    assert!(texts[1].starts_with("ROLLBACK COMPLETE: ") && texts[1].contains("app 0 %"), "{}", texts[1]);
    assert!(texts[2].starts_with("INCIDENT REVIEW: "), "{}", texts[2]);
    let invitation = fs::read_to_string(world.folder.at("records/incident-review-v2.14.0.ics")).unwrap();
    assert!(
        invitation.starts_with("BEGIN:VCALENDAR\r\n")
            && invitation.contains("SUMMARY:Incident review: v2.14.0")
    );
    assert!(world.app.caught().iter().any(|asked| asked.path == "/blue"));
    assert!(world.folder.ok(&["status"]).contains("ended, not closed"), "{}", world.folder.ok(&["status"]));
    // Asked each second on the way back too, and recorded before the end.
    assert!(ran.err.contains("each second: ") && ran.err.contains("answered, 0 failed"), "{}", ran.err);
    let story = world.story();
    let probed = story.iter().rposition(|line| line == "evidence-collected pass").unwrap();
    assert_eq!(story[probed + 1..], ["rollback-finished complete"], "{story:?}");
    nowhere(world.folder.path(), &[&ran], "SeCrEtPlAnTeD");
    world.ok(&["close", "--as", "alice"]);
    world.ok(&["report", "--as", "alice"]);
    let report = fs::read_to_string(world.folder.at("records/v2.14.0/report.md")).unwrap();
    assert!(report.contains("Blue answered"), "{report}");
    nowhere(world.folder.path(), &[], "SeCrEtPlAnTeD");
}

/// A writer holds the ledger, and the channel takes longer than anybody should wait: the way back ends while both still
/// do so, and nothing of it is lost.
#[test]
fn a_locked_ledger_and_a_slow_channel_hold_up_nothing() {
    let slow = Catcher::start(|_| ("200 OK".into(), "ok".into(), Duration::from_mins(1)));
    let world = on_green(World::with(|_| ("200 OK".into(), "ok".into(), Duration::ZERO), slow).go());
    let before = world.story();
    let other = rusqlite::Connection::open(world.folder.ledger()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ran = world.run(&BACK);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(world.weights(), (100, 0));
    assert!(
        ran.err.contains("signed into the spool") && ran.err.contains("no answer within 3 s"),
        "{}",
        ran.err
    );
    assert_eq!(world.story(), before, "the lock still holds");
    let waiting = spool(&world).len();
    assert!(waiting >= 14, "{waiting}: {}", ran.err);
    assert!(world.run(&["status"]).err.contains("wait in "));
    // Once more while it is locked: nothing is done twice.
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    let note = world.ok(&["note", "the lock is gone", "--as", "bob"]);
    assert!(note.err.contains("rollback-started"), "{}", note.err);
    assert_eq!(spool(&world).len(), 0);
    let story = world.story();
    assert_eq!(story.last().unwrap(), "note-added");
    assert_eq!(
        of(&story, "rollback-step failed"),
        [
            "rollback-step failed announce",
            "rollback-step failed notify",
            "rollback-step failed schedule-review"
        ]
    );
    assert_eq!(
        of(&story, "traffic-shifted")[2..],
        ["traffic-shifted intended blue 100", "traffic-shifted done blue 100"]
    );
    assert_eq!(of(&story, "rollback-finished"), ["rollback-finished complete"]);
    assert_eq!(of(&story, "message-sent").len(), 3);
}

/// Killed after each single request to Route 53, and at each message, then run again: each step once.
#[test]
fn killed_anywhere_it_goes_on() {
    let mut killed = 0;
    for at in 0.. {
        let world = on_green(World::new().go());
        world.proxy.armed.store(world.proxy.seen.load(Ordering::SeqCst) + at, Ordering::SeqCst);
        let mut child = world.command(&BACK).spawn().unwrap();
        let held = world.proxy.wait(&mut child);
        if held {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        world.proxy.armed.store(usize::MAX, Ordering::SeqCst);
        if !held {
            complete(&world);
            break;
        }
        let again = world.ok(&BACK);
        assert!(again.err.contains("is under way since"), "{}", again.err);
        complete(&world);
        assert_eq!(
            of(&world.story(), "traffic-shifted")[2..],
            ["traffic-shifted intended blue 100", "traffic-shifted done blue 100"],
            "request {at}"
        );
    }
    assert!(killed >= 3, "{killed}");
}

/// A ledger that may only be read, and a QA engineer who may send no message in their own name.
#[test]
fn a_ledger_that_may_not_be_written() {
    let world = on_green(World::new().go());
    fs::rename(world.folder.at("records/ledger.db"), world.folder.at("records/real.db")).unwrap();
    fs::copy(world.folder.at("records/real.db"), world.folder.at("records/ledger.db")).unwrap();
    let sqlite = rusqlite::Connection::open(world.folder.ledger()).unwrap();
    sqlite.execute_batch("PRAGMA journal_mode = DELETE; CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'no'); END;").unwrap();
    drop(sqlite);
    let args = ["rollback", "--reason", "x", "--trigger", "unresponsive", "--yes", "--as", "carol"];
    let ran = world.run(&args);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(world.weights(), (100, 0));
    assert!(spool(&world).len() >= 14, "{}", ran.err);
    fs::rename(world.folder.at("records/real.db"), world.folder.at("records/ledger.db")).unwrap();
    for beside in ["records/ledger.db-wal", "records/ledger.db-shm"] {
        fs::remove_file(world.folder.at(beside)).ok();
    }
    let joined: Ran = world.ok(&["join", "--spool"]);
    assert_eq!(spool(&world).len(), 0, "{}", joined.err);
    complete(&world);
    assert_eq!(of(&world.story(), "message-sent").len(), 0);
    assert_eq!(world.slack.texts().len(), 3);
}

/// A ledger of which nothing can be read: the copy that the shift kept beside the keys is enough to sign with.
#[test]
fn a_ledger_that_is_destroyed_holds_up_nothing() {
    let world = on_green(World::new().go());
    let ledger = world.folder.ledger();
    let kept = fs::read(&ledger).unwrap();
    fs::write(&ledger, b"this is no database at all, and never was one; it was one").unwrap();
    let ran = world.run(&BACK);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(world.weights(), (100, 0));
    assert!(spool(&world).len() >= 14, "{}", ran.err);
    fs::write(&ledger, kept).unwrap();
    let joined = world.ok(&["join", "--spool"]);
    assert_eq!(spool(&world).len(), 0, "{}", joined.err);
    complete(&world);
}

/// Killed while the channel has the first message and has not answered: told twice, recorded once.
#[test]
fn killed_while_telling_it_tells_again() {
    let slack = Catcher::start(|before| {
        ("200 OK".into(), "ok".into(), Duration::from_secs(if before == 0 { 20 } else { 0 }))
    });
    let world = on_green(World::with(|_| ("200 OK".into(), "ok".into(), Duration::ZERO), slack).go());
    let mut child = world.command(&BACK).spawn().unwrap();
    while world.slack.caught().is_empty() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(of(&world.story(), "rollback-step"), ["rollback-step intended announce"]);
    world.ok(&BACK);
    complete(&world);
    assert_eq!(world.slack.texts().iter().filter(|text| text.starts_with("ROLLBACK INITIATED")).count(), 2);
    assert_eq!(
        of(&world.story(), "message-sent rollback-initiated"),
        ["message-sent rollback-initiated sent"]
    );
}

/// One of two services goes back: partly rolled back is an outcome of its own, and the rest can follow.
#[test]
fn one_service_of_two() {
    let world = on_green(World::two().go());
    let other = world.other.clone().unwrap();
    assert_eq!((world.weights(), World::weights_in(&other)), ((0, 100), (0, 100)));
    let partly = world.run(&[&BACK[..], &["--service", "app"]].concat());
    assert_eq!(partly.status, Some(1), "{}", partly.err);
    assert_eq!((world.weights(), World::weights_in(&other)), ((100, 0), (0, 100)));
    assert_eq!(of(&world.story(), "rollback-finished"), ["rollback-finished partial"]);
    assert!(world.folder.ok(&["status", "-o", "json"]).contains("\"outcome\": \"partly\""));
    world.run(&[&BACK[..], &["--service", "apj"]].concat()).failed(2, "did you mean api");
    world.ok(&BACK);
    assert_eq!(World::weights_in(&other), (100, 0));
    assert_eq!(
        of(&world.story(), "rollback-finished"),
        ["rollback-finished partial", "rollback-finished complete"]
    );
    assert!(world.folder.ok(&["status", "-o", "json"]).contains("\"outcome\": \"rolled-back\""));
}

/// Route 53 cannot be reached: that is on record, everybody is told, and the next try begins where it can.
#[test]
fn without_route_53_it_failed_and_says_so() {
    let world = on_green(World::new().go());
    let path = world.folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fs::write(&path, text.replace(&world.proxy.address.to_string(), &format!("127.0.0.1:{port}"))).unwrap();
    let ran = world.run(&BACK);
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    assert_eq!(world.weights(), (0, 100));
    assert_eq!(of(&world.story(), "rollback-finished"), ["rollback-finished failed"]);
    assert_eq!(of(&world.story(), "rollback-step failed"), ["rollback-step failed revert-traffic app"]);
    assert!(world.slack.texts()[1].starts_with("ROLLBACK FAILED: "), "{:?}", world.slack.texts());
    fs::write(&path, text).unwrap();
    world.ok(&BACK);
    assert_eq!(world.weights(), (100, 0));
    assert_eq!(
        of(&world.story(), "rollback-finished"),
        ["rollback-finished failed", "rollback-finished complete"]
    );
}

/// With a channel and no `[[traffic]]`, people move the traffic and say so.
#[test]
fn what_is_not_configured_is_left_to_people() {
    let world = World::new().go();
    let path = world.folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (before, after) = (text.find("[[traffic]]").unwrap(), text.find("[[check]]").unwrap());
    fs::write(&path, format!("{}{}", &text[..before], &text[after..])).unwrap();
    world
        .run(&["shift", "--to", "green", "--as", "alice"])
        .failed(2, "no [[traffic]] in aether.toml moves app");
    world.ok(&[
        "record",
        "traffic-shifted",
        "--service",
        "app",
        "--to",
        "green",
        "--act",
        "observed",
        "--as",
        "alice",
    ]);
    world.run(&["rollback", "--reason", "x", "--as", "alice"]).failed(1, "--manual revert-traffic");
    assert_eq!(
        of(&world.story(), "rollback-step"),
        ["rollback-step intended announce", "rollback-step done announce"]
    );
    let args = [
        "rollback",
        "--reason",
        "x",
        "--manual",
        "revert-traffic",
        "--manual",
        "verify-previous",
        "--as",
        "alice",
    ];
    world.ok(&args);
    let story = world.story();
    assert_eq!(of(&story, "rollback-finished"), ["rollback-finished complete"], "{story:?}");
    assert_eq!(of(&story, "traffic-shifted").last().unwrap(), "traffic-shifted observed blue 100");
    assert_eq!(
        of(&story, "rollback-step observed"),
        ["rollback-step observed revert-traffic app", "rollback-step observed verify-previous"]
    );
}

#[test]
fn a_service_that_people_move_holds_up_no_other() {
    let world = on_green(World::two().go());
    let path = world.folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (app, api) = (text.find("[[traffic]]").unwrap(), text.rfind("[[traffic]]").unwrap());
    fs::write(&path, format!("{}{}", &text[..app], &text[api..])).unwrap();
    let said = world.run(&BACK).failed(1, "app: no [[traffic]] in aether.toml");
    assert!(said.contains("the rollback is not complete"), "{said}");
    assert_eq!(World::weights_in(world.other.as_ref().unwrap()), (100, 0));
    assert_eq!(world.weights(), (0, 100), "people move this one");
    world.folder.fails(1, &["close", "--as", "alice"], "Finish the rollback first");
}

#[test]
fn what_can_have_no_place_holds_nothing_up() {
    let world = on_green(World::new().go());
    world.folder.ok(&["note", "a template to spoil", "--out", "note.json", "--as", "alice"]);
    let lock = rusqlite::Connection::open(world.folder.ledger()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ran = world.run(&["rollback", "--reason", "error-rate", "--yes", "--as", "alice"]);
    assert!(ran.err.contains("signed into the spool"), "{}", ran.err);
    drop(lock);
    let waiting = spool(&world);
    let folder = waiting[0].parent().unwrap();
    // Before all others: one that is none, and one whose text was taken away.
    fs::write(folder.join("0000000000000-000-note-added.json"), "no statement").unwrap();
    let mut note: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(world.folder.at("note.json")).unwrap()).unwrap();
    note["openings"] = serde_json::json!({});
    fs::write(folder.join("0000000000000-001-note-added.json"), note.to_string()).unwrap();
    let said = world.ok(&["note", "on we go", "--as", "alice"]).err;
    assert_eq!(said.matches("NOT IN THE RECORD").count(), 2, "{said}");
    assert!(said.contains("0000000000000-001-note-added.json"), "{said}");
    let left: Vec<PathBuf> = spool(&world);
    assert_eq!(left.len(), 1, "only what was set aside: {left:?}");
    let aside: Vec<_> = fs::read_dir(&left[0]).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(aside.len(), 4, "each with its reason: {aside:?}");
    complete(&world);
}

/// A person who says that traffic is back speaks of what the program cannot move: of the rest it finds out itself.
#[test]
fn said_by_hand_is_only_what_people_move() {
    let world = on_green(World::two().go());
    let path = world.folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (app, api) = (text.find("[[traffic]]").unwrap(), text.rfind("[[traffic]]").unwrap());
    let text = format!("{}{}", &text[..app], &text[api..]);
    let endpoint = text.lines().find(|line| line.starts_with("endpoint-url")).unwrap();
    fs::write(&path, text.replace(endpoint, "endpoint-url = \"http://127.0.0.1:9\"")).unwrap();
    let by_hand = [&BACK[..], &["--manual", "revert-traffic", "--manual", "verify-previous"]].concat();
    assert_eq!(world.run(&by_hand).status, Some(1));
    let moved = |story: &[String]| of(story, "traffic-shifted observed").len();
    assert_eq!(moved(&world.story()), 1, "app, and not api: {:?}", world.story());
    let status: serde_json::Value =
        serde_json::from_str(&world.folder.ok(&["status", "-o", "json"])).unwrap();
    assert_eq!(status["onGreen"], serde_json::json!({"api": 100, "app": 0}), "{status}");
    assert!(status["next"].as_str().unwrap().contains("rollback"), "{}", status["next"]);
    fs::write(&path, &text).unwrap();
    world.ok(&BACK);
    assert_eq!(World::weights_in(world.other.as_ref().unwrap()), (100, 0));
    assert_eq!(moved(&world.story()), 1);
}

#[test]
fn what_was_moved_by_hand_for_one_service_leaves_the_other_to_do() {
    let world = on_green(World::two().go());
    let by_hand = [&BACK[..], &["--service", "app", "--manual", "revert-traffic"]].concat();
    assert_eq!(world.run(&by_hand).status, Some(1), "api is still on Green");
    assert_eq!(world.weights(), (0, 100), "it was said, and is not asked");
    world.ok(&BACK);
    assert_eq!(World::weights_in(world.other.as_ref().unwrap()), (100, 0));
}

#[test]
fn two_who_roll_back_at_once_do_it_once() {
    let world = on_green(World::new().go());
    let ran = std::thread::scope(|scope| {
        let both = ["alice", "bob"].map(|who| {
            let mut command = world.command(&[&BACK[..5], &[who]].concat());
            scope.spawn(move || command.output().unwrap())
        });
        both.map(|thread| thread.join().unwrap())
    });
    for ran in &ran {
        assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let story = world.story();
    for once in
        ["rollback-triggered", "rollback-started", "rollback-finished", "rollback-step intended announce"]
    {
        assert_eq!(of(&story, once).len(), 1, "{once}: {story:?}");
    }
    let status: serde_json::Value =
        serde_json::from_str(&world.folder.ok(&["status", "-o", "json"])).unwrap();
    assert_eq!(status["issues"], serde_json::json!([]));
    complete(&world);
}
