//! `--help` of every command and typical errors, as they are printed.

use std::fs;
use std::path::Path;

use crate::folder::Folder;

pub const COMMANDS: &[&str] = &[
    "",
    "init",
    "key",
    "key new",
    "key enroll",
    "key list",
    "key rotate",
    "key revoke",
    "key quorum",
    "key remove",
    "key log",
    "key separate",
    "key witnesses",
    "open",
    "assign",
    "amend",
    "abort",
    "status",
    "log",
    "show",
    "sign",
    "withdraw",
    "cosign",
    "join",
    "collect",
    "attach",
    "note",
    "record",
    "record snapshot-taken",
    "record stage-reached",
    "record traffic-shifted",
    "record standby-changed",
    "record rollback-triggered",
    "record rollback-step",
    "record rollback-finished",
    "record message-sent",
    "record review-recorded",
    "decide",
    "gate",
    "snapshot",
    "deploy",
    "shift",
    "watch",
    "standby",
    "rollback",
    "say",
    "close",
    "render",
    "report",
    "retro",
    "review",
    "serve",
    "verify",
    "checkpoint",
    "witness",
    "erase",
    "prove",
    "export",
    "rehearse",
    "doctor",
    "help",
    "completions",
    "man",
];

/// Every `-h` against `tests/cli/help.txt`; run with `UPDATE_SNAPSHOTS=1` to write it anew.
#[test]
fn help_is_as_it_was() {
    let folder = Folder::empty();
    let mut all = String::new();
    for command in COMMANDS {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("-h");
        let output =
            folder.command(&args).env_remove("AETHER_AUDIT_KEYS").env("COLUMNS", "100").output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let own = own_part(&text, command.is_empty());
        all.push_str(&format!(
            "$ aether-audit {command}{}-h\n{}\n\n",
            if command.is_empty() { "" } else { " " },
            own.trim_end()
        ));
    }
    snapshot("help.txt", &all);
}

/// Without the options that hold everywhere, which come last: they stand once, at the top.
fn own_part(text: &str, top: bool) -> &str {
    let (own, global) = text.split_once("Global options:\n").expect("its own options come first");
    assert!(global.contains("--deployment <ID>") && !global.contains("\n\n"), "{global}");
    if top { text } else { own }
}

#[test]
fn every_command_is_listed_with_its_help() {
    let folder = Folder::empty();
    let listed = |args: &[&str]| -> Vec<String> {
        let help = folder.ok(args);
        let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
        let name = |line: &str| line.split_whitespace().next().unwrap().to_owned();
        commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).map(name).collect()
    };
    let mut all = listed(&["-h"]);
    for parent in ["key", "record"] {
        all.extend(listed(&[parent, "-h"]).into_iter().map(|child| format!("{parent} {child}")));
    }
    for command in all {
        assert!(COMMANDS.contains(&command.as_str()), "{command} is not among the snapshots of --help");
    }
}

#[test]
fn no_value_of_the_environment_is_printed() {
    let folder = Folder::empty();
    let help = folder.ok(&["--help"]);
    assert!(!help.contains(folder.path().to_str().unwrap()) && !help.contains("correct-horse"), "{help}");
}

/// Compares with a file of this folder.
#[track_caller]
pub fn snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    if before != text {
        let differs = before.lines().zip(text.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let near =
            |text: &str| text.lines().skip(differs.saturating_sub(3)).take(8).collect::<Vec<_>>().join("\n");
        panic!(
            "{name} differs at line {}; if it should, run with UPDATE_SNAPSHOTS=1\nwas:\n{}\nis:\n{}",
            differs + 1,
            near(&before),
            near(text)
        );
    }
}
