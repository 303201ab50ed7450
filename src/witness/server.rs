//! Being a witness: one request after the other, and nothing cosigned that is not durable here before.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{FlockOperation, flock};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::core::checkpoint::{self, Checkpoint, CosignerKey, Note, Vkey, cosign};
use crate::core::hash::Hash;
use crate::core::keys::SecretKey;
use crate::core::merkle::{empty_root, verify_consistency};
use crate::core::witness::AddCheckpoint;

const MAX_BODY: u64 = 64 * 1024;

/// The keys that may sign the checkpoints of one log.
pub type Origin = (String, Vec<Vkey>);

/// Why a witness cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
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
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// As it was given.
        address: String,
        /// What the system says.
        why: String,
    },
}

/// A witness with its key and what it has seen.
pub struct Witness {
    folder: PathBuf,
    _lock: File,
    cosigner: CosignerKey,
    key: Rc<SecretKey>,
    logs: BTreeMap<String, Vec<Vkey>>,
    /// The last checkpoint cosigned, by origin.
    seen: BTreeMap<String, Checkpoint>,
}

/// A status with a body, as C2SP tlog-witness lists them.
struct Answer(u16, String);

impl Witness {
    /// A witness whose memory is in `folder`, which no other process uses.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn open(
        folder: &Path,
        cosigner: CosignerKey,
        key: Rc<SecretKey>,
        logs: Vec<Origin>,
    ) -> Result<Self, ServeError> {
        let state = |source| ServeError::State { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(state)?;
        let lock =
            fs::OpenOptions::new().create(true).append(true).open(folder.join("lock")).map_err(state)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(ServeError::Busy(folder.to_owned()));
        }
        let mut seen = BTreeMap::new();
        for (origin, _) in &logs {
            let path = folder.join(file_name(origin));
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(ServeError::State { path, source }),
            };
            let stated = Note::parse(&text).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
            let stated = stated.filter(|stated| stated.origin == *origin);
            seen.insert(origin.clone(), stated.ok_or(ServeError::Damaged(path))?);
        }
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
            cosigner,
            key,
            logs: logs.into_iter().collect(),
            seen,
        })
    }

    /// Answers requests on `address` until the process ends. `listening` is told the address with its port.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub fn serve(
        mut self,
        address: &str,
        now: &dyn Fn() -> u64,
        listening: &mut dyn FnMut(&str),
    ) -> Result<(), ServeError> {
        let listen = |why: String| ServeError::Listen { address: address.to_owned(), why };
        let server = Server::http(address).map_err(|e| listen(e.to_string()))?;
        listening(&server.server_addr().to_string());
        loop {
            let request = server.recv().map_err(|e| listen(e.to_string()))?;
            self.handle(request, now);
        }
    }

    fn handle(&mut self, mut request: Request, now: &dyn Fn() -> u64) {
        let Answer(status, body) = match (request.method(), request.url()) {
            (Method::Post, "/add-checkpoint") => {
                let mut body = String::new();
                match request.as_reader().take(MAX_BODY).read_to_string(&mut body) {
                    Ok(_) => self.add(&body, now()),
                    Err(_) => Answer(400, String::new()),
                }
            }
            (_, "/add-checkpoint") => Answer(405, String::new()),
            _ => Answer(404, String::new()),
        };
        let kind = if status == 409 { "text/x.tlog.size" } else { "text/plain; charset=utf-8" };
        let mut response = Response::from_string(body).with_status_code(status);
        if let Ok(header) = Header::from_bytes("Content-Type", kind) {
            response.add_header(header);
        }
        // Who asked may be gone.
        let _ = request.respond(response);
    }

    /// Whether a checkpoint extends what was cosigned before; its cosignature leaves only after it is durable.
    fn add(&mut self, body: &str, now: u64) -> Answer {
        let refuse = |status| Answer(status, String::new());
        let Some(request) = AddCheckpoint::parse(body) else { return refuse(400) };
        let Ok(note) = Note::parse(&request.checkpoint) else { return refuse(400) };
        let Ok(stated) = Checkpoint::parse(note.text()) else { return refuse(400) };
        let Some(trusted) = self.logs.get(&stated.origin) else { return refuse(404) };
        if checkpoint::open(&request.checkpoint, trusted).is_err() {
            return refuse(403);
        }
        if request.old > stated.size {
            return refuse(400);
        }
        let (size, root) =
            self.seen.get(&stated.origin).map_or_else(|| (0, empty_root()), |seen| (seen.size, seen.root));
        if request.old != size || (size == stated.size && root != stated.root) {
            return Answer(409, format!("{size}\n"));
        }
        if !verify_consistency(size, root, stated.size, stated.root, &request.proof) {
            return refuse(422);
        }
        if self.keep(&stated.origin, &request.checkpoint).is_err() {
            return refuse(500);
        }
        let line = cosign(note.text(), &self.cosigner, &self.key, now);
        self.seen.insert(stated.origin.clone(), stated);
        Answer(200, format!("{line}\n"))
    }

    fn keep(&self, origin: &str, note: &str) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(note.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(self.folder.join(file_name(origin)))?;
        File::open(&self.folder)?.sync_all()
    }
}

fn file_name(origin: &str) -> String {
    format!("{}.checkpoint", Hash::of(&[origin.as_bytes()]))
}
