//! What an authority is asked (RFC 3161 section 2.4.1).

use der::asn1::ObjectIdentifier;

use super::asn1::element;
use crate::core::hash::Hash;

/// Bytes of a nonce.
pub const NONCE_LEN: usize = 16;

pub(super) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// A `TimeStampReq` for this imprint, in DER, that asks for the certificates too.
#[must_use]
pub fn request(imprint: &Hash, nonce: &[u8; NONCE_LEN]) -> Vec<u8> {
    let algorithm = element(0x30, &[&element(0x06, &[SHA_256.as_bytes()]), &element(0x05, &[])]);
    let message = element(0x30, &[&algorithm, &element(0x04, &[imprint.as_bytes()])]);
    let version = element(0x02, &[&[1]]);
    let cert_req = element(0x01, &[&[0xff]]);
    element(0x30, &[&version, &message, &element(0x02, &[&integer(nonce)]), &cert_req])
}

/// The value of a DER INTEGER that is not negative.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut value = bytes[start..].to_vec();
    if value.first().is_none_or(|byte| *byte >= 0x80) {
        value.insert(0, 0);
    }
    value
}
