//! `key remove`: a role, or a person, is taken off the roster.

use anyhow::{Result, bail};

use super::change::{Change, Quorum, settle};
use crate::cli::app::App;
use crate::cli::desk::{Desk, unknown_person};
use crate::cli::status_code::Status;
use crate::core::name::Token;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Who
    pub name: Token,
    /// Only this role; may be given again [default: the person, with all their keys]
    #[arg(long, value_name = "R")]
    pub role: Vec<Token>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub quorum: Quorum,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut desk = Desk::open(app, None)?;
    let mut next = desk.roster()?.roster.successor();
    let Some(person) = next.people.iter_mut().find(|person| person.id == args.name) else {
        bail!(unknown_person(&desk.roster()?.roster, &args.name));
    };
    if let Some(role) = args.role.iter().find(|role| !person.roles.contains(role)) {
        let has = person.roles.iter().map(Token::as_str).collect::<Vec<_>>().join(", ");
        bail!("{} does not have the role {role}, but {has}", args.name);
    }
    person.roles.retain(|role| !args.role.contains(role));
    if args.role.is_empty() {
        next.people.retain(|person| person.id != args.name);
    }
    if let Some(seq) = settle(app, &mut desk, Change::to(next, &args.reason)?, &args.quorum)? {
        let what = if args.role.is_empty() {
            "is off the roster; their id is never used again".to_owned()
        } else {
            format!("is no longer {}", args.role.iter().map(Token::as_str).collect::<Vec<_>>().join(", "))
        };
        app.say(format!("entry {seq}: {} {what}; what they signed stays valid", args.name));
    }
    Ok(Status::Done)
}
