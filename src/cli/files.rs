//! Reading with a limit, and writing whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use tempfile::NamedTempFile;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// Where it cannot be read or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() as u64 > limit {
        bail!("{} is larger than {limit} bytes: is it the right file?", path.display());
    }
    Ok(bytes)
}

/// The same of what others brought: opening a pipe there would wait for its other end.
///
/// # Errors
/// As there, and where it is no regular file.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let found = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !found.is_file() {
        bail!("{} is not a regular file", path.display());
    }
    read(path, limit)
}

/// Reads a UTF-8 file of at most `limit` bytes.
///
/// # Errors
/// Where it cannot be read, is larger, or is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String> {
    utf8(path, read(path, limit)?)
}

/// The text that was read from `path`.
///
/// # Errors
/// Where it is not UTF-8.
pub fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|e| {
        anyhow::anyhow!("{}: not UTF-8 text at byte {}", path.display(), e.utf8_error().valid_up_to())
    })
}

/// Writes a file whole or not at all, in the place of an older one.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_all(&[(path.to_owned(), bytes)])
}

/// Writes files of one folder in the place of older ones: none before all of them are on the disk, the last one last.
///
/// # Errors
/// Where the folder cannot be written; then each file is the new one or the old one, whole.
pub fn write_all(files: &[(PathBuf, &[u8])]) -> Result<()> {
    place(files.iter().map(|(path, bytes)| stage(path, bytes)).collect::<Result<_>>()?)
}

/// A file that is whole and on the disk, and not in its place yet; dropped, it is removed.
pub struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

/// Writes a file beside its place.
///
/// # Errors
/// Where the folder cannot be written.
pub fn stage(path: &Path, bytes: &[u8]) -> Result<Staged> {
    let write = || -> Result<NamedTempFile> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().permissions(mode(0o644)).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    let file = write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Staged { file, path: path.to_owned() })
}

/// Puts files in their places over older ones, one after the other.
///
/// # Errors
/// Where a folder cannot be written; then each file is the new one or the old one, whole.
pub fn place(staged: Vec<Staged>) -> Result<()> {
    for Staged { file, path } in staged {
        file.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// Where it is, or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    free(path)?;
    let Staged { file, path } = stage(path, bytes)?;
    file.persist_noclobber(&path).map(drop).map_err(|error| match error.error.kind() {
        // Somebody else was quicker.
        ErrorKind::AlreadyExists => free(&path).err().unwrap_or_else(|| error.error.into()),
        _ => anyhow::Error::from(error.error).context(format!("cannot write {}", path.display())),
    })
}

/// Writes a file in the place of the one that is there, with its permissions.
///
/// # Errors
/// Where it is not there, or cannot be written.
pub fn rewrite(path: &Path, bytes: &[u8]) -> Result<()> {
    let kept = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.permissions();
    let staged = stage(path, bytes)?;
    staged.file.as_file().set_permissions(kept)?;
    place(vec![staged])
}

/// A file, locked until it is dropped: the one that stands at the path, which may have been replaced while this waited.
///
/// # Errors
/// Where it cannot be opened with these options, or locked; `WouldBlock` where another process has it and `how` does
/// not wait.
pub fn locked(path: &Path, options: &OpenOptions, how: FlockOperation) -> std::io::Result<File> {
    loop {
        let file = options.open(path)?;
        flock(&file, how)?;
        let own = file.metadata()?;
        if fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
            return Ok(file);
        }
    }
}

/// Holds that nothing is there.
///
/// # Errors
/// Where something is.
pub fn free(path: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        bail!("{} is there already: it was left as it is; move it away to have it made anew", path.display());
    }
    Ok(())
}

/// Makes a folder with all above it.
///
/// # Errors
/// Where it cannot be made.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))
}

fn mode(mode: u32) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(mode)
}
