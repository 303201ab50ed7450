//! When commits were made: Git knows, where the project's folder is within a clone that has them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::core::time::Timestamp;

/// The committer's time of each commit that is there; with it, where the times come from, in words.
pub fn times(home: &Path, commits: &[&str]) -> (BTreeMap<String, Timestamp>, String) {
    let found = ask(home, commits).unwrap_or_default();
    let text = match (found.len(), commits.len()) {
        (_, 0) => "no commit is named".to_owned(),
        (0, all) => {
            format!("not known: no Git repository around the project's folder has any of the {all} commits")
        }
        (some, all) => {
            format!(
                "of {some} of {all} commits, from the Git repository around the project's folder: not part of the record"
            )
        }
    };
    (found, text)
}

fn ask(home: &Path, commits: &[&str]) -> Option<BTreeMap<String, Timestamp>> {
    let mut git = Command::new("git")
        .arg("-C")
        .arg(home)
        .args([
            "-c",
            "log.showSignature=false",
            "log",
            "--no-walk=unsorted",
            "--ignore-missing",
            "--stdin",
            "--format=%H %ct",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = git.stdin.take()?;
    let hex = |text: &&&str| text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let list = commits.iter().filter(hex).flat_map(|commit| [*commit, "\n"]).collect::<String>();
    // Git reads all of its input before it answers.
    let _ = input.write_all(list.as_bytes());
    drop(input);
    let output = git.wait_with_output().ok()?;
    if list.is_empty() || !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    let line = |line: &str| {
        let (hash, seconds) = line.split_once(' ')?;
        Some((hash.to_owned(), Timestamp::from_millis(seconds.parse::<i64>().ok()?.checked_mul(1000)?).ok()?))
    };
    Some(text.lines().filter_map(line).filter(|(hash, _)| commits.contains(&hash.as_str())).collect())
}
