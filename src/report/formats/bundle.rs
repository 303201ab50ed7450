//! `report.bundle.jsonl`: the deployment's envelopes exactly as the log holds them, one a line (in-toto attestation
//! bundle, spec v1). An entry that the verifier disowned is there too: whoever reads checks signatures anyway.

use super::own;
use crate::core::entry::Entry;
use crate::core::name::Token;
use crate::report::ReportError;

/// The envelopes of `deployment` among whole `entries`, as [`Entry::parse`] gives them.
///
/// # Errors
/// Never for entries that were parsed.
pub(super) fn bundle(entries: &[Entry], deployment: &Token) -> Result<String, ReportError> {
    let mut lines = String::new();
    for entry in own(entries, deployment) {
        lines.push_str(&serde_json::to_string(&entry.line.envelope)?);
        lines.push('\n');
    }
    Ok(lines)
}
