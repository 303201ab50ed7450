//! `key log`: the log keys, which sign checkpoints. One for each place, never copied.

use anyhow::{Context as _, Result, bail};

use super::change::{Change, Quorum, settle};
use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::init::log_key_name;
use crate::cli::keyring::{Keyring, NEXT, generate, new_passphrase};
use crate::cli::status_code::{Recorded, Status};
use crate::core::checkpoint::Vkey;
use crate::core::keys::PublicKey;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Bring another place's log key on the roster, by the vkey that `key log` printed there
    #[arg(long, value_name = "VKEY")]
    pub add: Option<String>,
    /// Take a log key off the roster; what it signed stays valid
    #[arg(long, value_name = "VKEY", conflicts_with = "add")]
    pub drop: Option<String>,
    /// Replace this place's log key by a new one
    #[arg(long, conflicts_with_all = ["add", "drop"])]
    pub rotate: bool,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub quorum: Quorum,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    if args.add.is_none() && args.drop.is_none() && !args.rotate {
        return show(app);
    }
    let _turn = if args.rotate && !app.globals.dry_run { Some(Keyring::of(app)?.turn()?) } else { None };
    let mut desk = Desk::open(app, None)?;
    let origin = desk.log.origin.clone();
    let mut next = desk.roster()?.roster.successor();
    let mut staged = None;
    let default = if let Some(vkey) = &args.add {
        let parsed = Vkey::parse(vkey).with_context(|| format!("{vkey:?} is no vkey"))?;
        if parsed.name() != origin {
            bail!("the vkey is for {}, this log is {origin}", parsed.name());
        }
        next.log_keys.push(vkey.clone());
        "a log key for another place"
    } else if let Some(vkey) = &args.drop {
        if !next.log_keys.contains(vkey) {
            bail!("no such log key is on the roster; these are:\n{}", next.log_keys.join("\n"));
        }
        next.log_keys.retain(|other| other != vkey);
        "a log key out of use"
    } else if app.globals.dry_run {
        app.would("make a new log key for this place, and bring it on the roster by a roster-changed")?;
        return Ok(Status::Done);
    } else {
        staged = Some(rotate(app, &origin, &mut next.log_keys, args)?);
        "a new log key in the place of an old one"
    };
    let reason = args.reason.as_deref().unwrap_or(default);
    let settled = Change::to(next, reason).and_then(|change| settle(app, &mut desk, change, &args.quorum));
    let keyring = Keyring::of(app)?;
    let name = log_key_name(&origin);
    if let (Err(error), Some(_)) = (&settled, &staged) {
        keyring.discard_after(&format!("{name}{NEXT}"), error);
    }
    if let Some(seq) = settled? {
        if let Some(label) = staged {
            keyring.replace(&format!("{name}{NEXT}"), &name, &label).context(Recorded(seq))?;
        }
        app.say(format!("entry {seq}: the log keys are changed; older checkpoints stay valid"));
    }
    Ok(Status::Done)
}

/// Prints this place's log key, and makes it where there is none.
fn show(app: &mut App) -> Result<Status> {
    let origin = app.config()?.log.origin;
    let keyring = Keyring::of(app)?;
    let name = log_key_name(&origin);
    if !keyring.has(&name) && app.globals.dry_run {
        app.would("make a log key for this place, which has none")?;
        return Ok(Status::Done);
    }
    if !keyring.has(&name) {
        let passphrase = new_passphrase(app, &name)?;
        keyring.store(&name, &generate()?, &passphrase)?;
        app.say("This place has a log key of its own now. Next: a root holder runs `aether-audit key log --add VKEY`.");
    }
    let vkey = Vkey::new(&origin, keyring.load(app, &name, None)?.public())?;
    if app.json() {
        app.print_json(&serde_json::json!({"logKey": vkey.to_string()}))?;
    } else {
        app.data(vkey.to_string())?;
    }
    Ok(Status::Done)
}

/// Stages a new log key in the place of this place's; gives the label of the old one.
fn rotate(app: &App, origin: &str, log_keys: &mut [String], args: &Args) -> Result<String> {
    if args.quorum.out.is_some() {
        bail!(
            "a log key is rotated in one step: `key log --add` the new place's key first, then `key log --drop` this one"
        );
    }
    let keyring = Keyring::of(app)?;
    let name = log_key_name(origin);
    let listed = |key: &PublicKey| {
        Vkey::new(origin, key.clone()).is_ok_and(|vkey| log_keys.contains(&vkey.to_string()))
    };
    if keyring.adopt(app, &name, &listed)? {
        bail!("a rotation that was interrupted is finished now: this place signs with its new log key");
    }
    keyring.set_aside(&name)?;
    if !keyring.has(&name) {
        bail!("this place has no log key for {origin}: make one with `aether-audit key log`");
    }
    let old = Vkey::new(origin, keyring.load(app, &name, None)?.public())?;
    let slot = log_keys.iter_mut().find(|vkey| **vkey == old.to_string());
    let slot = slot.with_context(|| format!("the log key here is not on the roster of {origin}"))?;
    let key = generate()?;
    let passphrase = new_passphrase(app, &name)?;
    keyring.store(&format!("{name}{NEXT}"), &key, &passphrase)?;
    *slot = Vkey::new(origin, key.public())?.to_string();
    Ok(old.key().keyid().short())
}
