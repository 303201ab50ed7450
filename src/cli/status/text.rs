//! Where it stands, for people: the phases, what blocks, what is next and the command for it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Standing, waived};
use crate::cli::paint::{Ink, Paint};
use crate::cli::say;
use crate::cli::screen::Rank;
use crate::core::check::{CheckSpec, Phase, Standing as Stands};
use crate::core::deployment::{Deployment, ItemProgress, ItemState, Stage};
use crate::core::event::Gate;
use crate::core::time::Timestamp;
use crate::report::live::{gate_ahead, gate_name, tone_of};

/// Columns of a phase's bar.
const BAR: usize = 20;
/// Waived requirements that are named one by one.
const WAIVERS: usize = 6;

/// Every line with how much it matters.
#[must_use]
pub fn lines(standing: &Standing, now: Timestamp, paint: Paint) -> Vec<(Rank, String)> {
    let mut out = Lines { all: Vec::new(), paint };
    let deployment = standing.deployment;
    let opened = &deployment.opened.body;
    if standing.log.rehearsal {
        out.put(Rank::First, paint.on(Ink::Warning, "REHEARSAL"));
    }
    let ended = deployment.outcome().filter(|_| matches!(deployment.stage(), Stage::Ended | Stage::Closed));
    let outcome = ended.map_or_else(String::new, |outcome| format!(": {}", outcome.as_str()));
    let stage = format!("{}{outcome}", deployment.stage().as_str());
    let stage = paint.on(Ink::from(tone_of(deployment)), stage);
    out.put(
        Rank::First,
        format!(
            "{}  {stage}  {}",
            paint.on(Ink::Strong, deployment.id.as_str()),
            paint.on(Ink::Soft, format!("({}, {})", opened.release, opened.environment))
        ),
    );
    for holding in deployment.holdings.iter().filter(|h| h.until.is_none()) {
        out.say(Rank::Second, format!("  {:<14} {}", holding.role, holding.person));
    }
    checklist(&mut out, deployment);
    checks(&mut out, deployment);
    clocks(&mut out, deployment, now);
    for gap in say::gaps(&deployment.messages) {
        let template = gap.body.template.as_ref().map_or("custom", |template| template.as_str());
        let text = format!(
            "! entry {}: {} was not told ({template}): aether-audit say {template} --again",
            gap.meta.seq, gap.body.channel
        );
        out.put(Rank::First, paint.on(Ink::Critical, text));
    }
    waivers(&mut out, deployment);
    for issue in &deployment.issues {
        out.put(Rank::First, paint.on(Ink::Warning, format!("! entry {}: {}", issue.seq, issue.text)));
    }
    blocks(&mut out, standing);
    out.blank(Rank::First);
    out.put(Rank::First, format!("next: {}", paint.on(Ink::Strong, standing.next)));
    let log = format!("log:  {} entries, head {}", standing.head.seq + 1, standing.head.leaf.short());
    out.put(Rank::First, paint.on(Ink::Soft, log));
    out.all
}

struct Lines {
    all: Vec<(Rank, String)>,
    paint: Paint,
}

impl Lines {
    /// A line that is ready for a terminal.
    fn put(&mut self, rank: Rank, line: String) {
        self.all.push((rank, line));
    }

    /// A line of anybody's text.
    fn say(&mut self, rank: Rank, line: impl AsRef<str>) {
        let plain = crate::cli::app::printable(line.as_ref());
        self.put(rank, plain);
    }

    fn blank(&mut self, rank: Rank) {
        self.put(rank, String::new());
    }
}

fn checklist(out: &mut Lines, deployment: &Deployment) {
    let progress = deployment.progress();
    let mut part = |name: &str, items: &[&ItemProgress]| {
        out.blank(Rank::Second);
        let bar = bar(name, items, out.paint);
        out.put(Rank::First, bar);
        for item in items {
            let rank = if item.complete() { Rank::Last } else { Rank::Second };
            let line = line(item, out.paint);
            out.put(rank, line);
        }
    };
    for phase in &deployment.checklist.phases {
        let items: Vec<_> =
            progress.iter().filter(|p| p.spec.phase.as_deref() == Some(phase.id.as_str())).collect();
        part(&phase.id, &items);
    }
    let loose: Vec<_> = progress.iter().filter(|p| p.spec.phase.is_none()).collect();
    if !loose.is_empty() {
        part("items without a phase", &loose);
    }
}

fn bar(name: &str, items: &[&ItemProgress], paint: Paint) -> String {
    let done = items.iter().filter(|item| item.complete()).count();
    let filled = if items.is_empty() { 0 } else { done * BAR / items.len() };
    let bar = format!(
        "[{}{}]",
        paint.on(Ink::Good, "#".repeat(filled)),
        paint.on(Ink::Soft, ".".repeat(BAR - filled))
    );
    format!("{} {bar} {done}/{}", paint.on(Ink::Strong, format!("{name:<22}")), items.len())
}

fn line(item: &ItemProgress, paint: Paint) -> String {
    let (mark, ink) = match item.state {
        ItemState::Done => ("[x]", Ink::Good),
        ItemState::Na => ("[-]", Ink::Soft),
        ItemState::Failed => ("[!]", Ink::Critical),
        ItemState::Partly => ("[/]", Ink::Warning),
        ItemState::Open => ("[ ]", Ink::Strong),
    };
    let who = match item.counted.last() {
        Some(sign_off) => format!("{}, {}", sign_off.meta.people(), sign_off.meta.recorded.human()),
        None => match item.spec.by {
            Some(by) => format!("by {}", by.as_str()),
            None if item.spec.roles.is_empty() => "anyone with a role".into(),
            None => item.spec.roles.join(if item.spec.all_roles { " and " } else { " or " }),
        },
    };
    let soft = if item.complete() { paint.on(Ink::Soft, who) } else { crate::cli::app::printable(&who) };
    format!("  {} {:<22} {soft}", paint.on(ink, mark), item.spec.id)
}

fn checks(out: &mut Lines, deployment: &Deployment) {
    if deployment.opened.body.checks.is_empty() {
        return;
    }
    out.blank(Rank::Second);
    out.put(Rank::Second, out.paint.on(Ink::Strong, "checks"));
    for check in &deployment.opened.body.checks {
        let latest = deployment.latest(&check.id);
        let phase = latest.and_then(|record| record.body.phase);
        let word = format!("{:<12}", phase.map_or("not measured", Phase::as_str));
        let word = match latest {
            Some(_) => out.paint.on(Ink::from(phase), word),
            None => out.paint.on(Ink::Soft, word),
        };
        let detail = latest.and_then(|record| record.body.detail.as_deref()).unwrap_or("");
        let more = beside(deployment, check, phase);
        let rest = crate::cli::app::printable(&format!("{:<16} {detail}{more}", check.id));
        let rank = if phase == Some(Phase::Pass) { Rank::Last } else { Rank::Second };
        out.put(rank, format!("  {word} {rest}").trim_end().to_owned());
    }
}

/// What the check's readings come to, where that is not what the newest one says alone: as `watch` takes them.
fn beside(deployment: &Deployment, check: &CheckSpec, newest: Option<Phase>) -> String {
    let standing = deployment.standing(&check.id, None, None);
    match (newest, standing) {
        (Some(Phase::Trigger), standing) if standing != Stands::Fires => {
            let after = check.rules.as_ref().and_then(|rules| rules.trigger_after);
            let after = after.map_or_else(String::new, |after| format!(": it fires at {after}"));
            format!(" (over the rollback limit, not often enough to fire{after})")
        }
        (Some(Phase::Error), standing) if standing != Stands::Error => {
            let after = check.rules.as_ref().map_or(1, |rules| rules.errors_after);
            format!(" (not measured; it stands at {} until {after} minutes in a row fail)", standing.as_str())
        }
        _ => String::new(),
    }
}

fn clocks(out: &mut Lines, deployment: &Deployment, now: Timestamp) {
    if deployment.cutover().is_some() {
        let shares =
            deployment.green_percent().into_iter().map(|(service, share)| format!("{service} {share} %"));
        out.blank(Rank::Second);
        out.say(Rank::First, format!("on Green: {}", shares.collect::<Vec<_>>().join(", ")));
    }
    if let Some((_, to)) = deployment.verification_window() {
        out.blank(Rank::Second);
        out.say(Rank::First, format!("verification until {}{}", to.human(), left(now, to)));
        for coverage in deployment.coverage() {
            let text =
                format!("  {:<16} {} of {} minutes covered", coverage.check, coverage.minutes, coverage.of);
            out.say(Rank::Second, text);
        }
    }
    if let Some(seq) = deployment.retired() {
        out.say(Rank::First, format!("Blue was retired (entry {seq})"));
    } else if let Some(until) = deployment.standby_until() {
        out.say(Rank::First, format!("Blue stands by until {}{}", until.human(), left(now, until)));
    }
}

/// What overrides have waived, each gate on a line.
fn waivers(out: &mut Lines, deployment: &Deployment) {
    let mut gates: BTreeMap<Gate, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for (record, gate, requirement) in waived(deployment) {
        let (requirements, people) = gates.entry(gate).or_default();
        requirements.insert(requirement);
        people.insert(record.meta.people());
    }
    for (gate, (requirements, people)) in gates {
        let shown: Vec<&str> = requirements.iter().copied().take(WAIVERS).collect();
        let more = requirements.len().saturating_sub(WAIVERS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let by = people.into_iter().collect::<Vec<_>>().join(", ");
        let text = format!("! OVERRIDE by {by} at {}: {}{more} waived", gate_name(gate), shown.join(", "));
        out.put(Rank::First, out.paint.on(Ink::Warning, text));
    }
}

fn left(now: Timestamp, to: Timestamp) -> String {
    match (to.millis() - now.millis()) / 1000 {
        ..=0 => " (over)".into(),
        seconds @ 1..120 => format!(" ({seconds} s left)"),
        seconds => format!(" ({} min left)", seconds / 60),
    }
}

fn blocks(out: &mut Lines, standing: &Standing) {
    let missing = &standing.missing;
    let Some(gate) = gate_ahead(standing.deployment).filter(|_| !missing.is_empty()) else { return };
    out.blank(Rank::Second);
    let heading = format!("{} {}:", things(missing.len()), gate_name(gate));
    out.put(Rank::First, out.paint.on(Ink::Warning, heading));
    for m in missing {
        out.say(Rank::Second, format!("  - {}", m.text));
    }
}

/// `1 thing blocks`, `7 things block`.
#[must_use]
pub fn things(count: usize) -> String {
    if count == 1 { "1 thing blocks".into() } else { format!("{count} things block") }
}
