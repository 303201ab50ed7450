//! `cosign`: one more signature on a statement signed elsewhere.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use rustix::fs::FlockOperation;

use super::app::App;
use super::bundle::Bundle;
use super::desk::Desk;
use super::files;
use super::keyring::{self, Keyring};
use super::log::summary;
use super::status_code::Status;
use super::words;
use crate::core::event::{Class, Event};
use crate::core::hash::Hash;
use crate::core::keys::SecretKey;
use crate::core::log::{Log, RosterVersion};
use crate::core::roster::KeyUse;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file that `--out` wrote; the signature is added to it
    pub file: PathBuf,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let file = args.file.display();
    if !args.file.is_file() {
        bail!("{file} is no file that a signature could be added to");
    }
    let who = app.who()?;
    let log = Desk::read(app, None).map(|desk| desk.log).unwrap_or_default();
    let bundle = read(&args.file, &log)?;
    let wanted = bundle.missing();
    if wanted.is_empty() {
        bail!("{file}: everybody has signed; give it its place with `aether-audit join`");
    }
    app.say(described(&bundle, &log)?);
    let governs = matches!(Event::class_of(bundle.statement().kind()), Some(Class::Governance));
    let overtaken = |roster: &&RosterVersion| governs && roster.hash != bundle.statement().predicate.roster;
    if let Some(roster) = log.roster().filter(overtaken) {
        app.warn(format!(
            "the roster has changed since this was made (version {} is in force here): it cannot be joined any more; have it made \
             and signed anew",
            roster.roster.version
        ));
    }
    if app.globals.dry_run {
        app.would(format!("add {who}'s signature to {file}"))?;
        return Ok(Status::Done);
    }
    let Some(key) = key(app, &bundle, &log, who.as_str())? else {
        bail!("none of {who}'s keys here is among those that must still sign {file}");
    };
    let left = add(&args.file, &log, &key)?;
    app.say(if left == 0 {
        format!("signed; everybody has: `aether-audit join {file}`")
    } else {
        format!("signed; {left} more must")
    });
    Ok(Status::Done)
}

/// Adds the signature to what stands in the file by then: others may sign it at the same time. How many are missing.
fn add(file: &Path, log: &Log, key: &SecretKey) -> Result<usize> {
    let file = fs::canonicalize(file).with_context(|| format!("cannot read {}", file.display()))?;
    let options = OpenOptions::new().read(true).clone();
    let lock = files::locked(&file, &options, FlockOperation::LockExclusive);
    let _lock = lock.with_context(|| format!("cannot lock {}", file.display()))?;
    let mut bundle = read(&file, log)?;
    bundle.sign(key)?;
    bundle.rewrite(&file)?;
    Ok(bundle.missing().len())
}

/// The file, its signatures so far held against the keys that are known.
fn read(file: &Path, log: &Log) -> Result<Bundle> {
    let bundle = Bundle::read(file)?;
    if let Some(bad) = bundle.bad(|id| log.keys.get(id).map(|known| &known.key.public)).first() {
        bail!(
            "{}: a signature in it, by the key {bad}, is not one of its signers' own: ask for the file again",
            file.display()
        );
    }
    Ok(bundle)
}

/// A key of this person that must still sign: the one in the environment, else the one that is wanted by what the ledger
/// and the statement say of it, else any. A key that is not wanted is not asked for.
fn key(app: &App, bundle: &Bundle, log: &Log, who: &str) -> Result<Option<Rc<SecretKey>>> {
    let wanted = bundle.missing();
    if let Some(key) = keyring::from_environment(app)? {
        return Ok(Some(key).filter(|key| wanted.contains(&key.public().keyid())));
    }
    let keyring = Keyring::of(app)?;
    let names = [who.to_owned(), format!("{who}.root")];
    for id in &wanted {
        let known = log.keys.get(id).filter(|known| known.person == *who);
        if let Some(known) = known {
            let name = &names[usize::from(known.key.key_use == KeyUse::Root)];
            if keyring.has(name) {
                return keyring.load(app, name, Some(&known.key.public)).map(Some);
            }
        }
    }
    let unknown = |id: &&Hash| !log.keys.contains_key(id);
    if !wanted.iter().any(|id| unknown(&id)) {
        return Ok(None);
    }
    let mut failed = None;
    for name in names.iter().filter(|name| keyring.has(name)) {
        match keyring.load(app, name, None) {
            Ok(key) if wanted.contains(&key.public().keyid()) => return Ok(Some(key)),
            Ok(_) => {}
            // The other one may be the one that is wanted, and have another passphrase.
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(None), Err)
}

/// What is about to be signed, in words, its texts included. People have names where a ledger is at hand.
fn described(bundle: &Bundle, log: &Log) -> Result<String> {
    let (kind, predicate) = (bundle.statement().kind(), &bundle.statement().predicate);
    let body: serde_json::Value = serde_json::from_str(predicate.body.get())?;
    let missing = bundle.missing();
    let (open, done): (Vec<_>, Vec<_>) =
        predicate.signers.iter().cloned().partition(|signer| missing.contains(&signer.key));
    let opened = |commit: &Hash| {
        let found = bundle.openings.iter().find(|opening| opening.commit() == *commit);
        found.map_or("[not in this file]".into(), |opening| words::text_of(&opening.bytes))
    };
    Ok(format!(
        "what         {}: {}\nlog          {}\ndeployment   {}\nsigned at    {}\nsigned by    {}\nstill needed {}\nbody\n{}",
        [kind, &summary(kind, &body)].join(" ").trim_end(),
        Event::words_of(kind).unwrap_or("a kind that this version does not know"),
        predicate.log,
        predicate.deployment.as_ref().map_or("none: it is about the log itself", |id| id.as_str()),
        predicate.time.human(),
        if done.is_empty() { "nobody yet".into() } else { words::signers(&done, log) },
        words::signers(&open, log),
        words::members(&body, &opened).trim_end()
    ))
}
