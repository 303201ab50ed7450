//! Small memories for long logs.

use std::collections::BTreeMap;

/// In how many parts repeated values are looked for.
const PARTS: u64 = 16;

/// A small value for each `seq`, in runs of consecutive ones.
#[derive(Debug)]
pub(super) struct BySeq<V> {
    runs: BTreeMap<u64, Vec<V>>,
    repeats: Vec<(u64, V)>,
}

impl<V> Default for BySeq<V> {
    fn default() -> Self {
        Self { runs: BTreeMap::new(), repeats: Vec::new() }
    }
}

impl<V: Copy> BySeq<V> {
    /// Remembers a value; the first one of a `seq` stays what [`BySeq::get`] gives.
    pub fn put(&mut self, seq: u64, value: V) {
        if let Some((start, run)) = self.runs.range_mut(..=seq).next_back() {
            match (seq - start).cmp(&(run.len() as u64)) {
                std::cmp::Ordering::Less => return self.repeats.push((seq, value)),
                std::cmp::Ordering::Equal => return run.push(value),
                std::cmp::Ordering::Greater => {}
            }
        }
        self.runs.insert(seq, vec![value]);
    }

    pub fn get(&self, seq: u64) -> Option<V> {
        let (start, run) = self.runs.range(..=seq).next_back()?;
        run.get(usize::try_from(seq - start).ok()?).copied()
    }

    fn iter(&self) -> impl Iterator<Item = (u64, V)> {
        let runs = self.runs.iter().flat_map(|(start, run)| (*start..).zip(run.iter().copied()));
        runs.chain(self.repeats.iter().copied())
    }
}

impl BySeq<u64> {
    /// Every `seq` whose value another one before it has, with that one. Values are evenly spread, so that
    /// looking at a part of them at a time takes little memory.
    pub fn repeated(&self) -> Vec<(u64, u64)> {
        let mut twice = Vec::new();
        let mut part = Vec::new();
        for first in 0..PARTS {
            part.clear();
            part.extend(self.iter().map(|(_, value)| value).filter(|value| value % PARTS == first));
            part.sort_unstable();
            twice.extend(part.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
        }
        if twice.is_empty() {
            return Vec::new();
        }
        twice.sort_unstable();
        let mut first = BTreeMap::new();
        let mut found = Vec::new();
        for (seq, value) in self.iter().filter(|(_, value)| twice.binary_search(value).is_ok()) {
            match first.get(&value) {
                Some(&earlier) => found.push((seq, earlier)),
                None => drop(first.insert(value, seq)),
            }
        }
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

    #[test]
    fn runs_gaps_and_repeats() {
        let mut table = BySeq::default();
        for (seq, value) in [(0, 10), (1, 11), (5, 15), (6, 11), (2, 12), (1, 99), (6, 15)] {
            table.put(seq, value);
        }
        assert_eq!(
            [0, 1, 2, 3, 5, 6].map(|seq| table.get(seq)),
            [Some(10), Some(11), Some(12), None, Some(15), Some(11)]
        );
        assert_eq!(table.repeated(), [(6, 1), (6, 5)]);
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
