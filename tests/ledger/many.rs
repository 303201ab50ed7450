//! Several writers at once: none fails, none forks.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use aether_audit::core::hash::Hash;
use aether_audit::ledger::{Appended, Ledger};

use crate::child;
use crate::world::{World, fill, note, seen, told};

const THREADS: u64 = 4;
const EACH: u64 = 25;

#[test]
fn threads_append_at_once() {
    let world = World::new();
    let barrier = Barrier::new(usize::try_from(THREADS).unwrap());
    let places: Vec<Appended> = thread::scope(|scope| {
        let write = |thread| {
            let (world, barrier) = (&world, &barrier);
            move || {
                barrier.wait();
                let mut ledger = world.open();
                (0..EACH)
                    .map(|n| {
                        if n % 5 == 0 {
                            ledger = world.open();
                        }
                        ledger.append(world.log.now, &world.note(&ledger, &format!("{thread}-{n}"))).unwrap()
                    })
                    .collect::<Vec<_>>()
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(write(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let seqs: BTreeSet<u64> = places.iter().map(|place| place.seq).collect();
    assert_eq!(seqs, (5..5 + THREADS * EACH).collect());
    let ledger = world.open();
    assert!(places.iter().all(|place| ledger.leaf(place.seq).unwrap() == Some(place.leaf)));
    world.assert_clean();
}

#[test]
fn threads_join_one_statement_at_once() {
    let world = World::new();
    let same = world.note(&world.open(), "the same");
    let barrier = Barrier::new(8);
    let places: Vec<Appended> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut ledger = world.open();
                    barrier.wait();
                    ledger.append(world.log.now, &same).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(places.iter().filter(|place| !place.already).count(), 1);
    assert!(places.iter().all(|place| place.seq == 5));
    world.assert_clean();
}

#[test]
fn processes_append_at_once() {
    const NAME: &str = "many::processes_append_at_once";
    if let Some(place) = child::place_in(NAME) {
        let log = told();
        let mut acknowledged = String::new();
        for n in 0..EACH {
            let mut ledger = Ledger::open(&place).unwrap();
            let seen = seen(&ledger);
            let place =
                ledger.append(log.now, &note(&log, seen, &format!("{}-{n}", std::process::id()))).unwrap();
            acknowledged.push_str(&format!("{} {}\n", place.seq, place.leaf));
        }
        let file = place.with_file_name(format!("acknowledged-{}", std::process::id()));
        return fs::write(file, acknowledged).unwrap();
    }
    let world = World::new();
    let children: Vec<_> = (0..4).map(|_| child::start(NAME, &["env"], &world.path)).collect();
    children.into_iter().for_each(child::passed);
    let ledger = world.open();
    let mut seqs = BTreeSet::new();
    for file in fs::read_dir(world.dir.path()).unwrap().map(|file| file.unwrap().path()) {
        if !file.file_name().unwrap().to_string_lossy().starts_with("acknowledged-") {
            continue;
        }
        for line in fs::read_to_string(file).unwrap().lines() {
            let (seq, leaf) = line.split_once(' ').unwrap();
            let seq: u64 = seq.parse().unwrap();
            assert_eq!(ledger.leaf(seq).unwrap(), Some(Hash::parse(leaf).unwrap()));
            assert!(seqs.insert(seq), "entry {seq} was acknowledged twice");
        }
    }
    assert_eq!(seqs, (5..5 + 4 * EACH).collect());
    world.assert_clean();
}

/// POSIX locks belong to the process: whoever closes the file anywhere in it drops the locks of all,
/// and another process that finds none may take the write-ahead log away.
#[test]
fn a_ledger_opened_twice_in_one_process_keeps_its_locks() {
    const NAME: &str = "many::a_ledger_opened_twice_in_one_process_keeps_its_locks";
    if let Some(place) = child::place_in(NAME) {
        let log = told();
        let mut ledger = Ledger::open(&place).unwrap();
        let seen = seen(&ledger);
        ledger.append(log.now, &note(&log, seen, "from the other process")).unwrap();
        return;
    }
    let world = World::new();
    let mut held = world.open();
    held.append(world.log.now, &world.note(&held, "before")).unwrap();
    assert!(locked(&world.path));
    let others = (Ledger::open(&world.path).unwrap(), Ledger::open_read_only(&world.path).unwrap());
    assert!(locked(&world.path), "opening it again dropped the first one's lock");
    child::passed(child::start(NAME, &["env"], &world.path));
    let mine = held.append(world.log.now, &world.note(&held, "after")).unwrap();
    assert_eq!(mine.seq, 7);
    assert_eq!(world.open().leaf(7).unwrap(), Some(mine.leaf), "acknowledged, and not there for others");
    drop((held, others));
    assert_eq!(world.assert_clean().entries, 8);
}

/// Whether this process holds a lock on the file, by what the kernel says.
fn locked(path: &Path) -> bool {
    let (process, inode) =
        (format!(" {} ", std::process::id()), format!(":{} ", fs::metadata(path).unwrap().ino()));
    let locks = fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains(&process) && line.contains(&inode))
}

#[test]
fn a_reader_holds_up_nobody() {
    let world = World::new();
    let reader = Ledger::open_read_only(&world.path).unwrap();
    let mut rows = reader.rows();
    rows.next().unwrap().unwrap();
    let mut ledger = world.open();
    let place = ledger.append(world.log.now, &world.note(&ledger, "meanwhile")).unwrap();
    assert_eq!(place.seq, 5);
    assert_eq!(rows.map(Result::unwrap).count(), 5, "a scan goes on to what came in meanwhile");
}

/// Whoever copies the file has all that was acknowledged by then, though somebody looks on.
#[test]
fn a_copy_of_the_file_is_the_whole_ledger_while_others_have_it_open() {
    let world = World::new();
    let reader = Ledger::open_read_only(&world.path).unwrap();
    reader.head().unwrap();
    let mut ledger = world.open();
    for text in ["one", "two"] {
        ledger.append(world.log.now, &world.note(&ledger, text)).unwrap();
    }
    drop(ledger);
    let copy = world.dir.path().join("copy.db");
    fs::copy(&world.path, &copy).unwrap();
    assert_eq!(Ledger::open_read_only(&copy).unwrap().head().unwrap().unwrap().seq, 6);
    drop(reader);
}

/// Readers that look all the time leave no copy that is no state of the ledger.
#[test]
fn a_copy_is_a_state_of_the_ledger_while_readers_read() {
    let world = World::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let reader = Ledger::open_read_only(&world.path).unwrap();
                while !over.load(Ordering::Relaxed) {
                    let rows = reader.rows().map(Result::unwrap).count();
                    assert!(rows >= 5);
                    thread::sleep(Duration::from_micros(300));
                }
            });
        }
        // They end with it, however it ends.
        let _over = Over(&over);
        for number in 0..40 {
            let mut ledger = world.open();
            ledger.append(world.log.now, &world.note(&ledger, &format!("note {number}"))).unwrap();
            drop(ledger);
            let copy = world.dir.path().join(format!("copy-{number}.db"));
            fs::copy(&world.path, &copy).unwrap();
            let raw = rusqlite::Connection::open(&copy).unwrap();
            let sound: String = raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(sound, "ok", "copy {number}");
            let head: i64 = raw.query_row("SELECT max(seq) FROM entries", [], |row| row.get(0)).unwrap();
            assert!((5..=5 + number).contains(&head), "{head}");
        }
    });
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn an_empty_ledger_takes_one_first_entry() {
    let log = told();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    Ledger::create(&path).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| fill(&mut Ledger::open(&path).unwrap(), &log));
        }
    });
    assert_eq!(crate::world::assert_clean(&path, &log).entries, 5);
}
