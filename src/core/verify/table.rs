//! Small memories for long logs.

use std::collections::BTreeMap;

/// Eight bytes for each `seq`, in runs of consecutive ones.
#[derive(Debug, Default)]
pub(super) struct BySeq {
    runs: BTreeMap<u64, Vec<u64>>,
    repeats: Vec<(u64, u64)>,
}

impl BySeq {
    /// Remembers a value; the first one of a `seq` stays what [`BySeq::get`] gives.
    pub fn put(&mut self, seq: u64, value: u64) {
        if let Some((start, run)) = self.runs.range_mut(..=seq).next_back() {
            match (seq - start).cmp(&(run.len() as u64)) {
                std::cmp::Ordering::Less => return self.repeats.push((seq, value)),
                std::cmp::Ordering::Equal => return run.push(value),
                std::cmp::Ordering::Greater => {}
            }
        }
        self.runs.insert(seq, vec![value]);
    }

    pub fn get(&self, seq: u64) -> Option<u64> {
        let (start, run) = self.runs.range(..=seq).next_back()?;
        run.get(usize::try_from(seq - start).ok()?).copied()
    }

    /// Every `seq` whose value another one before it has, with that one.
    pub fn repeated(&self) -> Vec<(u64, u64)> {
        let mut sorted: Vec<u64> =
            Vec::with_capacity(self.runs.values().map(Vec::len).sum::<usize>() + self.repeats.len());
        sorted.extend(self.iter().map(|(_, value)| value));
        sorted.sort_unstable();
        let twice: Vec<u64> =
            sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        drop(sorted);
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

    fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let runs = self.runs.iter().flat_map(|(start, run)| (*start..).zip(run.iter().copied()));
        runs.chain(self.repeats.iter().copied())
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
