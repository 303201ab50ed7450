//! Governance: how a roster takes force, and what becomes of keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Fault, KnownKey, Log, RosterVersion, Suspicion, governance_subject};
use crate::core::entry::Entry;
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::roster::{KeyUse, ROOT, Roster, RosterError};
use crate::core::statement::Signer;

impl Log {
    pub(super) fn govern(&mut self, entry: &Entry, event: &Event) -> Vec<Fault> {
        let predicate = &entry.statement.predicate;
        let signers: Vec<Hash> = predicate.signers.iter().map(|signer| signer.key).collect();
        let roster = match self.next_roster(event, &signers) {
            Ok(roster) => roster,
            Err(fault) => return vec![fault],
        };
        let mut faults = Vec::new();
        let mut rule = |code, text: &str| faults.push(Fault::Rule { code, text: text.into() });
        let hash = roster.hash();
        let expected = if entry.line.seq == 0 { Some(hash) } else { self.roster().map(|v| v.hash) };
        if expected != Some(predicate.roster) {
            rule("roster", "the signers held another roster to be in force");
        }
        if predicate.log != roster.log {
            rule("log", "the statement was made for another log than its roster");
        }
        if entry.statement.subject != governance_subject(&roster) {
            rule("subject", "the subject is not the origin with the roster's hash");
        }
        for text in self.reused(&roster) {
            rule("reused", &text);
        }
        let before = self.roster().map(|version| Arc::clone(&version.roster));
        if predicate.signers.iter().any(|signer| !role_fits(signer, before.as_deref(), &roster)) {
            rule("not-authorised", "a signer names a role that the key is not for");
        }
        self.put_in_force(entry, event, roster, hash, &signers);
        faults
    }

    /// What a roster brings back that is never used again: ids of people who were removed, keys that were taken out of
    /// force, and keys that were somebody else's.
    fn reused(&self, roster: &Roster) -> Vec<String> {
        let Some(before) = self.roster().map(|version| &version.roster) else { return Vec::new() };
        let new = roster.people.iter().filter(|person| before.person(person.id.as_str()).is_none());
        let had =
            |id: &Token| self.rosters.iter().any(|version| version.roster.person(id.as_str()).is_some());
        let people = new.filter(|person| had(&person.id));
        let people = people.map(|person| format!("{} was removed, and is on the roster again", person.id));
        let keys = roster.keys().filter_map(|(person, key)| {
            let (keyid, holder) = (key.public.keyid(), &person.id);
            let known = self.keys.get(&keyid)?;
            if known.person != *holder {
                return Some(format!("the key {} of {} is now said to be {holder}'s", keyid.short(), known.person));
            }
            let ended = known.ended?;
            let key = keyid.short();
            Some(format!("the key {key} of {holder} was taken out of force in entry {ended}, and is on the roster again"))
        });
        people.chain(keys).collect()
    }

    /// The roster after a governance event, if its signers may bring it.
    fn next_roster(&self, event: &Event, signers: &[Hash]) -> Result<Roster, Fault> {
        let rule = |text: &str| Fault::Rule { code: "roster", text: text.into() };
        if let Event::LedgerOpened(body) = event {
            body.roster.check()?;
            body.roster.check_first(signers)?;
            return Ok(body.roster.clone());
        }
        let before = &self.roster().ok_or_else(|| rule("there is no roster before this one"))?.roster;
        let (next, own) = match event {
            Event::RosterChanged(body) => (body.roster.clone(), false),
            Event::KeyRotated(body) => {
                let next = before.rotated(&body.person, &body.old, &body.new);
                let next = next.ok_or_else(|| rule("the person does not hold the key that is rotated"))?;
                if key_use(before, &body.old) != Some(body.new.key_use) {
                    return Err(rule("a rotation keeps the key's use"));
                }
                let own = body.new.key_use == KeyUse::Role && signers == [body.old, body.new.public.keyid()];
                (next, own)
            }
            Event::KeyRevoked(body) => {
                let next =
                    before.revoked(&body.person, &body.key).or_else(|| self.revoked_late(body, before));
                let next = next.ok_or_else(|| rule("the person never held the key that is revoked"))?;
                let holder = |key: &Hash| before.find(key).map(|(person, _)| &person.id);
                let own = key_use(before, &body.key) != Some(KeyUse::Root)
                    && matches!(signers, [key] if holder(key) == Some(&body.person));
                (next, own)
            }
            _ => return Err(rule("not a governance event")),
        };
        next.check_after(before)?;
        if !own {
            before.check_next(&next, signers)?;
        }
        Ok(next)
    }

    /// A key that was rotated away already: the roster stays, and what the key signed becomes suspect.
    fn revoked_late(&self, body: &crate::core::event::KeyRevoked, before: &Roster) -> Option<Roster> {
        self.keys.get(&body.key).filter(|known| known.person == body.person).map(|_| before.successor())
    }

    fn put_in_force(&mut self, entry: &Entry, event: &Event, roster: Roster, hash: Hash, signers: &[Hash]) {
        let seq = entry.line.seq;
        if let Event::LedgerOpened(body) = event {
            self.origin.clone_from(&body.roster.log);
            self.rehearsal = body.rehearsal;
        }
        for (person, key) in roster.keys() {
            self.keys.entry(key.public.keyid()).or_insert_with(|| KnownKey {
                person: person.id.clone(),
                key: key.clone(),
                made_by: key.made_by.clone().filter(|maker| *maker != person.id),
                ended: None,
                rotated_into: None,
                suspicions: Vec::new(),
            });
        }
        for (keyid, known) in &mut self.keys {
            let gone = roster.find(keyid).is_none();
            known.ended = if gone { known.ended.or(Some(seq)) } else { None };
        }
        match event {
            Event::KeyRotated(body) => {
                let old = self.keys.get_mut(&body.old).map(|known| {
                    known.rotated_into = Some(body.new.public.keyid());
                    known.suspicions.clone()
                });
                for suspicion in old.into_iter().flatten() {
                    self.suspect(body.new.public.keyid(), suspicion);
                }
                self.inherit(body.old, body.new.public.keyid(), signers);
            }
            Event::KeyRevoked(body) => {
                if let Some(from) = body.compromised_from_seq {
                    self.suspect(body.key, Suspicion { from, by: seq });
                }
            }
            _ => {}
        }
        for deployment in self.deployments.values_mut().filter(|deployment| deployment.closed.is_none()) {
            deployment.distrust_keys(|key, seq| suspicious(&self.keys, key, seq));
        }
        if seq > 0 {
            let open = self.deployments.values().filter(|d| d.closed.is_none());
            self.roster_changed_during.extend(open.map(|d| (d.id.clone(), seq)));
        }
        let people = signers.iter().filter_map(|key| self.keys.get(key)).map(|known| known.person.clone());
        let by: Vec<Token> = people.collect();
        self.rosters.push(RosterVersion { seq, roster: Arc::new(roster), hash, kind: event.kind(), by });
    }

    /// Whoever made a key could have rotated it too: the mark goes on to the new key, unless somebody else signed.
    fn inherit(&mut self, old: Hash, new: Hash, signers: &[Hash]) {
        let holder = |key: &Hash| self.keys.get(key).map(|known| known.person.clone());
        let person = holder(&new);
        let alone = signers.iter().all(|key| holder(key) == person);
        let maker = self.keys.get(&old).and_then(|known| known.made_by.clone());
        if let Some(known) = self.keys.get_mut(&new).filter(|known| alone && known.made_by.is_none()) {
            known.made_by = maker;
        }
    }

    /// Marks a key, and every key that it was rotated into, as suspect.
    fn suspect(&mut self, key: Hash, suspicion: Suspicion) {
        let mut next = Some(key);
        while let Some(known) = next.and_then(|key| self.keys.get_mut(&key)) {
            if known.suspicions.contains(&suspicion) {
                return;
            }
            known.suspicions.push(suspicion);
            next = known.rotated_into;
        }
    }
}

/// Whether a key may have been in other hands by an entry.
pub(super) fn suspicious(keys: &BTreeMap<Hash, KnownKey>, key: &Hash, seq: u64) -> bool {
    keys.get(key).is_some_and(|known| known.suspect_at(seq).is_some())
}

fn key_use(roster: &Roster, key: &Hash) -> Option<KeyUse> {
    roster.find(key).map(|(_, key)| key.key_use)
}

/// A root key signs as `root`; any other in a role that its holder has.
fn role_fits(signer: &Signer, before: Option<&Roster>, after: &Roster) -> bool {
    let found = before.and_then(|before| before.find(&signer.key)).or_else(|| after.find(&signer.key));
    found.is_some_and(|(person, key)| match key.key_use {
        KeyUse::Root => signer.role == *ROOT,
        KeyUse::Role => person.roles.contains(&signer.role),
    })
}

impl From<RosterError> for Fault {
    fn from(error: RosterError) -> Self {
        Self::Roster(error)
    }
}
