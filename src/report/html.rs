//! `report.html`: one file, no script, nothing from elsewhere.

use askama::Template;

use super::ReportError;
use super::model::Report;

#[derive(Template)]
#[template(path = "report.html", escape = "record-html")]
struct Page<'a> {
    r: &'a Report,
}

impl Page<'_> {}

/// `report.html`.
///
/// # Errors
/// Never for a [`Report`] that [`report`](super::report) made.
pub fn to_html(report: &Report) -> Result<String, ReportError> {
    Ok(Page { r: report }.render()? + "\n")
}
