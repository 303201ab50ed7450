//! What the page shows, folded once for all who look: taken up with each new entry, put together anew each second.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::cli::app::{Clock as _, SystemClock};
use crate::cli::desk::{fold, take};
use crate::cli::log::{Line, line, summary};
use crate::cli::next::next;
use crate::cli::pick::unknown_deployment;
use crate::cli::signed::{UNSIGNED, is_governance, unsigned};
use crate::cli::status::missing_ahead;
use crate::cli::tail::{Look, Tail};
use crate::config::Config;
use crate::core::checklist;
use crate::core::entry::Entry;
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::name::Token;
use crate::core::opening::Opening;
use crate::core::time::Timestamp;
use crate::ledger::Ledger;
use crate::report::live::Live;
use crate::serve::{self, Feed};

/// So many of the newest entries are there from the beginning: as many as are kept, for whoever comes back after a restart.
const FIRST: u64 = 4096;
/// So often it is put together anew where nothing has come: gates open with time.
const TICK: Duration = Duration::from_secs(1);
/// So many messages are shown with their text, and so many findings.
const NEWEST: usize = 8;

/// The ledger as it is shown.
pub struct Room {
    home: PathBuf,
    wanted: Option<Token>,
    planned: Option<Timestamp>,
    tail: Tail,
    id: Option<Token>,
    log: Log,
    titles: BTreeMap<String, String>,
    /// What messages say, by commit.
    texts: BTreeMap<Hash, String>,
    /// What is wrong with entries, by their numbers.
    faults: BTreeMap<u64, Vec<String>>,
    /// The newest entry: number, leaf, when.
    head: Option<(u64, Hash, Timestamp)>,
    /// From which entry on each was seen to follow the one before.
    since: u64,
    /// Up to and with which entry the fold has come.
    folded: Option<u64>,
    /// Open deployments that are not shown.
    others: Vec<Token>,
    config: Option<Config>,
    /// Said until the end: the history was changed.
    alarm: Option<String>,
    /// Said as long as it lasts: why nothing newer is shown.
    trouble: Option<String>,
    made: Option<Instant>,
}

/// What there is to show.
pub struct Shown {
    /// New entries.
    pub lines: Vec<serve::Line>,
    /// Where everything stands.
    pub state: String,
}

impl Room {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(path: PathBuf, home: PathBuf, wanted: Option<Token>, planned: Option<Timestamp>) -> Self {
        Self {
            home,
            wanted,
            planned,
            tail: Tail::new(path),
            id: None,
            log: Log::default(),
            titles: BTreeMap::new(),
            texts: BTreeMap::new(),
            faults: BTreeMap::new(),
            head: None,
            since: 0,
            folded: None,
            others: Vec::new(),
            config: None,
            alarm: None,
            trouble: None,
            made: None,
        }
    }

    /// The deployment that is shown.
    #[must_use]
    pub const fn id(&self) -> Option<&Token> {
        self.id.as_ref()
    }

    /// What is shown, in words.
    #[must_use]
    pub fn shown(&self) -> String {
        self.id.as_ref().map_or_else(|| "the log: no deployment yet".into(), |id| format!("deployment {id}"))
    }

    /// Reads for the first time: what is wrong then is said to whoever starts it.
    ///
    /// # Errors
    /// Where the ledger cannot be read, is empty, or does not have the deployment.
    pub fn begin(&mut self, now: Timestamp) -> Result<Shown> {
        let look =
            self.tail.look(FIRST)?.context("the ledger is empty: run `aether-audit init` in a new folder")?;
        if let Some(wanted) = &self.wanted
            && !look.ledger.deployments()?.iter().any(|(id, _)| id == wanted)
        {
            anyhow::bail!(unknown_deployment(&look.ledger, wanted));
        }
        let lines = self.take(&look)?;
        Ok(Shown { lines, state: self.state(now) })
    }

    /// Looks for what is new, and publishes it.
    pub fn look(&mut self, feed: &Feed) {
        let now = SystemClock.now();
        let due = self.made.is_none_or(|made| made.elapsed() >= TICK);
        match self.tail.look(FIRST) {
            Ok(None) => {
                if self.trouble.take().is_some() || due {
                    feed.publish(&[], &self.state(now));
                }
            }
            Ok(Some(look)) => {
                self.trouble = None;
                match self.take(&look) {
                    Ok(lines) if look.other => feed.restart(&lines, &self.state(now)),
                    Ok(lines) => feed.publish(&lines, &self.state(now)),
                    Err(error) => self.complain(feed, &format!("{error:#}"), now),
                }
            }
            Err(error) => self.complain(feed, &error.to_string(), now),
        }
    }

    fn complain(&mut self, feed: &Feed, why: &str, now: Timestamp) {
        self.trouble = Some(why.to_owned());
        feed.publish(&[], &self.state(now));
    }

    /// Takes new entries up, as far as they are of the format; gives them as lines.
    fn take(&mut self, look: &Look) -> Result<Vec<serve::Line>> {
        let mut new = Vec::with_capacity(look.new.len());
        for bytes in &look.new {
            match Entry::parse(bytes) {
                Ok(entry) => new.push(entry),
                Err(error) => {
                    self.tail.again();
                    let after =
                        new.last().map(|entry: &Entry| entry.line.seq).or(self.head.map(|(seq, ..)| seq));
                    let after =
                        after.map_or("the first entry".into(), |seq| format!("what follows entry {seq}"));
                    self.trouble =
                        Some(format!("{after} is not of the format ({error}): run `aether-audit verify`"));
                    break;
                }
            }
        }
        if look.other {
            self.changed(new.first());
        }
        let begins =
            |entry: &Entry| matches!(entry.statement.kind(), "deployment-opened" | "deployment-closed");
        if self.head.is_none() || new.iter().any(begins) {
            self.read(&look.ledger).inspect_err(|_| self.tail.again())?;
        }
        let mut lines = Vec::with_capacity(new.len());
        for entry in &new {
            self.follow(entry);
            self.fold(&look.ledger, entry);
            let faults = self.faults.get(&entry.line.seq).cloned().unwrap_or_default();
            let shown = line(entry, &self.log, faults)?;
            lines.push(serve::Line { seq: entry.line.seq, data: data(entry, &shown) });
            self.tail.took(entry.line.seq, entry.leaf);
        }
        Ok(lines)
    }

    /// What was shown is not in the ledger any more.
    fn changed(&mut self, first: Option<&Entry>) {
        let was = self.head.map_or(0, |(seq, ..)| seq);
        let now = first.map_or("nothing".into(), |entry| entry.statement.predicate.log.clone());
        self.alarm = Some(if now == self.log.origin {
            format!(
                "THE HISTORY WAS CHANGED: entry {was}, as it was shown here, is not in the ledger any more. Keep the file, and run \
                 `aether-audit verify` with a checkpoint from elsewhere"
            )
        } else {
            format!("another log stands in the ledger's place: it was {}, it is {now}", self.log.origin)
        });
        self.head = None;
    }

    /// Reads governance and the deployment from the beginning.
    fn read(&mut self, ledger: &Ledger) -> Result<()> {
        let all = ledger.deployments()?;
        let newest = all.iter().rev().find(|(_, closed)| !closed).or(all.last());
        self.id = self.wanted.clone().or_else(|| newest.map(|(id, _)| id.clone()));
        let open = all.into_iter().filter(|(_, closed)| !closed).map(|(id, _)| id);
        self.others = open.filter(|id| self.id.as_ref() != Some(id)).collect();
        let entries = Entry::parse_all(&ledger.entries_of(self.id.as_ref().map(Token::as_str))?)
            .context("the ledger holds an entry that is not of the format: run `aether-audit verify`")?;
        self.log = Log::default();
        self.faults.clear();
        for entry in &entries {
            let faults = fold(&mut self.log, entry, is_governance(entry));
            self.found(entry.line.seq, faults);
        }
        for seq in unsigned(&entries, &self.log) {
            self.found(seq, vec![UNSIGNED.to_owned()]);
        }
        self.folded = entries.last().map(|entry| entry.line.seq);
        self.config = Config::read(&self.home.join("aether.toml")).ok();
        self.texts.clear();
        self.titles.clear();
        let Some(deployment) = self.id.as_ref().and_then(|id| self.log.deployments.get(id)) else {
            return Ok(());
        };
        for message in deployment.messages.iter().rev().take(NEWEST) {
            self.texts.extend(said(ledger, message.body.text.commit));
        }
        let text = said(ledger, deployment.checklist.text.commit);
        let parsed = text.and_then(|(_, text)| checklist::parse(&text).ok()).unwrap_or_default();
        self.titles = parsed.items.into_iter().map(|item| (item.spec.id, item.title)).collect();
        Ok(())
    }

    /// Whether an entry follows the newest one, as each says of the one before.
    fn follow(&mut self, entry: &Entry) {
        let (seq, prev) = (entry.line.seq, entry.line.prev);
        match self.head {
            None => self.since = seq,
            Some((last, leaf, _)) if (seq, prev) == (last + 1, leaf) => {}
            Some((last, ..)) => {
                self.alarm =
                    Some(format!("entry {seq} does not follow entry {last}: run `aether-audit verify`"));
                self.since = seq;
            }
        }
        self.head = Some((seq, entry.leaf, entry.line.recorded));
    }

    /// Takes one entry into the fold, unless it was read with the others before it.
    fn fold(&mut self, ledger: &Ledger, entry: &Entry) {
        let seq = entry.line.seq;
        let its = entry.statement.predicate.deployment.as_ref();
        if its.is_some() && its != self.id.as_ref() {
            let key = |id: &Hash| self.log.keys.get(id).map(|known| &known.key.public);
            if !entry.bad_signatures(key).is_empty() {
                self.found(seq, vec![UNSIGNED.to_owned()]);
            }
            return;
        }
        if self.folded.is_some_and(|folded| seq <= folded) {
            return;
        }
        self.folded = Some(seq);
        let faults = take(&mut self.log, entry);
        self.found(seq, faults);
        match Event::parse(entry.statement.kind(), &entry.statement.predicate.body) {
            Ok(Event::MessageSent(body)) => self.texts.extend(said(ledger, body.text.commit)),
            Ok(Event::OpeningErased(body)) => drop(self.texts.remove(&body.commit)),
            Ok(Event::ChecklistAmended(_)) => drop(self.read(ledger)),
            _ => {}
        }
    }

    fn found(&mut self, seq: u64, faults: Vec<String>) {
        if !faults.is_empty() {
            self.faults.entry(seq).or_default().extend(faults);
        }
    }

    /// Where everything stands, as JSON on one line.
    fn state(&mut self, now: Timestamp) -> String {
        self.made = Some(Instant::now());
        let deployment = self.id.as_ref().and_then(|id| self.log.deployments.get(id));
        let said = |commit: &Hash| self.texts.get(commit).cloned();
        let live = deployment.map(|deployment| Live::of(deployment, &self.titles, &said, now));
        let next = deployment.map(|deployment| {
            let command = next(
                deployment,
                self.config.as_ref(),
                &missing_ahead(deployment, now),
                now,
                !self.others.is_empty(),
            );
            json!({ "who": who(&command), "command": command })
        });
        let faults = self.faults.iter().flat_map(|(seq, texts)| texts.iter().map(move |text| (seq, text)));
        let faults: Vec<Value> = faults.map(|(seq, text)| json!({ "seq": seq, "text": text })).collect();
        json!({
            "schema": "https://project-aether.io/audit/live/v1",
            "live": live,
            "next": next,
            "planned": self.planned,
            "others": self.others,
            "chain": {
                "origin": self.log.origin,
                "entries": self.head.map_or(0, |(seq, ..)| seq + 1),
                "head": self.head.map(|(_, leaf, _)| leaf),
                "recorded": self.head.map(|(.., recorded)| recorded),
                "since": self.since,
                "findings": faults.len(),
                "first": faults.iter().take(NEWEST).collect::<Vec<_>>(),
            },
            "alarm": self.alarm,
            "trouble": self.trouble,
        })
        .to_string()
    }
}

/// Whose turn it is, as the command says it.
fn who(command: &str) -> Option<&str> {
    command.split(" --as ").nth(1)?.split_whitespace().next()
}

/// The text behind a commitment, where the ledger still has it.
fn said(ledger: &Ledger, commit: Hash) -> Option<(Hash, String)> {
    let bytes = ledger.opening(&commit).ok()??;
    let opening = Opening::from_file_bytes(&bytes).ok()?;
    String::from_utf8(opening.bytes).ok().map(|text| (commit, text))
}

/// What is shown of an entry: no text that may have to go one day.
fn data(entry: &Entry, shown: &Line) -> String {
    json!({
        "seq": shown.seq,
        "kind": shown.kind,
        "deployment": shown.deployment,
        "recorded": shown.recorded,
        "by": shown.by,
        "what": summary(&shown.kind, &shown.body),
        "leaf": shown.leaf,
        "prev": entry.line.prev,
        "faults": shown.faults,
    })
    .to_string()
}
