//! Openings: salted commitments to everything that may one day have to be erased.
//!
//! A statement carries an [`OpeningRef`]; the [`Opening`] itself is kept beside the log. The commit is
//! SHA-256(salt ‖ bytes), so the SHA-256 of an opening's file is its name.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::hash::Hash;

/// Length of the salt, in bytes. Fresh from the operating system for each opening.
pub const SALT_LEN: usize = 16;

/// Longest media type, in bytes.
pub const MEDIA_TYPE_MAX: usize = 100;

/// Why an opening or a reference to one was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// The file is shorter than its salt.
    #[error("an opening has at least {SALT_LEN} bytes (its salt), this one has {0}")]
    TooShort(usize),
    /// The media type is empty, too long, or has a character outside `a-z 0-9 . + / ; = space -`.
    #[error(
        "{0:?} is not a media type: write 1 to {MEDIA_TYPE_MAX} characters out of a-z, 0-9 and \". + / ; = -\" \
         and space, for example text/plain"
    )]
    MediaType(String),
}

/// What a statement says of an opening: `{"commit":"<64 hex>","mediaType":"text/plain"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpeningRef {
    /// SHA-256(salt ‖ bytes).
    pub commit: Hash,
    /// `[a-z0-9.+/;= -]{1,100}`; checked on reading and by [`OpeningRef::new`].
    #[serde(deserialize_with = "media_type")]
    pub media_type: String,
}

impl OpeningRef {
    /// A reference to `commit`.
    ///
    /// # Errors
    /// [`OpeningError::MediaType`] when `media_type` is not `[a-z0-9.+/;= -]{1,100}`.
    pub fn new(commit: Hash, media_type: &str) -> Result<Self, OpeningError> {
        validate_media_type(media_type)?;
        Ok(Self { commit, media_type: media_type.to_owned() })
    }
}

/// Checks that `text` is `[a-z0-9.+/;= -]{1,100}`.
///
/// # Errors
/// [`OpeningError::MediaType`] when it is not.
pub fn validate_media_type(text: &str) -> Result<(), OpeningError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".+/;= -".contains(&byte);
    if (1..=MEDIA_TYPE_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(OpeningError::MediaType(text.chars().take(MEDIA_TYPE_MAX).collect()))
    }
}

fn media_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    validate_media_type(&text).map_err(D::Error::custom)?;
    Ok(text)
}

/// A salt and the bytes it hides.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// 16 random bytes, given by the caller.
    pub salt: [u8; SALT_LEN],
    /// What the commit stands for.
    pub bytes: Vec<u8>,
}

impl Opening {
    /// SHA-256(salt ‖ bytes).
    #[must_use]
    pub fn commit(&self) -> Hash {
        Hash::of(&[&self.salt, &self.bytes])
    }

    /// The reference that a statement carries.
    ///
    /// # Errors
    /// [`OpeningError::MediaType`] when `media_type` is not `[a-z0-9.+/;= -]{1,100}`.
    pub fn reference(&self, media_type: &str) -> Result<OpeningRef, OpeningError> {
        OpeningRef::new(self.commit(), media_type)
    }

    /// The exported file: salt ‖ bytes. Its SHA-256 is [`Opening::commit`].
    #[must_use]
    pub fn to_file_bytes(&self) -> Vec<u8> {
        [self.salt.as_slice(), &self.bytes].concat()
    }

    /// Reads salt ‖ bytes. Whether it is the wanted opening is for the caller to check, by its commit.
    ///
    /// # Errors
    /// [`OpeningError::TooShort`] below 16 bytes.
    pub fn from_file_bytes(file: &[u8]) -> Result<Self, OpeningError> {
        let (salt, bytes) = file.split_first_chunk::<SALT_LEN>().ok_or(OpeningError::TooShort(file.len()))?;
        Ok(Self { salt: *salt, bytes: bytes.to_vec() })
    }
}

/// Shows the commit and the length only: the bytes may be what has to be erased.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({}, {} bytes)", self.commit().short(), self.bytes.len())
    }
}

/// The commit of every object of exactly `commit` and `mediaType` in canonical JSON.
///
/// In canonical JSON the text sought can stand nowhere else: inside a string its quotes would be escaped.
#[must_use]
pub fn refs_in(body: &str) -> Vec<Hash> {
    const BEGIN: &str = "{\"commit\":\"";
    const MIDDLE: &str = "\",\"mediaType\":\"";
    let mut found = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find(BEGIN) {
        rest = &rest[at + BEGIN.len()..];
        let commit = rest.split_at_checked(64).and_then(|(hex, after)| {
            let (_, end) = after.strip_prefix(MIDDLE)?.split_once('"')?;
            end.starts_with('}').then(|| Hash::parse(hex).ok())?
        });
        found.extend(commit);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outside_vector_opens() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/format.json")).unwrap();
        let field = |name: &str| vectors["opening"][name].as_str().unwrap();
        let bytes = |name: &str| base16ct::lower::decode_vec(field(name)).unwrap();
        let opening = Opening { salt: bytes("salt").try_into().unwrap(), bytes: bytes("bytes") };
        assert_eq!(opening.commit().to_string(), field("commit"));
        let file = opening.to_file_bytes();
        assert_eq!(Hash::of(&[&file]), opening.commit());
        assert_eq!(Opening::from_file_bytes(&file), Ok(opening));
    }

    #[test]
    fn a_file_shorter_than_its_salt_is_refused() {
        assert_eq!(Opening::from_file_bytes(&[7; 15]), Err(OpeningError::TooShort(15)));
        assert!(Opening::from_file_bytes(&[7; 16]).unwrap().bytes.is_empty());
    }

    #[test]
    fn references_are_strict() {
        let opening = Opening { salt: [1; 16], bytes: b"x".to_vec() };
        let reference = opening.reference("text/plain; charset=utf-8").unwrap();
        let json = serde_json::to_string(&reference).unwrap();
        assert_eq!(serde_json::from_str::<OpeningRef>(&json).unwrap(), reference);
        assert!(json.starts_with("{\"commit\":\"") && json.contains("\"mediaType\":"), "{json}");
        for bad in ["", "Text/plain", "text/plain\n", "text/é", &"a".repeat(101)] {
            assert!(opening.reference(bad).is_err(), "{bad:?}");
            let json = serde_json::json!({"commit": opening.commit(), "mediaType": bad});
            assert!(serde_json::from_value::<OpeningRef>(json).is_err(), "{bad:?}");
        }
        let extra = json.replace('}', ",\"size\":1}");
        assert!(serde_json::from_str::<OpeningRef>(&extra).is_err());
    }

    #[test]
    fn debug_hides_the_bytes() {
        let opening = Opening { salt: [1; 16], bytes: b"AKIA-token".to_vec() };
        assert!(!format!("{opening:?}").contains("AKIA"));
    }

    #[test]
    fn refs_are_objects_of_exactly_two_members() {
        let (a, b) = ("ab".repeat(32), "cd".repeat(32));
        let body = format!(
            r#"{{"a":{{"commit":"{a}","mediaType":"text/plain"}},"b":[{{"commit":"{b}","mediaType":"x"}}],"commit":"{a}",
            "d":{{"commit":"{a}","mediaType":"x","more":1}},"e":"{{\"commit\":\"{a}\",\"mediaType\":\"x\"}}",
            "f":{{"commit":"{a}","reason":{{}}}},"g":{{"commit":"short","mediaType":"x"}},"h":{{"commit":""#
        );
        assert_eq!(refs_in(&body), [Hash::parse(&a).unwrap(), Hash::parse(&b).unwrap()]);
    }
}
