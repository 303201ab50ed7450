//! `standby`: Blue is kept longer, or given up.

use anyhow::{Result, bail};

use super::app::App;
use super::ask::ask;
use super::desk::opened_text;
use super::recorder::Recorder;
use super::status_code::{Refused, Status};
use crate::core::event::{Act, Event, Gate, StandbyChanged, StandbyState};
use crate::core::name::Label;

#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["extend", "retire"]))]
pub struct Args {
    /// Keep Blue so many minutes longer
    #[arg(long, value_name = "MINUTES", requires = "reason", value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub extend: Option<u32>,
    /// Give Blue up: only after the all-clear, and after its hour
    #[arg(long)]
    pub retire: bool,
    /// Why
    #[arg(long)]
    pub reason: Option<String>,
    /// Only this service; may be given again [default: all of the deployment]
    #[arg(long)]
    pub service: Vec<Label>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut recorder = Recorder::open(app)?;
    recorder.desk.sound(app)?;
    let deployment = recorder.deployment()?;
    let services =
        if args.service.is_empty() { deployment.services().to_vec() } else { args.service.clone() };
    if let Some(unknown) = services.iter().find(|service| !deployment.services().contains(service)) {
        bail!("{unknown} is no service of {}", recorder.id);
    }
    let Some(until) = deployment.standby_until() else {
        bail!("traffic is not at 100 % Green: Blue does not stand by, it serves");
    };
    let (state, until) = match args.extend {
        Some(minutes) => {
            (StandbyState::Extended, Some(until.max(app.now()).plus_seconds(i64::from(minutes) * 60)))
        }
        None => (StandbyState::Retired, None),
    };
    if state == StandbyState::Retired {
        let missing = deployment.missing(Gate::Retire, app.now());
        if !missing.is_empty() {
            let next = "Blue stays. `aether-audit standby --extend MINUTES --reason T` keeps it longer.";
            return Err(Refused::gate(format!("retiring Blue of {}", recorder.id), &missing, next).into());
        }
    }
    let names: Vec<&str> = services.iter().map(Label::as_str).collect();
    let what = match until {
        Some(until) => format!("keep Blue of {} until {}", names.join(", "), until.human()),
        None => format!("give Blue of {} up", names.join(", ")),
    };
    if app.globals.dry_run {
        app.would(what)?;
        return Ok(Status::Done);
    }
    if state == StandbyState::Retired {
        ask(&format!("Really {what}? There is no way back by DNS afterwards."), args.yes)?;
    }
    for service in services {
        recorder.record(app, &[], |openings| {
            let detail = args.reason.as_ref().map(|reason| opened_text(reason, openings)).transpose()?;
            Ok(Event::StandbyChanged(StandbyChanged {
                act: Act::Done,
                detail,
                intent: None,
                service,
                state,
                until,
            }))
        })?;
    }
    Ok(Status::Done)
}
