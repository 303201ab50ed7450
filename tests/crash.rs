//! `kill -9` while several processes append and make checkpoints: nothing acknowledged is lost, nothing forks, and no
//! checkpoint is ahead of the ledger.

#[path = "cli/folder.rs"]
mod folder;
#[path = "ledger/walk.rs"]
mod walk;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use aether_audit::core::dsse::{self, Envelope, PAYLOAD_TYPE, Signature};
use aether_audit::core::entry::Entry;
use aether_audit::core::event::{Event, NoteAdded};
use aether_audit::core::hash::Hash;
use aether_audit::core::keys::SecretKey;
use aether_audit::core::name::{Id, Token};
use aether_audit::core::opening::Opening;
use aether_audit::core::statement::{Predicate, Seen, Signer, Statement};
use aether_audit::core::time::Timestamp;
use aether_audit::core::verify::{Anchors, Verdict};
use aether_audit::ledger::{Ledger, Submission};

use folder::{Folder, PASSPHRASE};

const WRITER: &str = "CRASH_TEST_WRITER";
const ROUNDS: u64 = 6;
const ROUND: Duration = Duration::from_secs(2);

/// When to kill: on a machine that is busy everything takes longer, and all of it should be hit.
#[derive(Clone, Copy)]
struct Pace {
    /// What one command takes that nobody kills, while the others run.
    command: Duration,
    until: Instant,
}

impl Pace {
    fn goes_on(self) -> bool {
        Instant::now() < self.until
    }

    /// At any moment of a command, or somewhat after its end.
    fn patience(self) -> Duration {
        let most = u64::try_from(self.command.as_millis()).unwrap() * 3 / 2;
        Duration::from_millis(jitter(most.max(300)))
    }
}

/// What was acknowledged: the note's text or the item, by `seq`.
type Acknowledged = BTreeMap<u64, String>;

/// What killed processes left behind.
#[derive(Default)]
struct Tally {
    killed: u64,
    acknowledged: usize,
    checkpoints: usize,
    entries: u64,
}

/// How many are killed at least; a campaign sets the variable.
fn kills() -> u64 {
    let given = std::env::var("AETHER_AUDIT_TEST_KILLS").ok();
    given.map_or(20, |given| given.parse().expect("a number"))
}

#[test]
fn killed_writers_lose_nothing_and_fork_nothing() {
    const NAME: &str = "killed_writers_lose_nothing_and_fork_nothing";
    if let Some(place) = std::env::var_os(WRITER) {
        append_until_killed(Path::new(&place));
    }
    let mut all = Tally::default();
    while all.killed < kills() {
        let one = ledger_under_fire(NAME);
        all.killed += one.killed;
        all.acknowledged += one.acknowledged;
        all.checkpoints += one.checkpoints;
        all.entries += one.entries;
        println!(
            "{} killed; of {} entries {} had been acknowledged, and {} checkpoints released: all there",
            all.killed, all.entries, all.acknowledged, all.checkpoints
        );
    }
    assert!(all.acknowledged > 50, "only {} appends were acknowledged", all.acknowledged);
    assert!(all.checkpoints > 2, "only {} checkpoints were released", all.checkpoints);
}

/// A ledger of its own, written to for some rounds by processes that are killed.
fn ledger_under_fire(name: &str) -> Tally {
    let folder = Folder::opened();
    let (mut acknowledged, mut checkpoints) = (Acknowledged::new(), Vec::new());
    let mut tally = Tally::default();
    let mut command = Duration::ZERO;
    for round in 0..ROUNDS {
        let pace = Pace { command, until: Instant::now() + ROUND.max(command * 5) };
        let (found, dead) = thread::scope(|scope| {
            let folder = &folder;
            let threads = [
                scope.spawn(move || library_writers(folder, name, pace)),
                scope.spawn(move || library_writers(folder, name, pace)),
                scope.spawn(move || command_writers(folder, "note", pace)),
                scope.spawn(move || command_writers(folder, "sign", pace)),
            ];
            let anchors = [
                scope.spawn(move || checkpoint_makers(folder, pace)),
                scope.spawn(move || checkpoint_makers(folder, pace)),
            ];
            let start = Instant::now();
            folder.ok(&["note", "unharmed", "--as", "carol"]);
            command = start.elapsed();
            for thread in anchors {
                let (notes, dead) = thread.join().unwrap();
                checkpoints.extend(notes);
                tally.killed += dead;
            }
            threads.map(|thread| thread.join().unwrap()).into_iter().fold(
                (vec![], 0),
                |(mut all, sum), (some, dead)| {
                    all.extend(some);
                    (all, sum + dead)
                },
            )
        });
        tally.killed += dead;
        for (seq, what) in found {
            let before = acknowledged.insert(seq, what.clone());
            assert!(
                before.as_ref().is_none_or(|before| *before == what),
                "{seq} was acknowledged as {before:?} and {what}"
            );
        }
        tally.entries = assert_all_there(&folder, &acknowledged, &checkpoints, round);
    }
    tally.acknowledged = acknowledged.len();
    tally.checkpoints = checkpoints.len();
    tally
}

/// Starts a writer on the library and kills it, again and again.
fn library_writers(folder: &Folder, name: &str, pace: Pace) -> (Vec<(u64, String)>, u64) {
    let mut killed = 0;
    let mut found = Vec::new();
    while pace.goes_on() {
        let place = folder.at(&format!("writer-{}", u64::from_be_bytes(random())));
        fs::create_dir(&place).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(WRITER, &place)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(150 + jitter(400)).max(pace.command / 2 + pace.patience()));
        killed += u64::from(kill(&mut child, "the library"));
        let lines = fs::read_to_string(place.join("acknowledged")).unwrap_or_default();
        // The newest line may have been cut by the kill.
        for line in lines.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let (seq, what) = line.split_once(' ').unwrap();
            found.push((seq.parse().unwrap(), what.to_owned()));
        }
    }
    (found, killed)
}

/// Runs the program, and kills it more often than not.
fn command_writers(folder: &Folder, verb: &str, pace: Pace) -> (Vec<(u64, String)>, u64) {
    let mut killed = 0;
    let mut found = Vec::new();
    while pace.goes_on() {
        let text = format!("note {}", u64::from_be_bytes(random()));
        let (what, args) = match verb {
            "sign" => ("env-audit", ["sign", "env-audit", "--as", "alice"]),
            _ => (text.as_str(), ["note", text.as_str(), "--as", "bob"]),
        };
        let mut child = folder.command(&args).spawn().unwrap();
        let patience = pace.patience();
        let start = Instant::now();
        while start.elapsed() < patience && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        if kill(&mut child, verb) {
            killed += 1;
            continue;
        }
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        let mut entries = said.lines().filter_map(|line| line.strip_prefix("entry "));
        let seq = entries.find_map(|line| line.split_once(':')).unwrap().0;
        found.push((seq.parse().unwrap(), what.to_owned()));
    }
    (found, killed)
}

/// Makes checkpoints, and kills more often than not; gives those that were released.
fn checkpoint_makers(folder: &Folder, pace: Pace) -> (Vec<String>, u64) {
    let (mut notes, mut killed) = (Vec::new(), 0);
    while pace.goes_on() {
        let mut child = folder.command(&["checkpoint"]).spawn().unwrap();
        let patience = pace.patience();
        let start = Instant::now();
        while start.elapsed() < patience && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        if kill(&mut child, "checkpoint") {
            killed += 1;
        } else {
            notes.push(std::io::read_to_string(child.stdout.take().unwrap()).unwrap());
        }
    }
    (notes, killed)
}

/// Kills with SIGKILL; `false` where it had ended well before.
fn kill(child: &mut Child, what: &str) -> bool {
    child.kill().unwrap();
    let status = child.wait().unwrap();
    if status.code().is_some() {
        let said = child.stderr.take().map(|pipe| std::io::read_to_string(pipe).unwrap());
        assert!(status.success(), "{what} failed: {said:?}");
        child.stderr = None;
        if let Some(said) = said {
            let (reader, mut writer) = std::io::pipe().unwrap();
            writer.write_all(said.as_bytes()).unwrap();
            child.stderr = Some(std::os::fd::OwnedFd::from(reader).into());
        }
    }
    status.code().is_none()
}

/// Every acknowledged entry stands there as it was acknowledged, every released checkpoint holds, and the one that is
/// remembered, released or not, too; gives the number of entries.
fn assert_all_there(folder: &Folder, acknowledged: &Acknowledged, released: &[String], round: u64) -> u64 {
    let remembered = fs::read_dir(folder.at("private")).unwrap().map(|file| file.unwrap().path());
    let mut remembered =
        remembered.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("checkpoint-"));
    let remembered = remembered.next().map(|path| fs::read_to_string(path).unwrap());
    let newest = folder.ok(&["checkpoint"]);
    let anchors = Anchors {
        first_roster: Some(Hash::parse(&folder.roster_sha256()).unwrap()),
        checkpoints: released.iter().cloned().chain(remembered).chain([newest]).collect(),
        ..Anchors::default()
    };
    let report = walk::walk(&folder.ledger(), &anchors);
    assert_eq!(report.verdict(), Verdict::Verified, "round {round}: {:#?}", report.findings);
    let ledger = Ledger::open_read_only(&folder.ledger()).unwrap();
    for (&seq, what) in acknowledged {
        let bytes =
            ledger.entry(seq).unwrap().unwrap_or_else(|| panic!("round {round}: {seq} was acknowledged"));
        let statement = Entry::parse(&bytes).unwrap().statement;
        let there = match Event::parse(statement.kind(), &statement.predicate.body).unwrap() {
            Event::ItemSigned(body) => body.item.to_string(),
            Event::NoteAdded(body) => {
                let file = ledger.opening(&body.text.commit).unwrap().unwrap();
                String::from_utf8(Opening::from_file_bytes(&file).unwrap().bytes).unwrap()
            }
            event => panic!("{seq} is {}", event.kind()),
        };
        assert_eq!(there, *what, "round {round}: entry {seq}");
    }
    ledger.head().unwrap().unwrap().seq + 1
}

/// The body of a writer: a note, its acknowledgement into a file, and again.
fn append_until_killed(place: &Path) -> ! {
    let folder = place.parent().unwrap();
    let pem = fs::read_to_string(folder.join("private/bob.pem")).unwrap();
    let key = SecretKey::from_encrypted_pem(&pem, PASSPHRASE.as_bytes()).unwrap();
    let mut file: File =
        OpenOptions::new().append(true).create(true).open(place.join("acknowledged")).unwrap();
    for n in 0.. {
        let mut ledger = Ledger::open(&folder.join("records/ledger.db")).unwrap();
        for _ in 0..5 {
            let text = format!("{} {n}", place.file_name().unwrap().to_string_lossy());
            let submission = note(&ledger, &key, &text);
            let place = ledger.append(Timestamp::from(chrono::Utc::now()), &submission).unwrap();
            file.write_all(format!("{} {text}\n", place.seq).as_bytes()).unwrap();
        }
    }
    unreachable!("killed long before")
}

fn note(ledger: &Ledger, key: &SecretKey, text: &str) -> Submission {
    let first =
        Entry::parse(&ledger.entries_of(ledger.deployments().unwrap()[0].0.as_str().into()).unwrap()[3])
            .unwrap();
    let head = ledger.head().unwrap().unwrap();
    let opening = Opening { salt: random(), bytes: text.into() };
    let event = Event::NoteAdded(NoteAdded { about: None, text: opening.reference("text/plain").unwrap() });
    let opened = first.statement.predicate;
    let predicate = Predicate {
        body: event.body().unwrap(),
        id: Id::from_bytes(random()),
        seen: Some(Seen { leaf: head.leaf, seq: head.seq }),
        signers: vec![Signer { key: key.public().keyid(), role: Token::new("comms-lead").unwrap() }],
        time: Timestamp::from(chrono::Utc::now()),
        ..opened
    };
    let payload = Statement::new(event.kind(), first.statement.subject, predicate).to_bytes().unwrap();
    let sig = dsse::encode(&key.sign(&dsse::pae(&payload)));
    let signatures = vec![Signature { keyid: key.public().keyid(), sig }];
    let envelope =
        Envelope { payload: dsse::encode(&payload), payload_type: PAYLOAD_TYPE.into(), signatures };
    Submission { envelope, openings: vec![opening] }
}

/// After a killed `init` the same `init` goes on, or says that it was done.
#[test]
fn a_killed_init_can_be_run_again() {
    let init = ["init", "--origin", folder::ORIGIN, "--as", "alice"];
    let mut half_done = 0;
    for _ in 0..10 {
        let folder = Folder::empty();
        let mut child = folder.command(&init).spawn().unwrap();
        thread::sleep(Duration::from_millis(jitter(500)));
        kill(&mut child, "init");
        half_done += u64::from(folder.at("private").exists() && !folder.ledger().exists());
        if folder.ledger().exists() {
            folder.fails(2, &init, "there already");
        } else {
            folder.ok(&init);
        }
        assert_eq!(folder.entries(), 1);
        folder.ok(&["key", "new", "bob"]);
        folder.ok(&["key", "enroll", "bob", "--role", "comms-lead", "--as", "alice"]);
        let anchors = Anchors {
            first_roster: Some(Hash::parse(&folder.roster_sha256()).unwrap()),
            checkpoints: vec![folder.ok(&["checkpoint"])],
            ..Anchors::default()
        };
        let report = walk::walk(&folder.ledger(), &anchors);
        assert_eq!(report.verdict(), Verdict::Verified, "{:#?}", report.findings);
    }
    assert!(half_done > 0, "no init was killed halfway");
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn jitter(below: u64) -> u64 {
    u64::from_be_bytes(random()) % below
}
