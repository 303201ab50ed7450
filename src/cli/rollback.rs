//! `rollback`: the way back begins. Nothing refuses it.

use anyhow::{Result, bail};

use super::app::App;
use super::desk::{Desk, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::nearest;
use super::record::TriggerArg;
use super::status_code::Status;
use crate::core::event::{Event, RollbackStarted, RollbackTriggered};
use crate::core::name::Token;

/// Options of `rollback`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Which of the team's criteria
    #[arg(long, value_enum, default_value = "manual")]
    pub trigger: TriggerArg,
    /// The check whose limit was breached
    #[arg(long)]
    pub check: Option<Token>,
    /// Record one more beginning while a rollback is under way
    #[arg(long)]
    pub again: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let here = Elsewhere::default();
    let (id, mut desk) = here.desk_at(app, false)?;
    if let Some(open) =
        desk.deployment(&id)?.rollbacks.last().filter(|_| desk.log.deployments[&id].rollback_open())
    {
        let (seq, who, at) = (open.meta.seq, open.meta.people(), open.meta.recorded.human());
        if !args.again {
            bail!(
                "a rollback of {id} is under way since entry {seq} ({who}, {at}): go on with it, `aether-audit status` names \
                 the next step; nothing was recorded. If another one truly begins, say --again"
            );
        }
        app.warn(format!("a rollback is under way since entry {seq} ({who}, {at}): this begins another"));
    }
    if let Some(check) = &args.check {
        warn_unknown(app, &desk, &id, check)?;
    }
    if !desk.deployment(&id)?.trigger_open() {
        facts::record_at(app, &mut desk, &id, &here, &[], |_, _, _, openings| {
            let (check, trigger) = (args.check.clone(), args.trigger.into());
            let reason = Some(opened_text(&args.reason, openings)?);
            Ok(Event::RollbackTriggered(RollbackTriggered { check, evidence: None, reason, trigger }))
        })?;
    }
    facts::record_at(app, &mut desk, &id, &here, &[], |_, _, _, openings| {
        Ok(Event::RollbackStarted(RollbackStarted { reason: opened_text(&args.reason, openings)? }))
    })?;
    if app.globals.dry_run {
        return Ok(Status::Done);
    }
    app.say("The five steps, each recorded with `aether-audit record rollback-step --step STEP --act done`:");
    for (step, what) in [
        ("announce", "\"ROLLBACK INITIATED\" to the channel"),
        ("revert-traffic", "DNS back to Blue (and `record traffic-shifted --to blue` for each service)"),
        ("verify-previous", "the previous version works"),
        ("notify", "stakeholders know that it is complete"),
        ("schedule-review", "the incident review has a date"),
    ] {
        app.say(format!("  {step:<16} {what}"));
    }
    app.say("Then `aether-audit record rollback-finished --outcome complete`, and `aether-audit close`.");
    Ok(Status::Done)
}

/// Warns where a trigger names a check that this deployment does not have. It is recorded all the same: nothing
/// refuses the way back.
///
/// # Errors
/// Where there is no such deployment.
pub fn warn_unknown(app: &mut App, desk: &Desk, id: &Token, check: &Token) -> Result<()> {
    let checks = &desk.deployment(id)?.opened.body.checks;
    if !checks.iter().any(|spec| spec.id == check.as_str()) {
        let known = checks.iter().map(|spec| spec.id.as_str());
        let hint = nearest::hint(check.as_str(), known, "`aether-audit status` lists them");
        app.warn(format!("{check} is no check of {id}, and is recorded as you gave it: {hint}"));
    }
    Ok(())
}
