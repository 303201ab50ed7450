//! Witnesses: a real one over HTTP, which never cosigns less or another history, and what `verify` says of it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::folder::Folder;

/// A witness, killed when it goes.
pub struct Running {
    pub child: Child,
    pub address: String,
}

impl Running {
    pub fn of(folder: &Folder, state: &str, log: &str) -> Self {
        let args = [
            "witness",
            "--state",
            state,
            "--name",
            "witness.example/w1",
            "--log",
            log,
            "--listen",
            "127.0.0.1:0",
        ];
        let mut child = folder.command(&args).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("witness at http://").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { child, address }
    }

    pub fn post(&self, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length:";
        stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The witness's own vkey, and the log's.
pub fn keys(folder: &Folder) -> (String, String) {
    let ran = folder.run(&["witness", "--state", "w", "--name", "witness.example/w1"]);
    assert!(ran.err.contains("knows no log yet"), "{}", ran.err);
    (ran.out.trim().to_owned(), folder.ok(&["key", "log"]).trim().to_owned())
}

pub fn policy(folder: &Folder, witness: &str, address: &str) {
    fs::write(folder.at("policy"), format!("witness w1 {witness} http://{address}\nquorum w1\n")).unwrap();
    folder.ok(&["key", "witnesses", "policy", "--reason", "the sister team", "--as", "alice"]);
}

/// A witness that the roster's policy asks for.
pub fn cosigning(folder: &Folder) -> Running {
    let (witness, log) = keys(folder);
    let running = Running::of(folder, "w", &log);
    policy(folder, &witness, &running.address);
    running
}

pub fn anchor(folder: &Folder, checkpoint: &str) -> (Option<i32>, String, String) {
    let roster = folder.roster_sha256();
    let ran = folder.run(&["verify", "-o", "json", "--roster-sha256", &roster, "--checkpoint", checkpoint]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let line =
        report["anchors"].as_array().unwrap().iter().find(|anchor| anchor["kind"] == "witnesses").unwrap();
    (ran.status, line["state"].as_str().unwrap().to_owned(), line["text"].as_str().unwrap().to_owned())
}

#[test]
fn a_checkpoint_is_cosigned_and_checked_offline() {
    let folder = Folder::opened();
    let (witness, log) = keys(&folder);
    let running = Running::of(&folder, "w", &log);
    folder.fails(2, &["checkpoint", "--witness", "all"], "names no witnesses");
    policy(&folder, &witness, &running.address);
    fs::write(folder.at("plain"), folder.ok(&["checkpoint", "--no-witness"])).unwrap();
    let (status, state, text) = anchor(&folder, "plain");
    assert_eq!((status, state.as_str()), (Some(0), "untrusted"), "{text}");
    folder.fails(2, &["checkpoint", "--witness", "http://127.0.0.1:1"], "names no witness at");
    for turn in 0..3 {
        fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
        let (status, state, text) = anchor(&folder, "ckpt");
        assert_eq!((status, state.as_str()), (Some(0), "holds"), "{text}");
        assert!(text.contains("1 of 1 cosigned") && text.contains("w1 at 20"), "{text}");
        folder.ok(&["note", &format!("{turn}"), "--as", "bob"]);
    }
    // Made again, it keeps what it has, which is enough; the export carries it.
    fs::write(
        folder.at("ckpt"),
        folder.ok(&["checkpoint", "--witness", &format!("http://{}/", running.address)]),
    )
    .unwrap();
    assert_eq!(folder.ok(&["checkpoint"]), fs::read_to_string(folder.at("ckpt")).unwrap());
    folder.ok(&["export", "out"]);
    assert_eq!(fs::read(folder.at("out/checkpoint")).unwrap(), fs::read(folder.at("ckpt")).unwrap());

    let note = fs::read_to_string(folder.at("ckpt")).unwrap();
    let start = note.rfind("witness.example/w1 ").unwrap() + 40;
    let other = if note.as_bytes()[start] == b'A' { 'B' } else { 'A' };
    fs::write(folder.at("bad"), format!("{}{other}{}", &note[..start], &note[start + 1..])).unwrap();
    let (status, state, text) = anchor(&folder, "bad");
    assert_eq!((status, state.as_str()), (Some(1), "broken"), "{text}");

    drop(running);
    folder.ok(&["note", "nobody answers", "--as", "bob"]);
    let alone = folder.run(&["checkpoint", "--witness", "all"]);
    assert_eq!(alone.status, Some(4), "{}", alone.err);
    assert!(alone.err.contains("does not answer") && alone.out.starts_with("example.com/"), "{}", alone.err);
}

/// Whoever holds the log key and the file makes another history: the witness has seen the first.
#[test]
fn less_and_another_history_are_never_cosigned() {
    let folder = Folder::opened();
    let (witness, log) = keys(&folder);
    let running = Running::of(&folder, "w", &log);
    policy(&folder, &witness, &running.address);
    let forger = folder.copy();
    for number in 0..3 {
        folder.ok(&["note", &format!("true {number}"), "--as", "bob"]);
    }
    folder.ok(&["checkpoint", "--witness", "all"]);
    let refused = forger.run(&["checkpoint", "--witness", "all"]);
    assert_eq!(refused.status, Some(1), "{}", refused.err);
    assert!(
        refused.err.contains("entries are missing") || refused.err.contains("cut, rewritten"),
        "{}",
        refused.err
    );
    for number in 0..5 {
        forger.ok(&["note", &format!("false {number}"), "--as", "bob"]);
    }
    let refused = forger.run(&["checkpoint", "--witness", "all"]);
    assert_eq!(refused.status, Some(1), "{}", refused.err);
    assert!(refused.err.contains("do not extend them: the log was rewritten"), "{}", refused.err);
    folder.ok(&["note", "goes on", "--as", "bob"]);
    folder.ok(&["checkpoint", "--witness", "all"]);
}

#[test]
fn what_is_no_request_gets_the_status_of_the_protocol() {
    let folder = Folder::opened();
    let (witness, log) = keys(&folder);
    let running = Running::of(&folder, "w", &log);
    policy(&folder, &witness, &running.address);
    let note = folder.ok(&["checkpoint", "--no-witness"]);
    assert_eq!(running.post(&format!("old 0\n\n{note}")).0, 200);
    let (status, answer) = running.post(&format!("old 0\n\n{note}"));
    assert_eq!(status, 409);
    assert!(answer.contains("text/x.tlog.size") && answer.ends_with("\r\n\r\n5\n"), "{answer:?}");
    assert_eq!(running.post(&format!("old 5\n\n{note}")).0, 200, "the same once more");
    assert_eq!(running.post(&format!("old 6\n\n{note}")).0, 400, "more than the checkpoint has");
    let hash = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    assert_eq!(running.post(&format!("old 5\n{hash}\n\n{note}")).0, 422, "a proof of nothing");
    assert_eq!(running.post(&format!("old 0\n\n{}", note.replacen("example.com", "example.org", 1))).0, 404);
    assert_eq!(running.post(&format!("old 0\n\n{}", note.replacen("\n5\n", "\n4\n", 1))).0, 403);
    let many = format!("{hash}\n").repeat(64);
    for bad in [
        "",
        "old",
        "old 05\n\n",
        "old 5",
        "old -1\n\n\n",
        "old 5\nnot base64\n\n",
        "\u{0}\u{1}",
        &format!("old 5\n{many}\n{note}"),
        &"x".repeat(60_000),
    ] {
        assert_eq!(running.post(bad).0, 400, "{:?}", &bad[..bad.len().min(40)]);
    }
    let second = folder.run(&["witness", "--state", "w", "--name", "witness.example/w1", "--log", &log]);
    assert!(second.err.contains("another witness is at work"), "{}", second.err);
}

/// Killed at any moment, it never goes back behind what it cosigned.
#[test]
fn a_killed_witness_remembers_what_it_cosigned() {
    let folder = Folder::opened();
    let (witness, log) = keys(&folder);
    let mut cosigned = 0;
    for round in 0..6_u64 {
        let mut running = Running::of(&folder, "w", &log);
        policy(&folder, &witness, &running.address);
        let pid = running.child.id().to_string();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(round * 7));
            std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
        });
        let ran = folder.run(&["checkpoint", "--witness", "all"]);
        killer.join().unwrap();
        running.child.wait().unwrap();
        if ran.status == Some(0) {
            cosigned = ran.out.lines().nth(1).unwrap().parse().unwrap();
        }
        let state = fs::read_dir(folder.at("w")).unwrap().map(|file| file.unwrap().path());
        let kept = state.filter(|path| path.extension().is_some_and(|e| e == "checkpoint")).last();
        let size =
            kept.map_or(0, |path| fs::read_to_string(path).unwrap().lines().nth(1).unwrap().parse().unwrap());
        assert!(size >= cosigned, "cosigned {cosigned}, remembers {size}");
    }
    let running = Running::of(&folder, "w", &log);
    policy(&folder, &witness, &running.address);
    folder.ok(&["checkpoint", "--witness", "all"]);
}

/// What stands between here and a witness may answer in its place.
#[test]
fn an_answer_without_a_size_is_no_fork() {
    let folder = Folder::opened();
    let (witness, _) = keys(&folder);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0; 16 * 1024];
            let _ = stream.read(&mut request);
            let body = "<html>proxy conflict</html>";
            let head = "HTTP/1.1 409 Conflict\r\nConnection: close\r\nContent-Length:";
            let _ = stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes());
        }
    });
    policy(&folder, &witness, &format!("user:S3CRET@{address}"));
    let ran = folder.run(&["checkpoint", "--witness", "all"]);
    assert_eq!(ran.status, Some(4), "{}", ran.err);
    assert!(ran.err.contains("409 and no size") && !ran.err.contains("forked"), "{}", ran.err);
    assert!(!ran.err.contains("S3CRET"), "{}", ran.err);
}

#[test]
fn a_policy_whose_witness_cannot_be_asked_is_refused() {
    let folder = Folder::opened();
    let (witness, _) = keys(&folder);
    let words = ["key", "witnesses", "policy", "--reason", "x", "--as", "alice"];
    fs::write(folder.at("policy"), format!("witness w1 {witness} ftp://example.com\nquorum w1\n")).unwrap();
    folder.fails(2, &words, "begins with https:// or http://");
    assert_eq!(folder.entries(), 4);
}

#[test]
fn a_witness_keeps_its_name() {
    let folder = Folder::opened();
    let (witness, log) = keys(&folder);
    let words = ["witness", "--state", "w", "--name", "witness.example/w2", "--log", &log];
    folder.fails(2, &words, &format!("has served as {witness}"));
}
