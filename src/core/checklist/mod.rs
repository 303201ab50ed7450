//! The deployment checklist: a Markdown file that people edit, read and rendered without touching
//! anything of theirs but the boxes.
//!
//! - [`parse`] finds phases and task items, and what annotation comments say about them.
//! - [`render`] ticks boxes, adds sign-off lines below items, and appends one block at the end.
//! - [`escape_inline`] makes text that people typed safe to stand in either place.
//!
//! Markdown is GitHub Flavored Markdown with front matter and footnotes. Two things are decided here
//! where renderers differ: front matter stands at the very start of the file only, and a box with no
//! text after it on its own line is no task (GFM 5.3).

mod annotation;
mod closing;
mod error;
mod escape;
mod markdown;
mod near;
mod parse;
mod render;
mod spec;

use std::ops::Range;

pub use error::ChecklistError;
pub use escape::{escape_inline, is_invisible};
pub use near::near_boxes;
pub use parse::parse;
pub use render::{Mark, imitations, render};
pub use spec::{By, ItemSpec, PhaseSpec, offset_minutes};

/// What [`parse`] found in a checklist, in document order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checklist {
    /// The headings annotated with `phase:`.
    pub phases: Vec<PhaseSpec>,
    /// Every task item, nested ones after the item that holds them.
    pub items: Vec<Item>,
}

impl Checklist {
    /// The item with this id.
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.spec.id == id)
    }
}

/// One task item of the checklist's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What the annotation says, with the defaults filled in.
    pub spec: ItemSpec,
    /// The first line of the item as plain text: no markup, no control characters; may be empty.
    pub title: String,
    /// Where the item begins, counted from 1.
    pub line: usize,
    /// How many task items hold this one: 0 at the top.
    pub depth: usize,
    /// Whether the author's file has the box already ticked.
    pub ticked: bool,
    /// The three bytes of the box, brackets included.
    box_range: Range<usize>,
    /// Just after the item's own first paragraph, before its line ending.
    text_end: usize,
}
