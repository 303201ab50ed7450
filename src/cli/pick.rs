//! Which deployment a command is about, and in which role somebody acts.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::desk::{Desk, Hand};
use super::nearest;
use crate::core::deployment::Deployment;
use crate::core::name::Token;
use crate::core::roster::Roster;
use crate::ledger::Ledger;

/// Which deployment a command is about: the one named, or the only one that is open.
///
/// # Errors
/// Where there is none, or more than one.
pub fn pick(app: &App, closed_too: bool) -> Result<Token> {
    match &app.globals.deployment {
        Some(id) => Ok(Token::new(id.as_str())?),
        None => only_one(&Ledger::open_read_only(&app.ledger_path()?)?, closed_too),
    }
}

/// The only deployment that is open, or the newest where closed ones are meant too.
///
/// # Errors
/// Where there is none, or more than one.
pub fn only_one(ledger: &Ledger, closed_too: bool) -> Result<Token> {
    let all = ledger.deployments()?;
    let open: Vec<&Token> = all.iter().filter(|(_, closed)| !closed).map(|(id, _)| id).collect();
    match (open.as_slice(), all.last()) {
        ([only], _) => Ok((*only).clone()),
        ([], Some((newest, _))) if closed_too => Ok(newest.clone()),
        ([], Some((newest, _))) => {
            bail!(
                "no deployment is open: start one with `aether-audit open`, or name one with --deployment (the newest is {newest})"
            )
        }
        ([], None) => {
            bail!("there is no deployment yet: start one with `aether-audit open RELEASE --commit SHA …`")
        }
        (several, _) => {
            let ids: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
            bail!(
                "several deployments are open: name one with --deployment or AETHER_AUDIT_DEPLOYMENT ({})",
                ids.join(", ")
            )
        }
    }
}

/// Whether a command about this deployment must say so: several are open, or it is not the one that is.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn must_name(ledger: &Ledger, id: &Token) -> Result<bool> {
    Ok(ledger.deployments()?.iter().any(|(other, closed)| !closed && other != id))
}

/// The role in which a person acts: the first of `preferred` that they hold in this deployment (or,
/// not assigned, have on the roster), else any that they hold.
///
/// # Errors
/// Where they are not on the roster or have no role.
pub fn hand(
    desk: &Desk,
    person: &Token,
    deployment: Option<&Deployment>,
    preferred: &[&str],
) -> Result<Hand> {
    let roster = &desk.roster()?.roster;
    let found = roster.person(person.as_str()).with_context(|| unknown_person(roster, person))?;
    let held: Vec<Token> =
        deployment.map(|d| d.roles_of(person.as_str()).cloned().collect()).unwrap_or_default();
    let all: Vec<&Token> = held.iter().chain(&found.roles).collect();
    let role = preferred.iter().find_map(|wanted| all.iter().find(|role| role.as_str() == *wanted));
    let role = role.or_else(|| all.first());
    let role = role.with_context(|| {
        format!("{person} has no role on the roster: `aether-audit key enroll {person} --role R`")
    })?;
    Ok(Hand { person: person.clone(), role: (*role).clone() })
}

/// Where the files of a deployment's record go.
pub fn record_folder(app: &App, id: &Token) -> PathBuf {
    app.home().join("records").join(id.as_str())
}

/// Refuses a name that the roster does not have.
///
/// # Errors
/// Where it does not, with the one that was probably meant.
pub fn check_person(roster: &Roster, person: &Token) -> Result<()> {
    roster.person(person.as_str()).map(drop).with_context(|| unknown_person(roster, person))
}

/// Refuses a role that the roster does not have.
///
/// # Errors
/// Where it does not, with the one that was probably meant.
pub fn check_role(roster: &Roster, role: &Token) -> Result<()> {
    if roster.roles.contains_key(role) {
        return Ok(());
    }
    let all: Vec<&str> = roster.roles.keys().map(Token::as_str).collect();
    let otherwise = format!("it has {}", all.join(", "));
    bail!("the roster has no role {role}: {}", nearest::hint(role.as_str(), all, &otherwise))
}

/// What to say of somebody whom the roster does not have.
pub fn unknown_person(roster: &Roster, person: &Token) -> String {
    let otherwise = format!("see `aether-audit key list`, or `aether-audit key enroll {person} --role R`");
    let known = roster.people.iter().map(|person| person.id.as_str());
    format!("{person} is not on the roster: {}", nearest::hint(person.as_str(), known, &otherwise))
}

/// What to say of somebody whose key was revoked, and who brought no new one.
pub fn keyless(person: &Token) -> String {
    format!(
        "{person} has no key for daily work on the roster: `aether-audit key new {person}`, then \
         `aether-audit key enroll {person}` by a root holder"
    )
}

/// What to say of a deployment that the ledger does not have.
pub fn unknown_deployment(ledger: &Ledger, id: &Token) -> String {
    let known = ledger.deployments().unwrap_or_default();
    let known = known.iter().map(|(id, _)| id.as_str());
    let hint = nearest::hint(id.as_str(), known, "`aether-audit log --all` lists everything");
    format!("there is no deployment {id} in this ledger: {hint}")
}
