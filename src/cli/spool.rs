//! The spool: statements signed while the ledger could not take them, on their way to their place.
//!
//! They lie beside the person's keys; where that cannot be written, beside the ledger; else in the system's folder for
//! temporary files. The next command that can gives them their places, in the order in which they were signed. What can
//! have none, whatever comes, is set aside in `rejected` with the reason, and holds nothing up.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::bundle::Bundle;
use super::join;
use super::keyring::Keyring;
use super::status_code::Status;
use crate::core::entry::EntryError;
use crate::core::hash::Hash;
use crate::ledger::LedgerError;

/// How long a rollback waits for its ledger, and whoever joins what is in the spool for theirs.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Where statements of this log may wait, the best place first.
fn places(app: &App) -> Result<Vec<PathBuf>> {
    let name = format!("spool-{}", Hash::of(&[app.config()?.log.origin.as_bytes()]).short());
    let mut places = Vec::new();
    if let Ok(keyring) = Keyring::of(app) {
        places.push(keyring.folder().join(&name));
    }
    if let Some(folder) = app.ledger_path()?.parent() {
        places.push(folder.join(&name));
    }
    places.push(
        std::env::temp_dir().join(format!("aether-audit-{}-{name}", rustix::process::getuid().as_raw())),
    );
    Ok(places)
}

/// Keeps a signed statement, durably; gives where.
///
/// # Errors
/// Where no place takes it.
pub fn keep(app: &App, bundle: &Bundle) -> Result<PathBuf> {
    let mut refused = None;
    for place in places(app)? {
        match put(app, &place, bundle) {
            Ok(path) => return Ok(path),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| anyhow::anyhow!("there is no place for it")))
}

fn put(app: &App, place: &Path, bundle: &Bundle) -> Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(place)?;
    if !own(place) {
        bail!("{} is somebody else's, or open to others", place.display());
    }
    let (moment, kind) = (app.now().millis(), bundle.statement().kind());
    let now = format!("{moment:013}-");
    let names = fs::read_dir(place)?.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
    // After the last of this moment: what has left in between makes no name free that could still be taken.
    let taken = names.filter_map(|name| name.strip_prefix(&now)?.get(..3)?.parse::<u32>().ok()).max();
    let number = taken.map_or(0, |last| last + 1);
    let path = place.join(format!("{moment:013}-{number:03}-{kind}.json"));
    bundle.write(&path)?;
    fs::File::open(place)?.sync_all()?;
    Ok(path)
}

/// Whether a folder is this user's alone: the one for temporary files is everybody's, and so is what lies in it.
fn own(place: &Path) -> bool {
    let shared = place.starts_with(std::env::temp_dir());
    fs::symlink_metadata(place).is_ok_and(|found| {
        let ours = found.uid() == rustix::process::getuid().as_raw() && found.mode() & 0o777 == 0o700;
        found.is_dir() && (ours || !shared)
    })
}

/// The files that wait, in the order in which they were signed.
#[must_use]
pub fn waiting(app: &App) -> Vec<PathBuf> {
    let folders = places(app).unwrap_or_default();
    let folders = folders.iter().filter(|folder| own(folder));
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let files = files.filter_map(|file| Some(file.ok()?.path()));
    let mut all: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    all.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    all
}

/// Gives what waits its place, as far as the ledger takes it. Nothing of it is an error: what cannot be joined waits on.
pub fn settle(app: &mut App) {
    let files = waiting(app);
    if files.is_empty() {
        return;
    }
    let before = app.patience.replace(PATIENCE);
    let count = files.len();
    for (at, file) in files.iter().enumerate() {
        if let Err(error) = join_one(app, file) {
            if hopeless(&error) {
                reject(app, file, &error);
                continue;
            }
            app.warn(format!(
                "{} of {count} statements wait in the spool and could not be joined ({error:#}): `aether-audit join --spool`",
                count - at
            ));
            break;
        }
    }
    app.patience = before;
}

/// Says that statements wait, to whoever only reads.
pub fn mention(app: &mut App) {
    let files = waiting(app);
    if let Some(first) = files.first() {
        let (count, folder) = (files.len(), first.parent().unwrap_or(first).display());
        app.warn(format!(
            "{count} statements wait in {folder}, and are not part of this: `aether-audit join --spool`"
        ));
    }
}

/// `join --spool`.
///
/// # Errors
/// Where a statement may not be recorded, or the ledger cannot take it.
pub fn join_all(app: &mut App) -> Result<Status> {
    let files = waiting(app);
    if files.is_empty() {
        app.say("nothing waits in the spool");
    }
    let (mut failed, mut rejected) = (None, 0);
    for file in &files {
        match join_one(app, file) {
            Ok(()) => {}
            Err(error) if hopeless(&error) => {
                reject(app, file, &error);
                rejected += 1;
            }
            Err(error) => {
                app.warn(format!("{error:#}"));
                failed = failed.or(Some(file));
            }
        }
    }
    match failed {
        Some(file) => bail!("not all could be joined, first {}: it stays where it is", file.display()),
        None if rejected > 0 => {
            bail!("{rejected} of {} statements can have no place in the log", files.len())
        }
        None => Ok(Status::Done),
    }
}

/// Whether it is the statement that is wrong, and not the ledger or the disk, which may be better the next time.
fn hopeless(error: &anyhow::Error) -> bool {
    let passing = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<LedgerError>() || cause.is::<EntryError>() || cause.is::<std::io::Error>()
    };
    !error.chain().any(passing)
}

/// Moves a statement out of the way, with the reason beside it; where that fails it stays, and the next ones go on.
fn reject(app: &mut App, file: &Path, error: &anyhow::Error) {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return };
    let aside = folder.join("rejected").join(name);
    let moved = || -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.join("rejected"))?;
        fs::write(aside.with_extension("why"), format!("{error:#}\n"))?;
        fs::rename(file, &aside)
    };
    let place = if app.globals.dry_run || moved().is_err() { file } else { &aside };
    app.warn(format!(
        "NOT IN THE RECORD: a statement of the spool can have no place in the log ({error:#}); what it says is in {}: record it anew",
        place.display()
    ));
}

fn join_one(app: &mut App, file: &Path) -> Result<()> {
    let what = || format!("{}", file.display());
    let bundle = Bundle::read(file).with_context(what)?;
    join::join(app, &bundle).with_context(what)?;
    if !app.globals.dry_run {
        match fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(what);
            }
            _ => {}
        }
    }
    Ok(())
}
