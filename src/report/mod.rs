//! The completed checklist and the report of one deployment: events in, bytes out.
//!
//! No clock and no IO: the same events give the same bytes. [`report`] makes the data, which is
//! `report.json` as it stands; [`to_markdown`] and [`to_html`] show that data and know nothing else.

mod build;
pub mod carried;
mod checklist;
pub mod controls;
mod draw;
pub(crate) mod escape;
pub mod formats;
mod html;
pub mod live;
mod markdown;
pub mod model;
pub mod retro;
mod ticked;
mod tone;
mod words;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::core::checklist::ChecklistError;
use crate::core::deployment::Deployment;
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::time::Timestamp;
use crate::core::verify::Finding;

pub use html::to_html;
pub use markdown::to_markdown;
pub use model::{Report, SCHEMA};
pub use words::trigger as word_of_trigger;

/// What became of an opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Here it is, without its salt.
    Bytes(Vec<u8>),
    /// Erased by an event that says so.
    Erased {
        /// Who erased it, for people.
        by: String,
        /// When that was recorded.
        at: Timestamp,
        /// Why, as far as that is still there.
        why: String,
        /// The entry that says so.
        seq: u64,
    },
    /// Gone, and no event says why.
    Missing,
}

/// What the verifier found about the log that the record comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integrity {
    /// How many entries the log has.
    pub log_entries: u64,
    /// The leaf of entry 0.
    pub first_leaf: Hash,
    /// The leaf of the newest entry.
    pub last_leaf: Hash,
    /// The newest entry.
    pub last_seq: u64,
    /// RFC 6962 root over every entry.
    pub root: Hash,
    /// SHA-256 of the first roster: the auditor compares it with the one they were handed.
    pub first_roster: Hash,
    /// A checkpoint as a signed note, where there is one.
    pub checkpoint: Option<String>,
    /// Entry, stable code and text of every finding.
    pub findings: Vec<(Option<u64>, String, String)>,
    /// One sentence.
    pub verdict: String,
}

/// Everything that a rendering is made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The log as a fold: rosters and keys.
    pub log: &'a Log,
    /// The deployment as a fold.
    pub deployment: &'a Deployment,
    /// The deployment's entries and all governance, in `seq` order.
    pub entries: &'a [Entry],
    /// Looks up an opening by its commit.
    pub opening: &'a dyn Fn(&Hash) -> Opened,
    /// What the verifier found.
    pub integrity: &'a Integrity,
}

impl Input<'_> {
    /// The deployment as it is without the entries of which the verifier found that nobody rightly signed them.
    fn judged(&self) -> Cow<'_, Deployment> {
        let disowned =
            |(seq, code, _): &(Option<u64>, String, String)| seq.filter(|_| Finding::disowns(code));
        let entries: BTreeSet<u64> = self.integrity.findings.iter().filter_map(disowned).collect();
        if entries.is_empty() {
            return Cow::Borrowed(self.deployment);
        }
        let mut deployment = self.deployment.clone();
        deployment.distrust(entries);
        Cow::Owned(deployment)
    }
}

/// Why a rendering could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The frozen checklist is not UTF-8.
    #[error("the checklist's opening {0} is not UTF-8 text: run `verify`, it names what was changed")]
    NotText(Hash),
    /// The frozen checklist does not parse.
    #[error(
        "the checklist's opening {commit} does not parse: {source}; run `verify`, it names what was changed"
    )]
    Checklist {
        /// The checklist's commit.
        commit: Hash,
        /// What is wrong with it.
        source: ChecklistError,
    },
    /// A template refused to render.
    #[error("the report could not be rendered: {0}")]
    Render(#[from] askama::Error),
    /// The data could not be written as JSON.
    #[error("the report could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Folds the record into the data of the report.
///
/// # Errors
/// Where the frozen checklist cannot be read.
pub fn report(input: &Input) -> Result<Report, ReportError> {
    let deployment = &*input.judged();
    build::report(&Input { deployment, ..*input })
}

/// `Deployment_Checklist.md` as completed; `data` is what [`report`] made of the same input. Where the checklist's
/// text was erased, the record alone.
///
/// # Errors
/// Where the frozen checklist cannot be read.
pub fn checklist(input: &Input, data: &Report) -> Result<String, ReportError> {
    let deployment = &*input.judged();
    checklist::checklist(&Input { deployment, ..*input }, data)
}

/// `report.json`: members in a fixed order, indented, a final newline.
///
/// # Errors
/// Never for a [`Report`] that [`report`] made.
pub fn to_json(report: &Report) -> Result<String, ReportError> {
    let mut json = serde_json::to_string_pretty(report)?;
    json.push('\n');
    Ok(json)
}
