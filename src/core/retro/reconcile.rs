//! The record held against what others say was deployed.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Facts;
use crate::core::name::{Label, Token};
use crate::core::time::Timestamp;

/// A change of DNS belongs to a recorded movement of the same service's traffic that is at most so many seconds away.
pub const NEAR_SECONDS: i64 = 600;

/// Something that was deployed, or switched, as others say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Foreign {
    /// Who says so: `github`, `route53` or `list`.
    pub source: &'static str,
    /// Its name there.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// For people.
    pub what: String,
    /// The commit, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The release, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The service whose traffic was moved, for a change of DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// What became of holding one source against the record.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Which.
    pub source: &'static str,
    /// `whole`, `partly`, `failed` or `not-asked`.
    pub state: &'static str,
    /// How many deployments or changes it has of the period.
    pub found: usize,
    /// For people.
    pub text: String,
}

/// The record beside the others' lists.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    /// Deployed or switched, and in no record.
    pub unrecorded: Vec<Foreign>,
    /// What was asked, and how far.
    pub sources: Vec<Asked>,
    /// How many of the others' are in the record.
    pub matched: usize,
    /// Recorded as having reached production, and in none of the lists that were read.
    pub only_recorded: Vec<Token>,
}

impl Reconciliation {
    /// How they are matched, in words.
    pub const DEFINITION: &'static str = "a workflow run is recorded where a stage names it (id or id/attempt), or where it began while \
        a record of its commit was open; a change of DNS where a movement of the same service's traffic is recorded within ten \
        minutes of it; a line of a list by the deployment's id, else by its commit, else by its release on a day on which the \
        record was open";

    /// Whether every source was read whole.
    #[must_use]
    pub fn whole(&self) -> bool {
        !self.sources.is_empty() && self.sources.iter().all(|asked| asked.state == "whole")
    }
}

/// Holds what others say against the deployments of all times.
#[must_use]
pub fn reconcile(
    deployments: &[&Facts],
    of_period: &[&Facts],
    foreign: Vec<Foreign>,
    sources: Vec<Asked>,
) -> Reconciliation {
    let mut seen = BTreeSet::new();
    let mut matched = 0;
    let mut unrecorded = Vec::new();
    for one in foreign {
        let found: Vec<&&Facts> = deployments.iter().filter(|facts| belongs(facts, &one)).collect();
        if found.is_empty() {
            unrecorded.push(one);
        } else {
            matched += 1;
            seen.extend(found.into_iter().map(|facts| facts.id.clone()));
        }
    }
    unrecorded.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
    let live = of_period.iter().filter(|facts| facts.reached_production());
    let only = live.map(|facts| facts.id.clone()).filter(|id| !seen.contains(id));
    let read = sources.iter().any(|asked| matches!(asked.state, "whole" | "partly"));
    let only_recorded = if read { only.collect() } else { Vec::new() };
    Reconciliation { unrecorded, sources, matched, only_recorded }
}

fn belongs(facts: &Facts, one: &Foreign) -> bool {
    match one.source {
        "github" => {
            let names = |label: &Label| {
                let label: &str = label.as_ref();
                label == one.id || label.split('/').next() == one.id.split('/').next()
            };
            facts.runs.iter().any(names)
                || (same(one.commit.as_deref(), facts.commit.as_deref()) && open(facts, one.at))
        }
        "route53" => facts.shifts.iter().any(|shift| {
            let service: &str = shift.service.as_ref();
            let apart = (shift.at.millis() - one.at.millis()).abs();
            one.service.as_deref() == Some(service) && apart <= NEAR_SECONDS * 1000
        }),
        _ if one.id == facts.id.as_str() => true,
        _ if one.commit.is_some() => same(one.commit.as_deref(), facts.commit.as_deref()),
        _ => {
            let release: &str = facts.release.as_ref();
            let day = |at: Timestamp| at.millis().div_euclid(86_400_000);
            let until = facts.closed.map_or(i64::MAX, day);
            one.release.as_deref() == Some(release) && (day(facts.opened)..=until).contains(&day(one.at))
        }
    }
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_some() && one == other
}

/// Others round down to the second.
fn open(facts: &Facts, at: Timestamp) -> bool {
    at.plus_seconds(1) > facts.opened && facts.closed.is_none_or(|closed| at <= closed)
}
