//! `deploy`: starts the workflow that deploys, follows it, and records each of its stages.

mod alone;
mod follow;
mod keep;
mod start;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::desk::Desk;
use super::status_code::{Refused, Status};
use crate::core::deployment::{Deployment, Record};
use crate::core::event::{Act, StageReached};
use crate::core::name::{Id, Token};
use crate::core::time::Timestamp;
use crate::remote::github::{Client, Run};

/// The stage that stands for the whole run, and that ticks `by: deploy`.
const DEPLOY: &str = "deploy";
/// The stage that says that GitHub took the order and named no run.
const DISPATCH: &str = "dispatch";

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Follow a run that was started by hand, and start none
    #[arg(long, value_name = "ID")]
    pub run: Option<u64>,
    /// Start it although it has ended before in this deployment, or was ordered and has no run that can be found
    #[arg(long, conflicts_with = "run")]
    pub again: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// What is deployed.
struct Target {
    id: Token,
    release: String,
    commit: String,
}

/// The run that is followed.
struct Way {
    run: Run,
    /// The intention that it carries out; none for a run that was started elsewhere.
    intent: Option<Id>,
}

/// An intention to deploy without an outcome.
struct Intention {
    id: Id,
    seq: u64,
    time: Timestamp,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let settings = app.config()?.github;
    let (id, desk) =
        if app.globals.dry_run { Desk::read_at(app, false)? } else { Desk::open_at(app, false)? };
    let target = Target::of(desk.deployment(&id)?)?;
    let open = open_intention(desk.deployment(&id)?);
    let before = outcome(desk.deployment(&id)?).cloned();
    let _alone = if app.globals.dry_run { None } else { Some(alone::alone(&app.ledger_path()?, &id)?) };
    let client = Client::new(&settings)?;
    let way = match (args.run, open, before) {
        (Some(number), open, _) => Some(attach(&client, &target, number, open)?),
        (None, Some(open), _) => start::resume(app, &client, &settings, &target, &open, args)?,
        (None, None, Some(before)) if !args.again => return ended_already(app, &before),
        (None, None, _) => start::begin(app, &client, &settings, desk, &target, args.yes)?,
    };
    match way {
        Some(way) if app.globals.dry_run => {
            app.would(format!(
                "follow run {} ({}) and record each job as it ends",
                way.run.label(),
                way.run.html_url
            ))?;
            Ok(Status::Done)
        }
        Some(way) => follow::follow(app, &client, &settings, &target, &way),
        None => Ok(Status::Done),
    }
}

/// A run that somebody names. It must be of the commit in the record.
fn attach(client: &Client, target: &Target, number: u64, open: Option<Intention>) -> Result<Way> {
    let run = client.run(number)?;
    other_commit(&run, target)?;
    Ok(Way { run, intent: open.map(|open| open.id) })
}

/// # Errors
/// [`Refused`] where the run is of another commit than the record.
fn other_commit(run: &Run, target: &Target) -> Result<()> {
    if run.head_sha == target.commit {
        return Ok(());
    }
    let missing = vec![format!("{} ({}) is of commit {}", run.label(), run.html_url, run.head_sha)];
    let what = format!("the run is not of {}, whose commit is {}", target.id, target.commit);
    Err(Refused { what, missing, next: "cancel it if it still runs; it deploys something else".into() }
        .into())
}

fn ended_already(app: &mut App, before: &Record<StageReached>) -> Result<Status> {
    let run = before.body.run.as_ref().map_or("an unnamed run", |run| run.as_str());
    let seq = before.meta.seq;
    if before.body.act == Act::Failed {
        bail!(
            "deploy has failed in this deployment (entry {seq}, {run}), and nothing was started: to start it once more say \
             --again; a run that was started once more on GitHub is followed with --run ID"
        );
    }
    app.say(format!(
        "deploy is done (entry {seq}, {run}): nothing was started; to start it once more say --again"
    ));
    Ok(Status::Done)
}

impl Target {
    fn of(deployment: &Deployment) -> Result<Self> {
        let source = deployment.subject.iter().find(|subject| subject.digest().0 == "gitCommit");
        let commit = source.context("the deployment names no commit: run `aether-audit verify`")?;
        Ok(Self {
            id: deployment.id.clone(),
            release: deployment.opened.body.release.to_string(),
            commit: commit.digest().1.to_owned(),
        })
    }
}

fn stages(deployment: &Deployment) -> impl DoubleEndedIterator<Item = &Record<StageReached>> {
    deployment.stages.iter().filter(|record| record.body.stage == *DEPLOY)
}

/// The newest intention that no outcome names.
fn open_intention(deployment: &Deployment) -> Option<Intention> {
    let newest = stages(deployment).rev().find(|record| record.body.act == Act::Intended)?;
    let Record { meta, .. } = newest;
    let ended = deployment.stages.iter().any(|record| record.body.intent.as_ref() == Some(&meta.id));
    (!ended).then(|| Intention { id: meta.id.clone(), seq: meta.seq, time: meta.time })
}

/// How the newest run ended, as far as it is recorded.
fn outcome(deployment: &Deployment) -> Option<&Record<StageReached>> {
    stages(deployment).rev().find(|record| record.body.act != Act::Intended)
}
