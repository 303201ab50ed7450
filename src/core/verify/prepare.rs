//! The part of the work that needs no order: parsing, hashing, signatures.

use std::collections::HashMap;
use std::sync::Arc;

use super::signer::{Begun, Signer};
use super::{Columns, Stored};
use crate::core::dsse;
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::keys::{Expected, verdicts};
use crate::core::merkle;
use crate::core::opening::refs_in;

/// The keys that the log has had so far, by id.
pub(super) type Keys = Arc<HashMap<Hash, Arc<Signer>>>;

/// What a signature turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Good,
    Bad,
    /// The key had not come up yet when the entry was prepared.
    Later,
}

impl Checked {
    pub fn of(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

/// A stored entry, taken apart.
pub(super) enum Prepared {
    Entry(Box<Ready>),
    /// Bytes that are no entry: their leaf, and why.
    Broken(Hash, String),
    /// Nothing could be read.
    Lost(String),
}

/// An entry with all that could be found out about it alone.
pub(super) struct Ready {
    pub entry: Entry,
    /// As it is stored, where that was asked for.
    pub bytes: Vec<u8>,
    /// One for each signer.
    pub signatures: Vec<Checked>,
    /// The commits of the openings that its body refers to.
    pub openings: Vec<Hash>,
    /// Which columns differ from the entry.
    pub columns: Vec<String>,
}

/// Takes a chunk of entries apart; their bytes stay where `keep` says so.
pub(super) fn prepare(items: Vec<Result<Stored, String>>, keys: &Keys, keep: bool) -> Vec<Prepared> {
    let mut open = Open { expected: Vec::with_capacity(items.len()), whose: Vec::with_capacity(items.len()) };
    let mut all: Vec<Prepared> = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| prepare_one(index, item, keys, keep, &mut open))
        .collect();
    for ((index, signer), good) in open.whose.into_iter().zip(verdicts(&open.expected)) {
        if let Some(Prepared::Entry(ready)) = all.get_mut(index) {
            ready.signatures[signer] = Checked::of(good);
        }
    }
    all
}

/// Signatures whose verdicts are still to be told, and whose they are: the entry's and the signer's index.
struct Open {
    expected: Vec<Expected>,
    whose: Vec<(usize, usize)>,
}

fn prepare_one(
    index: usize,
    item: Result<Stored, String>,
    keys: &Keys,
    keep: bool,
    open: &mut Open,
) -> Prepared {
    let stored = match item {
        Ok(stored) => stored,
        Err(why) => return Prepared::Lost(why),
    };
    let mut entry = match Entry::parse(&stored.bytes) {
        Ok(entry) => entry,
        Err(error) => return Prepared::Broken(merkle::leaf_hash(&stored.bytes), error.to_string()),
    };
    let signatures = check_signatures(index, &entry, keys, open);
    let openings = refs_in(entry.statement.predicate.body.get());
    let columns = stored.columns.map_or_else(Vec::new, |columns| differing(&columns, &entry));
    // What nobody looks at again is freed where it was made.
    entry.line.envelope.payload = String::new();
    entry.line.envelope.signatures = Vec::new();
    if !signatures.contains(&Checked::Later) {
        entry.payload = Vec::new();
        entry.signatures = Vec::new();
    }
    let bytes = if keep { stored.bytes } else { Vec::new() };
    Prepared::Entry(Box::new(Ready { entry, bytes, signatures, openings, columns }))
}

/// What is open counts as bad until its verdict is told.
fn check_signatures(index: usize, entry: &Entry, keys: &Keys, open: &mut Open) -> Vec<Checked> {
    let message = dsse::pae(&entry.payload);
    let signers = entry.statement.predicate.signers.iter().zip(&entry.signatures).enumerate();
    signers
        .map(|(signer, (by, signature))| match keys.get(&by.key).map(|key| key.begin(&message, signature)) {
            None => Checked::Later,
            Some(Begun::Told(good)) => Checked::of(good),
            Some(Begun::Open(expected)) => {
                open.expected.push(expected);
                open.whose.push((index, signer));
                Checked::Bad
            }
        })
        .collect()
}

fn differing(columns: &Columns, entry: &Entry) -> Vec<String> {
    let predicate = &entry.statement.predicate;
    let mut differ = Vec::new();
    let mut hold = |name: &str, column: String, own: String| {
        if column != own {
            differ.push(format!("{name} is {column}, the entry says {own}"));
        }
    };
    let word = |text: Option<&str>| text.map_or_else(|| "absent".to_owned(), |text| format!("{text:?}"));
    let number =
        |number: Option<u64>| number.map_or_else(|| "absent".to_owned(), |number| number.to_string());
    if columns.seq != entry.line.seq {
        hold("seq", columns.seq.to_string(), entry.line.seq.to_string());
    }
    if columns.leaf != entry.leaf.as_bytes() {
        hold("leaf", base16ct::lower::encode_string(&columns.leaf), entry.leaf.to_string());
    }
    let deployment = predicate.deployment.as_ref().map(crate::core::name::Token::as_str);
    if columns.deployment.as_deref() != deployment {
        hold("deployment", word(columns.deployment.as_deref()), word(deployment));
    }
    if columns.deployment_seq != entry.line.deployment_seq {
        hold("deployment_seq", number(columns.deployment_seq), number(entry.line.deployment_seq));
    }
    if columns.id != predicate.id.as_str() {
        hold("id", word(Some(&columns.id)), word(Some(predicate.id.as_str())));
    }
    if columns.kind != entry.statement.kind() {
        hold("kind", word(Some(&columns.kind)), word(Some(entry.statement.kind())));
    }
    differ
}
