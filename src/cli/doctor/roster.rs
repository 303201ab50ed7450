//! Who is there: roles that somebody holds, keys that can be used.

use anyhow::Result;

use super::{Findings, Room, State};
use crate::cli::app::App;
use crate::cli::desk::{Desk, own_log};
use crate::cli::doubts;
use crate::cli::key::separate;
use crate::cli::keyring::Keyring;
use crate::cli::open::freeze;
use crate::core::name::Token;
use crate::core::roster::{
    COMMS_LEAD, CUSTODIAN, KeyUse, LEAD_DEPLOYER, PersonKind, QA_ENGINEER, RECORDER, Roster,
};

const AREA: &str = "people";

pub fn look(app: &App, room: &Room, found: &mut Findings) {
    let desk = match Desk::read(app, None) {
        Ok(desk) => desk,
        Err(error) => return found.push(AREA, "roster", State::Wrong, format!("{error:#}")),
    };
    let roster = match desk.roster() {
        Ok(version) => &version.roster,
        Err(error) => return found.push(AREA, "roster", State::Wrong, format!("{error:#}")),
    };
    if let Err(error) = own_log(app, &desk.log.origin) {
        found.push(AREA, "log", State::Wrong, format!("{error:#}"));
    }
    roles(roster, found);
    if let Some(text) = separate::differs(room.config, roster) {
        found.push(AREA, "separate", State::Wrong, text);
    }
    checklist(app, room, roster, found);
    for person in &roster.people {
        for key in &person.keys {
            let known = desk.log.keys.get(&key.public.keyid()).and_then(|known| known.made_by.as_ref());
            let Some(by) = key.made_by.as_ref().or(known) else { continue };
            let made = if key.made_by.is_some() {
                "made this key"
            } else {
                "made the key that this one was rotated from"
            };
            let text = format!(
                "{by} {made} and could sign as {0}, until a key from a machine of {0}'s own is enrolled (`key new`, `key enroll`) and this one revoked",
                person.id
            );
            found.push(AREA, person.id.as_str(), State::Note, text);
        }
    }
    if roster.root_threshold < 2 {
        found.push(
            AREA,
            "root",
            State::Note,
            "one person alone can change the roster: bring a second root key on (`aether-audit key new NAME --root`, `aether-audit key enroll NAME --root`), then \
             `aether-audit key quorum 2 --reason T`",
        );
    }
    match own_key(app, roster) {
        Ok(Some(text)) => found.push(AREA, "your key", State::Good, text),
        Ok(None) => found.push(
            AREA,
            "your key",
            State::NotAsked,
            "say who you are with --as NAME, to have your key tried",
        ),
        Err(error) => found.push(AREA, "your key", State::Wrong, format!("{error:#}")),
    }
}

/// Whether everything in the checklist can be signed by somebody.
fn checklist(app: &App, room: &Room, roster: &Roster, found: &mut Findings) {
    // That it cannot be read has its own finding.
    let Ok(frozen) = freeze(app, room.config, None, &mut Vec::new()) else { return };
    for doubt in doubts::unsignable(&frozen.items, roster) {
        found.push(AREA, "checklist", State::Wrong, format!("nobody can sign {doubt}"));
    }
}

fn roles(roster: &Roster, found: &mut Findings) {
    let holders = |role: &str| -> Vec<&str> {
        let holds = |roles: &[Token]| roles.iter().any(|held| held.as_str() == role);
        roster.people.iter().filter(|person| holds(&person.roles)).map(|person| person.id.as_str()).collect()
    };
    for role in [LEAD_DEPLOYER, COMMS_LEAD, QA_ENGINEER, CUSTODIAN] {
        let who = holders(role);
        if who.is_empty() {
            let text = format!("nobody holds it: `aether-audit key enroll NAME --role {role}`");
            found.push(AREA, role, State::Wrong, text);
        } else {
            found.push(AREA, role, State::Good, who.join(", "));
        }
    }
    for (a, b) in &roster.separate {
        let (first, second) = (holders(a.as_str()), holders(b.as_str()));
        if first.len() == 1 && first == second {
            let text =
                format!("{} holds both {a} and {b}, which one person may not in one deployment", first[0]);
            found.push(AREA, "separation", State::Wrong, text);
        }
    }
    let machines = roster.people.iter().filter(|person| person.kind == PersonKind::Machine).count();
    if machines == 0 {
        let text =
            format!("no machine is on the roster: a pipeline records as {RECORDER} once it is enrolled");
        found.push(AREA, RECORDER, State::Note, text);
    } else {
        found.push(AREA, RECORDER, State::Good, holders(RECORDER).join(", "));
    }
}

/// Tries the key of `--as`, where somebody is named.
fn own_key(app: &App, roster: &Roster) -> Result<Option<String>> {
    if app.globals.who.is_none() {
        return Ok(None);
    }
    let who = app.who()?;
    crate::cli::pick::check_person(roster, &who)?;
    let key =
        roster.people.iter().find(|person| person.id == who).and_then(|person| person.key(KeyUse::Role));
    let Some(key) = key else { anyhow::bail!(crate::cli::pick::keyless(&who)) };
    Keyring::of(app)?.load(app, who.as_str(), Some(&key.public))?;
    Ok(Some(format!("{who}'s private key is here, opens, and is the one on the roster")))
}
