//! A tree cut down to what leads from some entries to its root.

use crate::core::hash::Hash;
use crate::core::merkle::{Tree, heights};
use crate::core::verify::{Pruned, Run};

/// Keeps the leaves of `own`, in order, and of the entry before each of them, since they are chained to it, and the last;
/// of all others the fewest subtrees.
#[must_use]
pub fn prune(tree: &Tree, own: impl Iterator<Item = u64>) -> Pruned {
    let size = tree.size();
    let mut pruned =
        Pruned { leaves: vec![Hash::ZERO; usize::try_from(size).unwrap_or(0)], runs: Vec::new() };
    let mut next = 0;
    for seq in own.chain([size]).take_while(|seq| *seq <= size) {
        let last = seq.saturating_sub(1).max(next);
        if next < last {
            let mut at = next;
            let roots = heights(next, last).filter_map(|height| {
                let root = tree.node(height, at >> height);
                at += 1 << height;
                root
            });
            pruned.runs.push(Run { from: next, count: last - next, roots: roots.collect() });
        }
        for known in last..(seq + 1).min(size) {
            if let (Ok(at), Some(leaf)) = (usize::try_from(known), tree.node(0, known)) {
                pruned.leaves[at] = leaf;
            }
        }
        next = seq + 1;
    }
    pruned
}
