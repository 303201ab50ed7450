//! `status`: where the deployment stands, what blocks it, what to type next.

mod text;
mod watch;

use anyhow::{Context as _, Result};

use super::app::App;
use super::desk::Desk;
use super::next::next;
use super::paint::Paint;
use super::pick::must_name;
use super::say;
use super::status_code::Status;
use crate::config::Config;
use crate::core::deployment::{Deployment, Missing, Record};
use crate::core::event::{DecisionMade, Gate};
use crate::core::log::Log;
use crate::core::name::Token;
use crate::core::time::Timestamp;
use crate::ledger::Head;
use crate::report::live::gate_ahead;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Stay, and show it anew with each change
    #[arg(long)]
    pub watch: bool,
}

/// A deployment at one moment, with what is made of it.
pub struct Standing<'a> {
    log: &'a Log,
    deployment: &'a Deployment,
    head: Head,
    missing: Vec<Missing>,
    next: &'a str,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    if args.watch {
        return watch::run(app);
    }
    let (id, desk) = Desk::read_at(app, true)?;
    desk.warn(app);
    desk.warn_of_older(app);
    // Where it stands can be shown without a configuration; which commands can act cannot.
    let config = app.config().ok();
    let (now, paint) = (app.now(), Paint::of(app));
    desk.deployment(&id)?;
    let named = must_name(&desk.ledger, &id)?;
    let shown = standing(&desk.log, &id, desk.head, config.as_ref(), now, named, |standing| {
        if app.json() {
            app.print_json(&json(standing))
        } else {
            let lines = text::lines(standing, now, paint).into_iter().map(|(_, line)| line);
            app.raw(lines.collect::<Vec<_>>().join("\n"))
        }
    });
    shown.map(|()| Status::Done)
}

/// Gives `use_it` what the log says of a deployment now.
fn standing<T>(
    log: &Log,
    id: &Token,
    head: Head,
    config: Option<&Config>,
    now: Timestamp,
    named: bool,
    use_it: impl FnOnce(&Standing) -> Result<T>,
) -> Result<T> {
    let deployment = log.deployments.get(id).with_context(|| format!("there is no deployment {id}"))?;
    let missing = missing_ahead(deployment, now);
    let next = next(deployment, config, &missing, now, named);
    use_it(&Standing { log, deployment, head, missing, next: &next })
}

/// The overrides on record: each with its gate and what it waives.
fn waived(deployment: &Deployment) -> impl Iterator<Item = (&Record<DecisionMade>, Gate, &str)> {
    deployment
        .decisions
        .iter()
        .filter_map(|record| Some((record, record.body.gate?, record.body.waives.as_ref()?.as_str())))
}

/// What the gate ahead misses.
pub fn missing_ahead(deployment: &Deployment, now: Timestamp) -> Vec<Missing> {
    gate_ahead(deployment).map_or_else(Vec::new, |gate| deployment.missing(gate, now))
}

fn json(standing: &Standing) -> serde_json::Value {
    let Standing { log, deployment, head, missing, next } = standing;
    let items: Vec<_> = deployment
        .progress()
        .iter()
        .map(|p| {
            serde_json::json!({
                "id": p.spec.id, "phase": p.spec.phase, "roles": p.spec.roles, "state": format!("{:?}", p.state).to_lowercase(),
                "signedBy": p.counted.iter().map(|s| s.meta.people()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let checks: Vec<_> = deployment
        .opened
        .body
        .checks
        .iter()
        .map(|check| {
            let latest = deployment.latest(&check.id).map(|record| &record.body);
            let standing = deployment.standing(&check.id, None, None).as_str();
            serde_json::json!({
                "id": check.id, "phase": latest.and_then(|r| r.phase), "standing": standing, "value": latest.and_then(|r| r.value.as_ref()),
            })
        })
        .collect();
    let gate = gate_ahead(deployment);
    let lines: Vec<_> =
        missing.iter().map(|m| serde_json::json!({"requirement": m.requirement, "text": m.text})).collect();
    let holders: serde_json::Map<_, _> = deployment
        .holdings
        .iter()
        .filter(|h| h.until.is_none())
        .map(|h| (h.role.to_string(), h.person.to_string().into()))
        .collect();
    serde_json::json!({
        "schema": "https://project-aether.io/audit/status/v1",
        "deployment": deployment.id, "release": deployment.opened.body.release, "rehearsal": log.rehearsal,
        "stage": deployment.stage().as_str(), "outcome": deployment.outcome(), "roles": holders,
        "items": items, "checks": checks, "gate": gate, "missing": lines, "next": next,
        "verificationUntil": deployment.verification_window().map(|(_, to)| to),
        "standbyUntil": deployment.standby_until(), "retired": deployment.retired(),
        "onGreen": deployment.green_percent().iter().map(|(s, share)| (s.to_string(), (*share).into())).collect::<serde_json::Map<_, _>>(),
        "waived": waived(deployment).map(|(record, gate, waives)| serde_json::json!({
            "seq": record.meta.seq, "by": record.meta.people(), "gate": gate, "requirement": waives,
        })).collect::<Vec<_>>(),
        "issues": deployment.issues.iter().map(|i| serde_json::json!({"seq": i.seq, "code": i.code, "text": i.text})).collect::<Vec<_>>(),
        "undelivered": say::gaps(&deployment.messages).iter()
            .map(|gap| serde_json::json!({"seq": gap.meta.seq, "channel": gap.body.channel, "template": gap.body.template}))
            .collect::<Vec<_>>(),
        "entries": head.seq + 1, "head": head.leaf,
    })
}
