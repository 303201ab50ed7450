//! Disks: full, of limited file size, read-only.

use std::fs;
use std::path::Path;

use aether_audit::core::hash::Hash;
use aether_audit::ledger::{Ledger, LedgerError, Submission};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::child;
use crate::common::TestLog;
use crate::world::{assert_clean, fill, note, seen, told};

/// Appends until it fails: the leaves that were acknowledged, what failed, and how.
fn until_it_fails(ledger: &mut Ledger, log: &TestLog) -> (Vec<Hash>, Submission, LedgerError) {
    let mut acknowledged = Vec::new();
    loop {
        let seen = seen(ledger);
        let submission = note(log, seen, &"x".repeat(5000));
        match ledger.append(log.now, &submission) {
            Ok(place) => acknowledged.push(place.leaf),
            Err(error) => return (acknowledged, submission, error),
        }
        assert!(acknowledged.len() < 1000, "the disk never filled up");
    }
}

fn assert_nothing_lost(path: &Path, log: &TestLog, acknowledged: &[Hash], refused: &Submission) {
    let ledger = Ledger::open_read_only(path).unwrap();
    assert_eq!(ledger.leaves().unwrap()[5..], *acknowledged);
    assert_eq!(ledger.opening(&refused.openings[0].commit()).unwrap(), None, "half of an append is there");
    drop(ledger);
    assert_clean(path, log);
}

#[test]
fn a_full_disk_loses_nothing() {
    const NAME: &str = "disk::a_full_disk_loses_nothing";
    let Some(place) = child::place_in(NAME) else {
        let place = tempfile::tempdir().unwrap();
        return child::among_own_mounts(NAME, place.path());
    };
    child::run(&["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place.to_str().unwrap()]);
    let (path, filler) = (place.join("ledger.db"), place.join("filler"));
    fs::write(&filler, vec![0; 128 * 1024]).unwrap();
    let log = told();
    let mut ledger = Ledger::create(&path).unwrap();
    fill(&mut ledger, &log);
    let (acknowledged, refused, error) = until_it_fails(&mut ledger, &log);
    assert!(matches!(error, LedgerError::Full(_)), "{error:?}");
    assert!(error.to_string().contains("nothing was written; make room"), "{error}");
    assert!(!acknowledged.is_empty());
    let again = ledger.append(log.now, &refused).unwrap_err();
    assert!(matches!(again, LedgerError::Full(_)), "{again:?}");
    drop(ledger);
    assert_nothing_lost(&path, &log, &acknowledged, &refused);

    let full = fs::write(place.join("rest"), vec![0; 1 << 20]);
    assert!(full.is_err(), "the disk is not full");
    let new = Ledger::create(&place.join("new.db")).unwrap_err();
    assert!(matches!(new, LedgerError::Full(_)), "{new:?}");
    fs::remove_file(place.join("rest")).unwrap();

    fs::remove_file(filler).unwrap();
    let mut ledger = Ledger::open(&path).unwrap();
    let place = ledger.append(log.now, &refused).unwrap();
    assert_eq!((place.seq, place.already), (5 + acknowledged.len() as u64, false));
    assert_clean(&path, &log);
}

#[test]
fn a_limit_on_file_sizes_loses_nothing() {
    const NAME: &str = "disk::a_limit_on_file_sizes_loses_nothing";
    let Some(place) = child::place_in(NAME) else {
        let place = tempfile::tempdir().unwrap();
        // A write beyond the limit is then an error and no signal.
        let through = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
        return child::passed(child::start(NAME, &through, place.path()));
    };
    let path = place.join("ledger.db");
    let log = told();
    let mut ledger = Ledger::create(&path).unwrap();
    fill(&mut ledger, &log);
    let limit = |current| setrlimit(Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    limit(Some(256 * 1024));
    let (acknowledged, refused, error) = until_it_fails(&mut ledger, &log);
    assert!(error.to_string().contains("nothing was appended"), "{error}");
    limit(None);
    assert_nothing_lost(&path, &log, &acknowledged, &refused);
    let place = ledger.append(log.now, &refused).unwrap();
    assert_eq!((place.seq, place.already), (5 + acknowledged.len() as u64, false));
    assert_clean(&path, &log);
}

#[test]
fn a_read_only_disk_can_be_read() {
    const NAME: &str = "disk::a_read_only_disk_can_be_read";
    let Some(place) = child::place_in(NAME) else {
        let place = tempfile::tempdir().unwrap();
        return child::among_own_mounts(NAME, place.path());
    };
    let mount =
        |how: &str| child::run(&["mount", "-t", "tmpfs", "-o", how, "tmpfs", place.to_str().unwrap()]);
    mount("size=4m");
    let path = place.join("ledger.db");
    let log = told();
    fill(&mut Ledger::create(&path).unwrap(), &log);
    mount("remount,ro");
    assert!(fs::write(place.join("x"), b"x").is_err(), "the disk can be written");
    let error = Ledger::open(&path).unwrap_err();
    assert!(matches!(error, LedgerError::ReadOnly(_)), "{error:?}");
    let error = Ledger::create(&place.join("new.db")).unwrap_err();
    assert!(matches!(error, LedgerError::ReadOnly(_)), "{error:?}");
    assert_eq!(assert_clean(&path, &log).entries, 5);
}
