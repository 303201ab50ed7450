//! Bodies about the log itself: who is on the roster, with which keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::opening::OpeningRef;
use crate::core::roster::{Roster, RosterKey};
use crate::core::strict;

/// Body of `ledger-opened`, which stands only in entry 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LedgerOpened {
    /// People's real names by person id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "strict::filled")]
    pub names: BTreeMap<Token, OpeningRef>,
    /// Present and true in a rehearsal's log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not", deserialize_with = "strict::stated")]
    pub rehearsal: bool,
    /// The first roster; its SHA-256 is what an auditor is handed.
    pub roster: Roster,
}

/// Body of `roster-changed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RosterChanged {
    /// Real names of people that this roster brings on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "strict::filled")]
    pub names: BTreeMap<Token, OpeningRef>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<OpeningRef>,
    /// The roster in force from the next entry.
    pub roster: Roster,
}

/// Body of `key-rotated`. The roster after it is the one before with the old key replaced in place,
/// `version` one higher and `previous` the hash of the one before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRotated {
    /// The key that takes over, with its proof.
    pub new: RosterKey,
    /// The key that goes.
    pub old: Hash,
    /// Whose keys they are.
    pub person: Token,
}

/// Body of `key-revoked`. The roster after it is the one before without the key, `version` one
/// higher and `previous` the hash of the one before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRevoked {
    /// What the key signed at or after this entry is suspect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compromised_from_seq: Option<u64>,
    /// The key that goes.
    pub key: Hash,
    /// Whose key it is.
    pub person: Token,
    /// Why.
    pub reason: OpeningRef,
}
