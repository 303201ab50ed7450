//! Openings: every one that is referred to is there with its commit, or was erased by an event.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use super::{Finding, Openings};
use crate::core::hash::Hash;
use crate::core::name::Token;

/// The newest references are searched one by one; beyond so many they are sorted in.
const UNSORTED: usize = 4096;
/// Bits of a reference that tell the authors.
const AUTHOR_BITS: u32 = 16;

/// What the walk remembers about openings: eight bytes for each reference.
pub(super) struct Known<'a> {
    store: &'a mut dyn Openings,
    random: RandomState,
    /// A fingerprint of the commit, and which authors referred to it. The first `sorted` are sorted.
    refs: Vec<u64>,
    sorted: usize,
    authors: Vec<Vec<Token>>,
    author_index: HashMap<Vec<Token>, u16>,
    /// Referred to, not there, and not erased so far: by which entry.
    missing: BTreeMap<Hash, u64>,
    erased: BTreeMap<Hash, u64>,
    /// How many have their commit.
    pub good: u64,
    pub findings: Vec<Finding>,
}

impl<'a> Known<'a> {
    pub fn new(store: &'a mut dyn Openings) -> Self {
        Self {
            store,
            random: RandomState::new(),
            refs: Vec::new(),
            sorted: 0,
            authors: Vec::new(),
            author_index: HashMap::new(),
            missing: BTreeMap::new(),
            erased: BTreeMap::new(),
            good: 0,
            findings: Vec::new(),
        }
    }

    /// An entry refers to an opening.
    pub fn refer(&mut self, seq: u64, commit: Hash, authors: &[Token]) {
        let too_late = self.erased.get(&commit).copied().filter(|_| !self.referred(&commit));
        let author = self.author(authors);
        self.refs.push(mark(&self.random, &commit) | u64::from(author));
        match self.store.get(&commit) {
            Ok(Some(_)) if self.erased.contains_key(&commit) => {
                self.find(seq, "opening-not-erased", format!("opening {commit} was erased, and is there"));
            }
            Ok(Some(bytes)) if Hash::of(&[&bytes]) == commit => self.good += 1,
            Ok(Some(_)) => {
                self.find(seq, "opening-altered", format!("opening {commit} is not what was committed to"));
            }
            Ok(None) if self.erased.contains_key(&commit) => {
                if let Some(erased) = too_late {
                    let text =
                        format!("opening {commit} was erased in entry {erased}, before it was referred to");
                    self.find(seq, "opening-missing", text);
                }
            }
            Ok(None) => drop(self.missing.entry(commit).or_insert(seq)),
            Err(why) => {
                self.find(seq, "opening-unreadable", format!("opening {commit} can't be read: {why}"));
            }
        }
    }

    /// An entry says that an opening was erased.
    pub fn erase(&mut self, seq: u64, commit: Hash) {
        self.missing.remove(&commit);
        self.erased.entry(commit).or_insert(seq);
        match self.store.get(&commit) {
            Ok(None) => {}
            Ok(Some(_)) => {
                self.find(seq, "opening-not-erased", format!("opening {commit} was erased, and is there"));
            }
            Err(why) => {
                self.find(seq, "opening-unreadable", format!("opening {commit} can't be read: {why}"));
            }
        }
    }

    /// Whether any entry so far refers to an opening.
    fn referred(&self, commit: &Hash) -> bool {
        let mark = mark(&self.random, commit);
        let (sorted, recent) = self.refs.split_at(self.sorted);
        let same = |entry: &u64| entry >> AUTHOR_BITS == mark >> AUTHOR_BITS;
        sorted.get(sorted.partition_point(|&entry| entry < mark)).is_some_and(same) || recent.iter().any(same)
    }

    /// Everybody who signed a statement that refers to an opening.
    pub fn authors(&mut self, commit: &Hash) -> Vec<Token> {
        if self.refs.len() - self.sorted > UNSORTED {
            self.sort();
        }
        let mark = mark(&self.random, commit);
        let (sorted, recent) = self.refs.split_at(self.sorted);
        let start = sorted.partition_point(|&entry| entry < mark);
        let same = |entry: &&u64| **entry >> AUTHOR_BITS == mark >> AUTHOR_BITS;
        let mut found = Vec::new();
        for entry in sorted[start..].iter().take_while(same).chain(recent.iter().filter(same)) {
            let index = usize::try_from(entry & ((1 << AUTHOR_BITS) - 1)).unwrap_or(usize::MAX);
            found.extend(self.authors.get(index).into_iter().flatten().cloned());
        }
        found.sort();
        found.dedup();
        found
    }

    /// After the last entry: what is missing, and what nobody refers to.
    pub fn finish(&mut self) {
        for (commit, seq) in std::mem::take(&mut self.missing) {
            let text = format!("opening {commit} is missing, and no entry says that it was erased");
            self.find(seq, "opening-missing", text);
        }
        self.sort();
        let mut strays = Vec::new();
        let Self { store, random, refs, erased, .. } = self;
        let listed = store.each(&mut |commit| {
            let mark = mark(random, &commit);
            let at = refs.partition_point(|&entry| entry < mark);
            let referred = refs.get(at).is_some_and(|entry| entry >> AUTHOR_BITS == mark >> AUTHOR_BITS);
            if !referred && !erased.contains_key(&commit) {
                strays.push(commit);
            }
        });
        strays.sort_unstable();
        self.findings.extend(strays.into_iter().map(|commit| {
            let text = format!("no entry refers to opening {commit}, which is there");
            Finding { seq: None, code: "opening-stray", text }
        }));
        if let Err(why) = listed {
            let text = format!("the openings can't be listed: {why}");
            self.findings.push(Finding { seq: None, code: "opening-unreadable", text });
        }
    }

    /// The openings that were erased, and by which entry.
    pub fn erased(&self) -> impl Iterator<Item = (&Hash, u64)> {
        self.erased.iter().map(|(commit, seq)| (commit, *seq))
    }

    fn find(&mut self, seq: u64, code: &'static str, text: String) {
        self.findings.push(Finding { seq: Some(seq), code, text });
    }

    fn sort(&mut self) {
        self.refs.sort_unstable();
        self.sorted = self.refs.len();
    }

    /// A number for a group of people. Beyond 65,535 groups the last stands for none.
    fn author(&mut self, people: &[Token]) -> u16 {
        if let Some(&index) = self.author_index.get(people) {
            return index;
        }
        let Some(index) = u16::try_from(self.authors.len()).ok().filter(|index| *index < u16::MAX) else {
            return u16::MAX;
        };
        self.authors.push(people.to_vec());
        self.author_index.insert(people.to_vec(), index);
        index
    }
}

/// A fingerprint of a commit, with room for its authors.
fn mark(random: &RandomState, commit: &Hash) -> u64 {
    random.hash_one(commit) >> AUTHOR_BITS << AUTHOR_BITS
}
