//! Entries that are not rightly signed, or by a key that may be in other hands: they stay on record, and nothing is
//! judged by them.

use std::collections::BTreeSet;

use super::{Deployment, Meta, Record, SignOff};
use crate::core::hash::Hash;

impl Deployment {
    /// Judges nothing by these entries any more: no item is done, no gate open and nothing over because of them.
    /// Every list keeps them, so that they can be shown for what they are; only a closing is taken back.
    pub fn distrust(&mut self, entries: BTreeSet<u64>) {
        self.closed.take_if(|closed| entries.contains(&closed.meta.seq));
        self.distrusted = entries;
    }

    /// Judges nothing any more by what a suspect key signed, by the key and the entry; a closing stays, and so do
    /// readings that did not pass.
    pub fn distrust_keys(&mut self, suspect: impl Fn(&Hash, u64) -> bool) {
        let metas = self.metas().filter(|meta| meta.by.iter().any(|by| suspect(&by.key, meta.seq)));
        let found: Vec<u64> = metas.map(|meta| meta.seq).collect();
        self.distrusted.extend(found);
        self.watch.forget(suspect);
    }

    /// Where, when and who of all that something may be judged by.
    fn metas(&self) -> impl Iterator<Item = &Meta> {
        fn of<T>(list: &[Record<T>]) -> impl Iterator<Item = &Meta> {
            list.iter().map(|record| &record.meta)
        }
        let acts =
            of(&self.snapshots).chain(of(&self.stages)).chain(of(&self.shifts)).chain(of(&self.standby));
        let back = of(&self.triggers)
            .chain(of(&self.rollbacks))
            .chain(of(&self.rollback_steps))
            .chain(of(&self.rollback_ends));
        let judged = of(&self.evidence).chain(of(&self.decisions));
        self.sign_offs.iter().map(|sign_off| &sign_off.meta).chain(judged).chain(acts).chain(back)
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
