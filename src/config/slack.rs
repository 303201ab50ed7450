//! `[slack]` and `[webhook]`: where messages go. What is secret about it comes from the environment.

use serde::Deserialize;
use toml::Spanned;

use super::value::{Located, token_address};
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
        channel: raw.channel.as_ref().map(channel).transpose()?,
        api_url: raw.api_url.as_ref().map(token_address).transpose()?.unwrap_or_else(|| SLACK_API.into()),
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
        channel: raw.channel.as_ref().map(channel).transpose()?,
    })
}

fn channel(raw: &Spanned<String>) -> Result<String, Located> {
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
