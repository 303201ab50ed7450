//! The file source, and files that are no readings.

use std::path::Path;

use aether_audit::core::check::Phase;
use aether_audit::core::time::Timestamp;
use aether_audit::evidence::Collected;

use crate::{config, detail, measure_at};

const CHECK: &str = "[[check]]\nid = \"http-5xx\"\nsource = \"file\"\npath = \"readings.json\"\nobjective = \"< 0.1\"\nrollback = \"> 1\"\n";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn read(folder: &Path, more: &str) -> Collected {
    let config = config(&format!("{CHECK}{more}"));
    measure_at(&config, &config.check[0], folder, at("2026-07-03T02:10:30.000Z"))
}

fn reading_of(text: &[u8], more: &str) -> Collected {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("readings.json"), text).unwrap();
    read(folder.path(), more)
}

#[test]
fn only_the_window_counts() {
    let text = br#"{"series":{"other":[],"http-5xx":[
        ["2026-07-03T02:10:00.000Z","9"], ["2026-07-03T02:09:59.999Z","0.05"], ["2026-07-03T02:05:00.000Z","0.02"],
        ["2026-07-03T02:04:59.999Z","9"]]}}"#;
    let collected = reading_of(text, "");
    let reading = &collected.reading;
    assert_eq!((reading.phase, reading.value.as_ref().unwrap().as_str()), (Some(Phase::Pass), "0.05"));
    let window = reading.window.unwrap();
    assert_eq!((window.from, window.to), (at("2026-07-03T02:05:00.000Z"), at("2026-07-03T02:10:00.000Z")));
    let points: Vec<_> =
        reading.points.iter().map(|point| (point.at.to_string(), point.value.as_str())).collect();
    assert_eq!(
        points,
        [("2026-07-03T02:05:00.000Z".into(), "0.02"), ("2026-07-03T02:09:59.999Z".into(), "0.05")]
    );
    assert_eq!(reading.query.as_deref(), Some("readings.json#http-5xx"));
    let response = String::from_utf8(collected.response.unwrap().bytes).unwrap();
    assert_eq!(
        response,
        r#"{"series":{"http-5xx":[["2026-07-03T02:05:00.000Z","0.02"],["2026-07-03T02:09:59.999Z","0.05"]]}}"#
    );
    assert_eq!(reading_of(text, "series = \"other\"").reading.phase, Some(Phase::NoData));
}

#[test]
fn earlier_days_make_the_baseline() {
    let text = br#"{"series":{"http-5xx":[
        ["2026-07-03T02:06:00.000Z","0.05"], ["2026-07-02T02:06:00.000Z","0.04"], ["2026-07-02T02:08:00.000Z","0.01"],
        ["2026-07-02T02:10:00.000Z","5"], ["2026-06-30T02:05:00.000Z","0.08"]]}}"#;
    let reading = reading_of(text, "baseline-ratio = \"1.2\"\nbaseline-days = 7").reading;
    let days: Vec<_> =
        reading.baseline_points.iter().map(|point| (point.at.to_string(), point.value.as_str())).collect();
    assert_eq!(
        days,
        [("2026-06-30T02:05:00.000Z".into(), "0.08"), ("2026-07-02T02:05:00.000Z".into(), "0.04")]
    );
    assert_eq!((reading.phase, reading.baseline.unwrap().as_str()), (Some(Phase::Warn), "0.04"));
}

#[test]
fn files_that_are_no_readings() {
    for (text, part) in [
        (&b""[..], "line 1 column 0"),
        (b"\0\0\0\0", "not a file of readings"),
        (b"{}", "missing field `series`"),
        (b"[]", "not a file of readings"),
        (b"{\"series\":{}}", "no series `http-5xx`; it has: none"),
        (b"{\"series\":{\"cpu\":[]}}", "it has: cpu"),
        (b"{\"series\":{\"http-5xx\":[[\"2026-07-03T02:04:00.000Z\",0.02]]}}", "expected a string"),
        (b"{\"series\":{\"http-5xx\":[[\"2026-07-03T02:04:00.000Z\",\"1e3\"]]}}", "not a decimal number"),
        (b"{\"series\":{\"http-5xx\":[[\"2026-07-03 02:04\",\"1\"]]}}", "not a time"),
        (b"{\"series\":{\"http-5xx\":[[\"2026-07-03T02:04:00.000Z\",\"1\",\"2\"]]}}", "not a file of readings"),
        (b"{\"series\":{\"http-5xx\":[]},\"more\":1}", "unknown field `more`"),
        (
            b"{\"series\":{\"http-5xx\":[[\"2026-07-03T02:06:00.000Z\",\"1\"],[\"2026-07-03T02:06:00.000Z\",\"2\"]]}}",
            "two values for 2026-07-03T02:06:00.000Z",
        ),
    ] {
        let collected = reading_of(text, "");
        assert_eq!(collected.reading.phase, Some(Phase::Error), "{part}");
        assert!(detail(&collected).starts_with("readings.json: ") && detail(&collected).contains(part), "{}", detail(&collected));
        assert!(collected.failure.is_some() && collected.reading.value.is_none());
    }
    for deep in ["[".repeat(100_000), "{\"series\":".repeat(100_000)] {
        assert_eq!(reading_of(deep.as_bytes(), "").reading.phase, Some(Phase::Error));
    }
}

#[test]
fn missing_huge_and_special_files() {
    let folder = tempfile::tempdir().unwrap();
    assert!(detail(&read(folder.path(), "")).contains("cannot be read"));
    let path = folder.path().join("readings.json");
    std::fs::create_dir(&path).unwrap();
    assert!(detail(&read(folder.path(), "")).contains("not a regular file"));
    std::fs::remove_dir(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(detail(&read(folder.path(), "")).contains("not a regular file"));
    std::fs::remove_file(&path).unwrap();
    std::fs::File::create(&path).unwrap().set_len((16 << 20) + 1).unwrap();
    assert!(detail(&read(folder.path(), "")).contains("larger than 16 MiB"));
}

#[test]
fn more_points_than_an_entry_holds_is_an_error_not_a_cut() {
    let rows: Vec<_> = (0..501)
        .map(|i| {
            let time = Timestamp::from_millis(at("2026-07-03T02:05:00.000Z").millis() + i).unwrap();
            format!("[\"{time}\",\"0.01\"]")
        })
        .collect();
    let collected =
        reading_of(format!("{{\"series\":{{\"http-5xx\":[{}]}}}}", rows.join(",")).as_bytes(), "");
    assert_eq!(collected.reading.phase, Some(Phase::Error));
    assert!(detail(&collected).contains("501 points are too much"), "{}", detail(&collected));
}
