//! A deployment's fold as [`Live`].

use std::collections::{BTreeMap, BTreeSet};

use super::{Ahead, CheckLive, Clocks, IssueLive, ItemLive, Live, MessageLive, PhaseLive, RoleLive, Tone};
use crate::core::check::{CheckSpec, Phase, Standing};
use crate::core::deployment::{Coverage, Deployment, ItemProgress, ItemState, Missing, Stage};
use crate::core::event::{Gate, Outcome};
use crate::core::hash::Hash;
use crate::core::time::Timestamp;

/// So many of the newest readings of a check are drawn.
const SERIES: usize = 120;
/// So many of the newest messages and issues are shown.
const NEWEST: usize = 8;

impl Live {
    /// The deployment at `now`. `titles` are the items' first lines by their ids, `text` gives what an opening holds.
    #[must_use]
    pub fn of(
        deployment: &Deployment,
        titles: &BTreeMap<String, String>,
        text: &dyn Fn(&Hash) -> Option<String>,
        now: Timestamp,
    ) -> Self {
        let opened = &deployment.opened.body;
        let gate = gate_ahead(deployment);
        let missing = gate.map_or_else(Vec::new, |gate| deployment.missing(gate, now));
        let progress = deployment.progress();
        let coverage = deployment.coverage();
        let checks: Vec<CheckLive> =
            opened.checks.iter().map(|spec| check(deployment, spec, &coverage)).collect();
        let traffic = deployment.green_percent().into_iter();
        Self {
            deployment: deployment.id.clone(),
            release: opened.release.to_string(),
            environment: opened.environment.to_string(),
            rehearsal: opened.rehearsal,
            stage: deployment.stage().as_str(),
            tone: tone(deployment, &checks),
            outcome: deployment.outcome(),
            phases: phases(deployment, &progress, titles, &missing),
            roles: roles(deployment, &progress, &missing),
            ahead: gate.map(|gate| Ahead {
                gate: gate_name(gate),
                missing: missing.iter().map(|m| m.text.clone()).collect(),
            }),
            clocks: Clocks {
                opened: deployment.opened.meta.recorded,
                cutover: deployment.cutover(),
                verification: deployment.verification_window(),
                standby: deployment.standby_until(),
                closed: deployment.closed.as_ref().map(|closed| closed.meta.recorded),
            },
            traffic: traffic.map(|(service, share)| (service.to_string(), share)).collect(),
            checks,
            messages: messages(deployment, text),
            issues: newest(&deployment.issues)
                .iter()
                .map(|issue| IssueLive { seq: issue.seq, text: issue.text.clone() })
                .collect(),
        }
    }
}

/// The gate that comes next, where there is one.
#[must_use]
pub fn gate_ahead(deployment: &Deployment) -> Option<Gate> {
    match deployment.stage() {
        Stage::Preparing | Stage::Held => Some(Gate::Go),
        Stage::Deploying => Some(Gate::Shift),
        Stage::Verifying => Some(Gate::AllClear),
        Stage::Ended => Some(Gate::Close),
        Stage::Triggered | Stage::RollingBack | Stage::RollbackFailed | Stage::Closed => None,
    }
}

/// What a gate stands before, in words.
#[must_use]
pub const fn gate_name(gate: Gate) -> &'static str {
    match gate {
        Gate::Go => "go",
        Gate::Shift => "the shift to Green",
        Gate::AllClear => "the all-clear",
        Gate::Retire => "retiring Blue",
        Gate::Sign => "the sign-off",
        Gate::Close => "the closing",
    }
}

fn newest<T>(all: &[T]) -> &[T] {
    &all[all.len().saturating_sub(NEWEST)..]
}

/// How bad it is where a deployment stands.
#[must_use]
pub fn tone_of(deployment: &Deployment) -> Tone {
    let checks = &deployment.opened.body.checks;
    tone(deployment, &checks.iter().map(|spec| check(deployment, spec, &[])).collect::<Vec<_>>())
}

fn tone(deployment: &Deployment, checks: &[CheckLive]) -> Tone {
    let worst = checks.iter().map(|check| check.tone);
    match (deployment.stage(), deployment.outcome()) {
        (Stage::Triggered | Stage::RollingBack | Stage::RollbackFailed, _) | (_, Some(Outcome::Partly)) => {
            Tone::Critical
        }
        (Stage::Ended | Stage::Closed, Some(Outcome::Completed)) => Tone::Good,
        (Stage::Held | Stage::Ended | Stage::Closed, _) => Tone::Warning,
        (Stage::Deploying | Stage::Verifying, _) if worst.clone().any(|tone| tone == Tone::Critical) => {
            Tone::Critical
        }
        (Stage::Verifying, _) if worst.clone().any(|tone| tone == Tone::Warning) => Tone::Warning,
        _ => Tone::Plain,
    }
}

fn phases(
    deployment: &Deployment,
    progress: &[ItemProgress],
    titles: &BTreeMap<String, String>,
    missing: &[Missing],
) -> Vec<PhaseLive> {
    let blocks: BTreeSet<&str> = missing.iter().filter_map(|m| m.requirement.strip_prefix("item/")).collect();
    let of = |id: Option<&str>| -> Vec<ItemLive> {
        let items = progress.iter().filter(|p| p.spec.phase.as_deref() == id);
        items.map(|p| item(p, titles, blocks.contains(p.spec.id.as_str()))).collect()
    };
    let done = |items: &[ItemLive]| items.iter().filter(|i| matches!(i.state, "done" | "na")).count();
    let mut phases: Vec<PhaseLive> = Vec::new();
    for phase in &deployment.checklist.phases {
        let items = of(Some(&phase.id));
        let span: Vec<&str> = phase.from.iter().chain(&phase.to).map(String::as_str).collect();
        let span = (!span.is_empty()).then(|| span.join(" to "));
        phases.push(PhaseLive { id: Some(phase.id.clone()), span, done: done(&items), items });
    }
    let loose = of(None);
    if !loose.is_empty() {
        phases.push(PhaseLive { id: None, span: None, done: done(&loose), items: loose });
    }
    phases
}

fn item(progress: &ItemProgress, titles: &BTreeMap<String, String>, blocks: bool) -> ItemLive {
    let spec = progress.spec;
    let whose = match spec.by {
        Some(by) => format!("by {}", by.as_str()),
        None if spec.roles.is_empty() => "anyone with a role".into(),
        None => spec.roles.join(if spec.all_roles { " and " } else { " or " }),
    };
    let last = progress.counted.last();
    ItemLive {
        id: spec.id.clone(),
        title: titles.get(&spec.id).cloned(),
        state: match progress.state {
            ItemState::Open => "open",
            ItemState::Partly => "partly",
            ItemState::Done => "done",
            ItemState::Na => "na",
            ItemState::Failed => "failed",
        },
        whose,
        by: last.map(|sign_off| sign_off.meta.people()),
        at: last.map(|sign_off| sign_off.meta.recorded),
        blocks,
    }
}

fn roles(deployment: &Deployment, progress: &[ItemProgress], missing: &[Missing]) -> Vec<RoleLive> {
    let waits = |id: &str| missing.iter().any(|m| m.requirement.strip_prefix("item/") == Some(id));
    let holdings = deployment.holdings.iter().filter(|holding| holding.until.is_none());
    holdings
        .map(|holding| {
            let may = |p: &&ItemProgress| {
                p.spec.by.is_none() && p.spec.roles.iter().any(|role| holding.role == *role.as_str())
            };
            let own: Vec<&ItemProgress> = progress.iter().filter(may).collect();
            RoleLive {
                role: holding.role.clone(),
                person: holding.person.clone(),
                done: own.iter().filter(|p| p.complete()).count(),
                of: own.len(),
                waits: own.iter().filter(|p| waits(&p.spec.id)).map(|p| p.spec.id.clone()).collect(),
            }
        })
        .collect()
}

fn check(deployment: &Deployment, spec: &CheckSpec, coverage: &[Coverage]) -> CheckLive {
    let readings = deployment.readings_since(&spec.id, None);
    let latest = deployment.latest(&spec.id);
    let phase = latest.and_then(|record| record.body.phase);
    let standing = if latest.is_some() { Some(deployment.standing(&spec.id, None, None)) } else { None };
    CheckLive {
        id: spec.id.clone(),
        phase,
        tone: match standing {
            Some(Standing::Fires) => Tone::Critical,
            Some(Standing::Pass) if phase == Some(Phase::Pass) => Tone::Good,
            Some(_) => Tone::Warning,
            None => Tone::Plain,
        },
        value: latest.and_then(|record| record.body.value.clone()),
        unit: spec.unit.clone().or_else(|| latest.and_then(|record| record.body.unit.clone())),
        detail: latest.and_then(|record| record.body.detail.clone()),
        seq: latest.map(|record| record.meta.seq),
        at: latest.map(|record| record.meta.recorded),
        objective: spec.objective.as_ref().map(ToString::to_string),
        objective_at: spec.objective.as_ref().map(|limit| limit.value.clone()),
        rollback: spec.rollback.as_ref().map(ToString::to_string),
        rollback_at: spec.rollback.as_ref().map(|limit| limit.value.clone()),
        covered: coverage.iter().find(|c| c.check == spec.id).map(|c| (c.minutes, c.of)),
        series: readings[readings.len().saturating_sub(SERIES)..]
            .iter()
            .map(|record| {
                let at = record.body.window.map_or(record.meta.recorded, |window| window.to);
                (at, record.body.value.clone(), record.body.phase)
            })
            .collect(),
    }
}

fn messages(deployment: &Deployment, text: &dyn Fn(&Hash) -> Option<String>) -> Vec<MessageLive> {
    newest(&deployment.messages)
        .iter()
        .map(|record| MessageLive {
            seq: record.meta.seq,
            at: record.meta.recorded,
            by: record.meta.people(),
            channel: record.body.channel.to_string(),
            template: record.body.template.as_ref().map(ToString::to_string),
            delivery: record.body.delivery,
            text: text(&record.body.text.commit),
        })
        .collect()
}
