//! Values with a place, and the few shapes that they take.

use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use toml::Spanned;

use super::error::Fault;
use crate::core::time::Timestamp;

/// A fault and the bytes of the file that it stands at.
#[derive(Debug)]
pub struct Located {
    pub span: Range<usize>,
    pub fault: Fault,
}

impl Located {
    pub fn new(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { span, fault: Fault::new(message, help) }
    }
}

/// `[a-z0-9][a-z0-9.-]{0,63}`
pub fn id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 64
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || matches!(byte, b'.' | b'-'))
}

pub fn optional_number(
    raw: Option<&Spanned<i64>>,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, Located> {
    let Some(raw) = raw else { return Ok(None) };
    if let Some(number) = u32::try_from(*raw.get_ref()).ok().filter(|number| range.contains(number)) {
        return Ok(Some(number));
    }
    let help = format!("write a number from {} to {}", range.start(), range.end());
    Err(Located::new(raw.span(), format!("{} is out of range", raw.get_ref()), help))
}

pub fn optional_parsed<T: FromStr<Err: std::fmt::Display>>(
    raw: Option<&Spanned<String>>,
    help: &str,
) -> Result<Option<T>, Located> {
    raw.map(|raw| {
        raw.get_ref().parse().map_err(|error: T::Err| Located::new(raw.span(), error.to_string(), help))
    })
    .transpose()
}

/// A day such as `2026-06-30`, or a time as it stands in records.
pub fn moment(raw: Option<&Spanned<String>>) -> Result<Option<Timestamp>, Located> {
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get_ref();
    let time = Timestamp::parse(text).or_else(|_| Timestamp::parse(&format!("{text}T00:00:00.000Z")));
    let help = "write a day such as \"2026-06-30\", or a time such as \"2026-06-30T02:04:11.120Z\"";
    time.map(Some).map_err(|_| Located::new(raw.span(), "not a day or a time", help))
}

/// A key that this check cannot do without.
pub fn needed<'a, T>(
    value: Option<&'a Spanned<T>>,
    name: &str,
    span: &Range<usize>,
) -> Result<&'a Spanned<T>, Located> {
    value.ok_or_else(|| {
        let help = if name.starts_with('[') { format!("add {name}") } else { format!("add {name} = …") };
        Located::new(span.clone(), format!("this check has no `{name}`"), help)
    })
}

pub fn web_address(raw: &Spanned<String>) -> Result<String, Located> {
    let url = raw.get_ref();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match rest {
        None => Err(Located::new(raw.span(), "not an http or https URL", "write the scheme too: https://…")),
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => Err(Located::new(
            raw.span(),
            "a URL without a host",
            "write something like https://app.example.com/health",
        )),
        Some(_) if url.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Err(Located::new(raw.span(), "a URL with a space in it", "write spaces as %20"))
        }
        Some(_) => Ok(url.clone()),
    }
}

pub fn pattern(raw: Option<&Spanned<String>>) -> Result<Option<String>, Located> {
    let Some(raw) = raw else { return Ok(None) };
    match regex_lite::Regex::new(raw.get_ref()) {
        Ok(_) => Ok(Some(raw.get_ref().clone())),
        Err(error) => {
            let help = "patterns are regular expressions; write them in 'single quotes'";
            Err(Located::new(raw.span(), format!("not a pattern: {error}"), help))
        }
    }
}

/// A path that is not empty.
pub fn filled(path: Spanned<String>, help: &str) -> Result<String, Located> {
    if path.get_ref().trim().is_empty() {
        return Err(Located::new(path.span(), "an empty path", help));
    }
    Ok(path.into_inner())
}

/// Where a token is sent: over TLS, or not beyond this machine. Without a slash at its end.
pub fn token_address(raw: &Spanned<String>) -> Result<String, Located> {
    let url = web_address(raw)?;
    let rest = url.strip_prefix("http://").map(|rest| rest.split(['/', ':']).next().unwrap_or_default());
    if rest.is_some_and(|host| !matches!(host, "127.0.0.1" | "localhost")) {
        let help = "write https://…: a token over plain HTTP can be read by everybody on the way";
        return Err(Located::new(raw.span(), "an address for a token over plain HTTP", help));
    }
    if url.contains(['?', '#', '@']) {
        let help = "write it without user and query; the token comes from the environment";
        return Err(Located::new(raw.span(), "more than the address of an API", help));
    }
    Ok(url.trim_end_matches('/').to_owned())
}
