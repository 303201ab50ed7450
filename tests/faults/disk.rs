//! The program on a disk of which one call fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::folder::{Folder, Ran};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Failed and not applied.
    Refused,
    /// Failed but applied.
    Lost,
    /// Failed and not applied, and nothing can be written from then on.
    Full,
}

pub const WAYS: [Way; 3] = [Way::Refused, Way::Lost, Way::Full];

/// A run with a fault.
pub struct Faulty {
    pub ran: Ran,
    /// The calls that changed something in the folder, in order.
    pub calls: Vec<String>,
    /// Whether the fault came, or the program made fewer calls.
    pub hit: bool,
}

/// Runs the program in a folder, where the call number `at` fails; 0 for none.
pub fn run(folder: &Folder, args: &[&str], at: usize, way: Way) -> Faulty {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("calls");
    let mut inside = folder.path().canonicalize().unwrap().into_os_string();
    inside.push("/");
    let mut command = folder.command(args);
    command.env("LD_PRELOAD", library()).env("FAULT_IN", inside).env("FAULT_LOG", &log);
    command.env("FAULT_AT", at.to_string());
    command.env("FAULT_WAY", format!("{way:?}").to_lowercase());
    let ran = Ran::of(command.output().unwrap());
    let lines = fs::read_to_string(&log).unwrap();
    let calls: Vec<String> = lines.lines().map(str::to_owned).collect();
    let hit = calls.iter().any(|call| call.ends_with(" fails"));
    Faulty { ran, calls, hit }
}

/// `disk.c`, compiled once.
fn library() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/disk.c");
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk.so");
        // Beside it first: another test process may be loading the one that is there.
        let fresh = made.with_extension(format!("{}.so", std::process::id()));
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&fresh).arg(source);
        assert!(cc.status().unwrap().success());
        fs::rename(&fresh, &made).unwrap();
        made
    })
}
