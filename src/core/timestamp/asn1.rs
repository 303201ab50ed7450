//! Walking DER element by element, so that every byte is either read or refused.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};

/// Which part of a structure is not what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub &'static str);

/// One element: tag, length and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub tag: Tag,
    /// Without tag and length.
    pub value: &'a [u8],
    /// With tag and length.
    pub raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements that this one is made of.
    pub const fn inside(self, place: &'static str) -> Elements<'a> {
        Elements { rest: self.value, place }
    }

    /// Whether this is the object identifier.
    pub fn is(self, oid: &ObjectIdentifier) -> bool {
        self.tag == Tag::ObjectIdentifier && self.value == oid.as_bytes()
    }
}

/// The elements that are still to be read of one structure, which errors call `place`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    place: &'static str,
}

/// `[number]`, constructed.
pub(super) const fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

impl<'a> Elements<'a> {
    pub const fn of(bytes: &'a [u8], place: &'static str) -> Self {
        Self { rest: bytes, place }
    }

    pub const fn bad(&self) -> Malformed {
        Malformed(self.place)
    }

    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let bad = self.bad();
        let mut reader = SliceReader::new(self.rest).map_err(|_| bad)?;
        let found = AnyRef::decode(&mut reader).map_err(|_| bad)?;
        let used = usize::try_from(reader.position()).map_err(|_| bad)?;
        let (raw, rest) = self.rest.split_at_checked(used).ok_or(bad)?;
        self.rest = rest;
        Ok(Element { tag: found.tag(), value: found.value(), raw })
    }

    /// The next element, which must have this tag.
    pub fn take(&mut self, tag: Tag) -> Result<Element<'a>, Malformed> {
        self.any().and_then(|found| if found.tag == tag { Ok(found) } else { Err(self.bad()) })
    }

    /// The next element, if it has this tag.
    pub fn take_if(&mut self, tag: Tag) -> Result<Option<Element<'a>>, Malformed> {
        let mut ahead = *self;
        if ahead.is_empty() || ahead.any()?.tag != tag {
            return Ok(None);
        }
        self.take(tag).map(Some)
    }

    /// The next element, which must be this object identifier.
    pub fn take_oid(&mut self, oid: &ObjectIdentifier) -> Result<(), Malformed> {
        self.any().and_then(|found| if found.is(oid) { Ok(()) } else { Err(self.bad()) })
    }

    /// The next element, which must be this small integer.
    pub fn take_number(&mut self, number: u8) -> Result<(), Malformed> {
        let found = self.take(Tag::Integer)?;
        if found.value == [number] { Ok(()) } else { Err(self.bad()) }
    }

    /// The next element, an AlgorithmIdentifier whose parameters are absent or NULL: its object identifier.
    pub fn algorithm(&mut self) -> Result<&'a [u8], Malformed> {
        let mut inside = self.take(Tag::Sequence)?.inside(self.place);
        let oid = inside.take(Tag::ObjectIdentifier)?;
        if let Some(null) = inside.take_if(Tag::Null)?
            && !null.value.is_empty()
        {
            return Err(self.bad());
        }
        inside.end()?;
        Ok(oid.value)
    }

    /// Nothing may be left.
    pub const fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(self.bad()) }
    }
}

/// The one element that `bytes` are.
pub(super) fn only<'a>(bytes: &'a [u8], tag: Tag, place: &'static str) -> Result<Elements<'a>, Malformed> {
    let mut outer = Elements::of(bytes, place);
    let found = outer.take(tag)?;
    outer.end()?;
    Ok(found.inside(place))
}

/// One element in DER. Values are below 64 KiB.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let length = value.len();
    let [.., high, low] = length.to_be_bytes();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(low),
        0x80..=0xff => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    out.extend(value);
    out
}
