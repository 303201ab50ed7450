//! `withdraw`: a sign-off is taken back by a new event that says why.

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::desk::{Desk, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::sign::unknown_item;
use super::status_code::Status;
use crate::core::deployment::SignOff;
use crate::core::event::{Event, ItemWithdrawn};
use crate::core::name::{Id, Token};

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
    let (id, mut desk) = args.elsewhere.desk_at(app, true)?;
    let mut all = standing(&desk, &id, &args.item, &who)?;
    if args.elsewhere.out.is_some() && all.len() > 1 {
        let (_, seq) = all[1];
        app.say(format!(
            "the newest alone goes into the file; the one of entry {seq} stands until it is taken back too"
        ));
        all.truncate(1);
    }
    for (statement, _) in all {
        facts::record_at(app, &mut desk, &id, &args.elsewhere, &[], |_, _, _, openings| {
            let reason = opened_text(&args.reason, openings)?;
            Ok(Event::ItemWithdrawn(ItemWithdrawn { item: args.item.clone(), reason, statement }))
        })?;
    }
    if !app.globals.dry_run && args.elsewhere.out.is_none() {
        tell(app, &desk, &id, &args.item)?;
    }
    Ok(Status::Done)
}

/// The sign-offs that are taken back, newest first, each with its entry: all of one's own that stand, else all of
/// whoever signed last.
fn standing(desk: &Desk, id: &Token, item: &Token, who: &Token) -> Result<Vec<(Id, u64)>> {
    let deployment = desk.deployment(id)?;
    let signed: Vec<_> = deployment.sign_offs.iter().rev().filter(|s| s.body.item == *item).collect();
    if signed.is_empty() && deployment.item(item.as_str()).is_none() {
        bail!(unknown_item(deployment, item.as_str()));
    }
    if signed.is_empty() {
        bail!("nobody has signed {item}: there is nothing to take back");
    }
    let by = |sign_off: &SignOff, who: &Token| sign_off.meta.by.iter().any(|by| by.person == *who);
    let counts = |sign_off: &&SignOff| sign_off.withdrawn.is_none() && sign_off.overtaken.is_none();
    let left: Vec<_> = signed.into_iter().filter(counts).collect();
    let newest = left.first().with_context(|| {
        format!("every sign-off of {item} was taken back or overtaken already: see `aether-audit log`")
    })?;
    let own = left.iter().any(|sign_off| by(sign_off, who));
    let whose: Vec<&Token> =
        if own { vec![who] } else { newest.meta.by.iter().map(|by| &by.person).collect() };
    let theirs = left.iter().filter(|sign_off| whose.iter().any(|person| by(sign_off, person)));
    Ok(theirs.map(|sign_off| (sign_off.meta.id.clone(), sign_off.meta.seq)).collect())
}

/// Says so where the item is signed all the same.
fn tell(app: &mut App, desk: &Desk, id: &Token, item: &Token) -> Result<()> {
    let progress = desk.deployment(id)?.progress();
    let Some(progress) = progress.iter().find(|progress| *item == *progress.spec.id.as_str()) else {
        return Ok(());
    };
    if let Some(other) = progress.counted.last() {
        let by: Vec<&str> = other.meta.by.iter().map(|by| by.person.as_str()).collect();
        let text = format!("{item} still stands, signed by {} in entry {}", by.join(" and "), other.meta.seq);
        app.warn(text);
    }
    Ok(())
}
