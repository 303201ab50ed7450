//! `rollback`: the way back. Nothing refuses it, and it waits neither for the ledger nor for the channel.

mod review;
mod steps;
mod turn;

use anyhow::{Result, bail};

use super::app::App;
use super::ask::ask;
use super::desk::{Desk, hand, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::nearest;
use super::record::{StepArg, TriggerArg};
use super::recorder::Recorder;
use super::status_code::Status;
use super::tell;
use super::traffic::{self, Probe, Switch};
use crate::config::Config;
use crate::core::check::Phase;
use crate::core::deployment::Deployment;
use crate::core::event::{
    Act, Colour, Event, RollbackFinished, RollbackOutcome, RollbackStarted, RollbackStep, RollbackTriggered,
    StepName, TrafficShifted, Trigger,
};
use crate::core::name::{Label, Token};
use crate::core::opening::Opening;
pub use steps::End;
use steps::{Saying, done, take};
use turn::Turn;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Which of the team's criteria [default: that of --check, else manual]
    #[arg(long, value_enum)]
    pub trigger: Option<TriggerArg>,
    /// The check that calls for it
    #[arg(long)]
    pub check: Option<Token>,
    /// Only this service; may be given again [default: all of the deployment]
    #[arg(long)]
    pub service: Vec<Label>,
    /// Say that you did this step by hand; may be given again
    #[arg(long, value_enum, value_name = "STEP")]
    pub manual: Vec<StepArg>,
    /// Begin another one while a rollback is under way
    #[arg(long)]
    pub again: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// The five steps, with what each is.
pub const STEPS: [(StepName, &str, &str); 5] = [
    (StepName::Announce, "announce", "\"ROLLBACK INITIATED\" to the channel"),
    (StepName::RevertTraffic, "revert-traffic", "DNS back to Blue"),
    (StepName::VerifyPrevious, "verify-previous", "the previous version works"),
    (StepName::Notify, "notify", "stakeholders know that it is complete"),
    (StepName::ScheduleReview, "schedule-review", "the incident review has a date"),
];

/// A step as it is called on the command line.
#[must_use]
pub fn name(step: StepName) -> &'static str {
    STEPS.iter().find(|(known, ..)| *known == step).map_or("", |(_, name, _)| name)
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    if app.globals.dry_run {
        return foresee(app, args);
    }
    let before = app.patience;
    let status = go_back(app, args);
    if app.json() && app.recorded.borrow().is_empty() && status.is_ok() {
        app.print_json(&[(); 0])?;
    }
    app.patience = before;
    status
}

fn go_back(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let mut recorder = Recorder::urgent(app)?;
    recorder.desk.warn(app);
    let services = services(recorder.deployment()?, &args.service)?;
    let moving: Vec<&Label> =
        services.iter().filter(|service| traffic::sections(&config, service).next().is_some()).collect();
    if !moving.is_empty() {
        let names: Vec<&str> = moving.iter().map(|service| service.as_str()).collect();
        ask(&format!("Move all traffic of {} back to Blue?", names.join(", ")), args.yes)?;
    }
    // Whoever is asked for a passphrase keeps nobody waiting.
    unlock(app, &recorder)?;
    let turn = Turn::take(app, &recorder.id);
    let newest = recorder.desk.ledger.head().ok().flatten();
    if turn.waited || newest.is_some_and(|newest| newest.seq > recorder.desk.head.seq) {
        let before = recorder.deployment()?.last_seq;
        recorder = Recorder::urgent(app)?;
        if let Some(seq) = completed_since(recorder.deployment()?, before) {
            app.say(format!(
                "{} was rolled back meanwhile (entry {seq}): there is nothing left to do",
                recorder.id
            ));
            return Ok(Status::Done);
        }
    }
    begin(app, &mut recorder, args)?;
    by_hand(app, &mut recorder, &config, args, &services)?;
    let outlets = tell::outlets(&config, recorder.desk.log.rehearsal)?;
    if outlets.is_empty()
        && moving.is_empty()
        && !done(recorder.deployment()?, StepName::ScheduleReview, None)
    {
        leave_to_people(app, &recorder)?;
        recorder.settle(app);
        return Ok(Status::Done);
    }
    let saying = Saying { config: &config, outlets: &outlets, set: vec![("reason", args.reason.clone())] };
    let status = all_steps(app, &mut recorder, &services, saying);
    recorder.settle(app);
    status
}

/// Has the key at hand that signs.
fn unlock(app: &App, recorder: &Recorder) -> Result<()> {
    let hand = hand(&recorder.desk, &app.who()?, Some(recorder.deployment()?), &[])?;
    let signers = recorder.desk.signers(std::slice::from_ref(&hand))?;
    recorder.desk.key_of(app, &hand.person, &signers[0].key).map(drop)
}

/// The entry that ended a rollback as complete after entry `before`, where none is under way.
fn completed_since(deployment: &Deployment, before: u64) -> Option<u64> {
    let end = deployment.rollback_ends.last().filter(|end| end.meta.seq > before)?;
    let complete = end.body.outcome == RollbackOutcome::Complete && !deployment.rollback_open();
    complete.then_some(end.meta.seq)
}

/// Whether the newest that is on record of a service's traffic is that all of it is on Blue.
fn back(deployment: &Deployment, service: &Label) -> bool {
    let last = deployment
        .shifts
        .iter()
        .rfind(|shift| shift.body.service == *service && matches!(shift.body.act, Act::Done | Act::Observed));
    last.is_some_and(|shift| shift.body.to == Colour::Blue && shift.body.percent == 100)
}

/// The services that go back: all of the deployment, or those that are named.
fn services(deployment: &Deployment, named: &[Label]) -> Result<Vec<Label>> {
    if named.is_empty() {
        return Ok(deployment.services().to_vec());
    }
    if let Some(unknown) = named.iter().find(|service| !deployment.services().contains(service)) {
        let known = deployment.services().iter().map(Label::as_str);
        let all = format!("it has {}", known.clone().collect::<Vec<_>>().join(", "));
        bail!(
            "{unknown} is no service of {}: {}",
            deployment.id,
            nearest::hint(unknown.as_str(), known, &all)
        );
    }
    Ok(named.to_vec())
}

/// Whether a trigger stands already that this rollback answers: one that is named by hand and is another one is
/// recorded beside it.
fn answers(deployment: &Deployment, args: &Args) -> bool {
    let named: Option<Trigger> = args.trigger.map(Into::into);
    let standing = deployment.triggers.last().map(|record| record.body.trigger);
    let any = matches!(named, None | Some(Trigger::Manual));
    let checks = deployment.triggers.last().map(|record| &record.body.check);
    let same = args.check.is_none() || checks == Some(&args.check);
    deployment.trigger_open() && same && (any || standing == named)
}

/// What calls for it: the criterion that is named, else that of the check, with the reading that says so.
fn trigger(deployment: &Deployment, args: &Args, openings: &mut Vec<Opening>) -> Result<Event> {
    let spec = args.check.as_ref().and_then(|check| deployment.check(check.as_str()));
    let of_check =
        spec.map(|spec| spec.rules.as_ref().and_then(|rules| rules.trigger).unwrap_or(Trigger::Limit));
    let reading = spec.and_then(|spec| deployment.latest(&spec.id));
    Ok(Event::RollbackTriggered(RollbackTriggered {
        check: args.check.clone(),
        evidence: reading.filter(|r| r.body.phase == Some(Phase::Trigger)).map(|r| r.meta.id.clone()),
        reason: Some(opened_text(&args.reason, openings)?),
        trigger: args.trigger.map(Into::into).or(of_check).unwrap_or(Trigger::Manual),
    }))
}

/// The trigger and the beginning, unless a rollback is under way: then this one goes on with it.
fn begin(app: &mut App, recorder: &mut Recorder, args: &Args) -> Result<()> {
    let id = recorder.id.clone();
    if let Some(open) = recorder
        .deployment()?
        .rollbacks
        .last()
        .filter(|_| recorder.deployment().is_ok_and(Deployment::rollback_open))
    {
        let (seq, who, at) = (open.meta.seq, open.meta.people(), open.meta.recorded.human());
        if !args.again {
            app.say(format!("a rollback of {id} is under way since entry {seq} ({who}, {at}): going on with it (another one: --again)"));
            if let Some(check) = &args.check {
                app.say(format!("what calls for it is on record already: {check} is not added"));
            }
            return Ok(());
        }
        app.warn(format!("a rollback is under way since entry {seq} ({who}, {at}): this begins another"));
    }
    if let Some(check) = &args.check {
        warn_unknown(app, &recorder.desk, &id, check)?;
    }
    if !answers(recorder.deployment()?, args) {
        let mut opened = Vec::new();
        let event = trigger(recorder.deployment()?, args, &mut opened)?;
        recorder.record(app, &[], |openings| {
            openings.append(&mut opened);
            Ok(event)
        })?;
    }
    recorder.record(app, &[], |openings| {
        Ok(Event::RollbackStarted(RollbackStarted { reason: opened_text(&args.reason, openings)? }))
    })?;
    Ok(())
}

/// Records the steps that a person says they did. Traffic is theirs to have moved where the program cannot move it, and
/// where they name the service: of what it can move it finds out itself.
fn by_hand(
    app: &mut App,
    recorder: &mut Recorder,
    config: &Config,
    args: &Args,
    services: &[Label],
) -> Result<()> {
    for step in args.manual.iter().map(|step| StepName::from(*step)) {
        if step != StepName::RevertTraffic {
            say_done(app, recorder, step, None)?;
            continue;
        }
        let theirs = |service: &&Label| {
            !args.service.is_empty() || traffic::sections(config, service).next().is_none()
        };
        for service in services.iter().filter(theirs) {
            if done(recorder.deployment()?, step, Some(service)) {
                continue;
            }
            if recorder.deployment()?.green_percent().get(service).is_some_and(|share| *share > 0) {
                let (act, percent, to) = (Act::Observed, 100, Colour::Blue);
                let service = service.clone();
                let body = TrafficShifted { act, detail: None, intent: None, percent, service, to };
                recorder.record(app, &[], |_| Ok(Event::TrafficShifted(body)))?;
            }
            say_done(app, recorder, step, Some(service))?;
        }
    }
    Ok(())
}

/// Records one step as done by hand, unless it is on record.
fn say_done(app: &mut App, recorder: &mut Recorder, step: StepName, service: Option<&Label>) -> Result<()> {
    if done(recorder.deployment()?, step, service) {
        return Ok(());
    }
    let body = |act| RollbackStep { act, detail: None, intent: None, service: service.cloned(), step };
    let intent = recorder.deployment()?.open_intention(&Event::RollbackStep(body(Act::Done))).cloned();
    recorder.record(app, &[], |openings| {
        let detail = Some(opened_text("by hand", openings)?);
        Ok(Event::RollbackStep(RollbackStep { detail, intent, ..body(Act::Observed) }))
    })?;
    Ok(())
}

/// Nothing is configured that this program could do it with.
fn leave_to_people(app: &mut App, recorder: &Recorder) -> Result<()> {
    app.say("The five steps, each recorded with `aether-audit record rollback-step --step STEP --act done`:");
    for (step, name, what) in STEPS {
        let more = match step {
            StepName::RevertTraffic => " (and `record traffic-shifted --to blue` for each service)",
            _ => "",
        };
        let mark = if done(recorder.deployment()?, step, None) { "x" } else { " " };
        app.say(format!("  {mark} {name:<16} {what}{more}"));
    }
    app.say("Then `aether-audit record rollback-finished --outcome complete`, and `aether-audit close`.");
    Ok(())
}

fn all_steps(
    app: &mut App,
    recorder: &mut Recorder,
    services: &[Label],
    mut saying: Saying,
) -> Result<Status> {
    let config = saying.config;
    if saying.outlets.is_empty() {
        hint(app, recorder, StepName::Announce)?;
    } else {
        take(app, recorder, StepName::Announce, None, |app, recorder| {
            saying.send(app, recorder, "rollback-initiated")
        })?;
    }
    let mut moved = true;
    let mut switch = Switch::new(config);
    let probe = probe(app, recorder, config, services)?;
    begin_all(app, recorder, &mut switch, services)?;
    let mut left = false;
    for service in services {
        if traffic::sections(config, service).next().is_none() {
            let deployment = recorder.deployment()?;
            if !done(deployment, StepName::RevertTraffic, Some(service)) && !back(deployment, service) {
                left = true;
                app.say(format!(
                    "{service}: no [[traffic]] in aether.toml. Move its DNS back to Blue by hand, then run the same command \
                     with --manual revert-traffic"
                ));
            }
            continue;
        }
        moved &= take(app, recorder, StepName::RevertTraffic, Some(service), |app, recorder| {
            let moved = switch.revert(app, recorder, service)?;
            Ok(End { good: moved.confirmed, detail: moved.detail })
        })?;
    }
    // What it waits for holds up nothing: it is recorded when the steps are done.
    probe.iter().for_each(Probe::stop);
    if left {
        asked(app, recorder, probe);
        app.warn("the rollback is not complete: it goes on when that is done");
        return Ok(Status::Finding);
    }
    let works = take(app, recorder, StepName::VerifyPrevious, None, |app, recorder| {
        traffic::verify(app, recorder, config, services)
    })?;
    let outcome = outcome(recorder.deployment()?, services, moved, works);
    let word = match outcome {
        RollbackOutcome::Complete => "COMPLETE",
        RollbackOutcome::Partial => "PARTIAL",
        RollbackOutcome::Failed => "FAILED",
    };
    saying.set.push(("outcome", word.to_owned()));
    saying.set.push((
        "verified",
        if works { "Blue answers" } else { "NOT, Blue does not answer as it should" }.to_owned(),
    ));
    saying.set.push(("review", review::words(review::date(app.now()))));
    if saying.outlets.is_empty() {
        hint(app, recorder, StepName::Notify)?;
    } else {
        take(app, recorder, StepName::Notify, None, |app, recorder| {
            saying.send(app, recorder, "rolled-back")
        })?;
    }
    take(app, recorder, StepName::ScheduleReview, None, |app, recorder| {
        steps::schedule(app, recorder, &mut saying)
    })?;
    asked(app, recorder, probe);
    recorder.record(app, &[], |_| Ok(Event::RollbackFinished(RollbackFinished { detail: None, outcome })))?;
    app.say(format!("The rollback is {}.", word.to_lowercase()));
    Ok(match outcome {
        RollbackOutcome::Complete => Status::Done,
        RollbackOutcome::Partial | RollbackOutcome::Failed => {
            app.warn("it is not complete: look at what failed above, call the escalation contacts, and roll back again");
            Status::Finding
        }
    })
}

/// A question each second on the way back; none where all of it is behind already.
fn probe(app: &App, recorder: &Recorder, config: &Config, services: &[Label]) -> Result<Option<Probe>> {
    let deployment = recorder.deployment()?;
    let moves = |service: &&Label| {
        traffic::sections(config, service).next().is_some()
            && !done(deployment, StepName::RevertTraffic, Some(service))
    };
    let moving: Vec<Label> = services.iter().filter(moves).cloned().collect();
    Ok(if moving.is_empty() { None } else { Probe::start(app, config, &moving) })
}

/// Records what it heard.
fn asked(app: &mut App, recorder: &mut Recorder, probe: Option<Probe>) {
    let Some(reading) = probe.and_then(Probe::end) else { return };
    app.say(format!("  each second: {}", reading.detail.as_deref().unwrap_or_default()));
    if let Err(error) = recorder.record(app, &[], |_| Ok(Event::EvidenceCollected(reading))) {
        app.warn(format!("what was asked each second is not on record: {error:#}"));
    }
}

/// Several services go back at once: each change is asked for before any is waited for.
fn begin_all(app: &mut App, recorder: &mut Recorder, switch: &mut Switch, services: &[Label]) -> Result<()> {
    for service in services.iter().filter(|_| services.len() > 1) {
        let moves = switch.moves(service);
        if !moves || done(recorder.deployment()?, StepName::RevertTraffic, Some(service)) {
            continue;
        }
        steps::intend(app, recorder, StepName::RevertTraffic, Some(service))?;
        if let Err(error) = switch.begin_revert(app, recorder, service) {
            app.warn(format!("{service}: {error:#}; once more below"));
        }
    }
    Ok(())
}

fn hint(app: &mut App, recorder: &Recorder, step: StepName) -> Result<()> {
    if !done(recorder.deployment()?, step, None) {
        let step = name(step);
        app.say(format!("nobody is configured to be told: do it by hand, then `aether-audit record rollback-step --step {step} --act done`"));
    }
    Ok(())
}

/// Complete only where nothing is left on Green and Blue answers.
fn outcome(deployment: &Deployment, services: &[Label], moved: bool, works: bool) -> RollbackOutcome {
    let shares = deployment.green_percent();
    let on_green = |service: &Label| shares.get(service).is_some_and(|share| *share > 0);
    let left = deployment.services().iter().any(on_green);
    if moved && works && !left {
        RollbackOutcome::Complete
    } else if works && services.iter().any(|service| !on_green(service)) {
        RollbackOutcome::Partial
    } else {
        RollbackOutcome::Failed
    }
}

/// Says what would be recorded and done.
fn foresee(app: &mut App, args: &Args) -> Result<Status> {
    let here = Elsewhere::default();
    let (id, mut desk) = here.desk_at(app, false)?;
    services(desk.deployment(&id)?, &args.service)?;
    if desk.deployment(&id)?.rollback_open() && !args.again {
        app.would("go on with the rollback that is under way")?;
    } else {
        if !answers(desk.deployment(&id)?, args) {
            facts::record_at(app, &mut desk, &id, &here, &[], |_, desk, id, openings| {
                trigger(desk.deployment(id)?, args, openings)
            })?;
        }
        facts::record_at(app, &mut desk, &id, &here, &[], |_, _, _, openings| {
            Ok(Event::RollbackStarted(RollbackStarted { reason: opened_text(&args.reason, openings)? }))
        })?;
    }
    plan(app, &app.config()?, &desk, &id, args)?;
    Ok(Status::Done)
}

fn plan(app: &mut App, config: &Config, desk: &Desk, id: &Token, args: &Args) -> Result<()> {
    for service in services(desk.deployment(id)?, &args.service)? {
        for section in traffic::sections(config, &service) {
            app.say(format!("would move {} {} of {service} back to Blue", section.kind, section.record));
        }
    }
    for outlet in tell::outlets(config, desk.log.rehearsal)? {
        app.say(format!("would tell {}", outlet.channel));
    }
    Ok(())
}

/// Warns where a trigger names a check that this deployment does not have. It is recorded all the same: nothing
/// refuses the way back.
///
/// # Errors
/// Where there is no such deployment.
pub fn warn_unknown(app: &mut App, desk: &Desk, id: &Token, check: &Token) -> Result<()> {
    let checks = &desk.deployment(id)?.opened.body.checks;
    if !checks.iter().any(|spec| spec.id == check.as_str()) {
        let known = checks.iter().map(|spec| spec.id.as_str());
        let hint = nearest::hint(check.as_str(), known, "`aether-audit status` lists them");
        app.warn(format!("{check} is no check of {id}, and is recorded as you gave it: {hint}"));
    }
    Ok(())
}
