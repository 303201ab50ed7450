//! What this place remembers of a log, outside of it: the last checkpoint signed here, and the newest entry seen.
//!
//! Whoever signs here refuses a ledger that does not extend both, so that a restored backup or a forked copy
//! does not go on unnoticed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::app::App;
use super::files;
use super::keyring::Keyring;
use super::signed::Signed;
use crate::core::hash::Hash;
use crate::core::merkle::leaf_hash;
use crate::core::statement::Seen;
use crate::core::timestamp::{StoredToken, TOKEN_MAX, file_name};
use crate::ledger::Ledger;

const MAX: u64 = 1 << 20;

/// The memory of one log in one place.
pub struct Memory {
    folder: PathBuf,
    label: String,
    origin: String,
}

/// The newest entry that somebody here signed upon, or appended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    leaf: Hash,
    log: String,
    seq: u64,
    /// Which entries were seen to be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<Signed>,
}

impl Memory {
    /// Of a log, beside the private keys.
    ///
    /// # Errors
    /// Where no folder for private keys is known.
    pub fn of(app: &App, origin: &str) -> Result<Self> {
        let label = Hash::of(&[origin.as_bytes()]).short();
        Ok(Self { folder: Keyring::of(app)?.folder().to_owned(), label, origin: origin.to_owned() })
    }

    /// Whether anything of such a log is remembered here.
    #[must_use]
    pub fn knows(&self) -> bool {
        ["head", "checkpoint"].iter().any(|what| self.file(what).exists())
    }

    fn file(&self, what: &str) -> PathBuf {
        self.folder.join(format!("{what}-{}", self.label))
    }

    /// Keeps others who use this place waiting until it is dropped.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn lock(&self) -> Result<File> {
        let path = self.file("lock");
        let lock = || -> Result<File> {
            let file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
            flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        };
        lock().with_context(|| format!("cannot lock {}", path.display()))
    }

    /// The last checkpoint signed here, as a note; `None` before the first.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub fn checkpoint(&self) -> Result<Option<String>> {
        let path = self.file("checkpoint");
        if fs::symlink_metadata(&path).is_ok() { files::read_text(&path, MAX).map(Some) } else { Ok(None) }
    }

    /// Where that is.
    #[must_use]
    pub fn checkpoint_file(&self) -> PathBuf {
        self.file("checkpoint")
    }

    /// Remembers a checkpoint. The caller holds the lock, and has seen that it extends the last one.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn keep_checkpoint(&self, note: &str) -> Result<()> {
        files::write(&self.file("checkpoint"), note.as_bytes())?;
        Ok(File::open(&self.folder)?.sync_all()?)
    }

    /// Where the facts are that `verify` kept for `retro`.
    #[must_use]
    pub fn facts_file(&self) -> PathBuf {
        self.file("retro")
    }

    /// Where the time-stamp token over the checkpoint of `size` entries is.
    #[must_use]
    pub fn token_file(&self, size: u64) -> PathBuf {
        self.file("timestamps").join(file_name(size))
    }

    /// That token; `None` where there is none.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub fn token(&self, size: u64) -> Result<Option<Vec<u8>>> {
        let path = self.token_file(size);
        if fs::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        files::read(&path, TOKEN_MAX as u64).map(Some)
    }

    /// The sizes of the checkpoints that have one.
    ///
    /// # Errors
    /// Where they cannot be listed.
    pub fn tokens(&self) -> Result<Vec<u64>> {
        let folder = self.file("timestamps");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for file in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let name = file?.file_name().to_string_lossy().into_owned();
            found.extend(StoredToken { name, bytes: Vec::new() }.size());
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Keeps a token, unless one over the same checkpoint is there. The caller holds the lock.
    ///
    /// # Errors
    /// Where one is, or it cannot be written.
    pub fn keep_token(&self, size: u64, token: &[u8]) -> Result<()> {
        let folder = self.file("timestamps");
        files::make_folder(&folder)?;
        files::write_new(&self.token_file(size), token)?;
        Ok(File::open(&folder)?.sync_all()?)
    }

    /// Refuses a ledger that does not hold the newest entry that this place has seen.
    ///
    /// # Errors
    /// Where it does not, or what is remembered cannot be read.
    pub fn check(&self, ledger: &Ledger) -> Result<()> {
        match self.head()? {
            Some(head) => self.holds(ledger, &head),
            None => Ok(()),
        }
    }

    /// Which entries this place has seen to be signed by whom they name.
    ///
    /// # Errors
    /// Where what is remembered cannot be read.
    pub fn signed(&self) -> Result<Option<Signed>> {
        Ok(self.head()?.and_then(|head| head.signed))
    }

    /// Remembers the newest entry, by compare-and-swap: of two who remember at once, the later entry stays.
    ///
    /// # Errors
    /// As [`Memory::check`], or where it cannot be written.
    pub fn saw(&self, ledger: &Ledger, seen: Seen, signed: Option<Signed>) -> Result<()> {
        if !self.folder.is_dir() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let before = self.head()?;
        if let Some(head) = &before {
            self.holds(ledger, head)?;
            if head.seq >= seen.seq {
                return Ok(());
            }
        }
        let signed = signed.or_else(|| before.and_then(|head| head.signed));
        let head = Head { leaf: seen.leaf, log: self.origin.clone(), seq: seen.seq, signed };
        swap(&self.file("head"), format!("{}\n", serde_json::to_string(&head)?).as_bytes())
    }

    fn head(&self) -> Result<Option<Head>> {
        let path = self.file("head");
        if fs::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        let text = files::read_text(&path, MAX)?;
        let head: Head = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} should hold the newest entry seen here, and is damaged: look at it, run `aether-audit verify` \
                 with a checkpoint from elsewhere, then remove it",
                path.display()
            )
        })?;
        if head.log != self.origin {
            bail!("{} is about the log {}, not {}", path.display(), head.log, self.origin);
        }
        Ok(Some(head))
    }

    fn holds(&self, ledger: &Ledger, head: &Head) -> Result<()> {
        let path = self.file("head");
        match ledger.entry(head.seq)?.map(|bytes| leaf_hash(&bytes)) {
            Some(leaf) if leaf == head.leaf => match ledger.follow(head.seq + 1, head.leaf, &mut |_| {})? {
                None => Ok(()),
                Some(seq) => bail!(
                    "entry {seq} of {} is not chained to the one before it. Nothing was signed: run `aether-audit verify`",
                    ledger.path().display()
                ),
            },
            Some(_) => bail!(
                "entry {} of {} is not the one that was seen here before: the log was rewritten or forked. Nothing was signed. \
                 Keep both this ledger and {}, run `aether-audit verify`, and find out who wrote to it",
                head.seq,
                ledger.path().display(),
                path.display()
            ),
            None => bail!(
                "{} ends before entry {}, which was seen here before: it is an older copy, or entries were cut off. Nothing was \
                 signed. Look for the newer ledger first; where the team has decided to go on from a backup, keep {} as proof and \
                 move it away",
                ledger.path().display(),
                head.seq,
                path.display()
            ),
        }
    }
}

/// Whole or not at all; after a power cut it may be the older one, which is still true.
fn swap(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> Result<()> {
        let mut file = tempfile::Builder::new().tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
