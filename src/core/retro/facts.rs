//! The facts of one deployment that say something beside those of others: small, and made from its fold alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::checklist::offset_minutes;
use crate::core::deployment::{Deployment, ItemState};
use crate::core::event::{Act, ChangeType, Colour, Decision, Gate, Outcome, Risk, RollbackOutcome, Trigger};
use crate::core::name::{Label, Token};
use crate::core::time::Timestamp;

/// One deployment. Times are the writer's clock, as each entry recorded it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// Its id.
    pub id: Token,
    /// What was released.
    pub release: Label,
    /// Where to.
    pub environment: Label,
    /// The type of change.
    #[serde(rename = "type")]
    pub change_type: ChangeType,
    /// The risk that the team gave it.
    pub risk: Option<Risk>,
    /// The change ticket.
    pub ticket: Option<Label>,
    /// The commit that was deployed, in full.
    pub commit: Option<String>,
    /// Whether it was a rehearsal.
    pub rehearsal: bool,
    /// The services whose traffic moves.
    pub services: Vec<Label>,
    /// Where it stands, in words.
    pub stage: String,
    /// How it ended, where it has.
    pub outcome: Option<Outcome>,
    /// The entry that opened it.
    pub opened_seq: u64,
    /// Its newest entry.
    pub last_seq: u64,
    /// How many entries it has.
    pub entries: u64,
    /// When it was opened.
    pub opened: Timestamp,
    /// The last `go`.
    pub go: Option<Timestamp>,
    /// The first traffic on Green.
    pub cutover: Option<Timestamp>,
    /// The first moment with every service at 100 % Green.
    pub green: Option<Timestamp>,
    /// The last all-clear.
    pub all_clear: Option<Timestamp>,
    /// When the record was sealed.
    pub closed: Option<Timestamp>,
    /// Reasons to roll back, in order.
    pub triggers: Vec<TriggerFacts>,
    /// Rollbacks, in order.
    pub rollbacks: Vec<Rollback>,
    /// Movements of traffic that happened, in order.
    pub shifts: Vec<Shift>,
    /// The workflow runs that its stages name.
    pub runs: Vec<Label>,
    /// The checklist's items, in its order.
    pub items: Vec<ItemFacts>,
    /// Every sign-off of a person or machine, in order.
    pub signs: Vec<SignFacts>,
    /// Requirements that were waived.
    pub overrides: Vec<Override>,
    /// Who decided how often, overrides included.
    pub decisions: BTreeMap<Token, u64>,
    /// The checks by id.
    pub checks: BTreeMap<String, CheckFacts>,
    /// How many reviews of it are recorded.
    pub reviews: u64,
}

/// A reason to roll back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TriggerFacts {
    /// When it was recorded.
    pub at: Timestamp,
    /// Which of the criteria.
    pub trigger: Trigger,
    /// The check, where one brought it.
    pub check: Option<Token>,
    /// Its entry.
    pub seq: u64,
}

/// A rollback.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollback {
    /// When it began.
    pub started: Timestamp,
    /// When it ended, where it has.
    pub finished: Option<Timestamp>,
    /// How.
    pub outcome: Option<RollbackOutcome>,
}

/// A movement of traffic that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shift {
    /// When it was recorded.
    pub at: Timestamp,
    /// The service.
    pub service: Label,
    /// Where to.
    pub to: Colour,
    /// Which share, 0 to 100.
    pub percent: u8,
}

/// An item of the checklist.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemFacts {
    /// Its id.
    pub id: String,
    /// Its phase.
    pub phase: Option<String>,
    /// `open`, `partly`, `done`, `na` or `failed`.
    pub state: String,
    /// Whether its last sign-off came after the end of its phase; `None` where it has none, the phase no end, or the
    /// deployment no cutover to count from.
    pub late: Option<bool>,
    /// How often a sign-off of it was taken back.
    pub withdrawn: u64,
}

/// A sign-off.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignFacts {
    /// Who.
    pub person: Token,
    /// When they signed, by their own clock.
    pub at: Timestamp,
    /// Whether a machine signed.
    pub machine: bool,
}

/// A requirement that was waived.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Override {
    /// At which gate.
    pub gate: Option<Gate>,
    /// Which requirement.
    pub requirement: Option<Label>,
}

/// A check's readings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckFacts {
    /// How many.
    pub readings: u64,
    /// How many passed.
    pub passed: u64,
    /// How often the verdict went from a pass to anything else, or back.
    pub flips: u64,
    /// Whether the last one passed.
    pub last_passed: Option<bool>,
}

impl CheckFacts {
    /// One more reading, with its verdict.
    pub fn take(&mut self, passed: bool) {
        self.readings += 1;
        self.passed += u64::from(passed);
        self.flips += u64::from(self.last_passed.is_some_and(|last| last != passed));
        self.last_passed = Some(passed);
    }
}

impl Facts {
    /// Of a deployment whose fold is whole but for evidence, messages and notes.
    #[must_use]
    pub fn of(deployment: &Deployment) -> Self {
        let opened = &deployment.opened.body;
        let decided = |decision: Decision| {
            let mut all = deployment.trusted(&deployment.decisions);
            all.rfind(|made| made.body.decision == decision).map(|made| made.meta.recorded)
        };
        let commit = deployment.subject.iter().map(crate::core::statement::Subject::digest);
        let commit = commit.filter(|(kind, _)| *kind == "gitCommit").map(|(_, hash)| hash.to_owned()).next();
        let mut decisions = BTreeMap::new();
        for person in deployment.trusted(&deployment.decisions).flat_map(|made| &made.meta.by) {
            *decisions.entry(person.person.clone()).or_default() += 1;
        }
        let mut runs: Vec<Label> =
            deployment.trusted(&deployment.stages).filter_map(|stage| stage.body.run.clone()).collect();
        runs.dedup();
        Self {
            id: deployment.id.clone(),
            release: opened.release.clone(),
            environment: opened.environment.clone(),
            change_type: opened.change_type,
            risk: opened.risk,
            ticket: opened.ticket.clone(),
            commit,
            rehearsal: opened.rehearsal,
            services: opened.services.clone(),
            stage: deployment.stage().as_str().to_owned(),
            outcome: deployment.outcome(),
            opened_seq: deployment.opened.meta.seq,
            last_seq: deployment.last_seq,
            entries: deployment.entries,
            opened: deployment.opened.meta.recorded,
            go: decided(Decision::Go),
            cutover: deployment.cutover(),
            green: deployment.first_green(),
            all_clear: decided(Decision::AllClear),
            closed: deployment.closed.as_ref().map(|closed| closed.meta.recorded),
            triggers: triggers(deployment),
            rollbacks: rollbacks(deployment),
            shifts: shifts(deployment),
            runs,
            items: items(deployment),
            signs: signs(deployment),
            overrides: overrides(deployment),
            decisions,
            checks: deployment.flaps().clone(),
            reviews: deployment.reviewed(),
        }
    }

    /// What came since, of a deployment that let go of most it knew: `None` where that changes the facts themselves.
    #[must_use]
    pub fn brought_up(mut self, deployment: &Deployment) -> Option<Self> {
        let closed = deployment.closed.as_ref()?.meta.seq;
        if deployment.last_weighty > closed {
            return None;
        }
        self.last_seq = deployment.last_seq;
        self.entries = deployment.entries;
        self.reviews = deployment.reviewed();
        self.checks = deployment.flaps().clone();
        Some(self)
    }

    /// Whether traffic of its came to Green: it reached production.
    #[must_use]
    pub const fn reached_production(&self) -> bool {
        self.cutover.is_some()
    }

    /// Whether it reached production and was rolled back, wholly or partly or in vain, or aborted.
    #[must_use]
    pub fn failed(&self) -> bool {
        let bad = matches!(self.outcome, Some(Outcome::RolledBack | Outcome::Partly | Outcome::Aborted));
        self.reached_production() && (bad || !self.rollbacks.is_empty())
    }

    /// From the first reason to roll back (from the rollback's beginning where none stands before it) to the end of the
    /// rollback that brought all back to Blue, in milliseconds; `None` where none did.
    #[must_use]
    pub fn restored_after(&self) -> Option<i64> {
        let end = self.rollbacks.iter().find(|one| one.outcome == Some(RollbackOutcome::Complete))?;
        let from = self.triggers.first().map_or(end.started, |trigger| trigger.at.min(end.started));
        Some(end.finished?.millis() - from.millis())
    }
}

const fn over(act: Act) -> bool {
    matches!(act, Act::Done | Act::Observed)
}

fn triggers(deployment: &Deployment) -> Vec<TriggerFacts> {
    let all = deployment.trusted(&deployment.triggers);
    all.map(|one| TriggerFacts {
        at: one.meta.recorded,
        trigger: one.body.trigger,
        check: one.body.check.clone(),
        seq: one.meta.seq,
    })
    .collect()
}

fn rollbacks(deployment: &Deployment) -> Vec<Rollback> {
    let starts: Vec<_> = deployment.trusted(&deployment.rollbacks).collect();
    let of = |(index, start): (usize, &&crate::core::deployment::Record<_>)| {
        let next = starts.get(index + 1).map_or(u64::MAX, |next| next.meta.seq);
        let mut ends = deployment.trusted(&deployment.rollback_ends);
        let end = ends.find(|end| end.meta.seq > start.meta.seq && end.meta.seq < next);
        Rollback {
            started: start.meta.recorded,
            finished: end.map(|end| end.meta.recorded),
            outcome: end.map(|end| end.body.outcome),
        }
    };
    starts.iter().enumerate().map(of).collect()
}

fn shifts(deployment: &Deployment) -> Vec<Shift> {
    let all = deployment.trusted(&deployment.shifts).filter(|shift| over(shift.body.act));
    all.map(|shift| Shift {
        at: shift.meta.recorded,
        service: shift.body.service.clone(),
        to: shift.body.to,
        percent: shift.body.percent,
    })
    .collect()
}

fn items(deployment: &Deployment) -> Vec<ItemFacts> {
    let cutover = deployment.cutover();
    let phases = &deployment.checklist.phases;
    let due = |phase: &str| {
        let to = phases.iter().find(|one| one.id == phase)?.to.as_deref()?;
        Some(cutover?.plus_seconds(i64::from(offset_minutes(to)?) * 60))
    };
    let of = |progress: crate::core::deployment::ItemProgress| {
        let spec = progress.spec;
        let signed = progress.counted.iter().map(|sign_off| sign_off.meta.recorded).max();
        let due = spec.phase.as_deref().and_then(due);
        let taken_back = deployment.sign_offs.iter().filter(|one| one.withdrawn.is_some());
        ItemFacts {
            id: spec.id.clone(),
            phase: spec.phase.clone(),
            state: match progress.state {
                ItemState::Open => "open",
                ItemState::Partly => "partly",
                ItemState::Done => "done",
                ItemState::Na => "na",
                ItemState::Failed => "failed",
            }
            .to_owned(),
            late: signed.zip(due).map(|(signed, due)| signed > due),
            withdrawn: taken_back.filter(|one| one.body.item.as_str() == spec.id).count() as u64,
        }
    };
    deployment.progress().into_iter().map(of).collect()
}

fn signs(deployment: &Deployment) -> Vec<SignFacts> {
    let all = deployment.sign_offs.iter().filter(|one| !deployment.distrusts(one.meta.seq));
    all.flat_map(|sign_off| {
        let of = |by: &crate::core::deployment::Signatory| SignFacts {
            person: by.person.clone(),
            at: sign_off.meta.time,
            machine: by.machine,
        };
        sign_off.meta.by.iter().map(of)
    })
    .collect()
}

fn overrides(deployment: &Deployment) -> Vec<Override> {
    let all = deployment.trusted(&deployment.decisions);
    let all = all.filter(|made| made.body.decision == Decision::Override);
    all.map(|made| Override { gate: made.body.gate, requirement: made.body.waives.clone() }).collect()
}
