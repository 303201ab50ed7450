//! `key rotate`: a person replaces their key by a new one, signed by both.

use anyhow::{Context as _, Result};

use super::{offer, save_public};
use crate::cli::app::App;
use crate::cli::desk::{Desk, Draft};
use crate::cli::files;
use crate::cli::keyring::{Keyring, generate, new_passphrase};
use crate::cli::status_code::Status;
use crate::core::event::{Event, KeyRotated};
use crate::core::log::governance_subject;
use crate::core::roster::KeyUse;

/// Options of `key rotate`.
#[derive(clap::Args, Debug)]
pub struct Args {}

pub fn run(app: &mut App, _: &Args) -> Result<Status> {
    let who = app.who()?;
    let mut desk = Desk::open(app, None)?;
    let before = desk.roster()?.roster.clone();
    let person = before.person(who.as_str()).with_context(|| format!("{who} is not on the roster"))?;
    let old = person.keys.iter().rev().find(|key| key.key_use == KeyUse::Role);
    let old = old.with_context(|| format!("{who} has no key for daily work"))?.public.keyid();
    let role = person.roles.first().cloned().with_context(|| format!("{who} has no role"))?;
    let old_key = desk.key_of(app, &who, &old)?;
    let keyring = Keyring::of(app)?;
    let passphrase = new_passphrase(app, who.as_str())?;
    let key = generate()?;
    let staged = format!("{who}.next");
    keyring.store(&staged, &key, &passphrase)?;
    let new = offer(&desk.log.origin, &who, KeyUse::Role, &key).key;
    let after =
        before.rotated(&who, &old, &new).with_context(|| format!("{who} does not hold the key {old}"))?;
    let event = Event::KeyRotated(KeyRotated { new, old, person: who.clone() });
    let draft = Draft { event, openings: Vec::new(), deployment: None, subject: governance_subject(&after) };
    let bundle = desk.sign_governance(app, draft, &[(&old_key, role.clone()), (&key, role)])?;
    let appended = match desk.append(app, &bundle) {
        Ok(appended) => appended,
        Err(error) => {
            let _ = keyring.discard(&staged);
            return Err(error);
        }
    };
    keyring.replace(&staged, who.as_str(), &old.short())?;
    save_public(&app.home(), who.as_str(), &key.public())?;
    files::write(&app.home().join("keys/roster.json"), format!("{}\n", after.to_bytes()).as_bytes())?;
    app.say(format!(
        "entry {}: {who}'s key is now {}; what the old one signed stays valid",
        appended.seq,
        key.public().keyid()
    ));
    Ok(Status::Done)
}
