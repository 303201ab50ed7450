//! The team's checklist, filled from `aether.toml`.

use std::path::Path;

use anyhow::{Context as _, Result};
use askama::Template;
use serde::{Deserialize, Serialize};

use super::files;
use crate::config::{Config, Escalation};

/// What the checklist is filled from.
#[derive(Clone, Debug, PartialEq, Eq, Template, Serialize, Deserialize)]
#[template(path = "Deployment_Checklist.md", escape = "none")]
#[serde(rename_all = "kebab-case")]
struct Values {
    project: String,
    environment: String,
    production_url: String,
    dashboard_url: String,
    channel: String,
    workflow: String,
    services: String,
    verification_minutes: u32,
    standby_minutes: u32,
    http_5xx_objective: String,
    http_5xx_rollback: String,
    cpu_objective: String,
    memory_objective: String,
    escalation: Vec<Escalation>,
}

/// Beside the checklist: what it was filled from, so that a later change of `aether.toml` is noticed.
const FILLED: &str = ".filled.json";

const MAX: u64 = 1 << 20;

impl Values {
    fn of(config: &Config) -> Self {
        let project = &config.project;
        let limit = |id: &str, rollback: bool| {
            let spec = config.find(id).map(|check| &check.spec);
            let limit =
                spec.and_then(|spec| if rollback { spec.rollback.as_ref() } else { spec.objective.as_ref() });
            limit.map_or_else(|| "(no limit set)".into(), |limit| format!("{} %", limit.value))
        };
        let text =
            |value: &Option<String>, otherwise: &str| value.clone().unwrap_or_else(|| otherwise.into());
        Self {
            project: text(&project.name, "the project"),
            environment: text(&project.environment, "production"),
            production_url: text(&project.production_url, "(set production-url in aether.toml)"),
            dashboard_url: text(&project.dashboard_url, "(set dashboard-url in aether.toml)"),
            channel: text(&project.channel, "(set channel in aether.toml)"),
            workflow: text(&project.workflow, "Deploy to Prod"),
            services: project.services.join(", "),
            verification_minutes: config.deployment.verification_minutes,
            standby_minutes: config.deployment.standby_minutes,
            http_5xx_objective: limit("http-5xx", false),
            http_5xx_rollback: limit("http-5xx", true),
            cpu_objective: limit("cpu", false),
            memory_objective: limit("memory", false),
            escalation: config.escalation.clone(),
        }
    }
}

/// The text of a new `templates/Deployment_Checklist.md`.
///
/// # Errors
/// Where the template cannot be filled.
pub fn checklist_text(config: &Config) -> Result<String> {
    Ok(Values::of(config).render()?)
}

/// Writes the checklist, and beside it what it was filled from.
///
/// # Errors
/// Where a file cannot be written.
pub fn fill(path: &Path, config: &Config) -> Result<()> {
    let values = Values::of(config);
    files::write(path, values.render()?.as_bytes())?;
    let filled = format!("{}\n", serde_json::to_string_pretty(&values)?);
    files::write(&path.with_file_name(FILLED), filled.as_bytes())
}

/// What `text`, the checklist at `path`, still says that `aether.toml` no longer does; `None` where it has been
/// brought up to date, was not filled by `init`, or nothing has changed.
///
/// # Errors
/// Where it was filled from something that cannot be read.
pub fn outdated(path: &Path, text: &str, config: &Config) -> Result<Option<String>> {
    let filled = path.with_file_name(FILLED);
    if !filled.is_file() {
        return Ok(None);
    }
    let then: Values = serde_json::from_str(&files::read_text(&filled, MAX)?).with_context(|| {
        format!(
            "{} should say what the checklist was filled from: remove it if it was edited",
            filled.display()
        )
    })?;
    let now = Values::of(config);
    if then == now {
        return Ok(None);
    }
    let (then, now) = (then.render()?, now.render()?);
    let gone: Vec<&str> = then.lines().filter(|line| !now.lines().any(|other| other == *line)).collect();
    let stale: Vec<(usize, &str)> =
        text.lines().enumerate().filter(|(_, line)| gone.contains(line)).collect();
    let unsaid: Vec<&str> =
        now.lines().filter(|line| !then.lines().chain(text.lines()).any(|other| other == *line)).collect();
    if stale.is_empty() && now.lines().count() <= then.lines().count()
        || unsaid.is_empty() && stale.is_empty()
    {
        return Ok(None);
    }
    let mut said =
        format!("aether.toml has changed since {} was filled from it. Edit the checklist:", path.display());
    for (index, line) in stale {
        said.push_str(&format!("\n  line {} still says  {}", index + 1, line.trim()));
    }
    for line in unsaid {
        said.push_str(&format!("\n  aether.toml says now  {}", line.trim()));
    }
    Ok(Some(said))
}
