//! `[github]`: the repository, the workflow that deploys, the branch that is released.

use serde::Deserialize;
use toml::Spanned;

use super::value::{Located, optional_number, token_address};
use crate::core::check::GithubSettings;

/// As it is written.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Github {
    repository: Option<Spanned<String>>,
    api_url: Option<Spanned<String>>,
    workflow: Option<Spanned<String>>,
    environment: Option<Spanned<String>>,
    branch: Option<Spanned<String>>,
    timeout_seconds: Option<Spanned<i64>>,
    poll_seconds: Option<Spanned<i64>>,
}

/// `workflow` is the one under `[project]`, where this section names none.
pub fn github(raw: Github, workflow: Option<&String>) -> Result<GithubSettings, Located> {
    Ok(GithubSettings {
        repository: raw.repository.map(repository).transpose()?,
        api_url: raw.api_url.as_ref().map(token_address).transpose()?,
        workflow: word(raw.workflow, "a workflow's file name or name")?.or_else(|| workflow.cloned()),
        environment: word(raw.environment, "an environment's name")?,
        branch: word(raw.branch, "a branch's name")?,
        timeout_seconds: optional_number(raw.timeout_seconds.as_ref(), 1..=300)?.unwrap_or(10),
        poll_seconds: optional_number(raw.poll_seconds.as_ref(), 1..=300)?.unwrap_or(5),
    })
}

fn repository(raw: Spanned<String>) -> Result<String, Located> {
    let plain = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !part.is_empty() && part.len() <= 100 && part.bytes().all(fits) && !matches!(part, "." | "..")
    };
    match raw.get_ref().split_once('/') {
        Some((owner, name)) if plain(owner) && plain(name) => Ok(raw.into_inner()),
        _ => {
            let help = "write owner and name, such as \"example/aether\"";
            Err(Located::new(raw.span(), "not a repository", help))
        }
    }
}

fn word(raw: Option<Spanned<String>>, what: &str) -> Result<Option<String>, Located> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get_ref();
    if text.trim().is_empty() || text.len() > 255 || text.contains(char::is_control) {
        return Err(Located::new(raw.span(), format!("not {what}"), "write 1 to 255 characters"));
    }
    Ok(Some(raw.into_inner()))
}
