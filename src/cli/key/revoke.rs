//! `key revoke`: a key is taken out of force, and what it signed from some entry on becomes suspect.

use anyhow::{Context as _, Result, bail};

use super::change::{Change, Quorum, save_roster, settle, would};
use crate::cli::app::App;
use crate::cli::desk::{Desk, Draft, opened_text, unknown_person};
use crate::cli::status_code::{Recorded, Status};
use crate::core::event::{Event, KeyRevoked};
use crate::core::hash::Hash;
use crate::core::log::{KnownKey, governance_subject};
use crate::core::name::Token;
use crate::core::roster::{KeyUse, Roster};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Whose key
    pub name: Token,
    /// Which of their keys, present or past, by at least 8 digits of its id [default: the one for daily work]
    #[arg(long, value_name = "KEYID")]
    pub key: Option<String>,
    /// Their root key
    #[arg(long, conflicts_with = "key")]
    pub root: bool,
    /// The first entry that the key may have signed in other hands
    #[arg(long, value_name = "SEQ")]
    pub compromised_from: Option<u64>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub quorum: Quorum,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut desk = Desk::open(app, None)?;
    let before = desk.roster()?.roster.clone();
    let (keyid, known) = which(&desk, args)?;
    if args.compromised_from.is_some_and(|from| from > desk.head.seq) {
        bail!(
            "there is no entry {} yet: the newest is {}",
            args.compromised_from.unwrap_or(0),
            desk.head.seq
        );
    }
    let next = match before.revoked(&args.name, &keyid) {
        Some(next) => next,
        None if args
            .compromised_from
            .is_none_or(|from| known.suspect_from().is_some_and(|known| known <= from)) =>
        {
            bail!("this key of {} is out of force already: nothing to change", args.name)
        }
        None => before.successor(),
    };
    let mut openings = Vec::new();
    let body = KeyRevoked {
        compromised_from_seq: args.compromised_from,
        key: keyid,
        person: args.name.clone(),
        reason: opened_text(&args.reason, &mut openings)?,
    };
    tell(app, &desk, args, &keyid, &known)?;
    let event = Event::KeyRevoked(body);
    let who = app.who()?;
    let role_keys = before.person(who.as_str()).map_or(&[][..], |person| &person.keys).iter();
    let mut role_keys: Vec<Hash> =
        role_keys.filter(|key| key.key_use == KeyUse::Role).map(|key| key.public.keyid()).collect();
    // The one that goes signs its own end only where no other one is at hand.
    role_keys.sort_by_key(|own| *own == keyid);
    let own = who == args.name && known.key.key_use == KeyUse::Role && !role_keys.is_empty();
    let seq = if own && args.quorum.out.is_none() {
        next.check()?;
        if app.globals.dry_run {
            would(app, &event, &next, None)?;
            return Ok(Status::Done);
        }
        let mut own = role_keys.iter().map(|own| desk.key_of(app, &who, own));
        let first = own.next().context("no key for daily work")?;
        let key = first.or_else(|error| own.find_map(Result::ok).ok_or(error))?;
        let role = before.person(who.as_str()).and_then(|person| person.roles.first().cloned());
        let role = role.with_context(|| format!("{who} has no role"))?;
        let subject = governance_subject(&next);
        let draft = Draft { event, openings, deployment: None, subject };
        let bundle = desk.sign_governance(app, draft, &[(&key, role)])?;
        let seq = desk.append(app, &bundle)?.seq;
        save_roster(app, &next).context(Recorded(seq))?;
        Some(seq)
    } else {
        settle(app, &mut desk, Change { event, openings, next: next.clone(), also: None }, &args.quorum)?
    };
    if let Some(seq) = seq {
        app.say(format!("entry {seq}: the key {} of {} is revoked", keyid.short(), args.name));
        advise(app, &next, args);
    }
    Ok(Status::Done)
}

/// The key that is meant, among all that ever were on a roster.
fn which(desk: &Desk, args: &Args) -> Result<(Hash, KnownKey)> {
    let wanted = if args.root { KeyUse::Root } else { KeyUse::Role };
    let fits = |keyid: &Hash, known: &KnownKey| match &args.key {
        Some(digits) => digits.len() >= 8 && keyid.to_string().starts_with(digits.as_str()),
        None => known.key.key_use == wanted && known.ended.is_none(),
    };
    let of_theirs = desk.log.keys.iter().filter(|(_, known)| known.person == args.name);
    let mut found = of_theirs.clone().filter(|(keyid, known)| fits(keyid, known));
    match (found.next(), found.next()) {
        (Some((keyid, known)), None) => Ok((*keyid, known.clone())),
        (Some(_), Some(_)) => {
            bail!("{} has several keys that could be meant: name one with --key", args.name)
        }
        (None, _) => {
            let all: Vec<String> = of_theirs.map(|(keyid, _)| keyid.short()).collect();
            if all.is_empty() {
                bail!(unknown_person(&desk.roster()?.roster, &args.name));
            }
            bail!("{} has no such key in force; these were theirs: {}", args.name, all.join(", "))
        }
    }
}

/// What the revocation means for what is recorded already.
fn tell(app: &mut App, desk: &Desk, args: &Args, keyid: &Hash, known: &KnownKey) -> Result<()> {
    let Some(from) = args.compromised_from else {
        app.say(format!("What the key {} signed so far stays valid.", keyid.short()));
        return Ok(());
    };
    let mut keys = vec![*keyid];
    let mut next = known.rotated_into;
    while let Some(key) = next.filter(|key| !keys.contains(key)) {
        keys.push(key);
        next = desk.log.keys.get(&key).and_then(|known| known.rotated_into);
    }
    if keys.len() > 1 {
        let names: Vec<String> = keys[1..].iter().map(Hash::short).collect();
        app.say(format!("It was rotated into {}, which become suspect with it.", names.join(", then ")));
    }
    let mut suspect = Vec::new();
    for bytes in desk.ledger.entries_since(from.saturating_sub(1))? {
        let entry = crate::core::entry::Entry::parse(&bytes)?;
        let predicate = &entry.statement.predicate;
        // A key may sign its own end.
        let ended = match Event::parse(entry.statement.kind(), &predicate.body) {
            Ok(Event::KeyRevoked(body)) => Some(body.key),
            _ => None,
        };
        let said = |key: &Hash| keys.contains(key) && ended != Some(*key);
        if entry.line.seq >= from && predicate.signers.iter().any(|signer| said(&signer.key)) {
            suspect.push(entry.line.seq.to_string());
        }
    }
    app.say(match suspect.len() {
        0 => format!("Nothing from entry {from} on was signed by it."),
        count => format!(
            "{count} entries become suspect, a finding of every later `verify`: {}{}",
            suspect[..count.min(20)].join(", "),
            if count > 20 { " …" } else { "" }
        ),
    });
    Ok(())
}

fn advise(app: &mut App, next: &Roster, args: &Args) {
    let left = next
        .person(args.name.as_str())
        .is_some_and(|person| person.keys.iter().any(|key| key.key_use == KeyUse::Role));
    if !left && !args.root {
        app.say(format!(
            "{0} has no key for daily work now: move the old private half away, then `aether-audit key new {0}` and \
             `aether-audit key enroll {0}`.",
            args.name
        ));
    }
    if args.compromised_from.is_some() && left && !args.root {
        app.say(format!(
            "Where a key of {0} that is in force came from it by rotation, what that one signs counts for nothing either: revoke it too, and have \
             {0} make another (`aether-audit key new {0}`).",
            args.name
        ));
    }
    if args.compromised_from.is_some() {
        app.say("Have what became suspect looked at, and said again by somebody who can vouch for it (`aether-audit note`, `aether-audit sign`).");
    }
}
