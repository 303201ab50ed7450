//! What every command is given: the options that hold everywhere, the clock, chance, the outputs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::config::Config;
use crate::core::checklist::is_invisible;
use crate::core::keys::SecretKey;
use crate::core::name::{Id, Token};
use crate::core::opening::Opening;
use crate::core::time::Timestamp;

/// Options that hold everywhere.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The project's folder
    #[arg(
        short = 'C',
        long = "dir",
        global = true,
        value_name = "DIR",
        env = "AETHER_AUDIT_DIR",
        hide_env_values = true
    )]
    pub dir: Option<PathBuf>,
    /// The ledger, instead of the one that aether.toml names
    #[arg(long, global = true, value_name = "FILE", env = "AETHER_AUDIT_LEDGER", hide_env_values = true)]
    pub ledger: Option<PathBuf>,
    /// Who you are on the roster
    #[arg(long = "as", global = true, value_name = "NAME", env = "AETHER_AUDIT_AS", hide_env_values = true)]
    pub who: Option<String>,
    /// Which deployment (default: the one that is open)
    #[arg(long, global = true, value_name = "ID", env = "AETHER_AUDIT_DEPLOYMENT", hide_env_values = true)]
    pub deployment: Option<String>,
    /// Text for people or JSON for programs
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "text",
        env = "AETHER_AUDIT_OUTPUT",
        hide_env_values = true
    )]
    pub output: Output,
    /// Say what would be recorded or written, and change nothing
    #[arg(long, global = true, env = "AETHER_AUDIT_DRY_RUN", hide_env_values = true)]
    pub dry_run: bool,
    /// Say less
    #[arg(short, long, global = true, env = "AETHER_AUDIT_QUIET", hide_env_values = true)]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, env = "AETHER_AUDIT_VERBOSE", hide_env_values = true)]
    pub verbose: bool,
    /// The folder of your private keys
    #[arg(long, global = true, value_name = "DIR", env = "AETHER_AUDIT_KEYS", hide_env_values = true)]
    pub keys: Option<PathBuf>,
    /// A file whose first line is the passphrase of your keys (or set `AETHER_AUDIT_PASSPHRASE`)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "AETHER_AUDIT_PASSPHRASE_FILE",
        hide_env_values = true
    )]
    pub passphrase_file: Option<PathBuf>,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Where the time comes from.
pub trait Clock {
    /// The present.
    fn now(&self) -> Timestamp;
    /// Lets so much time pass.
    fn sleep(&self, time: Duration);
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from(chrono::Utc::now())
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// What a command runs in.
pub struct App<'a> {
    /// The options that hold everywhere.
    pub globals: Globals,
    /// Where the time comes from.
    pub clock: &'a dyn Clock,
    /// Data.
    pub out: &'a mut dyn Write,
    /// Everything else.
    pub err: &'a mut dyn Write,
    /// Whether stdout is a terminal that can be drawn on.
    pub live: bool,
    /// A passphrase that the caller has already, instead of asking for one.
    pub passphrase: Option<String>,
    /// Keys that this process has decrypted already, by file.
    pub unlocked: RefCell<BTreeMap<PathBuf, Rc<SecretKey>>>,
    /// What this command recorded: the answer of one that has no other data.
    pub recorded: RefCell<Vec<serde_json::Value>>,
    /// What a dry run would do, for programs: all of it is one answer.
    pub foreseen: Vec<serde_json::Value>,
    /// The configuration as it was read last, and its text.
    parsed: RefCell<Option<(String, Config)>>,
    /// Whether anything was printed on stdout.
    printed: bool,
    /// How long the ledger is waited for, where that is less than usual: a rollback never waits for its recorder.
    pub patience: Option<Duration>,
}

impl<'a> App<'a> {
    /// What a command runs in.
    #[must_use]
    pub fn new(
        globals: Globals,
        clock: &'a dyn Clock,
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
    ) -> Self {
        Self {
            globals,
            clock,
            out,
            err,
            live: false,
            passphrase: None,
            unlocked: RefCell::default(),
            recorded: RefCell::default(),
            foreseen: Vec::new(),
            parsed: RefCell::default(),
            printed: false,
            patience: None,
        }
    }

    /// As JSON, what a command that printed nothing has recorded.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn answer(&mut self) -> Result<()> {
        match std::mem::take(&mut self.foreseen).as_slice() {
            [] => {}
            [one] => return self.print_json(one),
            several => return self.print_json(&several),
        }
        let recorded = self.recorded.take();
        if !self.json() || self.printed || recorded.is_empty() {
            return Ok(());
        }
        self.print_json(&recorded)
    }

    /// The project's folder: `-C`, or the nearest one upwards that has an `aether.toml`, or this one.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        if let Some(dir) = &self.globals.dir {
            return dir.clone();
        }
        let here = PathBuf::from(".");
        let Ok(full) = here.canonicalize() else {
            return here;
        };
        full.ancestors()
            .find(|folder| folder.join("aether.toml").is_file())
            .filter(|folder| **folder != full)
            .map_or(here, Path::to_owned)
    }

    /// The configuration.
    ///
    /// # Errors
    /// Where `aether.toml` is missing or wrong.
    pub fn config(&self) -> Result<Config> {
        let path = self.home().join("aether.toml");
        let text = Config::text(&path)?;
        let mut parsed = self.parsed.borrow_mut();
        if let Some((same, config)) = &*parsed
            && *same == text
        {
            return Ok(config.clone());
        }
        let config = Config::parse(&text, &path.display().to_string())?;
        *parsed = Some((text, config.clone()));
        Ok(config)
    }

    /// The ledger's file: `--ledger`, or the one that `aether.toml` names.
    ///
    /// # Errors
    /// Where there is neither.
    pub fn ledger_path(&self) -> Result<PathBuf> {
        match &self.globals.ledger {
            Some(path) if path.to_string_lossy().contains("://") => {
                bail!("{}: only SQLite files are supported here; give the path of a file", path.display())
            }
            Some(path) => Ok(path.clone()),
            None => Ok(self.home().join(self.config()?.log.ledger)),
        }
    }

    /// The person who acts.
    ///
    /// # Errors
    /// Where nobody is named, or not as a person's id.
    pub fn who(&self) -> Result<Token> {
        let who =
            self.globals.who.as_deref().context("say who you are: --as NAME (or set AETHER_AUDIT_AS)")?;
        Ok(Token::new(who)?)
    }

    /// Whether data is printed as JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        self.globals.output == Output::Json
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Prints text on stdout; what could steer a terminal is made visible.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn data(&mut self, text: impl AsRef<str>) -> Result<()> {
        self.raw(printable(text.as_ref()))
    }

    /// Prints on stdout exactly what it is given, ended by a newline.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn raw(&mut self, text: impl AsRef<str>) -> Result<()> {
        let text = text.as_ref();
        self.printed = true;
        self.out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Prints data as pretty JSON on stdout; what could steer a terminal is escaped.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn print_json(&mut self, value: &impl Serialize) -> Result<()> {
        self.print_safe(&serde_json::to_string_pretty(value)?)
    }

    /// The same on one line, for what goes on.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn print_json_line(&mut self, value: &impl Serialize) -> Result<()> {
        self.print_safe(&serde_json::to_string(value)?)
    }

    fn print_safe(&mut self, text: &str) -> Result<()> {
        let mut safe = String::with_capacity(text.len());
        for c in text.chars() {
            if c != '\n' && (c.is_control() || hides(c)) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    safe.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                safe.push(c);
            }
        }
        self.raw(safe)
    }

    /// In a dry run: says what would be done.
    ///
    /// # Errors
    /// Where stdout is closed.
    pub fn would(&mut self, what: impl AsRef<str>) -> Result<()> {
        if self.json() {
            self.foreseen.push(serde_json::json!({"dryRun": true, "would": what.as_ref()}));
            return Ok(());
        }
        self.data(format!("would {}", what.as_ref()))
    }

    /// Says something on stderr, unless `-q`.
    pub fn say(&mut self, text: impl AsRef<str>) {
        if !self.globals.quiet {
            let _ = writeln!(self.err, "{}", printable(text.as_ref()));
        }
    }

    /// Warns on stderr, whatever `-q` says.
    pub fn warn(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.err, "warning: {}", printable(text.as_ref()));
    }
}

/// Text for a terminal: what could steer it, and what nobody sees, is shown as `\u{fffd}`.
#[must_use]
pub fn printable(text: &str) -> String {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    text.chars().map(|c| if steers(c) || hides(c) { '\u{fffd}' } else { c }).collect()
}

/// Characters that nobody sees, or that begin a line in some places only.
fn hides(c: char) -> bool {
    is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Bytes from the operating system's random source.
///
/// # Errors
/// Where it has none to give.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| anyhow::anyhow!("the operating system gave no random bytes: {e}"))?;
    Ok(bytes)
}

/// A new statement id.
///
/// # Errors
/// Where the operating system has no random bytes to give.
pub fn new_id() -> Result<Id> {
    Ok(Id::from_bytes(random()?))
}

/// An opening with a fresh salt.
///
/// # Errors
/// Where the operating system has no random bytes to give.
pub fn new_opening(bytes: impl Into<Vec<u8>>) -> Result<Opening> {
    Ok(Opening { salt: random()?, bytes: bytes.into() })
}
