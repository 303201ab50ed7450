//! `key witnesses`: who must have seen a checkpoint.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::change::{Change, Quorum, settle};
use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::files;
use crate::cli::status_code::Status;
use crate::core::witness::Policy;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The policy, as C2SP tlog-policy has it
    #[arg(required_unless_present = "none")]
    pub file: Option<PathBuf>,
    /// No witnesses any more
    #[arg(long, conflicts_with = "file")]
    pub none: bool,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub quorum: Quorum,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let mut desk = Desk::open(app, None)?;
    let mut next = desk.roster()?.roster.successor();
    let policy = match &args.file {
        Some(path) => {
            let text = files::read_text(path, 16 * 1024)?;
            Policy::parse(&text).with_context(|| format!("{}", path.display()))?;
            Some(text)
        }
        None => None,
    };
    if next.witness_policy == policy {
        bail!("the roster says so already: nothing to change");
    }
    next.witness_policy = policy;
    if let Some(seq) = settle(app, &mut desk, Change::to(next, &args.reason)?, &args.quorum)? {
        app.say(format!("entry {seq}: the witness policy is changed; ask them with `aether-audit checkpoint --witness all`"));
    }
    Ok(Status::Done)
}
