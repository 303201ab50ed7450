//! Note verifier keys: `<name>+<key id, 8 hex>+<base64 of type ‖ key>`, as Go's `sumdb/note` writes them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::note::valid_key_name;
use crate::core::hash::Hash;
use crate::core::keys::{KeyError, PublicKey};

/// Signature type of Ed25519 (C2SP signed-note, "Signature types").
const ED25519: u8 = 0x01;
const COSIGNATURE: u8 = 0x04;

/// Why a verifier key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VkeyError {
    /// Not three parts, or one of them in another spelling.
    #[error("not a verifier key: write <name>+<8 lower-case hex digits>+<base64>")]
    Form,
    /// The name is empty or has white space, a plus sign or a control character.
    #[error("the verifier key's name is empty or has white space, a plus sign or a control character")]
    Name,
    /// Another signature type than Ed25519.
    #[error("the verifier key is of signature type {0:#04x}: it takes 0x01 for a log, 0x04 for a witness")]
    Type(u8),
    /// The key id is not that of this name and key.
    #[error("the verifier key's id does not belong to its name and key: copy the whole line again")]
    Id,
    /// The Ed25519 key itself.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The key id of C2SP signed-note: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key).
#[must_use]
pub fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    typed_id(ED25519, name, key)
}

fn typed_id(signature_type: u8, name: &str, key: &PublicKey) -> [u8; 4] {
    let Hash([a, b, c, d, ..]) = Hash::of(&[name.as_bytes(), b"\n", &[signature_type], key.as_bytes()]);
    [a, b, c, d]
}

/// A log's key: signature type 0x01.
pub type Vkey = TypedKey<ED25519>;
/// A witness's key: signature type 0x04, timestamped cosignatures (C2SP tlog-cosignature).
pub type CosignerKey = TypedKey<COSIGNATURE>;

/// An Ed25519 key with the name under which it signs notes of one signature type. In JSON it is its one-line text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypedKey<const TYPE: u8> {
    name: String,
    id: [u8; 4],
    key: PublicKey,
}

impl<const TYPE: u8> TypedKey<TYPE> {
    /// Names `key`. A log key's name is its log's origin.
    ///
    /// # Errors
    /// [`VkeyError::Name`].
    pub fn new(name: &str, key: PublicKey) -> Result<Self, VkeyError> {
        if valid_key_name(name) {
            Ok(Self { name: name.to_owned(), id: typed_id(TYPE, name, &key), key })
        } else {
            Err(VkeyError::Name)
        }
    }

    /// The name in the signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id in the signature lines.
    #[must_use]
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Reads what `Display` writes, and nothing else.
    ///
    /// # Errors
    /// [`VkeyError`], saying which part.
    pub fn parse(text: &str) -> Result<Self, VkeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VkeyError::Form);
        };
        let bytes = STANDARD.decode(key).map_err(|_| VkeyError::Form)?;
        let key = match bytes.split_first() {
            Some((&found, key)) if found == TYPE => key.try_into().map_err(|_| VkeyError::Form)?,
            Some((&other, _)) => return Err(VkeyError::Type(other)),
            None => return Err(VkeyError::Form),
        };
        let vkey = Self::new(name, PublicKey::from_bytes(key)?)?;
        let mut stated = [0; 4];
        let stated = base16ct::lower::decode(id, &mut stated).map_err(|_| VkeyError::Form)?;
        if stated == vkey.id { Ok(vkey) } else { Err(VkeyError::Id) }
    }
}

impl<const TYPE: u8> fmt::Display for TypedKey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[TYPE], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, base16ct::lower::encode_string(&self.id), STANDARD.encode(key))
    }
}

impl<const TYPE: u8> FromStr for TypedKey<TYPE> {
    type Err = VkeyError;

    fn from_str(text: &str) -> Result<Self, VkeyError> {
        Self::parse(text)
    }
}

impl<const TYPE: u8> Serialize for TypedKey<TYPE> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const TYPE: u8> Deserialize<'de> for TypedKey<TYPE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
