//! DSSE envelopes: the signed statement as other tools understand it (DSSE v1, in-toto).

use serde::{Deserialize, Serialize};

use super::hash::Hash;

/// The one payload type of this format.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A DSSE envelope: the payload in base64 and one signature for each signer.
///
/// Member order is the canonical one, so that serialising it gives JCS bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// The statement's bytes, base64 (RFC 4648 section 4, padded, spare bits zero).
    pub payload: String,
    /// Always [`PAYLOAD_TYPE`].
    pub payload_type: String,
    /// In the order of the statement's signers, distinct.
    pub signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// SHA-256 of the signer's SubjectPublicKeyInfo DER.
    pub keyid: Hash,
    /// The 64 bytes of an Ed25519 signature, base64.
    pub sig: String,
}

/// Base64 that is not in the standard alphabet, padded, with spare bits zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not standard padded base64")]
pub struct Base64Error;

/// Encodes with the standard alphabet, padded.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Decodes the standard alphabet, padded, spare bits zero; nothing else.
///
/// # Errors
/// [`Base64Error`] on any other text.
pub fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| Base64Error)
}

/// Decodes a signature's 64 bytes.
///
/// # Errors
/// [`Base64Error`] when it is not base64 of exactly 64 bytes.
pub fn decode_signature(text: &str) -> Result<[u8; 64], Base64Error> {
    if text.len() != 88 {
        return Err(Base64Error);
    }
    decode(text)?.try_into().map_err(|_| Base64Error)
}

/// DSSE v1 pre-authentication encoding: the bytes that are signed.
#[must_use]
pub fn pae(payload: &[u8]) -> Vec<u8> {
    let length = payload.len().to_string();
    let parts: [&[u8]; 6] = [b"DSSEv1 28 ", PAYLOAD_TYPE.as_bytes(), b" ", length.as_bytes(), b" ", payload];
    parts.concat()
}
