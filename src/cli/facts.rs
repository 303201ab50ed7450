//! Recording one event about a deployment: what most commands come down to.

use anyhow::Result;

use super::app::App;
use super::desk::{Desk, Hand, hand};
use super::elsewhere::{Elsewhere, Fate};
use super::log::summary;
use crate::core::deployment::Deployment;
use crate::core::event::Event;
use crate::core::name::Token;
use crate::core::opening::Opening;
use crate::ledger::Appended;

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
    let what = what(&event)?;
    let before = desk.deployment(id)?.issues.len();
    let first = hand(desk, &who, Some(desk.deployment(id)?), roles)?;
    let draft = desk.draft(id, event, openings)?;
    let fate = elsewhere.settle(app, desk, draft, first.clone(), roles)?;
    if let Fate::Appended(appended) = fate {
        tell(app, &what, id, &first, appended);
        tell_issues(app, desk.deployment(id)?, before);
    }
    Ok(fate)
}

/// An event in a few words: its kind, and what counts of it.
///
/// # Errors
/// Where it cannot be written as JSON.
pub fn what(event: &Event) -> Result<String> {
    let (kind, body) = (event.kind(), serde_json::from_str(event.body()?.get())?);
    Ok(format!("{kind} {}", summary(kind, &body)).trim_end().to_owned())
}

/// Says which place an event was given.
pub fn tell(app: &mut App, what: &str, id: &Token, by: &Hand, appended: Appended) {
    let again = if appended.already { " (it stood there already)" } else { "" };
    app.say(format!("entry {}: {id}: {what}, by {} as {}{again}", appended.seq, by.person, by.role));
}

/// Warns of what an event brought out of process: the issues after the first `before`.
pub fn tell_issues(app: &mut App, deployment: &Deployment, before: usize) {
    for issue in deployment.issues.iter().skip(before) {
        app.warn(format!("OUT OF PROCESS: {}", issue.text));
    }
}
