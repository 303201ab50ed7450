//! `snapshot`: takes a snapshot of a database and records it, before and after.
//!
//! Its name is made from the deployment and from the statement that records the intention: run again after whatever came
//! between, the same snapshot is found and never a second one taken.

mod follow;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::json;

use super::app::App;
use super::desk::{Desk, opened_bytes, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::nearest;
use super::status_code::Status;
use crate::core::check::Database;
use crate::core::event::{Act, Event, SnapshotTaken};
use crate::core::name::{Id, Label, Token};
use crate::core::opening::Opening;
use crate::remote::aws::rds::{Rds, Snapshot};
use crate::remote::aws::{AwsError, Connection};
use follow::Ended;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The database, by its id under [[database]] in aether.toml [default: all of them]
    pub database: Option<String>,
    /// Go on waiting for so many minutes at most
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub wait_minutes: u32,
    /// Look so many seconds apart
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub every: u32,
    /// Nothing is asked here: a snapshot changes nothing that serves
    #[arg(long, hide = true)]
    pub yes: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let all = &config.database;
    let chosen: Vec<Database> = match &args.database {
        None => all.clone(),
        Some(name) => {
            let known: Vec<&str> = all.iter().map(|database| database.id.as_str()).collect();
            let found = all.iter().find(|database| database.id.eq_ignore_ascii_case(name));
            let every = format!("it has {}", known.join(", "));
            vec![found.cloned().with_context(|| {
                format!("aether.toml has no database {name}: {}", nearest::hint(name, known, &every))
            })?]
        }
    };
    if chosen.is_empty() {
        bail!("aether.toml names no database: add [[database]] with its id");
    }
    let connection = Connection::open(&config.aws)?;
    let mut worst = Status::Done;
    for database in &chosen {
        let status = one(app, args, Rds(&connection), database)?;
        if status != Status::Done {
            worst = status;
        }
    }
    Ok(worst)
}

fn one(app: &mut App, args: &Args, rds: Rds, database: &Database) -> Result<Status> {
    let here = Elsewhere::default();
    let (id, mut desk) = here.desk_at(app, false)?;
    let resource = Label::new(database.id.as_str())?;
    let event = |act, detail, intent, snapshot| {
        Event::SnapshotTaken(SnapshotTaken { act, detail, intent, resource: resource.clone(), snapshot })
    };
    let outcome = event(Act::Done, None, None, None);
    facts::may(app, &desk, &id, &here, &[], event(Act::Intended, None, None, None))?;
    // Whether credentials, permission and the database are there is known before anything is intended.
    if rds.needs(database)?.is_none() {
        let kind = if database.cluster { "cluster" } else { "instance" };
        bail!("RDS has no {kind} {}: correct [[database]] in aether.toml", database.id);
    }
    let mut intent = desk.deployment(&id)?.open_intention(&outcome).cloned();
    if let Some(intent) = &intent {
        app.say(format!(
            "a snapshot of {} was begun before, and has no outcome yet: looking for {}",
            database.id,
            identifier(&id, intent)
        ));
    } else {
        facts::record_at(app, &mut desk, &id, &here, &[], |_, _, _, _| {
            Ok(event(Act::Intended, None, None, None))
        })?;
        intent = desk.deployment(&id)?.open_intention(&outcome).cloned();
    }
    if app.globals.dry_run {
        return Ok(Status::Done);
    }
    let intent = intent.context("the intention is not in the ledger: run `aether-audit status`")?;
    let name = identifier(&id, &intent);
    let again = || format!("nothing is lost: `aether-audit snapshot {}` goes on with {name}", database.id);
    let ended = match begun(rds, database, &name) {
        Ok(first) => {
            drop(desk);
            follow::to_its_end(app, args, rds, database, first).with_context(again)?
        }
        Err(error) if refused(&error) => Ended::Refused(error),
        Err(error) => return Err(anyhow!(error).context(again())),
    };
    settle(app, &here, &id, &intent, database, &ended, &event)
}

/// The snapshot of this name: found, or begun now.
fn begun(rds: Rds, database: &Database, name: &str) -> Result<Snapshot, AwsError> {
    if let Some(found) = rds.snapshot(database, name)? {
        return Ok(found);
    }
    match rds.create(database, name) {
        Ok(begun) => Ok(begun),
        // It may have begun all the same: an answer can be lost, and somebody else may have been faster.
        Err(error) => match rds.snapshot(database, name) {
            Ok(Some(found)) => Ok(found),
            _ => Err(error),
        },
    }
}

/// Whether RDS said no, so that it is certain that nothing began.
fn refused(error: &AwsError) -> bool {
    match error {
        AwsError::Denied { .. } => true,
        AwsError::Refused { code, .. } => {
            let unsure = ["Internal", "Request", "Service", "Unavailable"];
            !code.contains(' ') && !unsure.iter().any(|start| code.starts_with(start))
        }
        _ => false,
    }
}

/// Records how it ended, unless that stands there already.
fn settle(
    app: &mut App,
    here: &Elsewhere,
    id: &Token,
    intent: &Id,
    database: &Database,
    ended: &Ended,
    event: &dyn Fn(Act, Option<crate::core::opening::OpeningRef>, Option<Id>, Option<Label>) -> Event,
) -> Result<Status> {
    // Much may have come into the log meanwhile, another deployment too.
    let mut desk = here.desk(app, Some(id))?;
    if !is_open(&desk, id, intent)? {
        app.say(format!("the outcome of this snapshot of {} is recorded already", database.id));
        return Ok(if ended.well() { Status::Done } else { Status::Finding });
    }
    facts::record_at(app, &mut desk, id, here, &[], |_, _, _, openings| {
        let (act, snapshot, detail) = match ended {
            Ended::Available(one) => (Act::Done, Some(Label::new(one.arn.as_str())?), opened(one, openings)?),
            Ended::Failed(one) => (Act::Failed, Some(Label::new(one.arn.as_str())?), opened(one, openings)?),
            Ended::Gone(one) => {
                let text = format!("{} is no longer there: somebody deleted it while it was taken", one.id);
                (Act::Failed, None, opened_text(&text, openings)?)
            }
            Ended::Refused(error) => (Act::Failed, None, opened_text(&error.to_string(), openings)?),
        };
        Ok(event(act, Some(detail), Some(intent.clone()), snapshot))
    })?;
    match ended {
        Ended::Available(one) => {
            let encrypted = if one.encrypted { "encrypted" } else { "NOT encrypted" };
            app.data(format!(
                "{} available, {} GiB, {encrypted}, {} {}",
                one.arn, one.gib, one.engine, one.version
            ))?;
            Ok(Status::Done)
        }
        Ended::Failed(one) => {
            app.warn(format!(
                "{} ended as {}: look at the events of {} in RDS",
                one.id, one.status, database.id
            ));
            Ok(Status::Finding)
        }
        Ended::Gone(one) => {
            app.warn(format!(
                "{} is no longer there: run `aether-audit snapshot {}` for a new one",
                one.id, database.id
            ));
            Ok(Status::Finding)
        }
        Ended::Refused(error) => bail!("{error}"),
    }
}

fn is_open(desk: &Desk, id: &Token, intent: &Id) -> Result<bool> {
    let snapshots = &desk.deployment(id)?.snapshots;
    Ok(!snapshots.iter().any(|record| record.body.intent.as_ref() == Some(intent)))
}

fn opened(one: &Snapshot, openings: &mut Vec<Opening>) -> Result<crate::core::opening::OpeningRef> {
    let detail = json!({
        "id": one.id, "arn": one.arn, "status": one.status, "created": one.created, "gib": one.gib,
        "encrypted": one.encrypted, "engine": one.engine, "version": one.version,
    });
    opened_bytes(detail.to_string().into_bytes(), "application/json", openings)
}

/// RDS takes letters, digits and single hyphens.
fn identifier(deployment: &Token, intent: &Id) -> String {
    let mut plain = String::from("aether-");
    for c in deployment.as_str().chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if c != '-' || !plain.ends_with('-') {
            plain.push(c);
        }
    }
    let end = if plain.ends_with('-') { "" } else { "-" };
    format!("{plain}{end}{intent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        let of = |id: &str| identifier(&Token::new(id).unwrap(), &Id::from_bytes([0xab; 16]));
        let tail = "ab".repeat(16);
        assert_eq!(of("v2.14.0"), format!("aether-v2-14-0-{tail}"));
        assert_eq!(of("a..b.-"), format!("aether-a-b-{tail}"));
    }
}
