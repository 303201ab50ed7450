//! What makes a roster sound, and who may put it in force.

use std::collections::BTreeSet;

use super::{KeyUse, Person, PersonKind, RECORDER, ROOT, Roster, RosterKey, proof_message};
use crate::core::checkpoint::{Vkey, validate_origin};
use crate::core::dsse;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::witness::{Policy, PolicyError};

/// Why a roster is not sound or may not take force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// The witness policy.
    #[error(transparent)]
    WitnessPolicy(PolicyError),
    /// The origin.
    #[error("roster: log is not a valid origin")]
    Origin,
    /// A log key that is no vkey of this log.
    #[error("roster: log key {0:?} is not a vkey of this log")]
    LogKey(String),
    /// Two people with one id.
    #[error("roster: {0} stands twice")]
    PersonTwice(Token),
    /// One key twice, whoever holds it.
    #[error("roster: {0}'s key {1} stands twice")]
    KeyTwice(Token, Hash),
    /// A key without the proof that its holder has it.
    #[error("roster: the proof of {0}'s key {1} does not verify")]
    Proof(Token, Hash),
    /// A role that is not among the roster's roles.
    #[error("roster: {0} has the role {1}, which is not among the roles")]
    Role(Token, Token),
    /// A machine with more than the role recorder, or with a root key.
    #[error("roster: the machine {0} may only be a recorder, without a root key")]
    Machine(Token),
    /// A person with the machines' role.
    #[error("roster: {0} is a person; recorder is the role of machines")]
    Recorder(Token),
    /// A threshold of 0, or one that nobody could reach.
    #[error("roster: rootThreshold is {0}, and the number of people with a root key is {1}")]
    RootThreshold(u32, usize),
    /// A role's threshold of 0, or a role that may not be named so.
    #[error("roster: the role {0} has threshold 0 or a reserved name")]
    RoleThreshold(Token),
    /// A pair that is no pair of two known roles.
    #[error("roster: separate names {0} and {1}, which are not two of its roles")]
    Separate(Token, Token),
    /// Not the next version of the roster in force.
    #[error("roster: it does not follow the roster in force (version, previous or log)")]
    Successor,
    /// Signed by somebody who holds no root key of either roster.
    #[error("roster: {0} is not a root key of the roster before or after")]
    NotRoot(Hash),
    /// Too few distinct people.
    #[error("roster: {have} of {need} distinct people's root keys of the roster {which} signed")]
    Quorum {
        /// How many signed.
        have: usize,
        /// How many must.
        need: u32,
        /// `before` or `after`.
        which: &'static str,
    },
}

impl Roster {
    /// Whether the roster is sound in itself: proofs, uniqueness, thresholds, roles.
    ///
    /// # Errors
    /// The first [`RosterError`] found.
    pub fn check(&self) -> Result<(), RosterError> {
        self.check_sound(|_, _| false)
    }

    /// [`Roster::check`] for a roster that follows `before`, which is sound: the proof of a key that stands
    /// there, held by the same person, is not checked again.
    ///
    /// # Errors
    /// The first [`RosterError`] found.
    pub fn check_after(&self, before: &Self) -> Result<(), RosterError> {
        let same_log = self.log == before.log;
        self.check_sound(|person, key| {
            same_log && before.person(person.as_str()).is_some_and(|person| person.keys.contains(key))
        })
    }

    fn check_sound(&self, proven: impl Fn(&Token, &RosterKey) -> bool) -> Result<(), RosterError> {
        validate_origin(&self.log).map_err(|_| RosterError::Origin)?;
        if let Some(text) = &self.witness_policy {
            Policy::parse(text).map_err(RosterError::WitnessPolicy)?;
        }
        let mut keys = BTreeSet::new();
        for text in &self.log_keys {
            let vkey = Vkey::parse(text).ok().filter(|vkey| vkey.name() == self.log);
            let vkey = vkey.ok_or_else(|| RosterError::LogKey(text.clone()))?;
            if !keys.insert(vkey.key().keyid()) {
                return Err(RosterError::LogKey(text.clone()));
            }
        }
        let mut ids = BTreeSet::new();
        for person in &self.people {
            if !ids.insert(&person.id) {
                return Err(RosterError::PersonTwice(person.id.clone()));
            }
            self.check_person(person, &mut keys, &proven)?;
        }
        let roots =
            self.people.iter().filter(|person| person.keys.iter().any(|k| k.key_use == KeyUse::Root)).count();
        if self.root_threshold == 0 || self.root_threshold as usize > roots {
            return Err(RosterError::RootThreshold(self.root_threshold, roots));
        }
        for (role, rule) in &self.roles {
            if rule.threshold == 0 || *role == ROOT {
                return Err(RosterError::RoleThreshold(role.clone()));
            }
        }
        for (a, b) in &self.separate {
            if a == b || !self.roles.contains_key(a) || !self.roles.contains_key(b) {
                return Err(RosterError::Separate(a.clone(), b.clone()));
            }
        }
        Ok(())
    }

    fn check_person(
        &self,
        person: &Person,
        keys: &mut BTreeSet<Hash>,
        proven: &impl Fn(&Token, &RosterKey) -> bool,
    ) -> Result<(), RosterError> {
        if let Some(role) = person.roles.iter().find(|role| !self.roles.contains_key(*role)) {
            return Err(RosterError::Role(person.id.clone(), role.clone()));
        }
        match person.kind {
            PersonKind::Person if person.roles.iter().any(|role| *role == RECORDER) => {
                return Err(RosterError::Recorder(person.id.clone()));
            }
            PersonKind::Machine
                if person.roles.iter().any(|role| *role != RECORDER)
                    || person.keys.iter().any(|key| key.key_use == KeyUse::Root) =>
            {
                return Err(RosterError::Machine(person.id.clone()));
            }
            _ => {}
        }
        for key in &person.keys {
            let keyid = key.public.keyid();
            if !keys.insert(keyid) {
                return Err(RosterError::KeyTwice(person.id.clone(), keyid));
            }
            let verifies = || {
                let message = proof_message(&self.log, &person.id, key.key_use);
                dsse::decode_signature(&key.proof).is_ok_and(|sig| key.public.verify(&message, &sig))
            };
            if !proven(&person.id, key) && !verifies() {
                return Err(RosterError::Proof(person.id.clone(), keyid));
            }
        }
        Ok(())
    }

    /// Whether `signers` may make this the first roster: a quorum of its own root keys.
    ///
    /// # Errors
    /// [`RosterError`] when they may not.
    pub fn check_first(&self, signers: &[Hash]) -> Result<(), RosterError> {
        if self.version != 1 || self.previous.is_some() {
            return Err(RosterError::Successor);
        }
        if let Some(stranger) = signers.iter().find(|key| self.root_holder(key).is_none()) {
            return Err(RosterError::NotRoot(*stranger));
        }
        self.quorum(signers, "after")
    }

    /// Whether `signers` may put `next` in force after this one: a quorum of this roster's root keys,
    /// and of the next one's too where root keys or the threshold change.
    ///
    /// # Errors
    /// [`RosterError`] when they may not, or when `next` does not follow this one.
    pub fn check_next(&self, next: &Self, signers: &[Hash]) -> Result<(), RosterError> {
        if next.version != self.version + 1 || next.previous != Some(self.hash()) || next.log != self.log {
            return Err(RosterError::Successor);
        }
        let unknown = |key: &&Hash| self.root_holder(key).is_none() && next.root_holder(key).is_none();
        if let Some(stranger) = signers.iter().find(unknown) {
            return Err(RosterError::NotRoot(*stranger));
        }
        self.quorum(signers, "before")?;
        if self.root_threshold != next.root_threshold || self.root_keys() != next.root_keys() {
            next.quorum(signers, "after")?;
        }
        Ok(())
    }

    /// Whether `signers` are a quorum of this roster's root keys: distinct people, not keys.
    ///
    /// # Errors
    /// [`RosterError::Quorum`] when they are not.
    pub fn quorum(&self, signers: &[Hash], which: &'static str) -> Result<(), RosterError> {
        let people: BTreeSet<_> =
            signers.iter().filter_map(|key| self.root_holder(key)).map(|p| &p.id).collect();
        if people.len() >= self.root_threshold as usize {
            Ok(())
        } else {
            Err(RosterError::Quorum { have: people.len(), need: self.root_threshold, which })
        }
    }

    fn root_holder(&self, key: &Hash) -> Option<&Person> {
        self.find(key).filter(|(_, key)| key.key_use == KeyUse::Root).map(|(person, _)| person)
    }

    fn root_keys(&self) -> BTreeSet<(Hash, &Token)> {
        self.keys()
            .filter(|(_, key)| key.key_use == KeyUse::Root)
            .map(|(person, key)| (key.public.keyid(), &person.id))
            .collect()
    }
}
