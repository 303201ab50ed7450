//! Who took part, who controls the roster, how keys are kept, and whether duties were kept apart.

use serde::{Deserialize, Serialize};

use super::Text;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::roster::{KeyUse, PersonKind};

/// Somebody who held a role or signed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Participant {
    /// Their id on the roster.
    pub id: Token,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Person or machine; absent for somebody who is on no roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PersonKind>,
    /// The roles that they held in this deployment.
    pub roles: Vec<RoleHeld>,
    /// Their keys as far as they signed here or hold them for daily work.
    pub keys: Vec<Key>,
    /// How many events of this deployment they signed.
    pub signed: u64,
}

impl Participant {
    /// Whether it is a machine.
    #[must_use]
    pub fn machine(&self) -> bool {
        self.kind == Some(PersonKind::Machine)
    }
}

/// A role that somebody held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleHeld {
    /// The role.
    pub role: Token,
    /// From this entry on.
    pub from: u64,
    /// Up to and without this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// A key and how it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// SHA-256 of the key's `SubjectPublicKeyInfo` DER.
    pub keyid: Hash,
    /// `root` or `role`.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// Whether it is in force.
    pub state: KeyState,
    /// Who made it, where its holder did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<Token>,
    /// From which entry on it is suspect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect_from: Option<u64>,
}

/// Whether a key is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// On the roster.
    InForce,
    /// Rotated into another.
    Superseded,
    /// Taken off the roster.
    Revoked,
    /// What it signed from some entry on may be somebody else's.
    Suspect,
}

impl KeyState {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Superseded => "rotated later",
            Self::Revoked => "revoked",
            Self::Suspect => "suspect",
        }
    }
}

/// Who controls the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    /// SHA-256 of the first roster.
    pub first_roster: Hash,
    /// SHA-256 of the roster in force when the deployment was opened.
    pub roster: Hash,
    /// Its version.
    pub roster_version: u64,
    /// How many distinct people's root keys a change needed.
    pub root_threshold: u32,
    /// Who held root keys.
    pub root_holders: Vec<RootHolder>,
    /// Changes of the roster while the deployment was open.
    pub changes: Vec<RosterChange>,
    /// Keys that somebody else than their holder made.
    pub custody: Vec<Custody>,
}

/// A holder of a root key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RootHolder {
    /// Who.
    pub person: Token,
    /// With which key.
    pub keyid: Hash,
}

/// A change of the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RosterChange {
    /// The entry.
    pub seq: u64,
    /// The kind of event.
    pub kind: String,
    /// The version that it brought.
    pub version: u64,
    /// Its SHA-256.
    pub roster: Hash,
    /// Whose keys signed it.
    pub by: Vec<Token>,
    /// What changed, in words.
    pub text: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// A key that its holder did not make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Custody {
    /// The holder.
    pub person: Token,
    /// Who made the key, and could sign as the holder.
    pub made_by: Token,
    /// The key.
    pub keyid: Hash,
    /// `root` or `role`.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
}

/// Whether duties were kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Separation {
    /// True when every rule was kept and there is at least one.
    pub kept: bool,
    /// One sentence.
    pub sentence: String,
    /// The rules of the roster.
    pub rules: Vec<SeparationRule>,
}

/// Two roles that one person may not hold in the same deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeparationRule {
    /// One role.
    pub a: Token,
    /// The other.
    pub b: Token,
    /// Who held or signed in the one.
    pub held_a: Vec<Token>,
    /// Who held or signed in the other.
    pub held_b: Vec<Token>,
    /// Who did both.
    pub both: Vec<Token>,
}
