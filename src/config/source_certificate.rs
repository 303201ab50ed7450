//! `[check.certificate]`: a server's certificate.

use serde::Deserialize;
use toml::Spanned;

use super::value::{Located, optional_number};
use crate::core::check::{CertificateProbe, Probe};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Raw {
    host: Spanned<String>,
    port: Option<Spanned<i64>>,
    timeout_seconds: Option<Spanned<i64>>,
}

/// The probe, and in words what it expects.
pub fn probe(raw: &Raw) -> Result<(Probe, Option<String>), Located> {
    let host = raw.host.get_ref().clone();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if host.is_empty() || host.len() > 253 || !host.chars().all(fits) {
        return Err(Located::new(
            raw.host.span(),
            "not a host name",
            "write it without scheme: \"app.example.com\"",
        ));
    }
    let port = optional_number(raw.port.as_ref(), 1..=65_535)?.unwrap_or(443);
    let port = u16::try_from(port).unwrap_or(443);
    let timeout_seconds = optional_number(raw.timeout_seconds.as_ref(), 1..=60)?.unwrap_or(10);
    let expect = format!("a certificate that is valid for {host}");
    Ok((Probe::Certificate(CertificateProbe { host, port, timeout_seconds, ca_file: None }), Some(expect)))
}
