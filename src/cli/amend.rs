//! `amend`: the checklist of this deployment is replaced.

use std::path::PathBuf;

use anyhow::Result;

use super::app::App;
use super::desk::opened_text;
use super::elsewhere::Elsewhere;
use super::facts;
use super::open::{freeze, warn_about};
use super::status_code::Status;
use crate::core::event::{ChecklistAmended, Event};
use crate::core::roster::LEAD_DEPLOYER;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The new checklist
    pub file: PathBuf,
    /// Why
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    facts::record(app, &args.elsewhere, &[LEAD_DEPLOYER], |app, desk, _, openings| {
        let checklist = freeze(app, &config, Some(&args.file), openings)?;
        warn_about(app, &checklist, openings, &desk.roster()?.roster);
        Ok(Event::ChecklistAmended(ChecklistAmended {
            checklist,
            reason: opened_text(&args.reason, openings)?,
        }))
    })?;
    app.say(
        "every item must be signed on the amended checklist; sign-offs on the one before no longer count",
    );
    Ok(Status::Done)
}
