//! The one HTTP client: how other systems are asked.

use std::io::Read as _;
use std::time::Duration;

use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error};

/// A client whose exchanges end within `timeout` each, over TLS by ring with the public web roots.
///
/// Redirects are answers like others and are not followed, so that a credential only ever goes to the host that was
/// named. A status is no error either.
#[must_use]
pub fn agent(timeout: Duration) -> Agent {
    agent_trusting(timeout, RootCerts::WebPki)
}

/// The same, with other roots than the public ones.
#[must_use]
pub fn agent_trusting(timeout: Duration, roots: RootCerts) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("aether-audit/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build()
        .into()
}

/// At most `most` bytes of the body, and whether there was more.
///
/// # Errors
/// Where the connection is cut or the time is over.
pub fn body(response: &mut Response<Body>, most: usize) -> Result<(Vec<u8>, bool), Error> {
    let mut bytes = Vec::new();
    response.body_mut().as_reader().take(most as u64 + 1).read_to_end(&mut bytes)?;
    let more = bytes.len() > most;
    bytes.truncate(most);
    Ok((bytes, more))
}

/// What time a server says that it is (RFC 9110 section 6.6.1), in seconds since 1970; `None` where it does not answer.
#[must_use]
pub fn server_time(url: &str, timeout: Duration) -> Option<i64> {
    let response = agent(timeout).head(url).call().ok()?;
    let date = response.headers().get("date")?.to_str().ok()?;
    Some(chrono::DateTime::parse_from_rfc2822(date).ok()?.timestamp())
}
