//! Starting the run once: the intention first, then the dispatch; after a crash between them GitHub is looked at first.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use super::super::app::App;
use super::super::ask::ask;
use super::super::desk::Desk;
use super::super::status_code::Refused;
use super::{Args, DEPLOY, DISPATCH, Intention, Target, Way, keep, other_commit};
use crate::core::check::GithubSettings;
use crate::core::event::{Act, Gate};
use crate::core::time::Timestamp;
use crate::remote::github::{Client, Dispatched, GithubError, Run, Workflow};

/// So often is looked for a run that GitHub has only just started.
const LOOKS: u32 = 6;
/// How far GitHub's clock may be behind ours, in seconds.
const SKEW: i64 = 120;

/// What is started, and where.
struct Plan {
    workflow: Workflow,
    branch: String,
}

/// Starts the workflow for the first time, or once more.
///
/// # Errors
/// Where the gate or GitHub refuses. Where GitHub may have started it all the same, the intention stays open.
pub fn begin(
    app: &mut App,
    client: &Client,
    settings: &GithubSettings,
    desk: Desk,
    target: &Target,
    yes: bool,
) -> Result<Option<Way>> {
    let plan = plan(app, client, settings, &desk, target)?;
    if app.globals.dry_run {
        let Plan { workflow, branch } = plan;
        let (repository, Target { id, release, commit }) = (client.repository(), target);
        app.would(format!(
            "record that {id} is about to be deployed, start \"{}\" ({}) of {repository} on {branch} with release {release} and \
             commit {commit}, follow it, and record each job as it ends\ngate shift: open",
            workflow.name, workflow.path
        ))?;
        return Ok(None);
    }
    ask(&question(client, target, &plan), yes)?;
    drop(desk);
    let intention = keep::intend(app, &target.id)?;
    dispatch(app, client, settings, target, &plan, &intention).map(Some)
}

/// Goes on with an intention that has no outcome: by its run where there is one, else by starting it.
///
/// # Errors
/// As [`begin`].
pub fn resume(
    app: &mut App,
    client: &Client,
    settings: &GithubSettings,
    target: &Target,
    open: &Intention,
    args: &Args,
) -> Result<Option<Way>> {
    let workflow = client.workflow(named(settings)?)?;
    app.say(format!("entry {}: {} was about to be deployed; looking for its run", open.seq, target.id));
    let fresh = app.now().millis() - open.time.millis() < 1000 * SKEW;
    let looks = if fresh && !app.globals.dry_run { LOOKS } else { 1 };
    if let Some(run) = look(app, client, settings, target, &workflow, open, looks)? {
        app.say(format!("found run {}: {}", run.label(), run.html_url));
        return Ok(Some(Way { run, intent: Some(open.id.clone()) }));
    }
    let desk = Desk::read(app, Some(&target.id))?;
    if let Some((seq, at)) = keep::taken(desk.deployment(&target.id)?, open).filter(|_| !args.again) {
        bail!(
            "GitHub took the order at {} (entry {seq}) and shows no run of it: nothing was started, so that it cannot run twice. Look at \
             the runs of {:?} on GitHub; `aether-audit deploy --run ID` follows one, --again starts one where there is none",
            at.human(),
            workflow.name
        );
    }
    let plan = plan(app, client, settings, &desk, target)?;
    if app.globals.dry_run {
        app.would(format!(
            "start \"{}\" on {}: GitHub has no run of entry {}",
            plan.workflow.name, plan.branch, open.seq
        ))?;
        return Ok(None);
    }
    app.say("GitHub has no run of it: it was never started");
    ask(&question(client, target, &plan), args.yes)?;
    drop(desk);
    dispatch(app, client, settings, target, &plan, open).map(Some)
}

/// Deploying is the first act: like the shift of traffic it needs a go in force, and no rollback under way.
fn plan(app: &App, client: &Client, settings: &GithubSettings, desk: &Desk, target: &Target) -> Result<Plan> {
    desk.sound(app)?;
    keep::may(app, desk, &target.id)?;
    let missing = desk.deployment(&target.id)?.missing(Gate::Shift, app.now());
    if !missing.is_empty() {
        let next = "A run that was started all the same is recorded with `aether-audit deploy --run ID`; no gate refuses a fact.";
        return Err(Refused::gate(format!("{} may not be deployed", target.id), &missing, next).into());
    }
    let workflow = client.workflow(named(settings)?)?;
    if workflow.state != "active" {
        bail!(
            "the workflow {:?} is not active on GitHub ({}): enable it there",
            workflow.name,
            workflow.state
        );
    }
    let branch = match &settings.branch {
        Some(branch) => branch.clone(),
        None => client.default_branch()?,
    };
    let commit = client.commit_of(&branch)?;
    if commit != target.commit {
        let missing =
            vec![format!("{branch} points to {commit}"), format!("the record is for {}", target.commit)];
        let what = format!("{branch} is not at the commit of {}", target.id);
        let next = format!(
            "a workflow runs on what the branch points to: move {branch}, or open a deployment of what is there"
        );
        return Err(Refused { what, missing, next }.into());
    }
    Ok(Plan { workflow, branch })
}

fn named(settings: &GithubSettings) -> Result<&str> {
    let named = settings.workflow.as_deref();
    named.context("which workflow deploys? set `workflow` under [github] in aether.toml, such as \"deploy-to-prod.yml\"")
}

fn question(client: &Client, target: &Target, plan: &Plan) -> String {
    format!(
        "Start \"{}\" of {} on {} for {} ({})?",
        plan.workflow.name,
        client.repository(),
        plan.branch,
        target.release,
        target.commit.get(..12).unwrap_or(&target.commit)
    )
}

fn dispatch(
    app: &mut App,
    client: &Client,
    settings: &GithubSettings,
    target: &Target,
    plan: &Plan,
    intention: &Intention,
) -> Result<Way> {
    let inputs = [
        ("release", target.release.as_str()),
        ("commit", target.commit.as_str()),
        ("correlation", intention.id.as_str()),
    ];
    let go_on = "run `aether-audit deploy` again: it looks for the run before it starts one";
    let run = match client.dispatch(&plan.workflow, &plan.branch, &inputs) {
        Ok(Dispatched::Run(number)) => client.run(number).context(go_on)?,
        Ok(Dispatched::Unnamed) => {
            let detail = "GitHub took the order, and named no run";
            keep::stage(app, &target.id, DISPATCH, Act::Done, None, None, detail).context(go_on)?;
            let found =
                look(app, client, settings, target, &plan.workflow, intention, LOOKS).context(go_on)?;
            found.ok_or_else(|| anyhow!("GitHub took the dispatch and shows no run of it yet: {go_on}"))?
        }
        Err(error) if error.perhaps_done() => {
            app.warn(format!("{error}; looking whether it was started all the same"));
            let found =
                look(app, client, settings, target, &plan.workflow, intention, LOOKS).context(go_on)?;
            found.ok_or(error).context(go_on)?
        }
        Err(error) if error.passing() => return Err(anyhow!(error).context(go_on)),
        Err(error) => return Err(refused(app, target, intention, error)),
    };
    let way = Way { run, intent: Some(intention.id.clone()) };
    if let Err(other) = other_commit(&way.run, target) {
        keep::outcome(app, &target.id, &way, Act::Failed, &format!("{other}"))?;
        return Err(other);
    }
    app.say(format!("started run {}: {}", way.run.label(), way.run.html_url));
    Ok(way)
}

/// GitHub started nothing: the act has failed.
fn refused(app: &mut App, target: &Target, intention: &Intention, error: GithubError) -> anyhow::Error {
    let detail = format!("nothing was started: {error}");
    match keep::stage(app, &target.id, DEPLOY, Act::Failed, None, Some(&intention.id), &detail) {
        Ok(()) => {
            anyhow!(error).context("nothing was started; once that is mended: `aether-audit deploy --again`")
        }
        Err(other) => other.context(error),
    }
}

/// Looks for the run of an intention; several times, where it may be only just starting.
fn look(
    app: &App,
    client: &Client,
    settings: &GithubSettings,
    target: &Target,
    workflow: &Workflow,
    intention: &Intention,
    looks: u32,
) -> Result<Option<Run>> {
    let known = keep::runs(app, &target.id)?;
    for turn in 1..=looks {
        let since: Timestamp = intention.time.plus_seconds(-SKEW);
        let mut runs = client.dispatched_runs(workflow, &target.commit, since)?;
        runs.retain(|run| !known.contains(&run.id));
        if let Some(own) = runs.iter().find(|run| run.display_title.contains(intention.id.as_str())) {
            return Ok(Some(own.clone()));
        }
        // A workflow whose run-name does not show the correlation: the time and the commit tell it.
        runs.retain(|run| !correlated(&run.display_title));
        match runs.as_slice() {
            [] => {}
            [only] => return Ok(Some(only.clone())),
            several => {
                let numbers: Vec<String> = several.iter().map(|run| run.id.to_string()).collect();
                bail!(
                    "several runs may be the one that was started ({}): look at them on GitHub, and name it with --run ID",
                    numbers.join(", ")
                )
            }
        }
        if turn < looks {
            thread::sleep(Duration::from_secs(settings.poll_seconds.max(1).into()));
        }
    }
    Ok(None)
}

/// Whether a title has the id of some intention.
fn correlated(title: &str) -> bool {
    let hex = |word: &str| word.len() == 32 && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    title.split(|c: char| !c.is_ascii_alphanumeric()).any(hex)
}
