//! Who watches: one at a time, told by a small file beside the ledger.
//!
//! The file is locked for the moment that it is read or written, and while a reading gets its place: whoever lost the
//! lease in between records nothing. A watcher that is gone from this machine, or that has not moved for two minutes, has
//! no claim.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::FlockOperation;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::cli::app::{App, random};
use crate::cli::files;
use crate::core::name::Token;
use crate::core::time::Timestamp;

/// Without a heartbeat for longer than this, in seconds, a lease is anybody's.
const STALE: i64 = 120;
const MAX_BYTES: u64 = 4096;

/// The lease of one deployment's watch.
pub struct Lease {
    path: PathBuf,
    token: String,
    owner: String,
}

/// Who has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// On the roster.
    pub owner: String,
    /// The process, on its machine.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// When it last moved.
    pub heartbeat: Timestamp,
    token: String,
}

/// Holds the lock while something gets its place.
#[must_use]
pub struct Guard {
    _file: File,
}

impl Lease {
    /// The lease beside `ledger`; nothing is taken yet.
    ///
    /// # Errors
    /// Where the operating system has no random bytes to give.
    pub fn new(app: &App, ledger: &Path, deployment: &Token) -> Result<Self> {
        let mut name = ledger.as_os_str().to_owned();
        name.push(format!(".watch-{deployment}"));
        let token = base16ct::lower::encode_string(&random::<16>()?);
        Ok(Self { path: name.into(), token, owner: app.who()?.to_string() })
    }

    /// Takes it where it is free, or is had already; else says who has it.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn take(&self, now: Timestamp) -> Result<Option<Holder>> {
        let mut file = self.locked()?;
        if let Some(holder) =
            read(&mut file)?.filter(|holder| holder.token != self.token && holder.holds(now))
        {
            return Ok(Some(holder));
        }
        let holder = Holder {
            owner: self.owner.clone(),
            pid: std::process::id(),
            host: host(),
            heartbeat: now,
            token: self.token.clone(),
        };
        self.write(&mut file, &serde_json::to_vec(&holder)?)?;
        Ok(None)
    }

    /// The lock, while the lease is still had.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn guard(&self) -> Result<Option<Guard>> {
        let mut file = self.locked()?;
        let own = read(&mut file)?.is_some_and(|holder| holder.token == self.token);
        Ok(own.then_some(Guard { _file: file }))
    }

    /// Gives it back, where it is had.
    pub fn release(&self) {
        if let Ok(Some(_guard)) = self.guard() {
            // What is left there would only be stale.
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// The file that stands at the path, locked: while one waits for the lock it may have been removed.
    fn locked(&self) -> Result<File> {
        let told = || format!("cannot keep {}", self.path.display());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        files::locked(&self.path, &options, FlockOperation::LockExclusive).with_context(told)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<()> {
        let mut write = || -> std::io::Result<()> {
            file.rewind()?;
            file.write_all(bytes)?;
            file.set_len(bytes.len() as u64)?;
            file.sync_all()
        };
        write().with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl Holder {
    fn holds(&self, now: Timestamp) -> bool {
        let gone = self.host == host() && !alive(self.pid);
        !gone && now <= self.heartbeat.plus_seconds(STALE)
    }
}

/// What the file says; nothing where it is damaged, as after a crash in the middle of a write.
fn read(file: &mut File) -> Result<Option<Holder>> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes).ok())
}

fn alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
