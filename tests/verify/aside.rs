//! A log that is too long for what a walk remembers of it to stay in memory.

use std::cell::RefCell;
use std::rc::Rc;

use aether_audit::core::event::{Event, NoteAdded};
use aether_audit::core::hash::Hash;
use aether_audit::core::roster::LEAD_DEPLOYER;
use aether_audit::core::statement::{Predicate, Seen};
use aether_audit::core::verify::{Aside, Report, Scope, verify_and_sum};

use super::anchors;
use super::codes;
use super::common::story::{self, GOOD, note};
use super::common::{By, TestLog, sign};

/// More than stays in memory.
const NOTES: u64 = 8_500;
const ALICE: By = ("alice", LEAD_DEPLOYER);

#[derive(Clone, Copy, PartialEq)]
enum Disk {
    Sound,
    Full,
    Torn,
}

struct Scripted {
    disk: Disk,
    bytes: RefCell<Vec<u8>>,
}

impl Aside for Scripted {
    fn put(&self, bytes: &[u8]) -> Result<u64, String> {
        if self.disk == Disk::Full {
            return Err("No space left on device".to_owned());
        }
        let mut all = self.bytes.borrow_mut();
        all.extend(bytes);
        Ok((all.len() - bytes.len()) as u64)
    }

    fn get(&self, at: u64, into: &mut [u8]) -> Result<(), String> {
        if self.disk == Disk::Torn {
            return Err("Input/output error".to_owned());
        }
        into.copy_from_slice(&self.bytes.borrow()[usize::try_from(at).unwrap()..][..into.len()]);
        Ok(())
    }
}

/// The verdict, and how many bytes went aside.
fn judged(log: &TestLog, disk: Disk) -> (Report, usize) {
    let aside = Rc::new(Scripted { disk, bytes: RefCell::default() });
    let stored = log.stored().into_iter().map(Ok);
    let report =
        verify_and_sum(stored, Scope::Log, &mut log.clone(), &anchors(log), aside.clone(), &mut |_| {});
    let put = aside.bytes.borrow().len();
    (report, put)
}

/// A note whose statement was given another id, or another look at the log, before it was signed.
fn forged(log: &mut TestLog, edit: impl FnOnce(&mut Predicate)) -> u64 {
    let text = log.opening("forged");
    let event = Event::NoteAdded(NoteAdded { about: None, text });
    let mut statement = log.statement(&[ALICE], Some(GOOD), &event);
    edit(&mut statement.predicate);
    log.append(sign(&statement, &[ALICE]))
}

#[test]
fn a_long_log_is_judged_as_a_short_one() {
    let mut log = story::short();
    let first = log.entries.len() as u64;
    for number in 0..NOTES {
        note(&mut log, GOOD, ALICE, &format!("note {number}"));
    }
    for disk in [Disk::Sound, Disk::Full, Disk::Torn] {
        let (report, put) = judged(&log, disk);
        assert_eq!(put > 0, disk != Disk::Full);
        // With nothing that looks far back, only ids are read again.
        let expected = if disk == Disk::Torn { vec![(None, "unreadable")] } else { vec![] };
        assert_eq!(codes(&report.findings), expected);
    }
    let early = log.entry(first + 1).statement.predicate.id;
    let repeated = forged(&mut log, |predicate| predicate.id = early);
    let leaf = Hash::of(&[b"another"]);
    let saw = forged(&mut log, |predicate| predicate.seen = Some(Seen { leaf, seq: first + 2 }));
    let honest = Seen { leaf: log.entry(first + 3).leaf, seq: first + 3 };
    forged(&mut log, |predicate| predicate.seen = Some(honest));
    let expected = [(Some(repeated), "id-repeated"), (Some(saw), "seen-leaf")];
    for disk in [Disk::Sound, Disk::Full] {
        let (report, _) = judged(&log, disk);
        assert_eq!(codes(&report.findings), expected);
        assert!(report.findings[0].text.contains(&format!("entry {}", first + 1)), "{:?}", report.findings);
    }
    let (report, _) = judged(&log, Disk::Torn);
    assert_eq!(codes(&report.findings), [(None, "unreadable"), (None, "unreadable")]);
    assert!(report.findings[0].text.contains("Input/output error"), "{:?}", report.findings);
}
