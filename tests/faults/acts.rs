//! Each act with a fault at each of its steps, then once more without.

use std::fs;
use std::path::PathBuf;

use aether_audit::core::entry::Entry;
use aether_audit::core::opening::refs_in;
use aether_audit::ledger::Ledger;

use crate::after::{assert_goes_on, assert_sound, checkpoint, kinds};
use crate::disk::{WAYS, run};
use crate::folder::{Folder, ORIGIN};

/// An act: what it appends, what is said where it is tried again though it is done, and what nothing holds then.
#[derive(Default)]
struct Act<'a> {
    args: &'a [&'a str],
    kind: Option<&'a str>,
    again: &'a [&'a str],
    gone: Option<&'a str>,
}

/// Whether each way is tried at each step: a campaign sets the variable; else one way at each, in turn.
fn thorough() -> bool {
    std::env::var_os("AETHER_AUDIT_TEST_FAULTS").is_some()
}

/// Lets the first step fail, the second, and so on, until the act makes fewer.
fn walk_through(base: &Folder, act: &Act) {
    let (before, earlier) = (kinds(base), checkpoint(base));
    let mut faults = 0;
    let mut problems: Vec<String> = Vec::new();
    for at in 1.. {
        let mut all_through = true;
        for (number, way) in WAYS.into_iter().enumerate() {
            if !thorough() && (at + number) % WAYS.len() != 0 {
                continue;
            }
            let folder = base.copy();
            let faulty = run(&folder, act.args, at, way);
            if !faulty.hit {
                assert_eq!(faulty.ran.status, Some(0), "no fault came: {}", faulty.ran.err);
                continue;
            }
            all_through = false;
            faults += 1;
            let call = &faulty.calls[at - 1];
            let what =
                format!("{way:?}: {call}: {:?}: {}{}", faulty.ran.status, faulty.ran.out, faulty.ran.err);
            let tried = std::panic::catch_unwind(|| {
                judge(&folder, act, &faulty.ran, &before, earlier.as_ref(), &what);
            });
            if let Err(panic) = tried {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                problems.push(text);
            }
        }
        if all_through {
            break;
        }
    }
    println!("{:?}: {faults} faults", act.args);
    assert!(faults > 2, "{faults}");
    assert!(problems.is_empty(), "{} of {faults}:\n{}", problems.len(), problems.join("\n--\n"));
}

fn judge(
    folder: &Folder,
    act: &Act,
    ran: &crate::folder::Ran,
    before: &[String],
    earlier: Option<&String>,
    what: &str,
) {
    assert!(!ran.err.contains("panicked"), "{what}");
    assert!(matches!(ran.status, Some(0 | 2)), "{what}");
    assert_sound(folder, earlier, what);
    let after = kinds(folder);
    assert!(after.starts_with(before), "{what}: entries are lost");
    let fresh = &after[before.len()..];
    if let Some(kind) = act.kind {
        assert!(fresh.iter().all(|fresh| fresh == kind) && fresh.len() <= 1, "{what}: appended {fresh:?}");
        let named = ran.err.contains(&format!("entry {}", before.len()))
            || ran.err.contains("aether-audit: erased, but");
        if ran.status == Some(0) {
            assert_eq!(fresh.len(), 1, "{what}: acknowledged, but not there");
        }
        let doubt = ran.err.contains("may or may not be there");
        assert!(doubt || named == (fresh.len() == 1), "{what}: what it says and {fresh:?} differ");
        assert!(
            fresh.is_empty() || !ran.err.to_lowercase().contains("nothing was"),
            "{what}: but {fresh:?} was appended"
        );
    }

    let again = folder.run(act.args);
    let what = format!("{what}\nthen {:?}: {}", again.status, again.err);
    assert!(!again.err.contains("panicked"), "{what}");
    let told = act.again.iter().any(|said| again.err.contains(said));
    assert!(again.status == Some(0) || told, "{what}: it cannot be run again");
    assert_sound(folder, earlier, &what);
    if let Some(kind) = act.kind {
        let done = kinds(folder)[before.len()..].iter().filter(|fresh| *fresh == kind).count();
        assert!(done == 1 || done == 2 && fresh.len() == 1, "{what}: {kind} stands there {done} times");
    }
    if let Some(text) = act.gone {
        let left = fs::read_dir(folder.at("records")).unwrap().map(|file| file.unwrap().path());
        let holds =
            |path: &PathBuf| fs::read(path).unwrap().windows(text.len()).any(|w| w == text.as_bytes());
        let left: Vec<PathBuf> = left.filter(|path| path.is_file() && holds(path)).collect();
        assert!(left.is_empty(), "{what}: the text still stands in {left:?}");
    }
    assert_goes_on(folder, "alice", &what);
}

fn opened() -> Folder {
    let folder = Folder::opened();
    folder.ok(&["checkpoint"]);
    folder.ok(&["note", "before", "--as", "bob"]);
    folder
}

#[test]
fn sign() {
    let args = &["sign", "env-audit", "--as", "alice"];
    walk_through(&opened(), &Act { args, kind: Some("item-signed"), ..Act::default() });
}

#[test]
fn decide() {
    let args = &["decide", "no-go", "--reason", "the tests are red", "--as", "alice"];
    walk_through(&opened(), &Act { args, kind: Some("decision-made"), ..Act::default() });
}

#[test]
fn close() {
    let folder = opened();
    folder.ok(&["abort", "--reason", "given up", "--as", "alice"]);
    let args = &["close", "--as", "alice"];
    let again = &["no deployment is open"];
    walk_through(&folder, &Act { args, kind: Some("deployment-closed"), again, ..Act::default() });
}

#[test]
fn report() {
    let args = &["report", "--as", "alice"];
    walk_through(&opened(), &Act { args, kind: Some("report-issued"), ..Act::default() });
}

#[test]
fn checkpoints() {
    walk_through(&opened(), &Act { args: &["checkpoint"], kind: None, ..Act::default() });
}

#[test]
fn rotate() {
    let args = &["key", "rotate", "--as", "alice"];
    walk_through(&opened(), &Act { args, kind: Some("key-rotated"), ..Act::default() });
}

#[test]
fn rotate_root() {
    let args = &["key", "rotate", "--root", "--as", "alice"];
    walk_through(&opened(), &Act { args, kind: Some("key-rotated"), ..Act::default() });
}

#[test]
fn rotate_log() {
    let args = &["key", "log", "--rotate", "--as", "alice"];
    let again = &["a rotation that was interrupted is finished now"];
    walk_through(&opened(), &Act { args, kind: Some("roster-changed"), again, ..Act::default() });
}

#[test]
fn erase() {
    let folder = opened();
    let text = "hunter2-pasted-into-a-note";
    folder.ok(&["note", text, "--as", "bob"]);
    let ledger = Ledger::open_read_only(&folder.ledger()).unwrap();
    let last = ledger.rows().last().unwrap().unwrap().bytes;
    let commit = refs_in(Entry::parse(&last).unwrap().statement.predicate.body.get())[0].to_string();
    drop(ledger);
    let args = &["erase", &commit, "--reason", "a credential", "--yes", "--as", "alice"];
    let again = &["it was erased already"];
    walk_through(&folder, &Act { args, kind: Some("opening-erased"), again, gone: Some(text) });
}

#[test]
fn export() {
    let args = &["export", "out"];
    walk_through(
        &opened(),
        &Act { args, kind: None, again: &["is there already and not empty"], ..Act::default() },
    );
}

#[test]
fn init() {
    let args = &["init", "--origin", ORIGIN, "--as", "alice"];
    walk_through(
        &Folder::empty(),
        &Act { args, kind: Some("ledger-opened"), again: &["there already"], ..Act::default() },
    );
}
