//! Whose turn it is: two who roll the same deployment back on one machine do so one after the other, so that each step is
//! taken once. Nothing here refuses the way back.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::cli::app::App;
use crate::cli::files;
use crate::core::name::Token;

/// For so long one waits for the other, before both go on.
const PATIENCE: Duration = Duration::from_mins(2);
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
        let mut path = ledger.into_os_string();
        path.push(format!(".rollback-{deployment}"));
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let (since, mut waited) = (Instant::now(), false);
        loop {
            match files::locked(&path, &options, FlockOperation::NonBlockingLockExclusive) {
                Ok(file) => return Self { held: Some((path, file)), waited },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !waited {
                        app.say(format!("somebody is rolling {deployment} back just now: waiting for them"));
                    }
                    waited = true;
                    if since.elapsed() > PATIENCE {
                        app.warn("they are still at it: going on beside them");
                        return Self { held: None, waited };
                    }
                    sleep(OFTEN);
                }
                Err(_) => return Self { held: None, waited },
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.held {
            // What is left there would only be stale.
            let _ = fs::remove_file(path);
        }
    }
}
