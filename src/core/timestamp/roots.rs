//! Whether an authority is one that the caller trusts: its certificate's chain, as of the token's own time.

use std::time::Duration;

use pki_types::pem::{self, PemObject as _};
use pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use super::certificate::{Certificate, TIME_STAMPING};
use super::token::Token;

/// The root certificates that the caller trusts to name time-stamping authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TsaRoots(Vec<CertificateDer<'static>>);

/// Why a file of roots was refused.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// Not PEM.
    #[error("it is not PEM: {0}")]
    Pem(String),
    /// PEM, and nothing in it.
    #[error(
        "it has no certificate in PEM; a DER file is turned into one by `openssl x509 -inform der -in FILE`"
    )]
    Empty,
    /// One that cannot be read.
    #[error("its certificate {0} (counted from 1) cannot be read")]
    Certificate(usize),
}

/// Why nobody has to believe a token that is otherwise good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The caller said nothing.
    #[error("no root certificate was given to trust it by: give --tsa-roots with those of your authority")]
    NoRoots,
    /// The certificate is made for something else.
    #[error("the certificate that signed it may not be a time-stamping authority's: {0}")]
    NotForStamping(&'static str),
    /// No path.
    #[error("no root that you gave, and that was valid then, leads to the certificate that signed it")]
    NoPath,
    /// Out of its time.
    #[error("a certificate of its chain was {0} at that time")]
    OutOfTime(&'static str),
    /// The path breaks a rule.
    #[error("its certificate chain does not hold: {0}")]
    Chain(String),
    /// A certificate that nothing vouches for.
    #[error(
        "it brings the certificate {0:?}, which no root that you gave vouches for: give that one's root too"
    )]
    Stray(String),
}

impl TsaRoots {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds every certificate of a PEM file.
    ///
    /// # Errors
    /// [`RootsError`]: none is added.
    pub fn add_pem(&mut self, file: &[u8]) -> Result<(), RootsError> {
        let found = CertificateDer::pem_slice_iter(file).collect::<Result<Vec<_>, pem::Error>>();
        let found = found.map_err(|error| RootsError::Pem(error.to_string()))?;
        if found.is_empty() {
            return Err(RootsError::Empty);
        }
        for (number, one) in (1..).zip(&found) {
            if Certificate::parse(one).is_err() || anchor_from_trusted_cert(one).is_err() {
                return Err(RootsError::Certificate(number));
            }
        }
        self.0.extend(found);
        Ok(())
    }
}

impl Token<'_> {
    /// The name of the root that leads to the authority, and was valid when the token was made, as was all between.
    ///
    /// # Errors
    /// [`Untrusted`], saying why nobody has to believe it.
    pub fn trusted(&self, roots: &TsaRoots) -> Result<String, Untrusted> {
        if roots.is_empty() {
            return Err(Untrusted::NoRoots);
        }
        self.signer.only_stamps().map_err(Untrusted::NotForStamping)?;
        let valid = |one: &&CertificateDer| {
            Certificate::parse(one).is_ok_and(|certificate| certificate.valid_at(self.seconds))
        };
        let roots: Vec<_> = roots.0.iter().filter(valid).collect();
        let anchors: Vec<_> = roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
        let signer = CertificateDer::from(self.signer.raw);
        let others: Vec<_> = self.certificates.iter().filter(|one| one.raw != self.signer.raw).collect();
        let between: Vec<_> = others.iter().map(|one| CertificateDer::from(one.raw)).collect();
        let path = EndEntityCert::try_from(&signer).and_then(|end| {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(self.seconds));
            let usage = KeyUsage::required_if_present(TIME_STAMPING.as_bytes());
            let path = end.verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &anchors,
                &between,
                time,
                usage,
                None,
                None,
            )?;
            Ok(path.anchor().subject.as_ref().to_vec())
        });
        let subject = path.map_err(refusal)?;
        let roots: Vec<_> = roots.iter().filter_map(|root| Certificate::parse(root).ok()).collect();
        if let Some(stray) = others.iter().find(|one| !vouched(one, &roots, &others)) {
            return Err(Untrusted::Stray(stray.name()));
        }
        let root = roots.iter().find(|root| root.subject.ends_with(&subject));
        Ok(root.map(Certificate::name).unwrap_or_default())
    }
}

/// Whether signatures lead from one of the roots to this certificate, so that no byte of it was changed.
fn vouched(one: &Certificate, roots: &[Certificate], others: &[&Certificate]) -> bool {
    let mut reached = vec![one];
    let mut next = 0;
    while let Some(current) = reached.get(next).copied() {
        if roots.iter().any(|root| current.is_signed_by(root)) {
            return true;
        }
        for other in others.iter().copied() {
            if !reached.iter().any(|seen| seen.raw == other.raw) && current.is_signed_by(other) {
                reached.push(other);
            }
        }
        next += 1;
    }
    false
}

fn refusal(error: Error) -> Untrusted {
    match error {
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => Untrusted::NoPath,
        Error::CertExpired { .. } => Untrusted::OutOfTime("expired"),
        Error::CertNotValidYet { .. } => Untrusted::OutOfTime("not valid yet"),
        other => Untrusted::Chain(format!("{other:?}")),
    }
}
