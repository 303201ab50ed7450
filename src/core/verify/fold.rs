//! The part of the work that needs order: one entry after the other.

mod weak;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;
use std::sync::Arc;

use super::anchor::Roots;
use super::chain::Chain;
use super::openings::Known;
use super::prepare::{Checked, Keys, Prepared, Ready};
use super::signer::{Budget, Signer};
use super::table::{BySeq, SeqList};
use super::{Anchors, Aside, DeploymentSummary, Finding, Kept, Openings, Pruned, Report, Scope};
use crate::core::authority::Denied;
use crate::core::dsse;
use crate::core::entry::Entry;
use crate::core::event::{Class, Event};
use crate::core::hash::Hash;
use crate::core::keys::PublicKey;
use crate::core::log::{Fault, Log, Taken};
use crate::core::name::Token;

/// After so many entries the fold lets go of what it no longer needs.
const RELEASE_EVERY: u64 = 1024;
/// A statement signed longer ago than this when it was recorded was signed elsewhere and joined late, in seconds.
const LATE: i64 = 120;

pub(super) struct Fold<'a> {
    chain: Chain,
    roots: Roots,
    openings: Known<'a>,
    log: Log,
    keys: Keys,
    tables: Budget,
    rosters: usize,
    random: RandomState,
    ids: BySeq<8>,
    signed: HashMap<Hash, SeqList>,
    /// The deployment that is kept whole, and its entries with those of governance.
    keep: Option<(Token, Kept)>,
    findings: Vec<Finding>,
    unsupported: Vec<Finding>,
    notices: Vec<Finding>,
    entries: u64,
    signatures: u64,
    first_leaf: Option<Hash>,
    last_leaf: Option<Hash>,
}

impl<'a> Fold<'a> {
    pub fn new(
        scope: Scope,
        openings: &'a mut dyn Openings,
        anchors: &Anchors,
        aside: Option<Rc<dyn Aside>>,
    ) -> Self {
        let mut roots = Roots::new(anchors);
        let given = match scope {
            Scope::Log => None,
            Scope::Deployment { leaves } => {
                for leaf in &leaves {
                    roots.push(*leaf);
                }
                Some(leaves)
            }
            Scope::Pruned(Pruned { leaves, runs }) => {
                roots.push_pruned(&leaves, &runs);
                Some(leaves)
            }
        };
        Self {
            chain: Chain::new(given, aside.clone()),
            roots,
            openings: Known::new(openings),
            log: Log::default(),
            keys: Keys::default(),
            tables: Budget::default(),
            rosters: 0,
            random: RandomState::new(),
            ids: BySeq::new(aside),
            signed: HashMap::new(),
            keep: None,
            findings: Vec::new(),
            unsupported: Vec::new(),
            notices: Vec::new(),
            entries: 0,
            signatures: 0,
            first_leaf: None,
            last_leaf: None,
        }
    }

    /// From here on keeps all of a deployment.
    pub fn keep(&mut self, deployment: &Token) {
        self.keep = Some((deployment.clone(), Kept::default()));
    }

    /// From here on keeps the facts of every deployment.
    pub fn keep_facts(&mut self) {
        self.log.keep_facts();
    }

    /// Whether any entries are kept.
    pub fn keeps(&self) -> bool {
        self.keep.is_some()
    }

    /// The entries that were kept.
    pub fn kept(&mut self) -> Kept {
        self.keep.take().map_or_else(Kept::default, |(_, kept)| kept)
    }

    /// The keys that are known so far.
    pub fn keys(&self) -> Keys {
        Arc::clone(&self.keys)
    }

    /// How many entries were taken.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Takes what the source gave next.
    pub fn take(&mut self, prepared: Prepared) {
        match prepared {
            Prepared::Lost(why) => {
                let seq = self.chain.high().map_or(0, |high| high + 1);
                self.find(seq, "unreadable", format!("the entry here can't be read: {why}"));
            }
            Prepared::Broken(leaf, why) => {
                self.count(leaf);
                let seq = self.chain.broken(leaf);
                self.find(seq, "malformed", why);
            }
            Prepared::Entry(ready) => {
                self.count(ready.entry.leaf);
                self.take_entry(*ready);
            }
        }
    }

    fn count(&mut self, leaf: Hash) {
        self.entries += 1;
        self.first_leaf.get_or_insert(leaf);
        self.last_leaf = Some(leaf);
        if self.chain.given().is_none() {
            self.roots.push(leaf);
            if let Some((_, kept)) = &mut self.keep {
                kept.leaves.push(leaf);
            }
        }
    }

    fn find(&mut self, seq: u64, code: &'static str, text: String) {
        self.findings.push(Finding { seq: Some(seq), code, text });
    }

    fn notice(&mut self, seq: Option<u64>, code: &'static str, text: String) {
        self.notices.push(Finding { seq, code, text });
    }

    fn take_entry(&mut self, ready: Ready) {
        let Ready { mut entry, bytes, signatures, openings, columns } = ready;
        for column in columns {
            self.find(entry.line.seq, "columns", format!("the store's column {column}"));
        }
        let Some(seq) = self.chain.place(&entry) else { return };
        entry.line.seq = seq;
        self.take_placed(seq, &entry, &signatures, &openings);
        if let Some((deployment, kept)) = &mut self.keep
            && entry.statement.predicate.deployment.as_ref().is_none_or(|id| id == deployment)
        {
            kept.entries.push(entry);
            kept.stored.push(bytes);
        }
    }

    fn take_placed(&mut self, seq: u64, entry: &Entry, signatures: &[Checked], openings: &[Hash]) {
        let id = self.random.hash_one(entry.statement.predicate.id.as_str());
        self.ids.put(seq, id.to_ne_bytes());
        if seq > 0 && self.log.rosters.is_empty() {
            // Entry 0 has its finding: without its roster nobody can be judged.
            return;
        }
        let sound = self.judge_signatures(seq, entry, signatures);
        let governance = Event::class_of(entry.statement.kind()) == Some(Class::Governance);
        if governance && !sound && seq > 0 {
            // A roster that nobody rightly signed never takes force.
            return self.refer(seq, entry, openings);
        }
        let store = std::cell::RefCell::new(&mut self.openings);
        let taken = self.log.take(entry, |commit| store.borrow_mut().authors(commit));
        self.refer(seq, entry, openings);
        self.judge(seq, entry, taken);
        if self.entries.is_multiple_of(RELEASE_EVERY) {
            self.log.release(self.keep.as_ref().map(|(deployment, _)| deployment));
        }
    }

    /// Checks what was left, and tells whether every signature is good and by a key that was known.
    fn judge_signatures(&mut self, seq: u64, entry: &Entry, signatures: &[Checked]) -> bool {
        let mut sound = true;
        let mut own: Option<HashMap<Hash, PublicKey>> = None;
        for (index, (signer, &checked)) in
            entry.statement.predicate.signers.iter().zip(signatures).enumerate()
        {
            let mut checked = checked;
            if checked == Checked::Later {
                let brought = || own.get_or_insert_with(|| brought_keys(entry)).get(&signer.key).cloned();
                let known =
                    self.log.keys.get(&signer.key).map(|known| known.key.public.clone()).or_else(brought);
                let Some(key) = known else {
                    sound = false;
                    self.find(
                        seq,
                        "key-unknown",
                        format!("no roster so far has the key {} that signs it", signer.key),
                    );
                    continue;
                };
                let signature = entry.signatures.get(index);
                let key = Signer::new(key, &self.tables);
                checked = signature
                    .map_or(Checked::Bad, |sig| Checked::of(key.verify(&dsse::pae(&entry.payload), sig)));
            }
            self.signatures += 1;
            self.signed.entry(signer.key).or_default().push(seq);
            if checked == Checked::Bad {
                sound = false;
                let whose = self
                    .log
                    .keys
                    .get(&signer.key)
                    .map_or("a new key".into(), |known| known.person.to_string());
                self.find(
                    seq,
                    "signature",
                    format!("the signature of {whose} (key {}) is not valid", signer.key.short()),
                );
            }
        }
        sound
    }

    fn refer(&mut self, seq: u64, entry: &Entry, commits: &[Hash]) {
        if commits.is_empty() {
            return;
        }
        let signers = entry.statement.predicate.signers.iter();
        let authors: Vec<Token> = signers
            .filter_map(|signer| self.log.keys.get(&signer.key))
            .map(|known| known.person.clone())
            .collect();
        for commit in commits {
            self.openings.refer(seq, *commit, &authors);
        }
    }

    fn judge(&mut self, seq: u64, entry: &Entry, taken: Taken) {
        for fault in taken.faults {
            if fault.out_of_process() {
                self.notice(Some(seq), fault.code(), fault.to_string());
            } else if fault.code() == "kind-unsupported" {
                self.unsupported.push(Finding {
                    seq: Some(seq),
                    code: fault.code(),
                    text: fault.to_string(),
                });
            } else if let Some((code, text)) = self.weigh(fault) {
                self.find(seq, code, text);
            }
        }
        match &taken.event {
            Some(Event::DeploymentOpened(body)) => {
                for text in body.policy.weaker() {
                    self.notice(Some(seq), "policy-weak", format!("by the policy frozen here {text}"));
                }
            }
            Some(Event::OpeningErased(body)) => self.openings.erase(seq, body.commit),
            Some(Event::ReportIssued(body)) => self.chain.covers(seq, &body.covers),
            _ => {}
        }
        if let Some(event) = &taken.event {
            self.late(seq, entry, event);
        }
        if self.log.rosters.len() != self.rosters {
            self.rosters = self.log.rosters.len();
            let keys = self.log.keys.iter().map(|(id, known)| {
                // A key that is out of force gives its table back.
                let before = self.keys.get(id).filter(|_| known.ended.is_none());
                let new = || Arc::new(Signer::new(known.key.public.clone(), &self.tables));
                (*id, before.map_or_else(new, Arc::clone))
            });
            self.keys = Arc::new(keys.collect());
        }
    }

    /// The finding for a fault. A key that no roster ever had has its own finding by now; one that some
    /// roster had is known, and not authorised.
    fn weigh(&self, fault: Fault) -> Option<(&'static str, String)> {
        let Fault::Denied(mut denied) = fault else { return Some((fault.code(), fault.to_string())) };
        denied.retain(|denied| !matches!(denied, Denied::Key(key) if !self.log.keys.contains_key(key)));
        if denied.is_empty() {
            return None;
        }
        let separation = matches!(denied.first(), Some(Denied::Separation { .. }));
        let text = denied.iter().map(|denied| match denied {
            Denied::Key(key) => {
                let whose = self.log.keys.get(key).map(|known| known.person.as_str()).unwrap_or_default();
                format!("the key {} of {whose} is not on the roster in force", key.short())
            }
            other => other.to_string(),
        });
        let text = text.collect::<Vec<_>>().join("; ");
        Some((if separation { "separation" } else { "not-authorised" }, text))
    }

    fn late(&mut self, seq: u64, entry: &Entry, event: &Event) {
        let (time, recorded) = (entry.statement.predicate.time, entry.line.recorded);
        let weighty = event.class() != Class::Aside && event.class() != Class::Fact
            || matches!(event, Event::ItemSigned(_) | Event::ItemWithdrawn(_));
        let delay = (recorded.millis() - time.millis()) / 1000;
        if weighty && delay > LATE {
            let text = format!("{} was signed {} before it was recorded", event.kind(), duration(delay));
            self.notice(Some(seq), "joined-late", text);
        }
    }

    /// After the last entry.
    pub fn finish(mut self, anchors: &Anchors) -> Report {
        self.chain.finish();
        for (seq, earlier) in self.ids.repeated() {
            self.find(seq, "id-repeated", format!("its statement's id stands in entry {earlier} already"));
        }
        if let Some(why) = self.ids.lost() {
            self.findings.push(Finding::lost(&why));
        }
        self.ids = BySeq::new(None);
        self.suspects();
        self.openings.finish();
        let first_roster = self.log.rosters.first().map(|version| version.hash);
        if let (Some(given), Some(own)) = (anchors.first_roster, first_roster)
            && given != own
        {
            self.find(0, "first-roster", format!("its roster is {own}, the one handed out is {given}"));
        }
        if self.entries > 0 && first_roster.is_none() {
            self.find(
                0,
                "no-roster",
                "it brings no sound first roster, so that no signer can be judged".into(),
            );
        }
        let next = match self.chain.given() {
            Some(leaves) => leaves.len() as u64,
            None => self.chain.high().map_or(0, |high| high + 1),
        };
        let anchored = self.roots.check(anchors, &self.log, next);
        self.findings.extend(anchored.findings);
        self.weak_spots();
        let mut findings = std::mem::take(&mut self.chain.findings);
        findings.append(&mut self.findings);
        findings.append(&mut self.openings.findings);
        findings.sort_by_key(|finding| finding.seq.unwrap_or(u64::MAX));
        self.notices.sort_by_key(|notice| notice.seq.unwrap_or(u64::MAX));
        let roster_confirmed = first_roster.is_some() && anchors.first_roster == first_roster;
        Report {
            findings,
            unsupported: self.unsupported,
            notices: self.notices,
            entries: self.entries,
            size: self.roots.size(),
            root: self.roots.root(),
            first_leaf: self.first_leaf,
            last_leaf: self.last_leaf,
            last_seq: self.chain.high(),
            first_roster,
            roster_confirmed,
            roster_given: anchors.first_roster.is_some(),
            checkpoint_given: !anchors.checkpoints.is_empty(),
            tsa_roots_given: !anchors.tsa_roots.is_empty(),
            archive_given: anchors.archive.is_some(),
            anchors: anchored.anchors,
            anchored_to: anchored.size.and_then(|size| size.checked_sub(1)),
            signatures: self.signatures,
            openings: self.openings.good,
            deployments: summaries(&self.log),
            partial: self.chain.given().is_some(),
            log: self.log,
        }
    }

    /// What a key signed at or after the entry from which it is suspect, found long after it was recorded.
    fn suspects(&mut self) {
        let mut found = Vec::new();
        for (key, known) in &self.log.keys {
            let Some(signed) = self.signed.get(key).filter(|_| !known.suspicions.is_empty()) else {
                continue;
            };
            for (seq, from) in signed.iter().filter_map(|seq| Some((seq, known.suspect_at(seq)?))) {
                let text = format!(
                    "the key {} of {} is suspect from entry {from} on, and signs this one",
                    key.short(),
                    known.person
                );
                found.push(Finding { seq: Some(seq), code: "key-suspect", text });
            }
        }
        self.findings.append(&mut found);
    }
}

/// The keys that a governance event itself brings on: it may be signed by them too.
fn brought_keys(entry: &Entry) -> HashMap<Hash, PublicKey> {
    let event = Event::parse(entry.statement.kind(), &entry.statement.predicate.body);
    let keys = match &event {
        Ok(Event::LedgerOpened(body)) => body.roster.keys().map(|(_, key)| key.public.clone()).collect(),
        Ok(Event::RosterChanged(body)) => body.roster.keys().map(|(_, key)| key.public.clone()).collect(),
        Ok(Event::KeyRotated(body)) => vec![body.new.public.clone()],
        _ => Vec::new(),
    };
    keys.into_iter().map(|key| (key.keyid(), key)).collect()
}

fn summaries(log: &Log) -> Vec<DeploymentSummary> {
    let mut all = Vec::new();
    log.each_deployment(|deployment| {
        all.push(DeploymentSummary {
            id: deployment.id.clone(),
            release: deployment.opened.body.release.as_str().to_owned(),
            opened: deployment.opened.meta.seq,
            last: deployment.last_seq,
            entries: deployment.entries,
            closed: deployment.closed.as_ref().map(|closed| (closed.meta.seq, closed.body.entries)),
            outcome: deployment.outcome(),
        });
    });
    all
}

/// For people: a length of time in its two largest units.
fn duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}
