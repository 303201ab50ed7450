//! Private keys: zeroised on drop, never printed, stored encrypted.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::{LineEnding, PemLabel as _};
use pkcs8::der::{Decode as _, Reader as _, SecretDocument, SliceReader};
use pkcs8::pkcs5::pbes2::{self, Kdf};
use pkcs8::pkcs5::{self, AlgorithmIdentifierRef, EncryptionScheme, scrypt};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::{KeyError, PublicKey, SIGNATURE_LEN};

/// The DER of every Ed25519 PKCS#8 v1 `PrivateKeyInfo` before its 32-byte seed (RFC 8410 §7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// scrypt for new files: N = 2^14, r = 8, p = 1, which OpenSSL 3.0 reads within its memory limit.
const LOG_N: u8 = 14;
const R: u32 = 8;
const P: u32 = 1;

/// The most that a file may ask of scrypt: 256 MiB.
const MAX_N: u64 = 1 << 17;
const MAX_R: u16 = 16;
const MAX_P: u16 = 4;

/// An Ed25519 private key. Its memory is zeroised on drop.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// From the 32-byte seed of RFC 8032 §5.1.5, which the caller draws from the operating system.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::of(self.0.verifying_key())
    }

    /// This key, once it is known to be the private half of `public`.
    ///
    /// # Errors
    /// [`KeyError::OtherKey`].
    pub fn belonging_to(self, public: &PublicKey) -> Result<Self, KeyError> {
        if self.public() == *public { Ok(self) } else { Err(KeyError::OtherKey) }
    }

    /// Signs `message` (RFC 8032 §5.1.6).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(message).to_bytes()
    }

    /// PKCS#8 v1 (without the public key) as PEM, encrypted by PBES2 (RFC 8018 §6.2) with scrypt N=2^14,
    /// r=8, p=1 and AES-256-CBC. `salt` and `iv` are random, and new for each file.
    ///
    /// # Errors
    /// [`KeyError::Encrypt`] when the encoder or the cipher fails; no input is known to cause it.
    pub fn to_encrypted_pem(
        &self,
        passphrase: &[u8],
        salt: [u8; 16],
        iv: [u8; 16],
    ) -> Result<Zeroizing<String>, KeyError> {
        let params = scrypt::Params::new(LOG_N, R, P).map_err(|_| KeyError::Encrypt)?;
        let scheme =
            pbes2::Parameters::generate_scrypt_aes256cbc(params, &salt, iv).map_err(|_| KeyError::Encrypt)?;
        let mut der = Zeroizing::new([0; 48]);
        let (prefix, seed) = der.split_at_mut(PKCS8_PREFIX.len());
        prefix.copy_from_slice(&PKCS8_PREFIX);
        seed.copy_from_slice(self.0.as_bytes());
        PrivateKeyInfoRef::from_der(der.as_slice())
            .map_err(|_| KeyError::Encrypt)?
            .encrypt_with_params(scheme, passphrase)
            .and_then(|document| Ok(document.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)?))
            .map_err(|_| KeyError::Encrypt)
    }

    /// Reads an encrypted private key: PBES2 with scrypt (at most N=2^17, r=16, p=4) and AES-256-CBC
    /// around PKCS#8 v1.
    ///
    /// CBC has no integrity and v1 has no public key: a file damaged in the right place reads as another
    /// key. Hence follow with [`SecretKey::belonging_to`].
    ///
    /// # Errors
    /// Each cause has its own [`KeyError`]: [`KeyError::Malformed`], [`KeyError::NotEncrypted`],
    /// [`KeyError::Scheme`], [`KeyError::TooCostly`], [`KeyError::Passphrase`], [`KeyError::NotEd25519`].
    pub fn from_encrypted_pem(pem: &str, passphrase: &[u8]) -> Result<Self, KeyError> {
        let document = read_pem(pem, EncryptedPrivateKeyInfoRef::PEM_LABEL, KeyError::NotEncrypted)?;
        let info = EncryptedPrivateKeyInfoRef::from_der(document.as_bytes())
            .map_err(|_| unreadable(document.as_bytes()))?;
        check_scheme(&info.encryption_algorithm)?;
        let der = info
            .encryption_algorithm
            .decrypt(passphrase, info.encrypted_data.as_bytes())
            .map(Zeroizing::new)
            .map_err(|error| match error {
                pkcs5::Error::DecryptFailed => KeyError::Passphrase,
                _ => KeyError::Malformed,
            })?;
        Self::from_pkcs8_der(&der).ok_or_else(|| {
            let readable = PrivateKeyInfoRef::from_der(&der).is_ok();
            if readable { KeyError::NotEd25519 } else { KeyError::Passphrase }
        })
    }

    /// Reads a private key without encryption, as a build machine gets it from a secret variable.
    ///
    /// # Errors
    /// [`KeyError::Encrypted`], [`KeyError::NotEd25519`] or [`KeyError::Malformed`].
    pub fn from_pem_unencrypted(pem: &str) -> Result<Self, KeyError> {
        let document = read_pem(pem, PrivateKeyInfoRef::PEM_LABEL, KeyError::Encrypted)?;
        Self::from_pkcs8_der(document.as_bytes()).ok_or_else(|| {
            let readable = PrivateKeyInfoRef::from_der(document.as_bytes()).is_ok();
            if readable { KeyError::NotEd25519 } else { KeyError::Malformed }
        })
    }

    fn from_pkcs8_der(der: &[u8]) -> Option<Self> {
        Some(Self::from_seed(der.strip_prefix(&PKCS8_PREFIX)?.try_into().ok()?))
    }
}

/// The DER under `label`; `other_kind` when it is a private key under the other label.
fn read_pem(pem: &str, label: &str, other_kind: KeyError) -> Result<SecretDocument, KeyError> {
    let (found, document) = SecretDocument::from_pem(pem).map_err(|_| KeyError::Malformed)?;
    if found == label {
        Ok(document)
    } else if [PrivateKeyInfoRef::PEM_LABEL, EncryptedPrivateKeyInfoRef::PEM_LABEL].contains(&found) {
        Err(other_kind)
    } else {
        Err(KeyError::Malformed)
    }
}

/// Why an `EncryptedPrivateKeyInfo` (RFC 5958 §3) could not be read: a foreign cipher, or no such structure.
fn unreadable(der: &[u8]) -> KeyError {
    let parts = SliceReader::new(der).and_then(|mut reader| {
        reader.sequence(|inner| {
            AlgorithmIdentifierRef::decode(inner)?;
            <&OctetStringRef>::decode(inner)
        })
    });
    if parts.is_ok() { KeyError::Scheme } else { KeyError::Malformed }
}

fn check_scheme(scheme: &EncryptionScheme) -> Result<(), KeyError> {
    let EncryptionScheme::Pbes2(parameters) = scheme else { return Err(KeyError::Scheme) };
    let (Kdf::Scrypt(kdf), pbes2::EncryptionScheme::Aes256Cbc { .. }) =
        (&parameters.kdf, &parameters.encryption)
    else {
        return Err(KeyError::Scheme);
    };
    if kdf.cost_parameter > MAX_N || kdf.block_size > MAX_R || kdf.parallelization > MAX_P {
        return Err(KeyError::TooCostly);
    }
    let usable = kdf.cost_parameter.is_power_of_two()
        && kdf.cost_parameter > 1
        && kdf.block_size > 0
        && kdf.parallelization > 0;
    if usable { Ok(()) } else { Err(KeyError::Malformed) }
}

/// Shows nothing of the key.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}
