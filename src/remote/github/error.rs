//! Why GitHub could not be asked, and what to do about it.

/// A failure to ask. None of these carries the token, or GitHub's own words.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// None set.
    #[error("no GitHub token: set AETHER_AUDIT_GITHUB_TOKEN (or GITHUB_TOKEN, GH_TOKEN) in the environment")]
    NoToken,
    /// One that cannot stand in a header.
    #[error("{variable} holds something that is no token: it has spaces or control characters")]
    OddToken {
        /// The environment variable.
        variable: &'static str,
    },
    /// Which one?
    #[error("no GitHub repository is set: add repository = \"owner/name\" under [github] in aether.toml")]
    NoRepository,
    /// 401.
    #[error("GitHub does not accept the token: it has expired, or is for another GitHub; set a new one")]
    BadToken,
    /// 403 that is no throttling.
    #[error("GitHub denies {what}: give the token the repository permission \"{permission}\"")]
    Denied {
        /// What was asked.
        what: String,
        /// Such as `Actions: read`.
        permission: &'static str,
    },
    /// 404: GitHub does not tell "not there" from "not yours to see".
    #[error(
        "GitHub has no {what}, or the token may not see it: check the name, and that the token has the repository permission \
         \"{permission}\""
    )]
    NotFound {
        /// What was asked.
        what: String,
        /// Such as `Actions: read`.
        permission: &'static str,
    },
    /// 301, 302, 307, 308.
    #[error("{what} has moved: set the name that the repository has now under [github]")]
    Moved {
        /// What was asked.
        what: String,
    },
    /// Too many calls, also after trying again, or a wait that is too long.
    #[error("GitHub throttles {what}{}: wait, then run the same command again", wait(*.seconds))]
    Throttled {
        /// What was asked.
        what: String,
        /// How long GitHub wants to be left alone, where it says so.
        seconds: Option<u64>,
    },
    /// No connection.
    #[error("GitHub at {place} cannot be reached for {what}: check the network and `api-url` under [github]")]
    Unreachable {
        /// The API's address.
        place: String,
        /// What was asked.
        what: String,
    },
    /// No answer in time, or only a part of one.
    #[error(
        "GitHub at {place} gave no whole answer in time for {what}: try again, or set a longer timeout-seconds under [github]"
    )]
    NoAnswer {
        /// The API's address.
        place: String,
        /// What was asked.
        what: String,
    },
    /// 5xx, also after trying again.
    #[error("GitHub fails at {what} (status {status}): see https://www.githubstatus.com, and try again")]
    Failing {
        /// What was asked.
        what: String,
        /// Its status.
        status: u16,
    },
    /// Any other refusal.
    #[error("GitHub refuses {what} with status {status}{why}")]
    Refused {
        /// What was asked.
        what: String,
        /// Its status.
        status: u16,
        /// In our words, where the reason is known.
        why: &'static str,
    },
    /// No answer of the API.
    #[error(
        "GitHub's answer for {what} is not what its API describes ({why}): is `api-url` under [github] right?"
    )]
    Nonsense {
        /// What was asked.
        what: String,
        /// What is wrong with it, in our words.
        why: String,
    },
    /// More than is read.
    #[error("GitHub has more {what} than are read here")]
    TooMuch {
        /// What was asked.
        what: String,
    },
    /// None or several of a name.
    #[error("{0}")]
    Named(String),
}

fn wait(seconds: Option<u64>) -> String {
    seconds.map_or(String::new(), |seconds| format!(" for {seconds} more seconds"))
}

impl GithubError {
    /// Whether the same question may be answered later, with nothing changed here.
    #[must_use]
    pub const fn passing(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. } | Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Failing { .. }
        )
    }

    /// Whether GitHub may have done what it was asked to do all the same.
    #[must_use]
    pub const fn perhaps_done(&self) -> bool {
        matches!(
            self,
            Self::NoAnswer { .. } | Self::Failing { .. } | Self::Nonsense { .. } | Self::TooMuch { .. }
        )
    }
}
