//! `report.bundle.jsonl`: the deployment's envelopes exactly as the log holds them, one a line (in-toto attestation
//! bundle, spec v1). An entry that the verifier disowned is there too: whoever reads checks signatures anyway.

use super::own;
use crate::core::dsse;
use crate::report::{Input, ReportError};

pub(super) fn bundle(input: &Input) -> Result<String, ReportError> {
    let mut lines = String::new();
    for entry in own(input) {
        let mut envelope = entry.line.envelope.clone();
        // An entry keeps both once, decoded.
        envelope.payload = dsse::encode(&entry.payload);
        for (signature, bytes) in envelope.signatures.iter_mut().zip(&entry.signatures) {
            signature.sig = dsse::encode(bytes);
        }
        lines.push_str(&serde_json::to_string(&envelope)?);
        lines.push('\n');
    }
    Ok(lines)
}
