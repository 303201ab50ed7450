//! The team's checklist, filled from `aether.toml`.

use anyhow::Result;
use askama::Template;

use crate::config::{Config, Escalation};

#[derive(Template)]
#[template(path = "Deployment_Checklist.md", escape = "none")]
struct Checklist<'a> {
    project: &'a str,
    environment: &'a str,
    production_url: &'a str,
    dashboard_url: &'a str,
    channel: &'a str,
    workflow: &'a str,
    services: String,
    verification_minutes: u32,
    standby_minutes: u32,
    http_5xx_objective: String,
    http_5xx_rollback: String,
    cpu_objective: String,
    memory_objective: String,
    escalation: &'a [Escalation],
}

/// The text of a new `templates/Deployment_Checklist.md`.
///
/// # Errors
/// Where the template cannot be filled.
pub fn checklist_text(config: &Config) -> Result<String> {
    let project = &config.project;
    let limit = |id: &str, rollback: bool| {
        let spec = config.find(id).map(|check| &check.spec);
        let limit =
            spec.and_then(|spec| if rollback { spec.rollback.as_ref() } else { spec.objective.as_ref() });
        limit.map_or_else(|| "(no limit set)".into(), |limit| format!("{} %", limit.value))
    };
    let text = |value: &'_ Option<String>, otherwise: &'static str| {
        value.clone().unwrap_or_else(|| otherwise.into())
    };
    let template = Checklist {
        project: &text(&project.name, "the project"),
        environment: &text(&project.environment, "production"),
        production_url: &text(&project.production_url, "(set production-url in aether.toml)"),
        dashboard_url: &text(&project.dashboard_url, "(set dashboard-url in aether.toml)"),
        channel: &text(&project.channel, "(set channel in aether.toml)"),
        workflow: &text(&project.workflow, "Deploy to Prod"),
        services: project.services.join(", "),
        verification_minutes: config.deployment.verification_minutes,
        standby_minutes: config.deployment.standby_minutes,
        http_5xx_objective: limit("http-5xx", false),
        http_5xx_rollback: limit("http-5xx", true),
        cpu_objective: limit("cpu", false),
        memory_objective: limit("memory", false),
        escalation: &config.escalation,
    };
    Ok(template.render()?)
}
