//! `[check.prometheus]`: the server and the query.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::value::{Located, web_address};
use crate::core::check::PrometheusProbe;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Prometheus {
    url: Spanned<String>,
    query: Spanned<String>,
    requests: Option<Spanned<String>>,
    token_env: Option<Spanned<String>>,
}

pub fn probe(
    raw: Option<&Spanned<Prometheus>>,
    span: &Range<usize>,
    timeout_seconds: u32,
) -> Result<PrometheusProbe, Located> {
    let raw = raw.map(Spanned::get_ref).ok_or_else(|| {
        let help = "add [check.prometheus] below it, with url and query";
        Located::new(span.clone(), "this check has no `prometheus`", help)
    })?;
    let url = web_address(&raw.url)?;
    if url.contains(['?', '#']) {
        let help = "write the server alone, such as \"http://prometheus:9090\"";
        return Err(Located::new(raw.url.span(), "a server's URL has no query", help));
    }
    Ok(PrometheusProbe {
        url: url.trim_end_matches('/').to_owned(),
        query: promql(&raw.query)?,
        requests: raw.requests.as_ref().map(promql).transpose()?,
        token_env: raw.token_env.as_ref().map(variable).transpose()?,
        timeout_seconds,
        ca_file: None,
    })
}

/// Whether a check counts its requests.
pub fn counts(raw: Option<&Spanned<Prometheus>>) -> bool {
    raw.is_some_and(|raw| raw.get_ref().requests.is_some())
}

fn promql(raw: &Spanned<String>) -> Result<String, Located> {
    let query = raw.get_ref().trim();
    if query.is_empty() || query.len() > 2000 {
        let help = "write PromQL that gives one series, such as 'sum(rate(errors_total[1m]))'";
        return Err(Located::new(raw.span(), "not a query of 1 to 2000 bytes", help));
    }
    Ok(query.to_owned())
}

fn variable(raw: &Spanned<String>) -> Result<String, Located> {
    let name = raw.get_ref();
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(fits) || name.starts_with("AETHER_AUDIT_") {
        let help = "name the environment variable that holds the token, never the token: token-env = \"PROMETHEUS_TOKEN\"";
        return Err(Located::new(raw.span(), "not the name of a variable (A-Z, 0-9, _)", help));
    }
    Ok(name.clone())
}
