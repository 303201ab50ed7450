//! Small memories for long logs.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::Aside;

/// In how many parts repeated values are looked for.
const PARTS: u64 = 16;
/// So many values leave memory at once, and as many newer ones stay.
const SHELF: usize = 4096;

/// A small value for each `seq`, in runs of consecutive ones. The newest stay in memory, older ones go aside.
pub(super) struct BySeq<const N: usize> {
    runs: BTreeMap<u64, Run<N>>,
    repeats: Vec<(u64, [u8; N])>,
    aside: Option<Rc<dyn Aside>>,
    lost: RefCell<Option<String>>,
}

/// Values one after the other: shelves of [`SHELF`] each by the places where they begin, then those in memory.
struct Run<const N: usize> {
    shelves: Vec<u64>,
    newest: Vec<[u8; N]>,
}

impl<const N: usize> Run<N> {
    fn len(&self) -> usize {
        self.shelves.len() * SHELF + self.newest.len()
    }

    /// Moves the older half of what is in memory aside. Once there is no room for it, all that follows stays in memory.
    fn shelve(&mut self, aside: Option<&dyn Aside>) {
        if let Some(Ok(at)) = aside.map(|aside| aside.put(self.newest[..SHELF].as_flattened())) {
            self.shelves.push(at);
            self.newest.drain(..SHELF);
        }
    }
}

impl<const N: usize> BySeq<N> {
    pub fn new(aside: Option<Rc<dyn Aside>>) -> Self {
        Self { runs: BTreeMap::new(), repeats: Vec::new(), aside, lost: RefCell::default() }
    }

    /// Remembers a value; the first one of a `seq` stays what [`BySeq::get`] gives.
    pub fn put(&mut self, seq: u64, value: [u8; N]) {
        if let Some((start, run)) = self.runs.range_mut(..=seq).next_back() {
            match (seq - start).cmp(&(run.len() as u64)) {
                Ordering::Less => return self.repeats.push((seq, value)),
                Ordering::Equal => {
                    run.newest.push(value);
                    if run.newest.len() == 2 * SHELF {
                        run.shelve(self.aside.as_deref());
                    }
                    return;
                }
                Ordering::Greater => {}
            }
        }
        self.runs.insert(seq, Run { shelves: Vec::new(), newest: vec![value] });
    }

    /// The first value of a `seq`. One that cannot be read back is `None`, and told by [`BySeq::lost`].
    pub fn get(&self, seq: u64) -> Option<[u8; N]> {
        let (start, run) = self.runs.range(..=seq).next_back()?;
        let at = usize::try_from(seq - start).ok()?;
        let Some(shelf) = run.shelves.get(at / SHELF) else {
            return run.newest.get(at - run.shelves.len() * SHELF).copied();
        };
        let mut value = [0; N];
        self.read(shelf + (at % SHELF * N) as u64, &mut value).then_some(value)
    }

    /// Why something could not be read back.
    pub fn lost(&self) -> Option<String> {
        self.lost.take()
    }

    fn read(&self, at: u64, into: &mut [u8]) -> bool {
        let Some(aside) = &self.aside else { return false };
        aside.get(at, into).map_err(|why| self.lost.replace(Some(why))).is_ok()
    }

    fn each(&self, mut take: impl FnMut(u64, [u8; N])) {
        let mut shelf = vec![[0; N]; SHELF];
        for (start, run) in &self.runs {
            for (at, first) in run.shelves.iter().zip((*start..).step_by(SHELF)) {
                if self.read(*at, shelf.as_flattened_mut()) {
                    (first..).zip(&shelf).for_each(|(seq, value)| take(seq, *value));
                }
            }
            let first = start + (run.shelves.len() * SHELF) as u64;
            (first..).zip(&run.newest).for_each(|(seq, value)| take(seq, *value));
        }
        self.repeats.iter().for_each(|(seq, value)| take(*seq, *value));
    }
}

impl BySeq<8> {
    /// Every `seq` whose value another one before it has, with that one. Values are evenly spread, so that
    /// looking at a part of them at a time takes little memory.
    pub fn repeated(&self) -> Vec<(u64, u64)> {
        let mut twice = Vec::new();
        let mut part = Vec::new();
        for first in 0..PARTS {
            part.clear();
            self.each(|_, value| {
                let value = u64::from_ne_bytes(value);
                if value % PARTS == first {
                    part.push(value);
                }
            });
            part.sort_unstable();
            twice.extend(part.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
        }
        if twice.is_empty() {
            return Vec::new();
        }
        twice.sort_unstable();
        let mut first = BTreeMap::new();
        let mut found = Vec::new();
        self.each(|seq, value| {
            let value = u64::from_ne_bytes(value);
            if twice.binary_search(&value).is_ok() {
                match first.get(&value) {
                    Some(&earlier) => found.push((seq, earlier)),
                    None => drop(first.insert(value, seq)),
                }
            }
        });
        found
    }
}

/// A list of `seq`s in one or two bytes each: zigzag differences in base 128.
#[derive(Debug, Default)]
pub(super) struct SeqList {
    last: u64,
    bytes: Vec<u8>,
}

impl SeqList {
    pub fn push(&mut self, seq: u64) {
        let difference = seq.wrapping_sub(self.last).cast_signed();
        let mut rest = ((difference << 1) ^ (difference >> 63)).cast_unsigned();
        while rest >= 0x80 {
            self.bytes.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest.to_le_bytes()[0]);
        self.last = seq;
    }

    pub fn iter(&self) -> impl Iterator<Item = u64> {
        let (mut seq, mut rest, mut shift) = (0u64, 0u64, 0);
        self.bytes.iter().filter_map(move |&byte| {
            rest |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 != 0 {
                return None;
            }
            let difference = (rest >> 1) ^ (rest & 1).wrapping_neg();
            seq = seq.wrapping_add(difference);
            (rest, shift) = (0, 0);
            Some(seq)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Room for so many shelves, in memory; `torn` loses what it took.
    struct Shelves {
        bytes: RefCell<Vec<u8>>,
        room: usize,
        torn: bool,
    }

    impl Aside for Shelves {
        fn put(&self, bytes: &[u8]) -> Result<u64, String> {
            let mut all = self.bytes.borrow_mut();
            if all.len() / (SHELF * 8) == self.room {
                return Err("full".to_owned());
            }
            all.extend(bytes);
            Ok((all.len() - bytes.len()) as u64)
        }

        fn get(&self, at: u64, into: &mut [u8]) -> Result<(), String> {
            let at = usize::try_from(at).map_err(|e| e.to_string())?;
            into.copy_from_slice(&self.bytes.borrow()[at..][..into.len()]);
            if self.torn { Err("torn".to_owned()) } else { Ok(()) }
        }
    }

    #[test]
    fn runs_gaps_and_repeats() {
        let mut table = BySeq::new(None);
        for (seq, value) in [(0, 10u64), (1, 11), (5, 15), (6, 11), (2, 12), (1, 99), (6, 15)] {
            table.put(seq, value.to_ne_bytes());
        }
        assert_eq!(
            [0, 1, 2, 3, 5, 6].map(|seq| table.get(seq).map(u64::from_ne_bytes)),
            [Some(10), Some(11), Some(12), None, Some(15), Some(11)]
        );
        assert_eq!(table.repeated(), [(6, 1), (6, 5)]);
    }

    #[test]
    fn what_went_aside_counts_as_before() {
        let entries = 5 * SHELF as u64 + 7;
        let filled = |room, torn| {
            let mut table = BySeq::new(Some(Rc::new(Shelves { bytes: RefCell::default(), room, torn })));
            for seq in 0..entries {
                let value = if seq == entries - 1 { 3 } else { seq };
                table.put(100 + seq, value.to_ne_bytes());
            }
            table
        };
        for room in 0..6 {
            let table = filled(room, false);
            let own = |seq: u64| table.get(seq).map(u64::from_ne_bytes);
            for seq in [0, 1, SHELF as u64 - 1, SHELF as u64, 3 * SHELF as u64 + 5, entries - 2] {
                assert_eq!(own(100 + seq), Some(seq), "{room} shelves");
            }
            assert_eq!((own(99), own(100 + entries)), (None, None));
            assert_eq!(table.repeated(), [(99 + entries, 103)], "{room} shelves");
            assert_eq!(table.lost(), None);
            let run = &table.runs[&100];
            assert_eq!((run.shelves.len(), run.len() as u64), (room.min(4), entries), "{room} shelves");
        }
        let table = filled(2, true);
        assert_eq!((table.get(100), table.lost()), (None, Some("torn".to_owned())));
        assert_eq!(table.repeated(), []);
        assert_eq!(table.lost(), Some("torn".to_owned()));
    }

    #[test]
    fn a_list_gives_back_what_it_took() {
        let seqs = [0, 1, 2, 200, 100, 1 << 52, 3, 3, u64::MAX, 0];
        let mut list = SeqList::default();
        for seq in seqs {
            list.push(seq);
        }
        assert_eq!(list.iter().collect::<Vec<_>>(), seqs);
    }
}
