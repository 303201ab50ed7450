//! `retro`: the deployments of a period, their figures, and what happens again and again.

mod commits;
mod elsewhere;
mod list;
mod period;
mod population;
mod recall;
mod text;

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::app::App;
use super::files;
use super::status_code::Status;
use crate::core::retro::{Facts, figures, reconcile};
use crate::core::time::Timestamp;
use crate::report::retro::{Deployed, Retro, SCHEMA, to_html, to_markdown};

pub use recall::keep;

#[derive(clap::Args, Debug)]
#[allow(clippy::option_option)] // not given, given without a file, given with one
pub struct Args {
    /// Deployments opened at or after this day or moment [default: the first one]
    #[arg(long, value_name = "DAY", value_parser = period::since)]
    pub since: Option<Timestamp>,
    /// Deployments opened on this day or before, or before this moment [default: now]
    #[arg(long, value_name = "DAY", value_parser = period::until)]
    pub until: Option<Timestamp>,
    /// Hold the record against GitHub's runs and Route 53's changes (or a JSON or CSV list), and show first what is in no record
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub reconcile: Option<Option<PathBuf>>,
    /// Write retro.html, retro.md and retro.json into this folder
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut all = population::read(app)?;
    let first = all.deployments.first().map(|(facts, _)| facts.opened);
    let period = period::period(args.since, args.until, first, app.now())?;
    let of_period: Vec<&Facts> = all
        .deployments
        .iter()
        .filter(|(facts, _)| period.holds(facts.opened))
        .map(|(facts, _)| facts)
        .collect();
    let commits: Vec<&str> = of_period.iter().filter_map(|facts| facts.commit.as_deref()).collect();
    let (committed, commit_times) = commits::times(&app.home(), &commits);
    let committed = |commit: &str| committed.get(commit).copied();
    let deployments = of_period
        .iter()
        .map(|facts| Deployed::of(facts, facts.commit.as_deref().and_then(committed)))
        .collect();
    let figures = figures(&of_period, &period, &committed);
    all.grounds.read_anew =
        all.deployments.iter().filter(|(facts, kept)| !kept && period.holds(facts.opened)).count();
    let reconciliation = match &args.reconcile {
        Some(file) => {
            let (foreign, sources) = elsewhere::ask(app, file.as_deref(), &period)?;
            let ever: Vec<&Facts> = all.deployments.iter().map(|(facts, _)| facts).collect();
            Some(reconcile(&ever, &of_period, foreign, sources))
        }
        None => None,
    };
    let retro = Retro {
        schema: SCHEMA,
        origin: all.origin,
        rehearsal: all.rehearsal,
        made: app.now(),
        period,
        population: all.population,
        grounds: all.grounds,
        deployments,
        figures,
        definitions: Retro::definitions(),
        commit_times,
        reconciliation,
    };
    if let Some(folder) = &args.to {
        write(app, &retro, folder)?;
    }
    if app.json() {
        app.print_json(&retro)?;
    } else {
        app.data(text::text(&retro))?;
    }
    Ok(status(&retro))
}

/// A gap, another ledger than the verified one, or what is in no record is a finding; where somebody could not be asked
/// for all of the period, nothing is proven.
fn status(retro: &Retro) -> Status {
    let unrecorded = retro.reconciliation.as_ref().is_some_and(|one| !one.unrecorded.is_empty());
    if unrecorded || !retro.population.gaps.is_empty() || retro.grounds.state == "another-ledger" {
        Status::Finding
    } else if retro.reconciliation.as_ref().is_some_and(|one| !one.whole()) {
        Status::NotProven
    } else {
        Status::Done
    }
}

/// The documents, all of them or none.
fn write(app: &mut App, retro: &Retro, folder: &Path) -> Result<()> {
    let json = format!("{}\n", serde_json::to_string_pretty(retro)?);
    let made = [("retro.json", json), ("retro.md", to_markdown(retro)?), ("retro.html", to_html(retro)?)];
    if app.globals.dry_run {
        let names = made.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        app.say(format!("would write {names} into {}", folder.display()));
        return Ok(());
    }
    files::make_folder(folder)?;
    let all: Vec<(PathBuf, &[u8])> =
        made.iter().map(|(name, text)| (folder.join(name), text.as_bytes())).collect();
    files::write_all(&all)?;
    app.say(format!("Open {}", folder.join("retro.html").display()));
    Ok(())
}
