//! Why AWS gave no answer, and what to do about it.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::ATTEMPTS;
use crate::core::redact;

/// A failure to ask or to change. None of these carries a secret; what AWS said in its own words is apart.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The credentials may not do this.
    #[error("AWS denies {action}: allow it in the IAM policy of the credentials in use")]
    Denied {
        /// The IAM action, such as `cloudwatch:GetMetricData`.
        action: &'static str,
        /// AWS's words.
        said: String,
    },
    /// Credentials that are no longer valid.
    #[error("the AWS credentials have expired ({action}): sign in again, then try again")]
    Expired {
        /// The IAM action that was tried.
        action: &'static str,
    },
    /// Credentials that AWS does not know, or a wrong secret.
    #[error(
        "AWS does not accept these credentials ({action}, {code}): check the profile or the environment in use"
    )]
    BadCredentials {
        /// The IAM action that was tried.
        action: &'static str,
        /// AWS's error code.
        code: String,
    },
    /// None found.
    #[error("no AWS credentials found for {action}: set AWS_PROFILE or `profile` under [aws], or sign in")]
    NoCredentials {
        /// The IAM action that was to be tried.
        action: &'static str,
    },
    /// None set.
    #[error("no AWS region is set: add `region` under [aws], or set AWS_REGION")]
    NoRegion,
    /// Too many calls, also after trying again.
    #[error("AWS throttles {action}, also after {attempts} attempts: wait a minute, then try again")]
    Throttled {
        /// The IAM action that was tried.
        action: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
    /// No connection.
    #[error("{place} cannot be reached: check the network and `endpoint-url` under [aws]")]
    Unreachable {
        /// The endpoint, without credentials.
        place: String,
    },
    /// No answer in time.
    #[error("{place} did not answer in time: try again, or set a longer timeout-seconds")]
    TimedOut {
        /// The endpoint, without credentials.
        place: String,
    },
    /// Any other refusal.
    #[error("{action} failed with {code}: look it up in the documentation of that action")]
    Refused {
        /// The IAM action that was tried.
        action: &'static str,
        /// AWS's error code, or what stands for it.
        code: String,
        /// AWS's words.
        said: String,
    },
    /// Something of this machine.
    #[error("could not begin: {0}")]
    Io(#[from] std::io::Error),
}

impl AwsError {
    /// What AWS said, where it said anything.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Denied { said, .. } | Self::Refused { said, .. } if !said.is_empty() => Some(said),
            _ => None,
        }
    }

    /// AWS's own code, where the call was refused with one that has no word of its own here.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(short(code)),
            _ => None,
        }
    }

    /// An answer that is not of the form that the service's description gives it.
    #[must_use]
    pub fn nonsense(action: &'static str) -> Self {
        refused(action, "an answer that cannot be read")
    }

    pub(super) fn of<E, R>(action: &'static str, place: &str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let place = place.to_owned();
        match error {
            SdkError::TimeoutError(_) => Self::TimedOut { place },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::TimedOut { place },
            SdkError::DispatchFailure(failure) if failure.is_io() => Self::Unreachable { place },
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("an answer that cannot be read").to_owned();
                by_code(action, code, redact::urls_in(service.err().message().unwrap_or_default()))
            }
            _ if chain(error).contains("credential") => Self::NoCredentials { action },
            SdkError::DispatchFailure(_) => Self::Unreachable { place },
            SdkError::ResponseError(_) => Self::nonsense(action),
            _ => refused(action, "a request that cannot be made"),
        }
    }
}

fn refused(action: &'static str, code: &str) -> AwsError {
    AwsError::Refused { action, code: code.to_owned(), said: String::new() }
}

/// The code without its namespace and ending: services write the same one in several ways.
fn short(code: &str) -> &str {
    code.rsplit('#').next().unwrap_or_default().trim_end_matches("Exception")
}

fn by_code(action: &'static str, code: String, said: String) -> AwsError {
    match short(&code) {
        "AccessDenied" | "AllAccessDisabled" | "UnauthorizedOperation" | "NotAuthorized" => {
            AwsError::Denied { action, said }
        }
        "ExpiredToken" | "RequestExpired" => AwsError::Expired { action },
        "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "AuthFailure"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "RequestTimeTooSkewed" => AwsError::BadCredentials { action, code },
        "Throttling"
        | "Throttled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "PriorRequestNotComplete" => AwsError::Throttled { action, attempts: ATTEMPTS },
        _ => AwsError::Refused { action, code, said },
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&error.to_string());
        next = error.source();
    }
    text.to_lowercase()
}
