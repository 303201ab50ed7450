//! What a check of a repository can be asked before there is a deployment: that all it will look at is there to be seen.

use super::{EvidenceError, Github, pulls};
use crate::core::check::GithubAsk;
use crate::remote::github::{Client, GithubError};

/// What was asked and answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beforehand {
    /// In words.
    pub found: String,
    /// What keeps the check from passing as things are, and what to do.
    pub but: Option<String>,
}

impl Github {
    /// Asks for all that the check looks at, as far as no deployment is needed for it.
    ///
    /// # Errors
    /// [`EvidenceError`]: what is not there, or what the token may not see.
    pub fn beforehand(&self) -> Result<Beforehand, EvidenceError> {
        let client = Client::new(&self.probe.settings)?;
        match &self.probe.ask {
            GithubAsk::Workflow { approval, .. } => self.workflow(&client, *approval),
            GithubAsk::PullRequests { since } => self.pull_requests(&client, since.as_deref()),
            GithubAsk::CodeFreeze => self.freeze(&client),
        }
    }

    fn workflow(&self, client: &Client, approval: bool) -> Result<Beforehand, EvidenceError> {
        let named = self.probe.settings.workflow.as_deref();
        let named = named
            .ok_or_else(|| EvidenceError::Invalid { what: "no `workflow` is set under [github]".into() })?;
        let workflow = client.workflow(named)?;
        let branch = self.branch(client)?;
        let runs = client.runs_on(&workflow, &client.commit_of(&branch)?)?;
        let mut found =
            format!("{} is there, {} runs of it on the newest commit of {branch}", workflow.path, runs.len());
        if let Some(run) = runs.first() {
            client.jobs(run.id, run.run_attempt)?;
            client.artifacts(run.id)?;
            if approval {
                client.approvals(run.id)?;
            }
            found.push_str(", and its jobs can be seen");
        }
        let idle = workflow.state != "active";
        let but = idle.then(|| format!("it is not active on GitHub ({}): enable it there", workflow.state));
        Ok(Beforehand { found, but })
    }

    fn pull_requests(&self, client: &Client, since: Option<&str>) -> Result<Beforehand, EvidenceError> {
        let branch = self.branch(client)?;
        let since = since.map_or_else(|| client.newest_release(), |since| Ok(since.to_owned()))?;
        let head = client.commit_of(&branch)?;
        let between = client.compare(&since, &head)?;
        client.pulls_of(&head)?;
        let required = pulls::required(client, &branch)?;
        pulls::unmet(client, &head, &required)?;
        let found = format!(
            "{} commits on {branch} since {since} so far, {} checks required",
            between.commits.len(),
            required.len()
        );
        let but = required
            .is_empty()
            .then(|| format!("no check is required on {branch}, so that this can never pass: require one"));
        Ok(Beforehand { found, but })
    }

    fn freeze(&self, client: &Client) -> Result<Beforehand, EvidenceError> {
        let branch = self.branch(client)?;
        let protected = client.branch(&branch)?.protected;
        let rules = client.rules(&branch)?;
        client.newest_closed_pulls(&branch)?;
        let locked = rules.iter().any(|rule| rule.kind == "update")
            || protected
                && match client.locked(&branch) {
                    Err(GithubError::NotFound { .. }) if !rules.is_empty() => false,
                    locked => locked?,
                };
        let state = if locked { "locked" } else { "not locked yet" };
        Ok(Beforehand { found: format!("{branch} is there, {state}"), but: None })
    }
}
