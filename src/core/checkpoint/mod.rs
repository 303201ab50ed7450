//! Checkpoints: the signed head of a log (C2SP tlog-checkpoint) as a signed note (C2SP signed-note).
//!
//! Pure text in, verdict out. Whether a checkpoint may be released (durable, extends the last one signed) is
//! for the caller to know.

mod cosignature;
mod note;
mod vkey;

use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use cosignature::{cosign, cosigned};
pub use note::{NOTE_MAX, Note, NoteError, NoteSignature, SIGNATURES_MAX};
pub use vkey::{CosignerKey, TypedKey, Vkey, VkeyError, key_id};

use super::hash::Hash;
use super::keys::SecretKey;

/// Longest origin, in bytes.
pub const ORIGIN_MAX: usize = 255;

/// Why a checkpoint was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note at all, or one with a bad signature by a known key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The origin breaks the rule of [`validate_origin`].
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// Not exactly origin, size and root, each on its line.
    #[error("a checkpoint's text is three lines (origin, size, root), this one has {0}")]
    Lines(usize),
    /// The size is no decimal number, has leading zeros, or does not fit in 64 bits.
    #[error("line 2 of the checkpoint, its size, is not a decimal number without leading zeros")]
    Size,
    /// The root is not the base64 of 32 bytes.
    #[error("line 3 of the checkpoint, its root, is not the base64 of 32 bytes")]
    Root,
    /// Rightly signed, but by no key that bears the origin's name.
    #[error(
        "the checkpoint is of log {origin:?}, but the keys that signed it belong to another log: \
         give the checkpoint of this log"
    )]
    OtherLog {
        /// The origin that the checkpoint states.
        origin: String,
    },
}

/// Text that cannot name a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Nothing there.
    #[error("the origin is empty: write for example example.com/audit/prod")]
    Empty,
    /// Over 255 bytes.
    #[error("the origin is longer than {ORIGIN_MAX} bytes")]
    TooLong,
    /// `https://` or the like.
    #[error("the origin has a scheme: leave out everything up to \"://\"")]
    Scheme,
    /// A space, a plus sign or a control character.
    #[error("the origin has {0:?} in it: spaces, plus signs and control characters are not allowed")]
    Character(char),
}

/// Checks that `origin` can name a log: schemeless, 1 to 255 bytes, without Unicode white space, plus sign or
/// control character.
///
/// # Errors
/// [`OriginError`], saying which rule is broken.
pub fn validate_origin(origin: &str) -> Result<(), OriginError> {
    if origin.is_empty() {
        return Err(OriginError::Empty);
    }
    if origin.len() > ORIGIN_MAX {
        return Err(OriginError::TooLong);
    }
    if let Some(character) = origin.chars().find(|&c| c.is_whitespace() || c.is_control() || c == '+') {
        return Err(OriginError::Character(character));
    }
    if origin.contains("://") { Err(OriginError::Scheme) } else { Ok(()) }
}

/// The head of a log: the note text of C2SP tlog-checkpoint, without extension lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Number of entries covered.
    pub size: u64,
    /// RFC 6962 root over their leaves.
    pub root: Hash,
}

impl Checkpoint {
    /// The note text: three lines, each ended by a newline.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`].
    pub fn to_text(&self) -> Result<String, CheckpointError> {
        validate_origin(&self.origin)?;
        Ok(format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes())))
    }

    /// Reads what [`Checkpoint::to_text`] writes, and nothing else.
    ///
    /// # Errors
    /// [`CheckpointError`], naming the line.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, ""] = lines[..] else {
            return Err(CheckpointError::Lines(text.lines().count()));
        };
        validate_origin(origin)?;
        let canonical =
            size.bytes().all(|byte| byte.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let size = u64::from_str(size).ok().filter(|_| canonical).ok_or(CheckpointError::Size)?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        Ok(Self { origin: origin.to_owned(), size, root: Hash(root.ok_or(CheckpointError::Root)?) })
    }
}

/// A checkpoint whose signatures by known keys are all good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The known keys that signed it, each once, in the order of the signature lines. One of them at least
    /// bears the checkpoint's origin as its name.
    pub signed_by: Vec<Vkey>,
}

/// The signed note of `checkpoint`, by a log key. The key's name is the origin.
///
/// # Errors
/// [`CheckpointError::Origin`].
pub fn sign_checkpoint(checkpoint: &Checkpoint, key: &SecretKey) -> Result<String, CheckpointError> {
    let note = Note::sign(checkpoint.to_text()?, &checkpoint.origin, key)?;
    Ok(note.to_string())
}

/// Opens a signed checkpoint with the keys that the caller trusts. Signatures by other keys are ignored.
///
/// The caller still compares the origin with the log's.
///
/// # Errors
/// [`CheckpointError`]: not a note, a bad signature by a trusted key, none by a trusted key, not a
/// checkpoint, or signed by keys of another log only.
pub fn open(note: &str, trusted: &[Vkey]) -> Result<Verified, CheckpointError> {
    let note = Note::parse(note)?;
    let signed_by: Vec<Vkey> = note.verify(trusted)?.into_iter().cloned().collect();
    let checkpoint = Checkpoint::parse(note.text())?;
    if signed_by.iter().any(|vkey| vkey.name() == checkpoint.origin) {
        Ok(Verified { checkpoint, signed_by })
    } else {
        Err(CheckpointError::OtherLog { origin: checkpoint.origin })
    }
}
