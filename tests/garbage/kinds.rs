//! The kinds of garbage.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// A name, and what makes it.
type Kind = (&'static str, fn(&Path));

/// What to put in the place of an input, by name.
pub const KINDS: &[Kind] = &[
    ("empty", |path| write(path, b"")),
    ("one byte", |path| write(path, b"{")),
    ("newlines", |path| write(path, b"\n\n\n\n")),
    ("NULs", |path| write(path, &[0; 4096])),
    ("no UTF-8", |path| write(path, &[0xff; 300])),
    ("a mark and no UTF-8", |path| write(path, b"\xef\xbb\xbf{\"a\":\"\xc3\x28\"}")),
    ("UTF-16", |path| write(path, b"\xff\xfe{\0}\0\n\0")),
    ("noise", |path| write(path, &noise(20_000))),
    ("prose", |path| write(path, "This is not what was asked for.\n".repeat(50).as_bytes())),
    ("a long line", |path| write(path, "x".repeat(1 << 20).as_bytes())),
    ("null", |path| write(path, b"null\n")),
    ("a number", |path| write(path, b"1e999\n")),
    ("an empty object", |path| write(path, b"{}\n")),
    ("deep arrays", |path| write(path, "[".repeat(200_000).as_bytes())),
    ("deep objects", |path| write(path, "{\"a\":".repeat(100_000).as_bytes())),
    ("deep lists", |path| write(path, "- ".repeat(30_000).as_bytes())),
    ("deep quotes", |path| write(path, "> ".repeat(30_000).as_bytes())),
    ("deep tables", |path| write(path, format!("a{} = 1", ".a".repeat(20_000)).as_bytes())),
    ("a PEM of nothing", |path| {
        write(path, b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n");
    }),
    ("a PEM of noise", |path| {
        write(path, b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBK\n-----END ENCRYPTED PRIVATE KEY-----\n");
    }),
    ("a database of nothing", |path| write(path, &[b"SQLite format 3\0".as_slice(), &noise(8176)].concat())),
    ("65 MiB", |path| {
        write(path, b"");
        File::options().write(true).open(path).unwrap().set_len(65 << 20).unwrap();
    }),
    ("a folder", |path| fs::create_dir(path).unwrap()),
    ("a link to nowhere", |path| symlink("nowhere-at-all", path).unwrap()),
    ("a link to itself", |path| symlink(path, path).unwrap()),
    ("no end", |path| symlink("/dev/zero", path).unwrap()),
    ("no bytes", |path| symlink("/dev/null", path).unwrap()),
    ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
];

/// Takes away what is at `path`, whatever it is, and puts garbage there.
pub fn put(make: fn(&Path), path: &Path) {
    clear(path);
    make(path);
}

pub fn clear(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The same noise each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(next).collect()
}
