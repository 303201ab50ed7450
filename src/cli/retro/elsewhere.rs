//! What GitHub, CloudTrail or a list says was deployed: for `--reconcile`.

use std::path::Path;

use anyhow::{Result, bail};

use super::list;
use crate::cli::app::App;
use crate::config::Config;
use crate::core::retro::{Asked, Foreign, Period};
use crate::core::time::Timestamp;
use crate::remote::aws::cloudtrail::{self, HISTORY_DAYS};
use crate::remote::aws::{AwsError, Connection};
use crate::remote::github::{Client, GithubError};

/// Asks everybody whom the configuration names, or reads a list in their place.
///
/// # Errors
/// Where there is nobody to ask, or the list cannot be read. Who does not answer is told as such.
pub fn ask(app: &App, file: Option<&Path>, period: &Period) -> Result<(Vec<Foreign>, Vec<Asked>)> {
    if let Some(file) = file {
        let mut all = list::read(file)?;
        all.retain(|one| period.holds(one.at));
        let text = format!("{}: every line of the period", file.display());
        let asked = Asked { source: "list", state: "whole", found: all.len(), text };
        return Ok((all, vec![asked]));
    }
    let config = app.config()?;
    if config.github.repository.is_none() && config.traffic.is_empty() {
        bail!(
            "--reconcile: nobody to ask: set `repository` and `workflow` under [github], or [[traffic]] for Route 53, in aether.toml, \
             or give a list: --reconcile FILE"
        );
    }
    let mut all = Vec::new();
    let sources = vec![
        told("github", github(&config, period), &mut all),
        told("route53", route53(&config, period, app.now()), &mut all),
    ];
    Ok((all, sources))
}

/// What one of them said: everything, everything of a part of the period, or nothing because nobody asked.
enum Said {
    Whole(Vec<Foreign>, String),
    Partly(Vec<Foreign>, String),
    NotAsked(String),
}

fn told<E: std::fmt::Display>(source: &'static str, said: Result<Said, E>, all: &mut Vec<Foreign>) -> Asked {
    let (state, found, text) = match said {
        Ok(Said::Whole(found, text)) => ("whole", found, text),
        Ok(Said::Partly(found, text)) => ("partly", found, text),
        Ok(Said::NotAsked(text)) => ("not-asked", Vec::new(), text),
        Err(error) => ("failed", Vec::new(), error.to_string()),
    };
    let asked = Asked { source, state, found: found.len(), text };
    all.extend(found);
    asked
}

fn github(config: &Config, period: &Period) -> Result<Said, GithubError> {
    let (Some(repository), Some(named)) = (&config.github.repository, &config.github.workflow) else {
        return Ok(Said::NotAsked("no `repository` and `workflow` under [github]".to_owned()));
    };
    let client = Client::new(&config.github)?;
    let workflow = client.workflow(named)?;
    let runs = client.runs_between(&workflow, period.since, period.until)?;
    // What was skipped, or never began, deployed nothing.
    let ran = runs.into_iter().filter(|run| {
        !matches!(run.conclusion.as_deref(), Some("skipped" | "startup_failure" | "action_required"))
    });
    let foreign = ran.map(|run| Foreign {
        source: "github",
        id: run.label(),
        at: run.created_at,
        what: format!(
            "run of {} by {}, {}: {}",
            workflow.name,
            run.event,
            run.conclusion.as_deref().or(run.status.as_deref()).unwrap_or("state not known"),
            run.html_url
        ),
        commit: Some(run.head_sha),
        release: None,
        service: None,
    });
    let text = format!(
        "every run of {} in {repository}, those left out that were skipped or never began",
        workflow.name
    );
    Ok(Said::Whole(foreign.collect(), text))
}

fn route53(config: &Config, period: &Period, now: Timestamp) -> Result<Said, AwsError> {
    if config.traffic.is_empty() {
        return Ok(Said::NotAsked("no [[traffic]] in aether.toml".to_owned()));
    }
    let oldest = now.plus_seconds(-HISTORY_DAYS * 86_400);
    let since = period.since.max(oldest);
    if since >= period.until {
        return Ok(Said::NotAsked(format!(
            "CloudTrail keeps {HISTORY_DAYS} days, and the period ended before"
        )));
    }
    let connection = Connection::open(&config.aws)?;
    let changes = cloudtrail::record_changes(&connection, since, period.until)?;
    let mut foreign: Vec<Foreign> = Vec::new();
    for change in changes {
        let moves = config.traffic.iter().find(|traffic| {
            traffic.zone == change.zone
                && traffic.record == change.record
                && traffic.kind.as_str() == change.kind
        });
        let Some(traffic) = moves else { continue };
        // One batch changes both weights: that is one movement.
        if foreign
            .iter()
            .any(|one| one.id == change.event && one.service.as_deref() == Some(&traffic.service))
        {
            continue;
        }
        let by = change.user.map_or_else(String::new, |user| format!(" by {user}"));
        foreign.push(Foreign {
            source: "route53",
            id: change.event,
            at: change.at,
            what: format!(
                "{} of {} {}{by}, which moves {}",
                change.action, change.record, change.kind, traffic.service
            ),
            commit: None,
            release: None,
            service: Some(traffic.service.clone()),
        });
    }
    let text =
        "every change of the record sets under [[traffic]], from CloudTrail's event history".to_owned();
    if since > period.since {
        let text = format!(
            "{text}; it keeps {HISTORY_DAYS} days, and nothing is known from before {}",
            since.human()
        );
        return Ok(Said::Partly(foreign, text));
    }
    Ok(Said::Whole(foreign, text))
}
