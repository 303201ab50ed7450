//! What an entry says, in words: for people who look at it, cosign it or join it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::statement::Signer;
use crate::core::time::Timestamp;

/// Of a longer text so many lines are shown.
const LINES: usize = 12;

/// `alice as lead-deployer and bob as comms-lead`; a key that no roster had, by its id.
pub fn signers(signers: &[Signer], log: &Log) -> String {
    let one = |signer: &Signer| {
        let known = log.keys.get(&signer.key).map(|known| known.person.to_string());
        format!("{} as {}", known.unwrap_or_else(|| format!("key {}", signer.key.short())), signer.role)
    };
    signers.iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// How many minutes after its signing a statement was recorded; `None` below two.
pub fn delay(signed: Timestamp, recorded: Timestamp) -> Option<i64> {
    Some((recorded.millis() - signed.millis()) / 60_000).filter(|minutes| *minutes >= 2)
}

/// The members of a body, one a line; `opened` gives what an opening holds, or why it is not there.
pub fn members(body: &Value, opened: &dyn Fn(&Hash) -> String) -> String {
    let mut text = String::new();
    put(&mut text, body, 1, opened);
    text
}

fn put(text: &mut String, value: &Value, depth: usize, opened: &dyn Fn(&Hash) -> String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let nested = value.is_object() || value.is_array();
                let name = if nested { name.clone() } else { format!("{name:<12}") };
                let _ = write!(text, "{indent}{name}");
                put_value(text, value, depth, opened);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(line) = flat(item) {
                    let _ = writeln!(text, "{indent}- {line}");
                } else {
                    let _ = write!(text, "{indent}[{index}]");
                    put_value(text, item, depth, opened);
                }
            }
        }
        scalar => {
            let _ = writeln!(text, "{indent}{}", plain(scalar));
        }
    }
}

/// What stands after a name: on the same line where it fits there.
fn put_value(text: &mut String, value: &Value, depth: usize, opened: &dyn Fn(&Hash) -> String) {
    if let Some((commit, media_type)) = reference(value) {
        let _ = writeln!(text, " opening {commit} ({media_type})");
        let held = opened(&commit);
        let indent = "  ".repeat(depth + 1);
        for line in held.lines().take(LINES) {
            let _ = writeln!(text, "{indent}| {line}");
        }
        let more = held.lines().count().saturating_sub(LINES);
        if more > 0 {
            let _ = writeln!(text, "{indent}… {more} more lines, all of them with -o json");
        }
        return;
    }
    match value {
        Value::Object(members) if members.is_empty() => text.push_str(" none\n"),
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            let all: Vec<String> = items.iter().map(plain).collect();
            let _ = writeln!(text, " {}", if all.is_empty() { "none".into() } else { all.join(", ") });
        }
        Value::Object(_) | Value::Array(_) => {
            text.push('\n');
            put(text, value, depth + 1, opened);
        }
        scalar => {
            let _ = writeln!(text, " {}", plain(scalar));
        }
    }
}

/// A list's item on one line, where none of its members holds more than words; `None` where one does.
fn flat(item: &Value) -> Option<String> {
    let members = match item {
        Value::Object(members) if reference(item).is_none() => members,
        Value::Object(_) | Value::Array(_) => return None,
        scalar => return Some(plain(scalar)),
    };
    let member = |(name, value): (&String, &Value)| match value {
        Value::Object(_) => None,
        Value::Array(items) => {
            let words: Option<Vec<String>> = items
                .iter()
                .map(|item| (!item.is_object() && !item.is_array()).then(|| plain(item)))
                .collect();
            Some(format!("{name} {}", words?.join("+")))
        }
        scalar => Some(format!("{name} {}", plain(scalar))),
    };
    Some(members.iter().map(member).collect::<Option<Vec<String>>>()?.join(", "))
}

fn plain(scalar: &Value) -> String {
    scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned)
}

/// The commit and media type, where the value is a reference to an opening.
fn reference(value: &Value) -> Option<(Hash, &str)> {
    let members = value.as_object().filter(|members| members.len() == 2)?;
    let commit = Hash::parse(members.get("commit")?.as_str()?).ok()?;
    Some((commit, members.get("mediaType")?.as_str()?))
}

/// The bytes of an opening as text.
pub fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => format!("[{} bytes that are no text]", bytes.len()),
    }
}
