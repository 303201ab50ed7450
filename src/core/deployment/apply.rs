//! The fold's step: one more entry.

use super::{Deployment, Fact, Holding, Record, SignOff};
use crate::core::check::Phase;
use crate::core::event::{Class, Event, ItemWithdrawn};
use crate::core::name::Token;

impl Deployment {
    /// Takes one more entry of this deployment, in order.
    pub fn apply(&mut self, fact: &Fact) {
        self.issues.extend(self.issues_of(fact));
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
            Event::ItemSigned(body) => {
                let overtaken = self.overtaken(fact, body);
                let words = meta.by.iter().map(|by| (by.person.clone(), meta.seq));
                self.words.entry(body.item.clone()).or_default().extend(words);
                self.sign_offs.push(SignOff { meta, body: body.clone(), withdrawn: None, overtaken });
            }
            Event::ItemWithdrawn(body) => {
                if let Some(sign_off) = self.sign_off_mut(body) {
                    let words: Vec<(Token, u64)> =
                        sign_off.meta.by.iter().map(|by| (by.person.clone(), meta.seq)).collect();
                    sign_off.withdrawn = Some(Record { meta, body: body.reason.clone() });
                    self.words.entry(body.item.clone()).or_default().extend(words);
                }
            }
            Event::EvidenceCollected(body) | Event::MetricRead(body) => {
                let window = if self.watch.full() { self.watch_window() } else { None };
                let checks = &self.opened.body.checks;
                let spec = checks.iter().find(|spec| body.check.as_ref() == Some(&spec.id));
                self.watch.take(&meta, body, spec, window);
                if let (Some(check), Some(phase)) = (&body.check, body.phase) {
                    self.flaps.entry(check.clone()).or_default().take(phase == Phase::Pass);
                }
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
            Event::ReviewRecorded(body) => {
                self.reviewed += 1;
                keep!(reviews, body);
            }
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
}
