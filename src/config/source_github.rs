//! `[check.workflow]`, `[check.pull-requests]`, and checks of a code freeze: questions about the repository under `[github]`.

use serde::Deserialize;
use toml::Spanned;

use super::raw::Check;
use super::value::{Located, filled};
use crate::core::check::{GithubAsk, GithubProbe, GithubSettings, Probe, SourceKind};

/// `[check.workflow]`
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Workflow {
    #[serde(default)]
    jobs: Vec<Spanned<String>>,
    #[serde(default)]
    approval: bool,
}

/// `[check.pull-requests]`
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PullRequests {
    since: Option<Spanned<String>>,
}

/// The probe, whose repository is set afterwards, and in words what it expects.
pub fn probe(raw: &Check) -> Result<(Probe, Option<String>), Located> {
    let (ask, expect) = match raw.source.get_ref() {
        SourceKind::Workflow => workflow(raw.workflow.as_ref().map(Spanned::get_ref))?,
        SourceKind::PullRequests => {
            let since = raw.pull_requests.as_ref().and_then(|table| table.get_ref().since.clone());
            let since = since
                .map(|since| filled(since, "write a tag or a commit, such as \"v2.13.0\""))
                .transpose()?;
            let from = since.clone().unwrap_or_else(|| "the newest release".to_owned());
            let expect = format!(
                "every commit since {from} by a pull request that somebody else approved, checks passed"
            );
            (GithubAsk::PullRequests { since }, expect)
        }
        _ => {
            let expect = "the branch is locked, and nothing came to it since the deployment opened";
            (GithubAsk::CodeFreeze, expect.to_owned())
        }
    };
    Ok((Probe::Github(GithubProbe { settings: GithubSettings::default(), ask }), Some(expect)))
}

fn workflow(table: Option<&Workflow>) -> Result<(GithubAsk, String), Located> {
    let mut jobs = Vec::new();
    for job in table.map_or(&[][..], |table| &table.jobs) {
        jobs.push(filled(job.clone(), "write a job's name as GitHub shows it")?);
    }
    let approval = table.is_some_and(|table| table.approval);
    let what = if jobs.is_empty() { "the whole run".to_owned() } else { jobs.join(", ") };
    let approved = if approval { ", approved" } else { "" };
    Ok((GithubAsk::Workflow { jobs, approval }, format!("success of {what}{approved}")))
}
