//! Bodies of sign-offs.

use serde::{Deserialize, Serialize};

use crate::core::hash::Hash;
use crate::core::name::{Id, Token};
use crate::core::opening::OpeningRef;

/// Body of `item-signed`: binds the checklist and the item.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemSigned {
    /// The commit of the checklist's text.
    pub checklist: Hash,
    /// The item's id in that checklist.
    pub item: Token,
    /// What the signer adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<OpeningRef>,
    /// What the signer says of the item.
    pub outcome: SignOutcome,
    /// Why it is not applicable, or how it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<OpeningRef>,
}

/// What a sign-off says of its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignOutcome {
    /// Done.
    Done,
    /// Not applicable to this deployment.
    Na,
    /// Tried and not achieved.
    Failed,
}

/// Body of `item-withdrawn`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemWithdrawn {
    /// The item.
    pub item: Token,
    /// Why.
    pub reason: OpeningRef,
    /// The id of the sign-off's statement.
    pub statement: Id,
}
