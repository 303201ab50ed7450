//! `sign`: a role's sign-off.

use anyhow::{Result, bail};

use super::app::App;
use super::desk::{Desk, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::nearest;
use super::status_code::{Refused, Status};
use crate::core::checklist::By;
use crate::core::deployment::Deployment;
use crate::core::event::{Event, ItemSigned, SignOutcome};
use crate::core::name::Token;

#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Items of the checklist, by id
    #[arg(required = true)]
    pub items: Vec<String>,
    /// What you add
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Not applicable to this deployment (needs --reason)
    #[arg(long, requires = "reason", conflicts_with = "failed")]
    pub na: bool,
    /// Tried and not achieved (needs --reason)
    #[arg(long, requires = "reason")]
    pub failed: bool,
    /// Why it is not applicable, or how it failed
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let outcome = match (args.na, args.failed) {
        (true, _) => SignOutcome::Na,
        (_, true) => SignOutcome::Failed,
        _ => SignOutcome::Done,
    };
    if args.elsewhere.out.is_some() && args.items.len() > 1 {
        bail!("--out takes one item at a time: each sign-off is a statement of its own");
    }
    if let Some(twice) = (1..args.items.len()).find(|at| args.items[..*at].contains(&args.items[*at])) {
        bail!("{} is named twice: one sign-off is enough", args.items[twice]);
    }
    let (id, mut desk) = args.elsewhere.desk_at(app, false)?;
    for item in &args.items {
        check_item(&desk, &id, item)?;
        check_hand(app, &desk, &id, item, args, outcome)?;
        check_gate(&desk, &id, item, outcome)?;
    }
    for item in &args.items {
        if let Some(seq) = signed_before(&desk, &id, item, &app.who()?)? {
            app.say(format!(
                "{} signed {item} already, in entry {seq}; the newer sign-off is what counts",
                app.who()?
            ));
        }
        let roles = roles_of(&desk, &id, item)?;
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        facts::record_at(app, &mut desk, &id, &args.elsewhere, &roles, |_, desk, id, openings| {
            Ok(Event::ItemSigned(ItemSigned {
                checklist: desk.deployment(id)?.checklist.text.commit,
                item: Token::new(item.as_str())?,
                note: args.note.as_ref().map(|note| opened_text(note, openings)).transpose()?,
                outcome,
                reason: args.reason.as_ref().map(|reason| opened_text(reason, openings)).transpose()?,
            }))
        })?;
    }
    Ok(Status::Done)
}

/// Whether this person may sign the item at all, before anything is said of what it misses.
fn check_hand(
    app: &App,
    desk: &Desk,
    id: &Token,
    item: &str,
    args: &Args,
    outcome: SignOutcome,
) -> Result<()> {
    let roles = roles_of(desk, id, item)?;
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    let event = Event::ItemSigned(ItemSigned {
        checklist: desk.deployment(id)?.checklist.text.commit,
        item: Token::new(item)?,
        note: None,
        outcome,
        reason: None,
    });
    facts::may(app, desk, id, &args.elsewhere, &roles, event)
}

/// The entry in which this person signed the item as it is, where that stands.
fn signed_before(desk: &Desk, id: &Token, item: &str, who: &Token) -> Result<Option<u64>> {
    let progress = desk.deployment(id)?.progress();
    let counted =
        progress.iter().filter(|progress| progress.spec.id == item).flat_map(|progress| &progress.counted);
    let own = counted.filter(|sign_off| sign_off.meta.by.iter().any(|by| by.person == *who));
    Ok(own.map(|sign_off| sign_off.meta.seq).max())
}

fn roles_of(desk: &Desk, id: &Token, item: &str) -> Result<Vec<String>> {
    Ok(desk.deployment(id)?.item(item).map(|spec| spec.roles.clone()).unwrap_or_default())
}

/// Everything is looked at before anything is signed.
fn check_item(desk: &Desk, id: &Token, item: &str) -> Result<()> {
    let deployment = desk.deployment(id)?;
    if deployment.closed.is_some() {
        let what = format!("{id} is closed: nothing is signed any more");
        return Err(
            Refused { what, missing: Vec::new(), next: "`aether-audit note` still works".into() }.into()
        );
    }
    if deployment.item(item).is_none() {
        bail!(unknown_item(deployment, item));
    }
    Ok(())
}

/// What to say of an item that the checklist does not have.
pub fn unknown_item(deployment: &Deployment, item: &str) -> String {
    let known = deployment.checklist.items.iter().map(|item| item.id.as_str());
    let hint = nearest::hint(item, known, "see `aether-audit status`");
    format!("the checklist of {} has no item {item}: {hint}", deployment.id)
}

fn check_gate(desk: &Desk, id: &Token, item: &str, outcome: SignOutcome) -> Result<()> {
    let missing = desk.deployment(id)?.sign_missing(item, outcome);
    if missing.is_empty() {
        return Ok(());
    }
    if missing.iter().any(|m| !m.waivable) {
        let next = desk.deployment(id)?.item(item).and_then(|spec| spec.by).map_or("", brings_about);
        return Err(Refused::gate(format!("{item} cannot be signed so"), &missing, next).into());
    }
    let next = format!(
        "Collect the evidence again (`aether-audit collect`), or override with a reason: \
         `aether-audit decide override --gate sign --waive {} --reason T`",
        missing[0].requirement
    );
    Err(Refused::gate(format!("{item} cannot be signed so"), &missing, next).into())
}

/// What ticks an item that nobody signs.
const fn brings_about(by: By) -> &'static str {
    match by {
        By::Go => "It is ticked by `aether-audit decide go --reason T`.",
        By::Snapshot => "It is ticked by `aether-audit snapshot`, or `aether-audit record snapshot-taken`.",
        By::Deploy => "It is ticked by `aether-audit deploy`, or `aether-audit record stage-reached`.",
        By::Shift => {
            "It is ticked by `aether-audit shift --to green`, or `aether-audit record traffic-shifted`."
        }
        By::AllClear => "It is ticked by `aether-audit decide all-clear --reason T`.",
    }
}
