//! The control mapping: which controls a record speaks for, derived from its data and from nothing else.
//!
//! Controls and their criteria stand in `templates/controls.toml`; what a criterion asks of a record stands in [`facts`].

mod facts;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::model::Report;

pub use facts::Criterion;

/// A control of a framework and the facts that speak for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// A token of its own, as an OSCAL catalog has it: `cm-3`.
    pub id: String,
    /// The framework and its edition.
    pub framework: String,
    /// Its number there.
    pub number: String,
    /// What it is about, in short.
    pub title: String,
    /// What a record must show.
    pub criteria: Vec<Criterion>,
}

/// How far a record speaks for a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every criterion holds.
    Evidenced,
    /// Some do.
    Partly,
    /// None does, or nothing real was deployed.
    NotEvidenced,
}

impl Verdict {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidenced => "evidenced",
            Self::Partly => "partly",
            Self::NotEvidenced => "not evidenced",
        }
    }
}

/// What a record shows for one criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Judged {
    /// Which.
    pub criterion: Criterion,
    /// Whether it holds.
    pub holds: bool,
    /// The entries that this rests on, ascending; where it does not hold, the ones that speak against it, if any.
    pub entries: Vec<u64>,
}

impl Judged {
    /// The entries for people: `0–40, 52`.
    #[must_use]
    pub fn ranges(&self) -> String {
        let runs = self.entries.chunk_by(|a, b| a + 1 == *b);
        let told = runs.filter_map(|run| match run {
            [] => None,
            [one] => Some(one.to_string()),
            [first, .., last] => Some(format!("{first}–{last}")),
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

/// A control with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mapped {
    /// As in [`Control`].
    pub id: String,
    /// As in [`Control`].
    pub framework: String,
    /// As in [`Control`].
    pub number: String,
    /// As in [`Control`].
    pub title: String,
    /// How far the record speaks for it.
    pub verdict: Verdict,
    /// Criterion by criterion, in the mapping's order.
    pub criteria: Vec<Judged>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    control: Vec<Control>,
}

/// The mapping as it was compiled in; a unit test holds it to be readable.
static CONTROLS: LazyLock<Vec<Control>> = LazyLock::new(|| {
    let read = toml::from_str::<Mapping>(include_str!("../../../templates/controls.toml"));
    read.map(|mapping| mapping.control).unwrap_or_default()
});

/// Every control with its verdict by the other data of a report, in the mapping's order. A rehearsal is evidence for
/// none.
#[must_use]
pub fn mapped(report: &Report) -> Vec<Mapped> {
    let judge = |criterion: &Criterion| {
        let (holds, mut entries) = criterion.of(report);
        entries.sort_unstable();
        entries.dedup();
        Judged { criterion: *criterion, holds, entries }
    };
    let map = |control: &'static Control| {
        let criteria: Vec<_> = control.criteria.iter().map(judge).collect();
        let holding = criteria.iter().filter(|judged| judged.holds).count();
        let verdict = match holding {
            _ if report.rehearsal => Verdict::NotEvidenced,
            0 => Verdict::NotEvidenced,
            all if all == criteria.len() => Verdict::Evidenced,
            _ => Verdict::Partly,
        };
        let Control { id, framework, number, title, .. } = control.clone();
        Mapped { id, framework, number, title, verdict, criteria }
    };
    CONTROLS.iter().map(map).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mapping_is_readable_and_every_control_stands_once() {
        let mapping: Mapping = toml::from_str(include_str!("../../../templates/controls.toml")).unwrap();
        let mut ids: Vec<_> = mapping.control.iter().map(|control| control.id.clone()).collect();
        assert_eq!(ids.len(), 7);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 7);
        assert!(mapping.control.iter().all(|control| !control.criteria.is_empty()));
    }

    #[test]
    fn entries_are_told_as_ranges() {
        let entries = vec![0, 1, 2, 5, 7, 8];
        let judged = Judged { criterion: Criterion::SignaturesValid, holds: true, entries };
        assert_eq!(judged.ranges(), "0–2, 5, 7–8");
    }
}
