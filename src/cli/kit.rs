//! The rollback kit: a copy of the log's entries beside the person's keys, made whenever they move traffic, so that the
//! way back can be signed where the ledger can no longer even be read. It holds no opening: what is erased stays erased.

use std::path::PathBuf;

use anyhow::Result;

use super::app::App;
use super::desk::Desk;
use super::keyring::Keyring;
use crate::core::hash::Hash;
use crate::core::name::Token;

fn path(app: &App) -> Result<PathBuf> {
    let label = Hash::of(&[app.config()?.log.origin.as_bytes()]).short();
    Ok(Keyring::of(app)?.folder().join(format!("kit-{label}.db")))
}

/// Makes it anew. It is for the worst day: that it could not be made stops nothing.
pub fn keep(app: &mut App, desk: &Desk) {
    let kept = path(app).and_then(|path| Ok(desk.ledger.copy_entries(&path)?));
    if let Err(error) = kept {
        app.warn(format!(
            "no copy of the entries could be kept for a rollback without the ledger ({error:#})"
        ));
    }
}

/// The desk as the kit has it, to sign with and to append nothing to.
///
/// # Errors
/// Where there is none, or no deployment is meant.
pub fn open(app: &mut App) -> Result<(Token, Desk)> {
    let ledger = app.globals.ledger.replace(path(app)?);
    let opened = Desk::read_at(app, false);
    app.globals.ledger = ledger;
    opened
}
