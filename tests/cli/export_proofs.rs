//! The inclusion proofs of an export: there for one deployment, on demand for a whole log, and each of them checked.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::folder::{Folder, copy_all};

fn proofs(export: &Path) -> Vec<u64> {
    let names = fs::read_dir(export.join("proofs")).unwrap().map(|file| file.unwrap().file_name());
    let seq = |name: std::ffi::OsString| {
        name.to_str().unwrap().strip_suffix(".tlog-proof").unwrap().parse().unwrap()
    };
    let mut all: Vec<u64> = names.map(seq).collect();
    all.sort_unstable();
    all
}

/// The findings on an export, by code and seq.
fn findings(folder: &Folder, export: &str) -> Vec<(String, Option<u64>)> {
    let ran = folder.run(&["verify", export, "-o", "json", "--roster-sha256", &folder.roster_sha256()]);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(ran.status, Some(if findings.is_empty() { 4 } else { 1 }), "{}", ran.out);
    findings.iter().map(|f| (f["code"].as_str().unwrap().to_owned(), f["seq"].as_u64())).collect()
}

/// What the README's own lines of Python say of every proof.
fn by_stock_tools(export: &Path) {
    let script = "sed -n \"/^python3 - <<'EOF'/,/^EOF/p\" README.md | sh";
    let ran = Command::new("sh").args(["-c", script]).current_dir(export).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(said.lines().count(), proofs(export).len(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.lines().all(|line| line.ends_with(" True")), "{said}");
}

#[test]
fn a_deployments_export_proves_each_of_its_entries() {
    let folder = Folder::opened();
    folder.ok(&["abort", "--reason", "not today", "--as", "alice"]);
    folder.ok(&["close", "--as", "alice"]);
    folder.ok(&crate::folder::opening("v2.15.0"));
    folder.ok(&["note", "of the second", "--as", "bob"]);
    folder.ok(&["export", "one", "--only-deployment", "--deployment", "v2.14.0"]);
    let entries = fs::read_to_string(folder.at("one/entries.jsonl")).unwrap();
    let seq = |line: &str| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap();
    let given: Vec<u64> = entries.lines().map(seq).collect();
    assert!(given.len() > 4 && !given.contains(&7), "{given:?}");
    assert_eq!(proofs(&folder.at("one")), given);
    assert_eq!(findings(&folder, "one"), []);
    by_stock_tools(&folder.at("one"));

    folder.ok(&["export", "whole"]);
    assert!(!folder.at("whole/proofs").exists());
    assert!(!fs::read_to_string(folder.at("whole/README.md")).unwrap().contains("tlog-proof"));
    folder.ok(&["export", "proven", "--proofs"]);
    assert_eq!(proofs(&folder.at("proven")), (0..=7).collect::<Vec<u64>>());
    assert_eq!(findings(&folder, "proven"), []);
    by_stock_tools(&folder.at("proven"));

    for export in ["one", "proven"] {
        wrong_ones(&folder, export);
    }
}

/// Each proof file altered in one way: a finding that names its entry, and no other.
fn wrong_ones(folder: &Folder, export: &str) {
    let file = |seq: u64| folder.at("altered").join(format!("proofs/{seq}.tlog-proof"));
    let good = fs::read_to_string(folder.at(export).join("proofs/5.tlog-proof")).unwrap();
    let other = fs::read_to_string(folder.at(export).join("proofs/4.tlog-proof")).unwrap();
    let line = |number: usize| good.lines().nth(number).unwrap();
    let path = line(2);
    let flipped = if path.starts_with('A') { path.replacen('A', "B", 1) } else { format!("A{}", &path[1..]) };
    let size = good.split_once("\n\n").unwrap().1.lines().nth(1).unwrap();
    let alterations = [
        good.replacen(path, &flipped, 1),
        good.replacen(&format!("{path}\n"), "", 1),
        good.replacen("index 5\n", "index 4\n", 1),
        good.replacen("index 5\n", "index 05\n", 1),
        good.replacen("tlog-proof@v1", "tlog-proof@v2", 1),
        good.replacen(&format!("\n{size}\n"), "\n7\n", 1),
        good.replacen("example.com", "example.org", 1),
        good[..good.len() - 10].to_owned(),
        other,
        String::new(),
        "\u{0}".into(),
    ];
    for altered in alterations {
        assert_ne!(altered, good);
        copy_all(&folder.at(export), &folder.at("altered"));
        fs::write(file(5), &altered).unwrap();
        assert_eq!(findings(folder, "altered"), [("proof".to_owned(), Some(5))], "{export}: {altered}");
        fs::remove_dir_all(folder.at("altered")).unwrap();
    }
    copy_all(&folder.at(export), &folder.at("altered"));
    fs::rename(file(5), file(99)).unwrap();
    assert_eq!(findings(folder, "altered"), [("proof".to_owned(), Some(99))]);
    fs::write(file(99), good.replacen("index 5\n", "index 99\n", 1)).unwrap();
    assert_eq!(findings(folder, "altered"), [("proof".to_owned(), Some(99))]);
    fs::remove_file(file(99)).unwrap();
    assert_eq!(findings(folder, "altered"), [], "proofs need not be there");
    fs::write(folder.at("altered/proofs/05.tlog-proof"), &good).unwrap();
    fs::create_dir(file(5)).unwrap();
    assert_eq!(findings(folder, "altered"), [("proof".to_owned(), Some(5)), ("proof".to_owned(), None)]);
    fs::remove_dir_all(folder.at("altered")).unwrap();
}
