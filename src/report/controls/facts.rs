//! What each criterion asks of a record. Statements that the verifier disowned speak for nothing.

use serde::{Deserialize, Serialize};

use crate::core::check::Phase;
use crate::core::event::{Act, Colour, Decision, Gate, RollbackOutcome};
use crate::core::name::Label;
use crate::report::build::attention::OUT_OF_PROCESS;
use crate::report::model::{Approval, ApprovalKind, ItemStatus, Report, Shift, Text};

/// A fact that is computed from a record. Closed: a mapping can name no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// The opening says why.
    ReasonStated,
    /// The opening names a ticket.
    TicketStated,
    /// The opening states the risk.
    ImpactRiskStated,
    /// A go stands that no override brought about, and it came before traffic first moved to Green.
    GoDecisionBeforeCutover,
    /// The roster's rules of separation were kept, and there is one.
    SeparationOfDutiesHeld,
    /// Every item is done or not applicable. One that an override waived is neither.
    EveryItemSigned,
    /// No act came before its gate or against a rule.
    NothingOutOfProcess,
    /// Every check was measured and its newest reading passed.
    EvidencePassed,
    /// An all-clear stands that no override brought about.
    PostChangeVerification,
    /// A rollback that began ended complete, with nothing left on Green; where none was called for, rollback limits were frozen at the opening.
    RollbackLimitsOrRollbackComplete,
    /// The record is sealed.
    RecordClosed,
    /// The verifier found nothing.
    SignaturesValid,
    /// The verifier found nothing, and a checkpoint anchors the end.
    ChainAndCheckpoint,
    /// Nobody holds a key that somebody else made.
    KeysMadeByTheirHolders,
}

impl Criterion {
    /// For people and programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReasonStated => "reason-stated",
            Self::TicketStated => "ticket-stated",
            Self::ImpactRiskStated => "impact-risk-stated",
            Self::GoDecisionBeforeCutover => "go-decision-before-cutover",
            Self::SeparationOfDutiesHeld => "separation-of-duties-held",
            Self::EveryItemSigned => "every-item-signed",
            Self::NothingOutOfProcess => "nothing-out-of-process",
            Self::EvidencePassed => "evidence-passed",
            Self::PostChangeVerification => "post-change-verification",
            Self::RollbackLimitsOrRollbackComplete => "rollback-limits-or-rollback-complete",
            Self::RecordClosed => "record-closed",
            Self::SignaturesValid => "signatures-valid",
            Self::ChainAndCheckpoint => "chain-and-checkpoint",
            Self::KeysMadeByTheirHolders => "keys-made-by-their-holders",
        }
    }

    /// Whether it holds, and the entries that this rests on.
    pub(super) fn of(self, r: &Report) -> (bool, Vec<u64>) {
        match self {
            Self::ReasonStated => (r.identity.reason.as_ref().is_some_and(stated), opening(r)),
            Self::TicketStated => (r.identity.ticket.is_some(), opening(r)),
            Self::ImpactRiskStated => (r.identity.risk.is_some(), opening(r)),
            Self::GoDecisionBeforeCutover => go(r),
            Self::SeparationOfDutiesHeld => {
                (r.separation.kept, r.people.iter().flat_map(|p| &p.roles).map(|held| held.from).collect())
            }
            Self::EveryItemSigned => items(r),
            Self::NothingOutOfProcess => (r.summary.out_of_process == 0, of_process(r)),
            Self::EvidencePassed => evidence(r),
            Self::PostChangeVerification => all_clear(r),
            Self::RollbackLimitsOrRollbackComplete => rollback(r),
            Self::RecordClosed => (r.summary.closed.is_some(), of_kind(r, "deployment-closed")),
            Self::SignaturesValid => (sound(r), all(r)),
            Self::ChainAndCheckpoint => (sound(r) && r.integrity.checkpoint.is_some(), all(r)),
            Self::KeysMadeByTheirHolders => {
                (sound(r) && r.control.custody.is_empty(), signed(r).map(|a| a.entry.seq).collect())
            }
        }
    }
}

/// Whether somebody wrote it: an erasure that is on record takes the words away, not that.
const fn stated(text: &Text) -> bool {
    matches!(text, Text::Shown { .. } | Text::Erased { .. })
}

fn of_kind(r: &Report, kind: &str) -> Vec<u64> {
    r.timeline.iter().filter(|moment| moment.kind == kind).map(|moment| moment.seq).collect()
}

fn opening(r: &Report) -> Vec<u64> {
    of_kind(r, "deployment-opened")
}

/// Every entry of the deployment and the governance of its time; what the verifier found, where it found something.
fn all(r: &Report) -> Vec<u64> {
    if sound(r) {
        r.timeline.iter().map(|moment| moment.seq).collect()
    } else {
        r.integrity.findings.iter().filter_map(|finding| finding.seq).collect()
    }
}

fn sound(r: &Report) -> bool {
    r.integrity.findings.is_empty()
}

/// Sign-offs and decisions that stand.
fn signed(r: &Report) -> impl Iterator<Item = &Approval> {
    r.approvals.iter().filter(|a| !a.entry.not_verified && a.withdrawn.is_none())
}

/// Decisions that stand, in entry order.
fn decided(r: &Report) -> impl Iterator<Item = (u64, Decision, Option<Gate>, Option<&str>)> {
    signed(r).filter_map(|a| match &a.what {
        ApprovalKind::Decision { decision, gate, waives } => {
            Some((a.entry.seq, *decision, *gate, waives.as_ref().map(Label::as_str)))
        }
        ApprovalKind::Item { .. } => None,
    })
}

fn overridden(r: &Report, of: Gate) -> Vec<u64> {
    let all =
        decided(r).filter(|(_, decision, gate, _)| *decision == Decision::Override && *gate == Some(of));
    all.map(|(seq, ..)| seq).collect()
}

/// The first movement of traffic to Green that happened or was about to.
fn cutover(r: &Report) -> Option<&Shift> {
    let moved = |s: &&Shift| s.to == Colour::Green && s.percent > 0 && s.act != Act::Failed;
    r.shifts.iter().find(|s| moved(s) && !s.entry.not_verified)
}

fn go(r: &Report) -> (bool, Vec<u64>) {
    let cutover = cutover(r).map(|shift| shift.entry.seq);
    let before = decided(r).take_while(|(seq, ..)| cutover.is_none_or(|cutover| *seq < cutover));
    let last = before.filter(|(_, decision, ..)| matches!(decision, Decision::Go | Decision::NoGo)).last();
    let against = r.attention.iter().filter(|a| a.code == "shift-before-go").filter_map(|a| a.seq);
    let against: Vec<u64> =
        against.chain(overridden(r, Gate::Go)).chain(overridden(r, Gate::Shift)).collect();
    let holds = against.is_empty() && matches!(last, Some((_, Decision::Go, ..)));
    let rests = last.map(|(seq, ..)| seq).into_iter().chain(cutover).chain(against);
    (holds, rests.collect())
}

fn items(r: &Report) -> (bool, Vec<u64>) {
    let done = r.items.iter().all(|item| matches!(item.status, ItemStatus::Done | ItemStatus::Na));
    let signed = r.items.iter().flat_map(|item| &item.signed).copied();
    (!r.items.is_empty() && done, signed.collect())
}

/// What came out of process; where nothing did, all that could have.
fn of_process(r: &Report) -> Vec<u64> {
    if r.summary.out_of_process == 0 {
        return r.timeline.iter().map(|moment| moment.seq).collect();
    }
    r.attention.iter().filter(|a| OUT_OF_PROCESS.contains(&a.code.as_str())).filter_map(|a| a.seq).collect()
}

fn evidence(r: &Report) -> (bool, Vec<u64>) {
    let newest = |check: &crate::report::model::Check| {
        let reading = check.newest(|reading| !reading.entry.not_verified)?;
        Some((reading.entry.seq, reading.phase))
    };
    let newest: Vec<_> = r.checks.iter().map(newest).collect();
    let passed = newest.iter().all(|one| matches!(one, Some((_, Some(Phase::Pass)))));
    (!newest.is_empty() && passed, newest.into_iter().flatten().map(|(seq, _)| seq).collect())
}

fn all_clear(r: &Report) -> (bool, Vec<u64>) {
    let given = decided(r).filter(|(_, decision, ..)| *decision == Decision::AllClear).last();
    let after = cutover(r).zip(given).is_some_and(|(shift, (seq, ..))| shift.entry.seq < seq);
    let waived = overridden(r, Gate::AllClear);
    (after && waived.is_empty(), given.map(|(seq, ..)| seq).into_iter().chain(waived).collect())
}

fn rollback(r: &Report) -> (bool, Vec<u64>) {
    if r.rollbacks.is_empty() {
        return (r.checks.iter().any(|check| check.rollback.is_some()), opening(r));
    }
    let ended = |back: &crate::report::model::Rollback| {
        back.outcome == Some(RollbackOutcome::Complete)
            && back.finished.as_ref().is_some_and(|place| !place.not_verified)
    };
    let places = |back: &crate::report::model::Rollback| {
        let triggers = back.triggers.iter().map(|trigger| trigger.entry.seq);
        let ends = [&back.started, &back.finished].into_iter().flatten().map(|place| place.seq);
        triggers.chain(ends).collect::<Vec<_>>()
    };
    let green = r.attention.iter().filter(|a| a.code == "rollback-green").filter_map(|a| a.seq);
    let green: Vec<u64> = green.collect();
    let rests = r.rollbacks.iter().flat_map(places).chain(green.iter().copied());
    (r.rollbacks.iter().all(ended) && green.is_empty(), rests.collect())
}
