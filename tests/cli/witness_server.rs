//! A witness under clients that stall, that come by the hundred, that speak no HTTP, and that show it two histories
//! at once; and under signals. All of it over raw sockets.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::folder::Folder;
use crate::witness::{Running, keys, policy};

/// Longer than the witness waits for anybody.
const ENDS: Duration = Duration::from_secs(90);

fn request(body: &str) -> String {
    let head = "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length:";
    format!("{head} {}\r\n\r\n{body}", body.len())
}

fn open(running: &Running, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(&running.address).unwrap();
    stream.set_read_timeout(Some(ENDS)).unwrap();
    // What it does not want to hear, it need not take.
    let _ = stream.write_all(bytes);
    stream
}

/// What comes until the witness closes; a reset is an end too.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let waits = |error: &std::io::Error| matches!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert!(!ended.is_err_and(|error| waits(&error)), "the witness never let go");
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> Option<u16> {
    answer.split(' ').nth(1)?.parse().ok()
}

/// A folder with a witness of its log, which is on the roster.
fn witnessed() -> (Folder, String, Running) {
    let folder = Folder::opened();
    let (witness, log) = keys(&folder);
    let running = Running::of(&folder, "w", &log);
    policy(&folder, &witness, &running.address);
    (folder, log, running)
}

/// Two histories of as many entries, signed by the same log key, and the keys of log and witness.
fn forks() -> (Folder, String, [String; 2]) {
    let folder = Folder::opened();
    let (_, log) = keys(&folder);
    let other = folder.copy();
    folder.ok(&["note", "one history", "--as", "bob"]);
    other.ok(&["note", "another history", "--as", "bob"]);
    let notes = [&folder, &other].map(|folder| folder.ok(&["checkpoint"]));
    assert_ne!(notes[0], notes[1]);
    (folder, log, notes)
}

#[test]
fn clients_that_stall_hold_nobody_up_and_are_let_go() {
    let (folder, _, running) = witnessed();
    let head = "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000\r\n";
    let mut stalled = Vec::new();
    for _ in 0..40 {
        stalled.push(open(&running, b""));
        stalled.push(open(&running, &head.as_bytes()[..30]));
        stalled.push(open(&running, format!("{head}\r\nold 0\n").as_bytes()));
    }
    folder.ok(&["checkpoint", "--witness", "all"]);
    for (number, stream) in stalled.into_iter().enumerate() {
        let answer = rest(stream);
        assert!(matches!(status(&answer), None | Some(400 | 408)), "{number}: {answer}");
    }
    folder.ok(&["checkpoint", "--witness", "all"]);
}

#[test]
fn a_client_that_has_said_all_and_closed_its_half_is_answered() {
    let (folder, _, running) = witnessed();
    let note = folder.ok(&["checkpoint", "--no-witness"]);
    let whole = open(&running, request(&format!("old 0\n\n{note}")).as_bytes());
    whole.shutdown(Shutdown::Write).unwrap();
    assert_eq!(status(&rest(whole)), Some(200));
    let half = request(&format!("old 0\n\n{note}"));
    let half = open(&running, &half.as_bytes()[..half.len() - 20]);
    half.shutdown(Shutdown::Write).unwrap();
    assert!(matches!(status(&rest(half)), None | Some(400)));
}

#[test]
fn a_hundred_clients_at_once_are_all_answered_one_after_the_other() {
    let (folder, _, running) = witnessed();
    let note = folder.ok(&["checkpoint", "--no-witness"]);
    let ask = |old: u64| -> Vec<u16> {
        let barrier = Barrier::new(100);
        thread::scope(|scope| {
            let one = || {
                let stream = TcpStream::connect(&running.address).unwrap();
                barrier.wait();
                let mut stream = stream;
                stream.write_all(request(&format!("old {old}\n\n{note}")).as_bytes()).unwrap();
                status(&rest(stream)).unwrap()
            };
            let threads: Vec<_> = (0..100).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    };
    let first = ask(0);
    assert_eq!(first.iter().filter(|status| **status == 200).count(), 1, "{first:?}");
    assert_eq!(first.iter().filter(|status| **status == 409).count(), 99, "{first:?}");
    assert_eq!(ask(5), [200; 100]);
}

/// Posts both histories, each from several clients at once, as extending one of `old` entries; which of the two were
/// cosigned.
fn race(running: &Running, notes: &[String; 2], old: u64) -> BTreeSet<usize> {
    let barrier = Barrier::new(8);
    let one = |which: usize| {
        let body = request(&format!("old {old}\n\n{}", notes[which]));
        let stream = TcpStream::connect(&running.address);
        barrier.wait();
        let mut stream = stream.ok()?;
        stream.write_all(body.as_bytes()).ok()?;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        // Only a whole cosignature is one.
        (status(&answer) == Some(200) && answer.contains("witness.example/w1 ") && answer.ends_with('\n'))
            .then_some(which)
    };
    let one = &one;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || one(number % 2))).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn of_two_histories_at_once_only_one_is_cosigned() {
    let (folder, log, notes) = forks();
    for round in 0..6 {
        let state = format!("w{round}");
        crate::folder::copy_all(&folder.at("w"), &folder.at(&state));
        let running = Running::of(&folder, &state, &log);
        let cosigned = race(&running, &notes, 0);
        assert_eq!(cosigned.len(), 1, "round {round}: {cosigned:?}");
    }
}

/// Killed in the middle of it and started again, it stays with the one history whose cosignature has left.
#[test]
fn killed_between_two_histories_it_never_cosigns_both() {
    let (folder, log, notes) = forks();
    for round in 0..12_u64 {
        let state = format!("w{round}");
        crate::folder::copy_all(&folder.at("w"), &folder.at(&state));
        let mut running = Running::of(&folder, &state, &log);
        let pid = running.child.id().to_string();
        let mut cosigned = thread::scope(|scope| {
            let racing = scope.spawn(|| race(&running, &notes, 0));
            thread::sleep(Duration::from_micros(round * 700));
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            racing.join().unwrap()
        });
        running.child.wait().unwrap();
        let again = Running::of(&folder, &state, &log);
        // It may have been killed when it had written down what it was about to cosign.
        for old in [0, 5] {
            cosigned.extend(race(&again, &notes, old));
        }
        assert_eq!(cosigned.len(), 1, "round {round}: {cosigned:?}");
    }
}

#[test]
fn what_is_no_http_disturbs_nobody() {
    let (folder, _, running) = witnessed();
    let long = format!("POST /add-checkpoint HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let many = format!("POST /add-checkpoint HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(5_000));
    let random: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let post = "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n";
    for (garbage, allowed) in [
        (random, &[400][..]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(40), &[400]),
        (b"\r\n\r\n\r\n\0\0\0\0\r\n\r\n".to_vec(), &[400]),
        (b"GET\r\n\r\n".to_vec(), &[400]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[400, 404, 505]),
        (long.into_bytes(), &[400, 431]),
        (many.into_bytes(), &[400, 431]),
        (format!("{post}Content-Length: -1\r\n\r\n").into_bytes(), &[400]),
        (format!("{post}Content-Length: 99999999999999999999\r\n\r\n").into_bytes(), &[400]),
        (format!("{post}Content-Length: 9999999999\r\n\r\n").into_bytes(), &[413]),
        (format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nold 0\n").into_bytes(), &[400]),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n").into_bytes(), &[400]),
        (format!("{post}Content-Length: 3\r\n\r\n\u{0}").into_bytes(), &[400]),
        (b"GET /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n".to_vec(), &[405]),
        (b"POST /../../etc/passwd HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n".to_vec(), &[404]),
    ] {
        let said = String::from_utf8_lossy(&garbage[..garbage.len().min(60)]).into_owned();
        let stream = open(&running, &garbage);
        let _ = stream.shutdown(Shutdown::Write);
        let answer = rest(stream);
        // A reset may have overtaken the answer.
        assert!(status(&answer).is_none_or(|status| allowed.contains(&status)), "{said:?}: {answer}");
    }
    // Two requests on one connection, the second one chunked.
    let note = folder.ok(&["checkpoint", "--no-witness"]);
    let body = format!("old 0\n\n{note}");
    let first = request(&body).replace("Connection: close\r\n", "");
    let second = format!("old 5\n\n{note}");
    let second =
        format!("{post}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{second}\r\n0\r\n\r\n", second.len());
    let answer = rest(open(&running, format!("{first}{second}").as_bytes()));
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    folder.ok(&["checkpoint", "--witness", "all"]);
}

#[test]
fn told_to_stop_it_finishes_what_it_began() {
    let (folder, log, mut running) = witnessed();
    let note = folder.ok(&["checkpoint", "--no-witness"]);
    let request = request(&format!("old 0\n\n{note}"));
    let (begin, end) = request.split_at(request.len() - 20);
    let mut begun = open(&running, begin.as_bytes());
    // It is known to have begun once a later one was answered.
    assert_eq!(
        status(&rest(open(&running, b"GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"))),
        Some(404)
    );
    kill(&running, "-TERM");
    // It has heard once it takes nobody any more.
    let heard = (0..2000).any(|_| {
        thread::sleep(Duration::from_millis(5));
        TcpStream::connect(&running.address).is_err()
    });
    assert!(heard, "it goes on taking clients");
    begun.write_all(end.as_bytes()).unwrap();
    assert_eq!(status(&rest(begun)), Some(200));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));

    let mut idle = Running::of(&folder, "w", &log);
    let waiting = open(&idle, b"");
    kill(&idle, "-INT");
    assert_eq!(idle.child.wait().unwrap().code(), Some(0));
    drop(waiting);
}

fn kill(running: &Running, signal: &str) {
    assert!(Command::new("kill").args([signal, &running.child.id().to_string()]).status().unwrap().success());
}

/// What cannot be written down is not cosigned, and nothing after it is until it was looked at.
#[test]
fn without_a_durable_memory_it_cosigns_nothing() {
    let (folder, log, notes) = forks();
    let body = format!("old 0\n\n{}", notes[0]);
    crate::folder::copy_all(&folder.at("w"), &folder.at("other"));
    assert_eq!(Running::of(&folder, "other", &log).post(&body).0, 200);
    let mut files = fs::read_dir(folder.at("other")).unwrap().map(|file| file.unwrap().path());
    let kept = files.find(|path| path.extension().is_some_and(|found| found == "checkpoint")).unwrap();
    let kept = folder.at("w").join(kept.file_name().unwrap());

    let mut running = Running::of(&folder, "w", &log);
    fs::create_dir(kept.with_extension("new")).unwrap();
    assert_eq!(running.post(&body).0, 500);
    assert_eq!(running.child.wait().unwrap().code(), Some(2));
    assert!(!kept.exists());
    fs::remove_dir(kept.with_extension("new")).unwrap();
    let mut running = Running::of(&folder, "w", &log);
    assert_eq!(running.post(&body).0, 200);
    running.child.kill().unwrap();
    running.child.wait().unwrap();

    // What it reads when it starts it writes again, or does not start.
    fs::create_dir(kept.with_extension("new")).unwrap();
    let args =
        ["witness", "--state", "w", "--name", "witness.example/w1", "--log", &log, "--listen", "127.0.0.1:0"];
    let refused = |why: &str| {
        let ran = folder.run(&args);
        assert!(ran.status == Some(2) && ran.err.contains(why), "{why}: {}", ran.err);
    };
    refused(".checkpoint");
    fs::remove_dir(kept.with_extension("new")).unwrap();
    let whole = fs::read_to_string(&kept).unwrap();
    let root = whole.lines().nth(2).unwrap();
    let other = if root.starts_with('A') { root.replacen('A', "B", 1) } else { format!("A{}", &root[1..]) };
    fs::write(&kept, whole.replace(root, &other)).unwrap();
    refused("is damaged");
    fs::write(&kept, "cut off").unwrap();
    refused("damaged");
}
