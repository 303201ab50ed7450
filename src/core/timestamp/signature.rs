//! Digests and signatures, by object identifier. One provider computes them all: *ring*, through webpki.

use der::asn1::ObjectIdentifier;
use pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, alg_id};
use ring::digest;
use webpki::{Error, RawPublicKeyEntity, ring as algorithms};

use super::request::SHA_256;

const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");

/// Bytes of a modulus of 2048 bits: shorter keys are not supported, which is no word about their signatures.
const RSA_2048: usize = 256;

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// A hash function that a token may be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    pub fn by_oid(oid: &[u8]) -> Option<Self> {
        [(SHA_256, Self::Sha256), (SHA_384, Self::Sha384), (SHA_512, Self::Sha512)]
            .into_iter()
            .find_map(|(known, digest)| (known.as_bytes() == oid).then_some(digest))
    }

    pub fn of(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }

    /// What a signature of that algorithm over this digest may be by.
    fn signed(self, algorithm: &[u8]) -> Vec<Algorithm> {
        let is = |oid: ObjectIdentifier| oid.as_bytes() == algorithm;
        match self {
            Self::Sha256 if is(RSA) || is(RSA_SHA_256) => vec![algorithms::RSA_PKCS1_2048_8192_SHA256],
            Self::Sha384 if is(RSA) || is(RSA_SHA_384) => vec![algorithms::RSA_PKCS1_2048_8192_SHA384],
            Self::Sha512 if is(RSA) || is(RSA_SHA_512) => vec![algorithms::RSA_PKCS1_2048_8192_SHA512],
            Self::Sha256 if is(ECDSA_SHA_256) => {
                vec![algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256]
            }
            Self::Sha384 if is(ECDSA_SHA_384) => {
                vec![algorithms::ECDSA_P256_SHA384, algorithms::ECDSA_P384_SHA384]
            }
            _ => Vec::new(),
        }
    }
}

/// The SHA-1 by which older tokens name their certificate (RFC 2634 section 5.4). Nothing else rests on it: that
/// certificate's key has signed the token all the same.
pub(super) fn sha_1(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)
}

pub(super) fn is_sha_1(oid: &[u8]) -> bool {
    oid == SHA_1.as_bytes()
}

/// Whether the key signed the message: `None` where this version has no way to tell.
pub(super) fn verify(
    spki: &[u8],
    digest: Digest,
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    by_any(spki, &digest.signed(algorithm), message, signature)
}

/// The same for a certificate, whose algorithm is the inside of an AlgorithmIdentifier.
pub(super) fn verify_certificate(
    spki: &[u8],
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let known = webpki::ALL_VERIFICATION_ALGS.iter().copied();
    let fitting: Vec<_> = known.filter(|known| known.signature_alg_id().as_ref() == algorithm).collect();
    by_any(spki, &fitting, message, signature)
}

fn by_any(spki: &[u8], algorithms: &[Algorithm], message: &[u8], signature: &[u8]) -> Option<bool> {
    let spki = SubjectPublicKeyInfoDer::from(spki);
    let key = RawPublicKeyEntity::try_from(&spki).ok()?;
    let weak = |algorithm: &Algorithm| {
        algorithm.public_key_alg_id() == alg_id::RSA_ENCRYPTION && spki.as_ref().len() < RSA_2048
    };
    algorithms.iter().filter(|algorithm| !weak(algorithm)).find_map(|algorithm| {
        match key.verify_signature(*algorithm, message, signature) {
            Ok(()) => Some(true),
            Err(Error::InvalidSignatureForPublicKey) => Some(false),
            Err(_) => None,
        }
    })
}
