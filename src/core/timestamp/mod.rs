//! Time-stamp tokens (RFC 3161): an authority's signed word that a checkpoint was there at a time.
//!
//! The imprint is the SHA-256 of the checkpoint's *text*, its three lines: the log's origin, size and root.
//! Signatures on the note may come and go without touching it, and whoever has the log can make the text anew.
//!
//! Bytes in, verdict out. Of what a token holds unsigned, only the one form that says nothing more is accepted,
//! so that nothing can be added, and what it states and
//! who signed it cannot be altered unseen. Two encodings of the same remain: algorithm parameters that are absent or
//! NULL, and an ECDSA signature (r, s) as (r, n − s), which X9.62 takes for as good. Not looked at: whether a certificate was revoked.

mod asn1;
mod certificate;
mod reply;
mod request;
mod roots;
mod signature;
mod token;

pub use certificate::valid_until;
pub use reply::{Answered, ReplyError, accept};
pub use request::{NONCE_LEN, request};
pub use roots::{RootsError, TsaRoots, Untrusted};
pub use token::{Token, TokenError};

use super::hash::Hash;

/// The imprint of a checkpoint's text.
#[must_use]
pub fn imprint(text: &str) -> Hash {
    Hash::of(&[text.as_bytes()])
}

/// Most bytes of a token that are read.
pub const TOKEN_MAX: usize = 64 * 1024;

/// A token as it stands beside the entries, not looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// The file's name.
    pub name: String,
    /// A `TimeStampResp`, or anything.
    pub bytes: Vec<u8>,
}

impl StoredToken {
    /// How many entries the checkpoint has that it is said to be over: the name is `<size>.tsr`.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        let size = self.name.strip_suffix(".tsr")?.parse().ok()?;
        (file_name(size) == self.name).then_some(size)
    }
}

/// The name of the file with the token over the checkpoint of `size` entries.
#[must_use]
pub fn file_name(size: u64) -> String {
    format!("{size}.tsr")
}
