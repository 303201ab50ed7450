//! Inclusion proofs as files (C2SP tlog-proof): an entry's index, its audit path, and the checkpoint it leads to.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::hash::Hash;

/// The first line of every proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^64 leaves has no longer path.
const PATH_MAX: usize = 64;

/// A proof, read but not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// The entry's `seq`.
    pub index: u64,
    /// From the leaf's sibling up to the root's child.
    pub path: Vec<Hash>,
    /// The checkpoint as a signed note, verbatim.
    pub checkpoint: String,
}

/// Why something is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Another first line.
    #[error("not a proof: its first line is not {HEADER}")]
    Header,
    /// No index, or one that is not decimal.
    #[error("the proof has no line `index N`")]
    Index,
    /// A hash that is none, or too many of them. Lines count from 1.
    #[error("line {0} of the proof is not the base64 of 32 bytes, or one too many")]
    Path(usize),
    /// Nothing after the path.
    #[error("the proof has no checkpoint: it was cut off")]
    Checkpoint,
}

impl TlogProof {
    /// Reads a proof. Extra data is skipped: nothing vouches for it.
    ///
    /// # Errors
    /// [`ProofError`], naming the line.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Checkpoint)?;
        let mut lines = (1..).zip(head.split('\n')).peekable();
        if lines.next().is_none_or(|(_, line)| line != HEADER) {
            return Err(ProofError::Header);
        }
        lines.next_if(|(_, line)| {
            line.strip_prefix("extra ").is_some_and(|data| STANDARD.decode(data).is_ok())
        });
        let index = lines.next().and_then(|(_, line)| line.strip_prefix("index "));
        let index = index.and_then(decimal).ok_or(ProofError::Index)?;
        let mut path = Vec::new();
        for (number, line) in lines {
            let hash = STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
            path.push(Hash(hash.filter(|_| path.len() < PATH_MAX).ok_or(ProofError::Path(number))?));
        }
        if checkpoint.is_empty() {
            return Err(ProofError::Checkpoint);
        }
        Ok(Self { index, path, checkpoint: checkpoint.to_owned() })
    }
}

fn decimal(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| canonical)
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nindex {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
