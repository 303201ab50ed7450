//! `report --pdf`: with the Chromium of this machine, with none, and with one that fails.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::folder::Folder;

const RECORD: &str = "records/v2.14.0";

/// The Chromium that the tests drive.
fn chromium() -> String {
    let find = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages/chromium");
    let found = Command::new(find).output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

/// `verify` of the record, both ends anchored.
fn verify(folder: &Folder) -> (Option<i32>, serde_json::Value) {
    fs::write(folder.at("checkpoint"), folder.ok(&["checkpoint"])).unwrap();
    let roster = folder.roster_sha256();
    let ran = folder.run(&[
        "verify",
        RECORD,
        "-o",
        "json",
        "--checkpoint",
        "checkpoint",
        "--roster-sha256",
        &roster,
    ]);
    (ran.status, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err)))
}

#[test]
fn the_page_is_printed_signed_and_told_to_be_nothing_more() {
    let folder = Folder::opened();
    let pdf = folder.at(RECORD).join("report.pdf");
    folder.ok(&["report", "--pdf", "--chromium", &chromium(), "--as", "alice"]);
    let printed = fs::read(&pdf).unwrap();
    assert!(printed.starts_with(b"%PDF-") && printed.len() > 10_000, "{}", printed.len());
    let (status, said) = verify(&folder);
    assert_eq!((status, said["verdict"].as_str()), (Some(4), Some("not-proven")), "{said:#}");
    assert_eq!(said["record"]["findings"], serde_json::json!([]));
    let told = said["record"]["notCompared"].as_str().unwrap();
    assert!(told.starts_with("report.pdf is the file that was signed"), "{told}");

    let mut other = printed.clone();
    other[5000] ^= 1;
    fs::write(&pdf, other).unwrap();
    let (status, said) = verify(&folder);
    assert_eq!(
        (status, said["record"]["findings"][0]["code"].as_str()),
        (Some(1), Some("report-file-changed"))
    );
    fs::remove_file(&pdf).unwrap();
    let (status, said) = verify(&folder);
    assert_eq!(
        (status, said["record"]["findings"][0]["code"].as_str()),
        (Some(1), Some("report-file-missing"))
    );

    // A report without it does not leave the earlier one beside what it signs.
    fs::write(&pdf, printed).unwrap();
    let ran = folder.run(&["report", "--as", "alice"]);
    assert!(ran.err.contains("report.pdf of the earlier report was removed"), "{}", ran.err);
    assert!(!pdf.exists());
    let (status, said) = verify(&folder);
    assert_eq!(status, Some(0), "{said:#}");
}

#[test]
fn without_a_chromium_the_rest_is_written() {
    let folder = Folder::opened();
    let failing = folder.at("failing");
    fs::write(&failing, "#!/bin/sh\necho out of paper >&2\nexit 9\n").unwrap();
    fs::set_permissions(&failing, fs::Permissions::from_mode(0o755)).unwrap();
    let silent = folder.at("silent");
    fs::write(&silent, "#!/bin/sh\nexit 0\n").unwrap();
    fs::set_permissions(&silent, fs::Permissions::from_mode(0o755)).unwrap();
    let named = |name: &str| vec!["report".to_owned(), "--pdf".into(), "--chromium".into(), name.into()];
    let ways = [
        (vec!["report".to_owned(), "--pdf".into()], "no Chromium is here (chromium, chromium-browser"),
        (
            named("nowhere/chromium"),
            "nowhere/chromium is no program: name a Chromium or Chrome in --chromium",
        ),
        (named(failing.to_str().unwrap()), "printed nothing (exit code 9): out of paper"),
        (named(silent.to_str().unwrap()), "printed nothing (exit code 0): it said nothing"),
    ];
    let empty = folder.at("empty");
    fs::create_dir(&empty).unwrap();
    for (arguments, says) in ways {
        let mut command = folder.command(&arguments);
        command.env("PATH", &empty).env_remove("CHROMIUM").env("AETHER_AUDIT_AS", "alice");
        let output = command.output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(
            err.contains("report.pdf was not made, all else was: ") && err.contains(says),
            "{says}: {err}"
        );
        assert!(!folder.at(RECORD).join("report.pdf").exists());
        let (status, said) = verify(&folder);
        assert_eq!(status, Some(0), "{said:#}");
    }
}
