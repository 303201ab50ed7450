//! The report's own statement: an in-toto attestation over the files of a record.
//!
//! It stands beside the log, in `report.dsse.json`. The log's `report-issued` names its digest.

use serde::{Deserialize, Serialize};

use super::dsse::{self, Base64Error, Envelope, PAYLOAD_TYPE, Signature};
use super::hash::Hash;
use super::jcs::{self, JcsError};
use super::keys::{PublicKey, SecretKey};
use super::name::{Label, Token};
use super::statement::{STATEMENT_TYPE, Seen, Subject};
use super::time::Timestamp;

/// This program and its version, as a report names what made it.
pub const GENERATOR: &str = concat!("aether-audit/", env!("CARGO_PKG_VERSION"));

/// The predicate type of a report.
pub const REPORT_TYPE: &str = "https://project-aether.io/audit/report/v1";

/// The in-toto Statement v1 over the files of a record. Members are declared in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportStatement {
    #[serde(rename = "_type")]
    statement_type: String,
    /// What the report is of.
    pub predicate: ReportPredicate,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    /// Every other file of the record, by name and SHA-256.
    pub subject: Vec<Subject>,
}

/// What a report is of, and who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportPredicate {
    /// The newest entry that it covers.
    pub covers: Seen,
    /// The deployment.
    pub deployment: Token,
    /// The program that made the files, such as [`GENERATOR`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<Label>,
    /// The log's origin.
    pub log: String,
    /// SHA-256 of the roster in force at that entry.
    pub roster: Hash,
    /// The key that signs.
    pub signer: Hash,
    /// The signer's clock.
    pub time: Timestamp,
}

/// Why bytes are no signed report.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// The envelope or the statement is of another shape.
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
    /// The payload or signature is in another base64.
    #[error("{0}")]
    Base64(#[from] Base64Error),
    /// The statement is not canonical.
    #[error("{0}")]
    Encoding(#[from] JcsError),
    /// Another type, or not signed by exactly the signer that it names.
    #[error("{0}")]
    Value(&'static str),
}

impl ReportStatement {
    /// Assembles the statement.
    #[must_use]
    pub fn new(predicate: ReportPredicate, files: &[(Label, Hash)]) -> Self {
        Self {
            statement_type: STATEMENT_TYPE.into(),
            predicate,
            predicate_type: REPORT_TYPE.into(),
            subject: files.iter().map(|(name, hash)| Subject::sha256(name.clone(), *hash)).collect(),
        }
    }

    /// Signs it into an envelope.
    ///
    /// # Errors
    /// Where it is not representable in the format.
    pub fn sign(&self, key: &SecretKey) -> Result<Envelope, serde_json::Error> {
        let payload = jcs::to_string(self)?;
        let sig = dsse::encode(&key.sign(&dsse::pae(payload.as_bytes())));
        Ok(Envelope {
            payload: dsse::encode(payload.as_bytes()),
            payload_type: PAYLOAD_TYPE.into(),
            signatures: vec![Signature { keyid: key.public().keyid(), sig }],
        })
    }

    /// Reads an envelope; [`ReportStatement::signed_by`] holds its signature against a key.
    ///
    /// # Errors
    /// [`AttestationError`].
    pub fn parse(bytes: &[u8]) -> Result<(Self, Envelope), AttestationError> {
        let envelope: Envelope = serde_json::from_slice(bytes)?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(AttestationError::Value("another payload type"));
        }
        let payload = dsse::decode(&envelope.payload)?;
        jcs::check(&payload)?;
        let statement: Self = serde_json::from_slice(&payload)?;
        if statement.statement_type != STATEMENT_TYPE || statement.predicate_type != REPORT_TYPE {
            return Err(AttestationError::Value("not the statement of a report"));
        }
        match envelope.signatures.as_slice() {
            [only] if only.keyid == statement.predicate.signer => Ok((statement, envelope)),
            _ => Err(AttestationError::Value("not signed by exactly the signer that it names")),
        }
    }

    /// Whether the envelope's signature is this key's.
    #[must_use]
    pub fn signed_by(envelope: &Envelope, key: &PublicKey) -> bool {
        let Ok(payload) = dsse::decode(&envelope.payload) else {
            return false;
        };
        envelope.signatures.first().is_some_and(|signature| {
            dsse::decode_signature(&signature.sig).is_ok_and(|sig| key.verify(&dsse::pae(&payload), &sig))
        })
    }
}
