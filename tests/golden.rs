//! The committed example: every later version verifies it, and renders it to the same bytes.
//!
//! `tests/golden/make` makes it anew, deliberately.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aether_audit::core::entry::Entry;
use aether_audit::core::event::{Class, Event};
use aether_audit::core::hash::Hash;
use aether_audit::core::log::Log;
use aether_audit::core::name::Token;
use aether_audit::core::opening::Opening;
use aether_audit::report::{self, Input, Integrity, Opened, Report};

const RECORDS: [(&str, &str); 2] = [("v2.14.0", "completed"), ("v2.15.0", "rolled-back")];

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("records/example")
}

/// `verify -o json` with both anchors: exit status and what it says.
fn verify(path: &Path) -> (i32, serde_json::Value) {
    let roster = fs::read_to_string(example().join("roster.sha256")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_aether-audit"))
        .args(["verify", "-o", "json", "--roster-sha256", roster.trim()])
        .arg("--checkpoint")
        .arg(example().join("checkpoint"))
        .arg(path)
        .current_dir(std::env::temp_dir())
        .env_remove("AETHER_AUDIT_LEDGER")
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), said)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for found in fs::read_dir(from).unwrap() {
        let path = found.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

#[test]
fn export_and_records_are_verified() {
    let (status, said) = verify(&example().join("export"));
    assert_eq!((status, said["verdict"].as_str()), (0, Some("verified")), "{said:#}");
    for (id, outcome) in RECORDS {
        let (status, said) = verify(&example().join(id));
        assert_eq!((status, said["verdict"].as_str()), (0, Some("verified")), "{said:#}");
        let record = &said["record"];
        assert_eq!((record["deployment"].as_str(), record["findings"].as_array()), (Some(id), Some(&vec![])));
        assert!(record["stale"].is_null(), "{record:#}");
        let told = said["deployments"].as_array().unwrap().iter().find(|d| d["id"] == id).unwrap();
        assert_eq!(told["outcome"], outcome);
    }
}

#[test]
fn a_changed_byte_anywhere_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let id = RECORDS[0].0;
    let mut files: Vec<PathBuf> =
        ["entries.jsonl", "checkpoint"].map(|name| PathBuf::from("export").join(name)).into();
    for inside in [example().join(id), example().join("export/openings")] {
        let found = fs::read_dir(inside).unwrap().map(|found| found.unwrap().path());
        let relative =
            found.filter(|path| path.is_file()).map(|path| path.strip_prefix(example()).unwrap().to_owned());
        files.extend(relative.map(|path| match path.strip_prefix(id) {
            Ok(name) => name.to_owned(),
            Err(_) => path,
        }));
    }
    assert!(files.len() > 20, "{files:?}");
    for (number, file) in files.iter().enumerate() {
        let spoilt = folder.path().join(number.to_string());
        copy(&example().join(id), &spoilt);
        let path = spoilt.join(file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_aether-audit")).arg("verify").arg(&spoilt).output().unwrap();
        let status = output.status.code();
        assert!(matches!(status, Some(1 | 2)), "{}: {status:?}", file.display());
    }
}

/// The committed report and, from the entries that it covers, checklist and report rendered again.
fn render(id: &str) -> (Report, String, String) {
    let export = example().join("export");
    let record = example().join(id);
    let committed: Report = serde_json::from_slice(&fs::read(record.join("report.json")).unwrap()).unwrap();
    let id = Token::new(id).unwrap();
    let (mut log, mut entries) = (Log::default(), Vec::new());
    for line in fs::read(export.join("entries.jsonl")).unwrap().split(|byte| *byte == b'\n') {
        let Ok(entry) = Entry::parse(line) else {
            assert!(line.is_empty());
            continue;
        };
        let governance = Event::class_of(entry.statement.kind()) == Some(Class::Governance);
        let ours = entry.statement.predicate.deployment.as_ref() == Some(&id);
        if entry.line.seq <= committed.integrity.last_seq && (governance || ours) {
            log.take(&entry, |_| Vec::new());
            entries.push(entry);
        }
    }
    let stated = &committed.integrity;
    let integrity = Integrity {
        log_entries: stated.log_entries,
        first_leaf: stated.first_leaf,
        last_leaf: stated.last_leaf,
        last_seq: stated.last_seq,
        root: stated.root,
        first_roster: stated.first_roster,
        checkpoint: stated.checkpoint.clone(),
        findings: Vec::new(),
        verdict: stated.verdict.clone(),
    };
    let opening = |commit: &Hash| match fs::read(export.join("openings").join(commit.to_string())) {
        Ok(file) => Opened::Bytes(Opening::from_file_bytes(&file).unwrap().bytes),
        Err(_) => Opened::Missing,
    };
    let deployment = &log.deployments[&id];
    let input = Input { log: &log, deployment, entries: &entries, opening: &opening, integrity: &integrity };
    let made = report::report(&input).unwrap();
    (committed, report::checklist(&input, &made).unwrap(), report::to_json(&made).unwrap())
}

#[test]
fn checklist_and_report_are_rendered_to_the_same_bytes() {
    for (id, _) in RECORDS {
        let (_, checklist, json) = render(id);
        let committed = |name: &str| fs::read_to_string(example().join(id).join(name)).unwrap();
        assert!(checklist == committed("Deployment_Checklist.md"), "{id}:\n{checklist}");
        assert!(json == committed("report.json"), "{id}:\n{json}");
    }
}

#[test]
fn it_shows_what_a_record_can_show() {
    let reports: Vec<Report> = RECORDS.iter().map(|(id, _)| render(id).0).collect();
    let text: String = RECORDS.iter().map(|(id, _)| render(id).2).collect();
    assert!(
        reports.iter().all(|report| report.summary.overrides > 0 && !report.interim && !report.rehearsal)
    );
    assert!(reports.iter().any(|report| !report.attachments.is_empty() && !report.notes.is_empty()));
    assert!(reports.iter().any(|report| !report.rollbacks.is_empty()));
    for part in ["\"failed\"", "\"na\"", "\"withdrawn\"", "\"delaySeconds\"", "\"trigger\"", "\"error\""] {
        assert!(text.contains(part), "no {part}");
    }
}

/// Every file of the tree that is not ignored, or of all of it where git is not there to say.
fn tree() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed =
        Command::new("git").args(["ls-files", "-z", "-co", "--exclude-standard"]).current_dir(root).output();
    if let Ok(listed) = listed
        && listed.status.success()
    {
        let names =
            listed.stdout.split(|byte| *byte == 0).map(|name| String::from_utf8(name.to_vec()).unwrap());
        return names.map(|name| root.join(name)).filter(|path| path.is_file()).collect();
    }
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for found in fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            let skipped = path == root.join("target") || path == root.join("private");
            match path.symlink_metadata().unwrap().file_type() {
                kind if kind.is_dir() && !skipped => folders.push(path),
                kind if kind.is_file() => files.push(path),
                _ => {}
            }
        }
    }
    files
}

/// Whether the bytes hold the beginning of a PEM block with a private key in it.
fn holds_private_key(bytes: &[u8]) -> bool {
    let mark = b"PRIVATE KEY-----";
    let body = |rest: &[u8]| rest.iter().find(|byte| !byte.is_ascii_whitespace()).copied() == Some(b'M');
    (0..bytes.len()).any(|at| bytes[at..].starts_with(mark) && body(&bytes[at + mark.len()..]))
}

#[test]
fn no_private_key_is_in_the_tree() {
    let files = tree();
    assert!(
        files.len() > 50 && files.iter().any(|path| path.starts_with(example())),
        "{} files",
        files.len()
    );
    for path in files {
        assert!(!holds_private_key(&fs::read(&path).unwrap()), "{}", path.display());
    }
    let sample = ["-----BEGIN ENCRYPTED PRIVATE ", "KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBK"].concat();
    assert!(holds_private_key(sample.as_bytes()));
}
