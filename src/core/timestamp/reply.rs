//! What an authority answers (RFC 3161 section 2.4.2), on the way from the network to the one form that is kept.

use der::Tag;

use super::TOKEN_MAX;
use super::asn1::{Elements, Malformed, element, only};
use super::request::{NONCE_LEN, integer};
use super::token::{Token, TokenError};

/// PKIStatus granted and granted with modifications.
const GRANTED: [&[u8]; 2] = [&[0], &[1]];

/// An answer that fits what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The `TimeStampResp` to keep: status granted, nothing beside it, and the token's bytes as they came.
    pub kept: Vec<u8>,
    /// What the authority says of itself and of the time.
    pub said: String,
}

/// Why an answer is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Not DER, or not this structure.
    #[error(
        "the answer is no time-stamp reply (RFC 3161): {0}; is this the URL of a time-stamping authority?"
    )]
    Malformed(&'static str),
    /// It refuses.
    #[error("the authority refuses with status {status}{}", said(words))]
    Refused {
        /// PKIStatus, from 2.
        status: u8,
        /// What it says to that.
        words: String,
    },
    /// The token in it is of no use.
    #[error("the authority's token: {0}")]
    Token(#[from] TokenError),
    /// It is over something else.
    #[error("the authority's token is over other bytes than those that it was asked to stamp")]
    Imprint,
    /// An older answer, or somebody else's.
    #[error("the authority's token does not bear the nonce that was asked for: it may be an older one")]
    Nonce,
}

impl From<Malformed> for ReplyError {
    fn from(Malformed(place): Malformed) -> Self {
        Self::Malformed(place)
    }
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words:?}") }
}

/// Takes an answer to [`super::request`] for `text` and `nonce`, if its token is over that text, bears the nonce, and is
/// rightly signed by the certificate it brings. Whether that certificate is to be trusted is another question.
///
/// # Errors
/// [`ReplyError`].
pub fn accept(reply: &[u8], text: &str, nonce: &[u8; NONCE_LEN]) -> Result<Answered, ReplyError> {
    if reply.len() > TOKEN_MAX {
        return Err(ReplyError::Malformed("it is too large"));
    }
    let mut outer = only(reply, Tag::Sequence, "TimeStampResp")?;
    let status = outer.take(Tag::Sequence)?.inside("its status");
    granted(status)?;
    let token = outer.take(Tag::Sequence)?;
    outer.end()?;
    let kept = element(0x30, &[&element(0x30, &[&element(0x02, &[GRANTED[0]])]), token.raw]);
    let token = Token::open(&kept)?;
    if !token.is_over(text) {
        return Err(ReplyError::Imprint);
    }
    if token.nonce() != Some(integer(nonce).as_slice()) {
        return Err(ReplyError::Nonce);
    }
    let said = format!("{:?} states {}", token.signer_name(), token.time().human());
    Ok(Answered { kept, said })
}

fn granted(mut status: Elements) -> Result<(), ReplyError> {
    let number = status.take(Tag::Integer)?.value;
    if GRANTED.contains(&number) {
        return Ok(());
    }
    let mut words = String::new();
    if let Some(free) = status.take_if(Tag::Sequence)? {
        let mut free = free.inside("its status");
        while let Some(text) = free.take_if(Tag::Utf8String)? {
            words.push_str(&String::from_utf8_lossy(text.value));
        }
    }
    words.truncate(words.floor_char_boundary(200));
    let &[status] = number else { return Err(ReplyError::Malformed("its status")) };
    Err(ReplyError::Refused { status, words })
}
