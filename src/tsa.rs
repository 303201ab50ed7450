//! Asking a time-stamping authority over HTTP (RFC 3161 section 3.4).

use std::time::Duration;

use crate::core::redact;
use crate::core::timestamp::TOKEN_MAX;
use crate::remote::http;

const TIMEOUT: Duration = Duration::from_secs(10);
/// So often is an authority asked that cannot answer now, with a pause that doubles.
const TRIES: u32 = 3;

/// Why an authority gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No answer.
    #[error("{url} does not answer: {why}")]
    Silent {
        /// The authority.
        url: String,
        /// What the network says.
        why: String,
    },
    /// It refuses.
    #[error("{url} answers with status {status}{}", hint(*status))]
    Refused {
        /// The authority.
        url: String,
        /// Its HTTP status.
        status: u16,
    },
    /// Not of the type that the protocol asks for.
    #[error(
        "{url} answers with {kind}, not a time-stamp reply: is this the URL of a time-stamping authority?"
    )]
    Type {
        /// The authority.
        url: String,
        /// The content type that it names.
        kind: String,
    },
    /// More than any token has.
    #[error("{url} answers with more than {TOKEN_MAX} bytes: that is no time-stamp token")]
    Large {
        /// The authority.
        url: String,
    },
}

const fn hint(status: u16) -> &'static str {
    match status {
        300..=399 => ": it has moved; give the URL that it has now",
        401 | 403 => ": it wants to know you",
        404 | 405 => ": is this the URL of a time-stamping authority?",
        _ => "",
    }
}

/// Posts a `TimeStampReq` to the authority at `url`, and gives its answer, of which nothing has been checked.
///
/// # Errors
/// [`AskError`].
pub fn ask(url: &str, request: &[u8]) -> Result<Vec<u8>, AskError> {
    let shown = redact::url(url);
    let mut pause = Duration::from_millis(200);
    let mut turn = 1;
    loop {
        match post(url, request) {
            Ok((200, kind, _)) if !kind.starts_with("application/timestamp-reply") => {
                return Err(AskError::Type { url: shown, kind });
            }
            Ok((200, _, body)) if body.len() > TOKEN_MAX => return Err(AskError::Large { url: shown }),
            Ok((200, _, body)) => return Ok(body),
            Ok((status, _, _)) if status < 500 || turn == TRIES => {
                return Err(AskError::Refused { url: shown, status });
            }
            Err(error) if matches!(error, ureq::Error::Timeout(_)) || turn == TRIES => {
                return Err(AskError::Silent { url: shown, why: redact::urls_in(&error.to_string()) });
            }
            Ok(_) | Err(_) => {}
        }
        std::thread::sleep(pause);
        pause *= 2;
        turn += 1;
    }
}

fn post(url: &str, request: &[u8]) -> Result<(u16, String, Vec<u8>), ureq::Error> {
    let asked = http::agent(TIMEOUT).post(url).header("content-type", "application/timestamp-query");
    let mut response = asked.header("accept", "application/timestamp-reply").send(request)?;
    // One more than fits, so that the caller sees it.
    let (body, _) = http::body(&mut response, TOKEN_MAX + 1)?;
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("no content type").chars().take(80).collect();
    Ok((response.status().as_u16(), kind, body))
}
