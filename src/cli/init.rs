//! `init`: a folder ready to use.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};

use super::app::{App, new_id};
use super::bundle::Bundle;
use super::desk::opened_text;
use super::files;
use super::github;
use super::key::{new, offer, save_public, separate};
use super::keyring::{Keyring, generate, new_passphrase};
use super::memory::Memory;
use super::say;
use super::status_code::Status;
use super::template::fill;
use crate::config::{Config, SCHEMA, default_file};
use crate::core::checkpoint::Vkey;
use crate::core::event::{Event, LedgerOpened};
use crate::core::hash::Hash;
use crate::core::keys::SecretKey;
use crate::core::log::governance_subject;
use crate::core::name::Token;
use crate::core::roster::{
    COMMS_LEAD, CUSTODIAN, KeyUse, LEAD_DEPLOYER, Person, PersonKind, QA_ENGINEER, RECORDER, ROOT, RoleRule,
    Roster,
};
use crate::core::statement::{Predicate, Seen, Signer, Statement};
use crate::ledger::{Ledger, Submission};

/// Where the first line of `aether.toml` sends editors.
const SCHEMA_FILE: &str = "templates/aether.schema.json";

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The log's name, for good: one log per environment, for example example.com/audit/prod
    #[arg(long, env = "AETHER_AUDIT_ORIGIN", hide_env_values = true)]
    pub origin: String,
    /// Your real name, kept as an erasable opening
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Write the workflow that deploys, and the action that it uses, under .github of this Git repository
    #[arg(long)]
    pub github: bool,
    /// Mark everything in this log as a rehearsal
    #[arg(skip)]
    pub rehearsal: bool,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let home = app.home();
    let who = app.who()?;
    new::files_of_others(who.as_str())?;
    if app.globals.dry_run {
        return would(app, &home, &who, args);
    }
    let github = if args.github { github::files(&home)? } else { Vec::new() };
    files::make_folder(&home)?;
    let config = configure(&home, &args.origin)?;
    let origin = &config.log.origin;
    let ledger_path = match &app.globals.ledger {
        Some(path) => path.clone(),
        None => home.join(&config.log.ledger),
    };
    check_unused(&ledger_path)?;
    check_unknown(app, origin)?;
    for folder in ["keys", "templates", "records"] {
        files::make_folder(&home.join(folder))?;
    }
    let keyring = Keyring::of(app)?;
    let (role_key, root_key, log_key) = first_keys(app, &keyring, &who, origin)?;
    write_folder(&home, &config, &keyring)?;
    save_public(&home, who.as_str(), &role_key.public())?;
    save_public(&home, &format!("{who}.root"), &root_key.public())?;
    save_public(&home, "log", &log_key.public())?;

    let roster = first_roster(&config, &who, &role_key, &root_key, &log_key)?;
    let hash = roster.hash();
    files::write(&home.join("keys/roster.sha256"), format!("{hash}\n").as_bytes())?;
    files::write(&home.join("keys/roster.json"), format!("{}\n", roster.to_bytes()).as_bytes())?;
    // The ledger comes last: while it is not there, `init` can be run again.
    let seen = open_ledger(app, &ledger_path, args, &roster, &who, &root_key)?;
    github::write(app, &github)?;
    tell(app, &home, &keyring, &who, origin, &hash)?;
    remember(app, origin, &ledger_path, seen);
    Ok(Status::Done)
}

/// Says what would be made, and what stands there already.
fn would(app: &mut App, home: &Path, who: &Token, args: &Args) -> Result<Status> {
    let origin = &args.origin;
    let path = home.join("aether.toml");
    let there = path.exists();
    check_origin(origin)?;
    let config =
        if there { Config::read(&path)? } else { Config::parse(&default_file(origin), "aether.toml")? };
    check_same(&config, &path, origin)?;
    let ledger = app.globals.ledger.clone().unwrap_or_else(|| home.join(&config.log.ledger));
    check_unused(&ledger)?;
    check_unknown(app, origin)?;
    let keyring = Keyring::of(app)?;
    let taken = |is: bool| if is { " (there already: it stays as it is)" } else { "" };
    let mut lines = vec![format!(
        "open the log {origin} in {}, with entry 0 signed by {who}'s root key:",
        ledger.display()
    )];
    for path in [path, home.join("templates/Deployment_Checklist.md"), home.join(SCHEMA_FILE)] {
        lines.push(format!("  write {}{}", path.display(), taken(path.exists())));
    }
    lines.push(format!("  write {}, one file for each message", say::template::folder(home).display()));
    lines.push(format!("  add the ledger and what is private to {}", home.join(".gitignore").display()));
    lines.push(format!("  write {}, public halves and the first roster", home.join("keys").display()));
    for name in [who.to_string(), format!("{who}.root"), log_key_name(origin)] {
        let file = keyring.folder().join(format!("{name}.pem"));
        lines.push(format!("  make the key {}{}", file.display(), taken(keyring.has(&name))));
    }
    if args.github {
        let files = github::files(home)?;
        lines.extend(
            files.iter().map(|(path, _)| format!("  write {}{}", path.display(), taken(path.exists()))),
        );
    }
    app.would(lines.join("\n"))?;
    Ok(Status::Done)
}

/// Writes `aether.toml`, or takes the one that is there when it is for the same log.
fn configure(home: &Path, origin: &str) -> Result<Config> {
    check_origin(origin)?;
    let path = home.join("aether.toml");
    if !path.exists() {
        files::write_new(&path, default_file(origin).as_bytes())?;
    }
    let config = Config::read(&path)?;
    check_same(&config, &path, origin)?;
    Ok(config)
}

fn check_origin(origin: &str) -> Result<()> {
    match crate::config::origin_fault(origin) {
        Some(fault) => bail!("--origin {origin:?}: {fault}; for example example.com/audit/prod"),
        None => Ok(()),
    }
}

fn check_same(config: &Config, path: &Path, origin: &str) -> Result<()> {
    if config.log.origin == origin {
        return Ok(());
    }
    bail!(
        "{} is for the log {}: nothing was changed; give that origin, or use another folder",
        path.display(),
        config.log.origin
    )
}

fn check_unused(ledger: &Path) -> Result<()> {
    if !ledger.exists() {
        return Ok(());
    }
    bail!(
        "{} is there already: this folder is in use. Look at it with `aether-audit status`",
        ledger.display()
    )
}

/// A second log of one name would be taken for the first one, rewritten: by this place, and by whoever has its roster's hash.
fn check_unknown(app: &App, origin: &str) -> Result<()> {
    let memory = Memory::of(app, origin)?;
    if !memory.knows() {
        return Ok(());
    }
    bail!(
        "{} remembers a log that is called {origin} already: give this one another --origin, or keep its keys in another folder \
         (--keys)",
        Keyring::of(app)?.folder().display()
    )
}

fn first_keys(
    app: &App,
    keyring: &Keyring,
    who: &Token,
    origin: &str,
) -> Result<(Rc<SecretKey>, Rc<SecretKey>, Rc<SecretKey>)> {
    let mut passphrase = None;
    let mut key = |name: String| -> Result<Rc<SecretKey>> {
        if keyring.has(&name) {
            return keyring.load(app, &name, None);
        }
        let given = match &passphrase {
            Some(given) => given,
            None => passphrase.insert(new_passphrase(app, who.as_str())?),
        };
        let key = generate()?;
        keyring.store(&name, &key, given)?;
        Ok(Rc::new(key))
    };
    Ok((key(who.to_string())?, key(format!("{who}.root"))?, key(log_key_name(origin))?))
}

/// The name under which a place keeps its log key for a log.
#[must_use]
pub fn log_key_name(origin: &str) -> String {
    format!("log-{}", Hash::of(&[origin.as_bytes()]).short())
}

fn write_folder(home: &Path, config: &Config, keyring: &Keyring) -> Result<()> {
    let template = home.join("templates/Deployment_Checklist.md");
    if !template.exists() {
        fill(&template, config)?;
    }
    let schema = home.join(SCHEMA_FILE);
    if !schema.exists() {
        files::write_new(&schema, SCHEMA.as_bytes())?;
    }
    say::template::write_all(home)?;
    let mut ignore = vec![
        "# Written by aether-audit: the ledger and private keys stay out of version control.".to_owned(),
        "/records/*.db*".to_owned(),
        "*.pem".to_owned(),
        "!keys/*.pub.pem".to_owned(),
    ];
    if let (Ok(home), Ok(keys)) = (home.canonicalize(), keyring.folder().canonicalize())
        && let Ok(inside) = keys.strip_prefix(home)
    {
        ignore.push(format!("/{}/", inside.display()));
    }
    let path = home.join(".gitignore");
    let before = if path.exists() { files::read_text(&path, 1 << 20)? } else { String::new() };
    let new: Vec<&String> =
        ignore.iter().filter(|line| !before.lines().any(|l| l == line.as_str())).collect();
    if !new.is_empty() {
        let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let lines: Vec<&str> = new.iter().map(|line| line.as_str()).collect();
        files::write(&path, format!("{before}{gap}{}\n", lines.join("\n")).as_bytes())?;
    }
    Ok(())
}

fn first_roster(
    config: &Config,
    who: &Token,
    role_key: &SecretKey,
    root_key: &SecretKey,
    log_key: &SecretKey,
) -> Result<Roster> {
    let origin = &config.log.origin;
    let roles = [LEAD_DEPLOYER, COMMS_LEAD, QA_ENGINEER, CUSTODIAN, RECORDER];
    let roles = roles
        .iter()
        .map(|role| Ok((Token::new(*role)?, RoleRule { threshold: 1 })))
        .collect::<Result<_>>()?;
    let separate = separate::pairs(config)?;
    let person = Person {
        id: who.clone(),
        keys: vec![
            offer(origin, who, KeyUse::Root, root_key).key,
            offer(origin, who, KeyUse::Role, role_key).key,
        ],
        kind: PersonKind::Person,
        roles: vec![Token::new(LEAD_DEPLOYER)?, Token::new(CUSTODIAN)?],
    };
    let roster = Roster {
        log: origin.clone(),
        log_keys: vec![Vkey::new(origin, log_key.public())?.to_string()],
        people: vec![person],
        previous: None,
        roles,
        root_threshold: 1,
        separate,
        version: 1,
        witness_policy: None,
    };
    roster.check().context("aether.toml does not make a sound first roster")?;
    Ok(roster)
}

/// The ledger with its entry 0.
fn open_ledger(
    app: &App,
    path: &Path,
    args: &Args,
    roster: &Roster,
    who: &Token,
    root: &SecretKey,
) -> Result<Seen> {
    let mut openings = Vec::new();
    let names = match &args.name {
        Some(name) => [(who.clone(), opened_text(name, &mut openings)?)].into(),
        None => std::collections::BTreeMap::new(),
    };
    let event =
        Event::LedgerOpened(LedgerOpened { names, rehearsal: args.rehearsal, roster: roster.clone() });
    let predicate = Predicate {
        body: event.body()?,
        deployment: None,
        id: new_id()?,
        log: roster.log.clone(),
        roster: roster.hash(),
        seen: None,
        signers: vec![Signer { key: root.public().keyid(), role: Token::new(ROOT)? }],
        time: app.now(),
    };
    let statement = Statement::new(event.kind(), governance_subject(roster), predicate);
    let mut bundle = Bundle::new(&statement, openings)?;
    bundle.sign(root)?;
    let submission = Submission { envelope: bundle.envelope, openings: bundle.openings };
    let appended = Ledger::create_with(path, app.now(), &submission)?;
    Ok(Seen { leaf: appended.leaf, seq: appended.seq })
}

/// So that no second log of this name is begun with these keys; the log is there, whether that can be remembered or not.
fn remember(app: &mut App, origin: &str, ledger: &Path, seen: Seen) {
    let remembered =
        Memory::of(app, origin).and_then(|memory| memory.saw(&Ledger::open_read_only(ledger)?, seen, None));
    if let Err(error) = remembered {
        app.warn(format!(
            "this place could not remember the new log, and will with its next entry: {error:#}"
        ));
    }
}

fn tell(app: &mut App, home: &Path, keyring: &Keyring, who: &Token, origin: &str, hash: &Hash) -> Result<()> {
    if app.json() {
        return app.print_json(&serde_json::json!({
            "origin": origin, "rosterSha256": hash, "home": home, "keys": keyring.folder(), "rootHolder": who,
        }));
    }
    app.say(format!("The log {origin} is open, with entry 0 signed by {who}'s root key."));
    app.say(format!("  configuration  {}", home.join("aether.toml").display()));
    app.say(format!("  checklist      {}", home.join("templates/Deployment_Checklist.md").display()));
    app.say(format!(
        "  private keys   {} (encrypted; keep a copy of {who}.root.pem apart)",
        keyring.folder().display()
    ));
    app.say("The first roster's SHA-256, which never changes:");
    app.data(hash.to_string())?;
    app.say("Hand it to your auditor today by a way that is not this folder (printed, signed mail, their ticket system):");
    app.say("with it they check every later verdict. It is also in keys/roster.sha256.");
    app.say(format!("Next: edit aether.toml, then `aether-audit key new NAME` and `aether-audit key enroll NAME --role R --as {who}`."));
    Ok(())
}
