//! `key enroll`: the root quorum brings a key on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};

use super::{Offer, save_public};
use crate::cli::app::App;
use crate::cli::desk::{Desk, Draft, opened_text};
use crate::cli::files;
use crate::cli::keyring::Keyring;
use crate::cli::status_code::Status;
use crate::core::event::{Event, RosterChanged};
use crate::core::hash::Hash;
use crate::core::keys::SecretKey;
use crate::core::log::governance_subject;
use crate::core::name::Token;
use crate::core::roster::{KeyUse, Person, PersonKind, RECORDER, ROOT, Roster};
use crate::core::statement::Signer;

/// Options of `key enroll`.
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
    /// Write the statement to a file for other root holders to cosign
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Another root holder who cosigns the file
    #[arg(long, value_name = "NAME", requires = "out")]
    pub with: Vec<Token>,
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
    let subject = governance_subject(&roster);
    let event = Event::RosterChanged(RosterChanged { names, reason: None, roster: roster.clone() });
    let draft = Draft { event, openings, deployment: None, subject };
    let before = desk.roster()?.roster.clone();
    let root = root_key(app, &desk, &before, &who)?;
    let mut signers = vec![root.public().keyid()];
    for other in &args.with {
        signers.push(root_keyid(&before, other)?);
    }
    before.check_next(&roster, &signers).with_context(|| {
        format!("{who} alone cannot change the roster: name the other root holders with --with and --out")
    })?;
    roster.check()?;
    let role = Token::new(ROOT)?;
    let all: Vec<Signer> = signers.into_iter().map(|key| Signer { key, role: role.clone() }).collect();
    let bundle = desk.sign_as(app, draft, &all, &root)?;
    if let Some(path) = &args.out {
        bundle.write(path)?;
        app.say(format!(
            "signed into {}: the others run `aether-audit cosign`, then `aether-audit join`",
            path.display()
        ));
        return Ok(Status::Done);
    }
    let appended = desk.append(app, &bundle)?;
    save_public(&app.home(), &file_name(args), &offer.key.public)?;
    files::write(&app.home().join("keys/roster.json"), format!("{}\n", roster.to_bytes()).as_bytes())?;
    tell(app, args, &roster, appended.seq, &offer.key.public.keyid())?;
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
    if offer.log != before.log {
        bail!(
            "the offer is for the log {}, this one is {}: make it again in this folder",
            offer.log,
            before.log
        );
    }
    let mut next = before.successor();
    let mut key = offer.key.clone();
    if *who != args.name && Keyring::of(app)?.has(&file_name(args)) {
        key.made_by = Some(who.clone());
        app.warn(format!(
            "{who} holds {}'s private key too: the record will say so until {} rotates it on a machine of their own",
            args.name, args.name
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

/// A person's root key, as the roster knows it.
///
/// # Errors
/// Where they hold none, or it is not here.
pub fn root_key(app: &App, desk: &Desk, roster: &Roster, who: &Token) -> Result<Rc<SecretKey>> {
    let keyid = root_keyid(roster, who)?;
    let public = desk.log.keys.get(&keyid).map(|known| known.key.public.clone());
    Keyring::of(app)?.load(app, &format!("{who}.root"), public.as_ref())
}

fn root_keyid(roster: &Roster, who: &Token) -> Result<Hash> {
    let person = roster.person(who.as_str());
    let key = person.and_then(|p| p.keys.iter().find(|key| key.key_use == KeyUse::Root));
    let holders: Vec<&str> = roster
        .people
        .iter()
        .filter(|p| p.keys.iter().any(|key| key.key_use == KeyUse::Root))
        .map(|p| p.id.as_str())
        .collect();
    let key = key.with_context(|| format!("{who} holds no root key; these do: {}", holders.join(", ")))?;
    Ok(key.public.keyid())
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
