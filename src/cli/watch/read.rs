//! One round of readings: all checks at once, each recorded as it is.

use anyhow::Result;

use super::end::readings;
use super::lease::Lease;
use super::plan::{Ask, Stretch, Watched};
use crate::cli::app::App;
use crate::cli::collect::{self, keep};
use crate::cli::desk::Desk;
use crate::cli::elsewhere::Elsewhere;
use crate::config::Config;
use crate::core::check::Phase;
use crate::core::name::Token;
use crate::evidence::{self, Collected, Request};

/// What came of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// What was due is recorded.
    Read,
    /// Somebody else watches now.
    Lost,
}

/// Reads whatever is due.
///
/// # Errors
/// Where the ledger does not take a reading.
pub fn round(
    app: &mut App,
    config: &Config,
    desk: &mut Desk,
    id: &Token,
    stretch: &Stretch,
    checks: &[Watched],
    lease: &Lease,
) -> Result<Round> {
    let now = app.now();
    let deployment = desk.deployment(id)?;
    let mut asked: Vec<(&Watched, Vec<Ask>, Vec<Request>)> = Vec::new();
    for watched in checks {
        let asks = watched.due(stretch, &readings(deployment, &watched.spec.id), now);
        let requests: Result<Vec<Request>> = asks
            .iter()
            .map(|ask| collect::about(desk, id, Request::new(&watched.check, ask.window, now)))
            .collect();
        if !asks.is_empty() {
            asked.push((watched, asks, requests?));
        }
    }
    let home = app.home();
    let answers: Vec<Vec<Collected>> = std::thread::scope(|scope| {
        let home = &home;
        let asking: Vec<_> = asked
            .iter()
            .map(|(watched, asks, requests)| scope.spawn(move || ask(config, home, watched, asks, requests)))
            .collect();
        asking.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let here = Elsewhere::default();
    for ((watched, ..), collected) in asked.iter().zip(answers) {
        for one in collected {
            let Some(_guard) = lease.guard()? else { return Ok(Round::Lost) };
            keep(app, desk, id, &here, &watched.check, one)?;
        }
    }
    Ok(Round::Read)
}

/// Asks one source for all that is due of it, the newest first; a failure ends it for this minute.
fn ask(
    config: &Config,
    home: &std::path::Path,
    watched: &Watched,
    asks: &[Ask],
    requests: &[Request],
) -> Vec<Collected> {
    let source = evidence::source(&watched.check, &config.aws, home);
    let mut all = Vec::new();
    for (ask, request) in asks.iter().zip(requests) {
        let collected = evidence::collect(&watched.spec, source.as_ref(), request);
        let phase = collected.reading.phase;
        if phase == Some(Phase::NoData) && !ask.settled {
            continue;
        }
        all.push(collected);
        if phase == Some(Phase::Error) {
            break;
        }
    }
    // The newest evidence of a check is what gates look at: it comes last.
    all.reverse();
    all
}
