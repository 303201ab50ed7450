//! What a witness has cosigned: durable before the cosignature leaves, and never less or another history.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{FlockOperation, flock};

use crate::core::checkpoint::{self, Checkpoint, CosignerKey, Note, NoteError, Vkey, cosign};
use crate::core::hash::Hash;
use crate::core::keys::SecretKey;
use crate::core::merkle::{empty_root, verify_consistency};
use crate::core::witness::AddCheckpoint;

/// A log and the keys that may sign its checkpoints.
pub type Origin = (String, Vec<Vkey>);

/// Why a witness cannot be.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of what was cosigned.
    #[error("{path}: {source}")]
    State {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Two of them could cosign two histories.
    #[error("another witness is at work with {0}: each needs a folder of its own")]
    Busy(PathBuf),
    /// What was cosigned cannot be read: going on would forget it.
    #[error(
        "{0} should hold the last checkpoint that was cosigned, and is damaged: restore it before anything is cosigned"
    )]
    Damaged(PathBuf),
}

/// What a request is answered: statuses and bodies as C2SP tlog-witness lists them.
#[derive(Debug)]
pub enum Answer {
    /// 200: the cosignature as a signature line, durable here.
    Cosigned(String),
    /// 409: the size that was cosigned last.
    Conflict(u64),
    /// Another status, without a body.
    Refused(u16),
    /// 500: it could not be made durable. Nothing may be cosigned any more until that is mended.
    Failed(io::Error),
}

/// A witness with its key and what it has cosigned. It takes one request after the other, so that nothing comes
/// between looking at what was cosigned and writing down what is.
pub struct Witness {
    folder: PathBuf,
    _lock: File,
    cosigner: CosignerKey,
    key: Rc<SecretKey>,
    logs: BTreeMap<String, Vec<Vkey>>,
    /// The last checkpoint cosigned, by origin.
    seen: BTreeMap<String, Checkpoint>,
}

/// The checkpoint that a file of the memory states, unless it was altered. The log key that signed it may have been
/// replaced since.
fn remembered(text: &str, origin: &str, keys: &[Vkey]) -> Option<Checkpoint> {
    let note = Note::parse(text).ok()?;
    if let Err(error) = note.verify(keys)
        && error != NoteError::NoKnownKey
    {
        return None;
    }
    Checkpoint::parse(note.text()).ok().filter(|stated| stated.origin == origin)
}

impl Witness {
    /// A witness whose memory is in `folder`, which no other process uses.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        folder: &Path,
        cosigner: CosignerKey,
        key: Rc<SecretKey>,
        logs: Vec<Origin>,
    ) -> Result<Self, OpenError> {
        let state = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::State { path, source }
        };
        fs::create_dir_all(folder).map_err(state(folder))?;
        let lock = folder.join("lock");
        let lock = fs::OpenOptions::new().create(true).append(true).open(&lock).map_err(state(&lock))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(OpenError::Busy(folder.to_owned()));
        }
        let logs = logs.into_iter().collect();
        let mut witness =
            Self { folder: folder.to_owned(), _lock: lock, cosigner, key, logs, seen: BTreeMap::new() };
        for origin in witness.logs.keys() {
            let path = witness.file(origin);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(OpenError::State { path, source }),
            };
            let stated = remembered(&text, origin, &witness.logs[origin]);
            let stated = stated.ok_or_else(|| OpenError::Damaged(path.clone()))?;
            // What can be read here need not have reached the disk.
            witness.keep(origin, &text).map_err(state(&path))?;
            witness.seen.insert(origin.clone(), stated);
        }
        Ok(witness)
    }

    /// Cosigns, at `now` in seconds since 1970, the checkpoint of a request's body, where it extends what was
    /// cosigned before. Its cosignature is given only once that is durable.
    #[must_use]
    pub fn add(&mut self, body: &str, now: u64) -> Answer {
        let Some(request) = AddCheckpoint::parse(body) else { return Answer::Refused(400) };
        let Ok(note) = Note::parse(&request.checkpoint) else { return Answer::Refused(400) };
        let Ok(stated) = Checkpoint::parse(note.text()) else { return Answer::Refused(400) };
        let Some(trusted) = self.logs.get(&stated.origin) else { return Answer::Refused(404) };
        if checkpoint::open(&request.checkpoint, trusted).is_err() {
            return Answer::Refused(403);
        }
        if request.old > stated.size {
            return Answer::Refused(400);
        }
        let seen = self.seen.get(&stated.origin);
        let (size, root) = seen.map_or_else(|| (0, empty_root()), |seen| (seen.size, seen.root));
        if request.old != size || (size == stated.size && root != stated.root) {
            return Answer::Conflict(size);
        }
        if !verify_consistency(size, root, stated.size, stated.root, &request.proof) {
            return Answer::Refused(422);
        }
        if seen != Some(&stated) {
            if let Err(error) = self.keep(&stated.origin, &request.checkpoint) {
                return Answer::Failed(error);
            }
            self.seen.insert(stated.origin.clone(), stated);
        }
        Answer::Cosigned(cosign(note.text(), &self.cosigner, &self.key, now).to_string())
    }

    fn file(&self, origin: &str) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", Hash::of(&[origin.as_bytes()])))
    }

    /// Whole and durable, or not at all.
    fn keep(&self, origin: &str, note: &str) -> io::Result<()> {
        let path = self.file(origin);
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_all()
    }
}
