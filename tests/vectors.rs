//! The shared vectors, made by an implementation that shares no line with this one.
#![allow(missing_docs)] // a test binary has no readers of its own

use std::collections::HashMap;

use aether_audit::core::checkpoint::{self, Vkey};
use aether_audit::core::dsse;
use aether_audit::core::entry::Entry;
use aether_audit::core::hash::Hash;
use aether_audit::core::keys::{PublicKey, SecretKey};
use aether_audit::core::merkle::{Frontier, Tree, leaf_hash};
use aether_audit::core::opening::Opening;
use aether_audit::core::verify::{Anchors, NoOpenings, Scope, Stored, verify};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/format.json")).unwrap()
}

fn list<'v>(vectors: &'v Value, name: &str) -> &'v [Value] {
    let list = vectors[name].as_array().unwrap();
    assert!(!list.is_empty());
    list
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is no text"))
}

fn bytes<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    base16ct::lower::decode_vec(text(value, name)).unwrap().try_into().unwrap()
}

fn keys(vectors: &Value) -> HashMap<Hash, PublicKey> {
    let public = |key: &Value| PublicKey::from_bytes(&bytes(key, "public")).unwrap();
    list(vectors, "keys").iter().map(public).map(|key| (key.keyid(), key)).collect()
}

/// What the parser and then the signatures say of an entry.
fn judge(entry: &[u8], keys: &HashMap<Hash, PublicKey>) -> Result<Entry, String> {
    let entry = Entry::parse(entry).map_err(|error| error.to_string())?;
    let bad = entry.bad_signatures(|key| keys.get(key));
    if bad.is_empty() { Ok(entry) } else { Err(format!("signatures {bad:?} do not verify")) }
}

#[test]
fn keys_have_their_ids_and_forms() {
    for key in list(&vectors(), "keys") {
        let public = SecretKey::from_seed(&bytes(key, "seed")).public();
        assert_eq!(public.as_bytes(), &bytes(key, "public"));
        assert_eq!(public.to_spki_pem(), text(key, "spki_pem"));
        assert_eq!(public.keyid().to_string(), text(key, "keyid"));
    }
}

#[test]
fn entries_parse_and_chain() {
    let vectors = vectors();
    let keys = keys(&vectors);
    assert_eq!(text(&vectors, "payloadType"), dsse::PAYLOAD_TYPE);
    let (mut prev, mut tree, mut leaves) = (Hash::ZERO, Frontier::new(), Vec::new());
    for (seq, vector) in list(&vectors, "entries").iter().enumerate() {
        let line = text(vector, "entry");
        let entry = judge(line.as_bytes(), &keys).unwrap_or_else(|why| panic!("entry {seq}: {why}"));
        assert_eq!(entry.line.seq, seq as u64);
        assert_eq!(entry.leaf.to_string(), text(vector, "leaf"));
        assert_eq!(entry.leaf, leaf_hash(line.as_bytes()));
        assert_eq!(entry.line.prev, prev);
        assert_eq!(entry.payload, text(vector, "statement").as_bytes());
        let pae = dsse::pae(&entry.payload);
        let stated = text(vector, "pae");
        let written = [base16ct::lower::encode_string(&pae), dsse::encode(&pae)];
        assert!(written.iter().any(|pae| pae == stated) || pae == stated.as_bytes(), "entry {seq}: {stated}");
        assert_eq!(entry.statement.kind(), "vector");
        assert_eq!(entry.statement.predicate.log, text(&vectors, "origin"));
        // What was read is written back byte for byte.
        assert_eq!(entry.line.to_bytes().unwrap(), line.as_bytes());
        assert_eq!(entry.statement.to_bytes().unwrap(), entry.payload);
        prev = entry.leaf;
        leaves.push(entry.leaf);
        tree.push(entry.leaf);
        assert_eq!(tree.root().to_string(), vectors["tree"]["roots"][seq + 1].as_str().unwrap());
    }
    assert_eq!(
        Tree::new(&leaves).root_at(0).unwrap().to_string(),
        vectors["tree"]["roots"][0].as_str().unwrap()
    );
    let vkey = Vkey::parse(text(&vectors["checkpoint"], "vkey")).unwrap();
    let opened = checkpoint::open(text(&vectors["checkpoint"], "note"), &[vkey]).unwrap().checkpoint;
    assert_eq!((opened.size, opened.root), (tree.size(), tree.root()));
}

#[test]
fn an_opening_has_its_commit() {
    let vector = &vectors()["opening"];
    let content = base16ct::lower::decode_vec(text(vector, "bytes")).unwrap();
    let opening = Opening { salt: bytes(vector, "salt"), bytes: content };
    assert_eq!(opening.commit().to_string(), text(vector, "commit"));
}

#[test]
fn every_other_encoding_is_refused() {
    let vectors = vectors();
    let keys = keys(&vectors);
    let accepted: Vec<&str> = list(&vectors, "refuse")
        .iter()
        .filter(|case| match judge(text(case, "entry").as_bytes(), &keys) {
            Ok(_) => true,
            Err(why) => {
                println!("{}: {why}", text(case, "why"));
                false
            }
        })
        .map(|case| text(case, "why"))
        .collect();
    assert_eq!(accepted, [""; 0]);
}

/// Without a roster nobody can be judged: the log of vectors is never a pass, and its order is sound.
#[test]
fn the_verifier_finds_its_order_sound() {
    let vectors = vectors();
    let entries = list(&vectors, "entries").iter().map(|vector| text(vector, "entry").as_bytes().to_vec());
    let stored = entries.map(|bytes| Ok(Stored { bytes, columns: None }));
    let report = verify(stored, Scope::Log, &mut NoOpenings, &Anchors::default(), &mut |_| {});
    let codes: Vec<_> = report.findings.iter().map(|finding| (finding.seq, finding.code)).collect();
    assert!(codes.contains(&(Some(0), "no-roster")), "{codes:?}");
    assert!(codes.iter().all(|(seq, _)| *seq == Some(0)), "{:#?}", report.findings);
}
