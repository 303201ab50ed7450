//! Which entries this place has held against their keys already, so that nobody waits twice for the same signatures.

use serde::{Deserialize, Serialize};

use super::app::App;
use super::memory::Memory;
use crate::core::entry::Entry;
use crate::core::event::{Class, Event};
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::name::Token;

/// What is wrong with an entry whose signatures do not verify.
pub const UNSIGNED: &str = "it is not signed by whom it names";

/// The first entries of governance and a deployment, whose signatures were good when this place read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment: Option<Token>,
    /// SHA-256 over their leaves, which cover every byte of them, signatures included.
    leaves: Hash,
}

impl Signed {
    /// These entries.
    #[must_use]
    pub fn of(deployment: Option<&Token>, entries: &[Entry]) -> Self {
        let leaves: Vec<&[u8]> = entries.iter().map(|entry| entry.leaf.as_bytes().as_slice()).collect();
        Self { count: entries.len(), deployment: deployment.cloned(), leaves: Hash::of(&leaves) }
    }

    /// How many of these entries it speaks of: as many as it has, or none where it has others.
    #[must_use]
    pub fn covers(&self, deployment: Option<&Token>, entries: &[Entry]) -> usize {
        let same = |first| Self::of(deployment, first) == *self;
        if entries.get(..self.count).is_some_and(same) { self.count } else { 0 }
    }
}

/// How many of the first entries this place has seen to be signed by whom they name.
#[must_use]
pub fn known(app: &App, deployment: Option<&Token>, entries: &[Entry]) -> usize {
    let memory = entries.first().and_then(|first| Memory::of(app, &first.statement.predicate.log).ok());
    let signed = memory.and_then(|memory| memory.signed().ok().flatten());
    signed.map_or(0, |signed| signed.covers(deployment, entries))
}

/// Whether an entry is about the log itself.
#[must_use]
pub fn is_governance(entry: &Entry) -> bool {
    Event::class_of(entry.statement.kind()) == Some(Class::Governance)
}

/// Entries of deployments that are not signed by whom they name, in words.
#[must_use]
pub fn unsigned_entries(entries: &[Entry], log: &Log) -> Vec<String> {
    unsigned(entries, log).into_iter().map(|seq| format!("entry {seq}: {UNSIGNED}")).collect()
}

/// Entries of deployments that are not signed by whom they name, looked for on every core.
#[must_use]
pub fn unsigned(entries: &[Entry], log: &Log) -> Vec<u64> {
    let bad = |entry: &&Entry| {
        let key = |id: &Hash| log.keys.get(id).map(|known| &known.key.public);
        !is_governance(entry) && !entry.bad_signatures(key).is_empty()
    };
    let look = |part: &[Entry]| -> Vec<u64> { part.iter().filter(bad).map(|entry| entry.line.seq).collect() };
    if entries.len() < 64 {
        return look(entries);
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = entries.len().div_ceil(cores);
    std::thread::scope(|scope| {
        let parts: Vec<_> = entries.chunks(share).map(|part| scope.spawn(move || look(part))).collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_of_the_same_first_entries_and_of_no_others() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/format.json")).unwrap();
        let lines =
            vectors["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].as_str().unwrap());
        let mut entries: Vec<Entry> = lines.map(|line| Entry::parse(line.as_bytes()).unwrap()).collect();
        let deployment = Token::new("d-1").unwrap();
        let signed = Signed::of(Some(&deployment), &entries[..5]);
        assert_eq!(signed.covers(Some(&deployment), &entries), 5);
        assert_eq!(signed.covers(None, &entries), 0);
        assert_eq!(signed.covers(Some(&deployment), &entries[..4]), 0);
        assert_eq!(signed.covers(Some(&deployment), &entries[1..]), 0);
        entries.swap(3, 4);
        assert_eq!(signed.covers(Some(&deployment), &entries), 0);
    }
}
