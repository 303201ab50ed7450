//! `say`: a structured message to the channel, recorded. That nobody can be told stops nothing; it stands as a gap.

pub mod template;
mod values;

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::app::App;
use super::bundle::Bundle;
use super::desk::{Desk, Draft, Hand, hand};
use super::elsewhere::Elsewhere;
use super::facts;
use super::nearest;
use super::spool;
use super::status_code::Status;
use super::tell::{self, Outlet, Said};
use crate::config::Config;
use crate::core::event::{Delivery, MessageSent};
use crate::core::message::{TemplateError, fill, placeholders};
use crate::core::name::Token;
use crate::core::opening::Opening;
use crate::core::roster::{COMMS_LEAD, LEAD_DEPLOYER, RECORDER};
use crate::notify::{Patience, Sent};
pub use values::Values;

/// In which role messages are signed: the first that the signer has.
pub const SPEAKERS: [&str; 3] = [COMMS_LEAD, LEAD_DEPLOYER, RECORDER];

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The template: scheduled, start, stage, switched, status, all-clear, postponed, rollback-initiated, rolled-back,
    /// review, custom, or another file of templates/messages
    pub template: Token,
    /// Fill {{KEY}} with VALUE
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// More words: {{text}} of the template, or its last lines
    #[arg(long)]
    pub text: Option<String>,
    /// Send the last message of this template that was not delivered once more, word for word
    #[arg(long, conflicts_with_all = ["set", "text"])]
    pub again: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let (id, mut desk) = Elsewhere::default().desk_at(app, false)?;
    template::read(&app.home(), &args.template)?;
    let mut outlets = tell::outlets(&config, desk.log.rehearsal)?;
    if outlets.is_empty() {
        bail!(
            "nobody can be told: set AETHER_AUDIT_SLACK_WEBHOOK or AETHER_AUDIT_SLACK_TOKEN, or `url-env` under [webhook] in \
             aether.toml. What you sent yourself: `aether-audit record message-sent --template {} --text …`",
            args.template
        );
    }
    let text = if args.again {
        let (text, channels) = undelivered(&desk, &id, &args.template)?;
        outlets.retain(|outlet| channels.iter().any(|channel| *channel == outlet.channel.as_str()));
        text
    } else {
        compose(app, &config, &desk, &id, args)?
    };
    may(app, &desk, &id, &outlets, &text, &args.template)?;
    if app.globals.dry_run {
        let channels: Vec<&str> = outlets.iter().map(|outlet| outlet.channel.as_str()).collect();
        app.would(format!("send to {}:\n{text}", channels.join(", ")))?;
        return Ok(Status::Done);
    }
    let about = tell::about(&desk, &id)?;
    desk.warn(app);
    let waiting = unsure(app, &desk, &id, &outlets, &text, &args.template)?;
    let said = tell::tell(&outlets, &text, Some(&args.template), &about, Patience::CALM);
    for (one, file) in said.iter().zip(waiting) {
        let before = desk.deployment(&id)?.issues.len();
        let Told { bundle, by, what } = sign(app, &desk, &id, one, &text, &args.template)?;
        // Whatever comes now, the spool has the truth: the same statement, which stands in a log only once.
        if let Some(Err(error)) = file.as_ref().map(|file| bundle.write(file)) {
            app.warn(format!("the answer waits nowhere until it is recorded ({error:#})"));
        }
        let appended = desk.append(app, &bundle)?;
        facts::tell(app, &what, &id, &by, appended);
        facts::tell_issues(app, desk.deployment(&id)?, before);
        if let Some(file) = file {
            // What is left there says nothing new.
            let _ = std::fs::remove_file(file);
        }
    }
    show(app, &said, &args.template)?;
    Ok(Status::Done)
}

/// The text of a template as the record fills it.
fn compose(app: &App, config: &Config, desk: &Desk, id: &Token, args: &Args) -> Result<String> {
    let (template, place) = template::read(&app.home(), &args.template)?;
    let mut values = Values::of(app, config, desk, id)?;
    for (key, value) in &args.set {
        values.set(key, value);
    }
    if let Some(idle) =
        args.set.iter().map(|(key, _)| key).find(|key| !placeholders(&template).contains(key.as_str()))
    {
        bail!(
            "--set {idle}: {place} has no {{{{{idle}}}}}; {}",
            nearest::hint(idle, placeholders(&template), "nothing was sent")
        );
    }
    if let Some(text) = &args.text {
        values.set("text", text);
    }
    let mut text =
        fill(&template, &|name| values.get(name)).map_err(|error| explain(&place, &error, &values))?;
    if let Some(more) = args.text.as_ref().filter(|_| !placeholders(&template).contains("text")) {
        text = format!("{text}\n{}", more.trim());
    }
    if text.is_empty() {
        bail!("{place} gives an empty message: nothing was sent");
    }
    Ok(text)
}

fn explain(place: &str, error: &TemplateError, values: &Values) -> anyhow::Error {
    let hint = match error {
        TemplateError::Unknown { name, .. } => {
            let names: Vec<&str> = values.names().collect();
            let all = format!("there are {}", names.join(", "));
            let hint = nearest::hint(name, names, &all);
            format!("; {hint}; or give it with --set {name}=…")
        }
        TemplateError::Empty { name, .. } => format!("; or say --set {name}=…"),
        TemplateError::Unclosed { .. } => String::new(),
    };
    anyhow::anyhow!("{place}, {error}{hint}. Nothing was sent")
}

/// A signed statement of what became of a message.
struct Told {
    bundle: Bundle,
    by: Hand,
    what: String,
}

fn sign(app: &App, desk: &Desk, id: &Token, said: &Said, text: &str, template: &Token) -> Result<Told> {
    let (draft, by, what) = draft(app, desk, id, said, text, template)?;
    let bundle = desk.sign(app, draft, std::slice::from_ref(&by))?;
    Ok(Told { bundle, by, what })
}

/// The statement of what became of a message, who is to sign it, and it in a few words.
fn draft(
    app: &App,
    desk: &Desk,
    id: &Token,
    said: &Said,
    text: &str,
    template: &Token,
) -> Result<(Draft, Hand, String)> {
    let mut openings = Vec::new();
    let event = tell::event(said, text, Some(template), &mut openings)?;
    let what = facts::what(&event)?;
    let by = hand(desk, &app.who()?, Some(desk.deployment(id)?), &SPEAKERS)?;
    Ok((desk.draft(id, event, openings)?, by, what))
}

/// Signs, before anything is sent, that nobody knows whether it was: where the program ends before the answer is there,
/// that waits in the spool, and stands in the record as a gap. Gives the file of each outlet, none where nothing is sent.
fn unsure(
    app: &mut App,
    desk: &Desk,
    id: &Token,
    outlets: &[Outlet],
    text: &str,
    template: &Token,
) -> Result<Vec<Option<PathBuf>>> {
    let mut files = Vec::new();
    for outlet in outlets {
        if !outlet.can_send() {
            files.push(None);
            continue;
        }
        let answer = "it is not known whether it was sent: the program ended before its answer was recorded";
        let sent = Sent { taken: false, answer: answer.to_owned() };
        let said = Said { channel: outlet.channel.clone(), sent };
        match spool::keep(app, &sign(app, desk, id, &said, text, template)?.bundle) {
            Ok(file) => files.push(Some(file)),
            Err(error) => {
                files.push(None);
                app.warn(format!("were this to end half-way, nothing would tell of it ({error:#})"));
            }
        }
    }
    Ok(files)
}

/// Asks before anything is sent whether it may be recorded by `--as`.
fn may(app: &App, desk: &Desk, id: &Token, outlets: &[Outlet], text: &str, template: &Token) -> Result<()> {
    let Some(first) = outlets.first() else {
        bail!("no channel of aether.toml is the one that it went to: nothing was sent")
    };
    let probe = Said { channel: first.channel.clone(), sent: Sent { taken: false, answer: String::new() } };
    let (draft, by, _) = draft(app, desk, id, &probe, text, template)?;
    desk.allow(app, &draft, &[by]).map(drop)
}

/// The messages that went to a channel and were not taken there, and nothing of the same template since.
#[must_use]
pub fn gaps(
    messages: &[crate::core::deployment::Record<MessageSent>],
) -> Vec<&crate::core::deployment::Record<MessageSent>> {
    let same = |a: &MessageSent, b: &MessageSent| a.channel == b.channel && a.template == b.template;
    let later = |at: usize, one: &MessageSent| messages[at + 1..].iter().any(|other| same(&other.body, one));
    let open = |(at, one): &(usize, &crate::core::deployment::Record<MessageSent>)| {
        one.body.delivery == Delivery::Failed && !later(*at, &one.body)
    };
    messages.iter().enumerate().filter(open).map(|(_, one)| one).collect()
}

/// The exact text of the newest message of a template that somebody did not get, and who did not.
fn undelivered(desk: &Desk, id: &Token, template: &Token) -> Result<(String, Vec<String>)> {
    let messages = &desk.deployment(id)?.messages;
    let open: Vec<_> =
        gaps(messages).into_iter().filter(|m| m.body.template.as_ref() == Some(template)).collect();
    let Some(newest) = open.last() else {
        bail!("no message of the template {template} waits to be delivered: nothing was sent");
    };
    let Some(bytes) = desk.ledger.opening(&newest.body.text.commit)? else {
        bail!("the text of entry {} is not here (erased?): say it anew", newest.meta.seq);
    };
    let text = String::from_utf8_lossy(&Opening::from_file_bytes(&bytes)?.bytes).into_owned();
    Ok((text, open.iter().map(|m| m.body.channel.to_string()).collect()))
}

fn show(app: &mut App, said: &[Said], template: &Token) -> Result<()> {
    if app.json() {
        let all: Vec<_> = said
            .iter()
            .map(|one| serde_json::json!({"channel": one.channel, "delivered": one.sent.taken, "answer": one.sent.answer}))
            .collect();
        app.print_json(&all)?;
    }
    for one in said.iter().filter(|one| !one.sent.taken) {
        let answer = one.sent.answer.replace('\n', ": ");
        app.warn(format!(
            "{} was NOT told ({answer}); it stands as a gap. Once more: `aether-audit say {template} --again`",
            one.channel
        ));
    }
    Ok(())
}
