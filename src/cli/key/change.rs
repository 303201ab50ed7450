//! A change of the roster, signed by its root quorum: what most verbs of `key` come down to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};

use crate::cli::app::App;
use crate::cli::desk::{Desk, Draft, opened_text};
use crate::cli::files;
use crate::cli::keyring::Keyring;
use crate::cli::log::summary;
use crate::cli::status_code::Recorded;
use crate::core::event::{Event, RosterChanged};
use crate::core::hash::Hash;
use crate::core::keys::SecretKey;
use crate::core::log::governance_subject;
use crate::core::name::Token;
use crate::core::opening::{Opening, OpeningRef};
use crate::core::roster::{KeyUse, ROOT, Roster};
use crate::core::statement::Signer;

// Who else signs, and where.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Quorum {
    /// Write the statement to a file for other root holders to cosign
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Another root holder who cosigns the file
    #[arg(long, value_name = "NAME", requires = "out")]
    pub with: Vec<Token>,
}

/// What is to be recorded, and the roster after it.
pub struct Change {
    /// The event.
    pub event: Event,
    /// What its commitments open to.
    pub openings: Vec<Opening>,
    /// In force from the next entry.
    pub next: Roster,
    /// A root key that the change brings, which signs too.
    pub also: Option<Rc<SecretKey>>,
}

impl Change {
    /// A `roster-changed` to `next`, with a reason.
    ///
    /// # Errors
    /// Where the reason is empty.
    pub fn to(next: Roster, reason: &str) -> Result<Self> {
        let mut openings = Vec::new();
        let reason = Some(opened_text(reason, &mut openings)?);
        Ok(Self::with(next, BTreeMap::new(), reason, openings))
    }

    /// The same in all its parts.
    #[must_use]
    pub fn with(
        next: Roster,
        names: BTreeMap<Token, OpeningRef>,
        reason: Option<OpeningRef>,
        openings: Vec<Opening>,
    ) -> Self {
        let event = Event::RosterChanged(RosterChanged { names, reason, roster: next.clone() });
        Self { event, openings, next, also: None }
    }
}

/// Signs a change as the root quorum, `--as` first, and appends it; gives its entry, or `None` where it was
/// written to a file for others.
///
/// # Errors
/// Where the quorum is not reached, the roster would not be sound, or the ledger cannot take it.
pub fn settle(app: &mut App, desk: &mut Desk, change: Change, quorum: &Quorum) -> Result<Option<u64>> {
    let who = app.who()?;
    let before = desk.roster()?.roster.clone();
    let Change { event, openings, next, also } = change;
    let mut signers = vec![root_keyid(&before, &who)?];
    signers.extend(also.iter().map(|key| key.public().keyid()));
    for other in &quorum.with {
        signers.push(root_keyid(&before, other)?);
    }
    next.check()?;
    before.check_next(&next, &signers).with_context(|| {
        format!("{who} alone cannot change the roster: name the other root holders with --with and --out")
    })?;
    if app.globals.dry_run {
        would(app, &event, &next, quorum.out.as_deref())?;
        return Ok(None);
    }
    let root = root_key(app, desk, &before, &who)?;
    let role = Token::new(ROOT)?;
    let all: Vec<Signer> = signers.into_iter().map(|key| Signer { key, role: role.clone() }).collect();
    let draft = Draft { event, openings, deployment: None, subject: governance_subject(&next) };
    let mut bundle = desk.sign_as(app, draft, &all, &root)?;
    also.iter().try_for_each(|key| bundle.sign(key))?;
    if let Some(path) = &quorum.out {
        bundle.write_new(path)?;
        app.say(format!(
            "signed into {}: the others run `aether-audit cosign`, then `aether-audit join`",
            path.display()
        ));
        return Ok(None);
    }
    let appended = desk.append(app, &bundle)?;
    save_roster(app, &next).context(Recorded(appended.seq))?;
    Ok(Some(appended.seq))
}

/// Says what a change of the roster would record.
///
/// # Errors
/// Where stdout is closed.
pub fn would(app: &mut App, event: &Event, next: &Roster, out: Option<&Path>) -> Result<()> {
    let where_to = out.map_or("record".to_owned(), |out| format!("sign into {}:", out.display()));
    let kind = event.kind();
    let what = match event {
        Event::RosterChanged(_) => String::new(),
        _ => summary(kind, &serde_json::from_str(event.body()?.get())?),
    };
    let what = [kind, &what].join(" ");
    app.would(format!(
        "{where_to} {}: the roster's version {}, SHA-256 {}",
        what.trim_end(),
        next.version,
        next.hash()
    ))
}

/// Writes the copy of the roster that people read.
///
/// # Errors
/// Where it cannot be written.
pub fn save_roster(app: &App, roster: &Roster) -> Result<()> {
    files::make_folder(&app.home().join("keys"))?;
    files::write(&app.home().join("keys/roster.json"), format!("{}\n", roster.to_bytes()).as_bytes())
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
