//! Recording stages: each once, whoever follows the run, and however often.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use super::super::app::App;
use super::super::desk::{Desk, opened_text};
use super::super::elsewhere::Elsewhere;
use super::super::facts;
use super::{DEPLOY, DISPATCH, Intention, Way, open_intention};
use crate::core::deployment::{Deployment, Record};
use crate::core::event::{Act, Event, StageReached};
use crate::core::name::{Id, Label, Token};
use crate::core::time::Timestamp;
use crate::remote::github::Job;

/// Whether `--as` may record a stage at all.
///
/// # Errors
/// [`super::super::status_code::Refused`] with every reason.
pub fn may(app: &App, desk: &Desk, id: &Token) -> Result<()> {
    let event = Event::StageReached(body(DEPLOY, Act::Intended, None, None)?);
    facts::may(app, desk, id, &Elsewhere::default(), &[], event)
}

/// Records that the workflow is about to be started.
///
/// # Errors
/// Where the table or the ledger refuses.
pub fn intend(app: &mut App, id: &Token) -> Result<Intention> {
    let mut desk = Desk::open(app, Some(id))?;
    let event = Event::StageReached(body(DEPLOY, Act::Intended, None, None)?);
    facts::record_at(app, &mut desk, id, &Elsewhere::default(), &[], |_, _, _, _| Ok(event))?;
    open_intention(desk.deployment(id)?)
        .context("the intention was recorded, and is answered already: run the command again")
}

/// Records one stage, with what is known of it.
///
/// # Errors
/// Where the table or the ledger refuses.
pub fn stage(
    app: &mut App,
    id: &Token,
    stage: &str,
    act: Act,
    run: Option<&str>,
    intent: Option<&Id>,
    detail: &str,
) -> Result<()> {
    let mut desk = Desk::open(app, Some(id))?;
    let mut body = body(stage, act, run, intent)?;
    if recorded(desk.deployment(id)?, &body) {
        return Ok(());
    }
    facts::record_at(app, &mut desk, id, &Elsewhere::default(), &[], |_, _, _, openings| {
        body.detail = Some(opened_text(detail, openings)?);
        Ok(Event::StageReached(body))
    })?;
    Ok(())
}

/// Records how the whole run ended.
///
/// # Errors
/// As [`stage`].
pub fn outcome(app: &mut App, id: &Token, way: &Way, act: Act, detail: &str) -> Result<()> {
    stage(app, id, DEPLOY, act, Some(&way.run.label()), way.intent.as_ref(), detail)
}

/// The numbers of the runs that the record names.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn runs(app: &App, id: &Token) -> Result<BTreeSet<u64>> {
    let desk = Desk::read(app, Some(id))?;
    let deploys = super::stages(desk.deployment(id)?);
    let number = |label: &Label| label.as_str().split('/').next()?.parse().ok();
    Ok(deploys.filter_map(|record| number(record.body.run.as_ref()?)).collect())
}

/// Where GitHub took the order of an intention and named no run: the entry that says so, and when.
#[must_use]
pub fn taken(deployment: &Deployment, intention: &Intention) -> Option<(u64, Timestamp)> {
    let orders = deployment.stages.iter().filter(|record| record.body.stage.as_str() == DISPATCH);
    let later =
        |record: &&Record<StageReached>| record.meta.seq > intention.seq && record.body.act == Act::Done;
    orders.filter(later).map(|record| (record.meta.seq, record.meta.recorded)).next_back()
}

/// The names of jobs as stages: a job cannot stand for the whole, and no two for each other.
pub fn names(jobs: &[Job]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for job in jobs {
        let plain: String = job.name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
        let name = if plain.trim().is_empty()
            || [DEPLOY, DISPATCH].iter().any(|own| plain.eq_ignore_ascii_case(own))
        {
            format!("job {plain}")
        } else {
            plain
        };
        let same = |other: &&String| **other == name || other.starts_with(&format!("{name} #"));
        let count = names.iter().filter(same).count();
        names.push(if count == 0 { name } else { format!("{name} #{}", count + 1) });
    }
    names
}

/// Whether this stage of this run has its end in the record.
fn recorded(deployment: &Deployment, body: &StageReached) -> bool {
    body.act != Act::Intended
        && deployment.stages.iter().any(|record| {
            let other = &record.body;
            other.act != Act::Intended
                && other.stage == body.stage
                && other.run == body.run
                && body.run.is_some()
        })
}

fn body(stage: &str, act: Act, run: Option<&str>, intent: Option<&Id>) -> Result<StageReached> {
    Ok(StageReached {
        act,
        detail: None,
        intent: intent.cloned(),
        run: run.map(Label::new).transpose()?,
        stage: Label::new(stage)?,
    })
}
