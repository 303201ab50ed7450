//! Placeholders: what earlier steps saved, and the environment. Their values are never recorded.

use std::collections::BTreeMap;

/// Why a placeholder cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfilled {
    /// No earlier step has saved it.
    Unsaved(String),
    /// The environment does not have it.
    Unset(String),
}

/// `text` with each `{name}` and `{env:NAME}` filled; any other brace stays as it is.
///
/// # Errors
/// The first that has no value.
pub fn fill(text: &str, saved: &BTreeMap<String, String>) -> Result<String, Unfilled> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let inside = rest[at + 1..].split_once('}').map(|(inside, _)| inside);
        match inside {
            Some(name) if is_saved(name) => {
                out.push_str(saved.get(name).ok_or_else(|| Unfilled::Unsaved(name.to_owned()))?);
            }
            Some(name) if is_variable(name) => {
                let value = std::env::var(&name[4..]);
                out.push_str(&value.map_err(|_| Unfilled::Unset(name[4..].to_owned()))?);
            }
            _ => {
                out.push('{');
                rest = &rest[at + 1..];
                continue;
            }
        }
        rest = &rest[at + 2 + inside.map_or(0, str::len)..];
    }
    out.push_str(rest);
    Ok(out)
}

fn is_saved(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(fits)
}

fn is_variable(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.strip_prefix("env:").is_some_and(|name| !name.is_empty() && name.bytes().all(fits))
}

/// Fills every string of a value.
///
/// # Errors
/// As [`fill`].
pub fn fill_value(value: &mut toml::Value, saved: &BTreeMap<String, String>) -> Result<(), Unfilled> {
    match value {
        toml::Value::String(text) => *text = fill(text, saved)?,
        toml::Value::Array(all) => all.iter_mut().try_for_each(|one| fill_value(one, saved))?,
        toml::Value::Table(all) => all.iter_mut().try_for_each(|(_, one)| fill_value(one, saved))?,
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        let saved = BTreeMap::from([("token".to_owned(), "{token}abc".to_owned())]);
        for (text, filled) in [
            ("Bearer {token}", "Bearer {token}abc"),
            ("{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1}}"),
            ("{ token } {} {", "{ token } {} {"),
            ("{{token}}", "{{token}abc}"),
            ("", ""),
        ] {
            assert_eq!(fill(text, &saved).unwrap(), filled, "{text}");
        }
        assert_eq!(fill("/{id}", &saved), Err(Unfilled::Unsaved("id".to_owned())));
        assert_eq!(
            fill("{env:AETHER_AUDIT_UNSET_HERE}", &saved),
            Err(Unfilled::Unset("AETHER_AUDIT_UNSET_HERE".to_owned()))
        );
    }
}
