//! What every part of the report is made of: texts that may be erased, places in the log, signatures.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::core::hash::Hash;
use crate::core::name::{Id, Token};
use crate::core::time::Timestamp;
use crate::report::words;

/// A text that people wrote, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Text {
    /// Its exact text.
    Shown {
        /// SHA-256(salt ‖ bytes).
        commit: Hash,
        /// Exactly as written.
        text: String,
    },
    /// Not text: the bytes are in the opening.
    Binary {
        /// SHA-256(salt ‖ bytes).
        commit: Hash,
        /// How many.
        bytes: u64,
    },
    /// Erased by an event that says so.
    Erased {
        /// SHA-256(salt ‖ bytes).
        commit: Hash,
        /// Who erased it.
        by: String,
        /// When that was recorded.
        at: Timestamp,
        /// Why.
        why: String,
        /// The entry that says so.
        seq: u64,
    },
    /// Gone, and no event says why.
    Missing {
        /// SHA-256(salt ‖ bytes).
        commit: Hash,
    },
}

impl Text {
    /// The text itself, or in brackets what became of it.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Shown { text, .. } => Cow::Borrowed(text),
            Self::Binary { commit, bytes } => Cow::Owned(format!(
                "[{} that are no text, opening {commit}]",
                words::count(*bytes, "byte", "bytes")
            )),
            Self::Erased { by, at, why, seq, .. } => {
                Cow::Owned(format!("[erased on {} by {by}: {why} (entry {seq})]", at.human()))
            }
            Self::Missing { commit } => {
                Cow::Owned(format!("[missing: no event erased the opening {commit}]"))
            }
        }
    }

    /// The same on one line and cut, for where the whole stands elsewhere.
    #[must_use]
    pub fn short(&self) -> String {
        words::short(&self.shown())
    }

    /// Whether it is there as text.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        matches!(self, Self::Shown { .. })
    }
}

/// Bytes that the record keeps beside the log and the report does not repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Held {
    /// SHA-256(salt ‖ bytes): the name of its file in an export.
    pub commit: Hash,
    /// Its media type.
    pub media_type: String,
    /// Present when it was erased: when, by whom and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<String>,
}

/// Where and when an event stands, and who signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Place {
    /// The entry.
    pub seq: u64,
    /// The statement's id.
    pub statement: Id,
    /// The writer's clock.
    pub recorded: Timestamp,
    /// The signer's clock.
    pub signed: Timestamp,
    /// Seconds from signing to recording; present when they are more than 120 apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<i64>,
    /// Seconds from the cutover, negative before it; absent without a cutover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_cutover_seconds: Option<i64>,
    /// Who signed, in the order of the signatures.
    pub by: Vec<Signature>,
    /// Whether the verifier found that its signers did not rightly say this here: nothing is judged by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_verified: bool,
}

impl Place {
    /// `T−01:12:05`, or nothing without a cutover.
    #[must_use]
    pub fn relative(&self) -> String {
        self.since_cutover_seconds.map(words::relative).unwrap_or_default()
    }

    /// The delay between signing and recording in words, where it is to be shown.
    #[must_use]
    pub fn delay(&self) -> Option<String> {
        self.delay_seconds.map(|seconds| {
            let (signed, apart) = (self.signed.human(), words::duration(seconds.abs()));
            let direction = if seconds < 0 { "after" } else { "before" };
            format!("signed {signed}, {apart} {direction} it was recorded")
        })
    }

    /// Who signed, for people: `alice (lead-deployer)`, and first of all whether that is not so.
    #[must_use]
    pub fn signers(&self) -> String {
        let by =
            self.by.iter().map(|s| format!("{} ({})", s.person, s.role)).collect::<Vec<_>>().join(" and ");
        let by = if by.is_empty() { "a key that is on no roster".into() } else { by };
        if self.not_verified { format!("NOT VERIFIED: {by}") } else { by }
    }

    /// The short ids of the keys, for people.
    #[must_use]
    pub fn keys(&self) -> String {
        self.by.iter().map(|s| s.key.short()).collect::<Vec<_>>().join(", ")
    }

    /// Whether a machine signed.
    #[must_use]
    pub fn machine(&self) -> bool {
        self.by.iter().any(|s| s.machine)
    }
}

/// Who signed, in which role, with which key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signature {
    /// The person or machine.
    pub person: Token,
    /// The role.
    pub role: Token,
    /// The key's id.
    pub key: Hash,
    /// Whether it is a machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machine: bool,
}
