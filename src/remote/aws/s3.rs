//! S3: objects in one bucket, their versions and their locks (Amazon S3 API of 2006-03-01).

use std::path::Path;

use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::date_time::{DateTime, Format as DateFormat};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};

use super::call::encoded;
use super::{Answer, Api, Ask, AwsError, Connection, Format, xml};
use crate::core::hash::Hash;
use crate::core::time::Timestamp;

const API: Api =
    Api { name: "S3", id: "s3", service: "S3", global: false, format: Format::Xml, words: false };
/// How much of an object is asked for at once, in bytes.
const PART: u64 = 8 << 20;

/// A bucket of a connection.
pub struct Bucket<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// The bucket's name.
    pub name: &'a str,
}

/// A part of an object.
pub struct Part {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether nothing comes after it.
    pub last: bool,
    /// The object's version; empty where the bucket keeps none.
    pub version: String,
    /// Until when it is locked in compliance mode, as far as S3 says.
    pub locked: Option<Timestamp>,
    /// The entity tag: another one means another object.
    pub tag: Option<String>,
}

/// One page of a list of versions.
pub struct Page {
    /// Key, version and whether it is a delete marker; `None` for what is missing.
    pub versions: Vec<(Option<String>, Option<String>, bool)>,
    /// Where the next page begins: key and version. `None` on the last one.
    pub next: Option<(Option<String>, Option<String>)>,
}

impl Bucket<'_> {
    /// Whether Object Lock is turned on.
    ///
    /// # Errors
    /// What kept it from an answer; `ObjectLockConfigurationNotFoundError` is S3's word for "never was".
    pub fn locks(&self, action: &'static str) -> Result<bool, AwsError> {
        let answer = self.call(action, self.ask("GET", "", "object-lock"))?;
        let text = text_of(action, &answer)?;
        let document = Document::parse(text).map_err(|_| AwsError::nonsense(action))?;
        Ok(xml::text(document.root_element(), "ObjectLockEnabled") == Some("Enabled"))
    }

    /// Writes `file` where there is no object yet, locked in compliance mode. Whole seconds of `until` count.
    ///
    /// # Errors
    /// What kept it from being written; where something is there, with `PreconditionFailed`.
    pub fn put_new(
        &self,
        action: &'static str,
        key: &str,
        file: &Path,
        (bytes, sha256): (u64, Hash),
        until: Timestamp,
    ) -> Result<(), AwsError> {
        let patience = self.connection.patience(std::time::Duration::ZERO);
        let body = self.connection.wait(patience, ByteStream::from_path(file));
        let body = body.ok_or_else(|| std::io::Error::other("the file does not open"))?;
        let body = body.map_err(|error| std::io::Error::other(error.to_string()))?;
        let mut ask = self.ask("PUT", key, "");
        ask.headers = vec![
            ("if-none-match", "*".to_owned()),
            ("content-type", "application/octet-stream".to_owned()),
            ("x-amz-checksum-sha256", STANDARD.encode(sha256.0)),
            ("x-amz-object-lock-mode", "COMPLIANCE".to_owned()),
            ("x-amz-object-lock-retain-until-date", seconds(until)),
        ];
        (ask.body, ask.sha256, ask.bytes) = (body.into_inner(), Some(sha256), bytes);
        self.call(action, ask).map(drop)
    }

    /// Reads what of an object comes after its first `from` bytes, or a part of that. `version` may be empty: the newest.
    ///
    /// # Errors
    /// What kept it from being read.
    pub fn get(
        &self,
        action: &'static str,
        key: &str,
        (version, tag): (&str, Option<&str>),
        from: u64,
    ) -> Result<Part, AwsError> {
        let query =
            if version.is_empty() { String::new() } else { format!("versionId={}", encoded(version)) };
        let asked = |range: Option<String>| {
            let mut ask = self.ask("GET", key, &query);
            ask.headers.extend(range.map(|range| ("range", range)));
            ask.headers.extend(tag.map(|tag| ("if-match", tag.to_owned())));
            ask.bytes = PART;
            self.call(action, ask)
        };
        let mut answer = match asked(Some(format!("bytes={from}-{}", from + PART - 1))) {
            // Nothing stands there: an object without a byte has no range.
            Err(AwsError::Refused { code, .. }) if code == "InvalidRange" && from == 0 => asked(None)?,
            answer => answer?,
        };
        // A server may give all of it whatever was asked for (RFC 9110, 14.2).
        let whole = answer.status != 206;
        if whole && from > 0 {
            let from = usize::try_from(from).ok().filter(|from| *from <= answer.body.len());
            answer.body.drain(..from.ok_or_else(|| AwsError::nonsense(action))?);
        }
        let end = from + answer.body.len() as u64;
        let last = whole || {
            let range = answer.header("content-range").and_then(of_range);
            let (first, size) = range.ok_or_else(|| AwsError::nonsense(action))?;
            if first != from || (answer.body.is_empty() && end < size) {
                return Err(AwsError::nonsense(action));
            }
            end >= size
        };
        let locked = match answer.header("x-amz-object-lock-mode") {
            Some("COMPLIANCE") => answer.header("x-amz-object-lock-retain-until-date").and_then(moment),
            _ => None,
        };
        let version = answer.header("x-amz-version-id").unwrap_or_default().to_owned();
        let tag = answer.header("etag").map(str::to_owned);
        Ok(Part { last, version, locked, tag, bytes: answer.body })
    }

    /// Locks a version in compliance mode. `version` may be empty: the newest.
    ///
    /// # Errors
    /// Where that is refused.
    pub fn retain(
        &self,
        action: &'static str,
        key: &str,
        version: &str,
        until: Timestamp,
    ) -> Result<(), AwsError> {
        let version =
            if version.is_empty() { String::new() } else { format!("&versionId={}", encoded(version)) };
        let until = seconds(until);
        let text = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>COMPLIANCE</Mode>\
             <RetainUntilDate>{until}</RetainUntilDate></Retention>"
        );
        let hash = Hash::of(&[text.as_bytes()]);
        let mut ask = self.ask("PUT", key, &format!("retention{version}"));
        ask.headers = vec![
            ("content-type", "application/xml".to_owned()),
            ("x-amz-checksum-sha256", STANDARD.encode(hash.0)),
        ];
        ask.body = text.into();
        self.call(action, ask).map(drop)
    }

    /// A page of the versions of objects whose keys begin with `prefix`, after the place that the page before named.
    ///
    /// # Errors
    /// What kept it from an answer.
    pub fn versions(
        &self,
        action: &'static str,
        prefix: &str,
        (key, version): (Option<&str>, Option<&str>),
    ) -> Result<Page, AwsError> {
        let mut query = format!("versions&prefix={}", encoded(prefix));
        for (name, value) in [("key-marker", key), ("version-id-marker", version)] {
            query.push_str(&value.map(|value| format!("&{name}={}", encoded(value))).unwrap_or_default());
        }
        let answer = self.call(action, self.ask("GET", "", &query))?;
        let document = Document::parse(text_of(action, &answer)?).map_err(|_| AwsError::nonsense(action))?;
        let root = document.root_element();
        if root.tag_name().name() != "ListVersionsResult" {
            return Err(AwsError::nonsense(action));
        }
        let text = |node: Node<'_, '_>, name| xml::text(node, name).map(str::to_owned);
        let kinds = root.children().filter_map(|node| match node.tag_name().name() {
            "Version" => Some((node, false)),
            "DeleteMarker" => Some((node, true)),
            _ => None,
        });
        let versions = kinds.map(|(node, hides)| (text(node, "Key"), text(node, "VersionId"), hides));
        let more = xml::text(root, "IsTruncated") == Some("true");
        let next = more.then(|| (text(root, "NextKeyMarker"), text(root, "NextVersionIdMarker")));
        Ok(Page { versions: versions.collect(), next })
    }

    /// A request for an object, or for the bucket where `key` is empty.
    fn ask(&self, method: &'static str, key: &str, query: &str) -> Ask {
        // Certificates for bucket names cover one label, and servers other than AWS's know no bucket in a host's name.
        let beside = self.name.contains('.') || self.connection.own_endpoint(&API).is_some();
        let mut path = if beside { format!("/{}", self.name) } else { String::new() };
        if !key.is_empty() || path.is_empty() {
            path.push('/');
            path.push_str(&key.split('/').map(encoded).collect::<Vec<_>>().join("/"));
        }
        if !query.is_empty() {
            path.push('?');
            path.push_str(query);
        }
        let host = (!beside).then(|| self.name.to_owned());
        Ask { host, ..Ask::new(method, path) }
    }

    fn call(&self, action: &'static str, ask: Ask) -> Result<Answer, AwsError> {
        self.connection.call(&API, action, ask)
    }
}

fn text_of<'a>(action: &'static str, answer: &'a Answer) -> Result<&'a str, AwsError> {
    std::str::from_utf8(&answer.body).map_err(|_| AwsError::nonsense(action))
}

/// The moment without its milliseconds, as S3 keeps it.
fn seconds(at: Timestamp) -> String {
    format!("{}Z", &at.to_string()[..19])
}

fn moment(text: &str) -> Option<Timestamp> {
    let millis = DateTime::from_str(text, DateFormat::DateTime).ok()?.to_millis().ok()?;
    Timestamp::from_millis(millis).ok()
}

/// The first byte and the size of all, of a `bytes 0-41/42`.
fn of_range(text: &str) -> Option<(u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_moments() {
        assert_eq!(of_range("bytes 0-41/42"), Some((0, 42)));
        assert_eq!(of_range("bytes 8-9/*"), None);
        assert_eq!(of_range("0-41/42"), None);
        let at = moment("2027-01-02T03:04:05Z").unwrap();
        assert_eq!(seconds(at), "2027-01-02T03:04:05Z");
        assert_eq!(moment("2027-01-02T03:04:05.250Z").unwrap().millis() - at.millis(), 250);
        assert_eq!(moment("soon"), None);
    }
}
