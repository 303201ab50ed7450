//! Appending: one durable `sign`, and many statements at once.

use aether_audit::core::dsse;
use aether_audit::core::keys::SecretKey;
use aether_audit::ledger::Submission;
use rusqlite::Connection;
use tempfile::TempDir;

use super::process::{command, run};
use super::sample::{Sample, line, millis};
use super::world::common::secret;
use super::world::{World, message, seed_pem};

const SIGNS: usize = 31;
const BATCH: usize = 1000;
const BATCHES: usize = 15;

/// One `sign` as a whole process, its key in a variable without encryption, and a bare commit between each.
pub fn sign(folder: &TempDir) {
    println!(
        "one durable `sign`, whole process, its key not encrypted; beside it a bare SQLite commit (WAL, FULL)"
    );
    let home = folder.path().join("sign");
    let mut world = World::new(&home);
    world.open("d-1");
    drop(world);
    let bare = bare(&home);
    let mut item = command(&home);
    item.args(["sign", "env-audit", "--as", "alice", "--note", "compared with the manifest"]);
    item.env("AETHER_AUDIT_KEY", seed_pem("alice"));
    let mut locked = command(&home);
    locked.args(["sign", "env-audit", "--as", "alice", "--note", "compared with the manifest"]);
    let mut version = command(&home);
    version.arg("--version");
    let body = [0_u8; 1500];
    let (mut signs, mut commits, mut starts, mut whole, mut ratios) =
        (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..SIGNS {
        let commit = millis(|| bare.execute("INSERT INTO entries (bytes) VALUES (?1)", [&body[..]])).0;
        let took = run(&mut item, 0);
        starts.push(run(&mut version, 0));
        whole.push(run(&mut locked, 0));
        ratios.push(took / commit);
        commits.push(commit);
        signs.push(took);
    }
    let (signs, commits) = (Sample::of(signs), Sample::of(commits));
    line("sign", &signs.show("ms"), "3 ms, quiet machine");
    line("bare commit", &commits.show("ms"), "");
    line("sign / bare commit, medians", &format!("{:.2}×", signs.median() / commits.median()), "≤ 8×");
    line("sign / bare commit, pair by pair", &Sample::of(ratios).show("×"), "");
    line("`--version`, whole process", &Sample::of(starts).show("ms"), "");
    line("sign with key decryption (scrypt)", &Sample::of(whole).show("ms"), "");
}

fn bare(home: &std::path::Path) -> Connection {
    let bare = Connection::open(home.join("records/bare.db")).expect("the folder can be written");
    bare.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE entries (seq INTEGER PRIMARY KEY, bytes BLOB);",
    )
    .expect("it is new");
    bare
}

/// Many statements in one durable step, against one core's signing.
pub fn batch(folder: &TempDir) {
    println!(
        "batch append, {BATCH} statements a step, against one core's Ed25519 signing of the same messages"
    );
    let home = folder.path().join("batch");
    let mut world = World::new(&home);
    world.open("d-1");
    let key = secret("ci");
    let (mut stored, mut together, mut alone) = (vec![], vec![], vec![]);
    for round in 0..BATCHES {
        let signing = signing(&mut world, &key);
        // Now and then SQLite moves its log into the database: each of the two gets its share of that.
        let (storing, both) = if round % 2 == 0 {
            let storing = storing(&mut world);
            (storing, storing_signed(&mut world, &key))
        } else {
            let both = storing_signed(&mut world, &key);
            (storing(&mut world), both)
        };
        alone.push(rate(signing));
        stored.push((rate(storing), signing / storing));
        together.push((rate(both), signing / both));
    }
    let show = |name: &str, runs: &[(f64, f64)], target: &str| {
        line(name, &Sample::of(runs.iter().map(|run| run.0)).show("/s"), "");
        line(&format!("{name} / signing"), &Sample::of(runs.iter().map(|run| run.1)).show("×"), target);
    };
    line("signing, one core", &Sample::of(alone).show("/s"), "");
    show("append, signing apart", &stored, "≥ 0.5×");
    show("append, signing included", &together, "≥ 0.5×");
}

fn batch_of(world: &mut World) -> Vec<Submission> {
    (0..BATCH as u64).map(|index| world.signed_reading("d-1", index)).collect()
}

fn signing(world: &mut World, key: &SecretKey) -> f64 {
    let messages: Vec<Vec<u8>> = batch_of(world).iter().map(|s| message(&s.envelope)).collect();
    millis(|| {
        for message in &messages {
            std::hint::black_box(key.sign(message));
        }
    })
    .0
}

fn storing(world: &mut World) -> f64 {
    let (signed, now) = (batch_of(world), world.log.now);
    millis(|| world.ledger.append_all(now, &signed).expect("the ledger takes them")).0
}

/// From the unsigned statements on.
fn storing_signed(world: &mut World, key: &SecretKey) -> f64 {
    let (mut batch, now) = (batch_of(world), world.log.now);
    let decode = |s: &Submission| dsse::decode(&s.envelope.payload).expect("made by the core");
    let payloads: Vec<Vec<u8>> = batch.iter().map(decode).collect();
    millis(|| {
        for (submission, payload) in batch.iter_mut().zip(&payloads) {
            submission.envelope.payload = dsse::encode(payload);
            submission.envelope.signatures[0].sig = dsse::encode(&key.sign(&dsse::pae(payload)));
        }
        world.ledger.append_all(now, &batch).expect("the ledger takes them")
    })
    .0
}

fn rate(millis: f64) -> f64 {
    f64::from(u32::try_from(BATCH).unwrap_or(u32::MAX)) * 1000.0 / millis
}
