//! Typical errors, word for word: what was wrong, where, and what to type now.

use crate::folder::{COMMIT, Folder};
use crate::help::snapshot;

#[test]
fn typical_errors_are_as_they_were() {
    let empty = Folder::empty();
    let opened = Folder::opened();
    let mut all = String::new();
    let mut show = |folder: &Folder, command: &str| {
        let args: Vec<&str> = command.split(' ').collect();
        let ran = folder.run(&args);
        assert_ne!(ran.status, Some(0), "{command}");
        let said = ran.err.replace(folder.path().to_str().unwrap(), "[FOLDER]");
        // With variables set, clap lists their options in its usage line.
        let said = said.replace(" --keys <DIR>", "");
        all.push_str(&format!("$ aether-audit {command}\n? {}\n{}{said}\n", ran.status.unwrap(), ran.out));
    };
    show(&empty, "status");
    show(&empty, "nonsense");
    show(&empty, "init --origin https://example.com --as alice");
    show(&opened, "init --origin example.com/audit/prod --as alice");
    show(&opened, "sign team-ready");
    show(&opened, "sign team-ready --as bob");
    show(&opened, "sign http-5xx --as carol");
    show(&opened, "sign env --as alice");
    show(&opened, "note x --as zed");
    show(&opened, "decide go --reason ready --as alice");
    show(&opened, "decide go --as alice");
    show(&opened, "gate shift");
    show(&opened, "close --as alice");
    show(
        &opened,
        &format!(
            "open v2.14.0 --commit {COMMIT} --lead-deployer alice --comms-lead bob --qa-engineer carol --as alice"
        ),
    );
    show(
        &opened,
        &format!(
            "open v3 --commit {COMMIT} --lead-deployer alice --comms-lead bob --qa-engineer alice --as alice"
        ),
    );
    show(&opened, "log --ledger none.db");
    show(&opened, "log --ledger aether.toml");
    show(&opened, "join none.json");
    show(&opened, "collect none --as alice");
    show(&opened, "verify --roster-sha256 abc");
    snapshot("errors.txt", &all);
}
