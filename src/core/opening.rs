//! Openings: what may one day have to go stands outside the statement, under a commitment.

use serde::{Deserialize, Serialize};

/// What a statement carries in place of the opened bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpeningRef {
    /// SHA-256 of salt ‖ bytes.
    pub commit: crate::core::hash::Hash,
    /// What the bytes are, such as `text/plain`.
    pub media_type: String,
}
