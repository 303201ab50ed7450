//! What `report.html` carries so that it can be checked by itself: entries, leaves, openings, checkpoint.
//!
//! One block of the page, `<script type="text/plain" id="carried">`, holds base64 of raw DEFLATE of lines of text
//! (docs/FORMAT.md, section 15). Nothing in it can end the block or be taken for markup.

mod pack;
mod prune;
mod unpack;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::verify::Pruned;

pub use super::build::FILE_SHOWN_MAX;
pub use pack::{Packing, seq};
pub use prune::prune;

/// The first line of every block of this shape.
const HEAD: &str = "aether-audit page 1";
const BEGIN: &str = "<script type=\"text/plain\" id=\"carried\">";
const END: &str = "</script>";
/// A text of a page is at most as long, once it is unpacked, in bytes.
const UNPACKED_MAX: usize = 256 << 20;
/// A page carries nothing of a log with more entries.
const LOG_MAX: usize = 1 << 22;

/// What a page carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// What made the page, such as `aether-audit/1.0.0`.
    pub generator: String,
    /// The deployment that it is the report of.
    pub deployment: Token,
    /// The deployment's entries and all governance, as stored, in `seq` order.
    pub entries: Vec<Vec<u8>>,
    /// The whole log as a tree, cut down to what leads from these entries to its root.
    pub tree: Pruned,
    /// The checkpoint that the page shows, where there is one.
    pub checkpoint: Option<String>,
    /// The texts that the page shows.
    pub texts: Texts,
}

/// The texts that a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// Salt ‖ bytes of each, by commit.
    pub openings: BTreeMap<Hash, Vec<u8>>,
    /// Those that the page would show, and that were not there when it was made.
    pub missing: BTreeSet<Hash>,
    /// Files that are too long to be shown, by commit: more than [`FILE_SHOWN_MAX`] bytes.
    pub long: BTreeSet<Hash>,
}

/// Why a page carries nothing that can be checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarriedError {
    /// There is no block.
    #[error("it carries no entries: it was made before pages did, or is no report of aether-audit")]
    Absent,
    /// There is more than one block, or it does not end.
    #[error("its block of entries is not there exactly once")]
    Many,
    /// The block is empty: there was nothing that could be carried.
    #[error(
        "its block of entries is empty: the log was damaged or too long when it was made; check the ledger or an export"
    )]
    Empty,
    /// The block is not base64 of DEFLATE of text, or too long.
    #[error("its block of entries cannot be unpacked: {0}")]
    Packed(&'static str),
    /// A line of the block.
    #[error("line {0} of its block of entries {1}")]
    Line(usize, &'static str),
}

/// Puts a block into a page that [`to_html`](super::to_html) made.
#[must_use]
pub fn carry(mut page: String, block: &str) -> String {
    let empty = [BEGIN, END].concat();
    if let Some(at) = page.rfind(&empty) {
        page.insert_str(at + BEGIN.len(), block);
    }
    page
}

/// Where in a page its block stands.
///
/// # Errors
/// Where it is not there exactly once.
pub fn block(page: &str) -> Result<Range<usize>, CarriedError> {
    let from = page.find(BEGIN).ok_or(CarriedError::Absent)? + BEGIN.len();
    let length = page[from..].find(END).ok_or(CarriedError::Many)?;
    if page[from + length..].contains(BEGIN) {
        return Err(CarriedError::Many);
    }
    Ok(from..from + length)
}

/// A page without its block.
///
/// # Errors
/// As [`block`].
pub fn without(page: &str) -> Result<String, CarriedError> {
    let block = block(page)?;
    Ok([&page[..block.start], &page[block.end..]].concat())
}
