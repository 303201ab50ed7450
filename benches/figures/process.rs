//! The program as a whole process: how long, and how much memory at most.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::sample::as_millis;
use super::world::PASSPHRASE;

/// What one process took.
pub struct Ran {
    pub millis: f64,
    /// The most memory that was resident at once, in KiB.
    pub peak_kib: u64,
}

pub fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aether-audit"));
    command
        .arg("-C")
        .arg(home)
        .env("AETHER_AUDIT_KEYS", home.join("private"))
        .env("AETHER_AUDIT_PASSPHRASE", PASSPHRASE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs it to its end and holds its exit status against `expected`.
pub fn run(command: &mut Command, expected: i32) -> f64 {
    let start = Instant::now();
    let status = command.status().expect("the program starts");
    let took = as_millis(start.elapsed());
    assert_eq!(status.code(), Some(expected), "{command:?}");
    took
}

/// The same, looking at its memory all the while.
pub fn watched(command: &mut Command, expected: i32) -> Ran {
    let start = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let status = loop {
        if let Ok(text) = fs::read_to_string(&status_file) {
            peak_kib = peak_kib.max(high_water(&text));
        }
        if let Some(status) = child.try_wait().expect("it is our child") {
            break status;
        }
        thread::sleep(Duration::from_millis(3));
    };
    let millis = as_millis(start.elapsed());
    assert_eq!(status.code(), Some(expected), "{command:?}");
    Ran { millis, peak_kib }
}

fn high_water(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}
