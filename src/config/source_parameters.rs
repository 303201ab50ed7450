//! `[check.parameters]`: what must be in Parameter Store.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::raw::Check;
use super::value::{Located, moment, needed, optional_number};
use crate::core::check::{Expected, ParametersProbe, Probe};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Raw {
    pub path: Spanned<String>,
    #[serde(default)]
    pub expected: Vec<Spanned<String>>,
    pub manifest: Option<Spanned<String>>,
    #[serde(default)]
    pub allow_unexpected: bool,
    pub max_age_days: Option<Spanned<i64>>,
    pub since: Option<Spanned<String>>,
    pub allow_changes: Option<bool>,
}

pub fn probe(raw: &Check, span: &Range<usize>) -> Result<(Probe, String), Located> {
    let own = needed(raw.parameters.as_ref(), "[check.parameters]", span)?;
    let at = own.span();
    let own = own.get_ref();
    let path = own.path.get_ref().clone();
    let fits = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !path.starts_with('/') || !path.chars().all(fits) {
        let help = "write it from its beginning, such as \"/aether/prod/\"";
        return Err(Located::new(own.path.span(), "not a path of parameters", help));
    }
    let mut expected = vec![];
    for line in &own.expected {
        let help = "write \"DATABASE_URL\" or \"DATABASE_URL SecureString\"";
        let one = Expected::parse(line.get_ref(), &path).ok_or_else(|| {
            Located::new(line.span(), "not a parameter's name, with or without a type", help)
        })?;
        expected.push(one);
    }
    let manifest = own.manifest.as_ref();
    if let Some(empty) = manifest.filter(|manifest| manifest.get_ref().trim().is_empty()) {
        return Err(Located::new(empty.span(), "an empty path", "name the file of expected parameters"));
    }
    if expected.is_empty() && manifest.is_none() {
        let help = "add expected = [\"DATABASE_URL\"] or manifest = \"parameters.txt\"";
        return Err(Located::new(at, "nothing is expected to be there", help));
    }
    let what = manifest.map_or(format!("{} parameters", expected.len()), |file| {
        format!("the parameters of {}", file.get_ref())
    });
    let expect = format!("{what} below {path}");
    let probe = ParametersProbe {
        path,
        expected,
        manifest: manifest.map(|manifest| manifest.get_ref().clone()),
        allow_unexpected: own.allow_unexpected,
        max_age_days: optional_number(own.max_age_days.as_ref(), 1..=3650)?,
        since: moment(own.since.as_ref())?,
        allow_changes: own.allow_changes.unwrap_or(true),
    };
    Ok((Probe::Parameters(probe), expect))
}
