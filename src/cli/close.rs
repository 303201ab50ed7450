//! `close`: the record is sealed.

use anyhow::{Context as _, Result};

use super::app::App;
use super::desk::pick;
use super::elsewhere::Elsewhere;
use super::facts;
use super::status_code::{Refused, Status};
use crate::core::event::{DeploymentClosed, Event, Gate};
use crate::core::roster::LEAD_DEPLOYER;

/// Options of `close`.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let id = pick(app, false)?;
    let mut desk = args.elsewhere.desk(app, Some(&id))?;
    let missing = desk.deployment(&id)?.missing(Gate::Close, app.now());
    if !missing.is_empty() {
        let next = "Decide first: `aether-audit decide all-clear|no-go --reason T`, finish the rollback, or `aether-audit abort --reason T`.";
        return Err(Refused::gate(format!("{id} cannot be closed"), &missing, next).into());
    }
    facts::record_at(app, &mut desk, &id, &args.elsewhere, &[LEAD_DEPLOYER], |_, desk, id, _| {
        let deployment = desk.deployment(id)?;
        let outcome = deployment.outcome().context("there is no outcome yet")?;
        Ok(Event::DeploymentClosed(DeploymentClosed { entries: deployment.entries + 1, outcome }))
    })?;
    Ok(Status::Done)
}
