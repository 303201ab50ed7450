//! `rehearse`: the whole procedure as a dry run, through the same code as in earnest.
//!
//! A ledger of its own under `records/`, throw-away keys for three people, a simulated clock, recorded
//! readings. One deployment ends all-clear, one breaches the rollback limit and goes back to Blue.

mod play;
mod readings;
mod stage;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::app::{App, random};
use super::status_code::Status;
use play::Play;
use stage::Stage;

#[derive(clap::Args, Debug)]
pub struct Args {}

/// The passphrase of the throw-away keys, for whoever wants to look further.
pub const PASSPHRASE: &str = "rehearsal";

pub fn run(app: &mut App, _: &Args) -> Result<Status> {
    let mark = base16ct::lower::encode_string(&random::<16>()?);
    let home = app.home().join("records").join(format!("rehearsal-{}", &mark[..8]));
    let mut stage = Stage::new(app, home.clone(), &mark)?;
    let mut played = Vec::new();
    for play in [Play::AllClear, Play::Rollback] {
        stage.say(&format!("\n{}", play.title()));
        played.push(play::run(&mut stage, play)?);
    }
    let roster = stage.roster()?;
    let good = played.iter().all(|p| p.verified);
    if app.json() {
        let lines: Vec<_> = played
            .iter()
            .map(|p| serde_json::json!({"deployment": p.id, "outcome": p.outcome, "entries": p.entries, "verified": p.verified, "record": p.record, "export": p.export}))
            .collect();
        app.print_json(&serde_json::json!({"rehearsal": true, "folder": home, "rosterSha256": roster, "deployments": lines}))?;
    } else {
        let text = closing(&home, &played, &roster)?;
        app.data(text)?;
    }
    Ok(if good { Status::Done } else { Status::Finding })
}

fn closing(home: &Path, played: &[play::Played], roster: &str) -> Result<String> {
    let mut text = String::from("\nREHEARSAL done: nothing here touched production.\n");
    for p in played {
        let verdict = if p.verified { "verified" } else { "NOT VERIFIED" };
        writeln!(text, "  {:<22} {:<12} {} entries, {verdict}", p.id, p.outcome, p.entries)?;
    }
    writeln!(text, "\nLook at:")?;
    for p in played {
        writeln!(text, "  {}", p.record.join("report.html").display())?;
        writeln!(text, "  {}", p.record.join("Deployment_Checklist.md").display())?;
    }
    if let Some(last) = played.last() {
        writeln!(text, "\nCheck it as an auditor would:")?;
        writeln!(
            text,
            "  aether-audit verify {} --roster-sha256 {roster} --checkpoint {}",
            last.export.display(),
            home.join("checkpoint").display()
        )?;
    }
    writeln!(text, "Go on in it: aether-audit -C {} status --deployment {}", home.display(), played[0].id)?;
    Ok(text)
}
