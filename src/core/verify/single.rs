//! One entry by itself: that it stands in the log, and that its signers were on the roster, with nothing of
//! the log but this entry, the governance entries and inclusion proofs.

use std::collections::BTreeMap;

use super::{Anchor, AnchorKind, AnchorState, Anchors, Finding, stamped};
use crate::core::authority::{self, Context};
use crate::core::checkpoint::{self, Checkpoint, Vkey};
use crate::core::deployment::Signatory;
use crate::core::entry::Entry;
use crate::core::event::{Class, Event};
use crate::core::hash::Hash;
use crate::core::keys::PublicKey;
use crate::core::log::Log;
use crate::core::merkle::verify_inclusion;
use crate::core::proof::TlogProof;

/// What a proof's folder holds.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The entry that is proven, as stored.
    pub entry: Vec<u8>,
    /// Every other governance entry that the checkpoint covers, in `seq` order, as stored.
    pub governance: Vec<Vec<u8>>,
    /// The C2SP tlog-proof of each of them, by the `seq` that the file is named by.
    pub proofs: BTreeMap<u64, String>,
}

/// What was found out about one entry.
#[derive(Clone, Debug, Default)]
pub struct Single {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is not proven, each with its next step.
    pub not_proven: Vec<String>,
    /// The entry, where it can be read.
    pub entry: Option<Entry>,
    /// Who signed it, as the roster shown knew them.
    pub by: Vec<Signatory>,
    /// The governance entry that brought the roster by which it was judged.
    pub roster_seq: Option<u64>,
    /// The checkpoint that the proofs lead to.
    pub checkpoint: Option<Checkpoint>,
    /// The time-stamp tokens over that checkpoint, and what became of them; one line at least.
    pub stamps: Vec<Anchor>,
    /// The log as its governance tells it.
    pub log: Log,
}

/// Checks one entry against what the caller holds. Any input is safe.
///
/// Rosters name the one before them, so that none before the last one shown is left out. Not shown is that none
/// came after that, nor who was assigned to the entry's deployment; that its signers held the roster in force by
/// which it is judged is.
#[must_use]
pub fn single(given: &Given, anchors: &Anchors) -> Single {
    let mut found = Single::default();
    let Some(entry) = read(&given.entry, &mut found) else { return found };
    let mut governance: Vec<Entry> =
        given.governance.iter().filter_map(|bytes| read(bytes, &mut found)).collect();
    let later = governance.split_off(governance.partition_point(|other| other.line.seq < entry.line.seq));
    found.governed(&governance, given);
    found.stands(&entry, given);
    found.signed(&entry);
    found.governed(&later, given);
    found.suspect(&entry);
    found.needed(&entry, given);
    found.anchor(&entry, given, anchors);
    found.stamped(anchors);
    found.entry = Some(entry);
    found
}

fn read(bytes: &[u8], found: &mut Single) -> Option<Entry> {
    match Entry::parse(bytes) {
        Ok(entry) => Some(entry),
        Err(error) => {
            found.findings.push(Finding { seq: None, code: "entry", text: error.to_string() });
            None
        }
    }
}

impl Single {
    fn finding(&mut self, seq: u64, code: &'static str, text: impl Into<String>) {
        self.findings.push(Finding { seq: Some(seq), code, text: text.into() });
    }

    /// Proofs of entries that are not here prove nothing of this one.
    fn needed(&mut self, entry: &Entry, given: &Given) {
        let governance = given.governance.iter().filter_map(|bytes| Entry::parse(bytes).ok());
        let known: Vec<u64> = governance.map(|entry| entry.line.seq).chain([entry.line.seq]).collect();
        for seq in given.proofs.keys().filter(|seq| !known.contains(seq)) {
            self.finding(*seq, "proof", "there is a proof of this entry, and not the entry");
        }
    }

    fn governed(&mut self, entries: &[Entry], given: &Given) {
        for entry in entries {
            self.govern(entry);
            self.stands(entry, given);
        }
    }

    /// Takes a governance entry, if its signatures are good.
    fn govern(&mut self, entry: &Entry) {
        let seq = entry.line.seq;
        let event = Event::parse(entry.statement.kind(), &entry.statement.predicate.body);
        match event {
            Ok(event) if event.class() == Class::Governance => {
                let brought = event.brought_keys();
                if !self.bad_signatures(entry, &brought).is_empty() {
                    return self.finding(seq, "signature", "it is not signed by whom it names");
                }
                let last = self.log.rosters.last().map(|version| version.seq);
                if last.is_some_and(|last| last >= seq) {
                    return self.finding(seq, "order", "governance entries stand in seq order");
                }
                for fault in self.log.take(entry, |_| Vec::new()).faults {
                    self.finding(seq, fault.code(), fault.to_string());
                }
            }
            Ok(_) => {
                self.finding(seq, "governance", "it is no governance entry, and has no place in this proof");
            }
            Err(error) => self.finding(seq, "body", error.to_string()),
        }
    }

    fn bad_signatures(&self, entry: &Entry, brought: &[PublicKey]) -> Vec<usize> {
        entry.bad_signatures(|id| {
            let known = self.log.keys.get(id).map(|known| &known.key.public);
            known.or_else(|| brought.iter().find(|key| key.keyid() == *id))
        })
    }

    /// Whether the entry's proof leads from its leaf to the one checkpoint of all proofs.
    fn stands(&mut self, entry: &Entry, given: &Given) {
        let seq = entry.line.seq;
        let Some(text) = given.proofs.get(&seq) else {
            return self.finding(seq, "proof", format!("proofs/{seq}.tlog-proof is missing"));
        };
        let proof = match TlogProof::parse(text) {
            Ok(proof) => proof,
            Err(error) => return self.finding(seq, "proof", error.to_string()),
        };
        // The keys that signed the checkpoint are only known once all governance is read.
        let stated = checkpoint::Note::parse(&proof.checkpoint)
            .map_err(Into::into)
            .and_then(|note| Checkpoint::parse(note.text()));
        let stated = match stated {
            Ok(stated) => stated,
            Err(error) => return self.finding(seq, "checkpoint", error.to_string()),
        };
        if proof.index != seq || !verify_inclusion(entry.leaf, seq, stated.size, &proof.path, stated.root) {
            return self.finding(
                seq,
                "proof",
                "the proof does not lead from this entry to its checkpoint's root",
            );
        }
        if self.checkpoint.get_or_insert_with(|| stated.clone()) != &stated {
            self.finding(
                seq,
                "proof",
                "its proof leads to another checkpoint than the other entries' proofs",
            );
        }
    }

    fn signed(&mut self, entry: &Entry) {
        let seq = entry.line.seq;
        let statement = &entry.statement;
        let event = match Event::parse(statement.kind(), &statement.predicate.body) {
            Ok(event) => event,
            Err(error) => return self.not_proven.push(format!("{error}: check with a newer version")),
        };
        if event.class() == Class::Governance {
            self.roster_seq = Some(seq);
            return self.govern(entry);
        }
        let Some(version) = self.log.rosters.last().cloned() else {
            return self.finding(seq, "no-roster", "no roster is shown, so that no signer can be judged");
        };
        self.roster_seq = Some(version.seq);
        if !self.bad_signatures(entry, &event.brought_keys()).is_empty() {
            self.finding(seq, "signature", "it is not signed by whom it names");
        }
        if statement.predicate.log != self.log.origin {
            self.finding(
                seq,
                "log",
                format!("the statement was made for the log {}", statement.predicate.log),
            );
        }
        if !self.log.rosters.iter().any(|version| version.hash == statement.predicate.roster) {
            self.not_proven.push(format!(
                "its signers held a roster in force that is none of those shown (the last one in entry {}): ask for the governance \
                 entries between",
                version.seq
            ));
        }
        let rollback = statement.kind().starts_with("rollback-");
        match authority::check(&event, statement, &version.roster, Context::default()) {
            Ok(by) => self.by = by,
            Err(denied) => {
                for why in denied {
                    if rollback && matches!(why, authority::Denied::Machine(..)) {
                        self.not_proven.push(format!(
                            "{why}, unless its deployment-opened allows it: check the deployment's export"
                        ));
                    } else {
                        self.finding(seq, "not-authorised", why.to_string());
                    }
                }
            }
        }
    }

    /// A key that was revoked, perhaps long after it signed.
    fn suspect(&mut self, entry: &Entry) {
        let seq = entry.line.seq;
        let suspect =
            |key: &Hash| self.log.keys.get(key).is_some_and(|known| known.suspect_at(seq).is_some());
        if entry.statement.predicate.signers.iter().any(|signer| suspect(&signer.key)) {
            self.finding(seq, "key-suspect", "a key that signed it is suspect from before this entry on");
        }
    }

    /// Holds what the proofs lead to against what the caller holds.
    fn anchor(&mut self, entry: &Entry, given: &Given, anchors: &Anchors) {
        match (anchors.first_roster, self.log.rosters.first()) {
            (None, _) => self.not_proven.push(
                "no hash of the first roster was given, so that anybody could have made this: give --roster-sha256 with what \
                 the team handed you"
                    .into(),
            ),
            (Some(given), Some(first)) if given == first.hash => {}
            _ => self.finding(0, "first-roster", "the first roster is not the one whose hash you gave"),
        }
        let trusted = self.vkeys();
        let Some(reached) = self.checkpoint.clone() else { return };
        for (seq, text) in &given.proofs {
            let Ok(proof) = TlogProof::parse(text) else { continue };
            if let Err(error) = checkpoint::open(&proof.checkpoint, &trusted) {
                self.finding(*seq, "checkpoint", format!("the checkpoint that its proof leads to: {error}"));
            }
        }
        if reached.origin != self.log.origin {
            self.finding(
                entry.line.seq,
                "checkpoint-origin",
                format!("the proof is of the log {}", reached.origin),
            );
        }
        let mut same = false;
        for note in &anchors.checkpoints {
            match checkpoint::open(note, &trusted) {
                Ok(yours) if yours.checkpoint == reached => same = true,
                Ok(yours) if yours.checkpoint.size == reached.size => {
                    let text = "the checkpoint that you gave states another root for the same entries: the log was forked";
                    self.findings.push(Finding { seq: None, code: "checkpoint-root", text: text.into() });
                }
                Ok(yours) => self.not_proven.push(format!(
                    "the proof leads to a checkpoint of {} entries, yours has {}: ask for `prove {} --checkpoint` with yours",
                    reached.size, yours.checkpoint.size, entry.line.seq
                )),
                Err(error) => {
                    let text = format!("the checkpoint given: {error}");
                    self.findings.push(Finding { seq: None, code: "checkpoint", text });
                }
            }
        }
        if anchors.checkpoints.is_empty() {
            self.not_proven.push(
                "no checkpoint was given, so that the log could have been made for you alone: give --checkpoint with one that was \
                 kept outside the log"
                    .into(),
            );
        } else if same {
            self.not_proven.retain(|reason| !reason.starts_with("the proof leads to a checkpoint of"));
        }
    }

    /// Tokens are over the checkpoint that the proofs lead to; over any other they have no place here.
    fn stamped(&mut self, anchors: &Anchors) {
        let Some(reached) = self.checkpoint.clone() else { return };
        let root = |size| (size == reached.size).then_some(reached.root);
        for token in &anchors.stamps {
            let (anchor, finding) =
                stamped::given(token, &anchors.checkpoints, &reached.origin, root, &anchors.tsa_roots);
            self.stamps.push(anchor);
            self.findings.extend(finding);
        }
        for token in &anchors.tokens {
            let (anchor, finding) = stamped::stamped(token, &reached.origin, root, &anchors.tsa_roots);
            self.stamps.push(anchor);
            self.findings.extend(finding);
        }
        if self.stamps.is_empty() {
            let (kind, state) = (AnchorKind::Timestamp, AnchorState::Absent);
            self.stamps.push(Anchor { kind, state, size: None, text: "none given".into() });
        }
        if !anchors.tsa_roots.is_empty() {
            self.not_proven.extend(stamped::not_proven(&self.stamps));
        }
    }

    fn vkeys(&self) -> Vec<Vkey> {
        let texts = self.log.rosters.iter().flat_map(|version| &version.roster.log_keys);
        texts.filter_map(|text| Vkey::parse(text).ok()).collect()
    }
}
