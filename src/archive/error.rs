//! Why an archive could not be written or read, and what to do about it.

use crate::remote::aws::AwsError;

/// A failure. None of these carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The credentials may not do this.
    #[error(
        "AWS denies {action} on {on}: allow it in the IAM policy of the credentials in use, and in the bucket's"
    )]
    Denied {
        /// The IAM action, such as `s3:PutObject`.
        action: &'static str,
        /// The bucket or the object.
        on: String,
    },
    /// Credentials that have expired, or that AWS does not know.
    #[error(
        "AWS does not accept these credentials ({action}, {code}): sign in again, or check the profile in use"
    )]
    BadCredentials {
        /// The IAM action that was tried.
        action: &'static str,
        /// AWS's error code.
        code: String,
    },
    /// None found.
    #[error("no AWS credentials found for {action}: set AWS_PROFILE, or sign in")]
    NoCredentials {
        /// The IAM action that was to be tried.
        action: &'static str,
    },
    /// None set.
    #[error("no AWS region is set: set AWS_REGION to the bucket's region, or `region` under [aws] to write")]
    NoRegion,
    /// The bucket is in another region.
    #[error(
        "the bucket {bucket} is in another region: set AWS_REGION to its own, or `region` under [aws] to write"
    )]
    OtherRegion {
        /// The bucket.
        bucket: String,
    },
    /// No such bucket.
    #[error(
        "there is no bucket {bucket}: make it with `aws s3api create-bucket --bucket {bucket} --object-lock-enabled-for-bucket`"
    )]
    NoBucket {
        /// The bucket.
        bucket: String,
    },
    /// A bucket from which its owner can delete.
    #[error(
        "the bucket {bucket} has no Object Lock, so that its owner could delete from it: nothing was written. Turn it on with \
         `aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled` and \
         `aws s3api put-object-lock-configuration --bucket {bucket} --object-lock-configuration ObjectLockEnabled=Enabled`"
    )]
    NoLock {
        /// The bucket.
        bucket: String,
    },
    /// No connection.
    #[error(
        "{place} cannot be reached: check the network, and AWS_ENDPOINT_URL or `endpoint-url` where one is set"
    )]
    Unreachable {
        /// The endpoint, without credentials.
        place: String,
    },
    /// No answer in time.
    #[error("{place} did not answer in time: try again")]
    TimedOut {
        /// The endpoint, without credentials.
        place: String,
    },
    /// Any other refusal.
    #[error("{action} on {on} failed with {code}: look it up in the documentation of that action")]
    Refused {
        /// The IAM action that was tried.
        action: &'static str,
        /// The bucket or the object.
        on: String,
        /// AWS's error code, or what stands for it.
        code: String,
    },
    /// More than is taken in one request.
    #[error(
        "{file} has {bytes} bytes, and S3 takes up to 5 GiB in one object: export less, or copy it there by hand"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
    },
    /// A file of this machine.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// Something of this machine.
    #[error("could not begin: {0}")]
    Io(#[from] std::io::Error),
}

impl From<AwsError> for ArchiveError {
    /// For what is not about one object. Verifying uses no aether.toml, so that these have words of their own.
    fn from(error: AwsError) -> Self {
        match error {
            AwsError::Expired { action } => Self::BadCredentials { action, code: "ExpiredToken".to_owned() },
            AwsError::BadCredentials { action, code } => Self::BadCredentials { action, code },
            AwsError::NoCredentials { action } => Self::NoCredentials { action },
            AwsError::NoRegion => Self::NoRegion,
            AwsError::Unreachable { place } => Self::Unreachable { place },
            AwsError::TimedOut { place } => Self::TimedOut { place },
            AwsError::Io(error) => Self::Io(error),
            AwsError::Denied { action, .. } => Self::Denied { action, on: "S3".to_owned() },
            AwsError::Throttled { action, .. } => {
                Self::Refused { action, on: "S3".to_owned(), code: "Throttling".to_owned() }
            }
            AwsError::Refused { action, code, .. } => Self::Refused { action, on: "S3".to_owned(), code },
        }
    }
}
