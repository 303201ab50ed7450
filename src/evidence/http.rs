//! One GET request: status, body and latency. Redirects are not followed; what the URL itself answers is judged.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::{Answer, EvidenceError, MAX_RESPONSE, Observation, Request, Response, Source, moment, network};
use crate::core::check::{Decimal, HttpProbe, Point};
use crate::core::redact;

/// The largest `ca-file` that is read, in bytes.
const MAX_CA_FILE: u64 = 4 << 20;

/// One URL.
#[derive(Clone, Debug)]
pub struct Http {
    probe: HttpProbe,
    root: PathBuf,
}

struct Reply {
    status: u16,
    media_type: String,
    body: Vec<u8>,
    more: bool,
    millis: f64,
}

impl Http {
    /// Measures by `probe`; its files are below `root`.
    #[must_use]
    pub fn new(probe: HttpProbe, root: &Path) -> Self {
        Self { probe, root: root.to_owned() }
    }

    /// The certificates of `ca-file`, where one is set.
    fn own_roots(&self) -> Result<Option<RootCerts>, EvidenceError> {
        let Some(name) = &self.probe.ca_file else { return Ok(None) };
        let path = self.root.join(name);
        let invalid = |why: String| EvidenceError::Invalid {
            what: format!("{}, the ca-file under [http] in aether.toml: {why}", path.display()),
        };
        let mut pem = vec![];
        let file = std::fs::File::open(&path).map_err(|error| invalid(format!("cannot be read: {error}")))?;
        file.take(MAX_CA_FILE)
            .read_to_end(&mut pem)
            .map_err(|error| invalid(format!("cannot be read: {error}")))?;
        let mut roots = vec![];
        for item in parse_pem(&pem) {
            if let PemItem::Certificate(root) = item.map_err(|_| invalid("is damaged PEM".to_owned()))? {
                roots.push(root);
            }
        }
        if roots.is_empty() {
            return Err(invalid("holds no certificate in PEM".to_owned()));
        }
        Ok(Some(RootCerts::from(roots)))
    }

    /// Asks, and once more by the team's own CA where the public roots do not vouch for the server.
    fn get(&self, own: Option<RootCerts>) -> Result<Reply, ureq::Error> {
        match (self.get_by(RootCerts::WebPki), own) {
            (Err(error), Some(own)) if untrusted(&error) => self.get_by(own),
            (reply, _) => reply,
        }
    }

    fn get_by(&self, roots: RootCerts) -> Result<Reply, ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(self.probe.timeout_seconds.into())))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("aether-audit/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
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

/// Whether the server's certificate was signed by nobody who is trusted.
fn untrusted(error: &ureq::Error) -> bool {
    let said = error.to_string();
    // A CA of the same name that did not sign it is no better than none.
    said.contains("UnknownIssuer") || said.contains("BadSignature")
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
        let reply = match self.get(self.own_roots()?) {
            Ok(reply) => reply,
            Err(error) => {
                if let Some(why) = network::stuck(&error, &self.probe.url) {
                    return Err(EvidenceError::NoNetwork { why, place: redact::url(&self.probe.url) });
                }
                let note = Some(silence(&error, &self.probe)?);
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
fn silence(error: &ureq::Error, probe: &HttpProbe) -> Result<String, EvidenceError> {
    let seconds = probe.timeout_seconds;
    Ok(match error {
        error if untrusted(error) => match &probe.ca_file {
            Some(file) => {
                format!("TLS failed: neither a public CA nor {file} vouches for the server's certificate")
            }
            None => {
                "TLS failed: no public CA vouches for the server's certificate; name your own under [http], \
                     `ca-file`"
                    .to_owned()
            }
        },
        error if error.to_string().contains("invalid peer certificate") => {
            "TLS failed: the server's certificate is not valid now, or is for another name".to_owned()
        }
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
            _ if network::unknown_name(error) => "the host name is not known".to_owned(),
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
