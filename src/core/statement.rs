//! Statement: who did what, having seen what (in-toto Statement v1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::hash::Hash;
use super::jcs::{self, JcsError};
use super::name::{Id, Label, Token};
use super::time::Timestamp;

/// The in-toto Statement type that every payload carries.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const KIND_PREFIX: &str = "https://project-aether.io/audit/";
const KIND_SUFFIX: &str = "/v1";
/// The most signers that one statement may name.
pub const MAX_SIGNERS: usize = 16;

/// A statement of any kind with any body: the layer that signatures are about.
///
/// What the body means is [`super::event::Event`]'s business. Members are declared in canonical order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    /// The aether-audit part of the statement.
    pub predicate: Predicate,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    /// What it is about: artifacts and source of the deployment, or the origin for governance.
    pub subject: Vec<Subject>,
}

/// What was done, by whom, where, and what they had seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// By kind; strict bodies are in [`super::event`].
    pub body: Box<RawValue>,
    /// Absent on governance kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Token>,
    /// Unique in the log.
    pub id: Id,
    /// The origin of the log that this statement was made for.
    pub log: String,
    /// SHA-256 of the roster that the signer held to be in force.
    pub roster: Hash,
    /// The newest entry that the signer had seen; absent only in entry 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Exactly who signs, in the order of the signatures.
    pub signers: Vec<Signer>,
    /// The signer's clock. No window and no validity rests on it.
    pub time: Timestamp,
}

/// An entry as a signer saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The leaf hash of that entry.
    pub leaf: Hash,
    /// Its place in the log.
    pub seq: u64,
}

/// One signer and the role in which they sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// SHA-256 of the key's SubjectPublicKeyInfo DER.
    pub key: Hash,
    /// A role of the roster, or `root`.
    pub role: Token,
}

/// An in-toto subject with exactly one digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Either `sha256` (64 hex) or `gitCommit` (40 hex), never both.
    pub digest: BTreeMap<String, String>,
    /// Unique within the statement.
    pub name: Label,
}

impl Subject {
    /// A subject identified by a SHA-256 digest.
    #[must_use]
    pub fn sha256(name: Label, digest: Hash) -> Self {
        Self { digest: BTreeMap::from([("sha256".into(), digest.to_string())]), name }
    }

    /// A subject identified by a full Git commit (40 lower-case hex digits, checked on parsing).
    #[must_use]
    pub fn git_commit(name: Label, commit: &str) -> Self {
        Self { digest: BTreeMap::from([("gitCommit".into(), commit.to_owned())]), name }
    }

    /// The digest's algorithm and value.
    #[must_use]
    pub fn digest(&self) -> (&str, &str) {
        self.digest.iter().next().map_or(("", ""), |(name, value)| (name, value))
    }
}

/// Why bytes are not a statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// Not the canonical encoding.
    #[error("statement: {0}")]
    Encoding(#[from] JcsError),
    /// Canonical JSON of another shape.
    #[error("statement: {0}")]
    Shape(#[from] serde_json::Error),
    /// The right shape with a value that the format does not allow.
    #[error("statement: {0}")]
    Value(&'static str),
}

impl Statement {
    /// Assembles a statement; [`Statement::to_bytes`] gives what is signed.
    #[must_use]
    pub fn new(kind: &str, subject: Vec<Subject>, predicate: Predicate) -> Self {
        Self {
            statement_type: STATEMENT_TYPE.into(),
            predicate,
            predicate_type: format!("{KIND_PREFIX}{kind}{KIND_SUFFIX}"),
            subject,
        }
    }

    /// Reads the one accepted encoding.
    ///
    /// # Errors
    /// [`StatementError`] on any other bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        jcs::check(bytes)?;
        let statement: Self = serde_json::from_slice(bytes)?;
        statement.check()?;
        Ok(statement)
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// Where the body is not representable in the format or a value breaks its rules.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        self.check()?;
        let bytes = serde_json::to_vec(self)?;
        jcs::check(&bytes)?;
        Ok(bytes)
    }

    /// The kind: the middle of the predicate type.
    #[must_use]
    pub fn kind(&self) -> &str {
        let end = self.predicate_type.len().saturating_sub(KIND_SUFFIX.len());
        self.predicate_type.get(KIND_PREFIX.len()..end).unwrap_or_default()
    }

    fn check(&self) -> Result<(), StatementError> {
        let fail = |why| Err(StatementError::Value(why));
        if self.statement_type != STATEMENT_TYPE {
            return fail("_type is not https://in-toto.io/Statement/v1");
        }
        let middle =
            self.predicate_type.strip_prefix(KIND_PREFIX).and_then(|rest| rest.strip_suffix(KIND_SUFFIX));
        if middle.is_none_or(|kind| Token::new(kind).is_err()) {
            return fail("predicateType is not https://project-aether.io/audit/<kind>/v1");
        }
        if super::checkpoint::validate_origin(&self.predicate.log).is_err() {
            return fail("log is not a valid origin");
        }
        if self.predicate.seen.is_some_and(|seen| seen.seq >= 1 << 53) {
            return fail("seen.seq is out of range");
        }
        self.check_signers()?;
        self.check_subject()
    }

    fn check_signers(&self) -> Result<(), StatementError> {
        let signers = &self.predicate.signers;
        if signers.is_empty() || signers.len() > MAX_SIGNERS {
            return Err(StatementError::Value("signers: between 1 and 16 are allowed"));
        }
        for (index, signer) in signers.iter().enumerate() {
            if signers[..index].iter().any(|earlier| earlier.key == signer.key) {
                return Err(StatementError::Value("signers: a key stands twice"));
            }
        }
        Ok(())
    }

    fn check_subject(&self) -> Result<(), StatementError> {
        if self.subject.is_empty() {
            return Err(StatementError::Value("subject: at least one is needed"));
        }
        for (index, subject) in self.subject.iter().enumerate() {
            let (algorithm, value) = subject.digest();
            let length = match algorithm {
                "sha256" => 64,
                "gitCommit" => 40,
                _ => return Err(StatementError::Value("subject: a digest is sha256 or gitCommit")),
            };
            let hex = value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            if subject.digest.len() != 1 || value.len() != length || !hex {
                return Err(StatementError::Value("subject: one full lower-case hex digest each"));
            }
            if self.subject[..index].iter().any(|earlier| earlier.name == subject.name) {
                return Err(StatementError::Value("subject: a name stands twice"));
            }
        }
        Ok(())
    }
}
