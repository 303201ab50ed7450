//! `key quorum`: how many root holders a change of the roster needs.

use anyhow::{Result, bail};

use super::change::{Change, Quorum, settle};
use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::status_code::Status;
use crate::core::roster::{KeyUse, Person};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// How many distinct root holders must sign from now on
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub quorum: Quorum,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut desk = Desk::open(app, None)?;
    let mut next = desk.roster()?.roster.successor();
    if next.root_threshold == args.count {
        bail!("it is {} already: nothing to change", args.count);
    }
    let holds = |person: &&Person| person.keys.iter().any(|key| key.key_use == KeyUse::Root);
    let holders = next.people.iter().filter(holds).count();
    if args.count as usize > holders {
        bail!(
            "{} are to sign, and root keys are held by {holders}: first bring others on (`aether-audit key new NAME --root`, \
             `aether-audit key enroll NAME --root`)",
            args.count
        );
    }
    next.root_threshold = args.count;
    if let Some(seq) = settle(app, &mut desk, Change::to(next, &args.reason)?, &args.quorum)? {
        app.say(format!("entry {seq}: a change of the roster needs {} root holders now", args.count));
    }
    Ok(Status::Done)
}
