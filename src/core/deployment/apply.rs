//! The fold's step: one more entry.

use super::{Deployment, Fact, Holding, Issue, Record, Severity, SignOff};
use crate::core::check::Reading;
use crate::core::event::{Act, Class, Colour, Decision, Event, Gate, ItemWithdrawn, StandbyState};

impl Deployment {
    /// Takes one more entry of this deployment, in order.
    pub fn apply(&mut self, fact: &Fact) {
        self.note_issues(fact);
        self.last_seq = fact.seq;
        if fact.event.class() != Class::Aside {
            self.last_weighty = fact.seq;
        }
        self.entries += 1;
        let meta = fact.meta();
        macro_rules! keep {
            ($list:ident, $body:expr) => {
                self.$list.push(Record { meta, body: $body.clone() })
            };
        }
        match fact.event {
            Event::RolesAssigned(body) => {
                for holding in self.holdings.iter_mut().filter(|h| h.until.is_none() && h.role == body.role) {
                    holding.until = Some(fact.seq);
                }
                self.holdings.push(Holding {
                    role: body.role.clone(),
                    person: body.person.clone(),
                    from: fact.seq,
                    until: None,
                });
            }
            Event::ChecklistAmended(body) => {
                self.checklist = body.checklist.clone();
                keep!(amendments, body.reason);
            }
            Event::ItemSigned(body) => self.sign_offs.push(SignOff { meta, body: body.clone(), withdrawn: None }),
            Event::ItemWithdrawn(body) => {
                if let Some(sign_off) = self.sign_off_mut(body) {
                    sign_off.withdrawn = Some(Record { meta, body: body.reason.clone() });
                }
            }
            Event::EvidenceCollected(body) | Event::MetricRead(body) => {
                let window = if self.watch.full() { self.watch_window() } else { None };
                self.watch.take(&meta, body, window);
                keep!(evidence, body);
            }
            Event::DecisionMade(body) => keep!(decisions, body),
            Event::SnapshotTaken(body) => keep!(snapshots, body),
            Event::StageReached(body) => keep!(stages, body),
            Event::TrafficShifted(body) => keep!(shifts, body),
            Event::StandbyChanged(body) => keep!(standby, body),
            Event::RollbackTriggered(body) => keep!(triggers, body),
            Event::RollbackStarted(body) => keep!(rollbacks, body),
            Event::RollbackStep(body) => keep!(rollback_steps, body),
            Event::RollbackFinished(body) => keep!(rollback_ends, body),
            Event::MessageSent(body) => keep!(messages, body),
            Event::NoteAdded(body) => keep!(notes, body),
            Event::ReviewRecorded(body) => keep!(reviews, body),
            Event::ReportIssued(body) => keep!(reports, body),
            Event::DeploymentClosed(body) => self.closed = Some(Record { meta, body: body.clone() }),
            Event::OpeningErased(_)
            | Event::DeploymentOpened(_)
            | Event::LedgerOpened(_)
            | Event::RosterChanged(_)
            | Event::KeyRotated(_)
            | Event::KeyRevoked(_) => {}
        }
    }

    fn sign_off_mut(&mut self, body: &ItemWithdrawn) -> Option<&mut SignOff> {
        self.sign_offs.iter_mut().find(|s| s.meta.id == body.statement && s.body.item == body.item)
    }

    fn note_issues(&mut self, fact: &Fact) {
        let seq = fact.seq;
        let mut found: Vec<(&'static str, Severity, String)> = Vec::new();
        if self.closed.is_some() && !allowed_after_close(fact.event) {
            found.push(("after-close", Severity::Violation, format!("{} after the record was closed", fact.event.kind())));
        }
        if fact.statement.subject != self.subject {
            let text = "the subject is not the one that the deployment was opened with".into();
            found.push(("subject", Severity::Violation, text));
        }
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
                    let text = format!("the closing counts {} entries, there are {}", body.entries, self.entries + 1);
                    found.push(("count", Severity::Violation, text));
                }
                if self.outcome() != Some(body.outcome) {
                    let text = format!("the closing says {:?}, the entries say {:?}", body.outcome, self.outcome());
                    found.push(("outcome", Severity::Violation, text));
                }
            }
            Event::ItemSigned(body) => {
                if body.checklist != self.checklist.text.commit {
                    let text = format!("{} was signed on a checklist that is not in force", body.item);
                    found.push(("checklist", Severity::Violation, text));
                } else if self.item(body.item.as_str()).is_none() {
                    found.push(("item", Severity::Violation, format!("the checklist has no item {}", body.item)));
                } else {
                    for missing in self.sign_missing(body.item.as_str(), body.outcome) {
                        found.push(("gate-sign", Severity::Violation, missing.text));
                    }
                }
            }
            Event::ItemWithdrawn(body) if self.sign_off_mut(body).is_none() => {
                let text = format!("no sign-off of {} has the id {}", body.item, body.statement);
                found.push(("withdrawal", Severity::Violation, text));
            }
            Event::TrafficShifted(body) if body.to == Colour::Green && body.act != Act::Failed => {
                if !self.go_in_force() && !self.waived(Gate::Shift, "decision/go") {
                    let text = format!("traffic of {} moved to Green without a go in force", body.service);
                    found.push(("shift-before-go", Severity::OutOfProcess, text));
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
            Event::MetricRead(body) | Event::EvidenceCollected(body) if from_the_future(body, fact) => {
                let text = "a reading is later than its own entry".into();
                found.push(("reading-time", Severity::OutOfProcess, text));
            }
            _ => {}
        }
        self.issues
            .extend(found.into_iter().map(|(code, severity, text)| Issue { seq, code, severity, text }));
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
