//! A token: CMS SignedData (RFC 5652) over a TSTInfo (RFC 3161 section 2.4.2).

use der::Tag;
use der::asn1::ObjectIdentifier;

use super::asn1::{Element, Elements, Malformed, context, only};
use super::certificate::Certificate;
use super::request::SHA_256;
use super::signature::{self, Digest};
use crate::core::time::Timestamp;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// More than any chain has: what is looked for among them takes long with many.
const MAX_CERTIFICATES: usize = 10;

/// Why a token is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A part is not in the one form that is accepted.
    #[error("its {0} is not in the form that the format asks for")]
    Malformed(&'static str),
    /// It contradicts itself.
    #[error("{0}: it was altered, or put together from parts")]
    Altered(&'static str),
    /// Nothing is known to be wrong with it.
    #[error("this version cannot check {0}")]
    Unsupported(&'static str),
}

impl From<Malformed> for TokenError {
    fn from(Malformed(place): Malformed) -> Self {
        Self::Malformed(place)
    }
}

/// A token that is rightly signed by the certificate that it brings.
#[derive(Clone, Debug)]
pub struct Token<'a> {
    pub(super) signer: Certificate<'a>,
    /// All that it brings, the signer's too.
    pub(super) certificates: Vec<Certificate<'a>>,
    /// In seconds since 1970.
    pub(super) seconds: u64,
    stated: Stated<'a>,
}

/// What the authority says.
#[derive(Clone, Copy, Debug)]
struct Stated<'a> {
    time: Timestamp,
    imprint: &'a [u8],
    nonce: Option<&'a [u8]>,
}

/// The authority's signature and what it covers.
struct SignerInfo<'a> {
    issuer: &'a [u8],
    serial: &'a [u8],
    digest: &'a [u8],
    attributes: Element<'a>,
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Token<'a> {
    /// Reads a `TimeStampResp`, and checks the token in it against itself: structure, digests, signature.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(reply: &'a [u8]) -> Result<Self, TokenError> {
        let mut outer = only(reply, Tag::Sequence, "TimeStampResp")?;
        let mut status = outer.take(Tag::Sequence)?.inside("PKIStatusInfo (granted, and no more)");
        status.take_number(0)?;
        status.end()?;
        let mut info = outer.take(Tag::Sequence)?.inside("ContentInfo");
        outer.end()?;
        info.take_oid(&SIGNED_DATA)?;
        let explicit = info.take(context(0))?;
        info.end()?;
        let mut signed = only(explicit.value, Tag::Sequence, "SignedData")?;
        signed.take_number(3)?;
        let mut digests = signed.take(Tag::Set)?.inside("digestAlgorithms");
        let digest = digests.algorithm()?;
        digests.end()?;
        let content = content(signed.take(Tag::Sequence)?)?;
        let certificates = certificates(signed.take(context(0))?)?;
        let mut signers = signed.take(Tag::Set)?.inside("SignerInfos");
        signed.end()?;
        let signer_info = SignerInfo::parse(signers.take(Tag::Sequence)?)?;
        signers.end()?;
        if signer_info.digest != digest {
            return Err(TokenError::Altered("it names two digest algorithms"));
        }
        let signer = signer_info.verify(content, &certificates)?;
        let stated = Stated::parse(content)?;
        let seconds = u64::try_from(stated.time.millis() / 1000).map_err(|_| Malformed("genTime"))?;
        Ok(Self { signer, certificates, seconds, stated })
    }

    /// When it was made, as the authority says (genTime).
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.stated.time
    }

    /// Whether its imprint is that of a checkpoint's text.
    #[must_use]
    pub fn is_over(&self, text: &str) -> bool {
        self.stated.imprint == super::imprint(text).as_bytes()
    }

    /// The value of the DER INTEGER.
    #[must_use]
    pub const fn nonce(&self) -> Option<&[u8]> {
        self.stated.nonce
    }

    /// How the certificate that signed it is called. Anybody can call theirs so: see [`Token::trusted`].
    #[must_use]
    pub fn signer_name(&self) -> String {
        self.signer.name()
    }
}

fn content(element: Element<'_>) -> Result<&[u8], Malformed> {
    let mut info = element.inside("encapContentInfo");
    info.take_oid(&TST_INFO)?;
    let explicit = info.take(context(0))?;
    info.end()?;
    let mut explicit = explicit.inside("encapContentInfo");
    let content = explicit.take(Tag::OctetString)?.value;
    explicit.end()?;
    Ok(content)
}

fn certificates(element: Element<'_>) -> Result<Vec<Certificate<'_>>, Malformed> {
    let mut all = element.inside("certificates");
    let mut found = Vec::new();
    while !all.is_empty() {
        found.push(Certificate::parse(all.take(Tag::Sequence)?.raw)?);
        if found.len() > MAX_CERTIFICATES {
            return Err(all.bad());
        }
    }
    Ok(found)
}

impl<'a> SignerInfo<'a> {
    fn parse(element: Element<'a>) -> Result<Self, Malformed> {
        let mut info = element.inside("SignerInfo");
        info.take_number(1)?;
        let mut sid = info.take(Tag::Sequence)?.inside("SignerInfo");
        let (issuer, serial) = (sid.take(Tag::Sequence)?.raw, sid.take(Tag::Integer)?.raw);
        sid.end()?;
        let digest = info.algorithm()?;
        let attributes = info.take(context(0))?;
        let algorithm = info.algorithm()?;
        let signature = info.take(Tag::OctetString)?.value;
        info.end()?;
        Ok(Self { issuer, serial, digest, attributes, algorithm, signature })
    }

    /// The certificate whose key signed.
    fn verify(
        &self,
        content: &[u8],
        certificates: &[Certificate<'a>],
    ) -> Result<Certificate<'a>, TokenError> {
        let digest = Digest::by_oid(self.digest).ok_or(TokenError::Unsupported("its digest algorithm"))?;
        let own = |one: &&Certificate| one.issuer == self.issuer && one.serial == self.serial;
        let Some(signer) = certificates.iter().find(own) else {
            return Err(TokenError::Altered(
                "it does not bring the certificate that it names as its signer's",
            ));
        };
        let attributes = Attributes::parse(self.attributes)?;
        if attributes.digest != digest.of(content).as_ref() {
            return Err(TokenError::Altered("the digest that was signed is not that of what it states"));
        }
        attributes.names(signer)?;
        // What is signed is the attributes as a SET, not as the [0] that they stand as.
        let mut message = self.attributes.raw.to_vec();
        if let Some(tag) = message.first_mut() {
            *tag = 0x31;
        }
        match signature::verify(signer.spki, digest, self.algorithm, &message, self.signature) {
            Some(true) => Ok(*signer),
            Some(false) => Err(TokenError::Altered("its signature is wrong")),
            None => Err(TokenError::Unsupported("its signature algorithm, or its key")),
        }
    }
}

/// The signed attributes that matter.
struct Attributes<'a> {
    digest: &'a [u8],
    /// SigningCertificate and SigningCertificateV2: one at least.
    by_sha_1: Option<Element<'a>>,
    by_any: Option<Element<'a>>,
}

impl<'a> Attributes<'a> {
    fn parse(element: Element<'a>) -> Result<Self, Malformed> {
        let mut all = element.inside("signedAttrs");
        let bad = all.bad();
        let (mut content_type, mut digest, mut by_sha_1, mut by_any) = (None, None, None, None);
        while !all.is_empty() {
            let mut one = all.take(Tag::Sequence)?.inside("signedAttrs");
            let id = one.any()?;
            let mut values = one.take(Tag::Set)?.inside("signedAttrs");
            one.end()?;
            let kept = [
                (CONTENT_TYPE, &mut content_type),
                (MESSAGE_DIGEST, &mut digest),
                (SIGNING_CERTIFICATE, &mut by_sha_1),
                (SIGNING_CERTIFICATE_V2, &mut by_any),
            ];
            for (oid, place) in kept {
                if id.is(&oid) {
                    let value = values.any()?;
                    values.end()?;
                    if place.replace(value).is_some() {
                        return Err(bad);
                    }
                }
            }
        }
        let digest = digest.filter(|found: &Element| found.tag == Tag::OctetString).ok_or(bad)?.value;
        if !content_type.is_some_and(|found: Element| found.is(&TST_INFO)) {
            return Err(bad);
        }
        Ok(Self { digest, by_sha_1, by_any })
    }

    /// Whether they name this certificate as the signer's.
    fn names(&self, signer: &Certificate) -> Result<(), TokenError> {
        const OTHER: TokenError =
            TokenError::Altered("it was signed for another certificate than the one it brings");
        if self.by_sha_1.is_none() && self.by_any.is_none() {
            return Err(TokenError::Malformed("signing-certificate attribute"));
        }
        if let Some(attribute) = self.by_sha_1 {
            let hash = first_id(attribute)?.take(Tag::OctetString)?;
            if hash.value != signature::sha_1(signer.raw).as_ref() {
                return Err(OTHER);
            }
        }
        if let Some(attribute) = self.by_any {
            let mut id = first_id(attribute)?;
            let mut ahead = id;
            let digest = if ahead.any()?.tag == Tag::Sequence { id.algorithm()? } else { SHA_256.as_bytes() };
            let hash = id.take(Tag::OctetString)?.value;
            let same = if signature::is_sha_1(digest) {
                hash == signature::sha_1(signer.raw).as_ref()
            } else {
                let digest = Digest::by_oid(digest);
                hash == digest
                    .ok_or(TokenError::Unsupported("how it names its certificate"))?
                    .of(signer.raw)
                    .as_ref()
            };
            if !same {
                return Err(OTHER);
            }
        }
        Ok(())
    }
}

/// The inside of the first ESSCertID or ESSCertIDv2: the signer's (RFC 5035 section 3).
fn first_id(attribute: Element<'_>) -> Result<Elements<'_>, Malformed> {
    const PLACE: &str = "signing-certificate attribute";
    let mut certs = only(attribute.raw, Tag::Sequence, PLACE)?.take(Tag::Sequence)?.inside(PLACE);
    Ok(certs.take(Tag::Sequence)?.inside(PLACE))
}

impl<'a> Stated<'a> {
    fn parse(content: &'a [u8]) -> Result<Self, TokenError> {
        let mut info = only(content, Tag::Sequence, "TSTInfo")?;
        info.take_number(1)?;
        info.take(Tag::ObjectIdentifier)?;
        let mut imprint = info.take(Tag::Sequence)?.inside("messageImprint");
        if imprint.algorithm()? != SHA_256.as_bytes() {
            return Err(TokenError::Unsupported("its imprint, which is no SHA-256"));
        }
        let hash = imprint.take(Tag::OctetString)?.value;
        imprint.end()?;
        info.take(Tag::Integer)?;
        let time = gen_time(info.take(Tag::GeneralizedTime)?.value).ok_or(Malformed("genTime"))?;
        info.take_if(Tag::Sequence)?;
        info.take_if(Tag::Boolean)?;
        let nonce = info.take_if(Tag::Integer)?.map(|nonce| nonce.value);
        info.take_if(context(0))?;
        if !info.is_empty() {
            return Err(TokenError::Unsupported("the extensions of what it states"));
        }
        Ok(Self { time, imprint: hash, nonce })
    }
}

/// `20260703020411Z`, with a fraction of a second or none.
fn gen_time(value: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let part = |range| whole.get(range);
    let (date, clock) =
        ((part(0..4)?, part(4..6)?, part(6..8)?), (part(8..10)?, part(10..12)?, part(12..14)?));
    let millis = format!("{fraction:0<3}");
    let ((year, month, day), (hour, minute, second)) = (date, clock);
    let millis = millis.get(..3)?;
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}.{millis}Z")).ok()
}
