//! One bucket, and its errors in the program's words.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::ArchiveError;
use crate::core::check::AwsSettings;
use crate::core::hash::Hash;
use crate::core::time::Timestamp;
use crate::remote::aws::{AwsError, Connection, s3};

/// S3's limit for one request.
const MAX_OBJECT: u64 = 5 << 30;

/// A connection to one bucket.
pub struct Client {
    connection: Connection,
    bucket: String,
}

/// The bytes of an object, by length and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// How many.
    pub bytes: u64,
    /// Their hash.
    pub sha256: Hash,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there now.
    Written,
    /// Something was there already, and still is.
    There,
}

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What was read of it: all of it, unless the reader stopped.
    pub content: Content,
    /// Its version; empty where the bucket keeps none.
    pub version: String,
    /// Until when it is locked in compliance mode; `None` where it is not, or S3 does not say.
    pub locked: Option<Timestamp>,
}

/// A version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The object's key.
    pub key: String,
    /// The version's id.
    pub id: String,
    /// Whether it is a delete marker, which hides the versions beneath.
    pub hides: bool,
}

impl Held {
    /// Whether it is locked at least until `until`.
    #[must_use]
    pub fn locked_to(&self, until: Timestamp) -> bool {
        self.locked.is_some_and(|locked| locked >= until)
    }
}

impl Client {
    /// Finds region and credentials as the SDK does, `settings` first.
    ///
    /// # Errors
    /// Where there is no region, or the runtime cannot begin.
    pub fn new(settings: &AwsSettings, bucket: &str) -> Result<Self, ArchiveError> {
        Ok(Self { connection: Connection::open(settings)?, bucket: bucket.to_owned() })
    }

    /// Whether nobody can delete from the bucket what is locked there.
    ///
    /// # Errors
    /// [`ArchiveError::NoLock`] where somebody can.
    pub fn locks(&self) -> Result<(), ArchiveError> {
        let action = "s3:GetBucketObjectLockConfiguration";
        match self.explained(action, "", self.s3().locks(action)) {
            Ok(true) => Ok(()),
            Err(ArchiveError::Refused { code, .. }) if code != "ObjectLockConfigurationNotFoundError" => {
                Err(self.refused(action, "", &code))
            }
            Ok(false) | Err(ArchiveError::Refused { .. }) => {
                Err(ArchiveError::NoLock { bucket: self.bucket.clone() })
            }
            Err(error) => Err(error),
        }
    }

    /// Writes `file` as an object where there is none yet, locked in compliance mode.
    ///
    /// # Errors
    /// Where it could not be written, or not be read here.
    pub fn put_new(
        &self,
        key: &str,
        file: &Path,
        content: &Content,
        until: Timestamp,
    ) -> Result<Put, ArchiveError> {
        let name = || file.display().to_string();
        if content.bytes > MAX_OBJECT {
            return Err(ArchiveError::TooLarge { file: name(), bytes: content.bytes });
        }
        // Asked for here, because the library that sends it says no more than that it cannot.
        std::fs::File::open(file)
            .map_err(|error| ArchiveError::File { file: name(), why: error.to_string() })?;
        let action = "s3:PutObject and s3:PutObjectRetention";
        let asked = self.s3().put_new(action, key, file, (content.bytes, content.sha256), until);
        match self.explained(action, key, asked) {
            Ok(()) => Ok(Put::Written),
            // The second: somebody else is writing the same at this moment, or a lost answer was tried again.
            Err(ArchiveError::Refused { code, .. })
                if code == "PreconditionFailed" || code == "ConditionalRequestConflict" =>
            {
                Ok(Put::There)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads an object; `None` where there is none. `take` is given its bytes, and stops the reading with `false`.
    ///
    /// # Errors
    /// Where it could not be read whole.
    pub fn get(
        &self,
        key: &str,
        version: Option<&str>,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<Held>, ArchiveError> {
        let action = "s3:GetObject and s3:GetObjectVersion";
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let mut held: Option<s3::Part> = None;
        loop {
            // Where another object has been written over it since the first part, the later ones are refused.
            let of = (version.unwrap_or_default(), held.as_ref().and_then(|first| first.tag.as_deref()));
            let part = match self.explained(action, key, self.s3().get(action, key, of, bytes)) {
                Err(ArchiveError::Refused { code, .. })
                    if held.is_none() && (code == "NoSuchKey" || code == "NoSuchVersion") =>
                {
                    return Ok(None);
                }
                part => part?,
            };
            hash.update(&part.bytes);
            bytes += part.bytes.len() as u64;
            let more = part.bytes.is_empty() || take(&part.bytes);
            let last = part.last || !more;
            let first = held.get_or_insert(part);
            if last {
                let content = Content { bytes, sha256: Hash(hash.finalize().into()) };
                return Ok(Some(Held { content, version: first.version.clone(), locked: first.locked }));
            }
            first.bytes = Vec::new();
        }
    }

    /// Locks a version in compliance mode until later than it is now.
    ///
    /// # Errors
    /// Where that is refused.
    pub fn extend(&self, key: &str, version: &str, until: Timestamp) -> Result<(), ArchiveError> {
        let action = "s3:PutObjectRetention";
        self.explained(action, key, self.s3().retain(action, key, version, until))
    }

    /// Every version of every object whose key begins so, delete markers included.
    ///
    /// # Errors
    /// Where they could not all be listed.
    pub fn versions(&self, prefix: &str) -> Result<Vec<Version>, ArchiveError> {
        let action = "s3:ListBucketVersions";
        let mut all = Vec::new();
        let mut after = (None, None);
        loop {
            let asked = self.s3().versions(action, prefix, (after.0.as_deref(), after.1.as_deref()));
            let page = self.explained(action, "", asked)?;
            for one in page.versions {
                let (Some(key), Some(id), hides) = one else {
                    return Err(self.refused(action, "", "an answer that cannot be read"));
                };
                all.push(Version { key, id, hides });
            }
            let Some(next) = page.next else { return Ok(all) };
            if next.0.is_none() || next == after {
                return Err(self.refused(action, "", "a list that does not go on"));
            }
            after = next;
        }
    }

    fn s3(&self) -> s3::Bucket<'_> {
        s3::Bucket { connection: &self.connection, name: &self.bucket }
    }

    fn explained<T>(
        &self,
        action: &'static str,
        key: &str,
        answer: Result<T, AwsError>,
    ) -> Result<T, ArchiveError> {
        answer.map_err(|error| self.explain(action, key, error))
    }

    fn explain(&self, action: &'static str, key: &str, error: AwsError) -> ArchiveError {
        let bucket = self.bucket.clone();
        match error {
            AwsError::Denied { .. } => ArchiveError::Denied { action, on: self.on(key) },
            AwsError::Throttled { .. } => self.refused(action, key, "Throttling"),
            AwsError::Refused { code, .. } => match code.as_str() {
                "NoSuchBucket" => ArchiveError::NoBucket { bucket },
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException" => ArchiveError::OtherRegion { bucket },
                code => self.refused(action, key, code),
            },
            other => other.into(),
        }
    }

    fn refused(&self, action: &'static str, key: &str, code: &str) -> ArchiveError {
        ArchiveError::Refused { action, on: self.on(key), code: code.to_owned() }
    }

    fn on(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}
