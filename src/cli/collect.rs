//! `collect`: evidence, now. It is appended before the command fails because of it.

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use super::app::App;
use super::desk::{Desk, opened_bytes};
use super::earlier;
use super::elsewhere::Elsewhere;
use super::facts;
use super::nearest;
use super::open::frozen_check;
use super::status_code::Status;
use crate::core::check::{Check, CheckSpec, Phase, Standing, Window};
use crate::core::event::Event;
use crate::core::name::Token;
use crate::core::time::Timestamp;
use crate::evidence::{self, Collected, Request};

#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Checks of aether.toml, by id [default: all]
    pub checks: Vec<String>,
    /// The end of the window [default: now]
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
}

/// What one collection came to.
#[derive(Serialize)]
pub(super) struct Line {
    check: String,
    phase: Option<Phase>,
    value: Option<String>,
    detail: Option<String>,
    seq: Option<u64>,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let here = Elsewhere::default();
    let (id, mut desk) = here.desk_at(app, false)?;
    let mut checks = Vec::new();
    for name in &args.checks {
        checks.push(config.find(name).with_context(|| {
            let known: Vec<&str> = config.check.iter().map(|check| check.spec.id.as_str()).collect();
            let all = format!("it defines {}", known.join(", "));
            format!("aether.toml defines no check {name}: {}", nearest::hint(name, known, &all))
        })?);
    }
    if args.checks.is_empty() {
        checks = config.check.iter().collect();
    }
    if checks.is_empty() {
        bail!("aether.toml defines no check: add a [[check]]");
    }
    // All of them, before anything is recorded.
    let specs: Vec<CheckSpec> = checks
        .iter()
        .map(|check| frozen(&desk, &id, check, &frozen_check(app, &config, check)))
        .collect::<Result<_>>()?;
    if args.until.is_some_and(|until| until > app.now()) {
        bail!("--until is in the future: what will be measured then is not known yet (times are UTC)");
    }
    let mut lines = Vec::new();
    for (check, spec) in checks.into_iter().zip(specs) {
        let until = args.until.unwrap_or_else(|| app.now());
        let mut source = evidence::source(check, &config.aws, &app.home());
        if source.recalls()
            && let Some((of, answer)) = earlier::answer(&desk, &id, &check.spec.id)?
        {
            source.recall(of.as_str(), &answer);
        }
        let request = about(&desk, &id, Request::new(check, window(check, until), app.now()))?;
        let collected = evidence::collect(&spec, source.as_ref(), &request);
        lines.push(keep(app, &mut desk, &id, &here, check, collected)?);
    }
    let worst = lines.iter().filter_map(|line| line.phase).max().unwrap_or(Phase::NoData);
    show(app, &lines)?;
    let deployment = desk.deployment(&id)?;
    // In a dry run nothing of this is in the ledger yet: then a breach is told as one.
    let fires = |line: &&Line| {
        let recorded = line.seq.is_some();
        line.phase == Some(Phase::Trigger)
            && (!recorded || deployment.standing(&line.check, None, None) == Standing::Fires)
    };
    let breached = lines.iter().find(fires);
    let worst = if worst == Phase::Trigger && breached.is_none() { Phase::Warn } else { worst };
    if let Some(line) = breached
        && desk.deployment(&id)?.cutover().is_some()
        && desk.deployment(&id)?.rollbacks.is_empty()
    {
        let check = &line.check;
        app.warn(format!(
            "{check} calls for a rollback. To go back: `aether-audit rollback --check {check} --reason T`"
        ));
    }
    Ok(status(worst))
}

/// The request with what is deployed.
///
/// # Errors
/// Where there is no such deployment.
pub(super) fn about(desk: &Desk, id: &Token, request: Request) -> Result<Request> {
    let deployment = desk.deployment(id)?;
    let source = deployment.subject.iter().find(|subject| subject.digest().0 == "gitCommit");
    let opened = deployment.opened.meta.recorded;
    Ok(source.map_or(request.clone(), |source| request.about(source.digest().1, opened)))
}

/// The check as this deployment froze it; the configuration may have moved on.
pub(super) fn frozen(desk: &Desk, id: &Token, check: &Check, now: &CheckSpec) -> Result<CheckSpec> {
    let checks = &desk.deployment(id)?.opened.body.checks;
    let old = checks.iter().any(|spec| spec.id == check.spec.id && spec.rules.is_none());
    // A deployment that was opened before there were such rules has none.
    let rules = |spec: &CheckSpec| if old { CheckSpec { rules: None, ..spec.clone() } } else { spec.clone() };
    let (now, configured) = (&rules(now), &rules(&check.spec));
    match checks.iter().find(|spec| spec.id == check.spec.id) {
        Some(spec) if spec == now || (spec.query.is_none() && spec == configured) => Ok(spec.clone()),
        Some(_) => bail!(
            "the check {} is no longer what {id} was opened with: limits and queries are frozen then; put aether.toml back, or open a new deployment",
            check.spec.id
        ),
        None => {
            bail!("the check {} is newer than {id}: its checks were frozen when it opened", check.spec.id)
        }
    }
}

pub(super) fn window(check: &Check, until: Timestamp) -> Window {
    let period = i64::from(check.period_seconds.max(1));
    let to = until.millis().div_euclid(period * 1000) * period * 1000;
    let to = Timestamp::from_millis(to).unwrap_or(until);
    Window { from: to.plus_seconds(-i64::from(check.window_minutes) * 60), to, period: check.period_seconds }
}

/// Appends one reading: a number as `metric-read`, an answer as `evidence-collected`.
pub(super) fn keep(
    app: &mut App,
    desk: &mut Desk,
    id: &Token,
    here: &Elsewhere,
    check: &Check,
    collected: Collected,
) -> Result<Line> {
    let mut reading = collected.reading;
    let line = Line {
        check: check.spec.id.clone(),
        phase: reading.phase,
        value: reading.value.as_ref().map(|v| format!("{v}{}", unit(check))),
        detail: reading.detail.clone(),
        seq: None,
    };
    if app.globals.dry_run {
        return Ok(line);
    }
    let quiet = std::mem::replace(&mut app.globals.quiet, true);
    let fate = facts::record_at(app, desk, id, here, &[], |_, _, _, openings| {
        if let Some(response) = collected.response {
            reading.response = Some(opened_bytes(response.bytes, &response.media_type, openings)?);
        }
        Ok(if reading.points.is_empty() {
            Event::EvidenceCollected(reading)
        } else {
            Event::MetricRead(reading)
        })
    });
    app.globals.quiet = quiet;
    let seq = match fate? {
        super::elsewhere::Fate::Appended(appended) => Some(appended.seq),
        _ => None,
    };
    Ok(Line { seq, ..line })
}

fn unit(check: &Check) -> String {
    check.spec.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"))
}

fn show(app: &mut App, lines: &[Line]) -> Result<()> {
    if app.json() {
        return app.print_json(&lines);
    }
    let mut text = String::new();
    for line in lines {
        let phase = line.phase.map_or("-", Phase::as_str);
        let seq = line.seq.map_or("not recorded".into(), |seq| format!("entry {seq}"));
        text.push_str(&format!(
            "{phase:<8} {:<16} {}  [{seq}]\n",
            line.check,
            line.detail.as_deref().or(line.value.as_deref()).unwrap_or("")
        ));
    }
    app.data(text)
}

/// 3 at a rollback limit, 4 where nothing is proven, 1 at a breached objective or a failed source.
fn status(worst: Phase) -> Status {
    match worst {
        Phase::Pass => Status::Done,
        Phase::Warn | Phase::Error => Status::Finding,
        Phase::NoData => Status::NotProven,
        Phase::Trigger => Status::Breached,
    }
}
