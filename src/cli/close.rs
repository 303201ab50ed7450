//! `close`: the record is sealed.

use anyhow::{Context as _, Result};

use super::app::App;
use super::checkpoint::make_or_remember;
use super::cosigned::{self, Witnessing};
use super::desk::{Desk, pick, record_folder};
use super::elsewhere::{Elsewhere, Fate};
use super::status_code::{Refused, Status};
use super::{facts, files};
use crate::core::deployment::Stage;
use crate::core::event::{DeploymentClosed, Event, Gate, Outcome};
use crate::core::name::Token;
use crate::core::roster::LEAD_DEPLOYER;
use crate::ledger::LedgerError;

#[derive(clap::Args, Debug, Default)]
pub struct Args {
    #[command(flatten)]
    pub elsewhere: Elsewhere,
    #[command(flatten)]
    pub witnessing: Witnessing,
}

/// Tries again where a message or reading came in between counting and appending.
const TRIES: usize = 50;

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let id = pick(app, false)?;
    for _ in 1..TRIES {
        match close(app, args, &id) {
            Err(error) if matches!(error.downcast_ref(), Some(LedgerError::Refused(_))) => {}
            other => return other,
        }
    }
    close(app, args, &id)
}

fn close(app: &mut App, args: &Args, id: &Token) -> Result<Status> {
    let mut desk = args.elsewhere.desk(app, Some(id))?;
    desk.sound(app)?;
    let probe = Event::DeploymentClosed(DeploymentClosed { entries: 0, outcome: Outcome::NoGo });
    facts::may(app, &desk, id, &args.elsewhere, &[LEAD_DEPLOYER], probe)?;
    let missing = desk.deployment(id)?.missing(Gate::Close, app.now());
    if !missing.is_empty() {
        let next = match desk.deployment(id)?.stage() {
            Stage::Closed => {
                "What comes to light later goes into a note: `aether-audit note TEXT --deployment ID`, or `aether-audit record review-recorded`."
            }
            Stage::RollingBack => {
                "Finish the rollback first: `aether-audit status` names its next step (`aether-audit rollback` goes on with it, `aether-audit record rollback-finished` ends it)."
            }
            _ => {
                "Decide first: `aether-audit decide all-clear|no-go --reason T`, finish the rollback, or `aether-audit abort --reason T`."
            }
        };
        return Err(Refused::gate(format!("{id} cannot be closed"), &missing, next).into());
    }
    let deployment = desk.deployment(id)?;
    let green = deployment.green_percent().into_iter().filter(|(_, share)| *share > 0);
    let green: Vec<String> = green.map(|(service, share)| format!("{service} {share} %")).collect();
    if deployment.outcome() != Some(Outcome::Completed) && !green.is_empty() {
        app.warn(format!(
            "traffic is on Green as the record has it ({}), and once it is closed nothing more can be said of that",
            green.join(", ")
        ));
    }
    let fate = facts::record_at(app, &mut desk, id, &args.elsewhere, &[LEAD_DEPLOYER], |_, desk, id, _| {
        let deployment = desk.deployment(id)?;
        let outcome = deployment.outcome().context("there is no outcome yet")?;
        Ok(Event::DeploymentClosed(DeploymentClosed { entries: deployment.entries + 1, outcome }))
    })?;
    if let Fate::Appended(_) = fate {
        anchor(app, &desk, id, &args.witnessing);
    }
    Ok(Status::Done)
}

/// A checkpoint over the closing, where this place makes them. The closing stands whatever becomes of it, and the
/// checkpoint whatever the witnesses say.
fn anchor(app: &mut App, desk: &Desk, id: &Token, witnessing: &Witnessing) {
    let folder = record_folder(app, id);
    let path = folder.join("checkpoint");
    let write = |app: &mut App| -> Result<bool> {
        let Some(made) = make_or_remember(app, &desk.ledger, &desk.log)? else { return Ok(false) };
        files::make_folder(&folder)?;
        files::write(&path, made.note.as_bytes())?;
        let made = cosigned::beside(app, &desk.ledger, &desk.log, made, witnessing);
        files::write(&path, made.note.as_bytes())?;
        Ok(true)
    };
    match write(app) {
        Ok(true) => {
            app.say(format!("checkpoint   {}: give it to somebody outside your control", path.display()));
        }
        Ok(false) => app.say("This place has no log key: make a checkpoint where the log was initialised."),
        Err(error) => app.warn(format!("the deployment is closed, but there is no checkpoint: {error:#}")),
    }
}
