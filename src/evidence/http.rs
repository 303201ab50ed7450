//! One GET request: status, body and latency. Redirects are not followed; what the URL itself answers is judged.

use std::io::{ErrorKind, Read as _};
use std::time::{Duration, Instant};

use super::{Answer, EvidenceError, MAX_RESPONSE, Observation, Request, Response, Source, moment};
use crate::core::check::{Decimal, HttpProbe, Point};
use crate::core::redact;

/// One URL.
#[derive(Clone, Debug)]
pub struct Http {
    probe: HttpProbe,
}

struct Reply {
    status: u16,
    media_type: String,
    body: Vec<u8>,
    more: bool,
    millis: f64,
}

impl Http {
    /// Measures by `probe`.
    #[must_use]
    pub const fn new(probe: HttpProbe) -> Self {
        Self { probe }
    }

    fn get(&self) -> Result<Reply, ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(self.probe.timeout_seconds.into())))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("aether-audit/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let start = Instant::now();
        let mut response = agent.get(&self.probe.url).call()?;
        let mut body = vec![];
        response.body_mut().as_reader().take(MAX_RESPONSE as u64 + 1).read_to_end(&mut body)?;
        let millis = start.elapsed().as_secs_f64() * 1000.0;
        let more = body.len() > MAX_RESPONSE;
        body.truncate(MAX_RESPONSE);
        let given =
            response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Reply { status: response.status().as_u16(), media_type: media_type(given), body, more, millis })
    }
}

impl Source for Http {
    fn query(&self) -> String {
        format!("GET {}", redact::url(&self.probe.url))
    }

    fn statistic(&self) -> Option<String> {
        Some("latency".to_owned())
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let window = Some(moment(request.now));
        let reply = match self.get() {
            Ok(reply) => reply,
            Err(error) => {
                let note = Some(silence(&error, self.probe.timeout_seconds)?);
                return Ok(Observation { window, answer: Some(Answer::No), note, ..Observation::default() });
            }
        };
        let status_fits = self.probe.status.iter().any(|&(from, to)| (from..=to).contains(&reply.status));
        let pattern = self.probe.body_pattern.as_deref().map(regex_lite::Regex::new).transpose();
        let pattern =
            pattern.map_err(|error| EvidenceError::Invalid { what: format!("body-pattern: {error}") })?;
        let body_fits =
            pattern.as_ref().map(|pattern| pattern.is_match(&String::from_utf8_lossy(&reply.body)));
        let mut note = format!("status {}, {} bytes", reply.status, reply.body.len());
        if reply.more {
            note.push_str(" and more that were not read");
        }
        if body_fits == Some(false) {
            note.push_str(", pattern not found");
        }
        let value = Decimal::from_f64((reply.millis * 1000.0).round() / 1000.0);
        let answer = if status_fits && body_fits != Some(false) { Answer::Yes } else { Answer::No };
        Ok(Observation {
            window,
            points: value.map(|value| Point { at: request.now, value }).into_iter().collect(),
            samples: Some(1),
            answer: Some(answer),
            response: Some(Response { bytes: reply.body, media_type: reply.media_type }),
            note: Some(note),
            ..Observation::default()
        })
    }
}

/// Why there was no answer, in the program's own words: not answering is what the check looks for, not a failure to measure.
fn silence(error: &ureq::Error, seconds: u32) -> Result<String, EvidenceError> {
    Ok(match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            return Err(EvidenceError::Invalid { what: "the check's url cannot be requested".to_owned() });
        }
        ureq::Error::InvalidProxyUrl => {
            let what =
                "the proxy of the environment is no URL (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)".to_owned();
            return Err(EvidenceError::Invalid { what });
        }
        ureq::Error::Timeout(_) => format!("no answer within {seconds} s"),
        ureq::Error::HostNotFound => "the host name is not known".to_owned(),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "TLS failed".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            ErrorKind::TimedOut => format!("no answer within {seconds} s"),
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => "the connection was cut".to_owned(),
            ErrorKind::InvalidData => "TLS or HTTP failed".to_owned(),
            _ => "no connection".to_owned(),
        },
        ureq::Error::Protocol(_) => "the answer is not HTTP".to_owned(),
        _ => "no usable answer".to_owned(),
    })
}

fn media_type(given: &str) -> String {
    let plain = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'+' | b'-');
    let good = plain.len() <= 100 && plain.split('/').count() == 2 && plain.bytes().all(fits);
    if good { plain } else { "application/octet-stream".to_owned() }
}
