//! Where a ledger may lie: looked at before SQLite is let near it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;
use tempfile::TempDir;

use super::LedgerError;

pub(super) fn check_new(path: &Path) -> Result<(), LedgerError> {
    let folder = folder(path);
    if !folder.is_dir() {
        return Err(LedgerError::FolderMissing(folder));
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(LedgerError::Exists(path.to_owned()));
    }
    check_local(&folder, path)
}

pub(super) fn check_existing(path: &Path) -> Result<(), LedgerError> {
    check_readable(path)?;
    for part in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        // The parts beside it come and go with other processes.
        if !matches!(access(&part, Access::WRITE_OK), Ok(()) | Err(Errno::NOENT)) {
            return Err(LedgerError::ReadOnly(part));
        }
    }
    if access(folder(path), Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Err(LedgerError::ReadOnly(path.to_owned()));
    }
    check_local(&folder(path), path)
}

/// Looks without opening: closing a file drops every lock that this process holds on it, those of
/// other connections included (`fcntl(2)`).
pub(super) fn check_readable(path: &Path) -> Result<(), LedgerError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(LedgerError::Unreadable(path.to_owned()));
        }
        Err(_) if !folder(path).is_dir() => return Err(LedgerError::FolderMissing(folder(path))),
        Err(_) => return Err(LedgerError::Missing(path.to_owned())),
    };
    if !found.is_file() {
        return Err(LedgerError::NotAFile(path.to_owned()));
    }
    if access(path, Access::READ_OK).is_err() {
        return Err(LedgerError::Unreadable(path.to_owned()));
    }
    if found.len() == 0 { Err(LedgerError::NotADatabase(path.to_owned())) } else { Ok(()) }
}

/// Whether all of the ledger is in its one file: nobody who writes left a write-ahead log beside it.
pub(super) fn is_whole(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).map_or(true, |log| log.len() == 0)
}

/// The URI by which SQLite reads a file that nobody changes, without writing beside it.
pub(super) fn immutable(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?immutable=1"
}

/// A folder beside the ledger's place, on the same disk, that goes when it is dropped.
pub(super) fn staging(path: &Path) -> Result<TempDir, LedgerError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let made = tempfile::Builder::new().prefix(&format!("{name}-new-")).tempdir_in(folder(path));
    made.map_err(|error| failed(error, path))
}

/// Puts a whole file in its place, durably, and never over another.
pub(super) fn put(staged: &Path, path: &Path) -> Result<(), LedgerError> {
    let sync = |folder: PathBuf| File::open(folder).and_then(|folder| folder.sync_all());
    // The other name of the same file goes with the folder that it is in.
    fs::hard_link(staged, path)
        .or_else(|error| if same(staged, path) { Ok(()) } else { Err(error) })
        .and_then(|()| sync(folder(path)).inspect_err(|_| drop(fs::remove_file(path))))
        .map_err(|error| failed(error, path))
}

/// Puts a whole file in its place, over an older one.
pub(super) fn replace(staged: &Path, path: &Path) -> Result<(), LedgerError> {
    let moved = File::open(staged).and_then(|file| file.sync_all()).and_then(|()| fs::rename(staged, path));
    moved.map_err(|error| failed(error, path))
}

/// Whether two names are of one file: a failed call may have given it the second all the same.
fn same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()));
    id(one).is_some() && id(one) == id(other)
}

fn failed(error: std::io::Error, path: &Path) -> LedgerError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::AlreadyExists => LedgerError::Exists(path),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => LedgerError::Full(path),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => LedgerError::ReadOnly(path),
        _ => LedgerError::Place { path, source: error },
    }
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn check_local(folder: &Path, path: &Path) -> Result<(), LedgerError> {
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)]
    match rustix::fs::statfs(folder).map(|stat| network_kind(stat.f_type as u64 & 0xffff_ffff)) {
        Ok(Some(kind)) => Err(LedgerError::Network { path: path.to_owned(), kind }),
        _ => Ok(()),
    }
}

/// Names a network file system by its magic number (`statfs(2)`).
fn network_kind(magic: u64) -> Option<&'static str> {
    match magic {
        0x6969 => Some("nfs"),
        0x517b => Some("smb"),
        0xff53_4d42 => Some("cifs"),
        0xfe53_4d42 => Some("smb2"),
        0x5346_414f => Some("afs"),
        0x00c3_6400 => Some("ceph"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::network_kind;

    #[test]
    fn names_network_file_systems_and_leaves_local_ones() {
        assert_eq!(network_kind(0x6969), Some("nfs"));
        assert_eq!(network_kind(0xff53_4d42), Some("cifs"));
        for (name, local) in
            [("ext4", 0xef53), ("xfs", 0x5846_5342), ("btrfs", 0x9123_683e), ("tmpfs", 0x0102_1994)]
        {
            assert_eq!(network_kind(local), None, "{name}");
        }
    }
}
