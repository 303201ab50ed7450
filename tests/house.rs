//! How the house is built: which room knows which, how long files are, what is never committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The rooms that a room may know besides itself. Nothing else is imported by anybody.
const ARROWS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("archive", &["core", "remote"]),
    ("config", &["core"]),
    ("evidence", &["core", "remote"]),
    ("ledger", &["core"]),
    ("notify", &["core", "remote"]),
    ("remote", &["core"]),
    ("report", &["core"]),
    ("serve", &["core"]),
    ("tsa", &["core", "remote"]),
    ("witness", &["core", "remote"]),
    (
        "cli",
        &[
            "archive", "config", "core", "evidence", "ledger", "notify", "remote", "report", "serve", "tsa",
            "witness",
        ],
    ),
    ("main.rs", &["cli"]),
];

/// What a room that has no IO, no clock, no random source and no async does not use.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "SystemTime",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "getrandom",
    "tokio",
    "async fn",
    "async move",
    "rusqlite",
    "ureq",
    "aws_",
    "tempfile",
    "println!",
    "eprintln!",
    "dbg!",
    "include_str!(\"/",
];

const LONGEST_FILE: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            found.extend(sources(&file));
        } else if file.extension().is_some_and(|extension| extension == "rs") {
            found.push(file);
        }
    }
    assert!(!found.is_empty(), "no source in {}", folder.display());
    found
}

/// The room of a file: the first part of its path below `src`.
fn room(file: &Path) -> String {
    let below = file.strip_prefix(root().join("src")).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
    if below.components().count() == 1 && first != "main.rs" {
        first.replace(".rs", "")
    } else {
        first.into()
    }
}

/// The code of a file without its comments and without its unit tests, which stand at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let end = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms that code names: after `crate::` or `aether_audit::`, also within braces.
fn rooms_named(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for prefix in ["crate::", "aether_audit::"] {
        for (at, _) in code.match_indices(prefix) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let rest = &code[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(group) => named.extend(top_level_names(group)),
                None => named.extend(first_word(rest)),
            }
        }
    }
    named
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// The first word of each member of a `use` group.
fn top_level_names(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names: Vec<String> = first_word(group).into_iter().collect();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(first_word(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

#[test]
fn arrows_run_one_way() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in sources(&root().join("src")) {
        let room = room(&file);
        if room == "lib" {
            continue;
        }
        let allowed = ARROWS.iter().find(|(name, _)| *name == room);
        let (_, allowed) =
            allowed.unwrap_or_else(|| panic!("{}: no arrow is drawn for {room}", file.display()));
        for named in rooms_named(&code(&file)) {
            if named != room && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{} names {named}", file.strip_prefix(root()).unwrap().display()));
            }
        }
        seen.insert(room);
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(seen, ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect(), "a room is missing");
}

#[test]
fn the_reader_of_arrows_sees_them() {
    let named = |code: &str| rooms_named(code).into_iter().collect::<Vec<_>>();
    assert_eq!(named("use crate::core::entry::Entry;"), ["core"]);
    assert_eq!(named("use crate::{core::{a, b}, ledger::Ledger, report};"), ["core", "ledger", "report"]);
    assert_eq!(named("let x = crate::evidence::collect();\naether_audit::cli::main()"), ["cli", "evidence"]);
    assert_eq!(named("pub(crate) fn my_crate::x() {}"), [""; 0]);
}

/// The verifier is not the writer: it walks what it is given, and knows no store.
#[test]
fn the_verifier_never_names_the_ledger() {
    let files = sources(&root().join("src/core/verify"));
    assert!(files.len() > 3);
    for file in files {
        assert!(!code(&file).contains("ledger::"), "{}", file.display());
    }
}

#[test]
fn the_core_is_pure() {
    for file in sources(&root().join("src/core")) {
        let code = code(&file);
        for word in IMPURE {
            assert!(!code.contains(word), "{} uses {word}", file.display());
        }
    }
}

#[test]
fn nothing_is_unsafe_and_nothing_panics_on_purpose() {
    for file in sources(&root().join("src")) {
        let code = code(&file);
        for word in [
            "unsafe {",
            "unsafe fn",
            "panic!(",
            "todo!(",
            "unimplemented!(",
            ".unwrap()",
            ".expect(\"",
            "dbg!(",
        ] {
            assert!(!code.contains(word), "{} has {word}", file.strip_prefix(root()).unwrap().display());
        }
    }
}

#[test]
fn files_are_short() {
    let long: Vec<String> = sources(&root().join("src"))
        .into_iter()
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, file)| format!("{}: {lines} lines", file.strip_prefix(root()).unwrap().display()))
        .collect();
    assert_eq!(long, [""; 0], "split them into folder modules");
}

fn tracked() -> Vec<PathBuf> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    let files: Vec<PathBuf> = names.split_terminator('\0').map(|name| root().join(name)).collect();
    assert!(files.len() > 50, "{} tracked files", files.len());
    files.into_iter().filter(|file| file.is_file()).collect()
}

/// A PEM of a private key: its first line and base64 after it. Sources that only name the line have none.
fn holds_private_key(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let marks = ["PRIVATE KEY-----\n", "PRIVATE KEY-----\r\n", "PRIVATE KEY-----\\n"];
    marks.iter().any(|mark| {
        text.match_indices(mark).any(|(at, _)| {
            let begins =
                text[..at].rfind("-----").is_some_and(|begin| text[begin..at].starts_with("-----BEGIN "));
            let body = text[at + mark.len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c));
            begins && body.count() >= 40
        })
    })
}

#[test]
fn no_private_key_is_tracked() {
    let found: Vec<PathBuf> =
        tracked().into_iter().filter(|file| holds_private_key(&fs::read(file).unwrap())).collect();
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn the_reader_of_keys_sees_them() {
    let body = "M".repeat(64);
    for kind in ["", "ENCRYPTED ", "RSA ", "OPENSSH "] {
        assert!(
            holds_private_key(format!("x\n-----BEGIN {kind}PRIVATE KEY-----\n{body}\n").as_bytes()),
            "{kind}"
        );
        assert!(
            holds_private_key(format!("\"-----BEGIN {kind}PRIVATE KEY-----\\n{body}\"").as_bytes()),
            "{kind}"
        );
    }
    assert!(!holds_private_key(format!("-----BEGIN PUBLIC KEY-----\n{body}\n").as_bytes()));
    assert!(!holds_private_key(b"starts with -----BEGIN PRIVATE KEY-----\n and that is all"));
}

#[test]
fn the_top_level_holds_what_it_should() {
    const KNOWN: &[&str] = &[
        ".ci",
        ".github",
        ".gitattributes",
        ".gitignore",
        ".rustfmt.toml",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "askama.toml",
        "benches",
        "build.rs",
        "clippy.toml",
        "deny.toml",
        "docs",
        "keys",
        "records",
        "rust-toolchain.toml",
        "src",
        "templates",
        "tests",
    ];
    let names: BTreeSet<String> = tracked()
        .iter()
        .map(|file| {
            file.strip_prefix(root())
                .unwrap()
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_str()
                .unwrap()
                .into()
        })
        .collect();
    let strange: Vec<&String> = names.iter().filter(|name| !KNOWN.contains(&name.as_str())).collect();
    assert_eq!(strange, Vec::<&String>::new(), "a new name at the top level is a decision: add it here");
}
