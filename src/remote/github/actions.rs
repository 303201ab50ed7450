//! Workflows and their runs (<https://docs.github.com/en/rest/actions>).

use serde::Deserialize;
use serde_json::json;

use super::GithubError;
use super::call::{Asked, Client, PER_PAGE, escaped};
use super::said::{Approval, Artifact, Job, Run, Workflow};
use crate::core::time::Timestamp;

const READ: &str = "Actions: read";
const WRITE: &str = "Actions: write";
const CONTENTS: &str = "Contents: read";
/// So many runs of one search GitHub shows at most.
const SEARCHED: u64 = 1000;

/// What became of a dispatch that GitHub took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatched {
    /// The run that it started.
    Run(u64),
    /// Some run, which this GitHub does not name.
    Unnamed,
}

#[derive(Deserialize)]
struct Repository {
    default_branch: String,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

#[derive(Deserialize)]
struct Workflows {
    workflows: Vec<Workflow>,
}

#[derive(Deserialize)]
struct Runs {
    workflow_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Count {
    total_count: u64,
}

#[derive(Deserialize)]
struct Jobs {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Artifacts {
    artifacts: Vec<Artifact>,
}

#[derive(Deserialize)]
struct Started {
    workflow_run_id: u64,
}

impl Client {
    /// The repository's default branch.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn default_branch(&self) -> Result<String, GithubError> {
        let what = format!("repository {}", self.repository());
        let asked = Asked { what: &what, permission: "Metadata: read" };
        Ok(self.get::<Repository>("", asked)?.default_branch)
    }

    /// The full hash of the commit that `reference` points to.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn commit_of(&self, reference: &str) -> Result<String, GithubError> {
        let what = format!("branch or tag {reference}");
        let asked = Asked { what: &what, permission: CONTENTS };
        Ok(self.get::<Commit>(&format!("/commits/{}?per_page=1", escaped(reference)), asked)?.sha)
    }

    /// The workflow of that file name or name.
    ///
    /// # Errors
    /// [`GithubError`]; also where none or several have the name.
    pub fn workflow(&self, named: &str) -> Result<Workflow, GithubError> {
        let asked = Asked { what: "workflows", permission: READ };
        let path = format!("/actions/workflows?{PER_PAGE}");
        let all = self.list(&path, asked, |page: Workflows| page.workflows)?;
        let is = |workflow: &&Workflow| {
            workflow.name == named
                || workflow.path == named
                || workflow.path.strip_prefix(".github/workflows/") == Some(named)
        };
        let mut found: Vec<&Workflow> = all.iter().filter(is).collect();
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only.clone()),
            (Some(_), false) => Err(GithubError::Named(format!(
                "several workflows of {} are called {named:?}: name the one by its file, `workflow` under [github]",
                self.repository()
            ))),
            (None, _) => {
                let known: Vec<&str> = all.iter().map(|workflow| workflow.name.as_str()).collect();
                Err(GithubError::Named(format!(
                    "{} has no workflow called {named:?}: correct `workflow` under [github] (it has {})",
                    self.repository(),
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                )))
            }
        }
    }

    /// Starts the workflow on a branch or tag.
    ///
    /// # Errors
    /// [`GithubError`]; where [`GithubError::perhaps_done`] it may have started all the same.
    pub fn dispatch(
        &self,
        workflow: &Workflow,
        reference: &str,
        inputs: &[(&str, &str)],
    ) -> Result<Dispatched, GithubError> {
        let asked = Asked { what: "the dispatch of the workflow", permission: WRITE };
        let inputs: serde_json::Map<String, serde_json::Value> =
            inputs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let body = json!({"ref": reference, "inputs": inputs, "return_run_details": true});
        let path = format!("/actions/workflows/{}/dispatches", workflow.id);
        let (_, answer) = self.post(&path, &body, asked)?;
        let started = serde_json::from_slice::<Started>(&answer);
        Ok(started.map_or(Dispatched::Unnamed, |started| Dispatched::Run(started.workflow_run_id)))
    }

    /// The runs of a workflow on a commit that were dispatched at `since` or later, newest first.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn dispatched_runs(
        &self,
        workflow: &Workflow,
        commit: &str,
        since: Timestamp,
    ) -> Result<Vec<Run>, GithubError> {
        let path = format!(
            "/actions/workflows/{}/runs?event=workflow_dispatch&head_sha={}&{PER_PAGE}",
            workflow.id,
            escaped(commit)
        );
        let asked = Asked { what: "runs of the workflow", permission: READ };
        let runs = self.list(&path, asked, |page: Runs| page.workflow_runs)?;
        Ok(runs
            .into_iter()
            .filter(|run| run.event == "workflow_dispatch" && run.created_at >= since)
            .collect())
    }

    /// The runs of a workflow on a commit, newest first.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn runs_on(&self, workflow: &Workflow, commit: &str) -> Result<Vec<Run>, GithubError> {
        let path = format!("/actions/workflows/{}/runs?head_sha={}&{PER_PAGE}", workflow.id, escaped(commit));
        let asked = Asked { what: "runs of the workflow", permission: READ };
        self.list(&path, asked, |page: Runs| page.workflow_runs)
    }

    /// Every run of a workflow that was created from `since` on and before `until`, whatever started it.
    ///
    /// # Errors
    /// [`GithubError`]; also where GitHub has more runs of one second than it shows.
    pub fn runs_between(
        &self,
        workflow: &Workflow,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Run>, GithubError> {
        let second = |time: Timestamp| time.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let asked = Asked { what: "runs of the workflow", permission: READ };
        let mut parts = vec![(since, until)];
        let mut runs = Vec::new();
        while let Some((from, to)) = parts.pop() {
            let created = escaped(&format!("{}..{}", second(from), second(to)));
            let path =
                |page: &str| format!("/actions/workflows/{}/runs?created={created}&{page}", workflow.id);
            let half = from.plus_seconds((to.millis() - from.millis()) / 2000);
            if self.get::<Count>(&path("per_page=1"), asked)?.total_count <= SEARCHED {
                runs.extend(self.list(&path(PER_PAGE), asked, |page: Runs| page.workflow_runs)?);
            } else if half > from {
                parts.extend([(from, half), (half, to)]);
            } else {
                return Err(GithubError::TooMuch { what: asked.what.to_owned() });
            }
        }
        runs.retain(|run| run.created_at >= since && run.created_at < until);
        runs.sort_by_key(|run| run.id);
        runs.dedup_by_key(|run| run.id);
        Ok(runs)
    }

    /// A run in its newest attempt.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn run(&self, id: u64) -> Result<Run, GithubError> {
        let what = format!("run {id}");
        self.get(&format!("/actions/runs/{id}"), Asked { what: &what, permission: READ })
    }

    /// A run in one attempt.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn run_at(&self, id: u64, attempt: u32) -> Result<Run, GithubError> {
        let what = format!("run {id}, attempt {attempt}");
        self.get(&format!("/actions/runs/{id}/attempts/{attempt}"), Asked { what: &what, permission: READ })
    }

    /// The jobs of a run in one attempt.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn jobs(&self, id: u64, attempt: u32) -> Result<Vec<Job>, GithubError> {
        let what = format!("jobs of run {id}");
        let path = format!("/actions/runs/{id}/attempts/{attempt}/jobs?{PER_PAGE}");
        self.list(&path, Asked { what: &what, permission: READ }, |page: Jobs| page.jobs)
    }

    /// Who approved or rejected a run's deployments.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn approvals(&self, id: u64) -> Result<Vec<Approval>, GithubError> {
        let what = format!("approvals of run {id}");
        self.get(&format!("/actions/runs/{id}/approvals"), Asked { what: &what, permission: READ })
    }

    /// What a run hands on.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn artifacts(&self, id: u64) -> Result<Vec<Artifact>, GithubError> {
        let what = format!("artifacts of run {id}");
        let path = format!("/actions/runs/{id}/artifacts?{PER_PAGE}");
        self.list(&path, Asked { what: &what, permission: READ }, |page: Artifacts| page.artifacts)
    }
}
