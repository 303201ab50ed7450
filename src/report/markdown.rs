//! `report.md`: the report for a forge or an editor.

use askama::Template;

use super::ReportError;
use super::escape::fenced;
use super::model::{ApprovalKind, Report, Text};
use super::words::{Counted as _, InWords as _, Seconds as _};

#[derive(Template)]
#[template(path = "report.md", escape = "record-md", config = "templates/askama.toml")]
struct Page<'a> {
    r: &'a Report,
}

impl Page<'_> {
    /// Longer texts and texts of several lines stand in a block of their own.
    #[allow(clippy::unused_self)] // called from the template
    fn block(&self, text: &Text) -> String {
        if text.is_shown() {
            fenced(&text.shown())
        } else {
            format!("**{}**", crate::core::checklist::escape_inline(&text.shown()))
        }
    }
}

/// `report.md`.
///
/// # Errors
/// Never for a [`Report`] that [`report`](super::report) made.
pub fn to_markdown(report: &Report) -> Result<String, ReportError> {
    Ok(Page { r: report }.render()? + "\n")
}
