//! One entry shown by itself: what it proves, and that nothing in its folder can be changed unseen.

use std::fs;
use std::path::PathBuf;

use crate::folder::{Folder, ORIGIN};

fn proven() -> (Folder, String) {
    let folder = Folder::opened();
    folder.ok(&["sign", "env-audit", "--as", "alice", "--note", "compared with the manifest"]);
    folder.ok(&["note", "somebody else's business", "--as", "bob"]);
    let checkpoint = folder.ok(&["checkpoint"]);
    fs::write(folder.at("ckpt"), checkpoint).unwrap();
    folder.ok(&["prove", "4", "proof"]);
    let roster = folder.roster_sha256();
    (folder, roster)
}

fn verify(folder: &Folder, roster: &str) -> (Option<i32>, String) {
    let ran = folder.run(&["verify", "proof", "--roster-sha256", roster, "--checkpoint", "ckpt"]);
    (ran.status, ran.out + &ran.err)
}

#[test]
fn one_entry_is_proven_and_nothing_else_is_shown() {
    let (folder, roster) = proven();
    let (status, said) = verify(&folder, &roster);
    assert_eq!(status, Some(0), "{said}");
    for word in
        ["item-signed env-audit done", "alice as lead-deployer", "compared with the manifest", "Not shown"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    let mut all = Vec::new();
    let mut folders = vec![folder.at("proof")];
    while let Some(path) = folders.pop() {
        for file in fs::read_dir(path).unwrap().map(|file| file.unwrap().path()) {
            if file.is_dir() { folders.push(file) } else { all.extend(fs::read(file).unwrap()) }
        }
    }
    assert!(!String::from_utf8_lossy(&all).contains("somebody else's business"));
    let stock = "sed -n '/^python3/,/^EOF/p' README.md | sh";
    let checked =
        std::process::Command::new("sh").args(["-c", stock]).current_dir(folder.at("proof")).output();
    assert_eq!(String::from_utf8(checked.unwrap().stdout).unwrap(), "True\n");
}

#[test]
fn without_both_anchors_it_is_not_proven() {
    let (folder, roster) = proven();
    for args in [vec![], vec!["--roster-sha256", &roster], vec!["--checkpoint", "ckpt"]] {
        assert_eq!(folder.run(&[&["verify", "proof"], &args[..]].concat()).status, Some(4), "{args:?}");
    }
    let other = "0".repeat(64);
    assert_eq!(verify(&folder, &other).0, Some(1));
    folder.ok(&["note", "later", "--as", "bob"]);
    let newer = folder.ok(&["checkpoint"]);
    fs::write(folder.at("ckpt"), newer).unwrap();
    let (status, said) = verify(&folder, &roster);
    assert!(status == Some(4) && said.contains("prove 4 --checkpoint"), "{said}");
    folder.ok(&["prove", "4", "again", "--checkpoint", "ckpt", "--without-openings"]);
    fs::remove_dir_all(folder.at("proof")).unwrap();
    fs::rename(folder.at("again"), folder.at("proof")).unwrap();
    let (status, said) = verify(&folder, &roster);
    assert!(status == Some(0) && said.contains("[not shown]"), "{said}");
}

#[test]
fn every_changed_byte_is_found() {
    let (folder, roster) = proven();
    let proofs = ["0", "1", "2", "4"].map(|seq| format!("proof/proofs/{seq}.tlog-proof"));
    let openings = fs::read_dir(folder.at("proof/openings")).unwrap().map(|file| file.unwrap().path());
    let files: Vec<PathBuf> = ["proof/entry.json", "proof/governance.jsonl"]
        .into_iter()
        .chain(proofs.iter().map(String::as_str))
        .map(|name| folder.at(name))
        .chain(openings)
        .collect();
    for file in files {
        let good = fs::read(&file).unwrap();
        let step = good.len() / 12 + 1;
        for at in (0..good.len()).step_by(step).chain([good.len() - 2]) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, &bad).unwrap();
            let (status, said) = verify(&folder, &roster);
            assert!(matches!(status, Some(1 | 2)), "{} at {at}: {said}", file.display());
        }
        fs::remove_file(&file).unwrap();
        let (status, said) = verify(&folder, &roster);
        let opening = file.to_string_lossy().contains("openings");
        assert!(matches!(status, Some(1 | 2)) || opening && said.contains("[not shown]"), "{said}");
        fs::write(&file, &good).unwrap();
    }
    assert_eq!(verify(&folder, &roster).0, Some(0));
}

#[test]
fn what_does_not_belong_to_the_proof_is_found() {
    let (folder, roster) = proven();
    let others = "0".repeat(64);
    let stray = folder.at("proof/openings").join(&others);
    fs::write(&stray, "somebody else's words").unwrap();
    let (status, said) = verify(&folder, &roster);
    assert!(status == Some(1) && said.contains(&others), "{said}");
    fs::remove_file(&stray).unwrap();
    folder.ok(&["prove", "5", "other", "--checkpoint", "ckpt"]);
    let needless = folder.at("proof/proofs/5.tlog-proof");
    fs::copy(folder.at("other/proofs/5.tlog-proof"), &needless).unwrap();
    let (status, said) = verify(&folder, &roster);
    assert!(status == Some(1) && said.contains("entry 5"), "{said}");
    fs::remove_file(&needless).unwrap();
    assert_eq!(verify(&folder, &roster).0, Some(0));
}

#[test]
fn a_checkpoint_of_another_log_is_named() {
    let (folder, roster) = proven();
    let other = Folder::empty();
    other.ok(&["init", "--origin", "example.com/elsewhere", "--as", "alice"]);
    fs::write(folder.at("theirs"), other.ok(&["checkpoint"])).unwrap();
    let ran = folder.run(&["verify", "--roster-sha256", &roster, "--checkpoint", "theirs"]);
    assert_eq!(ran.status, Some(1), "{}{}", ran.out, ran.err);
    let named = format!("it is of the log example.com/elsewhere, this one is {ORIGIN}");
    assert!(ran.out.contains(&named), "{}{}", ran.out, ran.err);
}

#[test]
fn what_cannot_be_proven_is_said() {
    let (folder, _) = proven();
    folder.fails(2, &["prove", "4", "proof"], "is there already and not empty");
    folder.fails(2, &["prove", "99"], "there is no entry 99");
    folder.ok(&["note", "later", "--as", "bob"]);
    folder.fails(2, &["prove", "6", "--checkpoint", "ckpt"], "covers 6 entries, not entry 6");
}

/// The checkpoint's log key, and a revocation, may have come after the entry.
#[test]
fn what_came_later_counts() {
    let (folder, roster) = proven();
    folder.ok(&["key", "log", "--rotate", "--as", "alice"]);
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    fs::remove_dir_all(folder.at("proof")).unwrap();
    folder.ok(&["prove", "4", "proof", "--checkpoint", "ckpt"]);
    let (status, said) = verify(&folder, &roster);
    assert_eq!(status, Some(0), "{said}");
    folder.ok(&["key", "revoke", "alice", "--compromised-from", "4", "--reason", "x", "--as", "alice"]);
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    fs::remove_dir_all(folder.at("proof")).unwrap();
    folder.ok(&["prove", "4", "proof", "--checkpoint", "ckpt"]);
    let (status, said) = verify(&folder, &roster);
    assert!(status == Some(1) && said.contains("key-suspect"), "{said}");
}

#[test]
fn what_was_joined_after_the_roster_changed_is_proven_too() {
    let folder = Folder::opened();
    folder.ok(&["sign", "env-audit", "--as", "alice", "--out", "late"]);
    folder.ok(&["key", "new", "erin"]);
    folder.ok(&["key", "enroll", "erin", "--role", "qa-engineer", "--as", "alice"]);
    folder.ok(&["join", "late"]);
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    folder.ok(&["prove", "5", "proof", "--checkpoint", "ckpt"]);
    let (status, said) = verify(&folder, &folder.roster_sha256());
    assert_eq!(status, Some(0), "{said}");
    folder.fails(2, &["verify", "proof", "--follow", "memory"], "does not grow");
}

#[test]
fn a_pipe_in_a_proof_holds_nobody_up() {
    let (folder, roster) = proven();
    let opening = fs::read_dir(folder.at("proof/openings")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&opening).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&opening).status().unwrap().success());
    let (status, said) = verify(&folder, &roster);
    assert!(status == Some(2) && said.contains("not a regular file"), "{said}");
}
