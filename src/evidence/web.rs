//! One exchange over HTTP, and in words why there was none. Redirects are not followed.

use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::http;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use super::{EvidenceError, MAX_RESPONSE, network};
use crate::core::redact;
use crate::remote::http as remote;

/// The largest `ca-file` that is read, in bytes.
const MAX_CA_FILE: u64 = 4 << 20;

/// What a server answered.
pub struct Reply {
    pub status: u16,
    pub media_type: String,
    /// `name=value` of each cookie that it sets.
    pub cookies: Vec<String>,
    /// Cut at [`MAX_RESPONSE`].
    pub body: Vec<u8>,
    /// Whether there was more.
    pub more: bool,
    pub millis: f64,
}

/// How servers are asked.
pub struct Web<'a> {
    seconds: u32,
    ca_file: Option<&'a str>,
    own: Vec<Certificate<'static>>,
}

impl<'a> Web<'a> {
    /// `seconds` are for one whole exchange. `ca_file` is below `root`, the project's folder.
    ///
    /// # Errors
    /// Where `ca_file` is named and cannot be used.
    pub fn new(root: &Path, ca_file: Option<&'a str>, seconds: u32) -> Result<Self, EvidenceError> {
        let own = ca_file.map_or_else(|| Ok(Vec::new()), |name| certificates(root, name))?;
        Ok(Self { seconds, ca_file, own })
    }

    /// Asks, and once more by the team's own CA where the public roots do not vouch for the server.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub fn send(&self, request: &http::Request<Vec<u8>>) -> Result<Reply, ureq::Error> {
        match self.send_by(request, RootCerts::WebPki) {
            Err(error) if untrusted(&error) && !self.own.is_empty() => {
                self.send_by(request, RootCerts::from(self.own.clone()))
            }
            reply => reply,
        }
    }

    fn send_by(&self, request: &http::Request<Vec<u8>>, roots: RootCerts) -> Result<Reply, ureq::Error> {
        let agent = remote::agent_trusting(Duration::from_secs(self.seconds.into()), roots);
        let start = Instant::now();
        let mut response = if request.body().is_empty() {
            agent.run(request.clone().map(|_| ()))?
        } else {
            agent.run(request.clone())?
        };
        let (body, more) = remote::body(&mut response, MAX_RESPONSE)?;
        let millis = start.elapsed().as_secs_f64() * 1000.0;
        let texts = |name| response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
        let media_type = media_type(texts("content-type").next().unwrap_or_default());
        let cookie = |text: &str| text.split(';').next().unwrap_or_default().trim().to_owned();
        let cookies = texts("set-cookie").map(cookie).filter(|pair| pair.contains('=')).collect();
        Ok(Reply { status: response.status().as_u16(), media_type, cookies, body, more, millis })
    }

    /// Why there was no answer, in the program's own words: not answering is what is looked for, not a failure to
    /// measure.
    ///
    /// # Errors
    /// Where the question was wrong, or never left this machine.
    pub fn silence(&self, error: &ureq::Error, url: &str) -> Result<String, EvidenceError> {
        if let Some(why) = network::stuck(error, url) {
            return Err(EvidenceError::NoNetwork { why, place: redact::url(url) });
        }
        let late = || format!("no answer within {} s", self.seconds);
        Ok(match error {
            error if untrusted(error) => unvouched(self.ca_file),
            error if error.to_string().contains("invalid peer certificate") => {
                "TLS failed: the server's certificate is not valid now, or is for another name".to_owned()
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                return Err(EvidenceError::Invalid {
                    what: "the check's url cannot be requested".to_owned(),
                });
            }
            ureq::Error::InvalidProxyUrl => {
                let what =
                    "the proxy of the environment is no URL (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)".to_owned();
                return Err(EvidenceError::Invalid { what });
            }
            ureq::Error::Timeout(_) => late(),
            ureq::Error::HostNotFound => "the host name is not known".to_owned(),
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "TLS failed".to_owned(),
            ureq::Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused => "connection refused".to_owned(),
                ErrorKind::TimedOut => late(),
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
}

/// That nobody who is trusted signed the server's certificate.
pub fn unvouched(ca_file: Option<&str>) -> String {
    match ca_file {
        Some(file) => {
            format!("TLS failed: neither a public CA nor {file} vouches for the server's certificate")
        }
        None => "TLS failed: no public CA vouches for the server's certificate; name your own under [http], `ca-file`"
            .to_owned(),
    }
}

/// Whether the server's certificate was signed by nobody who is trusted.
fn untrusted(error: &ureq::Error) -> bool {
    let said = error.to_string();
    // A CA of the same name that did not sign it is no better than none.
    said.contains("UnknownIssuer") || said.contains("BadSignature")
}

/// The certificates of a PEM file below `root`: at least one.
pub fn certificates(root: &Path, name: &str) -> Result<Vec<Certificate<'static>>, EvidenceError> {
    let path = root.join(name);
    let invalid = |why: String| EvidenceError::Invalid {
        what: format!("{}, the ca-file under [http] in aether.toml: {why}", path.display()),
    };
    let unreadable = |error: std::io::Error| invalid(format!("cannot be read: {error}"));
    let mut pem = vec![];
    let file = std::fs::File::open(&path).map_err(unreadable)?;
    file.take(MAX_CA_FILE).read_to_end(&mut pem).map_err(unreadable)?;
    let mut found = vec![];
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(one) = item.map_err(|_| invalid("is damaged PEM".to_owned()))? {
            found.push(one);
        }
    }
    if found.is_empty() { Err(invalid("holds no certificate in PEM".to_owned())) } else { Ok(found) }
}

fn media_type(given: &str) -> String {
    let plain = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'+' | b'-');
    let good = plain.len() <= 100 && plain.split('/').count() == 2 && plain.bytes().all(fits);
    if good { plain } else { "application/octet-stream".to_owned() }
}
