//! Notify: tells people through a channel, and says what became of it. It decides nothing and records nothing.
//!
//! A URL of a webhook and a token are secrets: they are in no error, no debug print and no answer that is given back.

mod post;
mod slack;

use std::fmt;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Something that is sent and never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes it in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// By which way a message goes.
#[derive(Clone, Debug)]
pub enum Way {
    /// An incoming webhook of Slack, which knows its channel.
    SlackWebhook(Secret),
    /// `chat.postMessage` of Slack's API, as a bot.
    SlackBot {
        /// Without a slash at the end.
        api_url: String,
        /// The bot's token.
        token: Secret,
        /// Such as `#proj-aether-deploy`, or a channel's id.
        channel: String,
    },
    /// Somebody else's webhook, which takes plain JSON.
    Webhook(Secret),
}

/// What is said.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// The exact text; its first line is the headline.
    pub text: &'a str,
    /// The template that it was made from.
    pub template: Option<&'a str>,
    /// What it is about, such as `v2.14.0 · production`; small print.
    pub about: &'a str,
    /// The channel, as the record calls it.
    pub channel: &'a str,
}

/// How long to wait for an answer, and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For each try.
    pub answer: Duration,
    /// How many tries.
    pub tries: u32,
    /// The longest pause between two that a receiver may ask for (`Retry-After`); for more it is not waited.
    pub pause: Duration,
}

impl Patience {
    /// Nobody waits for it: three tries of three seconds, and pauses as asked for.
    pub const CALM: Self = Self { answer: Duration::from_secs(3), tries: 3, pause: Duration::from_secs(10) };
    /// A rollback: one try of three seconds.
    pub const URGENT: Self = Self { answer: Duration::from_secs(3), tries: 1, pause: Duration::ZERO };
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whether the receiver took it.
    pub taken: bool,
    /// What the receiver answered, or why there is no answer; without secrets.
    pub answer: String,
}

/// Sends a message and waits for the answer.
#[must_use]
pub fn send(way: &Way, message: &Message, patience: Patience) -> Sent {
    let mut pause = Duration::from_millis(500);
    let mut turn = 1;
    loop {
        let outcome = attempt(way, message, patience.answer);
        let wait = match outcome.again {
            Again::No => None,
            Again::Yes => Some(pause),
            Again::After(asked) => Some(asked.max(pause)).filter(|wait| *wait <= patience.pause),
        };
        let Some(wait) = wait.filter(|_| turn < patience.tries) else {
            let tries = if turn > 1 { format!("after {turn} tries: ") } else { String::new() };
            return Sent { taken: outcome.taken, answer: mask(way, format!("{tries}{}", outcome.answer)) };
        };
        thread::sleep(wait);
        pause *= 2;
        turn += 1;
    }
}

/// Whether trying once more may help.
enum Again {
    No,
    Yes,
    After(Duration),
}

struct Outcome {
    taken: bool,
    answer: String,
    again: Again,
}

fn attempt(way: &Way, message: &Message, limit: Duration) -> Outcome {
    let posted = match way {
        Way::SlackWebhook(url) => post::json(url.expose(), None, &slack::body(message, None), limit),
        Way::SlackBot { api_url, token, channel } => {
            let url = format!("{api_url}/chat.postMessage");
            post::json(&url, Some(token.expose()), &slack::body(message, Some(channel)), limit)
        }
        Way::Webhook(url) => post::json(url.expose(), None, &plain(message), limit),
    };
    let reply = match posted {
        Ok(reply) => reply,
        Err(silence) => {
            let again = if silence.hopeless { Again::No } else { Again::Yes };
            return Outcome { taken: false, answer: silence.why, again };
        }
    };
    let taken = match way {
        Way::SlackBot { .. } => reply.status == 200 && slack::took(&reply.body),
        Way::SlackWebhook(_) => reply.status == 200,
        Way::Webhook(_) => (200..300).contains(&reply.status),
    };
    let again = match (reply.status, reply.retry_after) {
        _ if taken => Again::No,
        (429 | 500..=599, Some(seconds)) => Again::After(Duration::from_secs(seconds)),
        (429 | 500..=599, None) => Again::Yes,
        _ => Again::No,
    };
    Outcome { taken, answer: format!("status {}\n{}", reply.status, reply.body).trim_end().to_owned(), again }
}

fn plain(message: &Message) -> Value {
    json!({
        "schema": "https://project-aether.io/audit/message/v1",
        "about": message.about, "channel": message.channel, "template": message.template, "text": message.text,
    })
}

/// A receiver may echo what it was sent: what is secret goes before anybody sees it.
fn mask(way: &Way, answer: String) -> String {
    let (Way::SlackWebhook(secret) | Way::Webhook(secret) | Way::SlackBot { token: secret, .. }) = way;
    let whole = secret.expose();
    let path = whole.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let parts = path.into_iter().flat_map(|path| path.split(['/', '?', '&', '=']));
    let parts = parts.filter(|part| part.len() >= 8);
    [whole].into_iter().chain(path.filter(|path| path.len() >= 8)).chain(parts).fold(
        answer,
        |answer, secret| {
            if secret.is_empty() { answer } else { answer.replace(secret, "REDACTED") }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let way = Way::SlackWebhook(Secret::new(
            "https://hooks.slack.com/services/T0000/B0000/abcdefghijkl".into(),
        ));
        assert_eq!(format!("{way:?}"), "SlackWebhook([secret])");
        assert_eq!(
            mask(&way, "no abcdefghijkl in /services/T0000/B0000/abcdefghijkl".into()),
            "no REDACTED in REDACTED"
        );
    }
}
