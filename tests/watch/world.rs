//! A project in a simulated time, and the program run in it.

use std::cell::{Cell, RefCell};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use aether_audit::cli::{Clock, run_at};
use aether_audit::core::time::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// When all traffic is on Green.
pub const GREEN: &str = "2025-07-03T02:00:20.000Z";

/// Called whenever time passes, with the new present.
type Hook = Rc<dyn Fn(Timestamp)>;

/// A clock that passes when somebody sleeps.
pub struct Fake {
    now: Cell<Timestamp>,
    hook: RefCell<Option<Hook>>,
    /// So many more looks at the clock before the process "dies".
    lives: Cell<Option<u32>>,
}

impl Fake {
    pub fn at(now: Timestamp) -> Self {
        Self { now: Cell::new(now), hook: RefCell::default(), lives: Cell::new(None) }
    }

    pub fn set(&self, now: Timestamp) {
        self.now.set(now);
    }

    pub fn now_at(&self) -> Timestamp {
        self.now.get()
    }

    /// Called whenever the clock moves, and once now.
    pub fn each(&self, hook: impl Fn(Timestamp) + 'static) {
        hook(self.now.get());
        *self.hook.borrow_mut() = Some(Rc::new(hook));
    }
}

impl Clock for Fake {
    fn now(&self) -> Timestamp {
        if let Some(lives) = self.lives.get() {
            self.lives.set(Some(lives.saturating_sub(1)));
            if lives == 0 {
                self.lives.set(None);
                std::panic::resume_unwind(Box::new("killed"));
            }
        }
        self.now.get()
    }

    fn sleep(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.now.set(Timestamp::from_millis(self.now.get().millis() + millis).unwrap());
        let hook = self.hook.borrow().clone();
        if let Some(hook) = hook {
            hook(self.now.get());
        }
    }
}

/// What a run of the program ended with.
#[derive(Debug)]
pub struct Ran {
    /// `None` where it was killed.
    pub status: Option<u8>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// It must have been refused, and say why.
    #[track_caller]
    pub fn refused(&self, says: &str) {
        assert_eq!(self.status, Some(1), "{}{}", self.out, self.err);
        assert!(self.err.contains(says), "{says:?} is not in: {}", self.err);
    }
}

pub struct World {
    dir: TempDir,
    pub clock: Fake,
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The moment so many minutes and seconds after the window's first full minute.
pub fn minute(minutes: i64) -> Timestamp {
    at("2025-07-03T02:01:00.000Z").plus_seconds(60 * minutes)
}

impl World {
    /// Three people, and nothing deployed.
    fn people() -> Self {
        static MADE: OnceLock<TempDir> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let world =
                Self { dir: tempfile::tempdir().unwrap(), clock: Fake::at(at("2025-07-03T01:00:00.000Z")) };
            fs::write(world.path().join("passphrase"), "correct-horse\n").unwrap();
            world.ok(&["init", "--origin", "example.com/audit/prod", "--as", "alice"]);
            for (name, role) in [("bob", "comms-lead"), ("carol", "qa-engineer"), ("ci", "recorder")] {
                world.ok(&["key", "new", name]);
                let role: &[&str] = if role == "recorder" { &["--machine"] } else { &["--role", role] };
                world.ok(&[&["key", "enroll", name, "--as", "alice"], role].concat());
            }
            world.dir
        });
        let dir = tempfile::tempdir().unwrap();
        copy_all(made.path(), dir.path());
        Self { dir, clock: Fake::at(at("2025-07-03T01:30:00.000Z")) }
    }

    /// A deployment with these checks, opened and not shifted.
    pub fn opened(deployment: &str, checks: &str) -> Self {
        let world = Self::people();
        let config = format!(
            "[log]\norigin = \"example.com/audit/prod\"\n[project]\nname = \"app\"\nservices = [\"app\"]\n[deployment]\n{deployment}\n{checks}"
        );
        fs::write(world.path().join("aether.toml"), config).unwrap();
        let checklist = "## Live\n- [ ] all clear <!-- id: all-clear; by: all-clear -->\n";
        fs::write(world.path().join("templates/Deployment_Checklist.md"), checklist).unwrap();
        let mut args = vec!["open", "v1", "--commit", COMMIT, "--as", "alice"];
        args.extend(["--lead-deployer", "alice", "--comms-lead", "bob", "--qa-engineer", "carol"]);
        world.ok(&args);
        world
    }

    /// The same at 100 % Green since [`GREEN`], which is now.
    pub fn green(deployment: &str, checks: &str) -> Self {
        let world = Self::opened(deployment, checks);
        world.clock.now.set(at(GREEN));
        world.shifted();
        world
    }

    /// All traffic is on Green now.
    pub fn shifted(&self) {
        let words = "record traffic-shifted --service app --to green --act done --as alice";
        self.ok(&words.split(' ').collect::<Vec<_>>());
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn each(&self, hook: impl Fn(Timestamp) + 'static) {
        self.clock.each(hook);
    }

    /// Writes `readings.json` anew as time passes: `series(minute)` is the value of the minute that begins so many
    /// minutes after the first full one; it can be seen `late` seconds after that minute is over. `None`: no point.
    pub fn feed(&self, late: i64, series: impl Fn(i64) -> Option<String> + 'static) {
        let path = self.path().join("readings.json");
        self.each(move |now| write_readings(&path, now, late, &series));
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_by(&self.clock, args)
    }

    /// By a clock of its own.
    pub fn run_by(&self, clock: &Fake, args: &[&str]) -> Ran {
        let path = |name: &str| self.path().join(name).to_str().unwrap().to_owned();
        let mut all = vec!["aether-audit".to_owned(), "-C".into(), path("")];
        all.extend(["--keys".into(), path("private"), "--passphrase-file".into(), path("passphrase")]);
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = catch_unwind(AssertUnwindSafe(|| run_at(all, clock, &mut out, &mut err)));
        let status = match status {
            Ok(status) => Some(status),
            Err(cause) if cause.downcast_ref() == Some(&"killed") => None,
            Err(cause) => std::panic::resume_unwind(cause),
        };
        Ran { status, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }

    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.status, Some(0), "{args:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    #[track_caller]
    pub fn watch(&self, status: u8, says: &str) -> Ran {
        let ran = self.run(&["watch", "--as", "carol"]);
        assert_eq!(ran.status, Some(status), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains(says), "{says:?} is not in: {}{}", ran.out, ran.err);
        ran
    }

    /// Runs `watch` and kills it at its `lives`-th look at the clock; whether it was killed before it ended.
    pub fn killed(&self, lives: u32) -> bool {
        self.clock.lives.set(Some(lives));
        let ran = self.run(&["watch", "--as", "carol"]);
        self.clock.lives.set(None);
        if ran.status.is_none() {
            self.bury();
        }
        ran.status.is_none()
    }

    /// Whoever holds the lease is dead: its process number becomes one that has ended.
    fn bury(&self) {
        static DEAD: OnceLock<u32> = OnceLock::new();
        let dead = DEAD.get_or_init(|| {
            let mut child = std::process::Command::new("true").spawn().unwrap();
            child.wait().unwrap();
            child.id()
        });
        let path = self.path().join("records/ledger.db.watch-v1");
        if let Ok(lease) = fs::read_to_string(&path) {
            let own = format!("\"pid\":{}", std::process::id());
            fs::write(&path, lease.replace(&own, &format!("\"pid\":{dead}"))).unwrap();
        }
    }

    /// All entries of the deployment with their bodies.
    pub fn log(&self) -> Vec<Value> {
        let hook = self.clock.hook.borrow_mut().take();
        let all: Vec<Value> = serde_json::from_str(&self.ok(&["log", "-o", "json"])).unwrap();
        *self.clock.hook.borrow_mut() = hook;
        all
    }

    /// Check, verdict and time looked at of each reading, in entry order.
    pub fn readings(&self) -> Vec<(String, String, String)> {
        let log = self.log();
        let readings = log.iter().filter(|e| e["kind"] == "metric-read" || e["kind"] == "evidence-collected");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        readings
            .map(|e| (text(&e["body"]["check"]), text(&e["body"]["phase"]), text(&e["body"]["window"]["to"])))
            .collect()
    }

    pub fn entries(&self, kind: &str) -> Vec<Value> {
        self.log().into_iter().filter(|entry| entry["kind"] == kind).collect()
    }
}

pub fn write_readings(path: &PathBuf, now: Timestamp, late: i64, series: &impl Fn(i64) -> Option<String>) {
    let visible = |m: &i64| minute(m + 1).plus_seconds(late) <= now;
    let points: Vec<(Timestamp, String)> =
        (-10..200).filter(visible).filter_map(|m| Some((minute(m), series(m)?))).collect();
    fs::write(path, serde_json::json!({"series": {"errors": points}}).to_string()).unwrap();
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (file.path(), to.join(file.file_name()));
        if file.file_type().unwrap().is_dir() {
            copy_all(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
