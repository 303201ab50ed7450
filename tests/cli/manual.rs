//! Manual pages.

use std::fs;
use std::process::Command;

use crate::folder::Folder;

#[test]
fn every_command_has_a_page() {
    let folder = Folder::empty();
    let page = folder.ok(&["man", "key", "rotate"]);
    assert!(page.contains(".TH aether-audit-key-rotate 1") && page.contains("signed by both"), "{page}");
    assert!(folder.ok(&["man"]).contains(".TH aether-audit 1"));
    folder.fails(2, &["man", "sing"], "there is no command sing: did you mean sign?");
    folder.ok(&["man", "--to", "man1"]);
    let pages: Vec<String> = fs::read_dir(folder.at("man1"))
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(pages.len(), crate::help::COMMANDS.len(), "{pages:?}");
    assert!(pages.contains(&"aether-audit-record-snapshot-taken.1".to_owned()), "{pages:?}");
}

/// Where groff is at hand, it reads every page without a warning.
#[test]
fn pages_are_sound() {
    let folder = Folder::empty();
    folder.ok(&["man", "--to", "man1"]);
    let check = "command -v groff >/dev/null || exit 0; groff -Kutf8 -man -Tutf8 -ww -z man1/*.1";
    let output = Command::new("sh").args(["-c", check]).current_dir(folder.path()).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
