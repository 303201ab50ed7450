//! What the report is about, how it ended, and what ties it to the log.

use super::Reader;
use crate::core::deployment::{Deployment, Severity};
use crate::core::event::{Decision, Outcome};
use crate::report::model::{Artifact, Finding, Identity, Integrity, Item, ItemStatus, Summary};

pub(super) fn identity(reader: &Reader) -> Identity {
    let deployment = reader.deployment();
    let opened = &deployment.opened.body;
    let artifact = |subject: &crate::core::statement::Subject| {
        let (algorithm, digest) = subject.digest();
        Artifact { name: subject.name.clone(), algorithm: algorithm.into(), digest: digest.into() }
    };
    Identity {
        deployment: deployment.id.clone(),
        log: reader.log().origin.clone(),
        environment: opened.environment.clone(),
        release: opened.release.clone(),
        services: opened.services.clone(),
        artifacts: deployment.subject.iter().map(artifact).collect(),
        change_type: opened.change_type,
        reason: reader.maybe(opened.reason.as_ref()),
        ticket: opened.ticket.clone(),
        risk: opened.risk,
        redeploy_of: opened.redeploy_of.clone(),
        checklist: reader.held(&deployment.checklist.text),
        amendments: deployment.amendments.len() as u64,
    }
}

pub(super) fn summary(reader: &Reader, items: &[Item]) -> Summary {
    let deployment = reader.deployment();
    let complete =
        items.iter().filter(|item| matches!(item.status, ItemStatus::Done | ItemStatus::Na)).count();
    let overrides = deployment.decisions.iter().filter(|d| d.body.decision == Decision::Override).count();
    let out = deployment.issues.iter().filter(|issue| issue.severity == Severity::OutOfProcess).count();
    Summary {
        outcome: deployment.outcome(),
        stage: deployment.stage().as_str().into(),
        sentence: sentence(reader),
        opened: deployment.opened.meta.recorded,
        closed: deployment.closed.as_ref().map(|closed| closed.meta.recorded),
        cutover: reader.cutover,
        items_complete: complete as u64,
        items: items.len() as u64,
        overrides: overrides as u64,
        out_of_process: out as u64,
    }
}

/// Whose traffic is on Green, for people; empty where it is nobody's.
fn on_green(deployment: &Deployment) -> String {
    let shares = deployment.green_percent().into_iter().filter(|(_, share)| *share > 0);
    let words: Vec<String> =
        shares.map(|(service, share)| format!("{share} % of the traffic of {service}")).collect();
    if words.is_empty() { String::new() } else { format!("{} is still on Green", words.join(", ")) }
}

/// That nothing is on Green, for people.
fn on_blue(deployment: &Deployment) -> &'static str {
    if deployment.cutover().is_some() {
        "all traffic is on Blue again"
    } else {
        "no traffic had moved to Green"
    }
}

fn sentence(reader: &Reader) -> String {
    let deployment = reader.deployment();
    let release = &deployment.opened.body.release;
    let end = match deployment.outcome() {
        Some(Outcome::Completed) => format!("{release} was deployed, verified and declared all-clear"),
        Some(Outcome::RolledBack) => format!("{release} was rolled back; {}", on_blue(deployment)),
        Some(Outcome::Partly) => {
            let green = on_green(deployment);
            let traffic = if green.is_empty() { on_blue(deployment).to_owned() } else { green };
            format!("{release} was rolled back in part: {traffic}")
        }
        Some(Outcome::Aborted) => {
            let green = on_green(deployment);
            let traffic = if green.is_empty() { green } else { format!("; {green}") };
            format!("the deployment of {release} was aborted{traffic}")
        }
        Some(Outcome::NoGo) => format!("{release} was not deployed: the decision was no-go"),
        None => {
            format!("the deployment of {release} has no outcome yet; it is {}", deployment.stage().as_str())
        }
    };
    let state = if deployment.closed.is_some() { "the record is closed" } else { "the record is still open" };
    let mut text = format!("{end}; {state}.");
    if let Some(first) = text.get(..1).map(str::to_uppercase)
        && deployment.outcome().is_none_or(|outcome| outcome == Outcome::Aborted)
    {
        text.replace_range(..1, &first);
    }
    text
}

pub(super) fn integrity(reader: &Reader) -> Integrity {
    let found = reader.input.integrity;
    Integrity {
        verdict: found.verdict.clone(),
        deployment_entries: reader.deployment().entries,
        log_entries: found.log_entries,
        first_leaf: found.first_leaf,
        last_seq: found.last_seq,
        last_leaf: found.last_leaf,
        root: found.root,
        first_roster: found.first_roster,
        checkpoint: found.checkpoint.clone(),
        findings: found
            .findings
            .iter()
            .map(|(seq, code, text)| Finding { seq: *seq, code: code.clone(), text: text.clone() })
            .collect(),
    }
}
