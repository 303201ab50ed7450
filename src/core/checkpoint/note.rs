//! Signed notes (C2SP signed-note): text, an empty line, then one line for each signature.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::vkey::{Vkey, key_id};
use crate::core::keys::SecretKey;

/// Largest note, in bytes.
pub const NOTE_MAX: usize = 1 << 18;

/// Most signature lines on one note.
pub const SIGNATURES_MAX: usize = 100;

/// What a signature line begins with: an em dash (U+2014) and a space.
const DASH: &str = "\u{2014} ";

/// Why a note was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Over [`NOTE_MAX`] bytes.
    #[error("the note has {0} bytes: at most {NOTE_MAX} are read")]
    TooLarge(usize),
    /// A control character other than newline.
    #[error("the note has the control character {0:?}: save it with plain newlines")]
    Control(char),
    /// No empty line before the signatures, or nothing after it.
    #[error("not a signed note: it has no empty line followed by signature lines; copy the whole file again")]
    Unsigned,
    /// The final newline is missing.
    #[error("the note does not end with a newline: copy the whole file again")]
    FinalNewline,
    /// A signature line that is not em dash, name, base64. Lines count from 1, after the empty line.
    #[error("signature line {0} of the note is not an em dash, a key name and base64, with single spaces")]
    Line(usize),
    /// Over [`SIGNATURES_MAX`] signature lines.
    #[error("the note has over {SIGNATURES_MAX} signatures")]
    TooMany,
    /// A known key's signature that does not verify.
    #[error("the signature of {name} on the note is invalid: the note was changed after signing")]
    Invalid {
        /// Name of the key.
        name: String,
    },
    /// No signature by a known key.
    #[error("no signature on the note is by a key that is trusted here")]
    NoKnownKey,
    /// The text to sign cannot be carried by a note.
    #[error(
        "a note's text ends with a newline, and its key name has no white space, plus sign or control character"
    )]
    Text,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// First 4 bytes of what the base64 stands for.
    pub key_id: [u8; 4],
    /// The bytes after the key id, one at least; 64 of them for Ed25519.
    pub signature: Vec<u8>,
}

/// A note, read but not yet trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// C2SP signed-note: key names are not empty and have no Unicode spaces and no plus sign.
pub(super) fn valid_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > NOTE_MAX {
        return Err(NoteError::TooLarge(text.len()));
    }
    text.chars().find(|&c| c < ' ' && c != '\n').map_or(Ok(()), |c| Err(NoteError::Control(c)))
}

impl Note {
    /// Signs `text`, which ends with a newline, by Ed25519 under the key name `name`.
    ///
    /// # Errors
    /// [`NoteError::Text`], [`NoteError::Control`] or [`NoteError::TooLarge`].
    pub fn sign(text: String, name: &str, key: &SecretKey) -> Result<Self, NoteError> {
        check_text(&text)?;
        if !text.ends_with('\n') || !valid_key_name(name) {
            return Err(NoteError::Text);
        }
        let signature = NoteSignature {
            name: name.to_owned(),
            key_id: key_id(name, &key.public()),
            signature: key.sign(text.as_bytes()).to_vec(),
        };
        Ok(Self { text, signatures: vec![signature] })
    }

    /// Reads a note. Signatures of unknown types are kept.
    ///
    /// # Errors
    /// [`NoteError`], naming the line.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        check_text(note)?;
        let (text, lines) =
            note.rfind("\n\n").map(|end| note.split_at(end + 1)).ok_or(NoteError::Unsigned)?;
        let lines = lines.strip_prefix('\n').filter(|lines| !lines.is_empty()).ok_or(NoteError::Unsigned)?;
        let signatures = Self::parse_signatures(lines)?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// What is signed, final newline included. Not to be used before [`Note::verify`].
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signature lines, of unknown keys too.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Reads signature lines as a witness answers them, each ended by a newline.
    ///
    /// # Errors
    /// [`NoteError::Line`], [`NoteError::FinalNewline`] or [`NoteError::TooMany`].
    pub fn parse_signatures(lines: &str) -> Result<Vec<NoteSignature>, NoteError> {
        let lines = lines.strip_suffix('\n').ok_or(NoteError::FinalNewline)?;
        (1..)
            .zip(lines.split('\n'))
            .map(|(number, line)| {
                if number > SIGNATURES_MAX {
                    return Err(NoteError::TooMany);
                }
                NoteSignature::parse(line).ok_or(NoteError::Line(number))
            })
            .collect()
    }

    /// Adds a signature line, in the place of an older one of the same key.
    pub fn add(&mut self, signature: NoteSignature) {
        self.signatures.retain(|other| other.name != signature.name || other.key_id != signature.key_id);
        self.signatures.push(signature);
    }

    /// The keys among `trusted` that signed this note, each once. Other signatures are ignored.
    ///
    /// # Errors
    /// [`NoteError::Invalid`] as soon as one signature under the name and id of a trusted key is not that key's;
    /// [`NoteError::NoKnownKey`] when there is none at all.
    pub fn verify<'k>(&self, trusted: &'k [Vkey]) -> Result<Vec<&'k Vkey>, NoteError> {
        let mut signers: Vec<&Vkey> = Vec::new();
        for line in &self.signatures {
            let claimed = |vkey: &&Vkey| vkey.name() == line.name && vkey.id() == line.key_id;
            let mut candidates = trusted.iter().filter(claimed).peekable();
            if candidates.peek().is_none() {
                continue;
            }
            let signer = <&[u8; 64]>::try_from(line.signature.as_slice()).ok().and_then(|signature| {
                candidates.find(|vkey| vkey.key().verify(self.text.as_bytes(), signature))
            });
            let signer = signer.ok_or_else(|| NoteError::Invalid { name: line.name.clone() })?;
            if !signers.contains(&signer) {
                signers.push(signer);
            }
        }
        if signers.is_empty() { Err(NoteError::NoKnownKey) } else { Ok(signers) }
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        (valid_key_name(name) && !signature.is_empty()).then(|| Self {
            name: name.to_owned(),
            key_id: *key_id,
            signature: signature.to_vec(),
        })
    }
}

/// The signed note as it is stored and handed on.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// One line, without its newline.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.key_id.as_slice(), &self.signature].concat();
        write!(f, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}
