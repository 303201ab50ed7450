//! The inclusion proofs that stand beside the entries of an export: each must lead from its entry to the root that a
//! good checkpoint of this log states.

use super::Finding;
use crate::core::checkpoint::{self, Checkpoint, Vkey};
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::merkle::{Tree, verify_inclusion};
use crate::core::proof::TlogProof;

/// Holds proofs against the leaves of a log, one after the other.
pub struct Inclusion<'a> {
    origin: &'a str,
    trusted: Vec<Vkey>,
    leaves: &'a [Hash],
    tree: Tree,
    /// The checkpoint of the last proof: most proofs of an export lead to the same one.
    last: Option<(String, Result<Checkpoint, String>)>,
}

impl<'a> Inclusion<'a> {
    /// For the log as the verifier read it, with the leaf of each of its entries.
    #[must_use]
    pub fn new(log: &'a Log, leaves: &'a [Hash]) -> Self {
        let texts = log.rosters.iter().flat_map(|version| &version.roster.log_keys);
        let trusted = texts.filter_map(|text| Vkey::parse(text).ok()).collect();
        Self { origin: &log.origin, trusted, leaves, tree: Tree::new(leaves), last: None }
    }

    /// What is wrong with the proof that stands beside entry `seq`.
    #[must_use]
    pub fn check(&mut self, seq: u64, text: &str) -> Option<Finding> {
        self.judge(seq, text).err().map(|text| Finding { seq: Some(seq), code: "proof", text })
    }

    fn judge(&mut self, seq: u64, text: &str) -> Result<(), String> {
        let proof = TlogProof::parse(text).map_err(|error| format!("its proof: {error}"))?;
        if proof.index != seq {
            return Err(format!("its proof is of entry {}", proof.index));
        }
        let leaf = usize::try_from(seq).ok().and_then(|seq| self.leaves.get(seq));
        let leaf = leaf.ok_or("a proof stands beside it, and the log has no such entry")?;
        let stated = self.checkpoint(proof.checkpoint)?;
        if verify_inclusion(*leaf, seq, stated.size, &proof.path, stated.root) {
            Ok(())
        } else {
            Err("its proof does not lead from it to the root of the proof's checkpoint".into())
        }
    }

    /// What the note states, if a log key signed it and the first entries have that root.
    fn checkpoint(&mut self, note: String) -> Result<Checkpoint, String> {
        if let Some((last, judged)) = &self.last
            && *last == note
        {
            return judged.clone();
        }
        let judged = self.open(&note);
        self.last = Some((note, judged.clone()));
        judged
    }

    fn open(&self, note: &str) -> Result<Checkpoint, String> {
        let wrong = |why: String| format!("the checkpoint of its proof: {why}");
        let stated =
            checkpoint::open(note, &self.trusted).map_err(|error| wrong(error.to_string()))?.checkpoint;
        if stated.origin != self.origin {
            return Err(wrong(format!("it is of the log {}", stated.origin)));
        }
        match self.tree.root_at(stated.size) {
            Some(root) if root == stated.root => Ok(stated),
            Some(_) => {
                Err(wrong(format!("the first {} entries do not have the root that it states", stated.size)))
            }
            None => {
                Err(wrong(format!("it covers {} entries, and here are {}", stated.size, self.leaves.len())))
            }
        }
    }
}
