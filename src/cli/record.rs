//! `record`: facts from elsewhere. No gate refuses a fact; what is out of process shows loudly.

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueEnum};

use super::app::App;
use super::desk::{Desk, hand, opened_text};
use super::elsewhere::Elsewhere;
use super::facts;
use super::kit;
use super::nearest;
use super::next::step_ahead;
use super::rollback::warn_unknown;
use super::status_code::{Refused, Status};
use crate::core::event::{
    Act, Colour, Delivery, Event, Gate, MessageSent, ReviewRecorded, RollbackFinished, RollbackOutcome,
    RollbackStep, RollbackTriggered, SnapshotTaken, StageReached, StandbyChanged, StandbyState, StepName,
    TrafficShifted, Trigger,
};
use crate::core::name::{Id, Label, Token};
use crate::core::opening::{Opening, OpeningRef};
use crate::core::roster::COMMS_LEAD;
use crate::core::time::Timestamp;

/// The kinds that a person or a pipeline records.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Command {
    /// A database snapshot
    SnapshotTaken {
        /// The database
        #[arg(long)]
        resource: Label,
        /// The snapshot's id or ARN
        #[arg(long)]
        snapshot: Option<Label>,
        #[command(flatten)]
        common: Common,
    },
    /// A stage of the deployment workflow
    StageReached {
        /// For example build, test, provision, deploy
        #[arg(long)]
        stage: Label,
        /// The workflow run
        #[arg(long)]
        run: Option<Label>,
        #[command(flatten)]
        common: Common,
    },
    /// Traffic moved between Blue and Green
    TrafficShifted {
        /// The service
        #[arg(long)]
        service: Label,
        /// Where to
        #[arg(long, value_enum)]
        to: ColourArg,
        /// Share of the traffic that goes there
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
        percent: u8,
        #[command(flatten)]
        common: Common,
    },
    /// Blue kept, extended or retired
    StandbyChanged {
        /// The service
        #[arg(long)]
        service: Label,
        /// What became of it
        #[arg(long, value_enum)]
        state: StateArg,
        /// Until when it is kept, for example 2026-07-03T05:00:00.000Z
        #[arg(long)]
        until: Option<Timestamp>,
        #[command(flatten)]
        common: Common,
    },
    /// A reason to roll back came up
    RollbackTriggered {
        /// Which of the criteria
        #[arg(long, value_enum)]
        trigger: TriggerArg,
        /// The check whose limit was breached
        #[arg(long)]
        check: Option<Token>,
        /// What was seen
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        elsewhere: Elsewhere,
    },
    /// One of the five rollback steps
    RollbackStep {
        /// Which
        #[arg(long, value_enum)]
        step: StepArg,
        /// The service, where it is about one
        #[arg(long)]
        service: Option<Label>,
        #[command(flatten)]
        common: Common,
    },
    /// The rollback ended
    RollbackFinished {
        /// How
        #[arg(long, value_enum)]
        outcome: RollbackArg,
        /// Output or a remark
        #[arg(long)]
        detail: Option<String>,
        #[command(flatten)]
        elsewhere: Elsewhere,
    },
    /// A message that you sent
    MessageSent {
        /// Where it went [default: the channel of aether.toml]
        #[arg(long)]
        channel: Option<Label>,
        /// Its exact text
        #[arg(long)]
        text: String,
        /// The template that it was made from
        #[arg(long)]
        template: Option<Token>,
        #[command(flatten)]
        elsewhere: Elsewhere,
    },
    /// The outcome of a review
    ReviewRecorded {
        /// What it found
        #[arg(long)]
        text: String,
        #[command(flatten)]
        elsewhere: Elsewhere,
    },
}

// What every act has.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// How far it is
    #[arg(long, value_enum, default_value = "observed")]
    pub act: ActArg,
    /// The id of the statement that recorded the intention
    #[arg(long, value_name = "ID")]
    pub intent: Option<Id>,
    /// Output or a remark
    #[arg(long)]
    pub detail: Option<String>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

macro_rules! value_enum {
    ($name:ident => $target:ident { $($variant:ident),* }) => {
        /// On the command line.
        #[derive(Clone, Copy, Debug, ValueEnum)]
        pub enum $name { $(#[allow(missing_docs)] $variant),* }

        impl From<$name> for $target {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),* }
            }
        }
    };
}

/// How far an act is, on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum ActArg {
    /// About to be tried; gated
    Intended,
    /// Tried and succeeded
    Done,
    /// Tried and failed
    Failed,
    /// Found to be so, whoever did it
    #[default]
    Observed,
}

impl From<ActArg> for Act {
    fn from(act: ActArg) -> Self {
        match act {
            ActArg::Intended => Self::Intended,
            ActArg::Done => Self::Done,
            ActArg::Failed => Self::Failed,
            ActArg::Observed => Self::Observed,
        }
    }
}

value_enum!(ColourArg => Colour { Blue, Green });
value_enum!(StateArg => StandbyState { Kept, Extended, Retired });
value_enum!(TriggerArg => Trigger { ErrorRate, Unresponsive, Database, Security, Business, Limit, Manual });
value_enum!(StepArg => StepName { Announce, RevertTraffic, VerifyPrevious, Notify, ScheduleReview });
value_enum!(RollbackArg => RollbackOutcome { Complete, Partial, Failed });

pub fn run(app: &mut App, command: &Command) -> Result<Status> {
    match command {
        Command::SnapshotTaken { resource, snapshot, common } => act(app, common, |act, detail, intent| {
            let (resource, snapshot) = (resource.clone(), snapshot.clone());
            Event::SnapshotTaken(SnapshotTaken { act, detail, intent, resource, snapshot })
        }),
        Command::StageReached { stage, run, common } => {
            warn_stage(app, stage);
            act(app, common, |act, detail, intent| {
                Event::StageReached(StageReached {
                    act,
                    detail,
                    intent,
                    run: run.clone(),
                    stage: stage.clone(),
                })
            })
        }
        Command::TrafficShifted { service, to, percent, common } => {
            let (to, percent) = ((*to).into(), *percent);
            if to == Colour::Green && matches!(common.act, ActArg::Intended) {
                ask_gate(app, Gate::Shift)?;
            }
            warn_service(app, service)?;
            let status = act(app, common, |act, detail, intent| {
                Event::TrafficShifted(TrafficShifted {
                    act,
                    detail,
                    intent,
                    percent,
                    service: service.clone(),
                    to,
                })
            })?;
            if common.elsewhere.out.is_none() && !app.globals.dry_run {
                let desk = Desk::read(app, None)?;
                kit::keep(app, &desk);
            }
            Ok(status)
        }
        Command::StandbyChanged { service, state, until, common } => {
            let state = (*state).into();
            if state == StandbyState::Retired && matches!(common.act, ActArg::Intended) {
                ask_gate(app, Gate::Retire)?;
            }
            act(app, common, |act, detail, intent| {
                Event::StandbyChanged(StandbyChanged {
                    act,
                    detail,
                    intent,
                    service: service.clone(),
                    state,
                    until: *until,
                })
            })
        }
        Command::RollbackTriggered { trigger, check, reason, elsewhere } => {
            facts::record(app, elsewhere, &[], |app, desk, id, openings| {
                if let Some(check) = check {
                    warn_unknown(app, desk, id, check)?;
                }
                let reason = reason.as_ref().map(|reason| opened_text(reason, openings)).transpose()?;
                let (check, trigger) = (check.clone(), (*trigger).into());
                Ok(Event::RollbackTriggered(RollbackTriggered { check, evidence: None, reason, trigger }))
            })?;
            Ok(Status::Done)
        }
        Command::RollbackStep { step, service, common } => act(app, common, |act, detail, intent| {
            Event::RollbackStep(RollbackStep {
                act,
                detail,
                intent,
                service: service.clone(),
                step: (*step).into(),
            })
        }),
        Command::RollbackFinished { outcome, detail, elsewhere } => {
            finished(app, (*outcome).into(), detail.as_deref(), elsewhere)
        }
        Command::MessageSent { channel, text, template, elsewhere } => {
            let channel = match channel {
                Some(channel) => channel.clone(),
                None => Label::new(app.config()?.project.channel.context(
                    "where did it go? give --channel, or set `channel` under [project] in aether.toml",
                )?)?,
            };
            plain(app, elsewhere, &[COMMS_LEAD], |openings| {
                let (text, template) = (opened_text(text, openings)?, template.clone());
                Ok(Event::MessageSent(MessageSent {
                    channel,
                    delivery: Delivery::Reported,
                    response: None,
                    template,
                    text,
                }))
            })
        }
        Command::ReviewRecorded { text, elsewhere } => plain(app, elsewhere, &[], |openings| {
            Ok(Event::ReviewRecorded(ReviewRecorded { text: opened_text(text, openings)? }))
        }),
    }
}

/// Said to be complete while a step is not on record, it is told; it is recorded all the same.
fn finished(
    app: &mut App,
    outcome: RollbackOutcome,
    detail: Option<&str>,
    elsewhere: &Elsewhere,
) -> Result<Status> {
    facts::record(app, elsewhere, &[], |app, desk, id, openings| {
        let undone = step_ahead(desk.deployment(id)?).filter(|_| outcome == RollbackOutcome::Complete);
        if let Some(step) = undone {
            app.warn(format!("it is said to be complete, and the step {step} is not on record"));
        }
        let detail = detail.map(|detail| opened_text(detail, openings)).transpose()?;
        Ok(Event::RollbackFinished(RollbackFinished { detail, outcome }))
    })?;
    Ok(Status::Done)
}

fn plain(
    app: &mut App,
    elsewhere: &Elsewhere,
    roles: &[&str],
    make: impl FnOnce(&mut Vec<Opening>) -> Result<Event>,
) -> Result<Status> {
    facts::record(app, elsewhere, roles, |_, _, _, openings| make(openings))?;
    Ok(Status::Done)
}

/// An outcome that names no intention belongs to the newest open one of the same act.
fn act(
    app: &mut App,
    common: &Common,
    make: impl Fn(Act, Option<OpeningRef>, Option<Id>) -> Event,
) -> Result<Status> {
    let act = common.act.into();
    facts::record(app, &common.elsewhere, &[], |_, desk, id, openings| {
        let detail = common.detail.as_ref().map(|detail| opened_text(detail, openings)).transpose()?;
        let intent = match (&common.intent, act) {
            (None, Act::Done | Act::Failed) => {
                desk.deployment(id)?.open_intention(&make(act, None, None)).cloned()
            }
            (given, _) => given.clone(),
        };
        Ok(make(act, detail, intent))
    })?;
    Ok(Status::Done)
}

/// A stage that looks like one of the usual four and is none: any name may be recorded.
fn warn_stage(app: &mut App, stage: &Label) {
    const USUAL: [&str; 4] = ["build", "test", "provision", "deploy"];
    let hint = nearest::hint(stage.as_str(), USUAL, "");
    if !USUAL.contains(&stage.as_str()) && !hint.is_empty() {
        app.warn(format!("the stage {stage}: {hint} It is recorded as it was given"));
    }
}

/// Whose traffic it is, is recorded as it was given; one that the deployment does not have is most likely mistyped.
fn warn_service(app: &mut App, service: &Label) -> Result<()> {
    let (id, desk) = Desk::read_at(app, false)?;
    let services = desk.deployment(&id)?.services().to_vec();
    if !services.contains(service) {
        let known = services.iter().map(Label::as_str);
        let hint = nearest::hint(service.as_str(), known, "see `aether-audit status`");
        app.warn(format!("{service} is no service of {id}, and is recorded as you gave it: {hint}"));
    }
    Ok(())
}

/// An intention is the beginning of an act, and acts are gated.
fn ask_gate(app: &mut App, gate: Gate) -> Result<()> {
    let (id, desk) = Desk::read_at(app, false)?;
    desk.sound(app)?;
    hand(&desk, &app.who()?, Some(desk.deployment(&id)?), &[])?;
    let missing = desk.deployment(&id)?.missing(gate, app.now());
    if missing.is_empty() {
        return Ok(());
    }
    let next = "What has happened already is recorded with --act observed; no gate refuses a fact.";
    Err(Refused::gate("this act may not begin".to_owned(), &missing, next).into())
}
