//! `review.md`: the template of a review, filled with the facts of one deployment.

use askama::Template;

use crate::report::ReportError;
use crate::report::model::{Moment, Report};

#[derive(Template)]
#[template(path = "review.md", escape = "record-md", config = "templates/askama.toml")]
struct Page<'a> {
    r: &'a Report,
}

impl Page<'_> {
    /// Readings would hide the rest, unless something is wrong with one.
    #[allow(clippy::unused_self)] // called from the template
    fn tells(&self, moment: &Moment) -> bool {
        let reading = matches!(moment.kind.as_str(), "metric-read" | "evidence-collected" | "report-issued");
        !reading || !moment.issues.is_empty()
    }
}

/// `review.md`.
///
/// # Errors
/// Where the template cannot be filled, which is a mistake of the program.
pub fn review(report: &Report) -> Result<String, ReportError> {
    Ok(Page { r: report }.render()? + "\n")
}
