//! Why something could not be measured, and what to do about it.

use crate::remote::aws::AwsError;

/// A failure to measure. None of these carries a secret; what a provider said in its own words is apart.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// AWS gave no answer.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Some of the data is missing, also after trying again.
    #[error("CloudWatch answered {status} for {metric}: not all data is there; collect again")]
    Incomplete {
        /// `CloudWatch`'s status code.
        status: String,
        /// Which metric.
        metric: String,
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
    /// Something of the environment that is not there.
    #[error("{what}")]
    Missing {
        /// What is missing and what to do.
        what: String,
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
            Self::Aws(error) => error.said(),
            _ => None,
        }
    }
}
