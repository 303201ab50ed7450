//! Messages to people: templates with placeholders, and where messages go. Nothing is sent here.

use std::collections::BTreeSet;

/// `[slack]`. What is secret (the webhook's URL, the token) comes from the environment and never stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlackSettings {
    /// Whether the section is there: then a message that Slack cannot be told is a failure, not nobody's business.
    pub wanted: bool,
    /// Such as `#proj-aether-deploy`; the project's channel where it is absent.
    pub channel: Option<String>,
    /// Where `chat.postMessage` is, without a slash at the end.
    pub api_url: String,
}

impl Default for SlackSettings {
    fn default() -> Self {
        Self { wanted: false, channel: None, api_url: SLACK_API.into() }
    }
}

/// Slack's own address.
pub const SLACK_API: &str = "https://slack.com/api";

/// `[webhook]`: messages as plain JSON, for everybody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The environment variable that holds the URL; no webhook where it is absent.
    pub url_env: Option<String>,
    /// What the record calls it.
    pub channel: Option<String>,
}

/// Why a template does not become a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder that nobody knows.
    #[error("line {line}: {{{{{name}}}}} is no placeholder")]
    Unknown {
        /// From 1.
        line: usize,
        /// What stands between the braces.
        name: String,
    },
    /// A placeholder whose value is not known now.
    #[error("line {line}: {{{{{name}}}}} has no value: {why}")]
    Empty {
        /// From 1.
        line: usize,
        /// What stands between the braces.
        name: String,
        /// Why it has none.
        why: String,
    },
    /// An opening pair of braces alone.
    #[error("line {line}: `{{{{` without `}}}}` after it")]
    Unclosed {
        /// From 1.
        line: usize,
    },
}

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// This.
    Known(String),
    /// Nothing yet, and why.
    None(String),
    /// There is no such placeholder.
    Unknown,
}

/// The text of a template with each `{{name}}` filled in. What is filled in is not looked at again.
///
/// # Errors
/// [`TemplateError`] on the first placeholder that has no value.
pub fn fill(template: &str, value: &dyn Fn(&str) -> Value) -> Result<String, TemplateError> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        let line = 1 + template[..template.len() - rest.len() + at].matches('\n').count();
        text.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end = inner.find("}}").ok_or(TemplateError::Unclosed { line })?;
        let name = inner[..end].trim();
        match value(name) {
            Value::Known(known) => text.push_str(&known),
            Value::None(why) => return Err(TemplateError::Empty { line, name: name.into(), why }),
            Value::Unknown => {
                return Err(TemplateError::Unknown { line, name: name.chars().take(60).collect() });
            }
        }
        rest = &inner[end + 2..];
    }
    text.push_str(rest);
    Ok(text.trim().to_owned())
}

/// The names of a template's placeholders.
#[must_use]
pub fn placeholders(template: &str) -> BTreeSet<&str> {
    let after = template.split("{{").skip(1);
    after.filter_map(|part| part.split_once("}}").map(|(name, _)| name.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Value {
        match name {
            "release" => Value::Known("v2 {{percent}}".into()),
            "percent" => Value::None("traffic has not moved".into()),
            _ => Value::Unknown,
        }
    }

    #[test]
    fn filled_once() {
        assert_eq!(
            fill("{{release}} and {{ release }}\n", &known).unwrap(),
            "v2 {{percent}} and v2 {{percent}}"
        );
        assert_eq!(fill("nothing", &known).unwrap(), "nothing");
    }

    #[test]
    fn errors_name_the_line() {
        let error = fill("a\nb {{relase}}", &known).unwrap_err();
        assert_eq!(error.to_string(), "line 2: {{relase}} is no placeholder");
        let error = fill("{{percent}}", &known).unwrap_err();
        assert_eq!(error.to_string(), "line 1: {{percent}} has no value: traffic has not moved");
        assert_eq!(fill("\n\n{{ x", &known), Err(TemplateError::Unclosed { line: 3 }));
    }
}
