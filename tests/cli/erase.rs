//! Erasing a text: gone from the disk, said in every rendering, and nothing else broken.

use std::fs;

use serde_json::Value;

use crate::folder::Folder;

const SECRET: &str = "hunter2-pasted-at-two-in-the-morning";

fn pasted(by: &str) -> (Folder, String) {
    let folder = Folder::opened();
    folder.ok(&["note", SECRET, "--as", by]);
    let shown: Value = serde_json::from_str(&folder.ok(&["show", "4", "-o", "json"])).unwrap();
    let commit = shown["openings"].as_object().unwrap().keys().next().unwrap().clone();
    (folder, commit)
}

fn on_disk(folder: &Folder) -> bool {
    fs::read_dir(folder.at("records")).unwrap().map(|file| file.unwrap().path()).any(|path| {
        path.is_file() && fs::read(path).unwrap().windows(SECRET.len()).any(|w| w == SECRET.as_bytes())
    })
}

#[test]
fn what_is_erased_is_gone_and_said_everywhere() {
    let (folder, commit) = pasted("bob");
    let roster = folder.roster_sha256();
    let verify = |args: &[&str]| folder.run(&[&["verify", "--roster-sha256", &roster], args].concat());
    folder.ok(&["report", "--as", "alice"]);
    folder.ok(&["export", "older"]);
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    folder.ok(&["prove", "4", "proof"]);
    assert!(on_disk(&folder));
    let erase = ["erase", &commit[..8], "--reason", "a password", "--as", "alice"];
    folder.fails(2, &erase, "say --yes");
    let shown = folder.run(&[&erase[..], &["--dry-run"]].concat());
    assert!(shown.err.contains("What cannot be called back"), "{}", shown.err);
    assert!(on_disk(&folder));
    let done = folder.run(&[&erase[..], &["--yes"]].concat());
    assert_eq!(done.status, Some(0), "{}", done.err);
    assert!(
        done.err.contains("the text still stands in") && done.err.contains("report.html"),
        "{}",
        done.err
    );
    assert!(!done.err.contains(SECRET) && !done.out.contains(SECRET), "a log keeps what a terminal forgets");
    assert!(!on_disk(&folder));
    folder.fails(2, &[&erase[..], &["--yes"]].concat(), "erased already");

    let stale = verify(&["records/v2.14.0", "--checkpoint", "ckpt"]);
    assert_eq!(stale.status, Some(4), "an older report is stale, not tampered: {}{}", stale.out, stale.err);
    folder.ok(&["report", "--as", "alice"]);
    folder.ok(&["render"]);
    for file in ["report.md", "report.html", "report.json", "Deployment_Checklist.md"] {
        let text = fs::read_to_string(folder.at("records/v2.14.0").join(file)).unwrap();
        assert!(!text.contains(SECRET), "{file}");
        if file == "report.md" {
            assert!(
                text.contains("erased on") && text.contains("a password") && text.contains("alice"),
                "{text}"
            );
        }
    }
    fs::write(folder.at("newer"), folder.ok(&["checkpoint"])).unwrap();
    let now = verify(&["--checkpoint", "newer", "--checkpoint", "ckpt"]);
    assert_eq!(now.status, Some(0), "{}{}", now.out, now.err);
    assert!(now.out.contains("opening-erased"), "{}", now.out);
    let older = verify(&["older", "--checkpoint", "ckpt"]);
    assert_eq!(older.status, Some(0), "{}{}", older.out, older.err);
    assert_eq!(verify(&["proof", "--checkpoint", "ckpt"]).status, Some(0));
}

#[test]
fn nobody_erases_their_own_words_alone() {
    let (folder, commit) = pasted("alice");
    let erase = ["erase", &commit, "--reason", "x", "--yes", "--as", "alice"];
    folder.fails(2, &erase, "nobody erases their own words alone");
    let by_bob = ["erase", &commit, "--reason", "x", "--yes", "--as", "bob"];
    folder.fails(1, &by_bob, "may not be recorded so");
    folder.ok(&["key", "new", "dora"]);
    folder.ok(&["key", "enroll", "dora", "--role", "custodian", "--as", "alice"]);
    folder.ok(&[&erase[..], &["--out", "e", "--with", "dora"]].concat());
    assert!(on_disk(&folder));
    folder.ok(&["cosign", "e", "--as", "dora"]);
    folder.ok(&["join", "e"]);
    assert!(!on_disk(&folder));
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    folder.ok(&["verify", "--roster-sha256", &folder.roster_sha256(), "--checkpoint", "ckpt"]);
}

#[test]
fn what_is_not_there_is_not_erased() {
    let (folder, commit) = pasted("bob");
    let erase =
        |commit: &str| ["erase", commit, "--reason", "x", "--yes", "--as", "alice"].map(str::to_owned);
    folder.fails(2, &erase("1234567"), "8 to 64");
    folder.fails(2, &erase("zzzzzzzz"), "8 to 64");
    let other: String = commit.chars().map(|c| if c == '0' { '1' } else { '0' }).collect();
    folder.fails(2, &erase(&other), "no entry refers to");
    assert!(on_disk(&folder));
}

#[test]
fn the_checklist_s_own_text_can_go_and_the_record_still_renders() {
    let folder = Folder::opened();
    let shown: Value = serde_json::from_str(&folder.ok(&["show", "3", "-o", "json"])).unwrap();
    let text = &shown["statement"]["predicate"]["body"]["checklist"]["text"]["commit"];
    let erase = ["erase", text.as_str().unwrap(), "--reason", "a phone number", "--yes", "--as"];
    folder.fails(2, &[&erase[..], &["alice"]].concat(), "nobody erases their own words alone");
    folder.ok(&["key", "new", "dora"]);
    folder.ok(&["key", "enroll", "dora", "--role", "custodian", "--as", "alice"]);
    folder.ok(&[&erase[..], &["dora"]].concat());
    folder.ok(&["render"]);
    let rendered = fs::read_to_string(folder.at("records/v2.14.0/Deployment_Checklist.md")).unwrap();
    assert!(rendered.contains("erased on") && rendered.contains("a phone number"), "{rendered}");
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    folder.ok(&["report", "--as", "alice"]);
}
