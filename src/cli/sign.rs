//! `sign`: a role's sign-off.

use anyhow::{Result, bail};

use super::app::App;
use super::desk::{Desk, hand, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::status_code::{Refused, Status};
use crate::core::event::{Event, ItemSigned, SignOutcome};
use crate::core::name::Token;

/// Options of `sign`.
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
    let (id, mut desk) = args.elsewhere.desk_at(app, false)?;
    for item in &args.items {
        check_item(&desk, &id, item, outcome)?;
        if args.items.len() > 1 {
            check_hand(app, &desk, &id, item, outcome)?;
        }
    }
    for item in &args.items {
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
    desk.ledger.leave_log()?;
    Ok(Status::Done)
}

/// Whether this person may sign the item at all: nothing is signed where one of several is refused.
fn check_hand(app: &App, desk: &Desk, id: &Token, item: &str, outcome: SignOutcome) -> Result<()> {
    let roles = roles_of(desk, id, item)?;
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    let deployment = desk.deployment(id)?;
    let event = Event::ItemSigned(ItemSigned {
        checklist: deployment.checklist.text.commit,
        item: Token::new(item)?,
        note: None,
        outcome,
        reason: None,
    });
    let hand = hand(desk, &app.who()?, Some(deployment), &roles)?;
    desk.allow(app, &desk.draft(id, event, Vec::new())?, &[hand])
}

fn roles_of(desk: &Desk, id: &Token, item: &str) -> Result<Vec<String>> {
    Ok(desk.deployment(id)?.item(item).map(|spec| spec.roles.clone()).unwrap_or_default())
}

/// Everything is looked at before anything is signed.
fn check_item(desk: &Desk, id: &Token, item: &str, outcome: SignOutcome) -> Result<()> {
    let deployment = desk.deployment(id)?;
    if deployment.closed.is_some() {
        bail!("{id} is closed: nothing is signed any more; `aether-audit note` still works");
    }
    if deployment.item(item).is_none() {
        let close: Vec<&str> = deployment
            .checklist
            .items
            .iter()
            .map(|i| i.id.as_str())
            .filter(|i| i.contains(item) || item.contains(i))
            .collect();
        let hint = if close.is_empty() {
            "see `aether-audit status`".into()
        } else {
            format!("did you mean {}?", close.join(", "))
        };
        bail!("the checklist of {id} has no item {item}: {hint}");
    }
    let missing = deployment.sign_missing(item, outcome);
    if missing.is_empty() {
        return Ok(());
    }
    if missing.iter().any(|m| !m.waivable) {
        return Err(Refused::gate(format!("{item} cannot be signed so"), &missing, "").into());
    }
    let next = format!(
        "Collect the evidence again (`aether-audit collect`), or override with a reason: \
         `aether-audit decide override --gate sign --waive {} --reason T`",
        missing[0].requirement
    );
    Err(Refused::gate(format!("{item} cannot be signed so"), &missing, next).into())
}
