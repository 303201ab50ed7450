//! `withdraw`: a sign-off is taken back by a new event that says why.

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::desk::{Desk, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::sign::unknown_item;
use super::status_code::Status;
use crate::core::event::{Event, ItemWithdrawn};
use crate::core::name::{Id, Token};

/// Options of `withdraw`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The item
    pub item: Token,
    /// Why
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let who = app.who()?;
    facts::record(app, &args.elsewhere, &[], |_, desk, id, openings| {
        let statement = newest(desk, id, &args.item, &who)?;
        let reason = opened_text(&args.reason, openings)?;
        Ok(Event::ItemWithdrawn(ItemWithdrawn { item: args.item.clone(), reason, statement }))
    })?;
    Ok(Status::Done)
}

/// The newest sign-off that stands: one's own, else anybody's.
fn newest(desk: &Desk, id: &Token, item: &Token, who: &Token) -> Result<Id> {
    let deployment = desk.deployment(id)?;
    if deployment.item(item.as_str()).is_none() && !deployment.sign_offs.iter().any(|s| s.body.item == *item)
    {
        bail!(unknown_item(deployment, item.as_str()));
    }
    let standing =
        || deployment.sign_offs.iter().rev().filter(|s| s.withdrawn.is_none() && s.body.item == *item);
    if !deployment.sign_offs.iter().any(|s| s.body.item == *item) {
        bail!("nobody has signed {item}: there is nothing to take back");
    }
    let own = standing().find(|s| s.meta.by.iter().any(|b| b.person == *who));
    let found = own.or_else(|| standing().next());
    Ok(found
        .with_context(|| format!("every sign-off of {item} was taken back already: see `aether-audit log`"))?
        .meta
        .id
        .clone())
}
