//! One bucket, and its errors in the program's words.

use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{ObjectLockEnabled, ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::ArchiveError;
use crate::core::check::AwsSettings;
use crate::core::hash::Hash;
use crate::core::time::Timestamp;
use crate::remote::aws::{ATTEMPTS, AwsError, Connection};

/// What a line has at least, in bytes a second: a body is given so much more time.
const SLOWEST: u64 = 128 * 1024;
/// S3's limit for one request.
const MAX_OBJECT: u64 = 5 << 30;

/// A connection to one bucket, with a runtime of its own.
pub struct Client {
    connection: Connection,
    sdk: aws_sdk_s3::Client,
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
        let connection = Connection::open(settings)?;
        let config = connection.sdk();
        let connecting = connection.one().min(Duration::from_secs(5));
        // The hashes that are compared are this program's own. Servers other than AWS's know no bucket in a host name.
        // A body takes as long as it takes: [`Client::call`] knows how large it is.
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .timeout_config(TimeoutConfig::builder().connect_timeout(connecting).build())
            .force_path_style(bucket.contains('.') || config.endpoint_url().is_some())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        let sdk = aws_sdk_s3::Client::from_conf(s3);
        Ok(Self { connection, sdk, bucket: bucket.to_owned() })
    }

    /// Whether nobody can delete from the bucket what is locked there.
    ///
    /// # Errors
    /// [`ArchiveError::NoLock`] where somebody can.
    pub fn locks(&self) -> Result<(), ArchiveError> {
        let asked = self.sdk.get_object_lock_configuration().bucket(&self.bucket).send();
        let action = "s3:GetBucketObjectLockConfiguration";
        let answer = match self.call(action, "", 0, asked) {
            Err(ArchiveError::Refused { code, .. }) if code == "ObjectLockConfigurationNotFoundError" => None,
            answer => answer?.object_lock_configuration,
        };
        match answer.and_then(|configuration| configuration.object_lock_enabled) {
            Some(ObjectLockEnabled::Enabled) => Ok(()),
            _ => Err(ArchiveError::NoLock { bucket: self.bucket.clone() }),
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
        let body = self.connection.wait(self.connection.one(), ByteStream::from_path(file));
        let body =
            body.ok_or_else(|| ArchiveError::File { file: name(), why: "does not open".to_owned() })?;
        let body = body.map_err(|error| ArchiveError::File { file: name(), why: error.to_string() })?;
        let asked = self
            .sdk
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .if_none_match("*")
            .checksum_sha256(STANDARD.encode(content.sha256.0))
            .object_lock_mode(ObjectLockMode::Compliance)
            .object_lock_retain_until_date(DateTime::from_secs(until.millis().div_euclid(1000)))
            .body(body)
            .send();
        match self.call("s3:PutObject and s3:PutObjectRetention", key, content.bytes, asked) {
            Ok(_) => Ok(Put::Written),
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
        let version = version.filter(|version| !version.is_empty()).map(str::to_owned);
        let asked = self.sdk.get_object().bucket(&self.bucket).key(key).set_version_id(version).send();
        let mut answer = match self.call(action, key, 0, asked) {
            Err(ArchiveError::Refused { code, .. }) if code == "NoSuchKey" || code == "NoSuchVersion" => {
                return Ok(None);
            }
            answer => answer?,
        };
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        loop {
            let part = match self.connection.wait(self.connection.one(), answer.body.try_next()) {
                None => return Err(ArchiveError::TimedOut { place: self.connection.place("S3") }),
                Some(Err(_)) => return Err(self.refused(action, key, "an answer that was cut off")),
                Some(Ok(None)) => break,
                Some(Ok(Some(part))) => part,
            };
            hash.update(&part);
            bytes += part.len() as u64;
            if !take(&part) {
                break;
            }
        }
        let locked = match (answer.object_lock_mode, answer.object_lock_retain_until_date) {
            (Some(ObjectLockMode::Compliance), Some(until)) => {
                until.to_millis().ok().and_then(|millis| Timestamp::from_millis(millis).ok())
            }
            _ => None,
        };
        let content = Content { bytes, sha256: Hash(hash.finalize().into()) };
        Ok(Some(Held { content, version: answer.version_id.unwrap_or_default(), locked }))
    }

    /// Locks a version in compliance mode until later than it is now.
    ///
    /// # Errors
    /// Where that is refused.
    pub fn extend(&self, key: &str, version: &str, until: Timestamp) -> Result<(), ArchiveError> {
        let retention = ObjectLockRetention::builder()
            .mode(ObjectLockRetentionMode::Compliance)
            .retain_until_date(DateTime::from_secs(until.millis().div_euclid(1000)))
            .build();
        let version = Some(version.to_owned()).filter(|version| !version.is_empty());
        let asked = self
            .sdk
            .put_object_retention()
            .bucket(&self.bucket)
            .key(key)
            .set_version_id(version)
            .retention(retention)
            .send();
        self.call("s3:PutObjectRetention", key, 0, asked).map(drop)
    }

    /// Every version of every object whose key begins so, delete markers included.
    ///
    /// # Errors
    /// Where they could not all be listed.
    pub fn versions(&self, prefix: &str) -> Result<Vec<Version>, ArchiveError> {
        let action = "s3:ListBucketVersions";
        let mut all = Vec::new();
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let asked = self
                .sdk
                .list_object_versions()
                .bucket(&self.bucket)
                .prefix(prefix)
                .set_key_marker(key_marker.clone())
                .set_version_id_marker(id_marker.clone())
                .send();
            let page = self.call(action, "", 0, asked)?;
            let version = |key: Option<String>, id: Option<String>, hides| match (key, id) {
                (Some(key), Some(id)) => Ok(Version { key, id, hides }),
                _ => Err(self.refused(action, "", "an answer that cannot be read")),
            };
            for one in page.versions.unwrap_or_default() {
                all.push(version(one.key, one.version_id, false)?);
            }
            for one in page.delete_markers.unwrap_or_default() {
                all.push(version(one.key, one.version_id, true)?);
            }
            if page.is_truncated != Some(true) {
                return Ok(all);
            }
            let next = (page.next_key_marker, page.next_version_id_marker);
            if next.0.is_none() || next == (key_marker.clone(), id_marker.clone()) {
                return Err(self.refused(action, "", "a list that does not go on"));
            }
            (key_marker, id_marker) = next;
        }
    }

    /// Runs one call to its end, with time for a body of so many bytes.
    fn call<T, E, R>(
        &self,
        action: &'static str,
        key: &str,
        bytes: u64,
        call: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> Result<T, ArchiveError>
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let patience = (self.connection.one() + Duration::from_secs(bytes / SLOWEST)) * ATTEMPTS;
        let answer = self.connection.within(patience, "S3", action, call);
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
