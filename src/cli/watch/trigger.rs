//! A rollback limit that fires: recorded with its reading, and the way back begun where that was asked for.

use anyhow::Result;
use clap::ValueEnum as _;

use super::lease::Lease;
use super::plan::{Stretch, Watched};
use crate::cli::app::App;
use crate::cli::desk::{Desk, opened_text};
use crate::cli::elsewhere::Elsewhere;
use crate::cli::facts;
use crate::cli::record::TriggerArg;
use crate::cli::rollback;
use crate::cli::say::SPEAKERS;
use crate::cli::status_code::Refused;
use crate::cli::tell;
use crate::config::Config;
use crate::core::check::{Phase, Standing};
use crate::core::deployment::Deployment;
use crate::core::event::{Event, RollbackTriggered, Trigger};
use crate::core::name::{Id, Token};
use crate::notify::Patience;

/// What fired.
#[derive(Clone, Debug)]
pub struct Fired {
    /// The check.
    pub check: Token,
    /// The statement that holds the reading.
    pub evidence: Id,
    /// The reading's own words.
    pub reason: String,
    /// Which of the team's criteria.
    pub trigger: Trigger,
}

/// The first check that fires by readings that no trigger was recorded for.
#[must_use]
pub fn fired(deployment: &Deployment, stretch: &Stretch, checks: &[Watched]) -> Option<Fired> {
    checks.iter().find_map(|watched| {
        let id = watched.spec.id.as_str();
        let own = deployment.triggers.iter().filter(|t| t.body.check.as_ref().is_some_and(|c| *c == *id));
        let after = own.map(|trigger| trigger.meta.seq).max();
        if deployment.standing(id, Some(stretch.from), after) != Standing::Fires {
            return None;
        }
        let mut readings = deployment.readings_since(id, Some(stretch.from)).into_iter().rev();
        let reading = readings.find(|record| record.body.phase == Some(Phase::Trigger))?;
        Some(Fired {
            check: Token::new(id).ok()?,
            evidence: reading.meta.id.clone(),
            reason: reading.body.detail.clone().unwrap_or_else(|| format!("{id} calls for a rollback")),
            trigger: watched.spec.rules.as_ref().and_then(|rules| rules.trigger).unwrap_or(Trigger::Limit),
        })
    })
}

/// Records it. A machine may do so only where the deployment was opened with `machine-rollback`; then it is only told.
///
/// # Errors
/// Where the ledger does not take it.
pub fn record(app: &mut App, id: &Token, lease: &Lease, fired: &Fired) -> Result<()> {
    let Some(_guard) = lease.guard()? else { return Ok(()) };
    let mut desk = Desk::open(app, Some(id))?;
    let here = Elsewhere::default();
    let fate = facts::record_at(app, &mut desk, id, &here, &[], |_, _, _, openings| {
        Ok(Event::RollbackTriggered(RollbackTriggered {
            check: Some(fired.check.clone()),
            evidence: Some(fired.evidence.clone()),
            reason: Some(opened_text(&fired.reason, openings)?),
            trigger: fired.trigger,
        }))
    });
    match fate {
        Err(error) if error.is::<Refused>() => {
            app.warn(format!("the trigger could not be recorded by you: {error:#}"));
            Ok(())
        }
        fate => fate.map(drop),
    }
}

/// Tells the channel, where there is one. Whoever cannot be told, and what cannot be recorded, stops nothing.
pub fn tell_channel(app: &mut App, config: &Config, id: &Token, fired: &Fired) {
    if let Err(error) = told(app, config, id, fired) {
        app.warn(format!("the channel may not have been told: {error:#}"));
    }
}

fn told(app: &mut App, config: &Config, id: &Token, fired: &Fired) -> Result<()> {
    let mut desk = Desk::open(app, Some(id))?;
    let outlets = tell::outlets(config, desk.log.rehearsal)?;
    let about = tell::about(&desk, id)?;
    let (check, why) = (&fired.check, &fired.reason);
    let text = format!("ROLLBACK LIMIT: {check} fires ({why}). A person decides, or `aether-audit rollback`");
    let mut recorded = Ok(());
    for said in tell::tell(&outlets, &text, None, &about, Patience::URGENT) {
        if !said.sent.taken {
            app.warn(format!("{} was NOT told", said.channel));
        }
        let here = Elsewhere::default();
        let fate = facts::record_at(app, &mut desk, id, &here, &SPEAKERS, |_, _, _, openings| {
            tell::event(&said, &text, None, openings)
        });
        recorded = recorded.and(fate.map(drop));
    }
    recorded
}

/// Begins the way back, as `aether-audit rollback` does.
///
/// # Errors
/// What that command fails with.
pub fn go_back(app: &mut App, fired: &Fired) -> Result<()> {
    let known = TriggerArg::value_variants().iter().find(|arg| Trigger::from(**arg) == fired.trigger);
    let args = rollback::Args {
        reason: format!("watch: {}", fired.reason),
        trigger: Some(known.copied().unwrap_or(TriggerArg::Limit)),
        check: Some(fired.check.clone()),
        service: Vec::new(),
        manual: Vec::new(),
        again: false,
        yes: true,
    };
    rollback::run(app, &args).map(drop)
}
