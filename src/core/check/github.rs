//! How to reach a repository on GitHub. No part of the format.

/// Where GitHub asks from when nothing else is said.
pub const GITHUB_API: &str = "https://api.github.com";

/// `[github]`; the token is never here, it comes from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GithubSettings {
    /// `owner/name`.
    pub repository: Option<String>,
    /// Without a slash at its end; [`GITHUB_API`] where absent.
    pub api_url: Option<String>,
    /// The file name or the name of the workflow that deploys.
    pub workflow: Option<String>,
    /// The environment whose approvals count.
    pub environment: Option<String>,
    /// The branch that is released; the repository's default branch where absent.
    pub branch: Option<String>,
    /// For one request; 0 stands for the default of 10.
    pub timeout_seconds: u32,
    /// Between two looks at a run; 0 stands for the default of 5.
    pub poll_seconds: u32,
}

/// One question about a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubProbe {
    /// Which repository.
    pub settings: GithubSettings,
    /// What is asked.
    pub ask: GithubAsk,
}

/// What is asked of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GithubAsk {
    /// How the workflow ran on the deployment's commit.
    Workflow {
        /// The jobs that must have succeeded; none for the whole run.
        jobs: Vec<String>,
        /// Whether somebody must have approved the environment.
        approval: bool,
    },
    /// Whether every commit of the release came by a pull request that somebody else approved.
    PullRequests {
        /// Tag or commit of the release before; the newest release on GitHub where absent.
        since: Option<String>,
    },
    /// Whether the branch is locked, and nothing came to it since the deployment opened.
    CodeFreeze,
}
