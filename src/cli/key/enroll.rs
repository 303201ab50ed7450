//! `key enroll`: the root quorum brings a key on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::change::{Change, Quorum, settle};
use super::{Offer, save_public};
use crate::cli::app::App;
use crate::cli::desk::{Desk, check_role, opened_text};
use crate::cli::files;
use crate::cli::keyring::Keyring;
use crate::cli::status_code::Status;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::roster::{KeyUse, Person, PersonKind, RECORDER, Roster};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose key
    pub name: Token,
    /// A role for them; may be given again
    #[arg(long, value_name = "R")]
    pub role: Vec<Token>,
    /// A machine: records facts, never decides (role recorder)
    #[arg(long, conflicts_with = "role")]
    pub machine: bool,
    /// Enroll their root key (see `key new --root`)
    #[arg(long, conflicts_with_all = ["role", "machine"])]
    pub root: bool,
    /// The offer that `key new` made [default: keys/NAME.offer.json]
    #[arg(long, value_name = "FILE")]
    pub offer: Option<PathBuf>,
    /// Their real name, kept as an erasable opening
    #[arg(long = "full-name", value_name = "TEXT")]
    pub full_name: Option<String>,
    #[command(flatten)]
    pub quorum: Quorum,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let who = app.who()?;
    let mut desk = Desk::open(app, None)?;
    let offer = read_offer(app, args)?;
    let roster = next_roster(app, &desk, args, &offer, &who)?;
    let mut openings = Vec::new();
    let names = match &args.full_name {
        Some(name) => BTreeMap::from([(args.name.clone(), opened_text(name, &mut openings)?)]),
        None => BTreeMap::new(),
    };
    let change = Change::with(roster.clone(), names, None, openings);
    if let Some(seq) = settle(app, &mut desk, change, &args.quorum)? {
        save_public(&app.home(), &file_name(args), &offer.key.public)?;
        tell(app, args, &roster, seq, &offer.key.public.keyid())?;
    }
    Ok(Status::Done)
}

fn file_name(args: &Args) -> String {
    if args.root { format!("{}.root", args.name) } else { args.name.to_string() }
}

fn read_offer(app: &App, args: &Args) -> Result<Offer> {
    let default = app.home().join(format!("keys/{}.offer.json", file_name(args)));
    let path = args.offer.as_ref().unwrap_or(&default);
    let text = files::read_text(path, 64 * 1024)
        .with_context(|| format!("{} must first run `aether-audit key new {}`", args.name, args.name))?;
    let offer: Offer = serde_json::from_str(&text)
        .with_context(|| format!("{} is not an offer of a key", path.display()))?;
    if offer.person != args.name {
        bail!("{} is an offer of {}, not of {}", path.display(), offer.person, args.name);
    }
    let expected = if args.root { KeyUse::Root } else { KeyUse::Role };
    if offer.key.key_use != expected {
        bail!("{} offers the other kind of key: --root is for root keys, and only for those", path.display());
    }
    Ok(offer)
}

fn next_roster(app: &mut App, desk: &Desk, args: &Args, offer: &Offer, who: &Token) -> Result<Roster> {
    let before = desk.roster()?.roster.clone();
    args.role.iter().try_for_each(|role| check_role(&before, role))?;
    if offer.log != before.log {
        bail!(
            "the offer is for the log {}, this one is {}: make it again in this folder",
            offer.log,
            before.log
        );
    }
    check_unused(desk, args, offer, &before)?;
    let mut next = before.successor();
    let mut key = offer.key.clone();
    if *who != args.name && Keyring::of(app)?.has(&file_name(args)) {
        key.made_by = Some(who.clone());
        app.warn(format!(
            "{who} holds {}'s private key too: the record will say so until {0} brings a key made on a machine of their own \
             (`key new`, `key enroll`) and this one is revoked",
            args.name
        ));
    }
    let roles = if args.machine { vec![Token::new(RECORDER)?] } else { args.role.clone() };
    let kind = if args.machine { PersonKind::Machine } else { PersonKind::Person };
    if let Some(person) = next.people.iter_mut().find(|person| person.id == args.name) {
        if !person.keys.iter().any(|k| k.public == key.public) {
            person.keys.push(key);
        }
        for role in roles {
            if !person.roles.contains(&role) {
                person.roles.push(role);
            }
        }
    } else {
        if roles.is_empty() && !args.root {
            bail!(
                "say what {} may do: --role lead-deployer, comms-lead, qa-engineer or custodian; or --machine",
                args.name
            );
        }
        next.people.push(Person { id: args.name.clone(), keys: vec![key], kind, roles });
    }
    if next.people == before.people {
        bail!("{} is on the roster so already: nothing to change", args.name);
    }
    Ok(next)
}

/// Neither the id of somebody who was removed nor a key that was taken out of force comes back.
fn check_unused(desk: &Desk, args: &Args, offer: &Offer, before: &Roster) -> Result<()> {
    let name = &args.name;
    if before.person(name.as_str()).is_none() && desk.log.keys.values().any(|known| known.person == *name) {
        bail!("{name} was removed from the roster, and ids are never used again: enroll them under another");
    }
    let keyid = offer.key.public.keyid();
    if let Some(seq) = desk.log.keys.get(&keyid).and_then(|known| known.ended) {
        let file = file_name(args);
        let root = if args.root { " --root" } else { "" };
        bail!(
            "the key {} of {name} was taken out of force in entry {seq} and does not come back: where {file}.pem lies, move it away \
             and run `aether-audit key new {name}{root}`, then enroll that",
            keyid.short()
        );
    }
    Ok(())
}

fn tell(app: &mut App, args: &Args, roster: &Roster, seq: u64, keyid: &Hash) -> Result<()> {
    if app.json() {
        return app.print_json(&serde_json::json!({
            "seq": seq, "person": args.name, "key": keyid, "rosterVersion": roster.version, "rosterSha256": roster.hash(),
        }));
    }
    app.say(format!(
        "entry {seq}: {} is on the roster (version {}), in force from the next entry",
        args.name, roster.version
    ));
    Ok(())
}
