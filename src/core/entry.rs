//! Entry: a statement's place in the log, as one canonical JSON line.

use serde::{Deserialize, Serialize};

use super::dsse::{self, Base64Error, Envelope, PAYLOAD_TYPE};
use super::hash::Hash;
use super::jcs::{self, JcsError};
use super::keys::PublicKey;
use super::merkle;
use super::statement::{Statement, StatementError};
use super::time::Timestamp;

/// The most bytes an entry may have.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// An entry as it stands in the log. Members are declared in canonical order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// Counts from 0 within the deployment; absent on governance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_seq: Option<u64>,
    /// The signed statement.
    pub envelope: Envelope,
    /// Leaf hash of entry `seq - 1`; 64 zeros for entry 0.
    pub prev: Hash,
    /// The writer's clock; never decreases.
    pub recorded: Timestamp,
    /// Counts every entry of the log from 0.
    pub seq: u64,
}

/// From so many entries on a second thread pays.
const MANY: usize = 256;

/// A parsed entry: its line, the statement inside, and the signatures decoded.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The outer members.
    pub line: Line,
    /// The statement's exact bytes.
    pub payload: Vec<u8>,
    /// The statement.
    pub statement: Statement,
    /// In the order of the signers.
    pub signatures: Vec<[u8; 64]>,
    /// SHA-256(0x00 ‖ entry bytes).
    pub leaf: Hash,
}

/// Why bytes are not an entry or an envelope.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Longer than [`MAX_ENTRY_BYTES`].
    #[error("entry: {0} bytes, more than 65,535")]
    TooLong(usize),
    /// Not the canonical encoding.
    #[error("entry: {0}")]
    Encoding(#[from] JcsError),
    /// Canonical JSON of another shape.
    #[error("entry: {0}")]
    Shape(#[from] serde_json::Error),
    /// Payload or signature in another base64.
    #[error("envelope: {0}")]
    Base64(#[from] Base64Error),
    /// Another payload type.
    #[error("envelope: payloadType is not application/vnd.in-toto+json")]
    PayloadType,
    /// Signatures that are not exactly the signers, in order.
    #[error("envelope: the signatures are not exactly the statement's signers, in their order")]
    Signers,
    /// `deploymentSeq` where it does not belong, or missing.
    #[error("entry: deploymentSeq stands exactly where the statement names a deployment")]
    DeploymentSeq,
    /// `seq` of 2^53 or more.
    #[error("entry: seq is out of range")]
    Range,
    /// The statement inside.
    #[error(transparent)]
    Statement(#[from] StatementError),
}

/// An envelope taken apart: payload, statement, signatures.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The statement's exact bytes.
    pub payload: Vec<u8>,
    /// The statement.
    pub statement: Statement,
    /// In the order of the signers.
    pub signatures: Vec<[u8; 64]>,
}

impl Opened {
    /// Takes an envelope apart and holds its signatures against the signers, in number and order.
    /// Signatures themselves are checked by [`verify_signatures`].
    ///
    /// # Errors
    /// [`EntryError`] where the envelope or its statement is not of the format.
    pub fn of(envelope: &Envelope) -> Result<Self, EntryError> {
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(EntryError::PayloadType);
        }
        let payload = dsse::decode(&envelope.payload)?;
        let statement = Statement::parse(&payload)?;
        let signers = &statement.predicate.signers;
        let same = signers.len() == envelope.signatures.len()
            && signers
                .iter()
                .zip(&envelope.signatures)
                .all(|(signer, signature)| signer.key == signature.keyid);
        if !same {
            return Err(EntryError::Signers);
        }
        let signatures = envelope
            .signatures
            .iter()
            .map(|signature| dsse::decode_signature(&signature.sig))
            .collect::<Result<_, _>>()?;
        Ok(Self { payload, statement, signatures })
    }
}

impl Entry {
    /// Reads the one accepted encoding.
    ///
    /// # Errors
    /// [`EntryError`] on any other bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong(bytes.len()));
        }
        jcs::check(bytes)?;
        let line: Line = serde_json::from_slice(bytes)?;
        let Opened { payload, statement, signatures } = Opened::of(&line.envelope)?;
        if line.deployment_seq.is_some() != statement.predicate.deployment.is_some() {
            return Err(EntryError::DeploymentSeq);
        }
        if line.seq >= 1 << 53 || line.deployment_seq.is_some_and(|seq| seq > line.seq) {
            return Err(EntryError::Range);
        }
        Ok(Self { line, payload, statement, signatures, leaf: merkle::leaf_hash(bytes) })
    }

    /// Reads entries, many of them on two threads.
    ///
    /// # Errors
    /// The [`EntryError`] of the first bytes that are none.
    pub fn parse_all(all: &[Vec<u8>]) -> Result<Vec<Self>, EntryError> {
        let parse =
            |some: &[Vec<u8>]| some.iter().map(|bytes| Self::parse(bytes)).collect::<Result<Vec<_>, _>>();
        if all.len() < MANY {
            return parse(all);
        }
        let (first, second) = all.split_at(all.len() / 2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| parse(second));
            let mut entries = parse(first)?;
            // It hangs up only by panicking, which is passed on.
            entries.append(&mut other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            Ok(entries)
        })
    }

    /// Holds every signature against the key that `key` knows by its id.
    /// Gives the index of each signer whose key is unknown or whose signature does not verify.
    pub fn bad_signatures<'k>(&self, key: impl Fn(&Hash) -> Option<&'k PublicKey>) -> Vec<usize> {
        bad_signatures(&self.statement, &self.payload, &self.signatures, key)
    }
}

impl Line {
    /// The entry's canonical bytes.
    ///
    /// # Errors
    /// [`EntryError::TooLong`] beyond 65,535 bytes; an encoding error where an envelope is not canonical.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        let bytes = serde_json::to_vec(self)?;
        jcs::check(&bytes)?;
        if bytes.len() > MAX_ENTRY_BYTES { Err(EntryError::TooLong(bytes.len())) } else { Ok(bytes) }
    }
}

/// The index of each signer whose key is unknown or whose signature does not verify over the DSSE
/// pre-authentication encoding of `payload`.
pub fn bad_signatures<'k>(
    statement: &Statement,
    payload: &[u8],
    signatures: &[[u8; 64]],
    key: impl Fn(&Hash) -> Option<&'k PublicKey>,
) -> Vec<usize> {
    let message = dsse::pae(payload);
    let signers = &statement.predicate.signers;
    (0..signers.len())
        .filter(|&index| {
            !signatures.get(index).is_some_and(|signature| {
                key(&signers[index].key).is_some_and(|key| key.verify(&message, signature))
            })
        })
        .collect()
}
