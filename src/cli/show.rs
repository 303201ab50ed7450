//! `show`: one entry, with what its openings hold.

use anyhow::{Context as _, Result};

use super::app::App;
use super::status_code::Status;
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::opening::Opening;
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
    let bytes = ledger.entry(args.seq)?.with_context(|| format!("there is no entry {} in this ledger", args.seq))?;
    if args.raw {
        app.out.write_all(&bytes)?;
        return Ok(Status::Done);
    }
    let entry = Entry::parse(&bytes)?;
    let statement: serde_json::Value = serde_json::from_slice(&entry.payload)?;
    let mut commits = Vec::new();
    openings_in(&statement["predicate"]["body"], &mut commits);
    let mut openings = serde_json::Map::new();
    for (commit, media_type) in commits {
        let held = match ledger.opening(&commit)? {
            Some(file) => shown(&Opening::from_file_bytes(&file)?.bytes, &media_type),
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

fn shown(bytes: &[u8], media_type: &str) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => format!("[{} bytes of {media_type}]", bytes.len()),
    }
}

/// Every object of exactly `commit` and `mediaType`.
fn openings_in(value: &serde_json::Value, found: &mut Vec<(Hash, String)>) {
    match value {
        serde_json::Value::Object(members) => {
            let commit = members.get("commit").and_then(|c| c.as_str()).and_then(|c| Hash::parse(c).ok());
            let media_type = members.get("mediaType").and_then(|m| m.as_str());
            if let (Some(commit), Some(media_type), 2) = (commit, media_type, members.len()) {
                found.push((commit, media_type.to_owned()));
            } else {
                members.values().for_each(|member| openings_in(member, found));
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| openings_in(item, found)),
        _ => {}
    }
}
