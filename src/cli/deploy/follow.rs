//! Following a run to its end: what is shown, and what each job comes to.

use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::super::app::App;
use super::super::status_code::Status;
use super::{Target, Way, keep};
use crate::core::check::GithubSettings;
use crate::core::event::Act;
use crate::core::time::Timestamp;
use crate::remote::github::{Client, GithubError, Job, Run};

/// So many looks in a row may fail, each after its own tries.
const PATIENCE: u32 = 5;

/// Follows the run and records each job once when it ends, then the whole.
///
/// # Errors
/// Where GitHub cannot be asked any more, or the ledger refuses; the run goes on without us.
pub fn follow(
    app: &mut App,
    client: &Client,
    settings: &GithubSettings,
    target: &Target,
    way: &Way,
) -> Result<Status> {
    let bar = if app.globals.quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    let (mut shown, mut failures) = (String::new(), 0);
    loop {
        match look(client, &way.run) {
            Ok((run, jobs)) => {
                failures = 0;
                let names = keep::names(&jobs);
                for (job, name) in jobs.iter().zip(&names).filter(|(job, _)| job.status == "completed") {
                    bar.suspend(|| keep_job(app, target, way, job, name))?;
                }
                let line = state(&run, &jobs, &names);
                bar.set_message(line.clone());
                bar.tick();
                if bar.is_hidden() && line != shown {
                    app.say(&line);
                }
                shown = line;
                if run.completed() {
                    bar.finish_and_clear();
                    return end(app, target, way, &run, &jobs, &names);
                }
            }
            Err(error) if error.passing() && failures < PATIENCE => {
                failures += 1;
                bar.suspend(|| app.warn(format!("{error} (look {failures} of {PATIENCE} that failed)")));
            }
            Err(error) => {
                bar.finish_and_clear();
                let label = way.run.label();
                return Err(error).with_context(|| {
                    format!(
                        "run {label} goes on without us, and what has ended is recorded: `aether-audit deploy{}` follows it again",
                        if way.intent.is_some() { String::new() } else { format!(" --run {}", way.run.id) }
                    )
                });
            }
        }
        thread::sleep(Duration::from_secs(settings.poll_seconds.max(1).into()));
    }
}

/// The run first: once it has ended, so have its jobs.
fn look(client: &Client, run: &Run) -> Result<(Run, Vec<Job>), GithubError> {
    let now = client.run_at(run.id, run.run_attempt)?;
    let mut jobs = client.jobs(run.id, run.run_attempt)?;
    jobs.sort_by_key(|job| job.id);
    Ok((now, jobs))
}

/// What ended well: `observed` where somebody else started it.
const fn well(way: &Way) -> Act {
    if way.intent.is_some() { Act::Done } else { Act::Observed }
}

fn keep_job(app: &mut App, target: &Target, way: &Way, job: &Job, name: &str) -> Result<()> {
    let act = match conclusion(job) {
        "success" => well(way),
        // It did not run: that is neither a success nor a failure, and is said with the whole.
        "skipped" | "neutral" => return Ok(()),
        _ => Act::Failed,
    };
    keep::stage(app, &target.id, name, act, Some(&way.run.label()), None, &detail(job))
}

fn end(
    app: &mut App,
    target: &Target,
    way: &Way,
    run: &Run,
    jobs: &[Job],
    names: &[String],
) -> Result<Status> {
    let ended = run.conclusion.as_deref().unwrap_or("without a conclusion");
    let failed = jobs.iter().any(|job| !matches!(conclusion(job), "success" | "skipped" | "neutral"));
    let some = jobs.iter().any(|job| conclusion(job) == "success");
    let well_ended = ended == "success" && !failed && some;
    let mut text = format!("run {}: {ended}\n{}\n", run.label(), run.html_url);
    for (job, name) in jobs.iter().zip(names) {
        let _ = writeln!(text, "{name}: {}", conclusion(job));
    }
    let act = if well_ended { well(way) } else { Act::Failed };
    keep::outcome(app, &target.id, way, act, &text)?;
    if app.json() {
        let stages: Vec<_> = jobs
            .iter()
            .zip(names)
            .map(|(job, name)| serde_json::json!({"stage": name, "conclusion": conclusion(job)}))
            .collect();
        app.print_json(&serde_json::json!({
            "deployment": target.id, "run": run.label(), "url": run.html_url, "conclusion": ended, "act": act, "stages": stages,
        }))?;
    }
    for (job, name) in
        jobs.iter().zip(names).filter(|(job, _)| matches!(conclusion(job), "skipped" | "neutral"))
    {
        app.warn(format!("{name} did not run ({}): it is no stage that was reached", conclusion(job)));
    }
    if well_ended {
        app.say(format!("{} is deployed: run {} ended with success", target.id, run.label()));
        return Ok(Status::Done);
    }
    let why = match (ended, failed, some) {
        ("success", true, _) => "ended with success although a job failed",
        ("success", _, false) => "ended with success and no job of it ran",
        _ => "did not succeed",
    };
    app.warn(format!("run {} {why} ({ended}): {}", run.label(), run.html_url));
    Ok(Status::Finding)
}

fn conclusion(job: &Job) -> &str {
    if job.status == "completed" { job.conclusion.as_deref().unwrap_or("no conclusion") } else { &job.status }
}

/// One line: where the run stands, and each of its jobs.
fn state(run: &Run, jobs: &[Job], names: &[String]) -> String {
    let status = run.status.as_deref().unwrap_or("no status");
    let mut line = format!("run {}: {status}", run.label());
    if status == "waiting" {
        line.push_str(" (somebody must approve it on GitHub)");
    }
    for (job, name) in jobs.iter().zip(names) {
        let _ = write!(line, "; {name} {}", conclusion(job));
    }
    line
}

fn detail(job: &Job) -> String {
    let time = |time: Option<Timestamp>| time.map_or("unknown".to_owned(), |time| time.to_string());
    let mut text = format!(
        "conclusion: {}\nstarted: {}\nended: {}\n",
        conclusion(job),
        time(job.started_at),
        time(job.completed_at)
    );
    let bad = |conclusion: Option<&str>| matches!(conclusion, Some("failure" | "cancelled" | "timed_out"));
    for step in job.steps.iter().filter(|step| bad(step.conclusion.as_deref())).take(20) {
        let _ = writeln!(text, "step {}: {}", step.name, step.conclusion.as_deref().unwrap_or_default());
    }
    if let Some(url) = &job.html_url {
        let _ = writeln!(text, "{url}");
    }
    text
}
