//! Why something could not be measured, and what to do about it.

use crate::remote::aws::AwsError;

/// A failure to measure. None of these carries a secret; what a provider said in its own words is apart.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// Not even a way out of this machine.
    #[error("{why}: nothing was learnt about {place}; collect where the network works")]
    NoNetwork {
        /// What this machine cannot do.
        why: &'static str,
        /// What was to be reached, without credentials.
        place: String,
    },
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
    /// More than is read of a log group at once.
    #[error("{group} has more events than are read at once: set a shorter window-minutes")]
    TooManyEvents {
        /// The log group.
        group: String,
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
    /// A Prometheus server that says no.
    #[error("Prometheus at {place} refuses the query ({kind}): try it in its own expression browser")]
    Query {
        /// The server, without credentials.
        place: String,
        /// Its errorType, or the HTTP status.
        kind: String,
        /// The provider's words.
        said: String,
    },
    /// No answer, or none that can be read.
    #[error("Prometheus at {place} gave no usable answer: {problem}")]
    NoAnswer {
        /// The server, without credentials.
        place: String,
        /// In the program's own words.
        problem: String,
    },
    /// More series than the one that can be judged.
    #[error("the query gives {count} series: make it one, such as with sum(…)")]
    ManySeries {
        /// How many.
        count: usize,
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
    /// GitHub could not be asked.
    #[error(transparent)]
    Github(#[from] crate::remote::github::GithubError),
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
            Self::Query { said, .. } if !said.is_empty() => Some(said),
            _ => None,
        }
    }
}
