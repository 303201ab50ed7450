//! Looks up what the rest of the report needs of the record: texts, places, events outside the fold's lists.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::core::checklist::{Checklist, Item, parse};
use crate::core::deployment::{Deployment, Meta, Signatory};
use crate::core::entry::Entry;
use crate::core::event::{Class, Event};
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::name::{Id, Token};
use crate::core::opening::OpeningRef;
use crate::core::roster::PersonKind;
use crate::core::time::Timestamp;
use crate::report::model::{Held, Place, Signature, Text};
use crate::report::words;
use crate::report::{Input, Opened, ReportError};

/// Signing and recording further apart than this is shown.
const DELAY_SHOWN_SECONDS: i64 = 120;

pub(in crate::report) struct Reader<'a> {
    pub(in crate::report) input: &'a Input<'a>,
    pub(in crate::report) cutover: Option<Timestamp>,
    /// Names of people by person id.
    pub(in crate::report) names: BTreeMap<Token, OpeningRef>,
    /// Events that the fold keeps no list of, with their place: openings, assignments, governance, erasures.
    pub(in crate::report) others: Vec<(Meta, Event)>,
    /// Entries whose kind this version does not know.
    pub(in crate::report) unknown: Vec<(Meta, String)>,
    /// Where each entry stands, in the order of their statements' ids, once somebody asks.
    by_id: OnceCell<Vec<usize>>,
}

impl<'a> Reader<'a> {
    pub(in crate::report) fn new(input: &'a Input<'a>) -> Self {
        let mut reader = Self {
            input,
            cutover: input.deployment.cutover(),
            names: BTreeMap::new(),
            others: Vec::new(),
            unknown: Vec::new(),
            by_id: OnceCell::new(),
        };
        for entry in input.entries {
            reader.index(entry);
        }
        reader
    }

    fn index(&mut self, entry: &Entry) {
        let predicate = &entry.statement.predicate;
        let ours = predicate.deployment.as_ref().is_none_or(|id| *id == self.input.deployment.id);
        let kind = entry.statement.kind();
        let listed = Event::KINDS.contains(&kind)
            && !matches!(
                kind,
                "ledger-opened"
                    | "roster-changed"
                    | "key-rotated"
                    | "key-revoked"
                    | "deployment-opened"
                    | "roles-assigned"
                    | "opening-erased"
            );
        if !ours || listed {
            return;
        }
        let meta = self.meta(entry);
        match Event::parse(kind, &predicate.body) {
            Ok(event) => {
                match &event {
                    Event::LedgerOpened(body) => self.names.extend(body.names.clone()),
                    Event::RosterChanged(body) => self.names.extend(body.names.clone()),
                    _ => {}
                }
                self.others.push((meta, event));
            }
            Err(_) => self.unknown.push((meta, kind.to_owned())),
        }
    }

    /// Where an entry outside the fold's lists stands, its signers named as far as any roster knew them.
    pub(in crate::report) fn meta(&self, entry: &Entry) -> Meta {
        let predicate = &entry.statement.predicate;
        let signatory = |key: &Hash, role: &Token| {
            let known = self.log().keys.get(key)?;
            let machine = self.kind_of(&known.person) == Some(PersonKind::Machine);
            Some(Signatory { person: known.person.clone(), role: role.clone(), key: *key, machine })
        };
        Meta {
            seq: entry.line.seq,
            id: predicate.id.clone(),
            time: predicate.time,
            recorded: entry.line.recorded,
            by: predicate.signers.iter().filter_map(|s| signatory(&s.key, &s.role)).collect(),
        }
    }

    pub(in crate::report) const fn log(&self) -> &'a Log {
        self.input.log
    }

    pub(in crate::report) const fn deployment(&self) -> &'a Deployment {
        self.input.deployment
    }

    pub(in crate::report) fn rehearsal(&self) -> bool {
        self.deployment().opened.body.rehearsal || self.log().rehearsal
    }

    /// Person or machine, as the newest roster that knew them says.
    pub(in crate::report) fn kind_of(&self, person: &Token) -> Option<PersonKind> {
        let rosters = self.log().rosters.iter().rev();
        rosters.filter_map(|version| version.roster.person(person.as_str())).map(|person| person.kind).next()
    }

    /// The entry of a statement.
    pub(in crate::report) fn seq_of(&self, id: &Id) -> Option<u64> {
        let entries = self.input.entries;
        let id_at = |at: &usize| &entries[*at].statement.predicate.id;
        let by_id = self.by_id.get_or_init(|| {
            let mut places: Vec<usize> = (0..entries.len()).collect();
            places.sort_by_key(id_at);
            places
        });
        let last = by_id.partition_point(|at| id_at(at) <= id).checked_sub(1)?;
        Some(&entries[by_id[last]])
            .filter(|entry| entry.statement.predicate.id == *id)
            .map(|entry| entry.line.seq)
    }

    /// The kind of an entry.
    pub(in crate::report) fn kind_at(&self, seq: u64) -> Option<&'a str> {
        let entries = self.input.entries;
        let at = entries.binary_search_by_key(&seq, |entry| entry.line.seq).ok()?;
        entries.get(at).map(|entry| entry.statement.kind())
    }

    pub(in crate::report) fn since_cutover(&self, at: Timestamp) -> Option<i64> {
        self.cutover.map(|cutover| (at.millis() - cutover.millis()).div_euclid(1000))
    }

    pub(in crate::report) fn place(&self, meta: &Meta) -> Place {
        let delay = (meta.recorded.millis() - meta.time.millis()) / 1000;
        let one = |s: &Signatory| Signature {
            person: s.person.clone(),
            role: s.role.clone(),
            key: s.key,
            machine: s.machine,
        };
        Place {
            seq: meta.seq,
            statement: meta.id.clone(),
            recorded: meta.recorded,
            signed: meta.time,
            delay_seconds: Some(delay).filter(|delay| delay.abs() > DELAY_SHOWN_SECONDS),
            since_cutover_seconds: self.since_cutover(meta.recorded),
            by: meta.by.iter().map(one).collect(),
            not_verified: self.deployment().distrusts(meta.seq),
        }
    }

    /// A text that people wrote, as far as it is still there.
    pub(in crate::report) fn text(&self, reference: &OpeningRef) -> Text {
        let commit = reference.commit;
        match (self.input.opening)(&commit) {
            Opened::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Text::Shown { commit, text },
                Err(error) => Text::Binary { commit, bytes: error.as_bytes().len() as u64 },
            },
            Opened::Erased { by, at, why, seq } => Text::Erased { commit, by, at, why, seq },
            Opened::Missing => Text::Missing { commit },
        }
    }

    pub(in crate::report) fn maybe(&self, reference: Option<&OpeningRef>) -> Option<Text> {
        reference.map(|reference| self.text(reference))
    }

    /// Bytes that the report names without repeating them.
    pub(in crate::report) fn held(&self, reference: &OpeningRef) -> Held {
        let erased = self.others.iter().rev().find_map(|(meta, event)| match event {
            Event::OpeningErased(body) if body.commit == reference.commit => {
                let why = self.text(&body.reason);
                let by = words::signatories(&meta.by);
                Some(format!(
                    "erased on {} by {by}: {} (entry {})",
                    meta.recorded.human(),
                    why.shown(),
                    meta.seq
                ))
            }
            _ => None,
        });
        Held { commit: reference.commit, media_type: reference.media_type.clone(), erased }
    }

    /// The author's checklist in force, parsed; `None` when it was erased or is missing.
    pub(in crate::report) fn checklist(&self) -> Result<Option<(String, Checklist)>, ReportError> {
        let commit = self.deployment().checklist.text.commit;
        let Opened::Bytes(bytes) = (self.input.opening)(&commit) else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).map_err(|_| ReportError::NotText(commit))?;
        let checklist = parse(&text).map_err(|source| ReportError::Checklist { commit, source })?;
        Ok(Some((text, checklist)))
    }

    /// Governance while the deployment was open, and the deployment's own events outside the fold's lists.
    pub(in crate::report) fn others_during(&self) -> impl Iterator<Item = &(Meta, Event)> {
        let from = self.deployment().opened.meta.seq;
        let to = self.deployment().closed.as_ref().map_or(u64::MAX, |closed| closed.meta.seq);
        self.others.iter().filter(move |(meta, event)| {
            event.class() != Class::Governance || (meta.seq > from && meta.seq < to)
        })
    }
}

/// An item's title; its id stands in where the author wrote nothing.
pub(in crate::report) fn title_of(item: &Item) -> String {
    if item.title.is_empty() { item.spec.id.clone() } else { item.title.clone() }
}
