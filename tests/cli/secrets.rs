//! Passphrases and private keys: how they are given, and that they are shown nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::folder::{Folder, PASSPHRASE, Ran};

fn with(folder: &Folder, args: &[&str], passphrase: Option<&str>) -> Ran {
    let mut command = folder.command(args);
    match passphrase {
        Some(passphrase) => command.env("AETHER_AUDIT_PASSPHRASE", passphrase),
        None => command.env_remove("AETHER_AUDIT_PASSPHRASE"),
    };
    // Without a session there is no terminal to ask on.
    let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let mut alone = std::process::Command::new("setsid");
    alone.arg("--wait").arg(command.get_program()).args(args).current_dir(folder.path());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => alone.env(name, value),
            None => alone.env_remove(name),
        };
    }
    Ran::of(alone.stdin(std::process::Stdio::null()).output().unwrap())
}

#[test]
fn a_passphrase_is_right_or_an_error() {
    let folder = Folder::opened();
    let note = ["note", "x", "--as", "bob"];
    with(&folder, &note, Some("wrong")).failed(2, "wrong passphrase");
    with(&folder, &note, Some("")).failed(2, "wrong passphrase");
    with(&folder, &note, None).failed(2, "set AETHER_AUDIT_PASSPHRASE or --passphrase-file");
    assert_eq!(folder.entries(), 4);
}

#[test]
fn a_passphrase_comes_from_the_first_line_of_a_file() {
    let folder = Folder::opened();
    let note = |file| ["note", "x", "--as", "bob", "--passphrase-file", file];
    fs::write(folder.at("pass"), format!("{PASSPHRASE}\nsecond line\n")).unwrap();
    fs::write(folder.at("crlf"), format!("{PASSPHRASE}\r\n")).unwrap();
    fs::write(folder.at("empty"), "").unwrap();
    fs::write(folder.at("binary"), [0xff, 0xfe, b'\n']).unwrap();
    for good in ["pass", "crlf"] {
        let ran = with(&folder, &note(good), None);
        assert_eq!(ran.status, Some(0), "{}", ran.err);
    }
    let ran = with(&folder, &note("pass"), Some("wrong"));
    assert_eq!(ran.status, Some(0), "the file that is named goes before the variable: {}", ran.err);
    with(&folder, &note("empty"), None).failed(2, "is empty");
    with(&folder, &note("binary"), None).failed(2, "not UTF-8");
    with(&folder, &note("none"), None).failed(2, "cannot read none");
    with(&folder, &note("private"), None).failed(2, "cannot read private");
}

#[test]
fn a_new_key_needs_a_passphrase() {
    let folder = Folder::initialised();
    with(&folder, &["key", "new", "bob"], Some("")).failed(2, "an empty passphrase protects nothing");
    with(&folder, &["key", "new", "bob"], None).failed(2, "no terminal to ask on");
    assert!(!folder.at("private/bob.pem").exists());
}

#[test]
fn private_halves_are_for_their_holder_alone() {
    let folder = Folder::opened();
    assert_eq!(fs::metadata(folder.at("private")).unwrap().permissions().mode() & 0o777, 0o700);
    for file in fs::read_dir(folder.at("private")).unwrap().map(Result::unwrap) {
        let text = fs::read_to_string(file.path()).unwrap();
        if text.contains("PRIVATE KEY") {
            assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{:?}", file.path());
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
    }
    let bob = folder.at("private/bob.pem");
    fs::set_permissions(&bob, fs::Permissions::from_mode(0o644)).unwrap();
    folder.fails(2, &["note", "x", "--as", "bob"], "chmod 600");
}

#[test]
fn a_key_that_is_not_the_rosters_signs_nothing() {
    let folder = Folder::opened();
    let private = |name: &str| folder.at(&format!("private/{name}.pem"));
    fs::copy(private("carol"), private("bob")).unwrap();
    folder.fails(2, &["note", "x", "--as", "bob"], "does not belong to the public key");
    fs::remove_file(private("bob")).unwrap();
    folder.fails(2, &["note", "x", "--as", "bob"], "no private key of bob here");
    assert_eq!(folder.entries(), 4);
}

#[test]
fn a_key_from_the_environment_signs_for_a_pipeline() {
    let folder = Folder::opened();
    let openssl = |args: &[&str]| {
        let output =
            std::process::Command::new("openssl").args(args).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let pass = format!("pass:{PASSPHRASE}");
    let plain = openssl(&["pkcs8", "-in", "private/bob.pem", "-passin", &pass]);
    let note = |pem: &str, who: &str| {
        let mut command = folder.command(&["note", "from a pipeline", "--as", who]);
        command
            .env("AETHER_AUDIT_KEY", pem)
            .env_remove("AETHER_AUDIT_PASSPHRASE")
            .env("AETHER_AUDIT_KEYS", "/nowhere");
        Ran::of(command.output().unwrap())
    };
    let ran = note(&plain, "bob");
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    note(&plain, "carol").failed(2, "not the key that the roster has for carol");
    for bad in ["", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", &plain[..60]]
    {
        note(bad, "bob").failed(2, "AETHER_AUDIT_KEY");
    }
    assert_eq!(folder.entries(), 5);
}

/// Neither the passphrase nor a private key, nor what people wrote, stands where it should not.
#[test]
fn secrets_are_printed_nowhere() {
    let folder = Folder::opened();
    folder.ok(&["note", "token=hunter2", "--as", "bob"]);
    for args in [
        &["log", "--all", "-o", "json"][..],
        &["log", "--all"],
        &["key", "list"],
        &["status", "-v"],
        &["verify"],
    ] {
        let ran = folder.run(args);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(
            !said.contains(PASSPHRASE) && !said.contains("PRIVATE KEY") && !said.contains("hunter2"),
            "{said}"
        );
    }
    let entry = folder.ok(&["show", "4", "--raw"]);
    assert!(!entry.contains("hunter2"), "free text stands in an opening, not in the entry");
    assert!(folder.ok(&["show", "4"]).contains("hunter2"));
    let shelf = fs::read(folder.ledger()).unwrap();
    assert!(!shelf.windows(PASSPHRASE.len()).any(|bytes| bytes == PASSPHRASE.as_bytes()));
}
