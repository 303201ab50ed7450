//! A project that deploys, and its people, who do what `status` says is next.

use std::cell::{Cell, RefCell};
use std::fs;
use std::time::Duration;

use aether_audit::cli::{Clock, run_at};
use aether_audit::core::time::Timestamp;
use serde_json::{Value, json};

use crate::folder::{Folder, OPEN, PASSPHRASE};
use crate::systems::{APP_TOKEN, Systems};

/// This machine's clock, which is ahead by as much as anybody has slept.
#[derive(Default)]
pub struct Ahead(Cell<i64>);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(chrono::Utc::now().timestamp_millis() + self.0.get()).unwrap()
    }

    fn sleep(&self, time: Duration) {
        self.0.set(self.0.get() + i64::try_from(time.as_millis()).unwrap());
    }
}

pub struct Walk {
    pub folder: Folder,
    pub systems: Systems,
    pub clock: Ahead,
    /// Everything that was printed.
    pub said: RefCell<String>,
}

impl Walk {
    /// Configured, nothing opened.
    pub fn start(spike: Option<i64>) -> Self {
        let systems = Systems::start(spike);
        let folder = Folder::enrolled();
        fs::write(folder.at("aether.toml"), systems.config()).unwrap();
        let checklist = folder.at("templates/Deployment_Checklist.md");
        let text = fs::read_to_string(&checklist).unwrap();
        fs::write(&checklist, text.replace("to be set", "+1 202 555 0100")).unwrap();
        fs::remove_file(folder.at("templates/.filled.json")).unwrap();
        fs::write(
            folder.at("path.toml"),
            "[[step]]\nname = \"orders\"\npath = \"/orders\"\nheaders = { Authorization = \"Bearer {env:WALK_APP_TOKEN}\" }\n",
        )
        .unwrap();
        fs::write(folder.at("passphrase"), PASSPHRASE).unwrap();
        let start = Timestamp::from_millis(chrono::Utc::now().timestamp() / 60 * 60_000).unwrap();
        let points: Vec<_> = (-60..180).map(|minute| (start.plus_seconds(60 * minute), "40")).collect();
        let series = json!({"series": {"memory": points, "latency-p95": points, "latency-p99": points}});
        fs::write(folder.at("readings.json"), series.to_string()).unwrap();
        Self { folder, systems, clock: Ahead::default(), said: RefCell::default() }
    }

    /// Runs the program in this time; gives its exit status, stdout and stderr.
    pub fn run(&self, line: &[&str]) -> (u8, String, String) {
        let path = |name: &str| self.folder.at(name).to_str().unwrap().to_owned();
        let mut all = ["aether-audit", "-C"].map(str::to_owned).to_vec();
        all.extend([
            path(""),
            "--keys".into(),
            path("private"),
            "--passphrase-file".into(),
            path("passphrase"),
        ]);
        all.extend(line.iter().map(|arg| (*arg).to_owned()));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = run_at(all, &self.clock, &mut out, &mut err);
        let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
        let heard = format!("$ aether-audit {}\n{out}{err}[{status}]\n", line.join(" "));
        if std::env::var_os("WALK_SHOW").is_some() {
            println!("{heard}");
        }
        self.said.borrow_mut().push_str(&heard);
        (status, out, err)
    }

    /// The same, which must end with `status`; gives all that was printed.
    #[track_caller]
    pub fn ends(&self, status: u8, line: &[&str]) -> String {
        let (got, out, err) = self.run(line);
        assert_eq!(got, status, "{line:?}: {out}{err}");
        out + &err
    }

    pub fn status(&self) -> Value {
        let (status, out, err) = self.run(&["status", "-o", "json"]);
        assert_eq!(status, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    }

    /// What `status` says is next.
    pub fn next(&self) -> String {
        self.status()["next"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn next_is(&self, what: &str) {
        let next = self.next();
        assert!(next.starts_with(&format!("aether-audit {what}")), "next is {next:?}, and not {what:?}");
    }

    /// Signs for as long as that is what is next.
    pub fn sign(&self) {
        for _ in 0..60 {
            let next = self.next();
            let Some(rest) = next.strip_prefix("aether-audit sign ") else { return };
            let line: Vec<&str> = ["sign"].into_iter().chain(rest.split(' ')).collect();
            self.ends(0, &line);
        }
        panic!("it never ends");
    }

    /// All entries of a kind, bodies included.
    pub fn entries(&self, kind: &str) -> Vec<Value> {
        let (_, out, _) = self.run(&["log", "-o", "json", "--deployment", "v2.14.0"]);
        let all: Vec<Value> = serde_json::from_str(&out).unwrap();
        all.into_iter().filter(|entry| entry["kind"] == kind).collect()
    }

    /// The same in a line each, by these members.
    pub fn story(&self, kind: &str, members: &[&str]) -> Vec<String> {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let line = |entry: &Value| -> Vec<String> {
            members.iter().map(|name| word(&entry["body"][*name])).collect()
        };
        self.entries(kind).iter().map(|entry| line(entry).join(" ")).collect()
    }

    /// From `doctor` to all traffic on Green.
    pub fn to_green(&self) {
        let ready = self.ends(0, &["doctor", "--as", "alice"]);
        assert!(ready.contains("ready: everything that is configured was asked for and answered"), "{ready}");
        self.ends(0, &OPEN);
        self.ends(0, &["say", "scheduled", "--set", "window=02:00 to 03:00", "--as", "bob"]);
        self.ends(
            0,
            &["collect", "env-parameters", "dns-ready", "code-freeze", "log-errors", "--as", "alice"],
        );
        self.ends(1, &["collect", "log-leaks", "--as", "alice"]);
        self.sign();
        self.next_is("snapshot --as alice");
        self.ends(1, &["decide", "go", "--reason", "too early", "--as", "alice"]);
        self.ends(0, &["snapshot", "--every", "1", "--as", "alice"]);
        self.ends(0, &["collect", "database-snapshot", "--as", "alice"]);
        self.sign();
        self.next_is("decide go");
        self.ends(0, &["decide", "go", "--reason", "all is well", "--as", "alice"]);
        self.next_is("deploy --as alice");
        self.ends(0, &["say", "start", "--as", "bob"]);
        self.ends(0, &["deploy", "--yes", "--as", "alice"]);
        self.ends(0, &["collect", "release-built", "--as", "alice"]);
        self.next_is("shift --to green");
        let shift = ["shift", "--to", "green", "--steps", "10,50,100", "--yes", "--as", "alice"];
        self.systems.sick.store(true, std::sync::atomic::Ordering::SeqCst);
        self.ends(1, &shift);
        self.ends(3, &["collect", "app-up", "--as", "alice"]);
        self.ends(3, &["collect", "critical-path", "--as", "alice"]);
        self.systems.sick.store(false, std::sync::atomic::Ordering::SeqCst);
        self.ends(0, &shift);
        self.ends(0, &["say", "switched", "--as", "bob"]);
        self.next_is("watch");
        assert!(!self.said.borrow().contains(APP_TOKEN));
    }

    /// Report, checkpoint, and the auditor's verdict on all of it.
    pub fn proven(&self) -> String {
        self.next_is("report");
        self.ends(0, &["render", "--deployment", "v2.14.0"]);
        self.ends(0, &["report", "--as", "alice", "--deployment", "v2.14.0"]);
        self.next_is("checkpoint");
        let (status, checkpoint, err) = self.run(&["checkpoint"]);
        assert_eq!(status, 0, "{err}");
        let outside = tempfile::tempdir().unwrap();
        let kept = outside.path().join("checkpoint");
        fs::write(&kept, checkpoint).unwrap();
        let path = |name: &str| self.folder.at(name).to_str().unwrap().to_owned();
        let (export, kept, roster) = (path("out"), kept.to_str().unwrap(), self.folder.roster_sha256());
        self.ends(0, &["export", &export]);
        for what in [path("records/ledger.db"), export, path("records/v2.14.0")] {
            let said = self.ends(0, &["verify", &what, "--roster-sha256", &roster, "--checkpoint", kept]);
            assert!(said.contains("VERDICT      VERIFIED"), "{said}");
        }
        fs::read_to_string(self.folder.at("records/v2.14.0/report.md")).unwrap()
    }
}
