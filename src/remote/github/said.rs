//! What GitHub says, as far as it is used. What must be there must be there: an answer without it is none.

use serde::{Deserialize, Deserializer};

use crate::core::time::Timestamp;

/// A workflow of the repository.
#[derive(Clone, Debug, Deserialize)]
pub struct Workflow {
    /// Its number.
    pub id: u64,
    /// As the file says.
    pub name: String,
    /// Such as `.github/workflows/deploy-to-prod.yml`.
    pub path: String,
    /// `active`, or why it is not.
    pub state: String,
}

/// A run of a workflow, as it stands in one attempt.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: u64,
    /// From 1.
    #[serde(default = "first")]
    pub run_attempt: u32,
    /// The commit that it runs on.
    pub head_sha: String,
    /// What started it, such as `workflow_dispatch`.
    pub event: String,
    /// `queued`, `in_progress`, `waiting`, `completed`, …
    pub status: Option<String>,
    /// How it ended: `success`, `failure`, `cancelled`, …
    pub conclusion: Option<String>,
    /// What `run-name` makes of it.
    pub display_title: String,
    /// When it was started first.
    #[serde(deserialize_with = "time")]
    pub created_at: Timestamp,
    /// Where people look at it.
    pub html_url: String,
    /// Its workflow's number.
    pub workflow_id: u64,
}

/// A job of a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// As people see it.
    pub name: String,
    /// `queued`, `in_progress`, `waiting`, `completed`, …
    pub status: String,
    /// How it ended.
    pub conclusion: Option<String>,
    /// When it began, where it did.
    #[serde(default, deserialize_with = "time_if_any")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, deserialize_with = "time_if_any")]
    pub completed_at: Option<Timestamp>,
    /// Where people look at it.
    pub html_url: Option<String>,
    /// What it does, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// A step of a job.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// As people see it.
    pub name: String,
    /// How it ended.
    pub conclusion: Option<String>,
}

/// A review of a deployment to an environment.
#[derive(Clone, Debug, Deserialize)]
pub struct Approval {
    /// `approved`, `rejected` or `pending`.
    pub state: String,
    /// What the reviewer wrote.
    pub comment: String,
    /// Who.
    pub user: Account,
    /// For which environments.
    pub environments: Vec<Environment>,
}

/// Somebody on GitHub.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// The name on GitHub.
    pub login: String,
}

/// An environment that is deployed to.
#[derive(Clone, Debug, Deserialize)]
pub struct Environment {
    /// Its name.
    pub name: Option<String>,
}

/// What a run hands on.
#[derive(Clone, Debug, Deserialize)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// `sha256:` and 64 hex digits, where GitHub knows it.
    pub digest: Option<String>,
    /// Whether it is gone.
    pub expired: bool,
}

impl Run {
    /// Whether it has ended.
    #[must_use]
    pub fn completed(&self) -> bool {
        self.status.as_deref() == Some("completed")
    }

    /// `id/attempt`, as the record names it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}/{}", self.id, self.run_attempt)
    }
}

const fn first() -> u32 {
    1
}

pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    time_if_any(deserializer)?.ok_or_else(|| serde::de::Error::custom("no time"))
}

/// RFC 3339, as GitHub writes it.
pub(super) fn time_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let time = chrono::DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
    Timestamp::from_millis(time.timestamp_millis()).map(Some).map_err(serde::de::Error::custom)
}
