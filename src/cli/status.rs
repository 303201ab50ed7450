//! `status`: where the deployment stands, what blocks it, what to type next.

use std::fmt::Write as _;

use anyhow::Result;

use super::app::App;
use super::desk::Desk;
use super::next::next;
use super::say;
use super::status_code::Status;
use crate::core::check::Phase;
use crate::core::deployment::{Deployment, ItemProgress, ItemState, Missing};
use crate::core::time::Timestamp;
use crate::report::live::{gate_ahead, gate_name};

/// Options of `status`.
#[derive(clap::Args, Debug)]
pub struct Args {}

pub fn run(app: &mut App, _: &Args) -> Result<Status> {
    let (id, desk) = Desk::read_at(app, true)?;
    desk.warn(app);
    let deployment = desk.deployment(&id)?;
    let now = app.now();
    // Where it stands can be shown without a configuration; which commands can act cannot.
    let config = app.config().ok();
    let next = next(deployment, config.as_ref(), &missing_ahead(deployment, now), now);
    if app.json() {
        app.print_json(&json(&desk, deployment, now, &next))?;
    } else {
        app.data(text(&desk, deployment, now, &next))?;
    }
    Ok(Status::Done)
}

/// What the gate ahead misses.
pub fn missing_ahead(deployment: &Deployment, now: Timestamp) -> Vec<Missing> {
    gate_ahead(deployment).map_or_else(Vec::new, |gate| deployment.missing(gate, now))
}

fn text(desk: &Desk, deployment: &Deployment, now: Timestamp, next: &str) -> String {
    let opened = &deployment.opened.body;
    let mut text = String::new();
    if desk.log.rehearsal {
        text.push_str("REHEARSAL\n");
    }
    let _ = writeln!(
        text,
        "{}  {}  ({}, {})",
        deployment.id,
        deployment.stage().as_str(),
        opened.release,
        opened.environment
    );
    for holding in deployment.holdings.iter().filter(|h| h.until.is_none()) {
        let _ = writeln!(text, "  {:<14} {}", holding.role, holding.person);
    }
    let progress = deployment.progress();
    for phase in &deployment.checklist.phases {
        let items: Vec<_> =
            progress.iter().filter(|p| p.spec.phase.as_deref() == Some(phase.id.as_str())).collect();
        let _ = writeln!(text, "\n{}", bar(&phase.id, &items));
        for item in items {
            let _ = writeln!(text, "  {}", line(item));
        }
    }
    let loose: Vec<_> = progress.iter().filter(|p| p.spec.phase.is_none()).collect();
    if !loose.is_empty() {
        let _ = writeln!(text, "\n{}", bar("items without a phase", &loose));
        for item in loose {
            let _ = writeln!(text, "  {}", line(item));
        }
    }
    checks(&mut text, deployment);
    clocks(&mut text, deployment, now);
    for gap in say::gaps(&deployment.messages) {
        let template = gap.body.template.as_ref().map_or("custom", |template| template.as_str());
        let _ = writeln!(
            text,
            "! entry {}: {} was not told ({template}): aether-audit say {template} --again",
            gap.meta.seq, gap.body.channel
        );
    }
    for issue in &deployment.issues {
        let _ = writeln!(text, "! entry {}: {}", issue.seq, issue.text);
    }
    let missing = missing_ahead(deployment, now);
    if let Some(gate) = gate_ahead(deployment).filter(|_| !missing.is_empty()) {
        let blocks = if missing.len() == 1 {
            "1 thing blocks".into()
        } else {
            format!("{} things block", missing.len())
        };
        let _ = writeln!(text, "\n{blocks} {}:", gate_name(gate));
        for m in &missing {
            let _ = writeln!(text, "  - {}", m.text);
        }
    }
    let _ = writeln!(text, "\nnext: {next}");
    let _ = writeln!(text, "log:  {} entries, head {}", desk.head.seq + 1, desk.head.leaf.short());
    text
}

fn bar(name: &str, items: &[&ItemProgress]) -> String {
    let done = items.iter().filter(|item| item.complete()).count();
    let filled = if items.is_empty() { 0 } else { done * 20 / items.len() };
    format!("{name:<22} [{}{}] {done}/{}", "#".repeat(filled), ".".repeat(20 - filled), items.len())
}

fn line(item: &ItemProgress) -> String {
    let mark = match item.state {
        ItemState::Done => "[x]",
        ItemState::Na => "[-]",
        ItemState::Failed => "[!]",
        ItemState::Partly => "[/]",
        ItemState::Open => "[ ]",
    };
    let who = match item.counted.last() {
        Some(sign_off) => format!("{}, {}", sign_off.meta.people(), sign_off.meta.recorded.human()),
        None => match item.spec.by {
            Some(by) => format!("by {}", by.as_str()),
            None if item.spec.roles.is_empty() => "anyone with a role".into(),
            None => item.spec.roles.join(if item.spec.all_roles { " and " } else { " or " }),
        },
    };
    format!("{mark} {:<22} {who}", item.spec.id)
}

fn checks(text: &mut String, deployment: &Deployment) {
    if deployment.opened.body.checks.is_empty() {
        return;
    }
    text.push_str("\nchecks\n");
    for check in &deployment.opened.body.checks {
        let latest = deployment.latest(&check.id);
        let phase = latest.and_then(|record| record.body.phase).map_or("not measured", Phase::as_str);
        let detail = latest.and_then(|record| record.body.detail.as_deref()).unwrap_or("");
        let _ = writeln!(text, "{}", format!("  {phase:<12} {:<16} {detail}", check.id).trim_end());
    }
}

fn clocks(text: &mut String, deployment: &Deployment, now: Timestamp) {
    if deployment.cutover().is_some() {
        let shares =
            deployment.green_percent().into_iter().map(|(service, share)| format!("{service} {share} %"));
        let _ = writeln!(text, "\non Green: {}", shares.collect::<Vec<_>>().join(", "));
    }
    if let Some((_, to)) = deployment.verification_window() {
        let _ = writeln!(text, "\nverification until {}{}", to.human(), left(now, to));
        for coverage in deployment.coverage() {
            let _ = writeln!(
                text,
                "  {:<16} {} of {} minutes covered",
                coverage.check, coverage.minutes, coverage.of
            );
        }
    }
    if let Some(until) = deployment.standby_until() {
        let _ = writeln!(text, "Blue stands by until {}{}", until.human(), left(now, until));
    }
}

fn left(now: Timestamp, to: Timestamp) -> String {
    match (to.millis() - now.millis()) / 1000 {
        ..=0 => " (over)".into(),
        seconds @ 1..120 => format!(" ({seconds} s left)"),
        seconds => format!(" ({} min left)", seconds / 60),
    }
}

fn json(desk: &Desk, deployment: &Deployment, now: Timestamp, next: &str) -> serde_json::Value {
    let items: Vec<_> = deployment
        .progress()
        .iter()
        .map(|p| {
            serde_json::json!({
                "id": p.spec.id, "phase": p.spec.phase, "roles": p.spec.roles, "state": format!("{:?}", p.state).to_lowercase(),
                "signedBy": p.counted.iter().map(|s| s.meta.people()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let checks: Vec<_> = deployment
        .opened
        .body
        .checks
        .iter()
        .map(|check| {
            let latest = deployment.latest(&check.id).map(|record| &record.body);
            serde_json::json!({"id": check.id, "phase": latest.and_then(|r| r.phase), "value": latest.and_then(|r| r.value.as_ref())})
        })
        .collect();
    let missing = missing_ahead(deployment, now);
    let gate = gate_ahead(deployment);
    let lines: Vec<_> =
        missing.iter().map(|m| serde_json::json!({"requirement": m.requirement, "text": m.text})).collect();
    let holders: serde_json::Map<_, _> = deployment
        .holdings
        .iter()
        .filter(|h| h.until.is_none())
        .map(|h| (h.role.to_string(), h.person.to_string().into()))
        .collect();
    serde_json::json!({
        "schema": "https://project-aether.io/audit/status/v1",
        "deployment": deployment.id, "release": deployment.opened.body.release, "rehearsal": desk.log.rehearsal,
        "stage": deployment.stage().as_str(), "outcome": deployment.outcome(), "roles": holders,
        "items": items, "checks": checks, "gate": gate, "missing": lines, "next": next,
        "verificationUntil": deployment.verification_window().map(|(_, to)| to),
        "standbyUntil": deployment.standby_until(),
        "issues": deployment.issues.iter().map(|i| serde_json::json!({"seq": i.seq, "code": i.code, "text": i.text})).collect::<Vec<_>>(),
        "undelivered": say::gaps(&deployment.messages).iter()
            .map(|gap| serde_json::json!({"seq": gap.meta.seq, "channel": gap.body.channel, "template": gap.body.template}))
            .collect::<Vec<_>>(),
        "entries": desk.head.seq + 1, "head": desk.head.leaf,
    })
}
