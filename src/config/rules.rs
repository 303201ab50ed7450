//! How the readings of a check add up: `trigger-after`, `errors-after`, `missing`, `trigger`.

use toml::Spanned;

use super::raw::Check as Raw;
use super::value::{Located, optional_number};
use crate::core::check::{MissingData, Rules, TriggerAfter};
use crate::core::event::Trigger;

/// So many failures to measure in a row make a check `error`, unless it says otherwise.
const ERRORS_AFTER: u32 = 3;

pub fn rules(raw: &Raw) -> Result<Rules, Located> {
    Ok(Rules {
        errors_after: optional_number(raw.errors_after.as_ref(), 1..=60)?.unwrap_or(ERRORS_AFTER),
        missing: raw.missing.as_ref().map(|given| missing(raw, given)).transpose()?.flatten(),
        trigger: raw.trigger.as_ref().map(trigger).transpose()?,
        trigger_after: raw.trigger_after.as_ref().map(|given| trigger_after(raw, given)).transpose()?,
    })
}

fn missing(raw: &Raw, given: &Spanned<String>) -> Result<Option<MissingData>, Located> {
    let meaning = match given.get_ref().as_str() {
        "unknown" => return Ok(None),
        "breaching" => return Ok(Some(MissingData::Breaching)),
        "not-breaching" => MissingData::NotBreaching,
        "ignore" => MissingData::Ignore,
        other => {
            let help = "write \"unknown\", \"breaching\", \"not-breaching\" or \"ignore\"";
            return Err(Located::new(given.span(), format!("`{other}` says nothing of missing data"), help));
        }
    };
    if raw.min_requests.is_some() || raw.divide_by.is_some() {
        let help = "leave it out, or write \"breaching\"";
        return Err(Located::new(given.span(), "no requests prove nothing: they are no data", help));
    }
    Ok(Some(meaning))
}

fn trigger(given: &Spanned<String>) -> Result<Trigger, Located> {
    Ok(match given.get_ref().as_str() {
        "error-rate" => Trigger::ErrorRate,
        "unresponsive" => Trigger::Unresponsive,
        "database" => Trigger::Database,
        "security" => Trigger::Security,
        "business" => Trigger::Business,
        other => {
            let help = "write error-rate, unresponsive, database, security or business, or leave it out";
            return Err(Located::new(given.span(), format!("`{other}` is no rollback criterion"), help));
        }
    })
}

fn trigger_after(raw: &Raw, given: &Spanned<String>) -> Result<TriggerAfter, Located> {
    if raw.rollback.is_none() {
        let help = "add rollback = \"> 1\"; `on-fail` fires at once";
        return Err(Located::new(given.span(), "nothing to count: no rollback limit is set", help));
    }
    TriggerAfter::parse(given.get_ref()).ok_or_else(|| {
        let help = format!("write it as \"2 of 3\", of at most {}", TriggerAfter::MOST);
        Located::new(given.span(), "not so many of so many", help)
    })
}
