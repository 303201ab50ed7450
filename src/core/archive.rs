//! An archive of a log: where it lies, how its objects are named, and what was read from it.

use std::fmt;
use std::str::FromStr;

use super::hash::Hash;
use super::time::Timestamp;

/// For so many days objects are locked, unless something else is set: seven years.
pub const RETAIN_DAYS: u32 = 2555;
/// The longest lock that S3 takes: a hundred years.
pub const MAX_RETAIN_DAYS: u32 = 36_500;
/// S3's keys have at most 1024 bytes; the names below a prefix take less than 500.
const MAX_PREFIX: usize = 500;

/// `s3://bucket/prefix`; the prefix may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    bucket: String,
    prefix: String,
}

/// Not such an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: write it as s3://bucket/prefix")]
pub struct PlaceError(&'static str);

impl Place {
    /// Reads `s3://bucket/prefix`. Bucket names are those of S3; a prefix is made of letters, digits and `!_.*'()-/`.
    ///
    /// # Errors
    /// [`PlaceError`] on anything else.
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        let rest = text.strip_prefix("s3://").ok_or(PlaceError("an archive is an S3 address"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = |byte: u8| fits(byte) || matches!(byte, b'.' | b'-');
        let ends = [bucket.bytes().next(), bucket.bytes().next_back()];
        if !(3..=63).contains(&bucket.len())
            || !bucket.bytes().all(inner)
            || !ends.into_iter().flatten().all(fits)
        {
            return Err(PlaceError(
                "a bucket has 3 to 63 of a-z, 0-9, dot and dash, with a letter or digit at each end",
            ));
        }
        let prefix = prefix.trim_end_matches('/');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!_.*'()-/".contains(&byte);
        let steps = |part: &str| matches!(part, "" | "." | "..");
        if prefix.len() > MAX_PREFIX
            || !prefix.bytes().all(plain)
            || !prefix.is_empty() && prefix.split('/').any(steps)
        {
            return Err(PlaceError(
                "a prefix has up to 500 letters, digits and !_.*'()-, with single slashes between",
            ));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Where the archive of one log begins: `prefix/<label>/`. The label is the origin with a dash for whatever is not
    /// a letter, digit, dot or dash, at most 100 characters of it, a dash, and the first 12 hex digits of the origin's SHA-256.
    #[must_use]
    pub fn of_log(&self, origin: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let name: String = origin.chars().take(100).map(plain).collect();
        let label = format!("{name}-{}", Hash::of(&[origin.as_bytes()]).short());
        if self.prefix.is_empty() { format!("{label}/") } else { format!("{}/{label}/", self.prefix) }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        Self::parse(text)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// What the caller's archive came to, before it is held against the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Archive {
    /// It could not be read, or not wholly: why, and what to do.
    NotChecked(String),
    /// Every checkpoint that was found; none is possible.
    Read(Vec<Archived>),
}

/// One checkpoint of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// The object.
    pub place: String,
    /// Its bytes.
    pub note: String,
    /// Until when nobody can delete or change it; `None` where that is over, or was never so.
    pub locked: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, bucket, of_log) in
            [("s3://abc", "abc", "o-a-cc8e2575c3fe/"), ("s3://a.b-c/x/y/", "a.b-c", "x/y/o-a-cc8e2575c3fe/")]
        {
            let place = Place::parse(text).unwrap();
            assert_eq!((place.bucket(), place.of_log("o/a").as_str()), (bucket, of_log));
        }
        for bad in [
            "",
            "abc/x",
            "https://abc/x",
            "s3://",
            "s3://ab",
            "s3://Abc",
            "s3://-abc",
            "s3://abc//x",
            "s3://abc/a b",
        ] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
        assert!(Place::parse("s3://abc/../x").is_err());
    }
}
