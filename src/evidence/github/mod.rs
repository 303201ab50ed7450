//! A repository on GitHub: how the workflow ran, how the changes came in, whether the branch is frozen.
//!
//! Names of people and what they wrote go into the opening alone; what stands in clear is made here.

mod beforehand;
mod freeze;
mod pulls;
mod workflow;

use super::{Answer, Deployed, EvidenceError, Observation, Request, Response, Source, moment};
use crate::core::check::{GITHUB_API, GithubAsk, GithubProbe};
use crate::remote::github::Client;

pub use beforehand::Beforehand;

/// One question about a repository.
#[derive(Clone, Debug)]
pub struct Github {
    probe: GithubProbe,
}

/// What was found: the answer, why in a few words, and all of it for the opening.
struct Found {
    answer: Answer,
    note: String,
    all: serde_json::Value,
}

impl Github {
    /// Asks by `probe`, with the environment's token.
    #[must_use]
    pub const fn new(probe: GithubProbe) -> Self {
        Self { probe }
    }

    /// The branch that is released.
    fn branch(&self, client: &Client) -> Result<String, EvidenceError> {
        match &self.probe.settings.branch {
            Some(branch) => Ok(branch.clone()),
            None => Ok(client.default_branch()?),
        }
    }
}

impl Source for Github {
    fn query(&self) -> String {
        let settings = &self.probe.settings;
        let place = settings.api_url.as_deref().unwrap_or(GITHUB_API);
        let repository = settings.repository.as_deref().unwrap_or("no repository");
        let branch = settings.branch.as_deref().unwrap_or("the default branch");
        let what = match &self.probe.ask {
            GithubAsk::Workflow { jobs, approval } => {
                let workflow = settings.workflow.as_deref().unwrap_or("no workflow");
                let jobs = if jobs.is_empty() { "all".to_owned() } else { jobs.join(", ") };
                let environment = settings.environment.as_deref().unwrap_or("any");
                let approval = if *approval {
                    format!("; approval of environment {environment}")
                } else {
                    String::new()
                };
                format!("newest run of workflow {workflow} on the deployment's commit; jobs {jobs}{approval}")
            }
            GithubAsk::PullRequests { since } => {
                let since = since.as_deref().unwrap_or("the newest release");
                format!(
                    "commits from {since} to the deployment's, their pull requests into {branch}, reviews and required checks"
                )
            }
            GithubAsk::CodeFreeze => {
                format!("lock of {branch}, and what came to it since the deployment opened")
            }
        };
        format!("{place} {repository}: {what}")
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let deployed = request.deployed.as_ref().ok_or_else(|| EvidenceError::Invalid {
            what: "this check is about a deployment's commit, and there is none".to_owned(),
        })?;
        let client = Client::new(&self.probe.settings)?;
        let Found { answer, note, all } = match &self.probe.ask {
            GithubAsk::Workflow { jobs, approval } => {
                workflow::look(&client, &self.probe.settings, deployed, jobs, *approval)?
            }
            GithubAsk::PullRequests { since } => {
                pulls::look(&client, &self.branch(&client)?, deployed, since.as_deref())?
            }
            GithubAsk::CodeFreeze => freeze::look(&client, &self.branch(&client)?, deployed)?,
        };
        let response = Response {
            bytes: serde_json::to_vec_pretty(&all).unwrap_or_default(),
            media_type: "application/json".to_owned(),
        };
        if response.bytes.len() > super::MAX_RESPONSE {
            return Err(EvidenceError::Invalid { what: "this is more than one reading holds".to_owned() });
        }
        Ok(Observation {
            window: Some(moment(request.now)),
            answer: Some(answer),
            response: Some(response),
            note: Some(note),
            ..Observation::default()
        })
    }
}
