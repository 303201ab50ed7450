//! The formats with good inputs and what seeded alterations make of them.
#![allow(missing_docs)] // a test binary has no readers of its own

#[path = "../common/mod.rs"]
mod common;
mod seeds;
mod targets;

use std::panic::catch_unwind;
use std::thread;
use std::time::{Duration, Instant};

use targets::TARGETS;

const SEED: u64 = 0xf022;
/// Alterations of each target in a short run.
const SHORT: usize = 3000;
/// After so many alterations the clock is looked at.
const LOOK: usize = 16;
/// How often a long run says how far it is, in CPU time of its target.
const TELL: Duration = Duration::from_mins(1);

/// xorshift64*: the same alterations each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit.max(1) as u64).unwrap()
    }
}

/// One alteration: bits, bytes, runs of the same or of another input, numbers at their limits.
fn alter(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    const TOKENS: &[&[u8]] = &[
        b"9007199254740991",
        b"9007199254740992",
        b"18446744073709551615",
        b"-1",
        b"0",
        b"null",
        b"true",
        b"{}",
        b"[]",
        b"\n\n",
        b"\n",
        b"\"",
        b"\\u0000",
        b"\xe2\x80\x94 ",
        b"- [ ] ",
        b"<!-- id: a -->",
        b"[[check]]\n",
        b"+",
        b"=",
    ];
    let at = random.below(bytes.len());
    match random.below(7) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => drop(bytes.remove(at)),
        2 => bytes.insert(at, u8::try_from(random.below(256)).unwrap()),
        3 => bytes.truncate(at),
        4 => {
            let from = random.below(other.len());
            let run = other[from..other.len().min(from + 1 + random.below(200))].to_vec();
            bytes.splice(at..at, run);
        }
        5 => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
        _ => {
            let end = bytes.len().min(at + 1 + random.below(20));
            drop(bytes.drain(at..end));
        }
    }
}

/// How long each target is to compute, in seconds of its own thread; a campaign sets the variable.
fn seconds() -> Option<Duration> {
    let given = std::env::var("AETHER_AUDIT_TEST_FUZZ").ok();
    given.map(|given| Duration::from_secs(given.parse().expect("seconds")))
}

/// How long this thread has computed. A machine that others share has much less of it than of wall time.
fn computed(start: Instant) -> Duration {
    let Ok(text) = std::fs::read_to_string("/proc/thread-self/schedstat") else { return start.elapsed() };
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

#[test]
fn no_bytes_panic_and_none_say_two_things() {
    thread::scope(|scope| {
        for (name, target) in TARGETS {
            scope.spawn(move || hunt(name, target));
        }
    });
}

fn hunt(name: &str, target: fn(&[u8])) {
    let corpus = seeds::of(name);
    assert!(corpus.len() > 2, "{name}: a corpus of {}", corpus.len());
    for bytes in &corpus {
        target(bytes);
    }
    let (mut random, mut tried, start) = (Random(SEED), 0, Instant::now());
    let (mut spent, mut told) = (Duration::ZERO, Duration::ZERO);
    while seconds().map_or(tried < SHORT, |most| spent < most) {
        let mut bytes = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(4) {
            let other = &corpus[random.below(corpus.len())];
            alter(&mut bytes, other, &mut random);
        }
        tried += 1;
        let fine = catch_unwind(|| target(&bytes)).is_ok();
        assert!(fine, "{name}, alteration {tried}: {:?}", String::from_utf8_lossy(&bytes));
        if tried % LOOK == 0 {
            spent = computed(start);
        }
        if spent > told + TELL {
            told = spent;
            println!("{name}: {tried} alterations in {} CPU seconds so far", spent.as_secs());
        }
    }
    let (cpu, wall) = (computed(start).as_secs_f32(), start.elapsed().as_secs_f32());
    println!(
        "{name}: {tried} alterations of {} inputs in {cpu:.1} CPU seconds, {wall:.1} by the wall",
        corpus.len()
    );
}
