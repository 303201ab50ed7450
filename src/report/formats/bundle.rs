//! `report.bundle.jsonl`: the deployment's envelopes exactly as the log holds them, one a line (in-toto attestation
//! bundle, spec v1). An entry that the verifier disowned is there too: whoever reads checks signatures anyway.

use super::own;
use crate::report::{Input, ReportError};

pub(super) fn bundle(input: &Input) -> Result<String, ReportError> {
    let mut lines = String::new();
    for entry in own(input) {
        lines.push_str(&serde_json::to_string(&entry.line.envelope)?);
        lines.push('\n');
    }
    Ok(lines)
}
