//! The certificate that a server shows: verified as browsers do, and how many days it is good for.

use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};

use super::web::{certificates, unvouched};
use super::{Answer, EvidenceError, Observation, Request, Source, moment};
use crate::core::check::{CertificateProbe, Decimal, Point};
use crate::core::timestamp::valid_until;

/// One server.
#[derive(Clone, Debug)]
pub struct Certificate {
    probe: CertificateProbe,
    root: PathBuf,
}

impl Certificate {
    /// Looks at `probe`; its files are below `root`.
    #[must_use]
    pub fn new(probe: CertificateProbe, root: &Path) -> Self {
        Self { probe, root: root.to_owned() }
    }

    fn roots(&self) -> Result<RootCertStore, EvidenceError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(name) = &self.probe.ca_file {
            for one in certificates(&self.root, name)? {
                let _ = roots.add(CertificateDer::from(one.der().to_vec()));
            }
        }
        Ok(roots)
    }

    /// The server's own certificate, in DER; or in words why there is none that is trusted.
    fn shown(&self) -> Result<Result<Vec<u8>, String>, EvidenceError> {
        let CertificateProbe { host, port, timeout_seconds, .. } = &self.probe;
        let name = ServerName::try_from(host.clone())
            .map_err(|_| EvidenceError::Invalid { what: format!("{host:?} is no host name") })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config
            .map_err(|error| EvidenceError::Invalid { what: format!("TLS: {error}") })?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        let end = Instant::now() + Duration::from_secs((*timeout_seconds).into());
        let late = format!("no answer within {timeout_seconds} s");
        let mut stream = match connect(host, *port, end) {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(silence(&error, &late))),
        };
        let mut tls = ClientConnection::new(Arc::new(config), name)
            .map_err(|error| EvidenceError::Invalid { what: format!("TLS: {error}") })?;
        while tls.is_handshaking() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Err(late));
            }
            stream.set_read_timeout(Some(left))?;
            stream.set_write_timeout(Some(left))?;
            if let Err(error) = tls.complete_io(&mut stream) {
                return Ok(Err(self.refusal(&error, &late)));
            }
        }
        let first = tls.peer_certificates().and_then(|chain| chain.first());
        Ok(first.map(|one| one.to_vec()).ok_or_else(|| "it shows no certificate".to_owned()))
    }

    fn refusal(&self, error: &std::io::Error, late: &str) -> String {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            )) => "its certificate has expired".to_owned(),
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => "its certificate is for another name".to_owned(),
            Some(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) => unvouched(self.probe.ca_file.as_deref()),
            Some(rustls::Error::InvalidCertificate(_)) => "its certificate is not valid".to_owned(),
            Some(_) => "TLS failed".to_owned(),
            None => silence(error, late),
        }
    }
}

fn connect(host: &str, port: u16, end: Instant) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn silence(error: &std::io::Error, late: &str) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => late.to_owned(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            "the connection was cut".to_owned()
        }
        ErrorKind::InvalidData => "the answer is not TLS".to_owned(),
        _ => "no connection".to_owned(),
    }
}

impl Source for Certificate {
    fn query(&self) -> String {
        format!("TLS {}:{}", self.probe.host, self.probe.port)
    }

    fn statistic(&self) -> Option<String> {
        Some("days left".to_owned())
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let shown = self.shown()?;
        let observed = shown.and_then(|der| {
            let until = valid_until(&der).ok_or_else(|| "its certificate cannot be read".to_owned())?;
            let now = request.now.millis().div_euclid(1000);
            Ok((i64::try_from(until).unwrap_or(i64::MAX) - now).div_euclid(86_400))
        });
        let (answer, days, note) = match observed {
            Ok(days) => (
                Answer::Yes,
                Some(days),
                format!("the certificate ends in {days} {}", if days == 1 { "day" } else { "days" }),
            ),
            Err(why) => (Answer::No, None, why),
        };
        let value = days.and_then(|days| Decimal::parse(&days.to_string()).ok());
        Ok(Observation {
            window: Some(moment(request.now)),
            points: value.map(|value| Point { at: request.now, value }).into_iter().collect(),
            samples: days.map(|_| 1),
            answer: Some(answer),
            note: Some(note),
            ..Observation::default()
        })
    }
}
