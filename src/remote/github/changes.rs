//! Branches, commits, pull requests and their checks (<https://docs.github.com/en/rest>).

use serde::Deserialize;
use serde_json::Value;

use super::GithubError;
use super::call::{Asked, Client, PER_PAGE, escaped};
use super::said::{Account, time, time_if_any};
use crate::core::time::Timestamp;

const CONTENTS: &str = "Contents: read";
const PULLS: &str = "Pull requests: read";
const CHECKS: &str = "Checks: read";

/// A branch.
#[derive(Clone, Debug, Deserialize)]
pub struct Branch {
    /// Its newest commit.
    pub commit: Commit,
    /// Whether a branch protection holds it.
    pub protected: bool,
    protection: Option<Protection>,
}

#[derive(Clone, Debug, Deserialize)]
struct Protection {
    required_status_checks: Option<RequiredChecks>,
    lock_branch: Option<Lock>,
}

#[derive(Clone, Debug, Deserialize)]
struct RequiredChecks {
    contexts: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Lock {
    enabled: bool,
}

/// A rule that holds on a branch.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// Such as `update` or `required_status_checks`.
    #[serde(rename = "type")]
    pub kind: String,
    parameters: Option<Value>,
}

/// A commit.
#[derive(Clone, Debug, Deserialize)]
pub struct Commit {
    /// Its full hash.
    pub sha: String,
    /// Who wrote it, where GitHub knows them.
    pub author: Option<Account>,
}

/// What lies between two commits.
#[derive(Clone, Debug, Deserialize)]
pub struct Comparison {
    /// `ahead`, `behind`, `diverged` or `identical`.
    pub status: String,
    /// How many commits there are, also where fewer are shown.
    pub total_commits: usize,
    /// Oldest first.
    pub commits: Vec<Commit>,
}

/// A pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Who opened it; none where the account is gone.
    pub user: Option<Account>,
    /// When it was merged, where it was.
    #[serde(deserialize_with = "time_if_any")]
    pub merged_at: Option<Timestamp>,
    /// When something last happened to it.
    #[serde(deserialize_with = "time")]
    pub updated_at: Timestamp,
    /// Where it goes.
    pub base: End,
    /// What it brings.
    pub head: End,
}

/// One end of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct End {
    /// The branch.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Its commit.
    pub sha: String,
}

/// A review of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub struct Review {
    /// Who; none where the account is gone.
    pub user: Option<Account>,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`, …
    pub state: String,
}

/// A check of a commit.
#[derive(Clone, Debug, Deserialize)]
pub struct CheckRun {
    /// Its name.
    pub name: String,
    /// How it ended, where it has.
    pub conclusion: Option<String>,
}

/// A commit's status from elsewhere.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// Its name.
    pub context: String,
    /// `success`, `failure`, `pending` or `error`.
    pub state: String,
}

#[derive(Deserialize)]
struct CheckRuns {
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct Statuses {
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Release {
    tag_name: String,
}

impl Branch {
    /// The checks that its protection requires.
    #[must_use]
    pub fn required_checks(&self) -> Vec<String> {
        let required = self.protection.as_ref().and_then(|it| it.required_status_checks.as_ref());
        required.map_or(Vec::new(), |required| required.contexts.clone())
    }
}

impl Rule {
    /// The checks that it requires.
    #[must_use]
    pub fn required_checks(&self) -> Vec<String> {
        let checks = self.parameters.as_ref().and_then(|it| it.get("required_status_checks")?.as_array());
        let context = |check: &Value| Some(check.get("context")?.as_str()?.to_owned());
        checks.map_or(Vec::new(), |checks| checks.iter().filter_map(context).collect())
    }
}

impl Client {
    /// A branch.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn branch(&self, name: &str) -> Result<Branch, GithubError> {
        let what = format!("branch {name}");
        self.get(&format!("/branches/{}", escaped(name)), Asked { what: &what, permission: CONTENTS })
    }

    /// The rules that hold on a branch.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn rules(&self, branch: &str) -> Result<Vec<Rule>, GithubError> {
        let what = format!("rules of branch {branch}");
        let path = format!("/rules/branches/{}?{PER_PAGE}", escaped(branch));
        self.list(&path, Asked { what: &what, permission: "Metadata: read" }, |page: Vec<Rule>| page)
    }

    /// Whether a protected branch is read-only.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn locked(&self, branch: &str) -> Result<bool, GithubError> {
        let what = format!("protection of branch {branch}");
        let asked = Asked { what: &what, permission: "Administration: read" };
        let protection: Protection = self.get(&format!("/branches/{}/protection", escaped(branch)), asked)?;
        Ok(protection.lock_branch.is_some_and(|lock| lock.enabled))
    }

    /// The tag of the newest release.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn newest_release(&self) -> Result<String, GithubError> {
        let asked = Asked { what: "release", permission: CONTENTS };
        Ok(self.get::<Release>("/releases/latest", asked)?.tag_name)
    }

    /// What `head` has that `base` has not.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn compare(&self, base: &str, head: &str) -> Result<Comparison, GithubError> {
        let what = format!("comparison of {base} with {head}");
        let path = format!("/compare/{}...{}?{PER_PAGE}", escaped(base), escaped(head));
        let pages =
            self.list(&path, Asked { what: &what, permission: CONTENTS }, |page: Comparison| vec![page])?;
        let mut pages = pages.into_iter();
        let mut whole = pages.next().ok_or(GithubError::TooMuch { what: what.clone() })?;
        whole.commits.extend(pages.flat_map(|page| page.commits));
        if whole.commits.len() != whole.total_commits {
            return Err(GithubError::TooMuch { what: format!("commits in the {what}") });
        }
        Ok(whole)
    }

    /// The commits that came to a branch at `since` or later, by their committers' clocks, newest first.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn commits_since(&self, branch: &str, since: Timestamp) -> Result<Vec<Commit>, GithubError> {
        let what = format!("commits of {branch}");
        let since = escaped(&since.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string());
        let path = format!("/commits?sha={}&since={since}&{PER_PAGE}", escaped(branch));
        self.list(&path, Asked { what: &what, permission: CONTENTS }, |page: Vec<Commit>| page)
    }

    /// The hundred closed pull requests into a branch that something last happened to, newest first.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn newest_closed_pulls(&self, branch: &str) -> Result<Vec<Pull>, GithubError> {
        let path =
            format!("/pulls?state=closed&sort=updated&direction=desc&base={}&{PER_PAGE}", escaped(branch));
        self.get(&path, Asked { what: "pull requests", permission: PULLS })
    }

    /// The pull requests that a commit belongs to.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn pulls_of(&self, commit: &str) -> Result<Vec<Pull>, GithubError> {
        let what = format!("pull requests of commit {commit}");
        let path = format!("/commits/{}/pulls?{PER_PAGE}", escaped(commit));
        self.list(&path, Asked { what: &what, permission: PULLS }, |page: Vec<Pull>| page)
    }

    /// The reviews of a pull request, oldest first.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn reviews(&self, number: u64) -> Result<Vec<Review>, GithubError> {
        let what = format!("reviews of pull request {number}");
        let path = format!("/pulls/{number}/reviews?{PER_PAGE}");
        self.list(&path, Asked { what: &what, permission: PULLS }, |page: Vec<Review>| page)
    }

    /// The newest run of each check of a commit.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn checks(&self, commit: &str) -> Result<Vec<CheckRun>, GithubError> {
        let what = format!("checks of commit {commit}");
        let path = format!("/commits/{}/check-runs?filter=latest&{PER_PAGE}", escaped(commit));
        self.list(&path, Asked { what: &what, permission: CHECKS }, |page: CheckRuns| page.check_runs)
    }

    /// The newest of each status of a commit.
    ///
    /// # Errors
    /// [`GithubError`].
    pub fn statuses(&self, commit: &str) -> Result<Vec<Status>, GithubError> {
        let what = format!("statuses of commit {commit}");
        let path = format!("/commits/{}/status?{PER_PAGE}", escaped(commit));
        let asked = Asked { what: &what, permission: "Commit statuses: read" };
        self.list(&path, asked, |page: Statuses| page.statuses)
    }
}
