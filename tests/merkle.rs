//! The Merkle tree against the outside vectors, and against itself on random and hostile input.

use aether_audit::core::hash::Hash;
use aether_audit::core::merkle::{
    Frontier, Tree, empty_root, heights, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};
use aether_audit::report::carried::prune;
use proptest::prelude::*;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/format.json")).unwrap()
}

fn hash(value: &Value) -> Hash {
    Hash::parse(value.as_str().unwrap()).unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// RFC 6962 §2.1, word for word.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root_by_definition(left), &root_by_definition(right))
        }
    }
}

#[test]
fn every_outside_vector_agrees() {
    let vectors = vectors();
    let leaves: Vec<Hash> = vectors["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let leaf = leaf_hash(entry["entry"].as_str().unwrap().as_bytes());
            assert_eq!(leaf, hash(&entry["leaf"]));
            leaf
        })
        .collect();
    let (tree, roots) = (Tree::new(&leaves), hashes(&vectors["tree"]["roots"]));
    assert_eq!(roots.len(), leaves.len() + 1);
    let mut frontier = Frontier::new();
    for (size, root) in roots.iter().enumerate() {
        assert_eq!((frontier.size(), frontier.root()), (size as u64, *root));
        assert_eq!(tree.root_at(size as u64), Some(*root));
        frontier.extend(leaves.get(size).copied());
    }
    let root = |size: u64| roots[usize::try_from(size).unwrap()];
    let inclusion = vectors["tree"]["inclusion"].as_array().unwrap();
    assert_eq!(inclusion.len(), 55);
    for proof in inclusion {
        let (seq, size) = (proof["seq"].as_u64().unwrap(), proof["size"].as_u64().unwrap());
        let path = hashes(&proof["path"]);
        assert_eq!(tree.inclusion(seq, size).as_ref(), Some(&path), "{seq} in {size}");
        let leaf = leaves[usize::try_from(seq).unwrap()];
        assert!(verify_inclusion(leaf, seq, size, &path, root(size)), "{seq} in {size}");
    }
    let consistency = vectors["tree"]["consistency"].as_array().unwrap();
    assert_eq!(consistency.len(), 55);
    for proof in consistency {
        let (old, size) = (proof["old"].as_u64().unwrap(), proof["size"].as_u64().unwrap());
        let path = hashes(&proof["path"]);
        assert_eq!(tree.consistency(old, size).as_ref(), Some(&path), "{old} to {size}");
        assert!(verify_consistency(old, root(old), size, root(size), &path), "{old} to {size}");
    }
}

#[test]
fn every_small_tree_proves_itself_and_nothing_else() {
    let leaves = leaves(40);
    let tree = Tree::new(&leaves);
    let roots: Vec<Hash> = (0..=40).map(|size| tree.root_at(size).unwrap()).collect();
    for (size, root) in (0..=40u64).zip(&roots) {
        assert_eq!(*root, root_by_definition(&leaves[..usize::try_from(size).unwrap()]));
        for (seq, leaf) in (0..size).zip(&leaves) {
            let path = tree.inclusion(seq, size).unwrap();
            assert!(verify_inclusion(*leaf, seq, size, &path, *root));
            for deeper in [size.next_power_of_two() + 1, u64::MAX] {
                assert!(!verify_inclusion(*leaf, seq, deeper, &path, *root), "{seq} in {deeper}");
            }
            let shallower = size.next_power_of_two() / 2;
            assert!(seq >= shallower || !verify_inclusion(*leaf, seq, shallower, &path, *root));
            for (other, wrong) in (0..40).zip(&leaves) {
                let is_it = other == seq;
                assert_eq!(verify_inclusion(*wrong, seq, size, &path, *root), is_it);
                assert!(is_it || !verify_inclusion(*leaf, other, size, &path, *root));
            }
        }
        for (old, old_root) in (0..=size).zip(&roots) {
            let path = tree.consistency(old, size).unwrap();
            assert!(verify_consistency(old, *old_root, size, *root, &path), "{old} to {size}");
            for deeper in [size.next_power_of_two() + 1, u64::MAX] {
                let proven = verify_consistency(old, *old_root, deeper, *root, &path);
                assert_eq!(proven, old == 0, "{old} to {size}, said to be {deeper}");
            }
            for (other, wrong) in (0..=40).zip(&roots) {
                let same = other == old;
                assert_eq!(verify_consistency(old, *wrong, size, *root, &path), same, "{old} {other} {size}");
            }
        }
    }
}

#[test]
fn proofs_beyond_the_tree_do_not_exist() {
    let tree = Tree::new(&leaves(5));
    assert_eq!(tree.size(), 5);
    for (seq, size) in [(5, 5), (0, 6), (0, 0), (u64::MAX, 5), (0, u64::MAX), (u64::MAX, u64::MAX)] {
        assert_eq!(tree.inclusion(seq, size), None);
    }
    for (old, size) in [(6, 5), (0, 6), (u64::MAX, u64::MAX), (1, u64::MAX)] {
        assert_eq!(tree.consistency(old, size), None);
    }
    assert_eq!((tree.root_at(6), tree.root_at(u64::MAX)), (None, None));
    let empty = Tree::new(&[]);
    assert_eq!((empty.size(), empty.root_at(0), empty.inclusion(0, 0)), (0, Some(empty_root()), None));
    assert_eq!(Tree::default().root_at(0), Some(empty_root()));
    assert_eq!(empty.consistency(0, 0), Some(vec![]));
}

#[test]
fn two_empty_trees_with_a_root_that_is_not_empty_are_no_proof() {
    assert!(verify_consistency(0, empty_root(), 0, empty_root(), &[]));
    assert!(!verify_consistency(0, Hash::ZERO, 0, Hash::ZERO, &[]));
    assert!(!verify_consistency(0, empty_root(), 3, Hash::ZERO, &[Hash::ZERO]));
}

/// Sizes where hostile input would sit: small ones, powers of two and their neighbours, the largest.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..20u64,
        any::<u64>(),
        (0..64u32, -1..=1i64).prop_map(|(bit, by)| (1u64 << bit).wrapping_add_signed(by)),
        Just(u64::MAX)
    ]
}

fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

proptest! {
    #[test]
    fn hostile_proofs_are_refused_without_a_panic(
        seq in number(),
        size in number(),
        path in prop::collection::vec(any_hash(), 0..140),
        leaf in any_hash(),
        root in any_hash(),
    ) {
        prop_assert!(!verify_inclusion(leaf, seq, size, &path, root));
        prop_assert!(!verify_consistency(seq, leaf, size, root, &path));
    }

    #[test]
    fn a_changed_proof_proves_nothing(
        count in 1..600u64,
        pick in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        bit in 0..256usize,
        drop in any::<bool>(),
    ) {
        let leaves = leaves(count);
        let tree = Tree::new(&leaves);
        let root = tree.root_at(count).unwrap();
        prop_assert_eq!(root, root_by_definition(&leaves));
        let mut frontier = Frontier::new();
        frontier.extend(leaves.iter().copied());
        prop_assert_eq!(root, frontier.root());
        let at = pick.index(leaves.len());
        let seq = at as u64;
        let path = tree.inclusion(seq, count).unwrap();
        prop_assert!(verify_inclusion(leaves[at], seq, count, &path, root));
        let longer = [path.as_slice(), &[root]].concat();
        prop_assert!(!verify_inclusion(leaves[at], seq, count, &longer, root));
        let old = seq + 1;
        let old_root = tree.root_at(old).unwrap();
        let links = tree.consistency(old, count).unwrap();
        prop_assert!(verify_consistency(old, old_root, count, root, &links));
        let longer = [links.as_slice(), &[root]].concat();
        prop_assert!(!verify_consistency(old, old_root, count, root, &longer));
        let damage = |path: &[Hash]| {
            let mut path = path.to_vec();
            let place = place.index(path.len());
            if drop {
                path.remove(place);
            } else {
                path[place].0[bit / 8] ^= 1 << (bit % 8);
            }
            path
        };
        if !path.is_empty() {
            prop_assert!(!verify_inclusion(leaves[at], seq, count, &damage(&path), root));
        }
        if !links.is_empty() {
            prop_assert!(!verify_consistency(old, old_root, count, root, &damage(&links)));
        }
    }
}

#[test]
fn a_pruned_tree_has_the_same_root() {
    for size in 1..=70_u64 {
        let leaves = leaves(size);
        let tree = Tree::new(&leaves);
        for step in [1, 2, 3, 7, 16, 69] {
            let own: Vec<u64> = (0..size).step_by(step).collect();
            let pruned = prune(&tree, own.iter().copied());
            let (mut frontier, mut at) = (Frontier::new(), 0);
            for run in &pruned.runs {
                frontier.extend(pruned.leaves[at..usize::try_from(run.from).unwrap()].iter().copied());
                let to = run.from + run.count;
                assert_eq!(heights(run.from, to).count(), run.roots.len());
                for (height, root) in heights(run.from, to).zip(&run.roots) {
                    frontier.push_subtree(height, *root).expect("it begins where it may");
                }
                at = usize::try_from(to).unwrap();
            }
            frontier.extend(pruned.leaves[at..].iter().copied());
            assert_eq!((frontier.size(), Some(frontier.root())), (size, tree.root_at(size)), "{size}/{step}");
            for seq in own.into_iter().map(|seq| usize::try_from(seq).unwrap()) {
                assert_eq!(pruned.leaves[seq], leaves[seq]);
                assert!(seq == 0 || pruned.leaves[seq - 1] == leaves[seq - 1]);
            }
            assert_eq!(pruned.leaves.last(), leaves.last());
        }
    }
}

#[test]
fn a_subtree_begins_at_a_multiple_of_its_size() {
    let mut frontier = Frontier::new();
    frontier.push(leaf_hash(b"one"));
    assert_eq!(frontier.push_subtree(1, leaf_hash(b"two")), None);
    assert_eq!(frontier.push_subtree(64, leaf_hash(b"all")), None);
    assert_eq!(frontier.size(), 1);
}
