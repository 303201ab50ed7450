//! Every event, one line each, in plain words.

use std::collections::{BTreeMap, BTreeSet};

use super::Reader;
use crate::core::deployment::Meta;
use crate::core::entry::Entry;
use crate::core::event::Event;
use crate::core::opening::OpeningRef;
use crate::core::roster::KeyUse;
use crate::report::model::Moment;
use crate::report::words;

pub(super) fn timeline(reader: &Reader) -> Vec<Moment> {
    let mut issues: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for issue in &reader.deployment().issues {
        issues.entry(issue.seq).or_default().push(issue.text.clone());
    }
    let mut lines = Lines { reader, issues, all: Vec::new() };
    lines.signed_and_decided();
    lines.acts();
    lines.rollback();
    lines.measured_and_said();
    lines.others();
    lines.rest();
    lines.all.sort_by_key(|moment| moment.seq);
    lines.all
}

struct Lines<'a> {
    reader: &'a Reader<'a>,
    issues: BTreeMap<u64, Vec<String>>,
    all: Vec<Moment>,
}

impl Lines<'_> {
    fn add(&mut self, meta: &Meta, kind: &str, text: String, said: Option<&OpeningRef>) {
        let doubted = self.reader.deployment().distrusts(meta.seq);
        let text = if doubted { format!("NOT VERIFIED: {text}") } else { text };
        self.all.push(Moment {
            seq: meta.seq,
            recorded: meta.recorded,
            since_cutover_seconds: self.reader.since_cutover(meta.recorded),
            kind: kind.into(),
            by: words::signatories(&meta.by),
            machine: meta.machine(),
            text,
            said: said.map(|said| self.reader.text(said).short()),
            issues: self.issues.remove(&meta.seq).unwrap_or_default(),
        });
    }

    fn signed_and_decided(&mut self) {
        let deployment = self.reader.deployment();
        for record in &deployment.sign_offs {
            let body = &record.body;
            let text = format!("{} signed as {}", body.item, words::sign_outcome(body.outcome));
            self.add(&record.meta, "item-signed", text, body.reason.as_ref().or(body.note.as_ref()));
            if let Some(withdrawn) = &record.withdrawn {
                let text = format!("sign-off of {} (entry {}) WITHDRAWN", body.item, record.meta.seq);
                self.add(&withdrawn.meta, "item-withdrawn", text, Some(&withdrawn.body));
            }
        }
        for record in &deployment.decisions {
            let text = words::decision_line(&record.body);
            self.add(&record.meta, "decision-made", text, Some(&record.body.reason));
        }
        for record in &deployment.amendments {
            self.add(
                &record.meta,
                "checklist-amended",
                "the checklist was amended".into(),
                Some(&record.body),
            );
        }
        if let Some(record) = &deployment.closed {
            let entries = words::count(record.body.entries, "entry", "entries");
            let text = format!("record closed as {}, {entries}", record.body.outcome.as_str());
            self.add(&record.meta, "deployment-closed", text, None);
        }
    }

    fn acts(&mut self) {
        let deployment = self.reader.deployment();
        for record in &deployment.snapshots {
            self.add(
                &record.meta,
                "snapshot-taken",
                words::acted(&words::snapshot(&record.body), record.body.act),
                record.body.detail.as_ref(),
            );
        }
        for record in &deployment.stages {
            self.add(
                &record.meta,
                "stage-reached",
                words::acted(&words::stage(&record.body), record.body.act),
                record.body.detail.as_ref(),
            );
        }
        for record in &deployment.shifts {
            self.add(
                &record.meta,
                "traffic-shifted",
                words::acted(&words::shift(&record.body), record.body.act),
                record.body.detail.as_ref(),
            );
        }
        for record in &deployment.standby {
            self.add(
                &record.meta,
                "standby-changed",
                words::acted(&words::standby_line(&record.body), record.body.act),
                record.body.detail.as_ref(),
            );
        }
    }

    fn rollback(&mut self) {
        let deployment = self.reader.deployment();
        for record in &deployment.triggers {
            let text = words::trigger_words(&record.body);
            self.add(&record.meta, "rollback-triggered", text, record.body.reason.as_ref());
        }
        for record in &deployment.rollbacks {
            self.add(&record.meta, "rollback-started", "rollback STARTED".into(), Some(&record.body.reason));
        }
        for record in &deployment.rollback_steps {
            self.add(
                &record.meta,
                "rollback-step",
                words::acted(&words::rollback_step(&record.body), record.body.act),
                record.body.detail.as_ref(),
            );
        }
        for record in &deployment.rollback_ends {
            let text = format!("rollback finished: {}", words::rollback_outcome(record.body.outcome));
            self.add(&record.meta, "rollback-finished", text, record.body.detail.as_ref());
        }
    }

    fn measured_and_said(&mut self) {
        let deployment = self.reader.deployment();
        for record in &deployment.evidence {
            let kind = self.reader.kind_at(record.meta.seq).unwrap_or("evidence-collected");
            self.add(&record.meta, kind, words::reading(&record.body), record.body.note.as_ref());
        }
        for record in &deployment.messages {
            let text =
                format!("message to {}: {}", record.body.channel, words::delivery(record.body.delivery));
            self.add(&record.meta, "message-sent", text, Some(&record.body.text));
        }
        for record in &deployment.notes {
            self.add(&record.meta, "note-added", "note".into(), Some(&record.body.text));
        }
        for record in &deployment.reviews {
            self.add(&record.meta, "review-recorded", "review".into(), Some(&record.body.text));
        }
        for record in &deployment.reports {
            let covers = record.body.covers.seq;
            let text = format!("report made, covering the log up to entry {covers}");
            self.add(&record.meta, "report-issued", text, None);
        }
    }

    fn others(&mut self) {
        let reader = self.reader;
        for (meta, event) in reader.others_during() {
            let (text, said) = other(event);
            self.add(meta, event.kind(), text, said);
        }
        let opened = reader.deployment().opened.meta.seq;
        for (meta, kind) in reader.unknown.iter().filter(|(meta, _)| meta.seq > opened) {
            let text = format!("an event of the kind {kind}, which this version does not know");
            self.add(meta, kind, text, None);
        }
    }
}

impl Lines<'_> {
    /// Entries that the fold took without keeping, such as a withdrawal of nothing.
    fn rest(&mut self) {
        let told: BTreeSet<u64> = self.all.iter().map(|moment| moment.seq).collect();
        let reader = self.reader;
        let own =
            |entry: &&Entry| entry.statement.predicate.deployment.as_ref() == Some(&reader.deployment().id);
        for entry in reader.input.entries.iter().filter(own).filter(|entry| !told.contains(&entry.line.seq)) {
            let kind = entry.statement.kind();
            self.add(&reader.meta(entry), kind, format!("{kind}, without effect"), None);
        }
    }
}

/// Kinds that the fold keeps no list of.
fn other(event: &Event) -> (String, Option<&OpeningRef>) {
    match event {
        Event::DeploymentOpened(body) => {
            let text = format!("deployment of {} to {} opened", body.release, body.environment);
            (text, body.reason.as_ref())
        }
        Event::RolesAssigned(body) => {
            (format!("{} takes the role {}", body.person, body.role), body.reason.as_ref())
        }
        Event::OpeningErased(body) => (format!("opening {} ERASED", body.commit.short()), Some(&body.reason)),
        Event::RosterChanged(body) => {
            (format!("roster changed to version {}", body.roster.version), body.reason.as_ref())
        }
        Event::KeyRotated(body) => {
            let key_use = if body.new.key_use == KeyUse::Root { "root" } else { "role" };
            let (old, new) = (body.old.short(), body.new.public.keyid().short());
            (format!("{} rotated their {key_use} key {old} into {new}", body.person), None)
        }
        Event::KeyRevoked(body) => {
            let from = body
                .compromised_from_seq
                .map(|seq| format!(", compromised from entry {seq} on"))
                .unwrap_or_default();
            (format!("key {} of {} REVOKED{from}", body.key.short(), body.person), Some(&body.reason))
        }
        other => (other.kind().into(), None),
    }
}
