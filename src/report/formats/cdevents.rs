//! `report.cdevents.jsonl`: what became of each service, as CDEvents 0.5.0, one event a line.
//!
//! Green's first traffic is `service.deployed`, all of it `service.upgraded`; all of it back on Blue is
//! `service.rolledback`. Only movements that happened count. A rehearsal moved nothing real and gives no event.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{own, uuid};
use crate::core::event::{Act, Colour};
use crate::report::model::{Report, Shift};
use crate::report::{Input, ReportError};

pub(super) fn cdevents(input: &Input, report: &Report) -> Result<String, ReportError> {
    let mut lines = String::new();
    if report.rehearsal {
        return Ok(lines);
    }
    let (mut deployed, mut upgraded) = (BTreeSet::new(), BTreeSet::new());
    let landed = |shift: &&Shift| {
        matches!(shift.act, Act::Done | Act::Observed)
            && !shift.entry.not_verified
            && input.deployment.services().contains(&shift.service)
    };
    for shift in report.shifts.iter().filter(landed) {
        let service = shift.service.as_str();
        let mut kinds = Vec::new();
        match shift.to {
            Colour::Green if shift.percent > 0 => {
                if deployed.insert(service) {
                    kinds.push("deployed");
                }
                if shift.percent == 100 && upgraded.insert(service) {
                    kinds.push("upgraded");
                }
            }
            Colour::Blue if shift.percent == 100 && deployed.remove(service) => {
                upgraded.remove(service);
                kinds.push("rolledback");
            }
            _ => {}
        }
        for kind in kinds {
            lines.push_str(&serde_json::to_string(&event(input, report, shift, kind))?);
            lines.push('\n');
        }
    }
    Ok(lines)
}

fn event(input: &Input, report: &Report, shift: &Shift, kind: &str) -> Value {
    let identity = &report.identity;
    let source = format!("//{}/{}", identity.log, identity.deployment);
    let leaf = own(input.entries, &input.deployment.id)
        .find(|entry| entry.line.seq == shift.entry.seq)
        .map(|entry| entry.leaf.to_string());
    // After a rollback the previous version runs: the record does not name it, so it is not named here.
    let version =
        if kind == "rolledback" { String::new() } else { format!("@{}", escaped(identity.release.as_str())) };
    json!({
        "context": {
            "specversion": "0.5.0",
            "id": uuid::v5(&format!("{source}#{kind}/{}", shift.entry.statement)),
            "source": source,
            "type": format!("dev.cdevents.service.{kind}.0.3.0"),
            "timestamp": shift.entry.recorded.to_string(),
        },
        "subject": {
            "id": shift.service,
            "source": source,
            "content": {
                "environment": { "id": identity.environment },
                "artifactId": format!("pkg:generic/{}{version}", escaped(shift.service.as_str())),
            },
        },
        "customData": {
            "deployment": identity.deployment, "seq": shift.entry.seq, "leaf": leaf,
            "release": identity.release, "percent": shift.percent,
        },
        "customDataContentType": "application/json",
    })
}

/// Percent-encoded, as a package URL wants its parts.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
