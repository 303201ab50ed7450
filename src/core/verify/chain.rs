//! Order and chain: `seq`, `prev`, `recorded`, `time`, `seen`.
//!
//! After a break it finds its feet again: what follows an altered, missing or moved entry is checked as before.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;

use super::table::BySeq;
use super::{Aside, Finding};
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::statement::Seen;
use crate::core::time::Timestamp;

/// How much later than `recorded` a signer's clock may be, in seconds.
const CLOCK_SLACK: i64 = 120;

#[derive(Clone, Copy)]
struct Last {
    seq: u64,
    leaf: Hash,
    /// Absent for bytes that were no entry.
    recorded: Option<Timestamp>,
}

/// What the walk remembers about order.
pub(super) struct Chain {
    /// Of every entry of the log, in a deployment's export.
    given: Option<Vec<Hash>>,
    random: RandomState,
    leaves: BySeq<4>,
    forks: BTreeSet<(u64, [u8; 4])>,
    last: Option<Last>,
    high: Option<u64>,
    /// The entry whose leaf is not the `prev` of the entry after it, until it is clear which of the two was altered.
    unlinked: Option<u64>,
    pub findings: Vec<Finding>,
}

impl Chain {
    pub fn new(given: Option<Vec<Hash>>, aside: Option<Rc<dyn Aside>>) -> Self {
        Self {
            given,
            random: RandomState::new(),
            leaves: BySeq::new(aside),
            forks: BTreeSet::new(),
            last: None,
            high: None,
            unlinked: None,
            findings: Vec::new(),
        }
    }

    /// The newest `seq` so far.
    pub fn high(&self) -> Option<u64> {
        self.high
    }

    pub fn given(&self) -> Option<&[Hash]> {
        self.given.as_deref()
    }

    /// The place where bytes that are no entry stand.
    pub fn broken(&mut self, leaf: Hash) -> u64 {
        let seq = self.last.map_or(0, |last| last.seq + 1);
        self.advance(seq, leaf, None);
        seq
    }

    /// Gives the entry its place; `None` for one that stands there already, byte for byte.
    pub fn place(&mut self, entry: &Entry) -> Option<u64> {
        let stated = entry.line.seq;
        let seq = if self.given.is_some() { self.place_given(entry) } else { self.place_next(entry) };
        let Some(seq) = seq else {
            let after = self.last.map_or(0, |last| last.seq);
            self.find(stated, "duplicate", format!("it stands a second time, after entry {after}"));
            return None;
        };
        self.times(seq, entry);
        self.advance(seq, entry.leaf, Some(entry.line.recorded));
        self.seen(seq, entry);
        Some(seq)
    }

    /// After the last entry: what is still open. Lets go of what only the walk needs.
    pub fn finish(&mut self) {
        self.settle();
        if let Some(why) = self.leaves.lost() {
            self.findings.push(Finding::lost(&why));
        }
        self.leaves = BySeq::new(None);
    }

    fn find(&mut self, seq: u64, code: &'static str, text: String) {
        self.findings.push(Finding { seq: Some(seq), code, text });
    }

    /// A fingerprint under a random key: one in four billion of other leaves would share it.
    fn mark(&self, leaf: &Hash) -> [u8; 4] {
        ((self.random.hash_one(leaf) >> 32) as u32).to_ne_bytes()
    }

    fn advance(&mut self, seq: u64, leaf: Hash, recorded: Option<Timestamp>) {
        if self.given.is_none() {
            let mark = self.mark(&leaf);
            if self.leaves.get(seq).is_some() {
                self.forks.insert((seq, mark));
            } else {
                self.leaves.put(seq, mark);
            }
        }
        self.last = Some(Last { seq, leaf, recorded });
        self.high = self.high.max(Some(seq));
    }

    /// Whether `leaf` is that of an entry `seq` that was given; `None` when no such entry was.
    fn known(&self, seq: u64, leaf: &Hash) -> Option<bool> {
        if let Some(given) = &self.given {
            let given = usize::try_from(seq).ok().and_then(|seq| given.get(seq));
            return given.filter(|given| **given != Hash::ZERO).map(|given| given == leaf);
        }
        let mark = self.mark(leaf);
        self.leaves.get(seq).map(|first| first == mark || self.forks.contains(&(seq, mark)))
    }

    fn place_given(&mut self, entry: &Entry) -> Option<u64> {
        let (seq, prev) = (entry.line.seq, entry.line.prev);
        match self.known(seq, &entry.leaf) {
            Some(true) => {}
            Some(false) => {
                self.find(seq, "leaf", "its leaf is not the one that leaves.txt has for it".into());
            }
            None => {
                self.find(seq, "leaf", "leaves.txt has no leaf for it".into());
            }
        }
        let linked = if seq == 0 { prev == Hash::ZERO } else { self.known(seq - 1, &prev) == Some(true) };
        if !linked {
            self.find(
                seq,
                "chain",
                format!("its prev is not the leaf that leaves.txt has for entry {}", seq.wrapping_sub(1)),
            );
        }
        if let Some(last) = self.last.filter(|last| last.seq >= seq) {
            if last.leaf == entry.leaf {
                return None;
            }
            self.find(seq, "out-of-order", format!("it stands after entry {}", last.seq));
        }
        Some(seq)
    }

    fn place_next(&mut self, entry: &Entry) -> Option<u64> {
        let (seq, prev) = (entry.line.seq, entry.line.prev);
        let Some(last) = self.last else {
            if seq > 0 {
                self.find(0, "missing", format!("the log begins with entry {seq}: {}", span(0, seq)));
            } else if prev != Hash::ZERO {
                self.find(0, "chain", "the prev of entry 0 is not 64 zeros".into());
            }
            return Some(seq);
        };
        if seq == last.seq + 1 {
            self.link(last, seq, &prev);
            return Some(seq);
        }
        self.settle();
        if last.recorded.is_none()
            && seq == last.seq
            && (seq == 0 || self.known(seq - 1, &prev) == Some(true))
        {
            // What could not be read stood between two entries that belong together.
            return Some(seq);
        }
        if prev == last.leaf {
            let here = last.seq + 1;
            self.find(here, "seq", format!("it says that it is entry {seq}, and stands in place {here}"));
            return Some(here);
        }
        let next = self.high.map_or(0, |high| high + 1);
        if seq > next {
            self.find(
                next,
                "missing",
                format!("after entry {} comes entry {seq}: {}", last.seq, span(next, seq)),
            );
        } else if seq < next {
            match self.known(seq, &entry.leaf) {
                Some(true) => return None,
                Some(false) => {
                    self.find(seq, "fork", format!("two different entries say that they are entry {seq}"));
                }
                None => {
                    self.find(seq, "out-of-order", format!("it stands after entry {}", last.seq));
                }
            }
        } else if self.known(last.seq.max(next) - 1, &prev) == Some(false) {
            self.find(seq, "chain", format!("its prev is not the leaf of entry {}", seq.saturating_sub(1)));
        }
        Some(seq)
    }

    /// Holds `prev` against the entry before. One altered entry breaks the link behind it, and the link
    /// before it too where its own `prev` was altered: which of the two it is shows at the entry after.
    fn link(&mut self, last: Last, seq: u64, prev: &Hash) {
        let linked =
            *prev == last.leaf || last.recorded.is_none() || self.known(last.seq, prev) == Some(true);
        match (linked, self.unlinked.take()) {
            (true, Some(altered)) => {
                let text = format!(
                    "entry {} was chained to another entry {altered} than the one that stands here",
                    altered + 1
                );
                self.find(altered, "chain", text);
            }
            (false, Some(_)) => {
                let (before, altered) = (last.seq.saturating_sub(1), last.seq);
                let text = format!("it is chained neither to entry {before} nor to entry {seq}");
                self.find(altered, "chain", text);
            }
            (false, None) => self.unlinked = Some(last.seq),
            (true, None) => {}
        }
    }

    /// Where the walk can't go on to see which of two entries was altered, it names both.
    fn settle(&mut self) {
        if let Some(first) = self.unlinked.take() {
            let second = first + 1;
            let text = format!(
                "the prev of entry {second} is not the leaf of entry {first}: one of the two was altered"
            );
            self.find(first, "chain", text.clone());
            self.find(second, "chain", text);
        }
    }

    fn times(&mut self, seq: u64, entry: &Entry) {
        let (recorded, time) = (entry.line.recorded, entry.statement.predicate.time);
        if let Some(last) = self.last.filter(|last| last.seq < seq)
            && let Some(before) = last.recorded.filter(|before| *before > recorded)
        {
            self.find(
                seq,
                "recorded",
                format!("it was recorded at {recorded}, before entry {} at {before}", last.seq),
            );
        }
        if time > recorded.plus_seconds(CLOCK_SLACK) {
            let text =
                format!("it was signed at {time}, more than 2 minutes after it was recorded at {recorded}");
            self.find(seq, "time", text);
        }
    }

    /// What a report says that it covers: an entry before its own, with its leaf.
    pub fn covers(&mut self, seq: u64, covers: &Seen) {
        if covers.seq >= seq {
            self.find(
                seq,
                "covers",
                format!("its report covers entry {}, which stands no earlier", covers.seq),
            );
        } else if self.known(covers.seq, &covers.leaf) == Some(false) {
            let text =
                format!("its report covers another entry {} than the one that stands there", covers.seq);
            self.find(seq, "covers", text);
        }
    }

    fn seen(&mut self, seq: u64, entry: &Entry) {
        let Some(seen) = entry.statement.predicate.seen else { return };
        if seen.seq >= seq {
            self.find(seq, "seen", format!("its signer saw entry {}, which stands no earlier", seen.seq));
        } else if self.known(seen.seq, &seen.leaf) == Some(false) {
            let text = format!("its signer saw another entry {} than the one that stands there", seen.seq);
            self.find(seq, "seen-leaf", text);
        }
    }
}

/// For people: what lacks from `from` up to and without `to`.
fn span(from: u64, to: u64) -> String {
    match to - from {
        1 => format!("entry {from} is missing"),
        _ => format!("entries {from} to {} are missing", to - 1),
    }
}
