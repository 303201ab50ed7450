//! Recording one event about a deployment: what most commands come down to.

use anyhow::Result;

use super::app::App;
use super::desk::{Desk, hand};
use super::elsewhere::{Elsewhere, Fate};
use super::log::summary;
use crate::core::deployment::Deployment;
use crate::core::event::Event;
use crate::core::name::Token;
use crate::core::opening::Opening;

/// Records one event about the deployment in question and says where it stands.
///
/// # Errors
/// Where the table or the ledger refuses.
pub fn record(
    app: &mut App,
    elsewhere: &Elsewhere,
    roles: &[&str],
    make: impl FnOnce(&mut App, &Desk, &Token, &mut Vec<Opening>) -> Result<Event>,
) -> Result<Fate> {
    let (id, mut desk) = elsewhere.desk_at(app, true)?;
    record_at(app, &mut desk, &id, elsewhere, roles, make)
}

/// Whether `--as` may record an event of this kind at all: said before anything that a gate misses.
///
/// # Errors
/// [`super::status_code::Refused`] with every reason.
pub fn may(
    app: &App,
    desk: &Desk,
    id: &Token,
    elsewhere: &Elsewhere,
    roles: &[&str],
    event: Event,
) -> Result<()> {
    let deployment = desk.deployment(id)?;
    let first = hand(desk, &app.who()?, Some(deployment), roles)?;
    let hands = elsewhere.hands(desk, Some(deployment), first, roles)?;
    desk.may(&desk.draft(id, event, Vec::new())?, &hands).map(drop)
}

/// The same at a desk that is open already.
///
/// # Errors
/// Where the table or the ledger refuses.
pub fn record_at(
    app: &mut App,
    desk: &mut Desk,
    id: &Token,
    elsewhere: &Elsewhere,
    roles: &[&str],
    make: impl FnOnce(&mut App, &Desk, &Token, &mut Vec<Opening>) -> Result<Event>,
) -> Result<Fate> {
    let who = app.who()?;
    desk.warn(app);
    let mut openings = Vec::new();
    let event = make(app, desk, id, &mut openings)?;
    let kind = event.kind();
    let what = summary(kind, &serde_json::from_str(event.body()?.get())?);
    let before = desk.deployment(id)?.issues.len();
    let first = hand(desk, &who, Some(desk.deployment(id)?), roles)?;
    let draft = desk.draft(id, event, openings)?;
    let fate = elsewhere.settle(app, desk, draft, first.clone(), roles)?;
    if let Fate::Appended(appended) = fate {
        let again = if appended.already { " (it stood there already)" } else { "" };
        let what = if what.is_empty() { kind.to_owned() } else { format!("{kind} {what}") };
        app.say(format!("entry {}: {id}: {what}, by {who} as {}{again}", appended.seq, first.role));
        tell_issues(app, desk.deployment(id)?, before);
    }
    Ok(fate)
}

/// Warns of what an event brought out of process: the issues after the first `before`.
pub fn tell_issues(app: &mut App, deployment: &Deployment, before: usize) {
    for issue in deployment.issues.iter().skip(before) {
        app.warn(format!("OUT OF PROCESS: {}", issue.text));
    }
}
