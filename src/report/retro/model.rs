//! The data of a look back. Its JSON is the wire form.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::event::{ChangeType, Outcome, Risk};
use crate::core::hash::Hash;
use crate::core::name::{Label, Token};
use crate::core::retro::{Dora, Facts, Figures, Period, PersonHabit, Reconciliation};
use crate::core::time::Timestamp;

/// What the JSON says that it is.
pub const SCHEMA: &str = "https://project-aether.io/audit/retro/v1";

/// A look back over a period.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retro {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The log's origin.
    pub origin: String,
    /// Whether it is a rehearsal's log.
    pub rehearsal: bool,
    /// When it was looked at.
    pub made: Timestamp,
    /// The deployments opened in this period, the end left out.
    pub period: Period,
    /// Whether the log has all that belongs to it.
    pub population: Population,
    /// What was verified.
    pub grounds: Grounds,
    /// The deployments in the order of their opening.
    pub deployments: Vec<Deployed>,
    /// The figures.
    pub figures: Figures,
    /// What each figure means, by its name in the JSON.
    pub definitions: BTreeMap<&'static str, &'static str>,
    /// Where the times of commits come from.
    pub commit_times: String,
    /// The record held against what others say, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconciliation: Option<Reconciliation>,
}

/// Whether every number has its entry, by the store's index.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Population {
    /// How many entries.
    pub entries: u64,
    /// The newest.
    pub last_seq: u64,
    /// Deployments of all times.
    pub deployments: usize,
    /// What is missing, in words; empty where nothing is.
    pub gaps: Vec<String>,
}

/// What the facts stand on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grounds {
    /// `verified`, `checked` (no finding, but anchored by nothing from elsewhere), `partly` (entries came since, or some
    /// deployments changed), `not-verified` or `another-ledger`.
    pub state: &'static str,
    /// How many entries `verify` looked at, and found nothing in.
    pub size: Option<u64>,
    /// Their tree's root.
    pub root: Option<Hash>,
    /// When.
    pub at: Option<Timestamp>,
    /// How many deployments of the period were read anew, without their signatures being checked.
    pub read_anew: usize,
    /// For people.
    pub text: String,
}

/// One deployment of the population.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    /// Its id.
    pub id: Token,
    /// What was released.
    pub release: Label,
    /// Where to.
    pub environment: Label,
    /// The type of change.
    #[serde(rename = "type")]
    pub change_type: ChangeType,
    /// The risk.
    pub risk: Option<Risk>,
    /// The ticket.
    pub ticket: Option<Label>,
    /// The commit.
    pub commit: Option<String>,
    /// When it was committed, where that is known.
    pub committed: Option<Timestamp>,
    /// Where it stands.
    pub stage: String,
    /// How it ended, where it has.
    pub outcome: Option<Outcome>,
    /// The entry that opened it.
    pub opened_seq: u64,
    /// Its newest entry.
    pub last_seq: u64,
    /// How many entries it has.
    pub entries: u64,
    /// When it was opened.
    pub opened: Timestamp,
    /// The last go.
    pub go: Option<Timestamp>,
    /// The first traffic on Green.
    pub cutover: Option<Timestamp>,
    /// The first moment at 100 % Green.
    pub green: Option<Timestamp>,
    /// The last all-clear.
    pub all_clear: Option<Timestamp>,
    /// When the record was sealed.
    pub closed: Option<Timestamp>,
    /// How many reasons to roll back.
    pub triggers: usize,
    /// How many rollbacks.
    pub rollbacks: usize,
    /// How many requirements were waived.
    pub overrides: usize,
    /// How many reviews are recorded.
    pub reviews: u64,
    /// Whether it reached production.
    pub reached_production: bool,
    /// Whether it failed there.
    pub failed: bool,
    /// How long restoring took, in milliseconds.
    pub restored_after_ms: Option<i64>,
}

impl Deployed {
    /// Of a deployment's facts; `committed` is the time of its commit, where it is known.
    #[must_use]
    pub fn of(facts: &Facts, committed: Option<Timestamp>) -> Self {
        Self {
            id: facts.id.clone(),
            release: facts.release.clone(),
            environment: facts.environment.clone(),
            change_type: facts.change_type,
            risk: facts.risk,
            ticket: facts.ticket.clone(),
            commit: facts.commit.clone(),
            committed,
            stage: facts.stage.clone(),
            outcome: facts.outcome,
            opened_seq: facts.opened_seq,
            last_seq: facts.last_seq,
            entries: facts.entries,
            opened: facts.opened,
            go: facts.go,
            cutover: facts.cutover,
            green: facts.green,
            all_clear: facts.all_clear,
            closed: facts.closed,
            triggers: facts.triggers.len(),
            rollbacks: facts.rollbacks.len(),
            overrides: facts.overrides.len(),
            reviews: facts.reviews,
            reached_production: facts.reached_production(),
            failed: facts.failed(),
            restored_after_ms: facts.restored_after(),
        }
    }

    /// What else is to be said of it, for people.
    #[must_use]
    pub fn remarks(&self) -> String {
        let mut words = Vec::new();
        if self.failed {
            words.push("failed in production".to_owned());
        }
        if self.overrides > 0 {
            words.push(format!("{} waived", self.overrides));
        }
        if self.failed && self.reviews == 0 {
            words.push("no review recorded".to_owned());
        }
        words.join(", ")
    }

    /// How it ended or where it stands, for people.
    #[must_use]
    pub fn state(&self) -> String {
        match (self.outcome, self.closed) {
            (Some(outcome), Some(_)) => outcome.as_str().to_owned(),
            (Some(outcome), None) => format!("{}, not closed", outcome.as_str()),
            (None, Some(_)) => "closed, outcome not known".to_owned(),
            (None, None) => format!("open: {}", self.stage),
        }
    }
}

impl Retro {
    /// What each figure means, by its name.
    #[must_use]
    pub fn definitions() -> BTreeMap<&'static str, &'static str> {
        let more = [
            (
                "phases",
                "durations between two recorded moments, in seconds; median and 90th percentile, linear between ranks; a \
                 deployment that lacks one of the two moments is counted as without",
            ),
            (
                "items",
                "late: the last counted sign-off was recorded after the end that the checklist gives the item's phase, counted \
                 from the cutover; unsigned: never wholly signed in a deployment that was completed",
            ),
            ("waived", "requirements of a gate that an override waived, one by one"),
            (
                "checks",
                "flips: changes of the verdict between a pass and anything else (a failure to measure included) from one reading to \
                 the next; flapped: deployments with three flips or more",
            ),
            ("people", PersonHabit::DEFINITION),
            ("reconciliation", Reconciliation::DEFINITION),
        ];
        Dora::DEFINITIONS.into_iter().chain(more).collect()
    }
}

/// Seconds for people: `42 s`, `12 min`, `3 h 05 min`, `2 d 4 h`.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn human_seconds(seconds: f64) -> String {
    let whole = seconds.round() as i64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    match whole {
        ..120 => format!("{whole} s"),
        120..3600 => format!("{minutes} min {:02} s", whole % 60),
        3600..86_400 => format!("{hours} h {minutes:02} min"),
        _ => format!("{days} d {hours} h"),
    }
}
