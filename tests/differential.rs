//! Tree, proofs and notes against the crates `tlog_tiles`, `ct-merkle` and `signed_note`, which others wrote from the
//! same papers.
#![allow(missing_docs)] // a test binary has no readers of its own

use aether_audit::core::checkpoint::{Checkpoint, Note, Vkey, open, sign_checkpoint};
use aether_audit::core::hash::Hash;
use aether_audit::core::keys::SecretKey;
use aether_audit::core::merkle::{Frontier, Tree, leaf_hash, verify_consistency, verify_inclusion};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use signed_note::{StandardVerifier, VerifierList};
use tlog_tiles::tlog;

const ORIGIN: &str = "example.com/audit/differential";

/// Their tree over `count` leaves, as they store it.
struct Theirs(Vec<tlog::Hash>);

impl tlog::HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn theirs(count: u64) -> Theirs {
    let mut tree = Theirs(Vec::new());
    for n in 0..count {
        let stored = tlog::stored_hashes(n, &n.to_be_bytes(), &tree).unwrap();
        tree.0.extend(stored);
    }
    tree
}

fn same(ours: &[Hash], theirs: &[tlog::Hash]) -> bool {
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| ours.0 == theirs.0)
}

fn joined(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.0).collect()
}

/// A proof changed in one of six ways, or in none.
fn altered(path: &[Hash], how: u8, at: usize) -> Vec<Hash> {
    let mut path = path.to_vec();
    let at = at % path.len().max(1);
    match how {
        1 if !path.is_empty() => path[at].0[at % 32] ^= 0x10,
        2 => path.truncate(at),
        3 => path.insert(at, Hash([0xab; 32])),
        4 => path.extend(path.first().copied()),
        5 => path.reverse(),
        6 => path.rotate_left(at),
        _ => {}
    }
    path
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// `ct-merkle` as the other side: what we prove it accepts, what it proves we accept, and on whatever stands
    /// between, of any size, both are of one mind.
    #[test]
    fn verdicts_agree(
        size in 1_u64..1500, at in any::<u64>(), before in any::<u64>(),
        claimed in 0_u64..4, how in 0_u8..7, place in any::<usize>(),
    ) {
        let (seq, old) = (at % size, 1 + before % size);
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut frontier = Frontier::new();
        for n in 0..size {
            theirs.push(n.to_be_bytes().to_vec());
            frontier.push(leaf_hash(&n.to_be_bytes()));
        }
        let ours = Tree::new(&leaves(size));
        let root = ours.root_at(size).unwrap();
        prop_assert_eq!((root, frontier.root()), (Hash((*theirs.root().as_bytes()).into()), root));

        let path = ours.inclusion(seq, size).unwrap();
        prop_assert_eq!(joined(&path), theirs.prove_inclusion(usize::try_from(seq).unwrap()).as_bytes().to_vec());
        let proof = ours.consistency(old, size).unwrap();
        prop_assert_eq!(joined(&proof), theirs.prove_consistency(usize::try_from(size - old).unwrap()).as_bytes().to_vec());

        // The proof altered, or the sizes that it is said to be of, or both, or neither.
        let size = size + claimed / 2;
        let (leaf, entry) = (leaf_hash(&seq.to_be_bytes()), seq.to_be_bytes().to_vec());
        let seq = seq + claimed % 2;
        let path = altered(&path, how, place);
        let theirs = RootHash::<Sha256>::new(root.0.into(), size);
        let good = theirs.verify_inclusion(&entry, seq, &InclusionProof::from_bytes(joined(&path))).is_ok();
        prop_assert_eq!(verify_inclusion(leaf, seq, size, &path, root), good, "{} of {}: {:?}", seq, size, path);
        prop_assert!(good || claimed > 0 || how > 0);

        let (old_root, proof) = (ours.root_at(old).unwrap(), altered(&proof, how, place));
        let old = old + claimed % 2;
        let their_old = RootHash::<Sha256>::new(old_root.0.into(), old);
        let their_proof = ConsistencyProof::try_from_bytes(joined(&proof)).unwrap();
        let good = theirs.verify_consistency(&their_old, &their_proof).is_ok();
        prop_assert_eq!(
            verify_consistency(old, old_root, size, root, &proof), good, "{} to {}: {:?}", old, size, proof
        );
        prop_assert!(good || claimed > 0 || how > 0);
    }

    #[test]
    fn roots_and_proofs_agree(size in 1_u64..700, at in any::<u64>(), before in any::<u64>(), flip in any::<u64>()) {
        let (seq, old) = (at % size, 1 + before % size);
        let (tree, other) = (Tree::new(&leaves(size)), theirs(size));
        let root = tree.root_at(size).unwrap();
        let their_root = tlog::tree_hash(size, &other).unwrap();
        prop_assert_eq!(root.0, their_root.0);

        let path = tree.inclusion(seq, size).unwrap();
        let their_path = tlog::prove_record(size, seq, &other).unwrap();
        prop_assert!(same(&path, &their_path));
        let leaf = leaf_hash(&seq.to_be_bytes());
        prop_assert!(tlog::check_record(&their_path, size, their_root, seq, tlog::Hash(leaf.0)).is_ok());

        let old_root = tree.root_at(old).unwrap();
        let proof = tree.consistency(old, size).unwrap();
        let their_proof = tlog::prove_tree(size, old, &other).unwrap();
        prop_assert!(same(&proof, &their_proof));
        prop_assert!(tlog::check_tree(&their_proof, size, their_root, old, tlog::Hash(old_root.0)).is_ok());

        // One bit anywhere: both say no.
        for (mut altered, inclusion) in [(path, true), (proof, false)] {
            if altered.is_empty() {
                continue;
            }
            let index = usize::try_from(flip % altered.len() as u64).unwrap();
            altered[index].0[usize::try_from(flip % 32).unwrap()] ^= 1;
            let theirs: Vec<tlog::Hash> = altered.iter().map(|hash| tlog::Hash(hash.0)).collect();
            if inclusion {
                prop_assert!(!verify_inclusion(leaf, seq, size, &altered, root));
                prop_assert!(tlog::check_record(&theirs, size, their_root, seq, tlog::Hash(leaf.0)).is_err());
            } else {
                prop_assert!(!verify_consistency(old, old_root, size, root, &altered));
                prop_assert!(tlog::check_tree(&theirs, size, their_root, old, tlog::Hash(old_root.0)).is_err());
            }
        }
    }

    #[test]
    fn notes_agree(seed in any::<[u8; 32]>(), size in any::<u64>(), root in any::<[u8; 32]>(), at in any::<prop::sample::Index>()) {
        let key = SecretKey::from_seed(&seed);
        let vkey = Vkey::new(ORIGIN, key.public()).unwrap();
        let stated = Checkpoint { origin: ORIGIN.into(), size, root: Hash(root) };
        let note = sign_checkpoint(&stated, &key).unwrap();
        let judge = |note: &[u8]| {
            let verifier = StandardVerifier::new(&vkey.to_string()).unwrap();
            let known = VerifierList::new(vec![Box::new(verifier)]);
            signed_note::Note::from_bytes(note).is_ok_and(|note| note.verify(&known).is_ok())
        };
        prop_assert!(judge(note.as_bytes()));
        let theirs = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        prop_assert_eq!(theirs.to_bytes(), Note::parse(&note).unwrap().to_string().into_bytes());

        let mut altered = note.clone().into_bytes();
        let at = at.index(altered.len());
        altered[at] ^= 1;
        let ours = String::from_utf8(altered.clone()).is_ok_and(|text| open(&text, std::slice::from_ref(&vkey)).is_ok());
        prop_assert!(!ours && !judge(&altered), "byte {}", at);
    }
}
