//! `rollback`: the way back begins. Nothing refuses it.

use anyhow::Result;

use super::app::App;
use super::desk::opened_text;
use super::elsewhere::Elsewhere;
use super::facts;
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
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let here = Elsewhere::default();
    let (id, mut desk) = here.desk_at(app, false)?;
    if let Some(open) =
        desk.deployment(&id)?.rollbacks.last().filter(|_| desk.log.deployments[&id].rollback_open())
    {
        let (seq, who) = (open.meta.seq, open.meta.people());
        app.warn(format!("a rollback is under way since entry {seq} ({who}): this adds to it"));
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
