//! Trees, notes, cosignatures, proofs and Ed25519 against published vectors (tests/vectors/README.md says whose).
#![allow(missing_docs)] // a test binary has no readers of its own

use aether_audit::core::checkpoint::{
    Checkpoint, CosignerKey, Note, NoteError, NoteSignature, Vkey, VkeyError, cosigned, open,
};
use aether_audit::core::hash::Hash;
use aether_audit::core::keys::{FastVerifier, PublicKey, SecretKey};
use aether_audit::core::merkle::{Tree, leaf_hash, verify_consistency, verify_inclusion};
use aether_audit::core::proof::TlogProof;
use aether_audit::core::witness::{AddCheckpoint, Policy};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use serde_json::Value;
use sha2::{Digest as _, Sha512};

fn vectors(group: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("vectors/transparency.json")).unwrap();
    all[group].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    base16ct::lower::decode_vec(text(value)).unwrap().try_into().unwrap()
}

fn hash(value: &Value) -> Hash {
    Hash(bytes(value))
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

#[test]
fn the_trees_of_certificate_transparency() {
    let vectors = vectors("rfc6962");
    let leaves: Vec<Hash> = vectors["leaves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leaf| leaf_hash(&base16ct::lower::decode_vec(text(leaf)).unwrap()))
        .collect();
    let (tree, roots) = (Tree::new(&leaves), hashes(&vectors["roots"]));
    assert_eq!((leaves.len(), roots.len()), (8, 9));
    let root = |size: u64| roots[usize::try_from(size).unwrap()];
    for size in 0..=8 {
        assert_eq!(tree.root_at(size), Some(root(size)), "{size}");
    }
    for proof in vectors["inclusion"].as_array().unwrap() {
        let (seq, size, path) =
            (proof["seq"].as_u64().unwrap(), proof["size"].as_u64().unwrap(), hashes(&proof["path"]));
        assert_eq!(tree.inclusion(seq, size).as_ref(), Some(&path), "{seq} in {size}");
        let leaf = leaves[usize::try_from(seq).unwrap()];
        assert!(verify_inclusion(leaf, seq, size, &path, root(size)));
        let elsewhere =
            [(seq.wrapping_sub(1), size), (seq + 1, size), (seq ^ 2, size), (seq, size * 2), (seq, size / 2)];
        for (other_seq, other_size) in elsewhere {
            assert!(
                !verify_inclusion(leaf, other_seq, other_size, &path, root(size)),
                "{seq} in {size} as {other_seq} in {other_size}"
            );
        }
        for wrong in wrong(&path, root(size)) {
            assert!(!verify_inclusion(leaf, seq, size, &wrong, root(size)), "{seq} in {size}: {wrong:?}");
        }
    }
    for proof in vectors["consistency"].as_array().unwrap() {
        let (old, size, path) =
            (proof["old"].as_u64().unwrap(), proof["size"].as_u64().unwrap(), hashes(&proof["path"]));
        assert_eq!(tree.consistency(old, size).as_ref(), Some(&path), "{old} to {size}");
        assert!(verify_consistency(old, root(old), size, root(size), &path));
        assert!(old == size || !verify_consistency(old, root(size), size, root(old), &path));
        for wrong in wrong(&path, root(size)) {
            assert!(
                !verify_consistency(old, root(old), size, root(size), &wrong),
                "{old} to {size}: {wrong:?}"
            );
        }
    }
}

/// The path altered in the ways of the reference implementation's tests: garbage before and after, a bit, a part less.
fn wrong(path: &[Hash], root: Hash) -> Vec<Vec<Hash>> {
    let mut all = vec![[path, &[root]].concat(), [&[root], path].concat()];
    for at in 0..path.len() {
        let mut altered = path.to_vec();
        altered[at].0[0] ^= 8;
        all.push(altered);
    }
    if let Some((_, less)) = path.split_last() {
        all.push(less.to_vec());
    }
    all
}

#[test]
fn the_notes_of_the_go_checksum_database() {
    let vectors = vectors("signedNote");
    let words = text(&vectors["text"]);
    let keys = vectors["keys"].as_array().unwrap();
    let [peter, enoch] = [&keys[0], &keys[1]].map(|key| Vkey::parse(text(&key["vkey"])).unwrap());
    let [signed, other] = [&keys[0], &keys[1]].map(|key| text(&key["line"]));

    let skey = text(&keys[0]["skey"]).splitn(5, '+').nth(4).unwrap();
    let seed: [u8; 32] = STANDARD.decode(skey).unwrap()[1..].try_into().unwrap();
    let note = format!("{words}\n{signed}");
    let made = Note::sign(words.to_owned(), "PeterNeumann", &SecretKey::from_seed(&seed)).unwrap();
    assert_eq!(made.to_string(), note);

    let verified = |note: &str, trusted: &[Vkey]| -> Result<usize, NoteError> {
        Ok(Note::parse(note)?.verify(trusted)?.len())
    };
    let both = format!("{note}{other}");
    assert_eq!(verified(&both, std::slice::from_ref(&peter)), Ok(1));
    assert_eq!(verified(&both, &[peter.clone(), enoch.clone()]), Ok(2));
    assert_eq!(verified(&both, &[]), Err(NoteError::NoKnownKey));
    let damaged = format!("{words}\n{}ABCD{}", &signed[..60], &signed[60..]);
    assert_eq!(
        verified(&damaged, std::slice::from_ref(&peter)),
        Err(NoteError::Invalid { name: "PeterNeumann".into() })
    );
    let repeated = format!("{note}{signed}{other}{other}{}ABCD{}", &other[..60], &other[60..]);
    assert_eq!(verified(&repeated, std::slice::from_ref(&peter)), Ok(1));
    for bad in [
        words.to_owned(),
        format!("{words}\n"),
        note[..note.len() - 1].to_owned(),
        format!("\u{1}{note}"),
        format!("{words}\n{}", signed.replacen("PeterNeumann", "Bad Name", 1)),
        format!("{note}Unexpected line.\n"),
        format!("{words}\n{}", signed.repeat(101)),
    ] {
        assert!(Note::parse(&bad).is_err(), "{bad:?}");
    }
    for bad in vectors["badKeys"].as_array().unwrap() {
        assert!(Vkey::parse(text(bad)).is_err(), "{bad}");
    }
    assert!(matches!(Vkey::parse(text(&vectors["badKeys"][1])), Err(VkeyError::Type(0x65))));
    let vkey = text(&keys[0]["vkey"]);
    for from in 0..vkey.len() {
        for to in from + 1..=vkey.len() {
            assert!((from, to) == (0, vkey.len()) || Vkey::parse(&vkey[from..to]).is_err(), "{from}..{to}");
        }
    }
}

#[test]
fn the_examples_of_c2sp() {
    let vectors = vectors("c2sp");
    for name in ["note", "checkpoint", "cosigned"] {
        let note = text(&vectors[name]);
        assert_eq!(Note::parse(note).unwrap().to_string(), note, "{name}");
    }
    assert!(Note::parse(text(&vectors["note"])).unwrap().text().contains("sole:\n\ned è subito"));
    let note = Note::parse(text(&vectors["cosigned"])).unwrap();
    let stated = Checkpoint::parse(note.text()).unwrap();
    assert_eq!((stated.origin.as_str(), stated.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(note.text(), stated.to_text().unwrap());
    let [log, witness] = note.signatures() else { panic!() };
    assert_eq!((log.signature.len(), witness.signature.len()), (64, 8 + 64));
    assert_eq!(witness.signature[..8], vectors["cosignedAt"].as_u64().unwrap().to_be_bytes());

    let request = AddCheckpoint::parse(text(&vectors["request"])).unwrap();
    assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
    assert_eq!(request.to_body(), text(&vectors["request"]));
    assert_eq!(Note::parse(&request.checkpoint).unwrap().text(), note.text());
    let lines = Note::parse_signatures(text(&vectors["answer"])).unwrap();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.signature.len() == 8 + 64));

    let proof = TlogProof::parse(text(&vectors["proof"])).unwrap();
    assert_eq!((proof.index, proof.path.len()), (73_894, 5));
    assert!(proof.checkpoint.starts_with("example.com/fancylog\n109482\n"));
    let without_extra =
        text(&vectors["proof"]).split_inclusive('\n').filter(|line| !line.starts_with("extra "));
    assert_eq!(proof.to_string(), without_extra.collect::<String>());
}

/// The two-level example of tlog-policy.md, with keys in the place of its `<vkey>`.
#[test]
fn the_quorum_of_the_c2sp_policy_example() {
    let mut seed = 0;
    let mut lines = String::new();
    for line in "log\nwitness X1\nwitness X2\nwitness X3\ngroup X-witnesses 2 X1 X2 X3\nwitness Y1\nwitness Y2\nwitness Y3\n\
                 group Y-witnesses any Y1 Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y"
        .lines()
    {
        seed += 1;
        let key = SecretKey::from_seed(&[seed; 32]).public();
        lines += &match line.split(' ').next() {
            Some("log") => format!("{line} {}\n", Vkey::new("example.com/log", key).unwrap()),
            Some("witness") => format!("\t{line}  {}\n", CosignerKey::new("example.com/w", key).unwrap()),
            _ => format!("{line}\n\n"),
        };
    }
    let policy = Policy::parse(&lines).unwrap();
    for (saw, enough) in [
        (&["X1", "X2", "Y1"][..], true),
        (&["X1", "X3", "Y3"], true),
        (&["X1", "X2", "X3"], false),
        (&["X1", "Y1", "Y2", "Y3"], false),
        (&[], false),
    ] {
        assert_eq!(policy.satisfied(&saw.iter().copied().collect()), enough, "{saw:?}");
    }
}

/// A checkpoint of a public log, with a cosignature of a witness, and the proof of one leaf: all in the C2SP forms.
#[test]
fn a_sigsum_proof() {
    let vectors = vectors("sigsum");
    let log_key = PublicKey::from_bytes(&bytes(&vectors["logKey"])).unwrap();
    let witness_key = PublicKey::from_bytes(&bytes(&vectors["witnessKey"])).unwrap();
    let origin = format!("sigsum.org/v1/tree/{}", Hash::of(&[log_key.as_bytes()]));
    let stated = Checkpoint {
        origin: origin.clone(),
        size: vectors["size"].as_u64().unwrap(),
        root: hash(&vectors["root"]),
    };
    let vkey = Vkey::new(&origin, log_key).unwrap();
    let witness = CosignerKey::new("witness.example/w1", witness_key).unwrap();
    let line = |name: &str, key_id: [u8; 4], signature: Vec<u8>| NoteSignature {
        name: name.into(),
        key_id,
        signature,
    };
    let time = vectors["cosignedAt"].as_u64().unwrap();
    let signed = line(&origin, vkey.id(), bytes::<64>(&vectors["signature"]).to_vec());
    let cosignature = [time.to_be_bytes().as_slice(), &bytes::<64>(&vectors["cosignature"])].concat();
    let cosignature = line(witness.name(), witness.id(), cosignature);
    let checkpoint = format!("{}\n{signed}\n{cosignature}\n", stated.to_text().unwrap());

    let message = Hash::of(&[text(&vectors["message"]).as_bytes()]);
    let signer = Hash::of(&[&bytes::<32>(&vectors["signer"])]);
    let leaf = leaf_hash(
        &[
            Hash::of(&[message.as_bytes()]).as_bytes().as_slice(),
            &bytes::<64>(&vectors["leafSignature"]),
            signer.as_bytes(),
        ]
        .concat(),
    );
    let proof =
        TlogProof { index: vectors["index"].as_u64().unwrap(), path: hashes(&vectors["path"]), checkpoint };
    let read = TlogProof::parse(&proof.to_string()).unwrap();
    assert_eq!(read, proof);
    let verified = open(&read.checkpoint, std::slice::from_ref(&vkey)).unwrap();
    assert_eq!(verified.checkpoint, stated);
    assert!(verify_inclusion(leaf, read.index, stated.size, &read.path, stated.root));
    assert!(!verify_inclusion(leaf, read.index - 1, stated.size, &read.path, stated.root));
    let note = Note::parse(&read.checkpoint).unwrap();
    assert_eq!(cosigned(&note, &witness), Some(Ok(time)));
    let policy = Policy::parse(&format!("log {vkey}\nwitness poc {witness}\nquorum poc\n")).unwrap();
    assert_eq!(policy.witnesses[0].key, witness);
    for (from, to) in [("\n8858\n", "\n8857\n"), ("uMCh", "uMCi")] {
        assert!(open(&read.checkpoint.replacen(from, to, 1), std::slice::from_ref(&vkey)).is_err(), "{to}");
        let altered = Note::parse(&read.checkpoint.replacen(from, to, 1)).unwrap();
        assert_eq!(cosigned(&altered, &witness), Some(Err(())), "{to}");
    }
}

#[test]
fn an_entry_of_a_tessera_log() {
    let vectors = vectors("tessera");
    let decode = |value: &Value| Hash(STANDARD.decode(text(value)).unwrap().try_into().unwrap());
    let path: Vec<Hash> = vectors["path"].as_array().unwrap().iter().map(decode).collect();
    let (index, size) = (vectors["index"].as_u64().unwrap(), vectors["size"].as_u64().unwrap());
    let entry = text(&vectors["entry"]).as_bytes();
    let root = decode(&vectors["root"]);
    assert!(verify_inclusion(leaf_hash(entry), index, size, &path, root));
    assert!(!verify_inclusion(leaf_hash(b"hello tesseroak"), index, size, &path, root));
}

/// Whether both verifiers refuse, by the key or by the signature; they must be of one mind.
fn refused(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(key) = PublicKey::from_bytes(key) else { return true };
    let strict = key.verify(message, signature);
    assert_eq!(FastVerifier::new(&key).verify(message, signature), strict);
    !strict
}

/// [8]([s]B − R − [k]A) = 0, and without the 8.
fn equations(key: &[u8; 32], signature: &[u8; 64], k: Scalar) -> (bool, bool) {
    let point = |bytes: &[u8]| CompressedEdwardsY::from_slice(bytes).unwrap().decompress().unwrap();
    let s = Scalar::from_canonical_bytes(signature[32..].try_into().unwrap()).unwrap();
    let rest = ED25519_BASEPOINT_TABLE * &s - point(&signature[..32]) - k * point(key);
    (rest.mul_by_cofactor().is_identity(), rest.is_identity())
}

fn canonical(bytes: &[u8]) -> [u8; 32] {
    CompressedEdwardsY::from_slice(bytes).unwrap().decompress().unwrap().compress().to_bytes()
}

fn challenge(r: &[u8], key: &[u8], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

#[test]
fn the_first_edge_cases_of_cctv_as_published() {
    let vectors = vectors("cctv");
    let all = vectors["vectors"].as_array().unwrap();
    assert_eq!(all.len(), 26);
    for vector in all {
        let (key, signature) = (bytes::<32>(&vector["key"]), bytes::<64>(&vector["sig"]));
        let message = text(&vector["msg"]).as_bytes();
        assert!(refused(&key, message, &signature), "{vector}");
        let k = challenge(&signature[..32], &key, message);
        let (cofactored, plain) = equations(&key, &signature, k);
        // Two of them hold only where k is computed over the canonical encoding of R.
        let reencoded = challenge(&canonical(&signature[..32]), &canonical(&key), message);
        assert!(cofactored || equations(&key, &signature, reencoded).0, "{vector}");
        assert!(!cofactored || vector["residue"] == true || plain, "{vector}");
    }
}

/// The 14 encodings of the points of low order: eight canonical ones, six others (y ≥ p, or x = −0).
fn low_order() -> Vec<[u8; 32]> {
    let mut all: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    let p_and = |more: u8, sign: u8| {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (0xed + more, 0x7f | sign);
        bytes
    };
    let mut minus_zero = [0; 32];
    (minus_zero[0], minus_zero[31]) = (1, 0x80);
    let mut minus_one = p_and(0, 0x80);
    minus_one[0] = 0xec;
    all.extend([p_and(0, 0), p_and(0, 0x80), p_and(1, 0), p_and(1, 0x80), minus_zero, minus_one]);
    all
}

/// The set as CCTV's README describes it: every A and R of low order, in every encoding, or with a part of low order;
/// signatures that hold with the cofactor; residue or none; k over the bytes given or over canonical ones.
#[test]
fn every_edge_case_by_the_rule_of_cctv() {
    let low = low_order();
    assert_eq!(low.iter().collect::<std::collections::BTreeSet<_>>().len(), 14);
    let (a, r) = (Scalar::from(0x1234_5678_9abc_u64), Scalar::from(0xcba9_8765_4321_u64));
    let mixed = |secret: Scalar| -> Vec<(Scalar, [u8; 32])> {
        let own: EdwardsPoint = ED25519_BASEPOINT_TABLE * &secret;
        let of_low = low.iter().map(|bytes| (Scalar::ZERO, *bytes));
        let with_low = EIGHT_TORSION.iter().map(|low| (secret, (own + low).compress().to_bytes()));
        of_low.chain(with_low).collect()
    };
    let (mut seen, mut residues, mut honest) = (0, 0, 0);
    for (a, key) in mixed(a) {
        for (r, nonce) in mixed(r) {
            for number in 0..8 {
                let message = format!("ed25519vectors {number}");
                for reencoded in [false, true] {
                    let k = if reencoded {
                        challenge(&canonical(&nonce), &canonical(&key), message.as_bytes())
                    } else {
                        challenge(&nonce, &key, message.as_bytes())
                    };
                    let signature: [u8; 64] = [nonce, (r + k * a).to_bytes()].concat().try_into().unwrap();
                    let (cofactored, plain) = equations(&key, &signature, k);
                    assert!(cofactored, "the vector is of the set");
                    // Of prime order both: an ordinary signature.
                    let prime =
                        |bytes: &[u8; 32]| CompressedEdwardsY(*bytes).decompress().unwrap().is_torsion_free();
                    let ordinary = prime(&key) && prime(&nonce) && a != Scalar::ZERO && r != Scalar::ZERO;
                    assert_eq!(
                        refused(&key, message.as_bytes(), &signature),
                        !ordinary,
                        "{key:02x?} {signature:02x?}"
                    );
                    (seen, honest) = (seen + 1, honest + usize::from(ordinary));
                    residues += usize::from(!plain);
                }
            }
        }
    }
    assert_eq!((seen, honest), (22 * 22 * 16, 16));
    assert!(residues > 1000, "{residues}");
}
