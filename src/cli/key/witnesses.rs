//! `key witnesses`: who must have seen a checkpoint.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::change::{Change, Quorum, settle};
use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::files;
use crate::cli::status_code::Status;
use crate::core::redact;
use crate::core::witness::Policy;

/// A checkpoint has [`SIGNATURES_MAX`](crate::core::checkpoint::SIGNATURES_MAX) signatures at most, some of them of log keys.
const MOST: usize = 64;

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
            let policy = Policy::parse(&text).with_context(|| format!("{}", path.display()))?;
            usable(&policy).with_context(|| format!("{}", path.display()))?;
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

/// Holds that all of a policy's witnesses can be asked, and can stand on one checkpoint beside its log keys.
fn usable(policy: &Policy) -> Result<()> {
    if policy.witnesses.len() > MOST {
        bail!("it names {} witnesses, and a checkpoint has room for {MOST}", policy.witnesses.len());
    }
    for url in policy.witnesses.iter().filter_map(|witness| witness.url.as_deref()) {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            bail!("{} is no address that can be asked: it begins with https:// or http://", redact::url(url));
        }
    }
    Ok(())
}
