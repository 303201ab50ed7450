//! The record in other people's formats: events in, bytes out, like every other rendering.

mod bundle;
mod cdevents;
mod csv;
mod oscal;
mod uuid;

use super::model::Report;
use super::{Input, ReportError};
use crate::core::entry::Entry;
use crate::core::name::Token;

/// A format that a record can be given in besides its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// OSCAL 1.2.1 assessment results, JSON.
    Oscal,
    /// CDEvents 0.5.0, one event a line.
    CdEvents,
    /// The events as a table, RFC 4180.
    Csv,
    /// The signed statements: an in-toto attestation bundle, one DSSE envelope a line.
    Bundle,
}

impl Format {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Oscal, Self::CdEvents, Self::Csv, Self::Bundle];

    /// Its file in a record.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Oscal => "report.oscal.json",
            Self::CdEvents => "report.cdevents.jsonl",
            Self::Csv => "report.events.csv",
            Self::Bundle => "report.bundle.jsonl",
        }
    }

    /// Renders it. `report` is what [`report`](super::report()) made of the same `input`; `entries` are the deployment's
    /// as they are stored, of which `input` keeps no envelopes.
    ///
    /// # Errors
    /// Where something cannot be written as JSON.
    pub fn render(self, input: &Input, report: &Report, entries: &[Entry]) -> Result<String, ReportError> {
        Ok(match self {
            Self::Oscal => oscal::oscal(input, report)?,
            Self::CdEvents => cdevents::cdevents(input, report)?,
            Self::Csv => csv::csv(input),
            Self::Bundle => bundle::bundle(entries, &input.deployment.id)?,
        })
    }
}

/// A deployment's own entries, in `seq` order.
fn own<'a>(entries: &'a [Entry], id: &'a Token) -> impl Iterator<Item = &'a Entry> {
    entries.iter().filter(move |entry| entry.statement.predicate.deployment.as_ref() == Some(id))
}
