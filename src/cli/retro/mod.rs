//! `retro`: the deployments of a period, their figures, and what happens again and again.

mod commits;
mod period;
mod population;
mod recall;
mod text;

use anyhow::Result;

use super::app::App;
use super::status_code::Status;
use crate::core::retro::{Facts, figures};
use crate::core::time::Timestamp;
use crate::report::retro::{Deployed, Retro, SCHEMA};

pub use recall::keep;

/// Options of `retro`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Deployments opened at or after this day or moment [default: the first one]
    #[arg(long, value_name = "DAY", value_parser = period::since)]
    pub since: Option<Timestamp>,
    /// Deployments opened on this day or before, or before this moment [default: now]
    #[arg(long, value_name = "DAY", value_parser = period::until)]
    pub until: Option<Timestamp>,
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
    };
    if app.json() {
        app.print_json(&retro)?;
    } else {
        app.data(text::text(&retro))?;
    }
    Ok(status(&retro))
}

/// A gap, or another ledger than the verified one, is a finding.
fn status(retro: &Retro) -> Status {
    if retro.population.gaps.is_empty() && retro.grounds.state != "another-ledger" {
        Status::Done
    } else {
        Status::Finding
    }
}
