//! The monitor: quiet while the log grows, and loud the moment that it shrinks, forks or changes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Command;

use serde_json::Value;

use crate::folder::{Folder, Ran};

fn look(folder: &Folder) -> (Option<i32>, Value) {
    let roster = folder.roster_sha256();
    let ran = folder.run(&["verify", "--follow", "seen.json", "-o", "json", "--roster-sha256", &roster]);
    (ran.status, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err)))
}

fn codes(report: &Value) -> Vec<(Option<u64>, &str)> {
    let list = report["findings"].as_array().unwrap();
    list.iter().map(|f| (f["seq"].as_u64(), f["code"].as_str().unwrap())).collect()
}

fn evidence(folder: &Folder) -> usize {
    let names = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("evidence-")).count()
}

#[test]
fn honest_growth_is_quiet() {
    let folder = Folder::opened();
    for number in 0..4 {
        let (status, report) = look(&folder);
        assert_eq!((status, codes(&report)), (Some(4), vec![]), "not anchored, and nothing found");
        folder.ok(&["note", &format!("{number}"), "--as", "bob"]);
    }
    let state: Value = serde_json::from_str(&fs::read_to_string(folder.at("seen.json")).unwrap()).unwrap();
    assert_eq!(state["seen"].as_array().unwrap().len(), 4);
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    let roster = folder.roster_sha256();
    folder.ok(&["verify", "--follow", "seen.json", "--roster-sha256", &roster, "--checkpoint", "ckpt"]);
    assert_eq!(evidence(&folder), 0);
}

#[test]
fn a_restored_backup_shrinks() {
    let folder = Folder::opened();
    let backup = fs::read(folder.ledger()).unwrap();
    folder.ok(&["note", "one", "--as", "bob"]);
    look(&folder);
    fs::write(folder.ledger(), backup).unwrap();
    let before = fs::read(folder.at("seen.json")).unwrap();
    let (status, report) = look(&folder);
    assert_eq!((status, codes(&report)), (Some(1), vec![(Some(4), "shrunk")]));
    assert_eq!(fs::read(folder.at("seen.json")).unwrap(), before, "the memory stays");
    assert_eq!(evidence(&folder), 1);
}

/// Somebody who holds every key and the log key makes another history: nothing in it is wrong by itself.
#[test]
fn another_history_by_who_holds_every_key_is_found() {
    let folder = Folder::opened();
    let forger = folder.copy();
    look(&folder);
    for number in 0..3 {
        folder.ok(&["note", &format!("true {number}"), "--as", "bob"]);
        forger.ok(&["note", &format!("false {number}"), "--as", "bob"]);
    }
    look(&folder);
    folder.ok(&["note", "more", "--as", "bob"]);
    forger.ok(&["note", "more", "--as", "bob"]);
    forger.ok(&["note", "and more", "--as", "bob"]);
    let alone = forger.run(&["verify", "--roster-sha256", &forger.roster_sha256()]);
    assert_eq!(alone.status, Some(4), "the forged log is clean by itself: {}", alone.out);
    fs::copy(forger.ledger(), folder.ledger()).unwrap();
    let (status, report) = look(&folder);
    assert_eq!((status, codes(&report)), (Some(1), vec![(Some(4), "forked")]));
    let text = report["findings"][0]["text"].as_str().unwrap();
    assert!(text.contains("from entry 4 up to entry 6"), "{text}");
}

#[test]
fn a_ledger_that_is_gone_may_have_been_deleted() {
    let folder = Folder::opened();
    look(&folder);
    fs::remove_file(folder.ledger()).unwrap();
    folder.fails(2, &["verify", "--follow", "seen.json"], "may have been deleted");
    assert!(folder.at("seen.json").exists());
}

#[test]
fn what_a_monitor_remembers_is_one_monitor_s_own() {
    let folder = Folder::opened();
    look(&folder);
    let good = fs::read(folder.at("seen.json")).unwrap();
    for bad in ["", "{}", "garbage", "{\"schema\":\"x\"}"] {
        fs::write(folder.at("seen.json"), bad).unwrap();
        folder.fails(2, &["verify", "--follow", "seen.json"], "is damaged");
    }
    fs::write(folder.at("seen.json"), good).unwrap();
    let mut first = folder.command(&["verify", "--follow", "seen.json", "--every", "3600"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("4 entries, root "), "{line}");
    folder.run(&["verify", "--follow", "seen.json"]).failed(2, "another monitor is at work");
    Command::new("kill").arg(first.id().to_string()).status().unwrap();
    assert!(!first.wait().unwrap().success());
    assert_eq!(look(&folder).0, Some(4));
}

#[test]
fn appending_meanwhile_is_no_alarm() {
    let folder = Folder::opened();
    std::thread::scope(|scope| {
        let appending = scope.spawn(|| {
            for number in 0..15 {
                folder.ok(&["note", &format!("{number}"), "--as", "bob"]);
            }
        });
        while !appending.is_finished() {
            assert_eq!(codes(&look(&folder).1), vec![]);
        }
    });
    let ran: Ran = folder.run(&["verify", "--follow", "seen.json"]);
    assert_eq!(ran.status, Some(4), "{}", ran.out);
}

#[test]
fn another_log_in_its_place_is_found() {
    let folder = Folder::opened();
    folder.run(&["verify", "--follow", "seen.json"]);
    let other = Folder::empty();
    other.ok(&["init", "--origin", "example.com/other", "--as", "alice"]);
    fs::copy(other.ledger(), folder.ledger()).unwrap();
    let ran = folder.run(&["verify", "--follow", "seen.json"]);
    assert!(
        ran.status == Some(1) && ran.err.contains("in its place is the log example.com/other"),
        "{}",
        ran.err
    );
    assert_eq!(evidence(&folder), 1);
}

#[test]
fn leaves_that_nothing_proves_are_not_remembered() {
    let folder = Folder::opened();
    folder.ok(&["export", "part", "--only-deployment"]);
    folder.fails(2, &["verify", "part", "--follow", "seen.json"], "follow the ledger");
    assert!(!folder.at("seen.json").exists());
}
