//! Where a ledger lies, and what is said of a place where none can.

use std::fs;
use std::path::Path;

use aether_audit::ledger::{Ledger, LedgerError};
use rusqlite::Connection;

use crate::child;
use crate::world::World;

type Opener = fn(&Path) -> Result<Ledger, LedgerError>;
const BOTH: [Opener; 2] = [Ledger::open, Ledger::open_read_only];

macro_rules! assert_error {
    ($result:expr, $pattern:pat, $says:literal) => {
        let error = $result.err().expect("this is an error");
        assert!(matches!(error, $pattern), "{error:?}");
        assert!(error.to_string().contains($says), "{error}");
    };
}

#[test]
fn nothing_there() {
    let dir = tempfile::tempdir().unwrap();
    for open in BOTH {
        assert_error!(open(&dir.path().join("ledger.db")), LedgerError::Missing(_), "aether-audit init");
        assert_error!(open(&dir.path().join("no/ledger.db")), LedgerError::FolderMissing(_), "--ledger");
    }
    assert_error!(Ledger::create(&dir.path().join("no/ledger.db")), LedgerError::FolderMissing(_), "make it");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "looking leaves nothing behind");
}

#[test]
fn something_else_there() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("empty"), b"").unwrap();
    fs::write(at("short"), b"SQLite").unwrap();
    fs::write(at("text"), "not a database\n".repeat(1000)).unwrap();
    fs::write(at("header"), [b"SQLite format 3\0".as_slice(), &[0xff; 5000]].concat()).unwrap();
    child::run(&["mkfifo", at("pipe").to_str().unwrap()]);
    Connection::open(at("other"))
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
        .unwrap();
    let before: Vec<_> =
        ["empty", "short", "text", "header", "other"].map(|name| fs::read(at(name)).unwrap()).into();
    for open in BOTH {
        assert_error!(open(&at("folder")), LedgerError::NotAFile(_), "not a file");
        assert_error!(open(&at("pipe")), LedgerError::NotAFile(_), "not a file");
        assert_error!(open(Path::new("/dev/null")), LedgerError::NotAFile(_), "not a file");
        assert_error!(open(&at("text/ledger.db")), LedgerError::FolderMissing(_), "text");
        for name in ["empty", "short", "text", "header"] {
            assert_error!(open(&at(name)), LedgerError::NotADatabase(_), "restore it from a backup");
        }
        assert_error!(open(&at("other")), LedgerError::NotALedger(_), "not one of aether-audit");
    }
    let after: Vec<_> =
        ["empty", "short", "text", "header", "other"].map(|name| fs::read(at(name)).unwrap()).into();
    assert!(before == after, "what is no ledger is left as it is");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 7, "nothing is left beside it");
}

#[test]
fn a_new_ledger_is_never_made_over_anything() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(dir.path().join("nowhere"), &link).unwrap();
    for path in [world.path.as_path(), dir.path(), &link, Path::new("/dev/null")] {
        assert_error!(Ledger::create(path), LedgerError::Exists(_), "left as it is");
    }
    world.assert_clean();
}

#[test]
fn a_damaged_ledger_is_an_error_wherever_it_is_read() {
    let read = |ledger: Ledger| -> Result<Vec<Vec<u8>>, LedgerError> {
        ledger.head()?;
        ledger.deployments()?;
        let mut all = ledger.rows().map(|row| row.map(|row| row.bytes)).collect::<Result<Vec<_>, _>>()?;
        for commit in ledger.openings()? {
            all.extend(ledger.opening(&commit)?);
        }
        Ok(all)
    };
    let world = World::new();
    let whole = read(world.open()).unwrap();
    let sound = fs::read(&world.path).unwrap();
    let mut found = 0;
    for page in 1..sound.len() / 4096 {
        let mut bytes = sound.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(&world.path, &bytes).unwrap();
        match Ledger::open(&world.path).and_then(read) {
            Err(LedgerError::NotADatabase(_)) => found += 1,
            Ok(all) => assert_eq!(all, whole, "page {page}: an index that no reader needs"),
            Err(error) => panic!("page {page}: {error:?}"),
        }
    }
    assert!(found >= 4, "{found} damaged pages were noticed");
    fs::write(&world.path, &sound[..sound.len() / 2]).unwrap();
    assert!(Ledger::open(&world.path).and_then(read).is_err());
}

#[test]
fn the_newest_entries_may_wait_beside_the_file() {
    let world = World::new();
    let beside = world.dir.path().join("ledger.db-wal");
    let waiting = || fs::metadata(&beside).map_or(0, |log| log.len());
    let append = |text: &str, leave: bool| {
        let mut ledger = world.open();
        ledger.append(world.log.now, &world.note(&ledger, text)).unwrap();
        if leave {
            ledger.leave_log().unwrap();
        }
    };
    let copied = |name: &str| {
        let copy = world.dir.path().join(name);
        fs::copy(&world.path, &copy).unwrap();
        Ledger::open_read_only(&copy).unwrap().rows().count()
    };
    append("waits", true);
    assert!(waiting() > 0);
    assert_eq!(Ledger::open_read_only(&world.path).unwrap().rows().count(), 6);
    assert_eq!(copied("part.db"), 5, "a copy needs both files");
    append("moves all in", false);
    assert_eq!((waiting(), copied("whole.db")), (0, 7));

    // However many append and leave, what waits stays short.
    let long = "long ".repeat(20_000);
    (0..12).for_each(|_| append(&long, true));
    assert!(waiting() < 700_000, "{}", waiting());
    world.assert_clean();
}

#[test]
fn a_ledger_moves_with_its_folder_and_through_links() {
    let world = World::new();
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a b %41?#é");
    fs::create_dir(&odd).unwrap();
    fs::copy(&world.path, odd.join("ledger.db")).unwrap();
    std::os::unix::fs::symlink(odd.join("ledger.db"), dir.path().join("link.db")).unwrap();
    for path in [odd.join("ledger.db"), dir.path().join("link.db")] {
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.append(world.log.now, &world.note(&ledger, "here")).unwrap();
    }
    assert_eq!(crate::world::assert_clean(&odd.join("ledger.db"), &world.log).entries, 7);
}

/// Readable by all and writable by nobody: also by its owner, unless that is root.
#[test]
fn permissions_are_told_apart() {
    const NAME: &str = "places::permissions_are_told_apart";
    if let Some(place) = child::place_in(NAME) {
        let at = |name: &str| place.join(name).join("ledger.db");
        for open in BOTH {
            assert_error!(open(&at("unreadable")), LedgerError::Unreadable(_), "may not be read");
            assert_error!(open(&at("shut")), LedgerError::Unreadable(_), "may not be read");
        }
        for name in ["read-only-file", "read-only-folder", "read-only-both"] {
            assert_error!(Ledger::open(&at(name)), LedgerError::ReadOnly(_), "check the permissions");
            let ledger = Ledger::open_read_only(&at(name)).unwrap();
            assert_eq!(ledger.rows().map(Result::unwrap).count(), 5, "{name}");
            assert_eq!(ledger.openings().unwrap().len(), ledger_openings(), "{name}");
        }
        assert_error!(Ledger::open_read_only(&at("with-wal")), LedgerError::NeedsWriting(_), "copy");
        assert_error!(
            Ledger::create(&place.join("read-only-folder/new.db")),
            LedgerError::ReadOnly(_),
            "check the permissions"
        );
        return;
    }
    let world = World::new();
    let place = tempfile::tempdir().unwrap();
    let folder = |name: &str, folder_mode: u32, file_mode: u32| {
        let folder = place.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::copy(&world.path, folder.join("ledger.db")).unwrap();
        child::set_mode(&folder.join("ledger.db"), file_mode);
        child::set_mode(&folder, folder_mode);
    };
    folder("unreadable", 0o777, 0o000);
    folder("shut", 0o000, 0o666);
    folder("read-only-file", 0o777, 0o444);
    folder("read-only-folder", 0o555, 0o666);
    folder("read-only-both", 0o555, 0o444);
    // A copy taken while somebody wrote: the newest entries are in the write-ahead log alone.
    let mut ledger = world.open();
    ledger.append(world.log.now, &world.note(&ledger, "in the log only")).unwrap();
    let with_wal = place.path().join("with-wal");
    fs::create_dir(&with_wal).unwrap();
    for file in ["ledger.db", "ledger.db-wal"] {
        fs::copy(world.dir.path().join(file), with_wal.join(file)).unwrap();
        child::set_mode(&with_wal.join(file), 0o444);
    }
    child::set_mode(&with_wal, 0o555);
    child::open_to_all(place.path());
    child::without_privileges(NAME, place.path());
    for name in ["shut", "read-only-folder", "read-only-both", "with-wal"] {
        child::set_mode(&place.path().join(name), 0o755);
    }
}

fn ledger_openings() -> usize {
    crate::world::told().openings.len()
}

/// A reader without the right to write reads what others are writing.
#[test]
fn a_live_ledger_is_read_without_the_right_to_write() {
    const NAME: &str = "places::a_live_ledger_is_read_without_the_right_to_write";
    if let Some(place) = child::place_in(NAME) {
        let ledger = Ledger::open_read_only(&place).unwrap();
        assert_eq!(ledger.rows().map(Result::unwrap).count(), 6);
        assert_error!(Ledger::open(&place), LedgerError::ReadOnly(_), "check the permissions");
        return;
    }
    let world = World::new();
    let mut ledger = world.open();
    ledger.append(world.log.now, &world.note(&ledger, "live")).unwrap();
    let ask = || {
        for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
            child::set_mode(&world.dir.path().join(file), 0o444);
        }
        child::set_mode(world.dir.path(), 0o555);
        child::without_privileges(NAME, &world.path);
        child::set_mode(world.dir.path(), 0o755);
    };
    ask();
    // The same once nobody writes any more, and the newest entry still waits beside the file.
    ledger.leave_log().unwrap();
    drop(ledger);
    ask();
    let mut ledger = world.open();
    ledger.append(world.log.now, &world.note(&ledger, "still")).unwrap();
    world.assert_clean();
}
