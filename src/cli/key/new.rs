//! `key new`: everyone makes their own.

use std::rc::Rc;

use anyhow::{Result, bail};

use super::{offer, save_public};
use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::files;
use crate::cli::keyring::{Keyring, NEXT, generate, new_passphrase};
use crate::cli::status_code::Status;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::roster::KeyUse;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Your id on the roster, a pseudonym: a-z, 0-9, dot and hyphen
    pub name: Token,
    /// Make a root key, which signs rosters and nothing else
    #[arg(long)]
    pub root: bool,
}

/// The key that is here, where this project's ledger says that it was taken out of force.
fn out_of_force(app: &App, keyring: &Keyring, name: &str) -> Result<Option<Hash>> {
    if !keyring.has(name) || !app.ledger_path().is_ok_and(|path| path.exists()) {
        return Ok(None);
    }
    let Ok(desk) = Desk::read(app, None) else { return Ok(None) };
    let key = keyring.load(app, name, None)?.public().keyid();
    Ok(desk.log.keys.get(&key).is_some_and(|known| known.ended.is_some()).then_some(key))
}

/// Holds that the files of a key so called are nobody else's: those of a log key, of a root key, of a rotation.
///
/// # Errors
/// Where they would be.
pub fn files_of_others(name: &str) -> Result<()> {
    let ends = [".root", NEXT].iter().any(|end| name.ends_with(end));
    if name == "log" || name.starts_with("log-") || ends || name.contains(".old-") {
        bail!("{name} cannot be a person's id: files of other keys are called so; choose another");
    }
    Ok(())
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let home = app.home();
    let (key_use, name) = if args.root {
        (KeyUse::Root, format!("{}.root", args.name))
    } else {
        (KeyUse::Role, args.name.to_string())
    };
    files_of_others(args.name.as_str())?;
    let keyring = Keyring::of(app)?;
    if app.globals.dry_run {
        let what = if keyring.has(&name) { "offer the key that is here already" } else { "make a key" };
        let file = keyring.folder().join(format!("{name}.pem"));
        app.would(format!(
            "{what} ({}), and write keys/{name}.pub.pem and keys/{name}.offer.json",
            file.display()
        ))?;
        return Ok(Status::Done);
    }
    let key = if let Some(old) = out_of_force(app, &keyring, &name)? {
        let staged = format!("{name}{NEXT}");
        let passphrase = new_passphrase(app, &name)?;
        let key = generate()?;
        let _turn = keyring.turn()?;
        keyring.set_aside(&name)?;
        keyring.store(&staged, &key, &passphrase)?;
        keyring.replace(&staged, &name, &old.short())?;
        app.say(format!(
            "{name} has a key here, {0}, that was taken out of force: it is kept as {name}.old-{0}.pem, and a new one is offered",
            old.short()
        ));
        Rc::new(key)
    } else if keyring.has(&name) {
        app.say(format!("{name} has a key here already: it is offered again, not replaced"));
        keyring.load(app, &name, None)?
    } else {
        let passphrase = new_passphrase(app, &name)?;
        let key = generate()?;
        keyring.store(&name, &key, &passphrase)?;
        Rc::new(key)
    };
    let offer = offer(&config.log.origin, &args.name, key_use, &key);
    let path = home.join(format!("keys/{name}.offer.json"));
    save_public(&home, &name, &key.public())?;
    files::write(&path, format!("{}\n", serde_json::to_string_pretty(&offer)?).as_bytes())?;
    if app.json() {
        app.print_json(&offer)?;
    } else {
        app.data(format!("{name} {}", key.public().keyid()))?;
        app.say(format!(
            "private half  {} (encrypted)",
            keyring.folder().join(format!("{name}.pem")).display()
        ));
        app.say(format!("public half   keys/{name}.pub.pem, offered in {}", path.display()));
        let how = if args.root { "--root`" } else { "--role R` (a machine: `--machine`)" };
        app.say(format!(
            "Next: whoever holds a root key reads the 64 digits above with you, then runs `aether-audit key enroll {} {how}.",
            args.name
        ));
    }
    Ok(Status::Done)
}
