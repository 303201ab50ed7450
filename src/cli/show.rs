//! `show`: one entry, with what its openings hold.

use anyhow::{Context as _, Result};

use super::app::App;
use super::status_code::Status;
use crate::core::entry::Entry;
use crate::core::opening::{Opening, refs_in};
use crate::ledger::Ledger;

/// Options of `show`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The entry
    pub seq: u64,
    /// Print the entry's exact bytes and nothing else
    #[arg(long)]
    pub raw: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let ledger = Ledger::open_read_only(&app.ledger_path()?)?;
    let bytes =
        ledger.entry(args.seq)?.with_context(|| format!("there is no entry {} in this ledger", args.seq))?;
    if args.raw {
        app.out.write_all(&bytes)?;
        return Ok(Status::Done);
    }
    let entry = Entry::parse(&bytes)?;
    let statement: serde_json::Value = serde_json::from_slice(&entry.payload)?;
    let mut openings = serde_json::Map::new();
    for commit in refs_in(entry.statement.predicate.body.get()) {
        let held = match ledger.opening(&commit)? {
            Some(file) => shown(&Opening::from_file_bytes(&file)?.bytes),
            None => "[not here: erased, or missing; `aether-audit verify` tells which]".into(),
        };
        openings.insert(commit.to_string(), held.into());
    }
    app.print_json(&serde_json::json!({
        "seq": entry.line.seq, "leaf": entry.leaf, "prev": entry.line.prev, "recorded": entry.line.recorded,
        "deploymentSeq": entry.line.deployment_seq, "statement": statement, "openings": openings,
    }))?;
    Ok(Status::Done)
}

fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => format!("[{} bytes that are no text]", bytes.len()),
    }
}
