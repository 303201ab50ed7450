//! Sign-offs and decisions, and how far each item is.

use std::collections::BTreeMap;

use super::Reader;
use crate::core::deployment::ItemState;
use crate::report::model::{Approval, ApprovalKind, Item, ItemStatus, Withdrawal};

pub(super) fn approvals(reader: &Reader, titles: &BTreeMap<String, String>) -> Vec<Approval> {
    let deployment = reader.deployment();
    let mut all: Vec<Approval> = Vec::new();
    for sign_off in &deployment.sign_offs {
        let body = &sign_off.body;
        let current = body.checklist == deployment.checklist.text.commit;
        all.push(Approval {
            entry: reader.place(&sign_off.meta),
            what: ApprovalKind::Item {
                item: body.item.clone(),
                title: titles.get(body.item.as_str()).filter(|_| current).cloned(),
                outcome: body.outcome,
                current,
            },
            note: reader.maybe(body.note.as_ref()),
            reason: reader.maybe(body.reason.as_ref()),
            withdrawn: sign_off
                .withdrawn
                .as_ref()
                .map(|w| Withdrawal { entry: reader.place(&w.meta), reason: reader.text(&w.body) }),
        });
    }
    for decision in &deployment.decisions {
        let body = &decision.body;
        all.push(Approval {
            entry: reader.place(&decision.meta),
            what: ApprovalKind::Decision {
                decision: body.decision,
                gate: body.gate,
                waives: body.waives.clone(),
            },
            note: None,
            reason: Some(reader.text(&body.reason)),
            withdrawn: None,
        });
    }
    all.sort_by_key(|approval| approval.entry.seq);
    all
}

pub(super) fn items(reader: &Reader, titles: &BTreeMap<String, String>) -> Vec<Item> {
    let deployment = reader.deployment();
    deployment
        .progress()
        .into_iter()
        .map(|progress| {
            let spec = progress.spec;
            let reading =
                spec.check.as_deref().and_then(|check| deployment.latest(check)).map(|record| &record.body);
            Item {
                id: spec.id.clone(),
                title: titles.get(&spec.id).cloned(),
                phase: spec.phase.clone(),
                roles: spec.roles.clone(),
                status: match progress.state {
                    ItemState::Open => ItemStatus::Open,
                    ItemState::Partly => ItemStatus::Partly,
                    ItemState::Done => ItemStatus::Done,
                    ItemState::Na => ItemStatus::Na,
                    ItemState::Failed => ItemStatus::Failed,
                },
                by: spec.by,
                signed: progress.counted.iter().map(|sign_off| sign_off.meta.seq).collect(),
                check: spec.check.clone(),
                check_phase: reading.and_then(|reading| reading.phase),
                check_value: reading.and_then(|reading| reading.value.clone()),
            }
        })
        .collect()
}
