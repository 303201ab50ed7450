//! `join`: statements signed elsewhere are given their place.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::bundle::Bundle;
use super::desk::{Desk, Draft, Hand};
use super::facts;
use super::key::change::save_roster;
use super::log::summary;
use super::spool;
use super::status_code::{Recorded, Status};
use super::words;
use crate::core::deployment::Deployment;
use crate::core::event::{Class, Event};
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::opening::{Opening, refs_in};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Files that `--out` wrote
    #[arg(required_unless_present = "spool")]
    pub files: Vec<PathBuf>,
    /// What a rollback signed here while the ledger could not take it
    #[arg(long)]
    pub spool: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    if args.spool {
        return spool::join_all(app);
    }
    let bundles = args.files.iter().map(|file| Bundle::read(file)).collect::<Result<Vec<_>>>()?;
    for (bundle, file) in bundles.iter().zip(&args.files) {
        about(app, bundle).with_context(|| format!("{}", file.display()))?;
    }
    let mut places = Vec::new();
    for (bundle, file) in bundles.iter().zip(&args.files) {
        let appended = join(app, bundle).with_context(|| format!("{}", file.display()))?;
        places.push(appended);
    }
    if app.json() && !app.globals.dry_run {
        app.print_json(&places)?;
    }
    Ok(Status::Done)
}

/// Holds that a statement is about the deployment that is named, where one is.
fn about(app: &App, bundle: &Bundle) -> Result<()> {
    let own = bundle.statement().predicate.deployment.as_ref();
    if let Some(meant) = &app.globals.deployment
        && own.is_none_or(|own| own.as_str() != meant)
    {
        let own = own.map_or("the log itself", Token::as_str);
        bail!("it is about {own}, not about {meant}: leave --deployment out, or join another file");
    }
    Ok(())
}

/// Gives a bundle its place and says so.
///
/// # Errors
/// Where it may not be recorded, or the ledger cannot take it.
pub fn join(app: &mut App, bundle: &Bundle) -> Result<serde_json::Value> {
    let predicate = &bundle.statement().predicate;
    let deployment = predicate.deployment.clone();
    let mut desk = Desk::open(app, deployment.as_ref())?;
    let event = Event::parse(bundle.statement().kind(), &predicate.body)?;
    desk.ours(app)?;
    let known = desk.entries.iter().any(|entry| entry.statement.predicate.id == predicate.id);
    if !known {
        check(app, &desk, bundle, &event, deployment.clone())?;
    }
    let (kind, body) = (event.kind(), serde_json::from_str(predicate.body.get())?);
    let what = [kind.to_owned(), summary(kind, &body)].join(" ");
    let place = predicate.deployment.as_ref().map_or("the log itself", |id| id.as_str());
    let by = words::signers(&predicate.signers, &desk.log);
    if app.globals.dry_run {
        if !known {
            desk.would_take(app, bundle)?;
        }
        let already = if known { " (it stands there already)" } else { "" };
        app.would(format!("join {place}: {}, by {by}{already}", what.trim_end()))?;
        return Ok(serde_json::Value::Null);
    }
    let before = joined(&desk, deployment.as_ref()).map_or(0, |joined| joined.issues.len());
    let appended = desk.append(app, bundle)?;
    let how = match (appended.already, words::delay(predicate.time, appended.recorded)) {
        (true, _) => ": it stood there already, recorded at ".to_owned() + &appended.recorded.human(),
        (false, Some(minutes)) => format!(", joined {minutes} minutes after it was signed"),
        (false, None) => ", joined as it was signed".to_owned(),
    };
    app.say(format!("entry {}: {place}: {}, by {by}{how}", appended.seq, what.trim_end()));
    if event.class() == Class::Governance && app.config().is_ok() {
        save_roster(app, &desk.roster()?.roster).context(Recorded(appended.seq))?;
    }
    if let Some(joined) = joined(&desk, deployment.as_ref()) {
        facts::tell_issues(app, joined, before);
    }
    let delay = (appended.recorded.millis() - predicate.time.millis()) / 60_000;
    Ok(serde_json::json!({
        "seq": appended.seq, "leaf": appended.leaf, "already": appended.already, "delayMinutes": delay.max(0),
        "kind": kind, "deployment": predicate.deployment, "signedAt": predicate.time, "recorded": appended.recorded,
        "by": predicate.signers.iter().map(|signer| words::signers(std::slice::from_ref(signer), &desk.log)).collect::<Vec<_>>(),
    }))
}

/// The deployment that a statement is about, where it is there.
fn joined<'a>(desk: &'a Desk, id: Option<&Token>) -> Option<&'a Deployment> {
    id.and_then(|id| desk.log.deployments.get(id))
}

fn check(app: &App, desk: &Desk, bundle: &Bundle, event: &Event, deployment: Option<Token>) -> Result<()> {
    let statement = bundle.statement();
    let predicate = &statement.predicate;
    if predicate.log != desk.log.origin {
        bail!("it was signed for the log {}, this one is {}", predicate.log, desk.log.origin);
    }
    if !desk.log.rosters.iter().any(|version| version.hash == predicate.roster) {
        bail!("it names a roster that this log never had: the signer's copy belongs to another log");
    }
    let carried: BTreeSet<Hash> = bundle.openings.iter().map(Opening::commit).collect();
    let named: BTreeSet<Hash> = refs_in(predicate.body.get()).into_iter().collect();
    if let Some(stray) = carried.difference(&named).next() {
        bail!("the file carries an opening {stray} that its statement does not name");
    }
    if let Some(lacking) = named.difference(&carried).next() {
        bail!("the file lacks the opening {lacking} that its statement names: ask for it again");
    }
    if event.class() == Class::Governance {
        return Ok(());
    }
    let roster = &desk.roster()?.roster;
    let hands = predicate
        .signers
        .iter()
        .map(|signer| {
            let (person, _) = roster.find(&signer.key).with_context(|| {
                format!(
                    "the key {} is not on the roster now in force: where it was rotated or revoked since, the statement is signed \
                     again with the new one",
                    signer.key
                )
            })?;
            Ok(Hand { person: person.id.clone(), role: signer.role.clone() })
        })
        .collect::<Result<Vec<_>>>()?;
    let draft =
        Draft { event: event.clone(), openings: Vec::new(), deployment, subject: statement.subject.clone() };
    desk.allow(app, &draft, &hands).map(drop)
}
