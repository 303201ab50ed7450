//! The stage: a folder of its own, three people with keys of their own, a clock that is moved by hand.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{PASSPHRASE, readings};
use crate::cli::app::{App, Clock, Globals, Output};
use crate::cli::status_code::Status;
use crate::cli::template::checklist_text;
use crate::cli::{files, init, key};
use crate::config::Config;
use crate::core::checklist::{self, Checklist};
use crate::core::keys::SecretKey;
use crate::core::name::Token;
use crate::core::time::Timestamp;

/// The three of a rehearsal, with their roles.
pub const CAST: [(&str, &str); 3] =
    [("alex", "lead-deployer"), ("casey", "comms-lead"), ("quinn", "qa-engineer")];

/// A clock that is moved by hand.
struct Simulated(Cell<Timestamp>);

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        self.0.get()
    }

    fn sleep(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let later = Timestamp::from_millis(self.0.get().millis().saturating_add(millis));
        self.0.set(later.unwrap_or_else(|_| self.0.get()));
    }
}

/// Where a rehearsal is played.
pub struct Stage<'a, 'b> {
    app: &'a mut App<'b>,
    clock: Simulated,
    home: PathBuf,
    unlocked: BTreeMap<PathBuf, Rc<SecretKey>>,
    /// The checklist that is rehearsed.
    pub checklist: Checklist,
}

impl<'a, 'b> Stage<'a, 'b> {
    /// Builds the stage: configuration, checklist, keys, the ledger with entry 0 and three people.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn new(app: &'a mut App<'b>, home: PathBuf, mark: &str) -> Result<Self> {
        files::make_folder(&home.join("templates"))?;
        let own = app.home().join("templates/Deployment_Checklist.md");
        let origin = format!("rehearsal.invalid/{mark}");
        let defaults = Config::parse(&readings::config(&origin, &Checklist::default())?, "aether.toml")?;
        let text = if own.is_file() { files::read_text(&own, 1 << 20)? } else { checklist_text(&defaults)? };
        let checklist = checklist::parse(&text).with_context(|| format!("{}", own.display()))?;
        files::write(&home.join("templates/Deployment_Checklist.md"), text.as_bytes())?;
        files::write(&home.join("aether.toml"), readings::config(&origin, &checklist)?.as_bytes())?;
        let started = app.now().plus_seconds(-12 * 3600);
        let minute = started.millis().div_euclid(60_000) * 60_000;
        let clock = Simulated(Cell::new(Timestamp::from_millis(minute)?));
        let mut stage = Self { app, clock, home, unlocked: BTreeMap::new(), checklist };
        stage.say(&format!(
            "REHEARSAL in {} (simulated clock, throw-away keys, passphrase \"{PASSPHRASE}\")",
            stage.home.display()
        ));
        stage.people(&origin)?;
        Ok(stage)
    }

    fn people(&mut self, origin: &str) -> Result<()> {
        let init = init::Args { origin: origin.to_owned(), name: None, github: false, rehearsal: true };
        self.act("alex", None, |app| init::run(app, &init))?;
        for (person, role) in &CAST[1..] {
            let name = Token::new(*person)?;
            self.act(person, None, |app| key::make(app, &name))?;
            self.act("alex", None, |app| key::bring_on(app, &name, role))?;
        }
        Ok(())
    }

    /// Lets one of the cast run a command; gives its exit status and what it printed on stdout.
    ///
    /// # Errors
    /// What the command fails with.
    pub fn act(
        &mut self,
        person: &str,
        deployment: Option<&Token>,
        command: impl FnOnce(&mut App) -> Result<Status>,
    ) -> Result<(Status, String)> {
        let globals = Globals {
            dir: Some(self.home.clone()),
            who: Some(person.to_owned()),
            deployment: deployment.map(ToString::to_string),
            output: Output::Text,
            quiet: true,
            keys: Some(self.home.join("private").join(person)),
            ..Globals::default()
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut app = App::new(globals, &self.clock, &mut out, &mut err);
        app.passphrase = Some(PASSPHRASE.to_owned());
        app.unlocked = RefCell::new(std::mem::take(&mut self.unlocked));
        let result = command(&mut app);
        self.unlocked = app.unlocked.take();
        let status = result.with_context(|| format!("rehearsal, {person}"))?;
        self.wait(7);
        Ok((status, String::from_utf8_lossy(&out).trim().to_owned()))
    }

    /// Moves the clock.
    pub fn wait(&self, seconds: i64) {
        self.clock.0.set(self.clock.0.get().plus_seconds(seconds));
    }

    /// Moves the clock to the next full minute.
    pub fn wait_for_minute(&self) -> Timestamp {
        let next = (self.now().millis().div_euclid(60_000) + 1) * 60_000;
        self.clock.0.set(Timestamp::from_millis(next).unwrap_or_else(|_| self.now()));
        self.now()
    }

    /// The simulated present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The rehearsal's folder.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.home.clone()
    }

    /// The first roster's hash.
    ///
    /// # Errors
    /// Where its file cannot be read.
    pub fn roster(&self) -> Result<String> {
        Ok(files::read_text(&self.home.join("keys/roster.sha256"), 1024)?.trim().to_owned())
    }

    /// Tells the audience.
    pub fn say(&mut self, text: &str) {
        self.app.say(text);
    }
}
