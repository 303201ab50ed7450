//! What `verify` found nothing wrong with, kept for `retro`: the facts of each deployment, outside the ledger.
//!
//! They stand beside the private keys, as the memory of a log does. A ledger is held against them by the root of its tree
//! over as many entries, and each deployment by the leaf of its newest entry.

use std::fs;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cli::app::App;
use crate::cli::files;
use crate::cli::memory::Memory;
use crate::core::hash::Hash;
use crate::core::retro::Facts;
use crate::core::time::Timestamp;
use crate::core::verify::{Report, Verdict};
use crate::ledger::Ledger;

const SCHEMA: &str = "https://project-aether.io/audit/retro-facts/v1";
const MAX: u64 = 1 << 30;

/// The facts of a log that was verified.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Known {
    schema: String,
    /// The log's origin.
    pub log: String,
    /// Whether it is a rehearsal's.
    pub rehearsal: bool,
    /// How many entries were checked.
    pub size: u64,
    /// Their tree's root.
    pub root: Hash,
    /// When.
    pub at: Timestamp,
    /// Whether that was proven: anchored at both ends by what the caller had from elsewhere.
    pub proven: bool,
    /// Each deployment, with the leaf of its newest entry.
    pub deployments: Vec<(Hash, Facts)>,
}

/// Keeps the facts of a ledger in which `verify` found nothing. Where there is no place for them, none are kept.
pub fn keep(app: &mut App, ledger: &Ledger, report: &Report) {
    if matches!(report.verdict(), Verdict::Findings) || !report.unsupported.is_empty() || report.partial {
        return;
    }
    if let Err(error) = try_keep(app, ledger, report) {
        app.say(format!("nothing is kept for `retro`: {error:#}"));
    }
}

fn try_keep(app: &App, ledger: &Ledger, report: &Report) -> Result<()> {
    let Ok(memory) = Memory::of(app, &report.log.origin) else { return Ok(()) };
    let path = memory.facts_file();
    if !path.parent().is_some_and(std::path::Path::is_dir) {
        return Ok(());
    }
    let mut deployments = Vec::new();
    for facts in report.log.facts().unwrap_or_default() {
        let leaf = ledger.leaf(facts.last_seq)?.context("an entry went while it was read")?;
        deployments.push((leaf, facts));
    }
    let known = Known {
        schema: SCHEMA.to_owned(),
        log: report.log.origin.clone(),
        rehearsal: report.log.rehearsal,
        size: report.size,
        root: report.root,
        at: app.now(),
        proven: matches!(report.verdict(), Verdict::Verified),
        deployments,
    };
    files::write(&path, &serde_json::to_vec(&known)?)
}

/// What is known of a log; `None` where `verify` has kept nothing.
///
/// # Errors
/// Where it is there and cannot be read.
pub fn known(app: &App, origin: &str) -> Result<Option<Known>> {
    let Ok(memory) = Memory::of(app, origin) else { return Ok(None) };
    let path = memory.facts_file();
    if fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let bytes = files::read(&path, MAX)?;
    let known: Known = serde_json::from_slice(&bytes).with_context(|| {
        format!(
            "{} is damaged or of another version: remove it and run `aether-audit verify`",
            path.display()
        )
    })?;
    if known.schema != SCHEMA || known.log != origin {
        bail!("{} is of another log or version: remove it and run `aether-audit verify`", path.display());
    }
    Ok(Some(known))
}
