//! `checkpoint`: the log's head, signed by this place's log key.

use std::fs;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::files;
use super::init::log_key_name;
use super::keyring::Keyring;
use super::status_code::Status;
use crate::core::checkpoint::{self, Checkpoint, Vkey};
use crate::core::hash::Hash;
use crate::core::merkle::Tree;
use crate::core::roster::Roster;
use crate::ledger::Ledger;

const MAX_NOTE: u64 = 1 << 20;

/// Options of `checkpoint`.
#[derive(clap::Args, Debug)]
pub struct Args {}

pub fn run(app: &mut App, _: &Args) -> Result<Status> {
    let desk = super::desk::Desk::read(app, None)?;
    desk.sound()?;
    let roster = desk.roster()?.roster.clone();
    let leaves = desk.ledger.leaves()?;
    let note = make(app, &roster, &leaves)?;
    app.raw(note)?;
    app.say("Give this to somebody outside your control: with it, `aether-audit verify --checkpoint FILE` proves that nothing up to here was changed or cut off.");
    Ok(Status::Done)
}

/// Signs a checkpoint over `leaves`, if it extends the last one that this place signed, and remembers it.
///
/// # Errors
/// Where this place has no log key of the roster, or the log does not extend what was signed before.
pub fn make(app: &App, roster: &Roster, leaves: &[Hash]) -> Result<String> {
    let keyring = Keyring::of(app)?;
    let vkeys = vkeys(roster);
    let name = log_key_name(&roster.log);
    if !keyring.has(&name) {
        bail!(
            "this place has no log key for {}: checkpoints are made where the log was initialised",
            roster.log
        );
    }
    let key = keyring.load(app, &name, None)?;
    if !vkeys.iter().any(|vkey| *vkey.key() == key.public()) {
        bail!("the log key here is not on the roster of {}", roster.log);
    }
    let tree = Tree::new(leaves);
    let size = tree.size();
    let memory = keyring.memory(&roster.log);
    if fs::symlink_metadata(&memory).is_ok() {
        let last = checkpoint::open(&files::read_text(&memory, MAX_NOTE)?, &vkeys)
            .with_context(|| {
                format!("{}: what this place remembers of its last checkpoint", memory.display())
            })?
            .checkpoint;
        if last.size > size {
            bail!(
                "this ledger has {size} entries, but the last checkpoint made here covers {}: entries are missing; \
                 look for the newer ledger before anything else, and keep {}",
                last.size,
                memory.display()
            );
        }
        if tree.root_at(last.size) != Some(last.root) {
            bail!(
                "the first {} entries of this ledger are not those of the last checkpoint made here: the log was rewritten \
                 or forked; run `aether-audit verify`, and keep {}",
                last.size,
                memory.display()
            );
        }
    }
    let root = tree.root_at(size).context("the log has no root")?;
    let note = checkpoint::sign_checkpoint(&Checkpoint { origin: roster.log.clone(), size, root }, &key)?;
    files::write(&memory, note.as_bytes())?;
    Ok(note)
}

/// The last checkpoint that this place made for a log.
///
/// # Errors
/// Where it cannot be read.
pub fn remembered(app: &App, origin: &str) -> Result<Option<String>> {
    let memory = Keyring::of(app)?.memory(origin);
    if fs::symlink_metadata(&memory).is_ok() {
        Ok(Some(files::read_text(&memory, MAX_NOTE)?))
    } else {
        Ok(None)
    }
}

/// The roster's log keys.
#[must_use]
pub fn vkeys(roster: &Roster) -> Vec<Vkey> {
    roster.log_keys.iter().filter_map(|text| Vkey::parse(text).ok()).collect()
}

/// Makes a checkpoint where this place can, else gives the one it remembers.
///
/// # Errors
/// Where the log does not extend what was signed before.
pub fn make_or_remember(app: &App, ledger: &Ledger, roster: &Roster, size: u64) -> Result<Option<String>> {
    if !Keyring::of(app)?.has(&log_key_name(&roster.log)) {
        return remembered(app, &roster.log);
    }
    let mut leaves = ledger.leaves()?;
    leaves.truncate(usize::try_from(size)?);
    make(app, roster, &leaves).map(Some)
}
