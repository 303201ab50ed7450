//! CloudWatch Logs: whether errors come faster than the hour before, and whether somebody wrote what nobody should.
//!
//! No text of a log leaves here: counts do, names of rules, and a salted hash of each finding.

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Answer, EvidenceError, Observation, Request, Source, json_response};
use crate::core::check::{AwsSettings, Decimal, LogsProbe, MAX_POINTS, Point, Search, Window};
use crate::core::hash::Hash;
use crate::core::leak::leaks;
use crate::core::time::Timestamp;
use crate::remote::aws::{Connection, logs};

/// So many findings are told apart; beyond them only counts go on.
const MAX_FINDINGS: usize = 1000;

/// Some log groups.
#[derive(Clone, Debug)]
pub struct Logs {
    probe: LogsProbe,
    aws: AwsSettings,
}

impl Logs {
    /// Looks at what `probe` names, reached by `aws`.
    #[must_use]
    pub const fn new(probe: LogsProbe, aws: AwsSettings) -> Self {
        Self { probe, aws }
    }

    /// Gives every matching event to `take`.
    fn each(
        &self,
        connection: &Connection,
        pattern: &str,
        window: Window,
        take: &mut dyn FnMut(Timestamp, &str) -> bool,
    ) -> Result<(), EvidenceError> {
        for group in &self.probe.groups {
            if !logs::events(connection, group, pattern, window, take)? {
                return Err(EvidenceError::TooManyEvents { group: group.clone() });
            }
        }
        Ok(())
    }

    fn errors(
        &self,
        connection: &Connection,
        window: Window,
        (pattern, max_ratio, min_events): (&str, &Decimal, u32),
    ) -> Result<Observation, EvidenceError> {
        // Where nothing at all was written there is nothing to compare: perhaps nobody writes any more.
        let mut written = false;
        self.each(connection, "", window, &mut |_, _| {
            written = true;
            false
        })?;
        let before = Window { from: window.from.plus_seconds(-3600), to: window.from, period: window.period };
        let mut earlier = 0_u32;
        self.each(connection, pattern, before, &mut |_, _| {
            earlier = earlier.saturating_add(1);
            true
        })?;
        let (mut count, mut periods) = (0_u32, BTreeMap::new());
        let period = i64::from(window.period.max(1)) * 1000;
        self.each(connection, pattern, window, &mut |at, _| {
            count = count.saturating_add(1);
            *periods.entry((at.millis() - window.from.millis()) / period).or_insert(0_u32) += 1;
            true
        })?;
        let seconds = (window.to.millis() - window.from.millis()) / 1000;
        let minutes = f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) / 60.0;
        let (rate, usual) = (f64::from(count) / minutes, f64::from(earlier) / 60.0);
        let many = count >= min_events && rate > usual * max_ratio.to_f64();
        let answer = match (written, many) {
            (_, true) => Answer::No,
            (true, false) => Answer::Yes,
            (false, false) => Answer::Unknown,
        };
        let whole = (window.to.millis() - window.from.millis()) / period;
        let points = (0..whole)
            .filter(|_| written)
            .take(MAX_POINTS)
            .map(|at| Point {
                at: Timestamp::from_millis(window.from.millis() + at * period).unwrap_or(window.from),
                value: Decimal::from(periods.get(&at).copied().unwrap_or_default()),
            })
            .collect();
        let note = if written {
            format!(
                "{count} in {minutes} minutes ({rate:.2} a minute), {usual:.2} a minute in the hour before"
            )
        } else {
            "insufficient: nothing was written to these groups".to_owned()
        };
        let response = json!({ "pattern": pattern, "window": window, "count": count, "hourBefore": earlier });
        Ok(Observation {
            points,
            answer: Some(answer),
            response: json_response(&response),
            note: Some(note),
            ..Observation::default()
        })
    }

    fn sensitive(
        &self,
        connection: &Connection,
        window: Window,
        except: &[String],
    ) -> Result<Observation, EvidenceError> {
        let mut salt = [0_u8; 16];
        getrandom::fill(&mut salt).map_err(|error| std::io::Error::other(error.to_string()))?;
        let (mut events, mut counts, mut findings) = (0_u64, BTreeMap::new(), BTreeMap::new());
        self.each(connection, "", window, &mut |_, text| {
            events += 1;
            for leak in leaks(text, except) {
                *counts.entry(leak.rule).or_insert(0_u64) += 1;
                let hash = salted(&salt, text.get(leak.at).unwrap_or_default());
                if findings.len() < MAX_FINDINGS || findings.contains_key(&(leak.rule, hash)) {
                    *findings.entry((leak.rule, hash)).or_insert(0_u64) += 1;
                }
            }
            true
        })?;
        let answer = match (counts.is_empty(), events) {
            (false, _) => Answer::No,
            (true, 0) => Answer::Unknown,
            (true, _) => Answer::Yes,
        };
        let found: Vec<_> = counts.iter().map(|(rule, count)| format!("{count} {rule}")).collect();
        let note = match answer {
            Answer::Unknown => "insufficient: nothing was written to these groups".to_owned(),
            _ => format!(
                "{events} events, found: {}",
                if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
            ),
        };
        // The salt goes with this reading: whoever has the record cannot try out card numbers.
        let rows: Vec<_> = findings
            .iter()
            .map(|((rule, hash), count)| json!({ "rule": rule, "saltedSha256": hash, "count": count }))
            .collect();
        let response = json!({ "window": window, "events": events, "counts": counts, "findings": rows });
        Ok(Observation {
            samples: Some(events),
            answer: Some(answer),
            response: json_response(&response),
            note: Some(note),
            ..Observation::default()
        })
    }
}

impl Source for Logs {
    fn query(&self) -> String {
        let groups = &self.probe.groups;
        match &self.probe.search {
            Search::Errors { pattern, max_ratio, min_events } => json!({
                "action": "FilterLogEvents", "groups": groups, "pattern": pattern, "maxRatio": max_ratio,
                "minEvents": min_events,
            }),
            Search::Sensitive { except } => {
                json!({ "action": "FilterLogEvents", "groups": groups, "sensitive": true, "except": except })
            }
        }
        .to_string()
    }

    fn statistic(&self) -> Option<String> {
        matches!(self.probe.search, Search::Errors { .. }).then(|| "count".to_owned())
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let connection = Connection::open(&self.aws)?;
        match &self.probe.search {
            Search::Errors { pattern, max_ratio, min_events } => {
                self.errors(&connection, request.window, (pattern, max_ratio, *min_events))
            }
            Search::Sensitive { except } => self.sensitive(&connection, request.window, except),
        }
    }
}

fn salted(salt: &[u8; 16], text: &str) -> Hash {
    Hash(Sha256::new().chain_update(salt).chain_update(text).finalize().into())
}
