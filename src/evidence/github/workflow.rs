//! How the workflow ran on the deployment's commit.

use serde_json::json;

use super::{Answer, Deployed, EvidenceError, Found};
use crate::core::check::GithubSettings;
use crate::remote::github::{Approval, Artifact, Client, GithubError, Job, Run};

/// Of so many artifacts it is asked what was attested.
const ATTESTED: usize = 20;

/// A digest, and the predicate types of what is attested of it.
type Attested<'a> = (&'a str, Vec<String>);

pub(super) fn look(
    client: &Client,
    settings: &GithubSettings,
    deployed: &Deployed,
    jobs: &[String],
    approval: bool,
) -> Result<Found, EvidenceError> {
    let named = settings
        .workflow
        .as_deref()
        .ok_or_else(|| EvidenceError::Invalid { what: "no `workflow` is set under [github]".to_owned() })?;
    let workflow = client.workflow(named)?;
    let commit = &deployed.commit;
    let runs = client.runs_on(&workflow, commit)?;
    let Some(run) = runs.into_iter().filter(|run| run.head_sha == *commit).max_by_key(|run| run.id) else {
        let note = format!("no run of the workflow on commit {commit}");
        return Ok(Found {
            answer: Answer::Unknown,
            note,
            all: json!({"workflow": workflow.path, "runs": []}),
        });
    };
    let ran = client.jobs(run.id, run.run_attempt)?;
    let approvals = client.approvals(run.id)?;
    let artifacts = client.artifacts(run.id)?;
    let (mut answer, mut said) = of_jobs(&run, &ran, jobs);
    if approval {
        let (approved, words) = of_approvals(&run, &approvals, settings.environment.as_deref());
        answer = worse(answer, approved);
        said.push(words);
    }
    let digests = artifacts.iter().filter(|artifact| artifact.digest.is_some()).count();
    let attested = attested(client, &artifacts)?;
    let words = attested.as_ref().map_or_else(
        || "attestations not known".to_owned(),
        |all| format!("{} attested", all.iter().filter(|(_, types)| !types.is_empty()).count()),
    );
    said.push(format!("{} artifacts, {digests} with digest, {words}", artifacts.len()));
    let all = json!({
        "workflow": workflow.path,
        "run": {
            "id": run.id, "attempt": run.run_attempt, "commit": run.head_sha, "event": run.event, "status": run.status,
            "conclusion": run.conclusion, "created": run.created_at, "url": run.html_url,
        },
        "jobs": ran.iter().map(|job| json!({
            "name": job.name, "status": job.status, "conclusion": job.conclusion, "started": job.started_at, "ended": job.completed_at,
        })).collect::<Vec<_>>(),
        "approvals": approvals.iter().map(|each| json!({
            "state": each.state, "by": each.user.login, "comment": each.comment, "environments": names(each),
        })).collect::<Vec<_>>(),
        "artifacts": artifacts.iter().map(|each| json!({
            "name": each.name, "digest": each.digest, "expired": each.expired,
        })).collect::<Vec<_>>(),
        // Null: not known. Whose signature they carry is for `gh attestation verify` to say.
        "attestations": attested.map(|all| all.iter().map(|(digest, types)| json!({
            "digest": digest, "predicateTypes": types,
        })).collect::<Vec<_>>()),
    });
    Ok(Found { answer, note: format!("run {}: {}", run.label(), said.join("; ")), all })
}

/// The predicate types of what is attested of each digest; none where the token may not see them, which fails nothing.
fn attested<'a>(
    client: &Client,
    artifacts: &'a [Artifact],
) -> Result<Option<Vec<Attested<'a>>>, EvidenceError> {
    let digests: Vec<&str> = artifacts.iter().filter_map(|artifact| artifact.digest.as_deref()).collect();
    if digests.len() > ATTESTED {
        return Ok(None);
    }
    let mut all = Vec::new();
    for digest in digests {
        let types = match client.attestations(digest) {
            Ok(found) => found,
            // Which of "not there" and "not yours to see" a 404 means, GitHub does not tell.
            Err(GithubError::NotFound { .. } | GithubError::Denied { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let unknown = || "unknown".to_owned();
        let types = types.into_iter().map(|one| one.predicate_type.unwrap_or_else(unknown)).collect();
        all.push((digest, types));
    }
    Ok(Some(all))
}

/// The jobs that must have succeeded, or the whole run.
fn of_jobs(run: &Run, ran: &[Job], wanted: &[String]) -> (Answer, Vec<String>) {
    let running = |done: bool| if done { Answer::No } else { Answer::Unknown };
    if wanted.is_empty() {
        let conclusion = run.conclusion.as_deref().unwrap_or("not ended");
        let some = ran.iter().any(|job| job.conclusion.as_deref() == Some("success"));
        let answer = if run.completed() && conclusion == "success" && some {
            Answer::Yes
        } else {
            running(run.completed())
        };
        return (answer, vec![format!("the run {conclusion}")]);
    }
    let mut answer = Answer::Yes;
    let mut said = Vec::new();
    for name in wanted {
        let same: Vec<&Job> = ran.iter().filter(|job| job.name == *name).collect();
        let (one, word) = match same.as_slice() {
            [] => (running(run.completed()), "not there"),
            jobs => {
                let bad = jobs.iter().find(|job| job.conclusion.as_deref() != Some("success"));
                match bad {
                    None => (Answer::Yes, "success"),
                    Some(job) => {
                        let word = job.conclusion.as_deref().unwrap_or(&job.status);
                        (running(job.status == "completed"), word)
                    }
                }
            }
        };
        answer = worse(answer, one);
        said.push(format!("{name} {word}"));
    }
    (answer, said)
}

/// One approval at least, and no rejection.
fn of_approvals(run: &Run, approvals: &[Approval], environment: Option<&str>) -> (Answer, String) {
    let about = |each: &&Approval| environment.is_none_or(|wanted| names(each).contains(&wanted));
    let mine: Vec<&Approval> = approvals.iter().filter(about).collect();
    let count = |state: &str| mine.iter().filter(|each| each.state == state).count();
    let (approved, rejected) = (count("approved"), count("rejected"));
    let answer = match (approved, rejected) {
        (_, 1..) => Answer::No,
        (1.., 0) => Answer::Yes,
        _ if run.completed() => Answer::No,
        _ => Answer::Unknown,
    };
    (answer, format!("{approved} approvals, {rejected} rejections"))
}

fn names(approval: &Approval) -> Vec<&str> {
    approval.environments.iter().filter_map(|environment| environment.name.as_deref()).collect()
}

const fn worse(a: Answer, b: Answer) -> Answer {
    match (a, b) {
        (Answer::No, _) | (_, Answer::No) => Answer::No,
        (Answer::Unknown, _) | (_, Answer::Unknown) => Answer::Unknown,
        _ => Answer::Yes,
    }
}
