//! Certificates (RFC 5280), as far as a token asks for what webpki does not look at.

use der::asn1::{GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{Decode as _, Tag, TagNumber};

use super::asn1::{Element, Elements, Malformed, context, only};
use super::signature;
use crate::core::hash::Hash;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
pub(super) const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// The bits digitalSignature and nonRepudiation of a key usage.
const SIGNING: u8 = 0xc0;

const PLACE: &str = "Certificate";

/// A certificate's parts, as they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificate<'a> {
    pub raw: &'a [u8],
    pub issuer: &'a [u8],
    pub serial: &'a [u8],
    pub subject: &'a [u8],
    pub spki: &'a [u8],
    tbs: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    from: u64,
    to: u64,
    extensions: Option<Elements<'a>>,
}

/// An extension that is there.
struct Extension<'a> {
    critical: bool,
    value: &'a [u8],
}

impl<'a> Certificate<'a> {
    pub fn parse(raw: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = only(raw, Tag::Sequence, PLACE)?;
        let signed = outer.take(Tag::Sequence)?;
        let algorithm = outer.take(Tag::Sequence)?.value;
        let signature = bits(outer.take(Tag::BitString)?)?;
        outer.end()?;
        let mut tbs = signed.inside(PLACE);
        tbs.take_if(context(0))?;
        let serial = tbs.take(Tag::Integer)?.raw;
        tbs.take(Tag::Sequence)?;
        let issuer = tbs.take(Tag::Sequence)?.raw;
        let mut validity = tbs.take(Tag::Sequence)?.inside(PLACE);
        let (from, to) = (moment(validity.any()?)?, moment(validity.any()?)?);
        validity.end()?;
        let subject = tbs.take(Tag::Sequence)?.raw;
        let spki = tbs.take(Tag::Sequence)?.raw;
        for number in [1, 2] {
            tbs.take_if(Tag::ContextSpecific { constructed: false, number: TagNumber(number) })?;
        }
        let extensions = match tbs.take_if(context(3))? {
            Some(explicit) => Some(only(explicit.value, Tag::Sequence, PLACE)?),
            None => None,
        };
        tbs.end()?;
        let tbs = signed.raw;
        Ok(Self { raw, issuer, serial, subject, spki, tbs, algorithm, signature, from, to, extensions })
    }

    /// Whether it was valid, in seconds since 1970.
    pub const fn valid_at(&self, seconds: u64) -> bool {
        self.from <= seconds && seconds <= self.to
    }

    /// Whether `issuer` made it and nothing was changed since.
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        self.issuer == issuer.subject
            && signature::verify_certificate(issuer.spki, self.algorithm, self.tbs, self.signature)
                == Some(true)
    }

    /// Its common name, or whatever its subject is.
    pub fn name(&self) -> String {
        let name = common_name(self.subject).ok().flatten();
        let mut name = name.map_or_else(
            || format!("without a common name, {}", Hash::of(&[self.raw]).short()),
            |name| String::from_utf8_lossy(name).into_owned(),
        );
        name.truncate(name.floor_char_boundary(100));
        name
    }

    /// Refuses a certificate that may do anything but stamp times (RFC 3161 section 2.3).
    pub fn only_stamps(&self) -> Result<(), &'static str> {
        let unread = "its extensions cannot be read";
        let Some(usage) = self.extension(&EXTENDED_KEY_USAGE).map_err(|_| unread)? else {
            return Err("it is not made for time-stamping (no extended key usage)");
        };
        if !usage.critical {
            return Err("its extended key usage is not critical");
        }
        let mut purposes = only(usage.value, Tag::Sequence, PLACE).map_err(|_| unread)?;
        if purposes.take_oid(&TIME_STAMPING).is_err() || purposes.end().is_err() {
            return Err("its extended key usage is not time-stamping alone");
        }
        let Some(usage) = self.extension(&KEY_USAGE).map_err(|_| unread)? else { return Ok(()) };
        let mut outer = Elements::of(usage.value, PLACE);
        let bits = outer.take(Tag::BitString).map_err(|_| unread)?.value;
        match bits {
            [_unused, first, rest @ ..]
                if *first != 0 && first & !SIGNING == 0 && rest.iter().all(|byte| *byte == 0) =>
            {
                Ok(())
            }
            _ => Err("its key usage is not signing alone"),
        }
    }

    fn extension(&self, oid: &ObjectIdentifier) -> Result<Option<Extension<'a>>, Malformed> {
        let Some(mut all) = self.extensions else { return Ok(None) };
        let mut found = None;
        while !all.is_empty() {
            let mut one = all.take(Tag::Sequence)?.inside(PLACE);
            let id = one.any()?;
            let critical = one.take_if(Tag::Boolean)?.is_some_and(|flag| flag.value == [0xff]);
            let value = one.take(Tag::OctetString)?.value;
            one.end()?;
            if id.is(oid) && found.replace(Extension { critical, value }).is_some() {
                return Err(one.bad());
            }
        }
        Ok(found)
    }
}

/// The bytes of a bit string that has no odd bits.
fn bits(element: Element<'_>) -> Result<&[u8], Malformed> {
    match element.value.split_first() {
        Some((0, bytes)) => Ok(bytes),
        _ => Err(Malformed(PLACE)),
    }
}

/// The last second, since 1970, that a certificate in DER is valid (RFC 5280 section 4.1.2.5); `None` where it is none.
#[must_use]
pub fn valid_until(der: &[u8]) -> Option<u64> {
    Certificate::parse(der).ok().map(|certificate| certificate.to)
}

/// Seconds since 1970.
fn moment(element: Element) -> Result<u64, Malformed> {
    let time = match element.tag {
        Tag::UtcTime => UtcTime::from_der(element.raw).map(|time| time.to_unix_duration()),
        _ => GeneralizedTime::from_der(element.raw).map(|time| time.to_unix_duration()),
    };
    time.map(|time| time.as_secs()).map_err(|_| Malformed(PLACE))
}

fn common_name(subject: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let mut names = only(subject, Tag::Sequence, PLACE)?;
    let mut found = None;
    while !names.is_empty() {
        let mut set = names.take(Tag::Set)?.inside(PLACE);
        while !set.is_empty() {
            let mut pair = set.take(Tag::Sequence)?.inside(PLACE);
            if pair.any()?.is(&COMMON_NAME) {
                found = Some(pair.any()?.value);
            }
        }
    }
    Ok(found)
}
