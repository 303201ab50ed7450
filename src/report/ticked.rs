//! Who completed each item of the checklist, when and with which key.

use std::collections::HashMap;

use super::model::{Approval, ApprovalKind, Item, ItemStatus, Place, Report};
use super::words::{self, InWords as _};
use crate::core::checklist::By;
use crate::core::event::{Act, Colour, Decision, Gate};

/// An item with the events that complete it or let it pass.
pub struct Ticked<'a> {
    /// The item.
    pub item: &'a Item,
    /// What was done and where it stands: sign-offs that count, or the event that ticks it.
    pub by: Vec<(String, &'a Place)>,
    /// Overrides that let it pass: the gate and where it stands.
    pub overrides: Vec<(&'static str, &'a Place)>,
}

/// Every item with who completed it, in groups by phase.
pub fn ticked(report: &Report) -> Vec<(Option<&str>, Vec<Ticked<'_>>)> {
    let signed: HashMap<u64, &Approval> = report.approvals.iter().map(|a| (a.entry.seq, a)).collect();
    let mut waived: HashMap<&str, Vec<(&'static str, &Place)>> = HashMap::new();
    for approval in &report.approvals {
        if let ApprovalKind::Decision { gate, waives: Some(waives), .. } = &approval.what {
            waived.entry(waives.as_str()).or_default().push((gate_words(*gate), &approval.entry));
        }
    }
    let one = |item: &'_ Item| -> Vec<(String, &Place)> {
        let own = item.signed.iter().filter_map(|seq| signed.get(seq));
        own.filter_map(|approval| match &approval.what {
            ApprovalKind::Item { outcome, .. } => Some((outcome.words().to_owned(), &approval.entry)),
            ApprovalKind::Decision { .. } => None,
        })
        .collect()
    };
    let groups = report.items.chunk_by(|a, b| a.phase == b.phase);
    groups
        .map(|group| {
            let items = group.iter().map(|item| {
                let mut by = one(item);
                if let Some(event) = item.by.filter(|_| item.status == ItemStatus::Done) {
                    by.extend(ticking(report, event));
                }
                let check = item.check.as_ref().map(|check| format!("check/{check}"));
                let names = [Some(format!("item/{}", item.id)), check];
                let own = names.iter().flatten().filter_map(|name| waived.get(name.as_str()));
                Ticked { item, by, overrides: own.flatten().copied().collect() }
            });
            (group.first().and_then(|item| item.phase.as_deref()), items.collect())
        })
        .collect()
}

fn gate_words(gate: Option<Gate>) -> &'static str {
    gate.words()
}

/// The event that ticks an item by itself.
fn ticking(report: &Report, by: By) -> Option<(String, &Place)> {
    let over = |act: Act, entry: &Place| matches!(act, Act::Done | Act::Observed) && !entry.not_verified;
    let decided = |which: Decision| {
        let made =
            |a: &&Approval| matches!(a.what, ApprovalKind::Decision { decision, .. } if decision == which);
        let found = report.approvals.iter().rev().filter(made).find(|a| !a.entry.not_verified);
        found.map(|a| (format!("decided: {}", words::decision(which)), &a.entry))
    };
    let acted = |kind: &str, fits: &dyn Fn(&str) -> bool| {
        let mut acts =
            report.acts.iter().filter(|a| a.kind == kind && fits(&a.text) && over(a.act, &a.entry));
        acts.next().map(|a| (a.text.clone(), &a.entry))
    };
    match by {
        By::Go => decided(Decision::Go),
        By::AllClear => decided(Decision::AllClear),
        By::Snapshot => acted("snapshot-taken", &|_| true),
        By::Deploy => {
            acted("stage-reached", &|text| text == "stage deploy" || text.starts_with("stage deploy ("))
        }
        By::Shift => {
            let full = report
                .shifts
                .iter()
                .filter(|s| s.to == Colour::Green && s.percent == 100 && over(s.act, &s.entry));
            let from = report.window.as_ref().map(|window| window.from);
            let found =
                full.clone().find(|s| Some(s.entry.recorded) == from).or_else(|| full.clone().next_back());
            found.map(|s| (format!("100 % of {} to Green", s.service), &s.entry))
        }
    }
}
