//! `retro` and `review` over ledgers with a simulated clock: figures by hand, and kept facts against those read anew.
#![allow(missing_docs)] // a test binary has no readers of its own

#[path = "../../benches/world/mod.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use world::World;
use world::common::story;

const COMMIT_LIST: &str = "at,id,commit,release,what\n";

/// Status, stdout and stderr of the program in a project.
fn run(home: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aether-audit"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AETHER_AUDIT_") {
            command.env_remove(name);
        }
    }
    let keys = home.join("private");
    let output = command.args(args).current_dir(home).env("AETHER_AUDIT_KEYS", keys).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn retro(home: &Path, args: &[&str]) -> (Option<i32>, Value) {
    let all: Vec<&str> = ["retro", "-o", "json"].into_iter().chain(args.iter().copied()).collect();
    let (status, out, err) = run(home, &all);
    (status, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
}

fn told(home: &Path) -> World {
    let mut world = World::new(home);
    story::completed(&mut world.log, "good");
    story::rolled_back(&mut world.log, "bad");
    story::until_go(&mut world.log, "open");
    world.flush();
    world
}

#[test]
fn figures_by_hand() {
    let home = tempfile::tempdir().unwrap();
    told(home.path());
    let (status, said) = retro(home.path(), &[]);
    assert_eq!(status, Some(0), "{said}");
    let ids: Vec<&str> =
        said["deployments"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["good", "bad", "open"]);
    assert_eq!(said["figures"]["outcomes"], json!({"completed": 1, "rolled back": 1, "open": 1}));
    assert_eq!(
        (&said["population"]["gaps"], &said["grounds"]["state"]),
        (&json!([]), &json!("not-verified"))
    );
    let dora = &said["figures"]["dora"];
    assert_eq!(
        (&dora["deployed"], &dora["leadTimeUnknown"], &dora["leadTime"]),
        (&json!(2), &json!(2), &Value::Null)
    );
    assert_eq!(dora["changeFailure"], json!({"count": 1, "of": 2, "share": 0.5}));
    // The trigger and the rollback's beginning are recorded at once; the way back takes two seconds.
    assert_eq!(dora["restore"], json!({"count": 1, "median": 2.0, "p90": 2.0}));
    let phase = |name: &str| {
        said["figures"]["phases"].as_array().unwrap().iter().find(|p| p["phase"] == name).unwrap().clone()
    };
    // Opened, 30 s, two sign-offs and the go, 5 s each: in all three.
    assert_eq!(phase("opened → go")["seconds"], json!({"count": 3, "median": 45.0, "p90": 45.0}));
    assert_eq!(phase("go → cutover")["seconds"], json!({"count": 2, "median": 2.0, "p90": 2.0}));
    // Five minutes of readings, a sign-off, the all-clear.
    assert_eq!(
        phase("100 % Green → all-clear")["seconds"],
        json!({"count": 1, "median": 310.0, "p90": 310.0})
    );
    assert_eq!(phase("100 % Green → all-clear")["without"], 2);
    // Pass at first, then the breach: one flip in the one that was rolled back.
    let check = &said["figures"]["checks"][0];
    assert_eq!((&check["flips"], &check["flapped"], &check["readings"]), (&json!(1), &json!(0), &json!(9)));
    let people = said["figures"]["people"].as_array().unwrap();
    let carol = people.iter().find(|p| p["person"] == "carol").unwrap();
    // Three first sign-offs, each long after the opening, and one after five minutes.
    assert_eq!(
        (&carol["signed"], &carol["quick"], &carol["alwaysQuick"]),
        (&json!(4), &json!(0), &json!(false))
    );
}

#[test]
fn a_period_holds_what_was_opened_in_it() {
    let home = tempfile::tempdir().unwrap();
    told(home.path());
    let (_, all) = retro(home.path(), &[]);
    let opened = |index: usize| all["deployments"][index]["opened"].as_str().unwrap().to_owned();
    let ids = |args: &[&str]| -> Vec<String> {
        let (_, said) = retro(home.path(), args);
        said["deployments"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["--since", &opened(1)]), ["bad", "open"]);
    assert_eq!(ids(&["--until", &opened(1)]), ["good"]);
    assert_eq!(ids(&["--since", &opened(0)[..10], "--until", &opened(2)[..10]]), ["good", "bad", "open"]);
    let (status, _, err) = run(home.path(), &["retro", "--since", "2099-01-03", "--until", "2099-01-01"]);
    assert_eq!((status, err.contains("exchange --since and --until")), (Some(2), true), "{err}");
}

#[test]
fn what_verify_keeps_is_what_is_read_anew() {
    let home = tempfile::tempdir().unwrap();
    let mut world = World::new(home.path());
    // More than the verifier holds at once, in deployments that it lets go.
    for number in 0..3 {
        world.deployment(&format!("d-{number}"), 700);
    }
    story::completed(&mut world.log, "with-a-note-after-its-end");
    story::rolled_back(&mut world.log, "bad");
    world.flush();
    let (_, mut before) = retro(home.path(), &["--until", "2099-01-01"]);
    let (status, _, err) = run(home.path(), &["verify"]);
    assert_eq!(status, Some(4), "{err}");
    let (status, said) = retro(home.path(), &[]);
    assert_eq!((status, &said["grounds"]["state"]), (Some(0), &json!("checked")));
    let (roster, checkpoint) = (world.log.first_roster().to_string(), world.checkpoint());
    let checkpoint = checkpoint.to_str().unwrap();
    let (status, _, err) =
        run(home.path(), &["verify", "--roster-sha256", &roster, "--checkpoint", checkpoint]);
    assert_eq!(status, Some(0), "{err}");
    let (status, mut after) = retro(home.path(), &["--until", "2099-01-01"]);
    assert_eq!(status, Some(0));
    assert_eq!((&after["grounds"]["state"], &after["grounds"]["readAnew"]), (&json!("verified"), &json!(0)));
    assert_eq!(
        (&before["grounds"]["state"], &before["grounds"]["readAnew"]),
        (&json!("not-verified"), &json!(5))
    );
    for said in [&mut before, &mut after] {
        said["grounds"].take();
        said["made"].take();
    }
    assert_eq!(before, after);

    // What comes later is read anew, and told as not verified; what changed before is another ledger.
    story::rolled_back(&mut world.log, "later");
    world.flush();
    let (status, said) = retro(home.path(), &[]);
    assert_eq!(
        (status, &said["grounds"]["state"], &said["grounds"]["readAnew"]),
        (Some(0), &json!("partly"), &json!(1))
    );
    let other = tempfile::tempdir().unwrap();
    let mut forged = World::new(other.path());
    forged.deployment("d-0", 2500);
    fs::copy(other.path().join("records/ledger.db"), home.path().join("records/ledger.db")).unwrap();
    for suffix in ["-wal", "-shm"] {
        let (from, to) =
            (format!("records/ledger.db{suffix}"), home.path().join(format!("records/ledger.db{suffix}")));
        let _ = fs::remove_file(&to);
        if other.path().join(&from).exists() {
            fs::copy(other.path().join(&from), &to).unwrap();
        }
    }
    let (status, said) = retro(home.path(), &[]);
    assert_eq!((status, &said["grounds"]["state"]), (Some(1), &json!("another-ledger")));
}

#[test]
fn a_missing_entry_is_a_gap() {
    let home = tempfile::tempdir().unwrap();
    drop(told(home.path()));
    let ledger = rusqlite::Connection::open(home.path().join("records/ledger.db")).unwrap();
    ledger.execute_batch("DROP TRIGGER entries_never_go; DELETE FROM entries WHERE seq = 9;").unwrap();
    drop(ledger);
    let (status, said) = retro(home.path(), &[]);
    assert_eq!(status, Some(1));
    let gaps = said["population"]["gaps"].as_array().unwrap();
    assert!(gaps.len() == 2 && gaps[1].as_str().unwrap().starts_with("good: "), "{gaps:?}");
}

#[test]
fn a_list_from_elsewhere_shows_first_what_is_in_no_record() {
    let home = tempfile::tempdir().unwrap();
    told(home.path());
    let (_, all) = retro(home.path(), &[]);
    let at = |index: usize| all["deployments"][index]["opened"].as_str().unwrap().to_owned();
    let list = format!(
        "{COMMIT_LIST}{},good,,,\n{},,,v2.14.0,by release\n{},,ffffffffffffffffffffffffffffffffffffffff,,\"by night, \"\"quietly\"\"\"\n",
        at(0),
        at(1),
        at(2)
    );
    fs::write(home.path().join("list.csv"), list).unwrap();
    let (status, said) = retro(home.path(), &["--reconcile", "list.csv"]);
    assert_eq!(status, Some(1));
    let held = &said["reconciliation"];
    assert_eq!((held["unrecorded"].as_array().unwrap().len(), &held["matched"]), (1, &json!(2)), "{held}");
    assert_eq!(held["unrecorded"][0]["what"], "by night, \"quietly\"");
    let (_, text, _) = run(home.path(), &["retro", "--reconcile", "list.csv"]);
    assert!(text.find("UNRECORDED").unwrap() < text.find("DEPLOYMENTS").unwrap(), "{text}");
    fs::write(home.path().join("list.json"), json!([{"at": at(0), "id": "good"}]).to_string()).unwrap();
    let (status, said) = retro(home.path(), &["--reconcile", "list.json"]);
    assert_eq!((status, &said["reconciliation"]["unrecorded"]), (Some(0), &json!([])));
    assert_eq!(said["reconciliation"]["onlyRecorded"], json!(["bad"]));
    for (bad, says) in [
        ("at,id\nnever,x\n", "is no time"),
        ("at,id\n2026-01-01,x,y\n", "3 cells"),
        ("[{}]", "`at` is needed"),
    ] {
        fs::write(home.path().join("bad"), bad).unwrap();
        let (status, _, err) = run(home.path(), &["retro", "--reconcile", "bad"]);
        assert_eq!((status, err.contains(says)), (Some(2), true), "{bad:?}: {err}");
    }
    let (status, _, err) = run(home.path(), &["retro", "--reconcile"]);
    assert_eq!((status, err.contains("nobody to ask")), (Some(2), true), "{err}");
}

#[test]
fn commits_of_the_repository_have_a_lead_time() {
    let home = tempfile::tempdir().unwrap();
    told(home.path());
    let (_, said) = retro(home.path(), &[]);
    let commit = said["deployments"][0]["commit"].as_str().unwrap();
    // A repository that does not have the commit says so, and nothing is made up.
    let git = Command::new("git").args(["init", "-q"]).arg(home.path()).status().unwrap();
    assert!(git.success());
    let (_, said) = retro(home.path(), &[]);
    assert_eq!(said["deployments"][0]["committed"], Value::Null, "{commit}");
    assert!(said["commitTimes"].as_str().unwrap().starts_with("not known"), "{said}");
}

#[test]
fn documents_and_the_template_of_a_review() {
    let home = tempfile::tempdir().unwrap();
    told(home.path());
    let (status, _, err) = run(home.path(), &["retro", "--to", "out"]);
    assert_eq!(status, Some(0), "{err}");
    let read = |name: &str| fs::read_to_string(home.path().join("out").join(name)).unwrap();
    let (page, text) = (read("retro.html"), read("retro.md"));
    for words in ["change failure rate", "rolled back", "1 of 2"] {
        assert!(page.contains(words) && text.contains(words), "{words}");
    }
    assert!(page.contains("50.0 % (1 of 2)"), "{page}");
    assert!(page.contains("<svg") && !page.contains("<script") && !page.contains("http://"), "{page}");
    let data: Value = serde_json::from_str(&read("retro.json")).unwrap();
    assert_eq!(data["schema"], "https://project-aether.io/audit/retro/v1");

    let (status, out, err) = run(home.path(), &["review", "--deployment", "bad"]);
    assert_eq!((status, out.trim()), (Some(0), "./records/review-bad.md"), "{err}");
    let review = fs::read_to_string(home.path().join("records/review-bad.md")).unwrap();
    for words in [
        "rolled back",
        "## What went well",
        "## Actions",
        "HTTP 5xx error rate above the rollback limit",
        "record review-recorded",
        "--deployment bad",
    ] {
        assert!(review.contains(words), "{words} in {review}");
    }
    let (status, _, err) = run(home.path(), &["review", "--deployment", "bad"]);
    assert_eq!((status, err.contains("is there already")), (Some(2), true), "{err}");
}
