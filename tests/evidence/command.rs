//! The command source with real programs.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use aether_audit::core::check::Phase;
use aether_audit::evidence::{Collected, MAX_RESPONSE};

use crate::child::parent_of;
use crate::{detail, measure};

fn run_in(folder: &Path, argv: &str, more: &str) -> Collected {
    measure(&format!("[[check]]\nid = \"c\"\nsource = \"command\"\nargv = {argv}\n{more}"), folder)
}

fn run(argv: &str, more: &str) -> Collected {
    run_in(Path::new("."), argv, more)
}

fn output(collected: &Collected) -> String {
    String::from_utf8_lossy(&collected.response.as_ref().unwrap().bytes).into_owned()
}

#[test]
fn exit_codes() {
    for (argv, more, phase, part) in [
        ("[\"true\"]", "", Phase::Pass, "exit code 0"),
        ("[\"false\"]", "", Phase::Warn, "exit code 1"),
        ("[\"false\"]", "on-fail = \"trigger\"", Phase::Trigger, "exit code 1"),
        ("[\"false\"]", "exit-code = 1", Phase::Pass, "exit code 1"),
        ("[\"sh\", \"-c\", \"kill -9 $$\"]", "", Phase::Warn, "ended by signal 9"),
        ("[\"/nowhere/at/all\"]", "", Phase::Error, "cannot be started"),
        ("[\"no-such-program-here\"]", "", Phase::Error, "check `argv`"),
    ] {
        let collected = run(argv, more);
        assert_eq!(collected.reading.phase, Some(phase), "{argv}: {}", detail(&collected));
        assert!(detail(&collected).contains(part), "{argv}: {}", detail(&collected));
        assert_eq!(collected.reading.query.as_deref(), Some(argv.replace("\", \"", "\",\"").as_str()));
        assert_eq!(collected.failure.is_some(), phase == Phase::Error);
    }
}

#[test]
fn a_value_from_the_output() {
    let argv = "[\"sh\", \"-c\", \"echo lag: 12.5 s; echo noise >&2\"]";
    let collected = run(
        argv,
        "value-pattern = 'lag: ([0-9.]+)'\nunit = \"seconds\"\nobjective = \"< 10\"\nrollback = \"> 60\"",
    );
    assert_eq!(collected.reading.phase, Some(Phase::Warn), "{}", detail(&collected));
    assert_eq!(collected.reading.value.as_ref().unwrap().as_str(), "12.5");
    assert!(output(&collected).contains("noise"));
    // The number came from a program that failed: both count, and the worse one wins.
    let failing =
        run("[\"sh\", \"-c\", \"echo 5; exit 3\"]", "value-pattern = '[0-9]+'\nobjective = \"< 10\"");
    assert_eq!(failing.reading.phase, Some(Phase::Warn));
    for text in ["nothing", "1e5.", "007"] {
        let none = run(&format!("[\"echo\", \"{text}\"]"), "value-pattern = '.*'\nobjective = \"< 10\"");
        assert_eq!(none.reading.phase, Some(Phase::NoData), "{text}");
        assert!(detail(&none).contains("no number in the output"));
    }
}

#[test]
fn words_are_not_given_to_a_shell() {
    assert_eq!(output(&run("[\"echo\", \"$HOME; id\", \"`id`\"]", "")), "$HOME; id `id`\n");
}

#[test]
fn the_whole_group_ends_at_the_timeout() {
    let started = "[\"sh\", \"-c\", \"sleep 600 & echo $!; sleep 600\"]";
    let collected = run(started, "timeout-seconds = 1\non-fail = \"trigger\"");
    assert_eq!(collected.reading.phase, Some(Phase::Trigger));
    assert!(detail(&collected).contains("killed after 1 s"), "{}", detail(&collected));
    gone(output(&collected).trim());
    // One that gave up its output is killed too, and does nothing more.
    let folder = tempfile::tempdir().unwrap();
    let silent = run_in(
        folder.path(),
        "[\"sh\", \"-c\", \"exec >&- 2>&-; sleep 4; touch later\"]",
        "timeout-seconds = 1",
    );
    assert!(detail(&silent).contains("killed after 1 s"), "{}", detail(&silent));
    assert!(!folder.path().join("later").exists());
}

#[test]
fn what_a_program_leaves_behind_does_not_hang_the_check() {
    let collected = run("[\"sh\", \"-c\", \"sleep 600 & echo $!\"]", "");
    assert_eq!(collected.reading.phase, Some(Phase::Pass), "{}", detail(&collected));
    gone(output(&collected).trim());
}

fn gone(process: &str) {
    let patience = Instant::now() + Duration::from_mins(1);
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // A zombie has ended; only its parent has not looked yet.
        if stat.is_empty() || stat.contains(") Z ") {
            return;
        }
        assert!(Instant::now() < patience, "process {process} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn endless_output_is_cut_and_the_program_still_ends() {
    let argv = "[\"sh\", \"-c\", \"head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2\"]";
    let collected = run(argv, "timeout-seconds = 60");
    assert_eq!(collected.reading.phase, Some(Phase::Pass), "{}", detail(&collected));
    assert!(detail(&collected).contains("output cut"));
    assert!(collected.response.unwrap().bytes.len() <= MAX_RESPONSE);
}

#[test]
fn runs_in_the_project_folder() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("scripts/where");
    std::fs::create_dir(script.parent().unwrap()).unwrap();
    std::fs::write(&script, "#!/bin/sh\npwd -P\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let collected = run_in(folder.path(), "[\"scripts/where\"]", "");
    assert_eq!(Path::new(output(&collected).trim()), folder.path().canonicalize().unwrap());
    let input = run_in(folder.path(), "[\"cat\"]", "");
    assert_eq!(input.reading.phase, Some(Phase::Pass), "standard input is empty, not the terminal");
}

#[test]
fn the_programs_secrets_are_not_handed_on() {
    let secret = [("AETHER_AUDIT_PASSPHRASE", "hunter2"), ("AETHER_OTHER", "kept")];
    if parent_of("command::the_programs_secrets_are_not_handed_on", &secret) {
        return;
    }
    assert_eq!(std::env::var("AETHER_AUDIT_PASSPHRASE").as_deref(), Ok("hunter2"));
    let seen = output(&run("[\"env\"]", ""));
    assert!(seen.contains("AETHER_OTHER=kept") && !seen.contains("hunter2"), "{seen}");
}
