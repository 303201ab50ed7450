//! `[check.flow]`: requests after each other, from a file of steps.

use serde::Deserialize;
use toml::Spanned;

use super::value::{Located, filled, optional_number, web_address};
use crate::core::check::{FlowProbe, Probe};
use crate::core::redact;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Raw {
    file: Spanned<String>,
    base: Spanned<String>,
    timeout_seconds: Option<Spanned<i64>>,
}

/// The probe, and in words what it expects.
pub fn probe(raw: &Raw) -> Result<(Probe, Option<String>), Located> {
    let file = filled(raw.file.clone(), "write a path such as \"smoke/critical-path.toml\"")?;
    let base = web_address(&raw.base)?;
    if base.contains(['?', '#']) {
        let help = "write scheme and host, such as \"https://app.example.com\"; each step has its path";
        return Err(Located::new(raw.base.span(), "a base with a query", help));
    }
    let timeout_seconds = optional_number(raw.timeout_seconds.as_ref(), 1..=60)?.unwrap_or(10);
    let expect = format!("every step of {file} passes at {}", redact::url(&base));
    Ok((Probe::Flow(FlowProbe { file, base, timeout_seconds, ca_file: None }), Some(expect)))
}
