//! Clients that stall, read nothing, close half or speak no HTTP, and the end of it all.

use std::io::Read as _;
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use aether_audit::core::event::{Event, MessageSent};
use aether_audit::core::opening::Opening;

use crate::client::{Page, rest};
use crate::common::label;
use crate::world::{BOB, World, random, seen};

#[test]
fn clients_that_stall_hold_nobody_up_and_are_let_go() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let mut stalled = Vec::new();
    for _ in 0..40 {
        stalled.push(page.connect(b""));
        stalled.push(page.connect(b"GET /events HTT"));
        stalled.push(page.connect(b"GET /events HTTP/1.1\r\nHost: localhost\r\n"));
        stalled
            .push(page.connect(b"POST /enter HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nhalf"));
    }
    assert_eq!(page.state()["chain"]["entries"], 5);
    for (number, stream) in stalled.into_iter().enumerate() {
        let answer = rest(stream);
        assert!(
            answer.is_empty() || answer.contains(" 400 ") || answer.contains(" 408 "),
            "{number}: {answer}"
        );
    }
}

/// Much is appended that somebody does not read: the others get it at once, and so does that one when they read again.
#[test]
fn whoever_reads_nothing_holds_nobody_up() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let slow = page.events(None);
    let mut quick = page.events(None);
    let mut ledger = world.open();
    for n in 0..300 {
        let opening = Opening { salt: random(), bytes: format!("{n} {}", "x".repeat(4000)).into() };
        let event = Event::MessageSent(MessageSent {
            channel: label("#proj-aether-deploy"),
            delivery: aether_audit::core::event::Delivery::Sent,
            response: None,
            template: None,
            text: opening.reference("text/plain").unwrap(),
        });
        let submission = world.submission(BOB, &event, vec![opening], seen(&ledger));
        ledger.append(world.log.now, &submission).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    let all: Vec<u64> = (0..=304).collect();
    assert_eq!(quick.entries_to(304), all);
    let mut slow = slow;
    assert_eq!(slow.entries_to(304), all);
}

#[test]
fn what_is_no_http_disturbs_nobody() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    let random: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let get = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    for garbage in [
        random,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(40),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        format!("{get}X: {}\r\n\r\n", "x".repeat(200_000)).into_bytes(),
        format!("{get}{}\r\n", "A: b\r\n".repeat(5_000)).into_bytes(),
        format!("{get}Content-Length: 99999999999999999999\r\n\r\n").into_bytes(),
        format!("{get}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").into_bytes(),
        b"CONNECT rebound.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        "GET /\u{0} HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
    ] {
        let said = String::from_utf8_lossy(&garbage[..garbage.len().min(60)]).into_owned();
        let stream = page.connect(&garbage);
        let _ = stream.shutdown(Shutdown::Write);
        let answer = rest(stream);
        let good = |status: &str| ["400", "404", "405", "421", "431", "505"].contains(&status);
        // A reset may have overtaken the answer.
        assert!(
            answer.split(' ').nth(1).is_none_or(good) || said.starts_with("GET / HTTP"),
            "{said:?}: {answer}"
        );
    }
    assert_eq!(page.state()["chain"]["entries"], 5);
}

#[test]
fn told_to_stop_it_ends_every_stream_and_itself() {
    for signal in ["-TERM", "-INT"] {
        let world = World::new();
        let mut page = Page::of(&world.path, &[]);
        let mut streams: Vec<_> = (0..5).map(|_| page.events(None)).collect();
        for stream in &mut streams {
            stream.entries_to(4);
        }
        let idle = page.connect(b"");
        assert!(
            Command::new("kill").args([signal, &page.child.id().to_string()]).status().unwrap().success()
        );
        for mut stream in streams {
            assert!(stream.by_ref().all(|event| event.name == "state"));
            assert!(stream.whole, "{signal}: it was cut off");
        }
        assert_eq!(page.child.wait().unwrap().code(), Some(0), "{signal}");
        let mut left = String::new();
        page.child.stderr.take().unwrap().read_to_string(&mut left).unwrap();
        assert!(!left.contains("panicked"), "{left}");
        assert!(TcpStream::connect(&page.address).is_err());
        drop(idle);
        // It wrote nothing, and the ledger is whole and free.
        world.assert_clean();
    }
}
