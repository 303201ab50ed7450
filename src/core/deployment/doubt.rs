//! Entries that a verifier found not to be rightly signed: they stay on record, and nothing is judged by them.

use std::collections::BTreeSet;

use super::{Deployment, Record, SignOff};

impl Deployment {
    /// Judges nothing by these entries any more: no item is done, no gate open and nothing over because of them.
    /// Every list keeps them, so that they can be shown for what they are; only a closing is taken back.
    pub fn distrust(&mut self, entries: BTreeSet<u64>) {
        self.closed.take_if(|closed| entries.contains(&closed.meta.seq));
        self.distrusted = entries;
    }

    /// Whether nothing is judged by this entry.
    #[must_use]
    pub fn distrusts(&self, seq: u64) -> bool {
        self.distrusted.contains(&seq)
    }

    /// Those of a list that something may be judged by.
    pub fn trusted<'a, T>(
        &'a self,
        list: &'a [Record<T>],
    ) -> impl DoubleEndedIterator<Item = &'a Record<T>> + Clone {
        list.iter().filter(|record| !self.distrusts(record.meta.seq))
    }

    /// The sign-offs that something may be judged by.
    pub(super) fn trusted_sign_offs(&self) -> impl Iterator<Item = &SignOff> {
        self.sign_offs.iter().filter(|sign_off| !self.distrusts(sign_off.meta.seq))
    }
}
