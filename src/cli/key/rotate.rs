//! `key rotate`: a person replaces their key by a new one, signed by both.

use std::rc::Rc;

use anyhow::{Context as _, Result};

use super::change::{Change, Quorum, save_roster, settle};
use super::{offer, save_public};
use crate::cli::app::App;
use crate::cli::desk::{Desk, Draft, unknown_person};
use crate::cli::keyring::{Keyring, NEXT, generate, new_passphrase};
use crate::cli::status_code::{Recorded, Status};
use crate::core::event::{Event, KeyRotated};
use crate::core::hash::Hash;
use crate::core::keys::SecretKey;
use crate::core::log::governance_subject;
use crate::core::name::Token;
use crate::core::roster::{KeyUse, Roster, RosterError};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Your root key, where you alone are the root quorum
    #[arg(long)]
    pub root: bool,
}

/// A key on its way into the place of another.
struct Turn {
    who: Token,
    /// The name of its file, and of the one that it replaces.
    name: String,
    old: Hash,
    key: Rc<SecretKey>,
    next: Roster,
    event: Event,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let who = app.who()?;
    let name = if args.root { format!("{who}.root") } else { who.to_string() };
    let keyring = Keyring::of(app)?;
    let _turn = if app.globals.dry_run { None } else { Some(keyring.turn()?) };
    let mut desk = Desk::open(app, None)?;
    if app.globals.dry_run {
        let old = held(&desk.roster()?.roster, &who, args.root)?.short();
        app.would(format!(
            "make a new key for {name}, record key-rotated, and keep the old key, {old}, beside it"
        ))?;
        return Ok(Status::Done);
    }
    let known = |key: &crate::core::keys::PublicKey| {
        desk.roster().is_ok_and(|v| v.roster.find(&key.keyid()).is_some())
    };
    if keyring.adopt(app, &name, &known)? {
        app.say("A rotation that was interrupted is finished now: the roster has the new key, and so has this place.");
        return Ok(Status::Done);
    }
    keyring.set_aside(&name)?;
    let turn = stage(app, &desk, args, who, name)?;
    match record(app, &mut desk, args, &turn) {
        Ok(Some(seq)) => {
            keyring
                .replace(&format!("{}{NEXT}", turn.name), &turn.name, &turn.old.short())
                .and_then(|()| save_public(&app.home(), &turn.name, &turn.key.public()))
                .and_then(|()| save_roster(app, &turn.next))
                .context(Recorded(seq))?;
            app.say(format!(
                "entry {seq}: {}'s key is now {}; what the old one signed stays valid",
                turn.who,
                turn.key.public().keyid()
            ));
            let maker = desk.log.keys.get(&turn.old).and_then(|known| known.made_by.as_ref());
            if let Some(maker) = maker.filter(|maker| **maker != turn.who) {
                app.warn(format!(
                    "{maker} made the old key, and could have made this rotation as well: `verify` still says so. What clears it is \
                     a key made on a machine of {0}'s own: `key new {0}` there, `key enroll {0}`, then `key revoke {0} --key {1}`",
                    turn.who,
                    turn.key.public().keyid().short()
                ));
            }
            Ok(Status::Done)
        }
        Ok(None) => Ok(Status::Done),
        Err(error) => {
            keyring.discard_after(&format!("{}{NEXT}", turn.name), &error);
            Err(error)
        }
    }
}

/// The key that is to go.
fn held(roster: &Roster, who: &Token, root: bool) -> Result<Hash> {
    let person = roster.person(who.as_str()).with_context(|| unknown_person(roster, who))?;
    let (key_use, what) =
        if root { (KeyUse::Root, "root key") } else { (KeyUse::Role, "key for daily work") };
    let key = person.key(key_use);
    Ok(key.with_context(|| format!("{who} has no {what}"))?.public.keyid())
}

/// Makes the new key, and keeps it beside the old one until the roster has it.
fn stage(app: &App, desk: &Desk, args: &Args, who: Token, name: String) -> Result<Turn> {
    let before = &desk.roster()?.roster;
    let old = held(before, &who, args.root)?;
    let key_use = if args.root { KeyUse::Root } else { KeyUse::Role };
    let passphrase = new_passphrase(app, &name)?;
    let key = Rc::new(generate()?);
    let new = offer(&desk.log.origin, &who, key_use, &key).key;
    let next =
        before.rotated(&who, &old, &new).with_context(|| format!("{who} does not hold the key {old}"))?;
    let event = Event::KeyRotated(KeyRotated { new, old, person: who.clone() });
    Keyring::of(app)?.store(&format!("{name}{NEXT}"), &key, &passphrase)?;
    Ok(Turn { who, name, old, key, next, event })
}

fn record(app: &mut App, desk: &mut Desk, args: &Args, turn: &Turn) -> Result<Option<u64>> {
    let (event, openings, next) = (turn.event.clone(), Vec::new(), turn.next.clone());
    if args.root {
        let change = Change { event, openings, next, also: Some(Rc::clone(&turn.key)) };
        return settle(app, desk, change, &Quorum::default()).map_err(|error| {
            if error.downcast_ref::<RosterError>().is_none() {
                return error;
            }
            error.context(
                "where others must sign too, bring the new key on (`key new --root`, `key enroll --root`) and revoke the old one",
            )
        });
    }
    let person = desk.roster()?.roster.person(turn.who.as_str());
    let role = person.and_then(|person| person.roles.first().cloned());
    let role = role.with_context(|| format!("{} has no role", turn.who))?;
    let old = desk.key_of(app, &turn.who, &turn.old)?;
    let draft = Draft { event, openings, deployment: None, subject: governance_subject(&turn.next) };
    let bundle = desk.sign_governance(app, draft, &[(&old, role.clone()), (&turn.key, role)])?;
    Ok(Some(desk.append(app, &bundle)?.seq))
}
