//! What to type next, as `status` says it: the command that does it where the configuration lets one, else what to do by
//! hand and how to record it.

use crate::config::Config;
use crate::core::check::Phase;
use crate::core::deployment::{Deployment, Missing, Stage};
use crate::core::event::{Act, Outcome, StandbyState, StepName};
use crate::core::name::Label;
use crate::core::time::Timestamp;

/// The next step of a deployment of which the gate ahead misses this.
///
/// `named`: several are open, so that each command must say which it is about.
#[must_use]
pub fn next(
    deployment: &Deployment,
    config: Option<&Config>,
    missing: &[Missing],
    now: Timestamp,
    named: bool,
) -> String {
    let step = step(deployment, config, missing, now);
    if !named {
        return step;
    }
    step.replace("aether-audit ", &format!("aether-audit --deployment {} ", deployment.id))
}

fn step(deployment: &Deployment, config: Option<&Config>, missing: &[Missing], now: Timestamp) -> String {
    let lead = deployment.holder("lead-deployer").map_or(String::new(), |who| format!(" --as {who}"));
    let stage = deployment.stage();
    let rollback_ahead =
        matches!(stage, Stage::RollingBack | Stage::RollbackFailed | Stage::Ended | Stage::Closed);
    let breached = deployment.opened.body.checks.iter().find(|check| {
        deployment.latest(&check.id).is_some_and(|record| record.body.phase == Some(Phase::Trigger))
    });
    if let Some(check) = breached.filter(|_| !rollback_ahead && deployment.cutover().is_some()) {
        let id = &check.id;
        return format!(
            "ROLL BACK? {id} calls for it: aether-audit rollback --check {id} --reason TEXT{lead}"
        );
    }
    if deployment.stage() == Stage::Verifying && watchable(deployment, now) {
        return format!("aether-audit watch{}", as_holder(deployment, "qa-engineer"));
    }
    let item = unsigned(deployment, missing);
    if needs_snapshot(deployment, config) && item.as_deref().is_none_or(|item| item.contains("snapshot")) {
        return format!("aether-audit snapshot{lead}");
    }
    if let Some(item) = item {
        let role = deployment.item(&item).and_then(|spec| spec.roles.first());
        return format!(
            "aether-audit sign {item}{}",
            role.map_or(String::new(), |role| as_holder(deployment, role))
        );
    }
    if let Some(check) = missing.iter().find_map(|m| m.requirement.strip_prefix("check/")) {
        return format!("aether-audit collect {check}{}", as_holder(deployment, "qa-engineer"));
    }
    match deployment.stage() {
        Stage::Preparing | Stage::Held => format!("aether-audit decide go --reason TEXT{lead}"),
        Stage::Deploying => deploying(deployment, config, &lead),
        Stage::Verifying if missing.is_empty() => {
            format!("aether-audit decide all-clear --reason TEXT{lead}")
        }
        Stage::Verifying => format!("aether-audit collect{}", as_holder(deployment, "qa-engineer")),
        Stage::Triggered => format!("aether-audit rollback --reason TEXT{lead}"),
        Stage::RollbackFailed => format!(
            "aether-audit rollback --reason TEXT{lead}  (once more; what stays as it is: aether-audit abort --reason TEXT{lead})"
        ),
        Stage::RollingBack => rolling_back(deployment, config, &lead),
        Stage::Ended => ended(deployment, config, now, &lead),
        Stage::Closed if deployment.reports.is_empty() => format!("aether-audit report{lead}"),
        Stage::Closed => "aether-audit checkpoint > FILE, kept outside this folder".into(),
    }
}

fn as_holder(deployment: &Deployment, role: &str) -> String {
    deployment.holder(role).map_or(String::new(), |who| format!(" --as {who}"))
}

/// The first item to sign: of the first phase where a go was suspended, else the first that the gate misses.
fn unsigned(deployment: &Deployment, missing: &[Missing]) -> Option<String> {
    let first = deployment.checklist.phases.first().map(|phase| phase.id.as_str());
    let suspended = deployment.progress().into_iter().find(|p| {
        deployment.stage() == Stage::Deploying
            && !deployment.go_in_force()
            && p.spec.phase.as_deref() == first
            && p.spec.by.is_none()
            && !p.complete()
    });
    suspended
        .map(|p| p.spec.id.clone())
        .or_else(|| missing.iter().find_map(|m| m.requirement.strip_prefix("item/")).map(str::to_owned))
}

/// Whether the window runs and is to be measured: something is watched, and not all of it is measured yet.
fn watchable(deployment: &Deployment, now: Timestamp) -> bool {
    let watched = deployment.opened.body.checks.iter().any(|check| check.watch);
    let open = deployment.verification_window().is_some_and(|(_, to)| now < to);
    watched && open
}

/// Databases are configured, it is before the go, and no snapshot is on record.
fn needs_snapshot(deployment: &Deployment, config: Option<&Config>) -> bool {
    config.is_some_and(|config| !config.database.is_empty())
        && matches!(deployment.stage(), Stage::Preparing | Stage::Held)
        && !deployment.snapshots.iter().any(|record| over(record.body.act))
}

const fn over(act: Act) -> bool {
    matches!(act, Act::Done | Act::Observed)
}

fn deploying(deployment: &Deployment, config: Option<&Config>, lead: &str) -> String {
    let workflow = config.is_some_and(|config| config.github.repository.is_some());
    let deployed =
        deployment.stages.iter().any(|record| record.body.stage == *"deploy" && over(record.body.act));
    if workflow && !deployed && deployment.cutover().is_none() {
        return format!("aether-audit deploy{lead}");
    }
    let behind = deployment.green_percent().into_iter().find(|(_, share)| *share < 100);
    let service = behind.as_ref().map_or("SERVICE", |(service, _)| service.as_str());
    if behind.is_some_and(|(service, _)| moves(config, service)) {
        return format!("aether-audit shift --to green{lead}  (in steps: --steps 10,50,100)");
    }
    format!(
        "aether-audit gate shift; then move the traffic of {service}, and only then record it: \
         aether-audit record traffic-shifted --service {service} --to green --percent 100 --act done{lead}"
    )
}

/// Whether the configuration lets this program move the traffic of a service.
fn moves(config: Option<&Config>, service: &Label) -> bool {
    config.is_some_and(|config| config.traffic.iter().any(|section| section.service == service.as_str()))
}

/// `rollback` goes on with what it can do; what nothing is configured for is done and recorded by hand.
fn rolling_back(deployment: &Deployment, config: Option<&Config>, lead: &str) -> String {
    if deployment.services().iter().any(|service| moves(config, service)) {
        return format!("aether-audit rollback --reason TEXT{lead}  (goes on with the one under way)");
    }
    match step_ahead(deployment) {
        Some(step) => format!("aether-audit record rollback-step --step {step} --act done{lead}"),
        None => format!("aether-audit record rollback-finished --outcome complete{lead}"),
    }
}

/// The first of the five rollback steps that is not on record as done.
#[must_use]
pub fn step_ahead(deployment: &Deployment) -> Option<&'static str> {
    let steps = [
        (StepName::Announce, "announce"),
        (StepName::RevertTraffic, "revert-traffic"),
        (StepName::VerifyPrevious, "verify-previous"),
        (StepName::Notify, "notify"),
        (StepName::ScheduleReview, "schedule-review"),
    ];
    let since = deployment.rollbacks.last().map_or(0, |started| started.meta.seq);
    let done = |step| {
        deployment
            .rollback_steps
            .iter()
            .any(|r| r.meta.seq > since && r.body.step == step && over(r.body.act))
    };
    steps.into_iter().find(|(step, _)| !done(*step)).map(|(_, name)| name)
}

fn ended(deployment: &Deployment, config: Option<&Config>, now: Timestamp, lead: &str) -> String {
    let completed = deployment.outcome() == Some(Outcome::Completed);
    let mut shares = deployment.green_percent().into_iter();
    if let Some((service, _)) = shares.find(|(_, share)| !deployment.rollbacks.is_empty() && *share > 0) {
        if moves(config, service) {
            return format!(
                "aether-audit rollback --reason TEXT{lead}  (once more: {service} is still on Green)"
            );
        }
        return format!(
            "move the traffic of {service} back to Blue, and record it: \
             aether-audit record traffic-shifted --service {service} --to blue --percent 100 --act done{lead}"
        );
    }
    let state = |state| deployment.standby.iter().any(|s| s.body.state == state && s.body.act != Act::Failed);
    if completed && state(StandbyState::Kept) && !state(StandbyState::Retired) {
        let wait = deployment.standby_until().filter(|until| now < *until);
        let wait = wait.map_or(String::new(), |until| format!("  (from {} on)", until.human()));
        return format!("aether-audit standby --retire{lead}{wait}");
    }
    let open: Vec<&str> = deployment
        .progress()
        .iter()
        .filter(|p| p.spec.by.is_none() && !p.complete() && deployment.rollbacks.is_empty())
        .map(|p| p.spec.id.as_str())
        .collect();
    let last = if open.is_empty() || open.len() > 6 {
        String::new()
    } else {
        format!("  (closing shuts out what is still unsigned: {})", open.join(", "))
    };
    format!("aether-audit close{lead}{last}")
}
