//! `gate`: the same gates as an exit status, for CI.

use anyhow::{Result, bail};
use serde::Serialize;

use super::app::App;
use super::decide::GateArg;
use super::desk::Desk;
use super::status_code::Status;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which gate
    pub gate: GateArg,
}

#[derive(Serialize)]
struct Line<'a> {
    requirement: &'a str,
    text: &'a str,
    waivable: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    if args.gate == GateArg::Sign {
        bail!("what keeps an item from being signed is asked with `aether-audit sign ITEM --dry-run`");
    }
    let (id, desk) = Desk::read_at(app, false)?;
    desk.sound(app)?;
    let missing = desk.deployment(&id)?.missing(args.gate.into(), app.now());
    if app.json() {
        let lines: Vec<_> = missing
            .iter()
            .map(|m| Line { requirement: &m.requirement, text: &m.text, waivable: m.waivable })
            .collect();
        app.print_json(&serde_json::json!({"deployment": id, "open": missing.is_empty(), "missing": lines}))?;
    } else if missing.is_empty() {
        app.data("open")?;
    } else {
        let mut text = format!("refused: {} missing\n", missing.len());
        for m in &missing {
            let code = if m.waivable { format!(" ({})", m.requirement) } else { String::new() };
            text.push_str(&format!("  - {}{code}\n", m.text));
        }
        app.data(text)?;
    }
    Ok(if missing.is_empty() { Status::Done } else { Status::Finding })
}
