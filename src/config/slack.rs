//! `[slack]` and `[webhook]`: where messages go. What is secret about it comes from the environment.

use serde::Deserialize;
use toml::Spanned;

use super::value::{Located, web_address};
use crate::core::message::{SLACK_API, SlackSettings, WebhookSettings};

/// As it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Slack {
    channel: Option<Spanned<String>>,
    api_url: Option<Spanned<String>>,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Webhook {
    url_env: Spanned<String>,
    channel: Option<Spanned<String>>,
}

pub fn slack(raw: Option<Slack>) -> Result<SlackSettings, Located> {
    let Some(raw) = raw else { return Ok(SlackSettings::default()) };
    Ok(SlackSettings {
        wanted: true,
        channel: raw.channel.map(channel).transpose()?,
        api_url: raw.api_url.map(api_url).transpose()?.unwrap_or_else(|| SLACK_API.into()),
    })
}

pub fn webhook(raw: Option<Webhook>) -> Result<WebhookSettings, Located> {
    let Some(raw) = raw else { return Ok(WebhookSettings::default()) };
    let name = raw.url_env.get_ref();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.bytes().all(fits) {
        let help = "write the variable's name, such as \"PAGER_WEBHOOK\"; the URL itself is a secret and stays out of this file";
        return Err(Located::new(raw.url_env.span(), "not the name of an environment variable", help));
    }
    Ok(WebhookSettings {
        url_env: Some(raw.url_env.into_inner()),
        channel: raw.channel.map(channel).transpose()?,
    })
}

fn channel(raw: Spanned<String>) -> Result<String, Located> {
    let text = raw.get_ref().trim();
    if text.is_empty() || text.len() > 80 || text.contains(char::is_control) {
        return Err(Located::new(
            raw.span(),
            "not a channel",
            "write something like \"#proj-aether-deploy\"",
        ));
    }
    Ok(text.to_owned())
}

/// A token is sent there: over TLS, or not beyond this machine.
fn api_url(raw: Spanned<String>) -> Result<String, Located> {
    let url = web_address(&raw)?;
    let rest = url.strip_prefix("http://").map(|rest| rest.split(['/', ':']).next().unwrap_or_default());
    if rest.is_some_and(|host| !matches!(host, "127.0.0.1" | "localhost")) || url.contains(['?', '#', '@']) {
        let help = "write https://… without user and query: the bot's token is sent there";
        return Err(Located::new(raw.span(), "not an address for a token", help));
    }
    Ok(url.trim_end_matches('/').to_owned())
}
