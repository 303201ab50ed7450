//! `decide`: go, no-go, all-clear, override; and `abort`.

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::app::App;
use super::desk::{Desk, opened_text};
use super::elsewhere::{Elsewhere, Fate};
use super::facts;
use super::kit;
use super::nearest;
use super::status_code::{Refused, Status};
use crate::core::event::{Decision, DecisionMade, Event, Gate, SignOutcome};
use crate::core::hash::Hash;
use crate::core::name::{Label, Token};
use crate::core::opening::OpeningRef;
use crate::core::roster::LEAD_DEPLOYER;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is decided
    pub decision: DecisionArg,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Waive one requirement of this decision's gate, with the same reason; may be given again
    #[arg(long = "override", value_name = "REQUIREMENT")]
    pub overrides: Vec<Label>,
    /// Of an override: the gate
    #[arg(long, value_enum)]
    pub gate: Option<GateArg>,
    /// Of an override: the requirement that it waives, as the gate names it, for example item/env-audit
    #[arg(long, value_name = "REQUIREMENT")]
    pub waive: Option<Label>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

#[derive(clap::Args, Debug)]
pub struct AbortArgs {
    /// Why
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

/// The decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DecisionArg {
    /// The deployment may act
    Go,
    /// It may not, for now
    NoGo,
    /// Verification has ended well
    AllClear,
    /// One requirement of one gate is waived
    Override,
}

/// The gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GateArg {
    /// Before go
    Go,
    /// Before traffic moves to Green
    Shift,
    /// Before the all-clear
    AllClear,
    /// Before Blue is retired
    Retire,
    /// Before an item is signed as done
    Sign,
}

impl From<GateArg> for Gate {
    fn from(gate: GateArg) -> Self {
        match gate {
            GateArg::Go => Self::Go,
            GateArg::Shift => Self::Shift,
            GateArg::AllClear => Self::AllClear,
            GateArg::Retire => Self::Retire,
            GateArg::Sign => Self::Sign,
        }
    }
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let (id, mut desk) = args.elsewhere.desk_at(app, false)?;
    desk.sound(app)?;
    facts::may(app, &desk, &id, &args.elsewhere, &[LEAD_DEPLOYER], probe()?)?;
    let (decision, gate) = match args.decision {
        DecisionArg::Go => (Decision::Go, Some(Gate::Go)),
        DecisionArg::NoGo => (Decision::NoGo, None),
        DecisionArg::AllClear => (Decision::AllClear, Some(Gate::AllClear)),
        DecisionArg::Override => {
            let (Some(gate), Some(waive)) = (args.gate, &args.waive) else {
                bail!(
                    "an override names what it waives: --gate GATE --waive REQUIREMENT (`aether-audit gate GATE` lists them)"
                );
            };
            check_missing(app, &desk, &id, gate.into(), waive)?;
            make(app, &mut desk, &id, args, Decision::Override, Some((gate.into(), waive)))?;
            return Ok(Status::Done);
        }
    };
    if args.waive.is_some() || args.gate.is_some() {
        bail!("--gate and --waive belong to `decide override`; here it is --override REQUIREMENT");
    }
    if args.elsewhere.out.is_some() && !args.overrides.is_empty() {
        bail!("--out writes one statement: override first, with `decide override … --out`");
    }
    if let Some(gate) = gate {
        check(app, &desk, &id, gate, &args.overrides)?;
        if app.globals.dry_run {
            app.say(match args.overrides.len() {
                0 => format!("gate {}: open", gate_name(gate)),
                waived => format!("gate {}: open, with {waived} waived", gate_name(gate)),
            });
        }
        for waived in &args.overrides {
            make(app, &mut desk, &id, args, Decision::Override, Some((gate, waived)))?;
        }
    } else if !args.overrides.is_empty() {
        bail!("a no-go needs no override");
    }
    make(app, &mut desk, &id, args, decision, None)?;
    if decision == Decision::Go && args.elsewhere.out.is_none() && !app.globals.dry_run {
        kit::keep(app, &desk);
    }
    Ok(Status::Done)
}

/// `abort`: the deployment ends without having been finished.
///
/// # Errors
/// Where the table or the ledger refuses.
pub fn abort(app: &mut App, args: &AbortArgs) -> Result<Status> {
    let fate = facts::record(app, &args.elsewhere, &[LEAD_DEPLOYER], |_, _, _, openings| {
        let reason = opened_text(&args.reason, openings)?;
        Ok(Event::DecisionMade(DecisionMade { decision: Decision::Abort, gate: None, reason, waives: None }))
    })?;
    if let Fate::Appended(_) = fate {
        app.say(
            "Next: `aether-audit close`; until then the deployment counts as open. A rollback that is under way is ended first; \
             where it ends as failed, abort again after it.",
        );
    }
    Ok(Status::Done)
}

fn make(
    app: &mut App,
    desk: &mut Desk,
    id: &Token,
    args: &Args,
    decision: Decision,
    waived: Option<(Gate, &Label)>,
) -> Result<()> {
    facts::record_at(app, desk, id, &args.elsewhere, &[LEAD_DEPLOYER], |_, _, _, openings| {
        let reason = opened_text(&args.reason, openings)?;
        let (gate, waives) = waived.map_or((None, None), |(gate, label)| (Some(gate), Some(label.clone())));
        Ok(Event::DecisionMade(DecisionMade { decision, gate, reason, waives }))
    })?;
    Ok(())
}

/// Some decision: who may make one may make all of them.
fn probe() -> Result<Event> {
    let reason = OpeningRef::new(Hash::ZERO, "text/plain")?;
    Ok(Event::DecisionMade(DecisionMade { decision: Decision::NoGo, gate: None, reason, waives: None }))
}

/// An override is for something that its gate misses now, never in advance.
fn check_missing(app: &App, desk: &Desk, id: &Token, gate: Gate, waive: &Label) -> Result<()> {
    let deployment = desk.deployment(id)?;
    let missing = match gate {
        Gate::Sign => {
            let items = deployment.checklist.items.iter();
            items.flat_map(|item| deployment.sign_missing(&item.id, SignOutcome::Done)).collect()
        }
        gate => deployment.missing(gate, app.now()),
    };
    if missing.iter().any(|m| m.waivable && m.requirement == waive.as_str()) {
        return Ok(());
    }
    let known = missing.iter().filter(|m| m.waivable).map(|m| m.requirement.as_str());
    let hint = nearest::hint(waive.as_ref(), known, "`aether-audit gate GATE` lists what it misses");
    bail!("--waive {waive}: the gate does not miss that now, or it cannot be waived; {hint}")
}

/// The gate with the overrides that are about to be recorded: everything else it misses refuses.
fn check(app: &App, desk: &Desk, id: &Token, gate: Gate, overrides: &[Label]) -> Result<()> {
    let missing = desk.deployment(id)?.missing(gate, app.now());
    if let Some(idle) =
        overrides.iter().find(|o| !missing.iter().any(|m| m.waivable && m.requirement == o.as_str()))
    {
        let known = missing.iter().filter(|m| m.waivable).map(|m| m.requirement.as_str());
        let hint = nearest::hint(idle.as_ref(), known, "`aether-audit gate GATE` lists what it misses");
        bail!("--override {idle}: the gate does not miss that, or it cannot be waived; {hint}");
    }
    let left: Vec<_> = missing
        .into_iter()
        .filter(|m| !(m.waivable && overrides.iter().any(|o| m.requirement == o.as_str())))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let what = gate_name(gate);
    let next = "What stands in brackets can be waived, one by one and loudly, with --override REQUIREMENT.";
    Err(Refused::gate(format!("{what} of {id}: {} missing", left.len()), &left, next).into())
}

/// A decision's gate, as it is called on the command line.
const fn gate_name(gate: Gate) -> &'static str {
    if matches!(gate, Gate::Go) { "go" } else { "all-clear" }
}
