//! Ed25519 keys (RFC 8032): public halves as `SubjectPublicKeyInfo` (RFC 8410), private halves as
//! encrypted PKCS#8 (RFC 5958, RFC 8018).

mod fast;
mod public;
mod secret;

pub use fast::{Expected, FastVerifier, verdicts};
pub use public::PublicKey;
pub use secret::SecretKey;

/// Length of a signature, in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// Why a key was refused. No variant carries key material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The 32 bytes are no curve point, or not its one encoding.
    #[error("not an Ed25519 public key: the 32 bytes are not the canonical encoding of a curve point")]
    NotCanonical,
    /// The point has small order, or a small-order part: signatures under it prove nothing.
    #[error("this public key is weak (it has a small-order part): make a new key")]
    Weak,
    /// Not the one PEM text that stands for an Ed25519 public key.
    #[error(
        "not an Ed25519 public key in PEM (-----BEGIN PUBLIC KEY-----, one line of base64, a final newline): \
         rewrite it with `openssl pkey -pubin -in FILE -pubout`"
    )]
    PublicPem,
    /// Not the base64 of an Ed25519 `SubjectPublicKeyInfo`.
    #[error("not the base64 of an Ed25519 SubjectPublicKeyInfo (60 characters)")]
    PublicBase64,
    /// No PEM private key at all, or a damaged one.
    #[error("not a private key in PEM (-----BEGIN ENCRYPTED PRIVATE KEY-----), or damaged: restore the file")]
    Malformed,
    /// A private key without encryption where an encrypted one is expected.
    #[error(
        "this private key is not encrypted: encrypt it with `openssl pkcs8 -topk8 -scrypt -v2 aes-256-cbc`"
    )]
    NotEncrypted,
    /// An encrypted private key where one without encryption is expected.
    #[error("this private key is encrypted: give it as a file, with its passphrase")]
    Encrypted,
    /// Encrypted by something else than PBES2 with scrypt and AES-256-CBC.
    #[error(
        "this private key is not encrypted by scrypt and AES-256-CBC: \
         rewrite it with `openssl pkcs8 -topk8 -scrypt -v2 aes-256-cbc`"
    )]
    Scheme,
    /// scrypt would take too much time or memory.
    #[error(
        "this private key asks for scrypt beyond N=2^17, r=16, p=4: refused, it could exhaust this machine"
    )]
    TooCostly,
    /// Decryption failed.
    #[error("wrong passphrase (or the private key file is damaged)")]
    Passphrase,
    /// A private key of another algorithm, or Ed25519 in another encoding than PKCS#8 v1.
    #[error("not an Ed25519 private key in PKCS#8 v1: rewrite it with `openssl pkey -in FILE`")]
    NotEd25519,
    /// A private key that is not the other half of the public key at hand.
    #[error(
        "this private key does not belong to the public key: the file is damaged, or it is another key's; \
         restore it from a copy"
    )]
    OtherKey,
    /// The key could not be encoded or encrypted.
    #[error("the private key could not be encrypted")]
    Encrypt,
}
