//! Public keys: one key, one encoding.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::EdwardsPoint;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{KeyError, SIGNATURE_LEN};
use crate::core::hash::Hash;

/// The DER of every Ed25519 `SubjectPublicKeyInfo` before its 32 key bytes (RFC 8410 §4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----\n";
const PEM_END: &str = "\n-----END PUBLIC KEY-----\n";

/// So many keys are remembered as sound, by each thread.
const REMEMBERED: usize = 1024;

thread_local! {
    /// Every roster repeats its keys, and seeing that a point has prime order costs two signatures' worth.
    static SOUND: RefCell<BTreeMap<[u8; 32], PublicKey>> = const { RefCell::new(BTreeMap::new()) };
}

/// An Ed25519 public key of prime order, in its canonical encoding.
///
/// In JSON it is the base64 of its 44-byte `SubjectPublicKeyInfo` DER.
#[derive(Clone)]
pub struct PublicKey {
    key: VerifyingKey,
    keyid: Hash,
}

impl PublicKey {
    /// Reads the 32 bytes of RFC 8032 §5.1.2.
    ///
    /// # Errors
    /// [`KeyError::NotCanonical`], or [`KeyError::Weak`] for a point with a small-order part: on such keys
    /// verifiers in the field disagree.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        SOUND.with_borrow_mut(|sound| {
            if let Some(key) = sound.get(bytes) {
                return Ok(key.clone());
            }
            let key = Self::read(bytes)?;
            if sound.len() >= REMEMBERED {
                sound.clear();
            }
            sound.insert(*bytes, key.clone());
            Ok(key)
        })
    }

    fn read(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotCanonical)?;
        let point = key.to_edwards();
        if point.compress().as_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        if key.is_weak() || !point.is_torsion_free() {
            return Err(KeyError::Weak);
        }
        Ok(Self::of(key))
    }

    pub(super) fn of(key: VerifyingKey) -> Self {
        let keyid = Hash::of(&[&SPKI_PREFIX, key.as_bytes()]);
        Self { key, keyid }
    }

    pub(super) fn point(&self) -> EdwardsPoint {
        self.key.to_edwards()
    }

    /// The 32 bytes of RFC 8032 §5.1.2.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// SHA-256 of the `SubjectPublicKeyInfo` DER.
    #[must_use]
    pub const fn keyid(&self) -> Hash {
        self.keyid
    }

    /// The 44-byte `SubjectPublicKeyInfo` DER (RFC 8410 §4).
    #[must_use]
    pub fn to_spki_der(&self) -> [u8; 44] {
        let mut der = [0; 44];
        let (prefix, key) = der.split_at_mut(SPKI_PREFIX.len());
        prefix.copy_from_slice(&SPKI_PREFIX);
        key.copy_from_slice(self.as_bytes());
        der
    }

    /// The base64 of the `SubjectPublicKeyInfo` DER: 60 characters.
    #[must_use]
    pub fn to_spki_base64(&self) -> String {
        STANDARD.encode(self.to_spki_der())
    }

    /// Reads what [`PublicKey::to_spki_base64`] writes, and nothing else.
    ///
    /// # Errors
    /// [`KeyError::PublicBase64`], or what [`PublicKey::from_bytes`] refuses.
    pub fn from_spki_base64(text: &str) -> Result<Self, KeyError> {
        let der = STANDARD.decode(text).map_err(|_| KeyError::PublicBase64)?;
        let key = der.strip_prefix(&SPKI_PREFIX).ok_or(KeyError::PublicBase64)?;
        Self::from_bytes(key.try_into().map_err(|_| KeyError::PublicBase64)?)
    }

    /// The PEM that `openssl pkey -pubout` writes (RFC 7468 §13), final newline included.
    #[must_use]
    pub fn to_spki_pem(&self) -> String {
        [PEM_BEGIN, &self.to_spki_base64(), PEM_END].concat()
    }

    /// Reads what [`PublicKey::to_spki_pem`] writes, and nothing else.
    ///
    /// # Errors
    /// [`KeyError::PublicPem`], or what [`PublicKey::from_bytes`] refuses.
    pub fn from_spki_pem(pem: &str) -> Result<Self, KeyError> {
        let body = pem.strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END));
        Self::from_spki_base64(body.ok_or(KeyError::PublicPem)?).map_err(|error| match error {
            KeyError::PublicBase64 => KeyError::PublicPem,
            other => other,
        })
    }

    /// Whether `signature` is this key's over `message`: RFC 8032 §5.1.7 without cofactor, with s below L,
    /// canonical R, and no small-order R.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for PublicKey {}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.keyid)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_spki_base64())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_spki_base64(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
