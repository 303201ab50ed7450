//! An export as a store to read from: plain files, nothing trusted.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::core::entry::MAX_ENTRY_BYTES;
use crate::core::hash::Hash;
use crate::core::timestamp::{StoredToken, TOKEN_MAX};

/// An export folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Why an export could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct FolderError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// The most bytes of an opening that are read.
const MAX_OPENING: u64 = 64 * 1024 * 1024;
const MAX_NOTE: u64 = 1024 * 1024;
/// A leaf in hex and its newline.
const LEAF_LINE: u64 = 65;

impl Folder {
    /// The folder at `path`, if it holds an `entries.jsonl`.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        path.join("entries.jsonl").is_file().then(|| Self { path: path.to_owned() })
    }

    /// The folder at `path`, whatever it holds.
    #[must_use]
    pub fn any(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn error(&self, name: &str, why: &dyn ToString) -> FolderError {
        FolderError { path: self.path.join(name), why: why.to_string() }
    }

    fn open(&self, name: &str) -> Result<File, FolderError> {
        let path = self.path.join(name);
        // Opening a pipe would wait for its other end.
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() => Err(self.error(name, &"not a regular file")),
            Ok(_) => File::open(path).map_err(|e| self.error(name, &e)),
            Err(error) => Err(self.error(name, &error)),
        }
    }

    /// Whether anything is there, even what cannot be read.
    fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path.join(name)).is_ok()
    }

    /// Each line of `entries.jsonl` without its newline. A line that is longer than an entry may be
    /// is cut just beyond that, so that it is refused and not kept in memory.
    ///
    /// # Errors
    /// Where the file cannot be opened; then in place of a line that cannot be read.
    pub fn lines(&self) -> Result<impl Iterator<Item = Result<Vec<u8>, FolderError>> + use<>, FolderError> {
        let mut reader = BufReader::with_capacity(1 << 16, self.open("entries.jsonl")?);
        let this = self.clone();
        let mut ended = false;
        Ok(std::iter::from_fn(move || {
            if ended {
                return None;
            }
            let mut line = Vec::new();
            match (&mut reader).take(MAX_ENTRY_BYTES as u64 + 2).read_until(b'\n', &mut line) {
                Ok(0) => None,
                Ok(_) if line.last() == Some(&b'\n') => {
                    line.pop();
                    Some(Ok(line))
                }
                Ok(_) => {
                    ended = line.len() <= MAX_ENTRY_BYTES;
                    if !ended && reader.skip_until(b'\n').is_err() {
                        ended = true;
                    }
                    if ended {
                        Some(Err(
                            this.error("entries.jsonl", &"the last line does not end: the file was cut off")
                        ))
                    } else {
                        Some(Ok(line))
                    }
                }
                Err(error) => {
                    ended = true;
                    Some(Err(this.error("entries.jsonl", &error)))
                }
            }
        }))
    }

    /// The leaf of every entry of the log; `None` in an export of the whole log.
    ///
    /// # Errors
    /// Where the file cannot be read, or a line is no leaf.
    pub fn leaves(&self) -> Result<Option<Vec<Hash>>, FolderError> {
        if !self.has("leaves.txt") {
            return Ok(None);
        }
        let mut reader = BufReader::new(self.open("leaves.txt")?);
        let mut leaves = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader).take(LEAF_LINE).read_until(b'\n', &mut line);
            if read.map_err(|e| self.error("leaves.txt", &e))? == 0 {
                break;
            }
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
            let leaf = Hash::parse(&text);
            leaves.push(
                leaf.map_err(|e| self.error("leaves.txt", &format!("line {}: {e}", leaves.len() + 1)))?,
            );
        }
        Ok(Some(leaves))
    }

    /// The checkpoint that stands beside the entries. One that is not UTF-8 is given as empty: no
    /// note either, so whoever judges it finds it, and the entries are judged all the same.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub fn checkpoint(&self) -> Result<Option<String>, FolderError> {
        if !self.has("checkpoint") {
            return Ok(None);
        }
        let mut note = Vec::new();
        let read = self.open("checkpoint")?.take(MAX_NOTE).read_to_end(&mut note);
        read.map_err(|e| self.error("checkpoint", &e))?;
        Ok(Some(String::from_utf8(note).unwrap_or_default()))
    }

    /// The time-stamp tokens, by name. One that is too large is cut beyond the limit, so that it is refused.
    ///
    /// # Errors
    /// Where the folder or a file in it cannot be read.
    pub fn tokens(&self) -> Result<Vec<StoredToken>, FolderError> {
        let mut found = Vec::new();
        if !self.has("timestamps") {
            return Ok(found);
        }
        for file in fs::read_dir(self.path.join("timestamps")).map_err(|e| self.error("timestamps", &e))? {
            let name = file.map_err(|e| self.error("timestamps", &e))?.file_name();
            let name = name.to_string_lossy().into_owned();
            let path = format!("timestamps/{name}");
            let mut bytes = Vec::new();
            let read = self.open(&path)?.take(TOKEN_MAX as u64 + 1).read_to_end(&mut bytes);
            read.map_err(|e| self.error(&path, &e))?;
            found.push(StoredToken { name, bytes });
        }
        found.sort_by_key(|token| (token.size(), token.name.clone()));
        Ok(found)
    }

    /// The bytes (salt ‖ bytes) of an opening.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub fn opening(&self, commit: &Hash) -> Result<Option<Vec<u8>>, FolderError> {
        let name = format!("openings/{commit}");
        if !self.has(&name) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let read = self.open(&name)?.take(MAX_OPENING).read_to_end(&mut bytes);
        read.map_err(|e| self.error(&name, &e))?;
        Ok(Some(bytes))
    }

    /// Gives the commit that each file of `openings/` is named by, in no order.
    ///
    /// # Errors
    /// Where the folder cannot be listed, or a name is no commit.
    pub fn each_opening(&self, found: &mut dyn FnMut(Hash)) -> Result<(), FolderError> {
        let folder = self.path.join("openings");
        if !folder.exists() {
            return Ok(());
        }
        for file in fs::read_dir(folder).map_err(|e| self.error("openings", &e))? {
            let name = file.map_err(|e| self.error("openings", &e))?.file_name();
            let name = name.to_string_lossy();
            found(Hash::parse(&name).map_err(|e| self.error(&format!("openings/{name}"), &e))?);
        }
        Ok(())
    }
}
