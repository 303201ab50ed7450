//! An archive in a bucket with Object Lock: against a real server, and one that lies.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use serde_json::Value;

use crate::bucket::{Bucket, SECRET, Scripted, aws};
use crate::folder::{Folder, ORIGIN, Ran};

const PLACE: &str = "s3://locked/audit/aether";

/// Where the archive of the log begins in the bucket.
fn below() -> String {
    let label = sha256(ORIGIN.as_bytes());
    format!("audit/aether/example.com-audit-prod-{}/", &label[..12])
}

fn sha256(bytes: &[u8]) -> String {
    aether_audit::core::hash::Hash::of(&[bytes]).to_string()
}

fn archive(folder: &Folder, bucket: &Bucket, more: &[&str]) -> (Ran, Value) {
    let ran = aws(folder, &bucket.url(), &[&["export", "--archive", PLACE, "-o", "json"], more].concat());
    let told = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    (ran, told)
}

/// How many objects ended so.
fn count(told: &Value, state: &str) -> usize {
    told["objects"].as_array().unwrap().iter().filter(|object| object["state"] == state).count()
}

/// `verify` with the first roster's hash and an archive: the report, and its line about the archive.
fn verify(folder: &Folder, endpoint: &str, place: &str, more: &[&str]) -> (Ran, Value, Value) {
    let roster = folder.roster_sha256();
    let args = [&["verify", "-o", "json", "--roster-sha256", &roster, "--archive", place], more].concat();
    let ran = aws(folder, endpoint, &args);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    let lines: Vec<Value> = report["anchors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|anchor| anchor["kind"] == "archive")
        .cloned()
        .collect();
    assert_eq!(lines.len(), 1, "one line, whatever happens: {lines:?}");
    (ran, report, lines.into_iter().next().unwrap())
}

#[track_caller]
fn found(report: &Value, code: &str, part: &str) {
    let findings = report["findings"].as_array().unwrap();
    let fits = |f: &Value| f["code"] == code && f["text"].as_str().unwrap().contains(part);
    assert!(findings.iter().any(fits), "{code} {part}: {findings:?}");
}

#[test]
fn an_export_is_archived_and_nobody_can_take_it_back() {
    let bucket = Bucket::start();
    let folder = Folder::opened();
    folder.ok(&["note", "the load balancer was touched at 01:50", "--as", "bob"]);
    // More than is read back at once, and nothing at all.
    let large: Vec<u8> =
        (0_u32..17 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(folder.at("large.bin"), large).unwrap();
    fs::write(folder.at("empty.bin"), "").unwrap();
    folder.ok(&["attach", "large.bin", "--as", "bob"]);
    folder.ok(&["attach", "empty.bin", "--as", "bob"]);
    let size = folder.entries();

    let ran = aws(&folder, &bucket.url(), &["export", "--archive", PLACE, "--dry-run"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.out.contains(&format!("{}exports/{size}/entries.jsonl", below())), "{}", ran.out);
    assert_eq!(bucket.keys("locked"), [""; 0], "a dry run writes nothing");

    let (ran, told) = archive(&folder, &bucket, &["--retain", "30", "--with-openings"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("where `erase` cannot reach them before"), "{}", ran.err);
    let objects = told["objects"].as_array().unwrap();
    assert_eq!(count(&told, "written"), objects.len());
    let keys = bucket.keys("locked");
    assert_eq!(keys.len(), objects.len());
    folder.ok(&["export", "out"]);
    for name in ["entries.jsonl", "checkpoint", "roster.json", "README.md"] {
        let key = format!("{}exports/{size}/{name}", below());
        assert!(keys.contains(&key), "{key}: {keys:?}");
        let (_, answer) = bucket.ask("GET", &format!("/locked/{key}"), &[], "");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(body, fs::read_to_string(folder.at("out").join(name)).unwrap(), "{name}");
    }
    for opening in fs::read_dir(folder.at("out/openings")).unwrap() {
        let name = opening.unwrap().file_name().into_string().unwrap();
        assert!(keys.contains(&format!("{}openings/{name}", below())));
    }

    let entries = format!("/locked/{}exports/{size}/entries.jsonl", below());
    let mode = |target: &str| bucket.header(target, "x-amz-object-lock-mode");
    let until = || bucket.header(&entries, "x-amz-object-lock-retain-until-date").unwrap();
    assert_eq!(mode(&entries).as_deref(), Some("COMPLIANCE"));
    let before = until();
    let version = bucket.header(&entries, "x-amz-version-id").unwrap();
    assert_eq!(bucket.ask("DELETE", &format!("{entries}?versionId={version}"), &[], "").0, 403);
    let tomorrow = (chrono::Utc::now() + chrono::TimeDelta::days(1)).format("%Y-%m-%dT%H:%M:%SZ");
    let shorter = format!(
        "<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>{tomorrow}</RetainUntilDate></Retention>"
    );
    let shorten = format!("{entries}?retention&versionId={version}");
    assert_eq!(bucket.ask("PUT", &shorten, &["x-amz-bypass-governance-retention: true"], &shorter).0, 403);
    assert_eq!(until(), before);

    // The same again: nothing new. For longer: the lock is made longer, and never shorter.
    let (ran, told) = archive(&folder, &bucket, &["--retain", "30", "--with-openings"]);
    assert_eq!((ran.status, count(&told, "there")), (Some(0), objects.len()), "{}", ran.err);
    assert_eq!(until(), before);
    let (ran, told) = archive(&folder, &bucket, &["--with-openings"]);
    assert_eq!((ran.status, count(&told, "there")), (Some(0), objects.len()), "{}", ran.err);
    let seven_years = until();
    let year = |time: &str| time[..4].parse::<u32>().unwrap();
    assert!(year(&seven_years) >= year(&before) + 6, "{before} {seven_years}");
    archive(&folder, &bucket, &["--retain", "1"]);
    assert_eq!(until(), seven_years);
    assert_eq!(bucket.keys("locked"), keys);

    // Another entry, named by the configuration, without texts: only what is new is written.
    folder.ok(&["note", "and again", "--as", "bob"]);
    let toml = fs::read_to_string(folder.at("aether.toml")).unwrap();
    let set = format!("{toml}\n[archive]\nurl = \"{PLACE}\"\nretain-days = 400\n");
    fs::write(folder.at("aether.toml"), set).unwrap();
    let ran = aws(&folder, &bucket.url(), &["export", "kept", "--archive"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("The texts that people wrote are not in it"), "{}", ran.err);
    assert!(folder.at("kept/openings").is_dir());
    let new: Vec<String> = bucket.keys("locked").into_iter().filter(|key| !keys.contains(key)).collect();
    assert_eq!(new.len(), 4, "{new:?}");
    assert!(new.iter().all(|key| key.starts_with(&format!("{}exports/{}/", below(), size + 1))), "{new:?}");
}

#[test]
fn an_archive_anchors_the_log_and_shows_what_differs() {
    let bucket = Bucket::start();
    let folder = Folder::opened();
    let endpoint = bucket.url();
    let (ran, _, line) = verify(&folder, &endpoint, PLACE, &[]);
    assert_eq!((ran.status, &line["state"]), (Some(4), &Value::from("absent")), "never archived: {line}");

    archive(&folder, &bucket, &[]);
    let size = folder.entries();
    let (ran, report, line) = verify(&folder, &endpoint, PLACE, &[]);
    assert_eq!(
        (ran.status, &line["state"], &line["size"]),
        (Some(0), &Value::from("holds"), &Value::from(size)),
        "{line}"
    );
    assert_eq!(report["anchoredToSeq"], size - 1);
    let text = aws(&folder, &endpoint, &["verify", "--archive", PLACE]);
    assert_eq!(text.status, Some(4), "without the roster's hash");
    assert!(text.out.contains("\narchive      holds, 1 checkpoint, the newest of"), "{}", text.out);

    // Only where the caller names it: the project's configuration is not asked, neither for it nor for the endpoint.
    let toml = fs::read_to_string(folder.at("aether.toml")).unwrap();
    let elsewhere =
        toml.replace("# endpoint-url = \"http://127.0.0.1:4566\"", "endpoint-url = \"http://127.0.0.1:9\"");
    assert_ne!(toml, elsewhere);
    fs::write(folder.at("aether.toml"), format!("{elsewhere}\n[archive]\nurl = \"{PLACE}\"\n")).unwrap();
    let roster = folder.roster_sha256();
    let plain = aws(&folder, &endpoint, &["verify", "--roster-sha256", &roster]);
    assert_eq!(plain.status, Some(4));
    assert!(plain.out.contains("\narchive      absent, none given"), "{}", plain.out);
    assert_eq!(verify(&folder, &endpoint, PLACE, &[]).0.status, Some(0));
    aws(&folder, &endpoint, &["export", "--archive"]).failed(2, "S3 at http://127.0.0.1:9 cannot be reached");
    fs::write(folder.at("aether.toml"), toml).unwrap();

    // An older archive anchors as far as it goes; cut back behind it, the log is found to be cut.
    let old = folder.copy();
    folder.ok(&["note", "one more", "--as", "bob"]);
    let (ran, report, _) = verify(&folder, &endpoint, PLACE, &[]);
    assert_eq!((ran.status, &report["anchoredToSeq"]), (Some(4), &Value::from(size - 1)));
    assert_eq!(archive(&folder, &bucket, &[]).0.status, Some(0));
    let (ran, report, line) = verify(&old, &endpoint, PLACE, &[]);
    assert_eq!((ran.status, &line["state"]), (Some(1), &Value::from("broken")), "{line}");
    found(&report, "truncated", "in the archive");

    // Another history of the same length, checkpointed by the same key where the memory of the first is gone.
    let forked = old.copy();
    for file in fs::read_dir(forked.at("private")).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        if name.starts_with("head-") || name.starts_with("checkpoint-") {
            fs::remove_file(file.path()).unwrap();
        }
    }
    forked.ok(&["note", "it never happened", "--as", "bob"]);
    let (ran, report, _) = verify(&forked, &endpoint, PLACE, &[]);
    assert_eq!(ran.status, Some(1));
    found(&report, "checkpoint-root", &format!("exports/{}/checkpoint in the archive", size + 1));
    found(&report, "archive-entries", "rewritten after it was archived, or forked");
    let (ran, told) = archive(&forked, &bucket, &[]);
    assert_eq!((ran.status, count(&told, "differs")), (Some(1), 1), "{}", ran.err);
    let key = format!("{}exports/{}/entries.jsonl", below(), size + 1);
    assert!(
        ran.err.contains(&format!("FOUND: s3://locked/{key}: other bytes are there already")),
        "{}",
        ran.err
    );

    // A delete marker hides nothing from it, and a version put on top is seen.
    let target = format!("/locked/{}exports/{}/checkpoint", below(), size + 1);
    assert_eq!(bucket.ask("DELETE", &target, &[], "").0, 204);
    let (ran, report, line) = verify(&folder, &endpoint, PLACE, &[]);
    assert_eq!((ran.status, &line["state"]), (Some(0), &Value::from("holds")), "{line}");
    assert!(report["notices"].as_array().unwrap().iter().any(|n| n["code"] == "archive-hidden"), "{report}");
    assert_eq!(bucket.ask("PUT", &target, &[], "no checkpoint").0, 200);
    let (ran, report, _) = verify(&folder, &endpoint, PLACE, &[]);
    assert_eq!(ran.status, Some(1));
    found(&report, "checkpoint", "(version ");
}

#[test]
fn what_is_not_locked_anchors_nothing() {
    let bucket = Bucket::start();
    let folder = Folder::opened();
    let endpoint = bucket.url();
    let args = ["export", "--archive", "s3://plain/audit/aether"];
    aws(&folder, &endpoint, &args).failed(2, "the bucket plain has no Object Lock");
    aws(&folder, &endpoint, &["export", "out", "--archive", "s3://plain"])
        .failed(2, "put-object-lock-configuration");
    assert!(!folder.at("out").exists() && bucket.keys("plain").is_empty(), "nothing was written");
    aws(&folder, &endpoint, &["export", "--archive", "s3://no-such-bucket"]).failed(2, "there is no bucket");

    // As its owner could have put it there.
    folder.ok(&["export", "out"]);
    for name in ["entries.jsonl", "checkpoint"] {
        let target = format!("/plain/{}exports/{}/{name}", below(), folder.entries());
        let text = fs::read_to_string(folder.at("out").join(name)).unwrap();
        assert_eq!(bucket.ask("PUT", &target, &[], &text).0, 200);
    }
    let (ran, _, line) = verify(&folder, &endpoint, "s3://plain/audit/aether", &[]);
    assert_eq!((ran.status, &line["state"]), (Some(4), &Value::from("untrusted")), "{line}");
    fs::copy(folder.at("out/checkpoint"), folder.at("ckpt")).unwrap();
    let (ran, report, _) = verify(&folder, &endpoint, "s3://plain/audit/aether", &["--checkpoint", "ckpt"]);
    assert_eq!(ran.status, Some(4), "an archive that was asked for and holds nothing is no pass");
    assert!(report["notProven"][0].as_str().unwrap().starts_with("the archive holds nothing"), "{report}");
}

#[test]
fn an_archive_that_cannot_be_reached_is_not_checked() {
    let folder = Folder::opened();
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://user:{SECRET}@{free}");
    let (ran, report, line) = verify(&folder, &nobody, PLACE, &["--checkpoint", "ckpt"]);
    assert_eq!((ran.status, &line["state"]), (Some(4), &Value::from("not-checked")), "{line}");
    assert!(line["text"].as_str().unwrap().contains("cannot be reached"), "{line}");
    assert_eq!(report["verdict"], "not-proven");
    aws(&folder, &nobody, &["export", "--archive", PLACE]).failed(2, "cannot be reached");
    let roster = folder.roster_sha256();
    let args = ["verify", "--roster-sha256", &roster, "--archive", PLACE];
    let bare = Ran::of(folder.command(&args).env("AWS_EC2_METADATA_DISABLED", "true").output().unwrap());
    assert_eq!(bare.status, Some(4));
    assert!(
        bare.out.contains("\narchive      not-checked, ") && bare.out.contains("no AWS region is set"),
        "{}",
        bare.out
    );
    folder.fails(2, &["export", "--archive", "https://example.com/"], "write it as s3://bucket/prefix");
    folder.fails(2, &["export", "--archive"], "where to? Write --archive s3://bucket/prefix");
}

const LOCKED: &str =
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";

fn lock(until: &str) -> String {
    format!(
        "x-amz-version-id: v1\r\nx-amz-object-lock-mode: COMPLIANCE\r\nx-amz-object-lock-retain-until-date: {until}\r\n"
    )
}

/// A bucket that takes everything, and gives it back with these headers, after `alter` has been at it.
fn liar(headers: String, alter: fn(&mut Vec<u8>)) -> Scripted {
    let kept: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::default();
    Scripted::start(move |line, body| {
        let key = line.split([' ', '?']).nth(1).unwrap().to_owned();
        if line.contains("?object-lock") {
            ("200 OK", String::new(), LOCKED.into())
        } else if line.starts_with("GET") {
            let mut bytes = kept.lock().unwrap().get(&key).cloned().unwrap_or_default();
            alter(&mut bytes);
            ("200 OK", headers.clone(), bytes)
        } else {
            kept.lock().unwrap().insert(key, body.to_vec());
            ("200 OK", "x-amz-version-id: v1\r\n".into(), Vec::new())
        }
    })
}

#[test]
fn what_is_read_back_is_compared() {
    let folder = Folder::opened();
    let export = |url: &str| aws(&folder, url, &["export", "--archive", PLACE, "-o", "json"]);
    let honest = liar(lock("2099-01-01T00:00:00Z"), |_| ());
    let ran = export(&honest.url);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    for (lies, says) in [
        (
            liar(lock("2099-01-01T00:00:00Z"), |bytes| bytes[0] ^= 1),
            "what is read back is not what was written",
        ),
        (
            liar(lock("2026-12-24T00:00:00Z"), |_| ()),
            "it is locked until 2026-12-24 00:00:00 UTC, and not until",
        ),
        (
            liar(lock("2099-01-01T00:00:00Z").replace("COMPLIANCE", "GOVERNANCE"), |_| ()),
            "no lock in compliance mode",
        ),
        (
            liar(String::new(), |_| ()),
            "no lock in compliance mode can be seen on it: allow s3:GetObjectRetention",
        ),
    ] {
        let ran = export(&lies.url);
        assert_eq!(ran.status, Some(1), "{says}: {}", ran.err);
        assert!(ran.err.contains(&format!("entries.jsonl: {says}")), "{}", ran.err);
        let told: Value = serde_json::from_str(&ran.out).unwrap();
        let keys = told["objects"].as_array().unwrap().iter().map(|object| object["key"].as_str().unwrap());
        assert!(!keys.clone().any(|key| key.ends_with("/checkpoint")), "what is not right is not complete");
        assert_eq!(count(&told, "differs"), keys.count());
    }
}

#[test]
fn what_is_missing_is_named() {
    let folder = Folder::opened();
    let denies = |action: &'static str| {
        Scripted::start(move |line, _| {
            let denied = match action {
                "lock" => line.contains("?object-lock"),
                _ => line.starts_with(action) && !line.contains("?object-lock"),
            };
            if denied {
                let said = format!("<Error><Code>AccessDenied</Code><Message>{SECRET}</Message></Error>");
                ("403 Forbidden", "content-type: application/xml\r\n".into(), said.into_bytes())
            } else if line.contains("?object-lock") {
                ("200 OK", String::new(), LOCKED.into())
            } else {
                ("200 OK", "x-amz-version-id: v1\r\n".into(), Vec::new())
            }
        })
    };
    for (action, part) in [
        ("lock", "AWS denies s3:GetBucketObjectLockConfiguration on s3://locked/"),
        ("PUT", "AWS denies s3:PutObject and s3:PutObjectRetention on s3://locked/audit/aether/"),
        ("GET", "AWS denies s3:GetObject and s3:GetObjectVersion on s3://locked/audit/aether/"),
    ] {
        let server = denies(action);
        aws(&folder, &server.url, &["export", "--archive", PLACE]).failed(2, part);
    }
    let server = denies("GET");
    let (ran, _, line) = verify(&folder, &server.url, PLACE, &[]);
    assert_eq!(ran.status, Some(4));
    assert!(line["text"].as_str().unwrap().contains("AWS denies s3:ListBucketVersions"), "{line}");
}
