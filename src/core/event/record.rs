//! Bodies of messages, notes, reviews, reports and erasures.

use serde::{Deserialize, Serialize};

use crate::core::hash::Hash;
use crate::core::name::{Id, Label, Token};
use crate::core::opening::OpeningRef;
use crate::core::statement::Seen;

/// Body of `message-sent`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MessageSent {
    /// Where it went, for example `#proj-aether-deploy`.
    pub channel: Label,
    /// What became of it.
    pub delivery: Delivery,
    /// The receiver's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<OpeningRef>,
    /// The template that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Token>,
    /// Its exact text.
    pub text: OpeningRef,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// The receiver took it.
    Sent,
    /// The receiver did not.
    Failed,
    /// A person says that they sent it.
    Reported,
}

/// Body of `note-added`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoteAdded {
    /// The statement that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<Id>,
    /// The note.
    pub text: OpeningRef,
}

/// Body of `review-recorded`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewRecorded {
    /// What the review found.
    pub text: OpeningRef,
}

/// Body of `report-issued`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportIssued {
    /// The newest entry that the report covers.
    pub covers: Seen,
    /// The files of the record, by name.
    pub files: Vec<FileDigest>,
}

/// A file of a record and its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileDigest {
    /// Its name within the record folder.
    pub name: Label,
    /// Of its bytes.
    pub sha256: Hash,
}

/// Body of `opening-erased`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpeningErased {
    /// Which opening is gone.
    pub commit: Hash,
    /// Why.
    pub reason: OpeningRef,
}
