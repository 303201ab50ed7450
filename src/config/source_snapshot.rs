//! `[check.snapshot]`: the newest snapshot of a database, and whether it could be restored. `[[database]]`: which there are.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::raw::Check;
use super::value::{Located, moment, needed, optional_number};
use crate::core::check::{Database, Probe, SnapshotProbe};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Raw {
    pub database: Spanned<String>,
    pub max_age_minutes: Option<Spanned<i64>>,
    pub encrypted: Option<bool>,
    #[serde(default)]
    pub restore: bool,
    pub restore_tested: Option<Spanned<String>>,
    pub restore_test_days: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RawDatabase {
    pub id: Spanned<String>,
    #[serde(default)]
    pub cluster: bool,
}

pub fn databases(raw: Vec<RawDatabase>) -> Result<Vec<Database>, Located> {
    let mut all: Vec<Database> = vec![];
    for one in raw {
        let id = one.id.get_ref();
        let begins = id.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let fits = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !begins || !fits || id.len() > 63 || id.ends_with('-') || id.contains("--") {
            let help = "write the identifier that RDS shows: letters, digits and single hyphens, up to 63";
            return Err(Located::new(one.id.span(), format!("`{id}` is no database identifier"), help));
        }
        // RDS keeps identifiers in lower case.
        let id = id.to_ascii_lowercase();
        if all.iter().any(|other| other.id == id) {
            return Err(Located::new(one.id.span(), format!("two databases are called `{id}`"), "keep one"));
        }
        all.push(Database { id, cluster: one.cluster });
    }
    Ok(all)
}

pub fn probe(raw: &Check, span: &Range<usize>, all: &[Database]) -> Result<(Probe, String), Located> {
    let own = needed(raw.snapshot.as_ref(), "[check.snapshot]", span)?.get_ref();
    let wanted = own.database.get_ref().to_ascii_lowercase();
    let Some(database) = all.iter().find(|database| database.id == wanted) else {
        let known: Vec<_> = all.iter().map(|database| database.id.as_str()).collect();
        let help = format!("add a [[database]] with this id; there are: {}", known.join(", "));
        return Err(Located::new(own.database.span(), format!("no database is called `{wanted}`"), help));
    };
    let restore_tested = moment(own.restore_tested.as_ref())?;
    let restore_test_days = optional_number(own.restore_test_days.as_ref(), 1..=3650)?;
    if let (Some(days), None) = (&own.restore_test_days, restore_tested) {
        let help = "add restore-tested = \"2026-06-30\", the day of the last one";
        return Err(Located::new(days.span(), "when was a restore tested?", help));
    }
    let max_age_minutes = optional_number(own.max_age_minutes.as_ref(), 1..=525_600)?.unwrap_or(120);
    let encrypted = own.encrypted.unwrap_or(true);
    let kept = if encrypted { ", encrypted" } else { "" };
    let expect = format!("a snapshot of {wanted} of the last {max_age_minutes} minutes, available{kept}");
    let probe = SnapshotProbe {
        database: database.clone(),
        max_age_minutes,
        encrypted,
        restore: own.restore,
        restore_tested,
        restore_test_days,
    };
    Ok((Probe::Snapshot(probe), expect))
}
