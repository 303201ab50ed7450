//! `shift`: traffic moves to a colour, at once or in steps. Gate and health first; then each step is intended, changed,
//! waited for, looked at, and recorded. Interrupted, it is run again, or reverted.

use anyhow::{Result, bail};

use super::app::App;
use super::ask::ask;
use super::kit;
use super::nearest;
use super::record::ColourArg;
use super::recorder::Recorder;
use super::status_code::{Refused, Status};
use super::traffic::{self, Probe, Switch, at, healthy, keep, measure, sections, smoke, word};
use crate::config::Config;
use crate::core::check::{Check, Phase};
use crate::core::event::{Act, Colour, Event, Gate, StandbyChanged, StandbyState, TrafficShifted};
use crate::core::name::Label;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to
    #[arg(long, value_enum)]
    pub to: ColourArg,
    /// Move so much and no more
    #[arg(long, conflicts_with = "steps", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub percent: Option<u8>,
    /// Move in steps, with the checks between them, for example 10,50,100
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=100))]
    pub steps: Vec<u8>,
    /// Only this service; may be given again [default: all of the deployment]
    #[arg(long)]
    pub service: Vec<Label>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// One run of the command.
struct Run<'a> {
    config: &'a Config,
    services: Vec<Label>,
    to: Colour,
    steps: Vec<u8>,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let mut recorder = Recorder::open(app)?;
    let to = Colour::from(args.to);
    let run = Run {
        config: &config,
        services: services(&config, &recorder, &args.service, to)?,
        to,
        steps: steps(args)?,
    };
    run.may(app, &recorder)?;
    let mut switch = Switch::new(&config);
    if app.globals.dry_run {
        return run.foresee(app, &recorder, &mut switch);
    }
    run.gate(app, &recorder)?;
    let names: Vec<&str> = run.services.iter().map(Label::as_str).collect();
    let shares: Vec<String> = run.steps.iter().map(|step| format!("{step} %")).collect();
    ask(&format!("Move {} of {} to {}?", shares.join(", then "), names.join(", "), word(to)), args.yes)?;
    run.health(app, &mut recorder)?;
    kit::keep(app, &recorder.desk);
    let probe = Probe::start(app, &config, &run.services);
    let moved = run.all_steps(app, &mut recorder, &mut switch);
    if let Some(reading) = probe.and_then(Probe::end) {
        app.say(format!("  each second: {}", reading.detail.as_deref().unwrap_or_default()));
        recorder.record(app, &[], |_| Ok(Event::EvidenceCollected(reading)))?;
    }
    kit::keep(app, &recorder.desk);
    moved
}

fn services(config: &Config, recorder: &Recorder, named: &[Label], to: Colour) -> Result<Vec<Label>> {
    let known = recorder.deployment()?.services();
    let services = if named.is_empty() { known.to_vec() } else { named.to_vec() };
    for service in &services {
        if !known.contains(service) {
            let all: Vec<&str> = known.iter().map(Label::as_str).collect();
            let otherwise = format!("it has {}", all.join(", "));
            bail!(
                "{service} is no service of {}: {}",
                recorder.id,
                nearest::hint(service.as_str(), all, &otherwise)
            );
        }
        if sections(config, service).next().is_none() {
            bail!(
                "no [[traffic]] in aether.toml moves {service}: add it, or move its traffic by hand (`aether-audit gate shift` \
                 first) and record it with `aether-audit record traffic-shifted --service {service} --to {} --act done`",
                word(to).to_lowercase()
            );
        }
    }
    Ok(services)
}

fn steps(args: &Args) -> Result<Vec<u8>> {
    let steps = if args.steps.is_empty() { vec![args.percent.unwrap_or(100)] } else { args.steps.clone() };
    if !steps.is_sorted_by(|a, b| a < b) {
        bail!("--steps: write growing percentages, such as 10,50,100");
    }
    Ok(steps)
}

impl Run<'_> {
    /// Whether `--as` may record it at all, and whether the ledger is sound.
    fn may(&self, app: &App, recorder: &Recorder) -> Result<()> {
        recorder.desk.sound(app)?;
        let Some(service) = self.services.first() else { bail!("this deployment has no service") };
        let event = Event::TrafficShifted(TrafficShifted {
            act: Act::Intended,
            detail: None,
            intent: None,
            percent: 100,
            service: service.clone(),
            to: self.to,
        });
        super::facts::may(
            app,
            &recorder.desk,
            &recorder.id,
            &super::elsewhere::Elsewhere::default(),
            &[],
            event,
        )
    }

    fn gate(&self, app: &App, recorder: &Recorder) -> Result<()> {
        if self.to == Colour::Blue {
            return Ok(());
        }
        let missing = recorder.deployment()?.missing(Gate::Shift, app.now());
        if missing.is_empty() {
            return Ok(());
        }
        let next = "Traffic stays where it is. `aether-audit status` names the next step.";
        Err(Refused::gate(format!("the shift of {} to Green", recorder.id), &missing, next).into())
    }

    /// No traffic goes to what does not answer; on the way back it is only said.
    fn health(&self, app: &mut App, recorder: &mut Recorder) -> Result<()> {
        for service in &self.services {
            if healthy(app, recorder, self.config, service, self.to)? {
                continue;
            }
            let what = format!("{service} on {} does not answer as it should", word(self.to));
            if self.to == Colour::Blue {
                app.warn(what);
                continue;
            }
            let missing = vec![what];
            let next = "Traffic stays where it is. Put Green right, then run the same command again.".into();
            return Err(
                Refused { what: format!("the shift of {} to Green", recorder.id), missing, next }.into()
            );
        }
        Ok(())
    }

    fn all_steps(&self, app: &mut App, recorder: &mut Recorder, switch: &mut Switch) -> Result<Status> {
        let last = self.steps.len() - 1;
        for (index, percent) in self.steps.iter().enumerate() {
            if self.behind(recorder, switch, *percent)? {
                app.say(format!("{percent} % to {} is behind already", word(self.to)));
                continue;
            }
            let mut confirmed = true;
            for service in &self.services {
                confirmed &= switch.shift(app, recorder, service, self.to, *percent)?.confirmed;
            }
            let status = self.look(app, recorder, index < last)?;
            if status != Status::Done {
                return Ok(status);
            }
            if !confirmed {
                app.warn(format!("{percent} % is set, and not everybody answers by it yet: look, then run the same command again"));
                return Ok(Status::Finding);
            }
        }
        Self::standby(app, recorder)?;
        Ok(Status::Done)
    }

    /// Whether more than this has moved already: a run that was interrupted goes on, and takes nothing back.
    fn behind(&self, recorder: &Recorder, switch: &mut Switch, percent: u8) -> Result<bool> {
        if self.to == Colour::Blue || self.steps.len() == 1 {
            return Ok(false);
        }
        let shares = recorder.deployment()?.green_percent();
        for service in &self.services {
            let share = shares.get(service).copied().unwrap_or(0);
            let there = switch.look(service)?.iter().all(|(_, standing)| at(standing, share));
            if share <= percent || !there {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The smoke checks after each step, and between steps all that are watched. A rollback limit stops everything.
    fn look(&self, app: &mut App, recorder: &mut Recorder, between: bool) -> Result<Status> {
        let smoke = smoke(self.config, &self.services);
        let watched = self.config.check.iter().filter(|check| between && check.spec.watch);
        let more: Vec<&Check> =
            watched.filter(|check| !smoke.iter().any(|s| s.spec.id == check.spec.id)).collect();
        let mut status = Status::Done;
        for (check, must) in
            smoke.iter().map(|check| (*check, true)).chain(more.into_iter().map(|check| (check, false)))
        {
            let collected = measure(app, recorder, self.config, check)?;
            let phase = collected.reading.phase.unwrap_or(Phase::NoData);
            keep(app, recorder, collected)?;
            let id = &check.spec.id;
            if phase == Phase::Trigger {
                app.warn(format!(
                    "{id} calls for a rollback. To go back: `aether-audit rollback --check {id} --reason T`"
                ));
                status = Status::Breached;
            } else if phase != Phase::Pass && must {
                app.warn(format!("the smoke check {id} says {phase}: the shift stops here"));
                status = if status == Status::Done { Status::Finding } else { status };
            } else if phase != Phase::Pass {
                app.warn(format!("{id} says {phase}"));
            }
        }
        Ok(status)
    }

    /// At 100 % Green the verification window begins, and Blue's hour of standby: said, and recorded once.
    fn standby(app: &mut App, recorder: &mut Recorder) -> Result<()> {
        let deployment = recorder.deployment()?;
        let (Some(since), Some((_, verified))) = (deployment.green_since(), deployment.verification_window())
        else {
            return Ok(());
        };
        let Some(until) = deployment.standby_until() else { return Ok(()) };
        let kept = |service: &Label| {
            deployment.standby.iter().any(|s| {
                s.body.service == *service && s.body.state == StandbyState::Kept && s.meta.recorded >= since
            })
        };
        let left: Vec<Label> =
            deployment.services().iter().filter(|service| !kept(service)).cloned().collect();
        for service in left {
            recorder.record(app, &[], |_| {
                let (act, state) = (Act::Done, StandbyState::Kept);
                Ok(Event::StandbyChanged(StandbyChanged {
                    act,
                    detail: None,
                    intent: None,
                    service,
                    state,
                    until: Some(until),
                }))
            })?;
        }
        app.say(format!(
            "All traffic is on Green. Verification lasts until {}; Blue stands by until {}.",
            verified.human(),
            until.human()
        ));
        Ok(())
    }

    fn foresee(&self, app: &mut App, recorder: &Recorder, switch: &mut Switch) -> Result<Status> {
        for service in &self.services {
            for (section, standing) in switch.look(service)? {
                app.data(format!(
                    "{service}: {} {} now {}",
                    section.kind,
                    section.record,
                    traffic::standing_words(&standing)
                ))?;
                let green = |percent: u8| if self.to == Colour::Green { percent } else { 100 - percent };
                for percent in &self.steps {
                    standing.plan(section, green(*percent))?;
                }
            }
        }
        let shares: Vec<String> = self.steps.iter().map(|step| format!("{step} %")).collect();
        app.would(format!("move {} to {}", shares.join(", then "), word(self.to)))?;
        self.gate(app, recorder)?;
        Ok(Status::Done)
    }
}
