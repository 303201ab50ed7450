//! `assign`: somebody else takes a role of this deployment.

use anyhow::Result;

use super::app::App;
use super::desk::{check_person, check_role, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::status_code::Status;
use crate::core::deployment::Holding;
use crate::core::event::{Event, RolesAssigned};
use crate::core::name::Token;
use crate::core::roster::LEAD_DEPLOYER;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The role
    pub role: Token,
    /// Who takes it
    pub name: Token,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let (id, mut desk) = args.elsewhere.desk_at(app, true)?;
    let holds = |holding: &&Holding| {
        holding.role == args.role && holding.person == args.name && holding.until.is_none()
    };
    if desk.deployment(&id)?.holdings.iter().find(holds).is_some() {
        app.say(format!("{} is {} of {id} already: nothing was recorded", args.name, args.role));
        if app.json() {
            app.print_json(&serde_json::json!([]))?;
        }
        return Ok(Status::Done);
    }
    facts::record_at(app, &mut desk, &id, &args.elsewhere, &[LEAD_DEPLOYER], |_, desk, _, openings| {
        let roster = &desk.roster()?.roster;
        check_role(roster, &args.role)?;
        check_person(roster, &args.name)?;
        let reason = args.reason.as_ref().map(|reason| opened_text(reason, openings)).transpose()?;
        Ok(Event::RolesAssigned(RolesAssigned { person: args.name.clone(), reason, role: args.role.clone() }))
    })?;
    Ok(Status::Done)
}
