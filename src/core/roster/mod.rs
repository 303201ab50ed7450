//! Roster: who may do what, and with which keys.

mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use rules::RosterError;

use super::hash::Hash;
use super::jcs;
use super::keys::PublicKey;
use super::name::Token;

/// The role of root keys; it is no role of the roster and signs governance only.
pub const ROOT: &str = "root";
/// Decides, opens and closes deployments.
pub const LEAD_DEPLOYER: &str = "lead-deployer";
/// Speaks to the channel and the stakeholders.
pub const COMMS_LEAD: &str = "comms-lead";
/// Verifies the release.
pub const QA_ENGINEER: &str = "qa-engineer";
/// May erase openings.
pub const CUSTODIAN: &str = "custodian";
/// The one role of machines: records facts.
pub const RECORDER: &str = "recorder";

/// A roster; its identity is the SHA-256 of its canonical bytes ([`Roster::hash`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Roster {
    /// The origin of the log that it governs.
    pub log: String,
    /// Log keys as C2SP vkeys: they sign checkpoints and nothing else.
    pub log_keys: Vec<String>,
    /// Everybody, people and machines.
    pub people: Vec<Person>,
    /// SHA-256 of the roster before; absent in the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// The roles and how many distinct people must sign in each.
    pub roles: BTreeMap<Token, RoleRule>,
    /// How many distinct people's root keys a change needs.
    pub root_threshold: u32,
    /// Pairs of roles that one person may not hold in the same deployment.
    pub separate: Vec<(Token, Token)>,
    /// Counts from 1.
    pub version: u64,
    /// A C2SP witness policy; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness_policy: Option<String>,
}

/// One person or machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// A pseudonym; the name is an opening.
    pub id: Token,
    /// Their keys.
    pub keys: Vec<RosterKey>,
    /// Person or machine.
    pub kind: PersonKind,
    /// The roles that they may be assigned.
    pub roles: Vec<Token>,
}

impl Person {
    /// Their newest key of this use.
    #[must_use]
    pub fn key(&self, key_use: KeyUse) -> Option<&RosterKey> {
        self.keys.iter().rev().find(|key| key.key_use == key_use)
    }
}

/// Person or machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonKind {
    /// Somebody who can be asked.
    Person,
    /// A pipeline or a watcher: records facts, never decides.
    Machine,
}

/// A key on the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RosterKey {
    /// Who made it, where its holder did not: that person could sign as the holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<Token>,
    /// The key's own signature over [`proof_message`], base64.
    pub proof: String,
    /// SubjectPublicKeyInfo DER, base64.
    pub public: PublicKey,
    /// Governance or daily work.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyUse {
    /// Rosters, and nothing else.
    Root,
    /// Everything that its holder's roles allow.
    Role,
}

/// How many must sign in a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleRule {
    /// Distinct people, at least 1.
    pub threshold: u32,
}

/// What a key signs to prove that its holder has it: `aether-audit key proof v1`, the log's origin,
/// the person's id and the use, one a line, each line ended by a newline.
#[must_use]
pub fn proof_message(log: &str, person: &Token, key_use: KeyUse) -> Vec<u8> {
    let key_use = match key_use {
        KeyUse::Root => "root",
        KeyUse::Role => "role",
    };
    format!("aether-audit key proof v1\n{log}\n{person}\n{key_use}\n").into_bytes()
}

impl Roster {
    /// SHA-256 of the canonical bytes.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&[self.to_bytes().as_bytes()])
    }

    /// The canonical bytes. A roster holds nothing that JCS could refuse.
    #[must_use]
    pub fn to_bytes(&self) -> String {
        jcs::to_string(self).unwrap_or_default()
    }

    /// The holder of a key, and the key.
    #[must_use]
    pub fn find(&self, keyid: &Hash) -> Option<(&Person, &RosterKey)> {
        self.people.iter().find_map(|person| {
            person.keys.iter().find(|key| key.public.keyid() == *keyid).map(|key| (person, key))
        })
    }

    /// A person by id.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == *id)
    }

    /// Everybody's keys.
    pub fn keys(&self) -> impl Iterator<Item = (&Person, &RosterKey)> {
        self.people.iter().flat_map(|person| person.keys.iter().map(move |key| (person, key)))
    }

    /// Whether two roles must be held by different people.
    #[must_use]
    pub fn must_be_separate(&self, a: &str, b: &str) -> bool {
        self.separate.iter().any(|(x, y)| (*x == *a && *y == *b) || (*x == *b && *y == *a))
    }

    /// How many distinct people must sign in a role; 1 where the roster does not say.
    #[must_use]
    pub fn threshold(&self, role: &str) -> u32 {
        self.roles.get(role).map_or(1, |rule| rule.threshold)
    }

    /// The roster that a `key-rotated` leaves: the key replaced in place.
    /// `None` when the person does not hold the old key.
    #[must_use]
    pub fn rotated(&self, person: &Token, old: &Hash, new: &RosterKey) -> Option<Self> {
        self.with_key_changed(person, old, |key| {
            *key = new.clone();
            true
        })
    }

    /// The roster that a `key-revoked` leaves: without the key.
    /// `None` when the person does not hold it.
    #[must_use]
    pub fn revoked(&self, person: &Token, key: &Hash) -> Option<Self> {
        self.with_key_changed(person, key, |_| false)
    }

    fn with_key_changed(
        &self,
        id: &Token,
        old: &Hash,
        change: impl FnOnce(&mut RosterKey) -> bool,
    ) -> Option<Self> {
        let mut next = self.successor();
        let person = next.people.iter_mut().find(|person| person.id == *id)?;
        let at = person.keys.iter().position(|key| key.public.keyid() == *old)?;
        if !change(&mut person.keys[at]) {
            person.keys.remove(at);
        }
        Some(next)
    }

    /// A copy that follows this one: version and `previous` set, nothing else changed.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self { version: self.version + 1, previous: Some(self.hash()), ..self.clone() }
    }
}
