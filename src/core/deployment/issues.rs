//! What should not have been so: violations, which the writer never makes, and facts out of process.

use std::cmp::Ordering;

use super::{Deployment, Fact, Issue, Severity};
use crate::core::check::{Measured, Phase, Reading, judge};
use crate::core::event::{Act, Colour, Decision, Event, Gate, ItemWithdrawn, RollbackOutcome, StandbyState};
use crate::core::hash::Hash;
use crate::core::name::Label;

impl Deployment {
    /// What would stand out if this fact came next.
    #[must_use]
    pub fn issues_of(&self, fact: &Fact) -> Vec<Issue> {
        let seq = fact.seq;
        let mut found: Vec<(&'static str, Severity, String)> = Vec::new();
        if self.closed.is_some() && !allowed_after_close(fact.event) {
            found.push((
                "after-close",
                Severity::Violation,
                format!("{} after the record was closed", fact.event.kind()),
            ));
        }
        if fact.statement.subject != self.subject {
            let text = "the subject is not the one that the deployment was opened with".into();
            found.push(("subject", Severity::Violation, text));
        }
        found.extend(self.astray(fact).map(|(code, text)| (code, Severity::OutOfProcess, text)));
        match fact.event {
            Event::DeploymentOpened(_) => {
                found.push(("opened-twice", Severity::Violation, format!("{} was already open", self.id)));
            }
            Event::DecisionMade(body) => match body.decision {
                Decision::Go => self.refused(Gate::Go, fact, &mut found),
                Decision::AllClear => self.refused(Gate::AllClear, fact, &mut found),
                Decision::Override if body.gate.is_none() || body.waives.is_none() => {
                    let text = "an override names no gate or no requirement".into();
                    found.push(("override", Severity::Violation, text));
                }
                _ => {}
            },
            Event::DeploymentClosed(body) => {
                self.refused(Gate::Close, fact, &mut found);
                if body.entries != self.entries + 1 {
                    let text = format!(
                        "the closing counts {} entries, there are {}",
                        body.entries,
                        self.entries + 1
                    );
                    found.push(("count", Severity::Violation, text));
                }
                if self.outcome() != Some(body.outcome) {
                    let text =
                        format!("the closing says {:?}, the entries say {:?}", body.outcome, self.outcome());
                    found.push(("outcome", Severity::Violation, text));
                }
            }
            Event::ItemSigned(body) => {
                if body.checklist != self.checklist.text.commit {
                    let text = format!("{} was signed on a checklist that is not in force", body.item);
                    found.push(("checklist", Severity::Violation, text));
                } else if self.item(body.item.as_str()).is_none() {
                    found.push((
                        "item",
                        Severity::Violation,
                        format!("the checklist has no item {}", body.item),
                    ));
                } else {
                    for missing in self.sign_missing(body.item.as_str(), body.outcome) {
                        found.push(("gate-sign", Severity::Violation, missing.text));
                    }
                }
            }
            Event::ChecklistAmended(body) => {
                let unsound = super::sound::unsound_checklist(&body.checklist);
                found.extend(unsound.map(|text| ("opened", Severity::Violation, text)));
            }
            Event::ItemWithdrawn(body) if !self.has_sign_off(body) => {
                let text = format!("no sign-off of {} has the id {}", body.item, body.statement);
                found.push(("withdrawal", Severity::Violation, text));
            }
            Event::TrafficShifted(body) if body.to == Colour::Green && body.act != Act::Failed => {
                if !self.go_in_force() && !self.waived(Gate::Shift, "decision/go") {
                    let text = format!("traffic of {} moved to Green without a go in force", body.service);
                    found.push(("shift-before-go", Severity::OutOfProcess, text));
                }
                if self.rolled_back() && body.percent > 0 && !self.waived(Gate::Shift, "rollback/none") {
                    let text = format!("traffic of {} moved to Green after a rollback", body.service);
                    found.push(("shift-after-rollback", Severity::OutOfProcess, text));
                }
                if body.percent > 100 {
                    found.push(("percent", Severity::Violation, format!("{} percent", body.percent)));
                }
            }
            Event::StandbyChanged(body) if body.state == StandbyState::Retired && body.act != Act::Failed => {
                for missing in self.missing(Gate::Retire, fact.recorded) {
                    found.push(("retired-early", Severity::OutOfProcess, missing.text));
                }
            }
            Event::MetricRead(body) | Event::EvidenceCollected(body) => {
                if from_the_future(body, fact) {
                    let text = "a reading is later than its own entry".into();
                    found.push(("reading-time", Severity::OutOfProcess, text));
                }
                found.extend(self.misjudged(body).map(|(code, text)| (code, Severity::Violation, text)));
            }
            _ => {}
        }
        found.into_iter().map(|(code, severity, text)| Issue { seq, code, severity, text }).collect()
    }

    /// What is about nothing here: a service that is none of this deployment's, the end of a rollback that
    /// none began, an override that waives nothing.
    fn astray(&self, fact: &Fact) -> Option<(&'static str, String)> {
        let stranger = |service: &Label| {
            let known = self.services().contains(service);
            (!known).then(|| ("service-unknown", format!("{service} is no service of this deployment")))
        };
        match fact.event {
            Event::ItemSigned(body) => self.overtaken(fact, body).map(|seq| {
                let text = format!(
                    "this sign-off of {} is older than its signer's newer word in entry {seq}, and counts for nothing",
                    body.item
                );
                ("sign-off-overtaken", text)
            }),
            Event::TrafficShifted(body) => stranger(&body.service).or_else(|| {
                let back = body.to == Colour::Blue && body.percent > 0 && body.act != Act::Failed;
                let over = self.last_decision() == Some(Decision::AllClear) && self.rollbacks.is_empty();
                let text = || format!("traffic of {} went back to Blue after the all-clear, without a rollback", body.service);
                (back && over).then(|| ("back-after-all-clear", text()))
            }),
            Event::StandbyChanged(body) => stranger(&body.service),
            Event::RollbackFinished(_) if !self.rollback_open() => Some((
                "rollback-unstarted",
                "a rollback is said to have ended, and none was under way".into(),
            )),
            Event::RollbackFinished(body) if body.outcome == RollbackOutcome::Complete => {
                let green = self.green_percent().into_iter().filter(|(_, share)| *share > 0);
                let green: Vec<String> =
                    green.map(|(service, share)| format!("{share} % of {service}")).collect();
                let text = || {
                    format!(
                        "a rollback is said to be complete, and by this record {} is still on Green: record where the traffic is \
                         (`aether-audit record traffic-shifted --to blue`), or the outcome as partial",
                        green.join(", ")
                    )
                };
                (!green.is_empty()).then(|| ("rollback-green", text()))
            }
            Event::DecisionMade(body) if body.decision == Decision::Override => {
                let (gate, waives) = (body.gate?, body.waives.as_ref()?);
                Some(("override-idle", self.idle(gate, waives.as_str(), fact.recorded)?))
            }
            _ => None,
        }
    }

    fn refused(&self, gate: Gate, fact: &Fact, found: &mut Vec<(&'static str, Severity, String)>) {
        let code = match gate {
            Gate::Go => "gate-go",
            Gate::AllClear => "gate-all-clear",
            Gate::Close => "gate-close",
            Gate::Shift | Gate::Retire | Gate::Sign => "gate",
        };
        for missing in self.missing(gate, fact.recorded) {
            found.push((code, Severity::Violation, missing.text));
        }
    }

    fn has_sign_off(&self, body: &ItemWithdrawn) -> bool {
        self.sign_offs.iter().any(|s| s.meta.id == body.statement && s.body.item == body.item)
    }

    /// Judges a reading again by the check as it was frozen: its verdict may be worse than its numbers,
    /// never better.
    fn misjudged(&self, reading: &Reading) -> Option<(&'static str, String)> {
        let id = reading.check.as_ref()?;
        let Some(spec) = self.opened.body.checks.iter().find(|spec| spec.id == *id) else {
            return Some(("reading-check", format!("{id} is no check that this deployment was opened with")));
        };
        if reading.source != spec.source.as_str() {
            let text = format!("{id} was read from {}, and is frozen as {}", reading.source, spec.source);
            return Some(("reading-source", text));
        }
        let asked = reading.query.as_ref().map(|query| Hash::of(&[query.as_bytes()]));
        if spec.query.is_some() && spec.query != asked {
            let text =
                format!("{id} was asked something else than what was frozen when the deployment opened");
            return Some(("reading-query", text));
        }
        let measured = Measured {
            points: &reading.points,
            baseline_points: &reading.baseline_points,
            samples: reading.samples,
            own: Some(Phase::Pass),
        };
        let judged = judge(spec, &measured);
        let said = reading.phase?;
        if said < judged.phase {
            let text = format!("{id} says {said}, and its own numbers say {}", judged.phase);
            return Some(("reading-verdict", text));
        }
        let (stated, own) = (reading.value.as_ref()?, judged.value.as_ref()?);
        let other = said == Phase::Pass && stated.compare(own) != Ordering::Equal;
        other.then(|| {
            ("reading-verdict", format!("{id} states the value {stated}, and its own points give {own}"))
        })
    }
}

fn from_the_future(reading: &Reading, fact: &Fact) -> bool {
    let limit = fact.recorded.plus_seconds(120);
    reading.points.iter().any(|point| point.at > limit)
}

/// After the closing only notes, reviews, reports, erasures and corrections are added.
fn allowed_after_close(event: &Event) -> bool {
    matches!(
        event,
        Event::NoteAdded(_)
            | Event::ReviewRecorded(_)
            | Event::ReportIssued(_)
            | Event::OpeningErased(_)
            | Event::ItemWithdrawn(_)
    )
}
