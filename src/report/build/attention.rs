//! Gaps, overrides and breaches: what must not be missed, the gravest first.

use std::collections::BTreeSet;

use super::Reader;
use crate::core::check::{CheckSpec, Limit, Phase};
use crate::core::checklist::imitations;
use crate::core::deployment::Severity;
use crate::core::entry::Entry;
use crate::core::event::{Act, Decision, Delivery, Event, Outcome, RollbackOutcome, SignOutcome};
use crate::core::name::Id;
use crate::report::model::{
    Approval, ApprovalKind, Attention, Check, Control, Item, ItemStatus, Level, Rollback, Separation, Text,
};
use crate::report::words;

/// What the rest of the report already found.
pub(super) struct Found<'a> {
    pub approvals: &'a [Approval],
    pub items: &'a [Item],
    pub checks: &'a [Check],
    pub rollbacks: &'a [Rollback],
    pub control: &'a Control,
    pub separation: &'a Separation,
}

pub(super) fn attention(reader: &Reader, found: &Found) -> Vec<Attention> {
    let mut list = List { all: Vec::new() };
    list.rules(reader, found.separation);
    list.approvals(found.approvals);
    list.rollbacks(reader, found.rollbacks);
    list.unfinished(reader, found);
    list.checks(found.checks);
    list.acts(reader);
    list.frozen(reader);
    list.traffic(reader);
    list.governance(reader, found.control);
    list.all.sort_by_key(|attention| (attention.level, rank(&attention.code), attention.seq.unwrap_or(0)));
    list.all
}

/// Among what is equally grave, overrides and acts out of process stand first, and how keys are kept last.
fn rank(code: &str) -> u8 {
    match code {
        "override" => 0,
        "key-custody" => 2,
        code if OUT_OF_PROCESS.contains(&code) => 0,
        _ => 1,
    }
}

pub(in crate::report) const OUT_OF_PROCESS: [&str; 10] = [
    "sign-off-overtaken",
    "back-after-all-clear",
    "shift-before-go",
    "shift-after-rollback",
    "retired-early",
    "reading-time",
    "override-idle",
    "rollback-unstarted",
    "rollback-green",
    "service-unknown",
];

struct List {
    all: Vec<Attention>,
}

impl List {
    fn add(&mut self, level: Level, code: &str, seq: Option<u64>, text: String) {
        self.with_reason(level, code, seq, text, None);
    }

    fn with_reason(
        &mut self,
        level: Level,
        code: &str,
        seq: Option<u64>,
        text: String,
        reason: Option<Text>,
    ) {
        self.all.push(Attention { level, code: code.into(), seq, text, reason });
    }

    /// What the verifier and the fold found, each once.
    fn rules(&mut self, reader: &Reader, separation: &Separation) {
        let findings = &reader.input.integrity.findings;
        let mut known = BTreeSet::new();
        for (seq, code, text) in findings {
            known.insert((*seq, code.as_str()));
            self.add(Level::Critical, code, *seq, text.clone());
        }
        for issue in &reader.deployment().issues {
            let level = match issue.severity {
                Severity::Violation if known.contains(&(Some(issue.seq), issue.code)) => continue,
                Severity::Violation => Level::Critical,
                Severity::OutOfProcess => Level::Warning,
            };
            self.add(level, issue.code, Some(issue.seq), issue.text.clone());
        }
        for rule in separation.rules.iter().filter(|rule| !rule.both.is_empty()) {
            let people: Vec<&str> = rule.both.iter().map(AsRef::as_ref).collect();
            let text = format!("{} was both {} and {}", people.join(", "), rule.a, rule.b);
            self.add(Level::Critical, "separation", None, text);
        }
    }

    /// Traffic that is not where the outcome lets one think that it is.
    fn traffic(&mut self, reader: &Reader) {
        let deployment = reader.deployment();
        let outcome = deployment.outcome();
        for (service, share) in deployment.green_percent() {
            let (level, text) = match outcome {
                Some(Outcome::Completed) if share < 100 => {
                    let text = format!(
                        "the traffic of {service} is at {share} % Green, though an all-clear was given"
                    );
                    (Level::Critical, text)
                }
                Some(Outcome::Aborted | Outcome::NoGo | Outcome::Partly) if share > 0 => {
                    (Level::Warning, format!("{share} % of the traffic of {service} is still on Green"))
                }
                _ => continue,
            };
            self.add(level, "traffic-elsewhere", None, text);
        }
    }

    fn approvals(&mut self, approvals: &[Approval]) {
        for approval in approvals {
            let seq = Some(approval.entry.seq);
            let who = approval.entry.signers();
            match &approval.what {
                ApprovalKind::Decision { decision: Decision::Override, gate, waives } => {
                    let gate = words::gate(*gate);
                    let waives = waives.as_ref().map_or("no requirement", |waives| waives.as_str());
                    let text = format!("OVERRIDE by {who}: the gate {gate} was opened without {waives}");
                    self.with_reason(Level::Warning, "override", seq, text, approval.reason.clone());
                }
                ApprovalKind::Item { item, outcome: SignOutcome::Failed, .. } => {
                    let text = format!("{item} was signed as failed by {who}");
                    self.with_reason(Level::Warning, "item-failed", seq, text, approval.reason.clone());
                }
                ApprovalKind::Item { item, outcome: SignOutcome::Na, .. } => {
                    let text = format!("{item} was signed as not applicable by {who}");
                    self.with_reason(Level::Notice, "item-na", seq, text, approval.reason.clone());
                }
                _ => {}
            }
            if let (ApprovalKind::Item { item, .. }, Some(withdrawn)) = (&approval.what, &approval.withdrawn)
            {
                let by = withdrawn.entry.signers();
                let text =
                    format!("the sign-off of {item} in entry {} was withdrawn by {by}", approval.entry.seq);
                let reason = Some(withdrawn.reason.clone());
                self.with_reason(Level::Warning, "withdrawn", Some(withdrawn.entry.seq), text, reason);
            }
            if let Some(delay) = approval.entry.delay() {
                self.add(Level::Notice, "signed-elsewhere", seq, format!("{who}: {delay}"));
            }
        }
    }

    fn rollbacks(&mut self, reader: &Reader, rollbacks: &[Rollback]) {
        for rollback in rollbacks {
            let first = rollback.triggers.first();
            let Some(started) = &rollback.started else {
                let answered = !reader.deployment().trigger_open();
                let level = if answered { Level::Warning } else { Level::Critical };
                for trigger in &rollback.triggers {
                    let text = format!(
                        "rollback triggered ({}), and no rollback followed",
                        words::trigger(trigger.trigger)
                    );
                    self.with_reason(
                        level,
                        "trigger-unanswered",
                        Some(trigger.entry.seq),
                        text,
                        trigger.reason.clone(),
                    );
                }
                continue;
            };
            if first.is_none() {
                let text = "the rollback began without a trigger on record".into();
                self.add(Level::Notice, "rollback-untriggered", Some(started.seq), text);
            }
            match rollback.outcome {
                Some(RollbackOutcome::Complete) => {}
                Some(outcome) => {
                    let text = format!("the rollback ended as {}", words::rollback_outcome(outcome));
                    self.add(
                        Level::Warning,
                        "rollback-outcome",
                        rollback.finished.as_ref().map(|p| p.seq),
                        text,
                    );
                }
                None => {
                    self.add(
                        Level::Warning,
                        "rollback-open",
                        Some(started.seq),
                        "the rollback has not finished".into(),
                    );
                }
            }
            if rollback.finished.is_some() && !rollback.steps_missing.is_empty() {
                let steps: Vec<&str> = rollback.steps_missing.iter().map(|step| words::step(*step)).collect();
                let text = format!("rollback steps not on record as done: {}", steps.join(", "));
                self.add(Level::Warning, "rollback-steps", rollback.finished.as_ref().map(|p| p.seq), text);
            }
        }
    }

    fn unfinished(&mut self, reader: &Reader, found: &Found) {
        let deployment = reader.deployment();
        let open: Vec<&str> = found
            .items
            .iter()
            .filter(|item| matches!(item.status, ItemStatus::Open | ItemStatus::Partly))
            .map(|item| item.id.as_str())
            .collect();
        if !open.is_empty() {
            let finished = deployment.outcome() == Some(Outcome::Completed);
            let level = if finished { Level::Warning } else { Level::Notice };
            let number = words::count(open.len() as u64, "item is", "items are");
            let text = if open.len() == found.items.len() && deployment.sign_offs.is_empty() {
                format!("nothing is signed: {}", open.join(", "))
            } else {
                format!("{number} not signed: {}", open.join(", "))
            };
            self.add(level, "items-open", None, text);
        }
        if let Some(Text::Erased { .. } | Text::Missing { .. }) =
            reader.maybe(Some(&deployment.checklist.text))
        {
            let text =
                format!("the checklist's own text: {}", reader.text(&deployment.checklist.text).shown());
            self.add(Level::Warning, "checklist-text", None, text);
        }
        for (meta, event) in &reader.others {
            if let Event::OpeningErased(body) = event {
                let text =
                    format!("opening {} was erased by {}", body.commit.short(), words::signatories(&meta.by));
                self.with_reason(
                    Level::Notice,
                    "erased",
                    Some(meta.seq),
                    text,
                    Some(reader.text(&body.reason)),
                );
            }
        }
        for (meta, kind) in &reader.unknown {
            let text = format!(
                "an event of the kind {kind}, which this version does not know, is not part of this report"
            );
            self.add(Level::Warning, "kind-unsupported", Some(meta.seq), text);
        }
    }

    fn checks(&mut self, checks: &[Check]) {
        for check in checks {
            if check.readings.is_empty() {
                self.add(
                    Level::Warning,
                    "check-unmeasured",
                    None,
                    format!("{} was never measured", check.id),
                );
                continue;
            }
            let breaches: Vec<_> =
                check.readings.iter().filter(|r| r.phase == Some(Phase::Trigger)).collect();
            if let Some(first) = breaches.first() {
                let number = words::count(breaches.len() as u64, "reading", "readings");
                let beyond = |limit: &Limit| first.value.as_ref().is_some_and(|value| limit.holds(value));
                let text = if check.rollback.as_ref().is_some_and(beyond) {
                    let first = first.measured();
                    format!("{}: {number} beyond the rollback limit, the first {first}", check.id)
                } else {
                    let why = first.detail.as_deref().unwrap_or("without a detail");
                    format!("{}: {number} that called for a rollback, the first: {why}", check.id)
                };
                self.add(Level::Warning, "check-trigger", Some(first.entry.seq), text);
            }
            if let Some(last) = check.last.filter(|phase| !matches!(phase, Phase::Pass | Phase::Trigger)) {
                let seq = check.newest(|_| true).map(|reading| reading.entry.seq);
                self.add(
                    Level::Warning,
                    "check-last",
                    seq,
                    format!("the last evidence of {} is {last}", check.id),
                );
            }
        }
    }

    /// What the gates were held to: each amendment of the checklist, and whether anything was measured by a limit.
    fn frozen(&mut self, reader: &Reader) {
        let deployment = reader.deployment();
        let mut items = 0;
        let freezes = |entry: &&Entry| {
            matches!(entry.statement.kind(), "deployment-opened" | "checklist-amended")
                && entry.statement.predicate.deployment.as_ref() == Some(&deployment.id)
        };
        for entry in reader.input.entries.iter().filter(freezes) {
            let statement = &entry.statement;
            match Event::parse(statement.kind(), &statement.predicate.body) {
                Ok(Event::DeploymentOpened(body)) => items = body.checklist.items.len(),
                Ok(Event::ChecklistAmended(body)) => {
                    let now = body.checklist.items.len();
                    let text = format!("the checklist was amended: {items} items before, {now} after");
                    let reason = Some(reader.text(&body.reason));
                    self.with_reason(Level::Warning, "checklist-amended", Some(entry.line.seq), text, reason);
                    items = now;
                }
                _ => {}
            }
        }
        let own = reader.checklist().ok().flatten().map(|(text, _)| imitations(&text)).unwrap_or_default();
        if !own.is_empty() {
            let lines: Vec<String> = own.iter().map(usize::to_string).collect();
            let text = format!(
                "the checklist's own text has lines that look like sign-offs or like this record (line {}): its author wrote them, \
                 nobody signed them",
                lines.join(", ")
            );
            self.add(Level::Critical, "checklist-imitates", None, text);
        }
        for weaker in deployment.opened.body.policy.weaker() {
            self.add(Level::Warning, "policy-weak", Some(deployment.opened.meta.seq), weaker);
        }
        let limited = |check: &CheckSpec| {
            check.objective.is_some()
                || check.rollback.is_some()
                || check.baseline.is_some()
                || check.on_fail.is_some()
        };
        if !deployment.opened.body.checks.iter().any(|check| check.watch && limited(check)) {
            let text =
                "no check with a limit was watched: nothing measured could fail the verification".into();
            self.add(Level::Warning, "unwatched", Some(deployment.opened.meta.seq), text);
        }
    }

    /// Acts that were begun and whose end nobody recorded, and acts and messages that failed.
    fn acts(&mut self, reader: &Reader) {
        let deployment = reader.deployment();
        let mut begun: Vec<(u64, &Id, String)> = Vec::new();
        let mut ended: BTreeSet<&Id> = BTreeSet::new();
        let mut failed: Vec<(u64, String)> = Vec::new();
        macro_rules! look {
            ($list:ident, $words:path) => {
                for record in &deployment.$list {
                    let text = || words::acted(&$words(&record.body), record.body.act);
                    match record.body.act {
                        Act::Intended => begun.push((record.meta.seq, &record.meta.id, text())),
                        Act::Failed => failed.push((record.meta.seq, text())),
                        Act::Done | Act::Observed => {}
                    }
                    ended.extend(record.body.intent.as_ref());
                }
            };
        }
        look!(snapshots, words::snapshot);
        look!(stages, words::stage);
        look!(shifts, words::shift);
        look!(standby, words::standby_line);
        look!(rollback_steps, words::rollback_step);
        for (seq, id, text) in begun {
            if !ended.contains(id) {
                self.add(
                    Level::Warning,
                    "act-unresolved",
                    Some(seq),
                    format!("{text}; how it ended is not on record"),
                );
            }
        }
        for (seq, text) in failed {
            self.add(Level::Warning, "act-failed", Some(seq), text);
        }
        for record in deployment.messages.iter().filter(|m| m.body.delivery == Delivery::Failed) {
            let text = format!("a message to {} was not delivered", record.body.channel);
            self.add(Level::Warning, "message-failed", Some(record.meta.seq), text);
        }
    }

    fn governance(&mut self, reader: &Reader, control: &Control) {
        for change in &control.changes {
            let text = format!("the roster changed while the deployment was open: {}", change.text);
            self.with_reason(Level::Warning, "roster-changed", Some(change.seq), text, change.reason.clone());
        }
        for custody in &control.custody {
            let text = format!(
                "the key {} of {} was made by {}, who could sign as {} until a key of their own making replaces it",
                custody.keyid.short(),
                custody.person,
                custody.made_by,
                custody.person
            );
            self.add(Level::Warning, "key-custody", None, text);
        }
        let suspects =
            reader.log().keys.iter().filter_map(|(keyid, known)| Some((keyid, known, known.suspect_from()?)));
        for (keyid, known, from) in suspects {
            let text =
                format!("the key {} of {} is suspect from entry {from} on", keyid.short(), known.person);
            self.add(Level::Critical, "key-suspect", Some(from), text);
        }
        let holders: BTreeSet<&str> =
            control.root_holders.iter().map(|holder| holder.person.as_str()).collect();
        if control.root_threshold <= 1 {
            let holders: Vec<&str> = holders.into_iter().collect();
            let text =
                format!("one person's root key alone changes the roster (held by {})", holders.join(", "));
            self.add(Level::Notice, "root-alone", None, text);
        }
        if reader.input.integrity.checkpoint.is_none() {
            let text =
                "no checkpoint anchors the end of the log: what may have been cut off after it is not proven"
                    .into();
            self.add(Level::Notice, "not-anchored", None, text);
        }
    }
}
