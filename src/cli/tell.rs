//! Whom messages go to, and what became of them: the ways of `aether.toml`, with the secrets of the environment.

use anyhow::Result;

use super::desk::{Desk, opened_bytes, opened_text};
use crate::config::Config;
use crate::core::event::{Delivery, Event, MessageSent};
use crate::core::name::{Label, Token};
use crate::core::opening::Opening;
use crate::notify::{Message, Patience, Secret, Sent, Way, send};

const SLACK_WEBHOOK: &str = "AETHER_AUDIT_SLACK_WEBHOOK";
const SLACK_TOKEN: &str = "AETHER_AUDIT_SLACK_TOKEN";

/// A channel, and the way to it or why there is none.
pub struct Outlet {
    /// As the record calls it.
    pub channel: Label,
    way: Result<Way, String>,
}

impl Outlet {
    /// Whether there is a way to it, so that something may be sent.
    #[must_use]
    pub const fn can_send(&self) -> bool {
        self.way.is_ok()
    }
}

/// A message on its way.
pub struct Said {
    /// Where it went.
    pub channel: Label,
    /// What became of it.
    pub sent: Sent,
}

/// Where this project's messages go; empty where nothing is configured. A rehearsal tells only a channel that its own
/// configuration asks for, never the one that the environment knows.
///
/// # Errors
/// Where a channel's name cannot stand in a record.
pub fn outlets(config: &Config, rehearsal: bool) -> Result<Vec<Outlet>> {
    let slack = slack(config)?.filter(|_| config.slack.wanted || !rehearsal);
    let mut all: Vec<Outlet> = slack.into_iter().collect();
    if let Some(name) = &config.webhook.url_env {
        let channel = Label::new(config.webhook.channel.as_deref().unwrap_or("webhook"))?;
        let way = secret(name).map(Way::Webhook).ok_or_else(|| format!("{name} is not set"));
        all.push(Outlet { channel, way });
    }
    Ok(all)
}

fn slack(config: &Config) -> Result<Option<Outlet>> {
    let settings = &config.slack;
    let channel = settings.channel.as_deref().or(config.project.channel.as_deref());
    let way = match (secret(SLACK_TOKEN), secret(SLACK_WEBHOOK), channel) {
        (Some(token), _, Some(channel)) => {
            Ok(Way::SlackBot { api_url: settings.api_url.clone(), token, channel: channel.to_owned() })
        }
        (_, Some(url), _) => Ok(Way::SlackWebhook(url)),
        (Some(_), None, None) => {
            Err("a bot needs a channel: set `channel` under [slack] in aether.toml".into())
        }
        (None, None, _) if settings.wanted => {
            Err(format!("neither {SLACK_TOKEN} nor {SLACK_WEBHOOK} is set"))
        }
        (None, None, _) => return Ok(None),
    };
    Ok(Some(Outlet { channel: Label::new(channel.unwrap_or("slack"))?, way }))
}

fn secret(name: &str) -> Option<Secret> {
    std::env::var(name)
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .map(Secret::new)
}

/// Sends to all of them at once.
#[must_use]
pub fn tell(
    outlets: &[Outlet],
    text: &str,
    template: Option<&Token>,
    about: &str,
    patience: Patience,
) -> Vec<Said> {
    let one = |outlet: &Outlet| {
        let message =
            Message { text, template: template.map(Token::as_str), about, channel: outlet.channel.as_str() };
        let sent = match &outlet.way {
            Ok(way) => send(way, &message, patience),
            Err(why) => Sent { taken: false, answer: why.clone() },
        };
        Said { channel: outlet.channel.clone(), sent }
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = outlets.iter().map(|outlet| scope.spawn(move || one(outlet))).collect();
        // It hangs up only by panicking, which is passed on.
        let end = |handle: std::thread::ScopedJoinHandle<'_, Said>| {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        running.into_iter().map(end).collect()
    })
}

/// What of a deployment stands below each of its messages.
///
/// # Errors
/// Where there is no such deployment.
pub fn about(desk: &Desk, id: &Token) -> Result<String> {
    let opened = &desk.deployment(id)?.opened.body;
    let rehearsal = if desk.log.rehearsal { "REHEARSAL · " } else { "" };
    Ok(format!("{rehearsal}{id} · {} · {}", opened.environment, desk.log.origin))
}

/// The event of one message, with its exact text and the answer as openings.
///
/// # Errors
/// Where the text is empty.
pub fn event(
    said: &Said,
    text: &str,
    template: Option<&Token>,
    openings: &mut Vec<Opening>,
) -> Result<Event> {
    let delivery = if said.sent.taken { Delivery::Sent } else { Delivery::Failed };
    let response = opened_bytes(said.sent.answer.clone().into_bytes(), "text/plain", openings)?;
    Ok(Event::MessageSent(MessageSent {
        channel: said.channel.clone(),
        delivery,
        response: Some(response),
        template: template.cloned(),
        text: opened_text(text, openings)?,
    }))
}
