//! Why something could not be measured, and what to do about it.

/// A failure to measure. None of these carries a secret; what a provider said in its own words is apart.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The key may not do this.
    #[error("AWS denies {action}: allow it in the IAM policy of the credentials in use")]
    Denied {
        /// The IAM action, such as `cloudwatch:GetMetricData`.
        action: &'static str,
        /// The provider's words.
        said: String,
    },
    /// Credentials that are no longer valid.
    #[error("the AWS credentials have expired ({action}): sign in again, then collect again")]
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
        /// The IAM action that was tried.
        action: &'static str,
    },
    /// None set.
    #[error("no AWS region is set: add `region` under [aws], or set AWS_REGION")]
    NoRegion,
    /// Too many calls, also after trying again.
    #[error("AWS throttles {action}, also after {attempts} attempts: wait a minute, then collect again")]
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
    /// Not even a way out of this machine.
    #[error("{why}: nothing was learnt about {place}; collect where the network works")]
    NoNetwork {
        /// What this machine cannot do.
        why: &'static str,
        /// What was to be reached, without credentials.
        place: String,
    },
    /// No answer in time.
    #[error("{place} did not answer in time: try again, or set a longer timeout-seconds")]
    TimedOut {
        /// The endpoint, without credentials.
        place: String,
    },
    /// Some of the data is missing, also after trying again.
    #[error("CloudWatch answered {status} for {metric}: not all data is there; collect again")]
    Incomplete {
        /// `CloudWatch`'s status code.
        status: String,
        /// Which metric.
        metric: String,
    },
    /// Any other refusal.
    #[error("{action} failed with {code}: look it up in the documentation of that action")]
    Refused {
        /// The IAM action that was tried.
        action: &'static str,
        /// AWS's error code, or what stands for it.
        code: String,
        /// The provider's words.
        said: String,
    },
    /// An alarm that does not exist.
    #[error("CloudWatch has no alarm called {names}: correct `alarms` in aether.toml")]
    NoAlarm {
        /// The missing names.
        names: String,
    },
    /// A file that cannot be used.
    #[error("{path}: {problem}")]
    File {
        /// As configured.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A program that cannot be started.
    #[error("{program} cannot be started: {problem}; check `argv` in aether.toml")]
    NoProgram {
        /// Its first word.
        program: String,
        /// Why.
        problem: String,
    },
    /// Something in the configuration that only shows in use.
    #[error("{what}: correct it in aether.toml")]
    Invalid {
        /// What is wrong.
        what: String,
    },
    /// More than an entry holds.
    #[error(
        "{points} points are too much for one reading: ask for a shorter window or set a longer period-seconds"
    )]
    TooMuch {
        /// How many there are.
        points: usize,
    },
    /// Something of this machine.
    #[error("could not measure: {0}")]
    Io(#[from] std::io::Error),
}

impl EvidenceError {
    /// What the provider said, where it said anything.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Denied { said, .. } | Self::Refused { said, .. } if !said.is_empty() => Some(said),
            _ => None,
        }
    }
}
