//! A project's folder, and the program run in it.
#![allow(dead_code)] // each test binary uses its own part

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

pub const PASSPHRASE: &str = "correct-horse";
pub const ORIGIN: &str = "example.com/audit/prod";
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Opens the deployment of v2.14.0.
pub const OPEN: [&str; 12] = opening("v2.14.0");

/// Opens the deployment of a release, with alice, bob and carol in its roles.
pub const fn opening(release: &str) -> [&str; 12] {
    [
        "open",
        release,
        "--commit",
        COMMIT,
        "--lead-deployer",
        "alice",
        "--comms-lead",
        "bob",
        "--qa-engineer",
        "carol",
        "--as",
        "alice",
    ]
}

/// A folder that goes when this goes.
pub struct Folder {
    dir: TempDir,
}

/// What a run of the program ended with.
pub struct Ran {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Folder {
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// After `init`: alice holds the root key and is Lead Deployer and custodian.
    pub fn initialised() -> Self {
        static MADE: OnceLock<Folder> = OnceLock::new();
        MADE.get_or_init(|| {
            let folder = Self::empty();
            folder.ok(&["init", "--origin", ORIGIN, "--as", "alice"]);
            folder
        })
        .copy()
    }

    /// With bob (Comms Lead) and carol (QA Engineer) on the roster, whose keys lie in the same folder.
    pub fn enrolled() -> Self {
        static MADE: OnceLock<Folder> = OnceLock::new();
        MADE.get_or_init(|| {
            let folder = Self::initialised();
            for (name, role) in [("bob", "comms-lead"), ("carol", "qa-engineer")] {
                folder.ok(&["key", "new", name]);
                folder.ok(&["key", "enroll", name, "--role", role, "--as", "alice"]);
            }
            folder
        })
        .copy()
    }

    /// With the deployment of v2.14.0 open.
    pub fn opened() -> Self {
        static MADE: OnceLock<Folder> = OnceLock::new();
        MADE.get_or_init(|| {
            let folder = Self::enrolled();
            folder.ok(&OPEN);
            folder
        })
        .copy()
    }

    /// The same once more, elsewhere.
    pub fn copy(&self) -> Self {
        let copy = Self::empty();
        copy_all(self.path(), copy.path());
        copy
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn ledger(&self) -> PathBuf {
        self.at("records/ledger.db")
    }

    /// The first roster's hash, as the auditor was handed it.
    pub fn roster_sha256(&self) -> String {
        fs::read_to_string(self.at("keys/roster.sha256")).unwrap().trim().to_owned()
    }

    /// The program in this folder, with the passphrase and the keys of everybody.
    pub fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aether-audit"));
        for (name, _) in std::env::vars_os() {
            let own = name.to_string_lossy();
            if own.starts_with("AETHER_AUDIT_") || own.starts_with("AWS_") || own.ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(self.path())
            .env("AETHER_AUDIT_PASSPHRASE", PASSPHRASE)
            .env("AETHER_AUDIT_KEYS", self.at("private"))
            .env("HOME", self.at("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[impl AsRef<OsStr>]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// Runs what must succeed; gives what it printed on stdout.
    #[track_caller]
    pub fn ok(&self, args: &[impl AsRef<OsStr>]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.status, Some(0), "{}", ran.err);
        ran.out
    }

    /// Runs what must end with `status`, print nothing on stdout and say `says`.
    #[track_caller]
    pub fn fails(&self, status: i32, args: &[impl AsRef<OsStr>], says: &str) -> String {
        self.run(args).failed(status, says)
    }

    /// How many entries the log has.
    pub fn entries(&self) -> usize {
        let log: serde_json::Value = serde_json::from_str(&self.ok(&["log", "--all", "-o", "json"])).unwrap();
        log.as_array().unwrap().len()
    }
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn failed(self, status: i32, says: &str) -> String {
        assert!(!self.err.contains("panicked"), "{}", self.err);
        assert_eq!(self.status, Some(status), "{}{}", self.out, self.err);
        assert!(self.err.contains(says), "{says:?} is not in: {}", self.err);
        assert_eq!(self.out, "", "an error goes to stderr");
        self.err
    }
}

/// Everything in `from`, into the folder `to`, which is made where it is not there.
pub fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (file.path(), to.join(file.file_name()));
        if file.file_type().unwrap().is_dir() {
            copy_all(&from, &to);
            fs::set_permissions(&to, file.metadata().unwrap().permissions()).unwrap();
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
