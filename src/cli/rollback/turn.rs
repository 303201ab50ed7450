//! Whose turn it is: two who roll the same deployment back on one machine do so one after the other, so that each step is
//! taken once. Nothing here refuses the way back.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags};

use crate::cli::app::App;
use crate::cli::files;
use crate::core::name::Token;

/// So long the other may record nothing, before one goes on beside them.
const PATIENCE: Duration = Duration::from_secs(30);
const OFTEN: Duration = Duration::from_millis(100);

/// The turn, until it is dropped.
pub struct Turn {
    held: Option<(PathBuf, File)>,
    /// Whether somebody else had it first.
    pub waited: bool,
}

impl Turn {
    /// Takes it, after whoever has it. Where it cannot be had, one goes on without.
    pub fn take(app: &mut App, deployment: &Token) -> Self {
        let Ok(ledger) = app.ledger_path() else { return Self { held: None, waited: false } };
        let path = beside(&ledger, &format!(".rollback-{deployment}"));
        let wal = beside(&ledger, "-wal");
        let changed =
            || [&ledger, &wal].map(|file| fs::metadata(file).and_then(|found| found.modified()).ok());
        let mut options = OpenOptions::new();
        // A pipe in its place would wait for its other end.
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let mut shared = OpenOptions::new();
        shared.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let (mut since, mut seen, mut waited) = (Instant::now(), changed(), false);
        loop {
            let how = FlockOperation::NonBlockingLockExclusive;
            // Another user's file can be locked by whoever may read it.
            let lock = files::locked(&path, &options, how).or_else(|error| match error.kind() {
                ErrorKind::PermissionDenied => files::locked(&path, &shared, how),
                _ => Err(error),
            });
            match lock {
                Ok(file) => return Self { held: Some((path, file)), waited },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !waited {
                        app.say(format!("somebody is rolling {deployment} back just now: waiting for them"));
                    }
                    waited = true;
                    if changed() != seen {
                        (since, seen) = (Instant::now(), changed());
                    }
                    if since.elapsed() > PATIENCE {
                        app.warn("they have recorded nothing for a while: going on beside them");
                        return Self { held: None, waited };
                    }
                    sleep(OFTEN);
                }
                Err(_) => return Self { held: None, waited },
            }
        }
    }
}

fn beside(ledger: &Path, end: &str) -> PathBuf {
    let mut path = ledger.as_os_str().to_owned();
    path.push(end);
    path.into()
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.held {
            // What is left there would only be stale.
            let _ = fs::remove_file(path);
        }
    }
}
