//! Verifying: rate, memory, a report.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use aether_audit::core::entry::Entry;
use aether_audit::core::keys::{PublicKey, SIGNATURE_LEN};
use tempfile::TempDir;

use super::process::{command, run, watched};
use super::sample::{Sample, as_millis, line};
use super::world::{World, fill, message};

const ENTRIES: u64 = 100_000;
const RUNS: usize = 5;
const REPORTED: u64 = 10_000;

/// Verification of a ledger, whole process, against the library's strict verification on as many cores.
pub fn rate(folder: &TempDir) {
    println!(
        "verify, whole process, a ledger of {ENTRIES} entries, against strict verification of the same signatures on two threads"
    );
    let home = folder.path().join("rate");
    let world = fill(&home, ENTRIES, 1000, |_| {});
    let count = world.log.entries.len();
    let work = signed(&world);
    let mut check = verifying(&home, &world);
    drop(world);
    let (mut rates, mut strict, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..RUNS {
        #[allow(clippy::cast_precision_loss)]
        let per_second = |millis: f64, count: usize| count as f64 * 1000.0 / millis;
        let ours = per_second(run(&mut check, 0), count);
        let library = per_second(strictly(&work), work.len());
        rates.push(ours);
        strict.push(library);
        ratios.push(ours / library);
    }
    line("verify, entries", &Sample::of(rates).show("/s"), "");
    line("strict, two threads, signatures", &Sample::of(strict).show("/s"), "");
    line("ratio", &Sample::of(ratios).show("×"), "≥ 0.85×");
}

type Work = (PublicKey, Vec<u8>, [u8; SIGNATURE_LEN]);

fn signed(world: &World) -> Vec<Work> {
    let entries = world.log.entries.iter().map(|bytes| Entry::parse(bytes).expect("made by the core"));
    entries
        .flat_map(|entry| {
            let message = message(&entry.line.envelope);
            let signers = entry.statement.predicate.signers.iter().zip(&entry.signatures);
            let work =
                |(signer, signature): (&aether_audit::core::statement::Signer, &[u8; SIGNATURE_LEN])| {
                    (world.log.log.keys[&signer.key].key.public.clone(), message.clone(), *signature)
                };
            signers.map(work).collect::<Vec<_>>()
        })
        .collect()
}

fn strictly(work: &[Work]) -> f64 {
    let (first, second) = work.split_at(work.len() / 2);
    let start = Instant::now();
    let check = |half: &[Work]| half.iter().all(|(key, message, signature)| key.verify(message, signature));
    let good = thread::scope(|scope| {
        let other = scope.spawn(|| check(second));
        check(first) && other.join().expect("it does not panic")
    });
    assert!(good);
    as_millis(start.elapsed())
}

fn verifying(home: &Path, world: &World) -> Command {
    let mut check = command(home);
    check
        .args(["-q", "verify", "--roster-sha256", &world.log.first_roster().to_string(), "--checkpoint"])
        .arg(home.join("checkpoint"));
    check
}

/// Time and memory for `entries` entries, as a ledger and as an export.
pub fn memory(folder: &TempDir, entries: u64) {
    println!("verify {entries} entries: peak memory and time, whole process");
    let home = folder.path().join("memory");
    let world = fill(&home, entries, 1000, |_| {});
    let roster = world.log.first_roster().to_string();
    let mut ledger = verifying(&home, &world);
    drop(world);
    let export = home.join("export");
    run(command(&home).arg("export").arg(&export), 0);
    let mut folder = command(&home);
    folder
        .args(["-q", "verify", "--roster-sha256", &roster, "--checkpoint"])
        .arg(home.join("checkpoint"))
        .arg(&export);
    for (name, check) in [("ledger", &mut ledger), ("export", &mut folder)] {
        let runs: Vec<_> = (0..3).map(|_| watched(check, 0)).collect();
        #[allow(clippy::cast_precision_loss)]
        let peaks = runs.iter().map(|ran| ran.peak_kib as f64 / 1024.0);
        line(&format!("{name}, peak resident"), &Sample::of(peaks).show("MiB"), "≤ 32 MB");
        line(&format!("{name}, time"), &Sample::of(runs.iter().map(|ran| ran.millis / 1000.0)).show("s"), "");
    }
}

/// A report of one large deployment, with all that it verifies.
pub fn report(folder: &TempDir) {
    println!("report of a deployment with {REPORTED} events, verified, whole process, its key not encrypted");
    let home = folder.path().join("report");
    drop(fill(&home, REPORTED, REPORTED, |_| {}));
    let mut report = command(&home);
    report.args(["-q", "report", "--as", "alice"]).env("AETHER_AUDIT_KEY", super::world::seed_pem("alice"));
    let runs = (0..9).map(|_| run(&mut report, 0));
    line("report", &Sample::of(runs).show("ms"), "≤ 400 ms, quiet machine");
}
