//! Errors that show the line.

use std::fmt;
use std::ops::Range;

use crate::core::redact;

/// What is wrong with the configuration, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as the caller named it.
    pub path: String,
    /// The place, where there is one.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line, shortened, credentials in URLs masked.
    pub text: String,
}

impl ConfigError {
    pub(super) fn whole_file(path: &str, message: impl Into<String>, help: &str) -> Self {
        Self { path: path.to_owned(), place: None, message: message.into(), help: Some(help.to_owned()) }
    }

    pub(super) fn at(path: &str, text: &str, span: Option<Range<usize>>, fault: Fault) -> Self {
        let place = span.map(|span| Place::of(text, span.start));
        Self { path: path.to_owned(), place, message: fault.message, help: fault.help }
    }
}

impl Place {
    fn of(text: &str, offset: usize) -> Self {
        let offset = (0..=offset.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let (before, after) = text.split_at(offset);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = after.find('\n').map_or(text.len(), |at| offset + at);
        let column = before[start..].chars().count() + 1;
        let shown: String = hide(text[start..end].trim_end()).chars().take(160).collect();
        Self { line: before.matches('\n').count() + 1, column, text: redact::urls_in(&shown) }
    }
}

/// A line that looks as if a secret was put there by mistake, without its value.
fn hide(line: &str) -> String {
    let secretive = ["webhook", "url-env", "token", "secret", "password"];
    match line.split_once('=') {
        Some((key, value))
            if secretive.iter().any(|word| key.to_lowercase().contains(word))
                || value.contains("hooks.slack.com") =>
        {
            format!("{key}= …")
        }
        _ => line.to_owned(),
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            None => write!(f, "{}: {}", self.path, self.message)?,
            Some(place) => {
                let number = place.line.to_string();
                let (margin, width) = (" ".repeat(number.len()), place.column.min(160));
                writeln!(f, "{}:{}:{}: {}", self.path, place.line, place.column, self.message)?;
                write!(f, "  {number} | {}\n  {margin} | {:>width$}", place.text, '^')?;
            }
        }
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  {help}"))
    }
}

impl std::error::Error for ConfigError {}

/// An error that does not know its file yet.
#[derive(Debug)]
pub(super) struct Fault {
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }

    /// From the TOML reader's message; an unknown key gets the known key that is spelt most alike.
    pub fn of_toml(message: &str) -> Self {
        let message =
            message.trim().replace("unknown field", "unknown key").replace("missing field", "missing key");
        let mut named = message.split('`').skip(1).step_by(2).map(str::to_owned);
        let help = match named.next() {
            Some(wrong) if message.starts_with("unknown") => {
                let known: Vec<String> = named.collect();
                nearest(&wrong, &known).map_or_else(
                    || format!("known here: {}", known.join(", ")),
                    |right| format!("did you mean `{right}`?"),
                )
            }
            Some(name) if message.starts_with("missing") => format!("add `{name}` here"),
            _ => "correct this line; `aether-audit init` in an empty folder writes a commented example"
                .to_owned(),
        };
        let shown = if message.starts_with("unknown") { message.split(", expected").next() } else { None };
        Self { message: shown.unwrap_or(&message).to_owned(), help: Some(help) }
    }
}

/// The candidate within a third of the word's length, by Levenshtein's distance.
fn nearest<'a>(word: &str, candidates: &'a [String]) -> Option<&'a String> {
    let limit = (word.chars().count() / 3).clamp(1, 4);
    let near = candidates.iter().map(|candidate| {
        let typed: String = word.chars().take(64).collect();
        (strsim::levenshtein(&typed, candidate), candidate)
    });
    near.filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}
