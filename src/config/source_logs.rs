//! `[check.logs]`: what log groups must not hold, or not more of than the hour before.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::raw::Check;
use super::value::{Located, needed, optional_number};
use crate::core::check::{Decimal, LogsProbe, Probe, Search};
use crate::core::leak::RULES;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Raw {
    pub groups: Spanned<Vec<String>>,
    pub errors: Option<Spanned<String>>,
    pub max_ratio: Option<Spanned<String>>,
    pub min_events: Option<Spanned<i64>>,
    pub sensitive: Option<Spanned<bool>>,
    #[serde(default)]
    pub except: Vec<Spanned<String>>,
}

pub fn probe(raw: &Check, span: &Range<usize>) -> Result<(Probe, String), Located> {
    let own = needed(raw.logs.as_ref(), "[check.logs]", span)?;
    let at = own.span();
    let own = own.get_ref();
    let groups = own.groups.get_ref().clone();
    let fits = |name: &String| {
        (1..=512).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte))
    };
    if groups.is_empty() || groups.len() > 20 || !groups.iter().all(fits) {
        let help = "write 1 to 20 names, such as [\"/aether/prod/app\"]";
        return Err(Located::new(own.groups.span(), "not a list of log groups", help));
    }
    let wanted = own.sensitive.as_ref().is_some_and(|sensitive| *sensitive.get_ref());
    let (search, expect) = match (&own.errors, wanted) {
        (Some(pattern), false) => (errors(own, pattern)?, "no more errors than the hour before".to_owned()),
        (None, true) => (sensitive(own)?, "nothing sensitive".to_owned()),
        _ => {
            let help = "write either errors = \"?ERROR ?Exception\", or sensitive = true";
            return Err(Located::new(at, "what is looked for?", help));
        }
    };
    let expect = format!("{expect} in {}", groups.join(", "));
    Ok((Probe::Logs(LogsProbe { groups, search }), expect))
}

fn errors(own: &Raw, pattern: &Spanned<String>) -> Result<Search, Located> {
    if pattern.get_ref().trim().is_empty() || pattern.get_ref().len() > 1024 {
        let help = "write what errors look like, such as \"?ERROR ?Exception\"";
        return Err(Located::new(pattern.span(), "not a filter pattern of 1 to 1024 bytes", help));
    }
    if let Some(rule) = own.except.first() {
        return Err(Located::new(rule.span(), "rules belong to sensitive = true", "leave `except` out"));
    }
    let max_ratio = match &own.max_ratio {
        None => Decimal::from(2),
        Some(text) => {
            let parsed = text.get_ref().parse().ok().filter(|ratio: &Decimal| ratio.to_f64() >= 1.0);
            let help = "write a string such as \"2\"";
            parsed.ok_or_else(|| Located::new(text.span(), "not a factor of 1 or more", help))?
        }
    };
    let min_events = optional_number(own.min_events.as_ref(), 1..=1_000_000)?.unwrap_or(10);
    Ok(Search::Errors { pattern: pattern.get_ref().clone(), max_ratio, min_events })
}

fn sensitive(own: &Raw) -> Result<Search, Located> {
    let foreign = own.max_ratio.as_ref().map(Spanned::span).or(own.min_events.as_ref().map(Spanned::span));
    if let Some(place) = foreign {
        let help = "leave it out: one finding is too many";
        return Err(Located::new(place, "this belongs to `errors`", help));
    }
    let known = |rule: &&Spanned<String>| !RULES.iter().any(|known| known.name == rule.get_ref());
    if let Some(rule) = own.except.iter().find(known) {
        let all: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        let help = format!("the rules are: {}", all.join(", "));
        return Err(Located::new(rule.span(), format!("no rule is called `{}`", rule.get_ref()), help));
    }
    Ok(Search::Sensitive { except: own.except.iter().map(|rule| rule.get_ref().clone()).collect() })
}
