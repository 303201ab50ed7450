//! One function for each format: any bytes are safe, and what is accepted says the same when it is written again.

use std::collections::BTreeMap;

use aether_audit::config::Config;
use aether_audit::core::checkpoint::{self, Checkpoint, CosignerKey, Note, Vkey, cosigned};
use aether_audit::core::entry::Entry;
use aether_audit::core::event::Event;
use aether_audit::core::hash::Hash;
use aether_audit::core::log::Log;
use aether_audit::core::merkle::{verify_consistency, verify_inclusion};
use aether_audit::core::opening::{Opening, refs_in};
use aether_audit::core::proof::TlogProof;
use aether_audit::core::roster::Roster;
use aether_audit::core::witness::{AddCheckpoint, Policy};
use aether_audit::core::{checklist, jcs};

/// A target: its name, which is that of its seeds too, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 8] = [
    ("entry", entry),
    ("note", note),
    ("proof", proof),
    ("roster", roster),
    ("checklist", checklist),
    ("config", config),
    ("witness", witness),
    ("opening", opening),
];

const VKEY: &str = "example.com/audit/test+3d1d62ad+AW7JiJa6h3gDfkGUqVBTcyQ7n1sHrBHTdcUTR4BeTx0U";

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn entry(bytes: &[u8]) {
    let Ok(entry) = Entry::parse(bytes) else { return };
    assert_eq!(entry.line.to_bytes().unwrap(), bytes);
    let (kind, body) = (entry.statement.kind(), &entry.statement.predicate.body);
    assert_eq!(entry.statement.to_bytes().unwrap(), entry.payload);
    if let Ok(event) = Event::parse(kind, body) {
        assert_eq!(event.body().unwrap().get(), body.get());
        let _ = (event.brought_keys(), event.must_have_seen());
    }
    let _ = refs_in(body.get());
    Log::default().take(&entry, |_| Vec::new());
    assert!(entry.bad_signatures(|_| None).len() == entry.signatures.len());
}

fn note(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(note) = Note::parse(text) else { return };
    assert_eq!(Note::parse(&note.to_string()).unwrap(), note);
    if let Ok(stated) = Checkpoint::parse(note.text()) {
        assert_eq!(stated.to_text().unwrap(), note.text());
    }
    if let Ok(vkey) = Vkey::parse(VKEY) {
        let _ = checkpoint::open(text, &[vkey]);
    }
    for line in note.signatures() {
        assert_eq!(Note::parse_signatures(&format!("{line}\n")).unwrap(), std::slice::from_ref(line));
    }
    if let Some(cosigner) = text.lines().find_map(|line| CosignerKey::parse(line).ok()) {
        let _ = cosigned(&note, &cosigner);
    }
}

fn proof(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(proof) = TlogProof::parse(text) else { return };
    assert_eq!(TlogProof::parse(&proof.to_string()).unwrap(), proof);
    let stated = Note::parse(&proof.checkpoint).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
    let (size, root) = stated.map_or((proof.index / 2 + 7, Hash::ZERO), |stated| (stated.size, stated.root));
    let proves = verify_inclusion(Hash::of(&[bytes]), proof.index, size, &proof.path, root);
    assert!(!proves || proof.index < size);
}

fn roster(bytes: &[u8]) {
    if jcs::check(bytes).is_err() {
        return;
    }
    let Ok(roster) = serde_json::from_slice::<Roster>(bytes) else { return };
    let _ = roster.check();
    let keys: Vec<Hash> = roster.keys().map(|(_, key)| key.public.keyid()).collect();
    let _ = (roster.check_first(&keys), roster.quorum(&keys, "the roster"), roster.check_after(&roster));
    let next = roster.successor();
    let _ = roster.check_next(&next, &keys);
    for (person, key) in roster.keys() {
        let keyid = key.public.keyid();
        assert!(
            roster.revoked(&person.id, &keyid).is_some() || roster.person(person.id.as_str()) != Some(person)
        );
        let _ = (roster.rotated(&person.id, &keyid, key), roster.find(&keyid));
    }
    for policy in roster.witness_policy.iter().filter_map(|text| Policy::parse(text).ok()) {
        let names = policy.witnesses.iter().map(|witness| witness.name.as_str()).collect();
        assert!(policy.satisfied(&names), "all of them are enough");
    }
    assert_eq!(serde_json::from_str::<Roster>(&roster.to_bytes()).unwrap(), roster);
}

fn checklist(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(list) = checklist::parse(text) else { return };
    assert_eq!(checklist::render(text, &list, &BTreeMap::new(), ""), text);
    let ids: std::collections::BTreeSet<_> = list.items.iter().map(|item| &item.spec.id).collect();
    assert_eq!(ids.len(), list.items.len(), "ids are unique");
    let mark = checklist::Mark { ticked: Some(true), lines: vec!["TICKED-OFF".into()] };
    let marks = list.items.iter().map(|item| (item.spec.id.clone(), mark.clone())).collect();
    let done = checklist::render(text, &list, &marks, "the end");
    assert_eq!(done.matches("TICKED-OFF").count(), text.matches("TICKED-OFF").count() + list.items.len());
}

fn config(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Config::parse(text, "aether.toml") {
        Ok(config) => {
            let ids: std::collections::BTreeSet<_> =
                config.check.iter().map(|check| &check.spec.id).collect();
            assert_eq!(ids.len(), config.check.len(), "ids are unique");
            assert_eq!(config.checks().len(), config.check.len());
        }
        Err(error) => assert!(error.to_string().starts_with("aether.toml"), "{error}"),
    }
}

fn witness(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(asked) = AddCheckpoint::parse(text) {
        assert_eq!(AddCheckpoint::parse(&asked.to_body()).as_ref(), Some(&asked));
        let stated = Note::parse(&asked.checkpoint).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
        let (size, root) = stated.map_or((asked.old, Hash::ZERO), |stated| (stated.size, stated.root));
        let _ = verify_consistency(asked.old, Hash::ZERO, size, root, &asked.proof);
    }
    if let Ok(policy) = Policy::parse(text) {
        assert!(policy.satisfied(&std::collections::BTreeSet::new()) || policy.asks());
    }
}

fn opening(bytes: &[u8]) {
    if let Ok(opening) = Opening::from_file_bytes(bytes) {
        assert_eq!(opening.to_file_bytes(), bytes);
        assert_eq!(opening.commit(), Hash::of(&[bytes]));
    }
    if let Some(text) = text(bytes) {
        let _ = refs_in(text);
        let _ = checklist::escape_inline(text);
    }
}
