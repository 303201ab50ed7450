//! The verifier: walks stored entries, trusts nobody, and lists every finding with its `seq`.
//!
//! It shares the format with the writer and nothing else. Entries come as a plain iterator; parsing,
//! hashing and signatures run on worker threads, the fold runs in order on the caller's.
//!
//! Long logs stay small in memory: leaves and ids are kept as short fingerprints under a random
//! key ([`std::hash::RandomState`]), so that nobody can prepare two entries that share one; older
//! ones go [`Aside`]. What anchors the log (chain, tree, signatures) is always compared in full.

mod anchor;
mod chain;
mod fold;
mod inclusion;
mod openings;
mod pipeline;
mod prepare;
mod report;
mod signer;
mod single;
mod stamped;
mod table;

use std::rc::Rc;

use super::archive::Archive;
use super::entry::Entry;
use super::hash::Hash;
use super::name::Token;
use super::timestamp::{StoredToken, TsaRoots};

pub use anchor::checkpoint_faults;
pub use inclusion::Inclusion;
pub use report::{Anchor, AnchorKind, AnchorState, DeploymentSummary, Finding, Report, Verdict};
pub use single::{Given, Single, single};

/// One stored entry as a store or an export gave it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The entry's bytes.
    pub bytes: Vec<u8>,
    /// The index columns beside it, where the store has such.
    pub columns: Option<Columns>,
}

/// The entries that a walk kept, in order.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The entries, without payloads and signatures.
    pub entries: Vec<Entry>,
    /// The bytes of each, as they are stored.
    pub stored: Vec<Vec<u8>>,
    /// Of a whole log, the leaf of every entry that could be read, kept or not.
    pub leaves: Vec<Hash>,
}

/// What a store says of an entry beside its bytes: held against the entry, never trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// `seq`.
    pub seq: u64,
    /// The leaf hash, 32 bytes.
    pub leaf: Vec<u8>,
    /// The deployment that the statement names.
    pub deployment: Option<String>,
    /// `deploymentSeq`.
    pub deployment_seq: Option<u64>,
    /// The statement's id.
    pub id: String,
    /// The statement's kind.
    pub kind: String,
}

/// What the caller holds from elsewhere, and what stands beside the entries.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// SHA-256 of the first roster, as handed to the auditor.
    pub first_roster: Option<Hash>,
    /// Checkpoints as signed notes, from the caller.
    pub checkpoints: Vec<String>,
    /// The checkpoint that stands beside the entries: checked, but it anchors nothing.
    pub own_checkpoint: Option<String>,
    /// Sizes and roots that a monitor saw before.
    pub seen: Vec<(u64, Hash)>,
    /// The time-stamp tokens that stand beside the entries.
    pub tokens: Vec<StoredToken>,
    /// Time-stamp tokens over those checkpoints, from the caller.
    pub stamps: Vec<Vec<u8>>,
    /// Whom the caller trusts to stamp: with any of them, every token must hold, and there must be one.
    pub tsa_roots: TsaRoots,
    /// What the archive came to that the caller named.
    pub archive: Option<Archive>,
}

/// Where openings are kept.
pub trait Openings {
    /// Salt ‖ bytes of an opening; `None` where it is not there.
    ///
    /// # Errors
    /// Why it could not be read.
    fn get(&mut self, commit: &Hash) -> Result<Option<Vec<u8>>, String>;

    /// Gives the commit of every opening that is there, one by one, in any order.
    ///
    /// # Errors
    /// Why they could not be listed.
    fn each(&mut self, found: &mut dyn FnMut(Hash)) -> Result<(), String>;
}

/// Room outside of memory for what a long walk remembers: fingerprints that mean nothing after it.
pub trait Aside {
    /// Takes bytes, and tells where they begin.
    ///
    /// # Errors
    /// Why there is no room: they stay in memory then.
    fn put(&self, bytes: &[u8]) -> Result<u64, String>;

    /// Fills `into` with what was put there.
    ///
    /// # Errors
    /// Why it cannot be read back, which is a finding: nobody could say then that the log is sound.
    fn get(&self, at: u64, into: &mut [u8]) -> Result<(), String>;
}

/// No openings at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOpenings;

impl Openings for NoOpenings {
    fn get(&mut self, _: &Hash) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    fn each(&mut self, _: &mut dyn FnMut(Hash)) -> Result<(), String> {
        Ok(())
    }
}

/// How much of the log the entries are.
#[derive(Clone, Debug)]
pub enum Scope {
    /// All of it.
    Log,
    /// A deployment's export: its own entries and all governance entries.
    Deployment {
        /// The leaf of every entry of the log, in `seq` order.
        leaves: Vec<Hash>,
    },
    /// The same with a tree that was cut down to what leads from these entries to its root.
    Pruned(Pruned),
}

/// A log of which only some leaves are known, and for the others the roots of complete subtrees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The leaf of every entry; [`Hash::ZERO`] stands for those that are not known.
    pub leaves: Vec<Hash>,
    /// From where on leaves are not known, and the subtrees that stand for them, as [`heights`](super::merkle::heights) has them.
    pub runs: Vec<Run>,
}

/// Entries of which only subtrees are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first of them.
    pub from: u64,
    /// How many.
    pub count: u64,
    /// The roots of the subtrees.
    pub roots: Vec<Hash>,
}

/// Checks everything and stops at nothing. `progress` is told the number of entries checked so far.
///
/// An entry that cannot be read is a finding; after 16 of them in a row from the source (not for their
/// contents) the rest is given up, which is a finding too.
pub fn verify(
    entries: impl Iterator<Item = Result<Stored, String>>,
    scope: Scope,
    openings: &mut dyn Openings,
    anchors: &Anchors,
    progress: &mut dyn FnMut(u64),
) -> Report {
    let mut fold = fold::Fold::new(scope, openings, anchors, None);
    pipeline::run(entries, &mut fold, progress);
    fold.finish(anchors)
}

/// [`verify`], and the facts of every deployment in [`Log::facts`](super::log::Log::facts). Of a long log, most of
/// what the walk remembers goes `aside`.
pub fn verify_and_sum(
    entries: impl Iterator<Item = Result<Stored, String>>,
    scope: Scope,
    openings: &mut dyn Openings,
    anchors: &Anchors,
    aside: Rc<dyn Aside>,
    progress: &mut dyn FnMut(u64),
) -> Report {
    let mut fold = fold::Fold::new(scope, openings, anchors, Some(aside));
    fold.keep_facts();
    pipeline::run(entries, &mut fold, progress);
    fold.finish(anchors)
}

/// [`verify`], and what the walk read of a deployment: all of its state in [`Report::log`], and its entries with
/// those of governance, in order.
pub fn verify_and_keep(
    entries: impl Iterator<Item = Result<Stored, String>>,
    scope: Scope,
    openings: &mut dyn Openings,
    anchors: &Anchors,
    deployment: &Token,
) -> (Report, Kept) {
    let mut fold = fold::Fold::new(scope, openings, anchors, None);
    fold.keep(deployment);
    pipeline::run(entries, &mut fold, &mut |_| {});
    let kept = fold.kept();
    (fold.finish(anchors), kept)
}
