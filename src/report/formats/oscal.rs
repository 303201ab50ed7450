//! `report.oscal.json`: OSCAL 1.2.1 assessment results. Observations are sign-offs, decisions and readings with the
//! entry and leaf that they stand in; findings are the controls of the mapping. Ids are version 5 UUIDs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{own, uuid};
use crate::core::hash::Hash;
use crate::report::controls::{Mapped, Verdict};
use crate::report::model::{ApprovalKind, Place, Report};
use crate::report::words::InWords as _;
use crate::report::{Input, ReportError};

/// The namespace of properties that OSCAL does not define.
const NS: &str = "https://project-aether.io/audit/oscal";

pub(super) fn oscal(input: &Input, report: &Report) -> Result<String, ReportError> {
    let identity = &report.identity;
    let base = format!("https://{}/{}/{}", identity.log, identity.deployment, report.integrity.last_leaf);
    let made = Made {
        base,
        leaves: own(input.entries, &input.deployment.id).map(|entry| (entry.line.seq, entry.leaf)).collect(),
    };
    let observed = made.observations(report);
    let last = report.timeline.last().map_or(report.summary.opened, |moment| moment.recorded).to_string();
    let plan = made.id("plan");
    let mut result = json!({
        "uuid": made.id("result"),
        "title": format!("Deployment {}", identity.deployment),
        "description": report.summary.sentence,
        "start": report.summary.opened.to_string(),
        "props": [
            prop("log", &identity.log), prop("covers-seq", &report.integrity.last_seq.to_string()),
            prop("last-leaf", &report.integrity.last_leaf.to_string()), prop("root", &report.integrity.root.to_string()),
            prop("first-roster", &report.integrity.first_roster.to_string()),
            prop("state", report.summary.state()), prop("rehearsal", if report.rehearsal { "yes" } else { "no" }),
        ],
        "reviewed-controls": { "control-selections": [{
            "include-controls": report.controls.iter().map(|m| json!({ "control-id": m.id })).collect::<Vec<_>>(),
        }] },
        "findings": report.controls.iter().map(|mapped| made.finding(mapped, &observed)).collect::<Vec<_>>(),
    });
    if let Some(closed) = report.summary.closed {
        result["end"] = json!(closed.to_string());
    }
    if !observed.is_empty() {
        result["observations"] = observed.values().cloned().collect();
    }
    let document = json!({ "assessment-results": {
        "uuid": made.id("document"),
        "metadata": {
            "title": format!("Deployment record {} of {}", identity.deployment, identity.log),
            "last-modified": last, "version": report.integrity.last_seq.to_string(), "oscal-version": "1.2.1",
        },
        "import-ap": { "href": format!("#{plan}"), "remarks": "The checklist frozen at the opening is what was to be assessed." },
        "results": [result],
        "back-matter": { "resources": [{
            "uuid": plan, "title": "The deployment's checklist as completed",
            "rlinks": [{ "href": "Deployment_Checklist.md", "media-type": "text/markdown" }],
        }] },
    } });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// What ids and leaves are taken from.
struct Made {
    base: String,
    leaves: BTreeMap<u64, Hash>,
}

impl Made {
    fn id(&self, of: &str) -> String {
        uuid::v5(&format!("{}#{of}", self.base))
    }

    /// Sign-offs, decisions and readings by entry.
    fn observations(&self, report: &Report) -> BTreeMap<u64, Value> {
        let approvals = report.approvals.iter().map(|approval| {
            let (title, outcome) = match &approval.what {
                ApprovalKind::Item { item, outcome, .. } => (format!("Sign-off of {item}"), outcome.words()),
                ApprovalKind::Decision { decision, .. } => ("Decision".to_owned(), decision.words()),
            };
            let withdrawn = approval.withdrawn.as_ref();
            let more = withdrawn.map(|w| format!("; withdrawn in entry {}", w.entry.seq)).unwrap_or_default();
            self.observation(&approval.entry, &title, &format!("{outcome}{more}"), "EXAMINE")
        });
        let readings =
            report.checks.iter().flat_map(|check| check.readings.iter().map(move |one| (check, one)));
        let readings = readings.map(|(check, one)| {
            let said = format!("{}: {}", one.phase.words(), one.measured());
            let method = if one.attested { "EXAMINE" } else { "TEST" };
            self.observation(&one.entry, &format!("Reading of {}", check.id), &said, method)
        });
        let brought = report.attachments.iter().map(|one| {
            self.observation(
                &one.entry,
                &format!("Evidence from {}", one.source),
                "brought beside the checks",
                "EXAMINE",
            )
        });
        approvals.chain(readings).chain(brought).collect()
    }

    fn observation(&self, place: &Place, title: &str, outcome: &str, method: &str) -> (u64, Value) {
        let mut props = vec![prop("seq", &place.seq.to_string()), prop("outcome", outcome)];
        props.extend(self.leaves.get(&place.seq).map(|leaf| prop("leaf", &leaf.to_string())));
        let observation = json!({
            "uuid": self.id(&format!("entry/{}", place.seq)),
            "title": title,
            "description": format!("Entry {}, signed by {}: {outcome}", place.seq, place.signers()),
            "props": props,
            "methods": [method],
            "collected": place.recorded.to_string(),
        });
        (place.seq, observation)
    }

    fn finding(&self, mapped: &Mapped, observed: &BTreeMap<u64, Value>) -> Value {
        let said = |judged: &crate::report::controls::Judged| {
            let holds = if judged.holds { "yes" } else { "no" };
            let entries = judged.ranges();
            let rests = if entries.is_empty() { String::new() } else { format!(" (entries {entries})") };
            format!("{holds}: {}{rests}", judged.criterion.as_str())
        };
        let (state, reason) = match mapped.verdict {
            Verdict::Evidenced => ("satisfied", "pass"),
            Verdict::Partly => ("not-satisfied", "other"),
            Verdict::NotEvidenced => ("not-satisfied", "fail"),
        };
        let mut rests: Vec<u64> =
            mapped.criteria.iter().flat_map(|judged| judged.entries.iter().copied()).collect();
        rests.sort_unstable();
        rests.dedup();
        let related: Vec<_> = rests
            .iter()
            .filter(|seq| observed.contains_key(seq))
            .map(|seq| json!({ "observation-uuid": self.id(&format!("entry/{seq}")) }))
            .collect();
        let mut finding = json!({
            "uuid": self.id(&format!("control/{}", mapped.id)),
            "title": format!("{} {}: {}", mapped.framework, mapped.number, mapped.verdict.as_str()),
            "description": mapped.criteria.iter().map(said).collect::<Vec<_>>().join("; "),
            "props": [prop("verdict", mapped.verdict.as_str())],
            "target": {
                "type": "objective-id", "target-id": mapped.id,
                "status": { "state": state, "reason": reason },
            },
        });
        if !related.is_empty() {
            finding["related-observations"] = json!(related);
        }
        finding
    }
}

fn prop(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NS, "value": value })
}
