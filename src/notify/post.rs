//! One POST of JSON, which ends within its time whatever the other side does.

use std::io::Read as _;
use std::time::Duration;

use serde_json::Value;

use crate::remote::http;

/// More of an answer is not kept.
const MAX_ANSWER: u64 = 16 * 1024;

pub struct Reply {
    pub status: u16,
    pub body: String,
    /// Seconds.
    pub retry_after: Option<u64>,
}

/// Why there was no answer, in the program's own words: those of others may hold the URL.
pub struct Silence {
    pub why: String,
    /// Whether the next try would end the same way.
    pub hopeless: bool,
}

pub fn json(url: &str, token: Option<&str>, body: &Value, limit: Duration) -> Result<Reply, Silence> {
    let agent = http::agent(limit);
    let mut request = agent.post(url).header("content-type", "application/json; charset=utf-8");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut response = request.send(body.to_string()).map_err(|error| silence(&error, limit))?;
    let retry_after =
        response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let mut bytes = Vec::new();
    // The status says what became of it; an answer that is cut off is no reason to send twice.
    let _ = response.body_mut().as_reader().take(MAX_ANSWER).read_to_end(&mut bytes);
    let body = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Reply { status: response.status().as_u16(), body, retry_after })
}

fn silence(error: &ureq::Error, limit: Duration) -> Silence {
    let (why, hopeless) = match error {
        ureq::Error::Timeout(_) => (format!("no answer within {} s", limit.as_secs()), false),
        ureq::Error::HostNotFound => ("the host name is not known".to_owned(), false),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => ("the address is no URL".to_owned(), true),
        ureq::Error::InvalidProxyUrl => ("the proxy of the environment is no URL".to_owned(), true),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => ("TLS failed".to_owned(), false),
        ureq::Error::Io(error) => (format!("no connection ({:?})", error.kind()), false),
        ureq::Error::Protocol(_) => ("the answer is not HTTP".to_owned(), false),
        _ => ("no usable answer".to_owned(), false),
    };
    Silence { why, hopeless }
}
