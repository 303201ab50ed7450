//! Cosignatures on a checkpoint that was made here.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::checkpoint::Made;
use super::memory::Memory;
use super::status_code::Status;
use crate::core::checkpoint::{Note, cosigned};
use crate::core::log::Log;
use crate::core::witness::{Policy, Witness};
use crate::ledger::Ledger;
use crate::witness::ask;

/// Asks the witnesses at these URLs, which the roster's policy names, and keeps what they give with the
/// checkpoint. Not proven where they are not enough for the policy.
///
/// # Errors
/// Where the roster has no policy, a URL is not in it, or a cosignature cannot be kept.
pub fn gather(
    app: &mut App,
    ledger: &Ledger,
    log: &Log,
    made: &Made,
    urls: &[String],
) -> Result<(Made, Status)> {
    let roster = &log.roster().context("the ledger has no roster")?.roster;
    let policy = roster.witness_policy.as_ref();
    let policy = policy.context(
        "the roster names no witnesses: a root holder sets them with `aether-audit key witnesses FILE`",
    )?;
    let policy = Policy::parse(policy)?;
    let mut note = Note::parse(&made.note)?;
    for witness in chosen(&policy, urls)? {
        let url = witness.url.as_deref().unwrap_or_default();
        let proof = |old| {
            if old > made.size {
                return Err(format!(
                    "{url} has cosigned {old} entries, and this log has {}: entries are missing",
                    made.size
                ));
            }
            ledger.consistency(old, made.size).map_err(|e| e.to_string())
        };
        match ask(url, &witness.key, &note, made.size, &proof) {
            Ok(line) => {
                note.add(line);
                app.say(format!("{} has cosigned", witness.name));
            }
            Err(error) => app.warn(format!("{}: {error}", witness.name)),
        }
    }
    let text = note.to_string();
    let memory = Memory::of(app, &log.origin)?;
    let lock = memory.lock()?;
    // Somebody may have made a newer one meanwhile, which stays.
    if memory
        .checkpoint()?
        .is_some_and(|kept| Note::parse(&kept).is_ok_and(|kept| kept.text() == note.text()))
    {
        memory.keep_checkpoint(&text)?;
    }
    drop(lock);
    let saw: BTreeSet<&str> = policy
        .witnesses
        .iter()
        .filter(|witness| matches!(cosigned(&note, &witness.key), Some(Ok(_))))
        .map(|witness| witness.name.as_str())
        .collect();
    let status = if policy.satisfied(&saw) {
        Status::Done
    } else {
        app.warn("the cosignatures are not enough for the roster's policy: the checkpoint stands, but not witnessed");
        Status::NotProven
    };
    Ok((Made { note: text, size: made.size }, status))
}

fn chosen<'p>(policy: &'p Policy, urls: &[String]) -> Result<Vec<&'p Witness>> {
    let known: Vec<&Witness> = policy.witnesses.iter().filter(|witness| witness.url.is_some()).collect();
    let mut found = Vec::new();
    for url in urls {
        if url == "all" {
            found.extend(&known);
            continue;
        }
        let same = |witness: &&&Witness| {
            witness.url.as_ref().is_some_and(|own| own.trim_end_matches('/') == url.trim_end_matches('/'))
        };
        let Some(witness) = known.iter().find(same) else {
            let all: Vec<&str> = known.iter().filter_map(|witness| witness.url.as_deref()).collect();
            bail!("the roster's policy names no witness at {url}; it names: {}", all.join(", "));
        };
        found.push(*witness);
    }
    if found.is_empty() {
        bail!("the roster's policy has no URL to ask");
    }
    Ok(found)
}
