//! The two plays.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::readings;
use super::stage::{CAST, Stage};
use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::record::{
    self, ActArg, ColourArg, Command, Common, RollbackArg, StateArg, StepArg, TriggerArg,
};
use crate::cli::status_code::Status;
use crate::cli::{
    checkpoint, close, decide, elsewhere::Elsewhere, export, files, open, records, rollback, sign, verify,
    watch,
};
use crate::core::checklist::By;
use crate::core::name::{Label, Token};
use crate::core::time::Timestamp;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// Sixty calm minutes.
    AllClear,
    /// The 5xx rate passes 1 %.
    Rollback,
}

impl Play {
    /// For the audience.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::AllClear => "First deployment: a calm hour, all-clear",
            Self::Rollback => "Second deployment: the 5xx rate passes 1 %, rollback",
        }
    }

    const fn release(self) -> &'static str {
        match self {
            Self::AllClear => "v2.14.0-rehearsal",
            Self::Rollback => "v2.15.0-rehearsal",
        }
    }

    const fn commit(self) -> &'static str {
        match self {
            Self::AllClear => "0123456789abcdef0123456789abcdef01234567",
            Self::Rollback => "89abcdef0123456789abcdef0123456789abcdef",
        }
    }
}

/// What a play left behind.
pub struct Played {
    /// The deployment.
    pub id: Token,
    /// How it ended.
    pub outcome: String,
    /// How many entries it has.
    pub entries: u64,
    /// Whether record and export verified with the roster's hash and a checkpoint.
    pub verified: bool,
    /// The record's folder.
    pub record: PathBuf,
    /// The export's folder.
    pub export: PathBuf,
}

const LEAD: &str = "alex";
const COMMS: &str = "casey";
const QA: &str = "quinn";

/// Plays one deployment from opening to verified record.
///
/// # Errors
/// Where a command fails that should not.
pub fn run(stage: &mut Stage, play: Play) -> Result<Played> {
    let id = Token::new(play.release())?;
    prepare(stage, play, &id)?;
    let verified = cut_over(stage, play, &id)?;
    if verified {
        finish_calm(stage, &id)?;
    } else {
        go_back(stage, &id)?;
    }
    stage.act(LEAD, Some(&id), |app| close::run(app, &close::Args::default()))?;
    leave(stage, &id)
}

fn prepare(stage: &mut Stage, play: Play, id: &Token) -> Result<()> {
    let args = open::Args {
        release: play.release().into(),
        commit: play.commit().into(),
        lead_deployer: LEAD.into(),
        comms_lead: COMMS.into(),
        qa_engineer: QA.into(),
        ticket: Some("REHEARSAL-1".into()),
        reason: Some("The team practises the deployment procedure".into()),
        risk: Some(open::RiskArg::Low),
        ..open::Args::default()
    };
    stage.act(LEAD, Some(id), |app| open::run(app, &args))?;
    say(stage, "T-2h   the record is open; the checklist and its checks are frozen into it");
    message(stage, id, "scheduled", "DEPLOYMENT SCHEDULED: this is a rehearsal")?;
    fact(
        stage,
        LEAD,
        id,
        &Command::SnapshotTaken {
            resource: Label::new("project-aether-prod")?,
            snapshot: Some(Label::new(format!("rehearsal-{id}"))?),
            common: done(),
        },
    )?;
    let first = stage.checklist.phases.first().map(|phase| phase.id.clone());
    let signed = sign_phase(stage, id, first.as_deref(), false)?;
    stage.wait(75 * 60);
    say(stage, &format!("T-0    {signed} items of Phase 1 signed by their roles; the Lead Deployer says go"));
    let overrides = if first.is_none() { vec![Label::new("phases/none")?] } else { Vec::new() };
    decision(
        stage,
        id,
        decide::DecisionArg::Go,
        "Everything is signed; the team is in the channel",
        overrides,
    )
}

/// Stages, shift and window; gives whether the window ended well.
fn cut_over(stage: &mut Stage, play: Play, id: &Token) -> Result<bool> {
    message(stage, id, "start", "DEPLOYMENT STARTED: this is a rehearsal")?;
    for name in ["build", "test", "provision", "deploy"] {
        stage.wait(90);
        let (stage_name, run) = (Label::new(name)?, Some(Label::new("rehearsal/1")?));
        fact(stage, LEAD, id, &Command::StageReached { stage: stage_name, run, common: done() })?;
    }
    for percent in [10, 50, 100] {
        let shift = |act| -> Result<Command> {
            let (service, to) = (Label::new("app")?, ColourArg::Green);
            Ok(Command::TrafficShifted { service, to, percent, common: Common { act, ..Common::default() } })
        };
        fact(stage, LEAD, id, &shift(ActArg::Intended)?)?;
        stage.wait_for_minute();
        if percent == 100 {
            let from = stage.now();
            let minutes =
                readings::write(&stage.home(), play == Play::Rollback, from, &stage.checklist.clone())?;
            fact(stage, LEAD, id, &shift(ActArg::Done)?)?;
            say(stage, "T+0    traffic is at 100 % Green; the 60 minutes of verification begin");
            message(stage, id, "switched", "TRAFFIC ON GREEN: this is a rehearsal")?;
            return watch(stage, id, from, minutes);
        }
        fact(stage, LEAD, id, &shift(ActArg::Done)?)?;
    }
    bail!("traffic never reached 100 %")
}

/// The hour by `watch` itself, in four parts: between them the Comms Lead speaks.
fn watch(stage: &mut Stage, id: &Token, from: Timestamp, minutes: usize) -> Result<bool> {
    let minutes = i64::try_from(minutes)?;
    for quarter in 1..=4 {
        let until = Some(from.plus_seconds(minutes * 15 * quarter)).filter(|_| quarter < 4);
        let args = watch::Args { until, ..watch::Args::default() };
        let (status, said) = stage.act(QA, Some(id), |app| watch::run(app, &args))?;
        let minute = (stage.now().millis() - from.millis()) / 60_000;
        match status {
            Status::Done => {}
            Status::Breached => {
                say(
                    stage,
                    &format!(
                        "T+{minute}m  a rollback limit fires, and is recorded with its reading (exit status 3)"
                    ),
                );
                return Ok(false);
            }
            _ => bail!("the window was not proven: {said}"),
        }
        let at = minutes * quarter / 4;
        let text = format!("STATUS at T+{at} minutes: within limits (rehearsal)");
        message(stage, id, "status", &text)?;
    }
    Ok(true)
}

fn finish_calm(stage: &mut Stage, id: &Token) -> Result<()> {
    let phases: Vec<String> = stage.checklist.phases.iter().skip(1).map(|phase| phase.id.clone()).collect();
    let mut signed = 0;
    for phase in phases {
        signed += sign_phase(stage, id, Some(&phase), false)?;
    }
    signed += sign_phase(stage, id, None, false)?;
    say(
        stage,
        &format!("T+1h   60 minutes measured, {signed} more items signed; the Lead Deployer says all-clear"),
    );
    decision(stage, id, decide::DecisionArg::AllClear, "An hour within every limit", Vec::new())?;
    message(stage, id, "all-clear", "ALL CLEAR: this is a rehearsal")?;
    fact(
        stage,
        LEAD,
        id,
        &Command::StandbyChanged {
            service: Label::new("app")?,
            state: StateArg::Retired,
            until: None,
            common: done(),
        },
    )?;
    sign_after(stage, id)
}

fn go_back(stage: &mut Stage, id: &Token) -> Result<()> {
    let args = rollback::Args {
        reason: "5xx above 1 %: back to Blue".into(),
        trigger: Some(TriggerArg::ErrorRate),
        check: Some(Token::new("http-5xx")?),
        service: Vec::new(),
        manual: Vec::new(),
        again: false,
        yes: false,
    };
    stage.act(LEAD, Some(id), |app| rollback::run(app, &args))?;
    for step in [
        StepArg::Announce,
        StepArg::RevertTraffic,
        StepArg::VerifyPrevious,
        StepArg::Notify,
        StepArg::ScheduleReview,
    ] {
        stage.wait(40);
        match step {
            StepArg::Announce => {
                message(stage, id, "rollback-initiated", "ROLLBACK INITIATED: this is a rehearsal")?;
            }
            StepArg::RevertTraffic => fact(
                stage,
                LEAD,
                id,
                &Command::TrafficShifted {
                    service: Label::new("app")?,
                    to: ColourArg::Blue,
                    percent: 100,
                    common: done(),
                },
            )?,
            StepArg::Notify => {
                message(stage, id, "rolled-back", "ROLLBACK COMPLETE: this is a rehearsal")?;
            }
            _ => {}
        }
        fact(stage, LEAD, id, &Command::RollbackStep { step, service: None, common: done() })?;
    }
    fact(
        stage,
        LEAD,
        id,
        &Command::RollbackFinished {
            outcome: RollbackArg::Complete,
            detail: None,
            elsewhere: Elsewhere::default(),
        },
    )?;
    say(stage, "       the five rollback steps are recorded; Blue serves again");
    Ok(())
}

/// Report, export, checkpoint; then the auditor's check of both.
fn leave(stage: &mut Stage, id: &Token) -> Result<Played> {
    stage.act(LEAD, Some(id), |app| records::render(app, &records::RenderArgs::default()))?;
    stage.act(LEAD, Some(id), |app| records::report(app, &records::ReportArgs::default()))?;
    let (_, note) = stage.act(LEAD, None, |app| checkpoint::run(app, &checkpoint::Args::default()))?;
    let home = stage.home();
    let kept = home.join("checkpoint");
    files::write(&kept, format!("{note}\n").as_bytes())?;
    let folder = home.join("exports").join(id.as_str());
    files::make_folder(&home.join("exports"))?;
    let args =
        export::Args { folder: Some(folder.clone()), only_deployment: true, ..export::Args::default() };
    stage.act(LEAD, Some(id), |app| export::run(app, &args))?;
    let record = home.join("records").join(id.as_str());
    let roster = stage.roster()?;
    let mut verified = true;
    for path in [&folder, &record] {
        let args = verify::Args {
            path: Some(path.clone()),
            roster_sha256: Some(roster.clone()),
            checkpoint: vec![kept.clone()],
            ..verify::Args::default()
        };
        let (status, text) = stage.act(LEAD, None, |app| verify::run(app, &args))?;
        if status != Status::Done {
            say(stage, &text);
            verified = false;
        }
    }
    let mut ended = (String::new(), 0);
    stage.act(LEAD, Some(id), |app| {
        let desk = Desk::read(app, Some(id))?;
        let deployment = desk.deployment(id)?;
        ended = (
            deployment.outcome().map_or("no outcome", |outcome| outcome.as_str()).to_owned(),
            deployment.entries,
        );
        Ok(Status::Done)
    })?;
    say(stage, &format!("       closed, reported, exported, verified: {}", ended.0));
    Ok(Played { id: id.clone(), outcome: ended.0, entries: ended.1, verified, record, export: folder })
}

/// Signs the items of a phase that come before the all-clear (or all loose ones), each by its role.
fn sign_phase(stage: &mut Stage, id: &Token, phase: Option<&str>, after: bool) -> Result<usize> {
    let items = &stage.checklist.items;
    let decided = items.iter().position(|item| item.spec.by == Some(By::AllClear)).unwrap_or(items.len());
    let wanted: Vec<_> = items
        .iter()
        .enumerate()
        .filter(|(at, item)| (*at > decided) == after && (after || item.spec.phase.as_deref() == phase))
        .filter(|(_, item)| item.spec.by.is_none())
        .map(|(_, item)| item.spec.clone())
        .collect();
    for spec in &wanted {
        let people: Vec<&str> = if spec.all_roles || spec.signers > 1 {
            CAST.iter()
                .filter(|(_, role)| spec.roles.is_empty() || spec.roles.iter().any(|r| r == role))
                .map(|c| c.0)
                .collect()
        } else {
            let holder = CAST.iter().find(|(_, role)| spec.roles.iter().any(|r| r == role));
            vec![holder.map_or(LEAD, |(person, _)| person)]
        };
        for person in people {
            let args = sign::Args { items: vec![spec.id.clone()], ..sign::Args::default() };
            stage.act(person, Some(id), |app| sign::run(app, &args))?;
            stage.wait(25);
        }
    }
    Ok(wanted.len())
}

fn sign_after(stage: &mut Stage, id: &Token) -> Result<()> {
    sign_phase(stage, id, None, true)?;
    Ok(())
}

fn say(stage: &mut Stage, text: &str) {
    stage.say(&format!("  {text}"));
}

fn done() -> Common {
    Common { act: ActArg::Done, ..Common::default() }
}

fn fact(stage: &mut Stage, person: &str, id: &Token, command: &Command) -> Result<()> {
    stage.act(person, Some(id), |app: &mut App| record::run(app, command))?;
    Ok(())
}

fn message(stage: &mut Stage, id: &Token, template: &str, text: &str) -> Result<()> {
    let command = Command::MessageSent {
        channel: None,
        text: text.to_owned(),
        template: Some(Token::new(template)?),
        elsewhere: Elsewhere::default(),
    };
    fact(stage, COMMS, id, &command)
}

fn decision(
    stage: &mut Stage,
    id: &Token,
    decision: decide::DecisionArg,
    reason: &str,
    overrides: Vec<Label>,
) -> Result<()> {
    let args = decide::Args {
        decision,
        reason: reason.to_owned(),
        overrides,
        gate: None,
        waive: None,
        elsewhere: Elsewhere::default(),
    };
    stage.act(LEAD, Some(id), |app| decide::run(app, &args))?;
    Ok(())
}
