//! Intentions: which act an outcome belongs to.

use super::{Deployment, Record};
use crate::core::event::{
    Act, Event, RollbackStep, SnapshotTaken, StageReached, StandbyChanged, TrafficShifted,
};
use crate::core::name::Id;

impl Deployment {
    /// The newest intention of the same act that has no outcome yet.
    #[must_use]
    pub fn open_intention(&self, outcome: &Event) -> Option<&Id> {
        macro_rules! newest {
            ($list:ident, $same:expr) => {{
                let resolved = |id: &Id| self.$list.iter().any(|r| r.body.intent.as_ref() == Some(id));
                self.$list
                    .iter()
                    .rev()
                    .find(|r: &&Record<_>| {
                        r.body.act == Act::Intended && $same(&r.body) && !resolved(&r.meta.id)
                    })
                    .map(|r| &r.meta.id)
            }};
        }
        match outcome {
            Event::TrafficShifted(of) => newest!(shifts, |b: &TrafficShifted| {
                (&b.service, b.to, b.percent) == (&of.service, of.to, of.percent)
            }),
            Event::SnapshotTaken(of) => {
                newest!(snapshots, |b: &SnapshotTaken| b.resource == of.resource)
            }
            Event::StageReached(of) => {
                newest!(stages, |b: &StageReached| (&b.stage, &b.run) == (&of.stage, &of.run))
            }
            Event::StandbyChanged(of) => {
                newest!(standby, |b: &StandbyChanged| { (&b.service, b.state) == (&of.service, of.state) })
            }
            Event::RollbackStep(of) => {
                newest!(rollback_steps, |b: &RollbackStep| { (b.step, &b.service) == (of.step, &of.service) })
            }
            _ => None,
        }
    }
}
