//! `cosign`: one more signature on a statement signed elsewhere.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::app::App;
use super::bundle::Bundle;
use super::desk::Desk;
use super::keyring::{self, Keyring};
use super::log::summary;
use super::status_code::Status;
use super::words;
use crate::core::event::Event;
use crate::core::hash::Hash;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file that `--out` wrote; the signature is added to it
    pub file: PathBuf,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut bundle = Bundle::read(&args.file)?;
    let who = app.who()?;
    let wanted = bundle.missing();
    if wanted.is_empty() {
        bail!("{}: everybody has signed; give it its place with `aether-audit join`", args.file.display());
    }
    app.say(described(app, &bundle)?);
    if app.globals.dry_run {
        app.would(format!("add {who}'s signature to {}", args.file.display()))?;
        return Ok(Status::Done);
    }
    let keyring = Keyring::of(app)?;
    let mut keys = Vec::new();
    keys.extend(keyring::from_environment(app)?);
    if keys.is_empty() {
        for name in [who.to_string(), format!("{who}.root")] {
            if keyring.has(&name) {
                keys.push(keyring.load(app, &name, None)?);
            }
        }
    }
    let Some(key) = keys.iter().find(|key| wanted.contains(&key.public().keyid())) else {
        bail!("none of {who}'s keys here is among those that must still sign {}", args.file.display());
    };
    bundle.sign(key)?;
    bundle.write(&args.file)?;
    let left = bundle.missing().len();
    app.say(if left == 0 {
        format!("signed; everybody has: `aether-audit join {}`", args.file.display())
    } else {
        format!("signed; {left} more must")
    });
    Ok(Status::Done)
}

/// What is about to be signed, in words, its texts included. People have names where a ledger is at hand.
fn described(app: &App, bundle: &Bundle) -> Result<String> {
    let (kind, predicate) = (bundle.statement().kind(), &bundle.statement().predicate);
    let body: serde_json::Value = serde_json::from_str(predicate.body.get())?;
    let log = Desk::read(app, None).map(|desk| desk.log).unwrap_or_default();
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
        if done.is_empty() { "nobody yet".into() } else { words::signers(&done, &log) },
        words::signers(&open, &log),
        words::members(&body, &opened).trim_end()
    ))
}
