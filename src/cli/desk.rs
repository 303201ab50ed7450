//! The desk: where an event becomes a signed statement and gets its place.
//!
//! Load what the ledger says, let the gates and the who-may table speak, sign, append.

use std::rc::Rc;

use anyhow::{Context as _, Result, bail};

use super::app::{App, new_id, new_opening};
use super::bundle::Bundle;
use super::keyring::{self, Keyring};
use super::memory::Memory;
use super::pick::only_one;
pub use super::pick::{
    check_person, check_role, hand, keyless, pick, record_folder, unknown_deployment, unknown_person,
};
use super::signed::{Signed, UNSIGNED, is_governance, known, unsigned_entries};
use super::status_code::{Recorded, Refused};
use crate::core::deployment::Deployment;
use crate::core::dsse::{self, Envelope, PAYLOAD_TYPE, Signature};
use crate::core::entry::Entry;
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::keys::SecretKey;
use crate::core::log::{Log, RosterVersion};
use crate::core::name::{Id, Token};
use crate::core::opening::{Opening, OpeningRef};
use crate::core::roster::KeyUse;
use crate::core::statement::{Predicate, Seen, Signer, Statement, Subject};
use crate::core::time::Timestamp;
use crate::ledger::{Appended, Head, Ledger, Submission};

/// An open ledger with what it says about one deployment.
pub struct Desk {
    /// The ledger.
    pub ledger: Ledger,
    /// Rosters and the deployment.
    pub log: Log,
    /// The entries behind it, in order.
    pub entries: Vec<Entry>,
    /// The newest entry.
    pub head: Head,
    pub(super) deployment: Option<Token>,
    /// What is wrong with these entries, facts out of process aside.
    pub(super) faults: Vec<String>,
    /// Whether every signature of these entries was held against its key, and nothing is wrong with any.
    checked: bool,
}

/// What an event still needs to become a statement.
pub struct Draft {
    /// What happened.
    pub event: Event,
    /// What its commitments open to.
    pub openings: Vec<Opening>,
    /// The deployment; `None` for governance.
    pub deployment: Option<Token>,
    /// What it is about.
    pub subject: Vec<Subject>,
}

/// Who signs, in which role.
#[derive(Clone, Debug)]
pub struct Hand {
    /// The person.
    pub person: Token,
    /// The role.
    pub role: Token,
}

impl Desk {
    /// Opens the ledger for appending and reads governance and the deployment.
    ///
    /// # Errors
    /// Where the ledger cannot be opened or read.
    pub fn open(app: &App, deployment: Option<&Token>) -> Result<Self> {
        Self::load(app, ledger(app)?, deployment)
    }

    /// The same, without ever writing.
    ///
    /// # Errors
    /// Where the ledger cannot be opened or read.
    pub fn read(app: &App, deployment: Option<&Token>) -> Result<Self> {
        Self::load(app, reading(app)?, deployment)
    }

    /// The same ledger at a deployment that a verifier has read up to and with `head`, and what it found.
    #[must_use]
    pub fn turn_to(
        self,
        deployment: &Token,
        head: Head,
        log: Log,
        entries: Vec<Entry>,
        faults: Vec<String>,
    ) -> Self {
        let checked = faults.is_empty();
        Self {
            ledger: self.ledger,
            log,
            entries,
            head,
            deployment: Some(deployment.clone()),
            faults,
            checked,
        }
    }

    /// [`Desk::open`] at the deployment that [`pick`] gives, looked for in the same ledger.
    ///
    /// # Errors
    /// As both.
    pub fn open_at(app: &App, closed_too: bool) -> Result<(Token, Self)> {
        Self::load_at(app, ledger(app)?, closed_too)
    }

    /// The same, without ever writing.
    ///
    /// # Errors
    /// As [`Desk::open_at`].
    pub fn read_at(app: &App, closed_too: bool) -> Result<(Token, Self)> {
        Self::load_at(app, reading(app)?, closed_too)
    }

    fn load_at(app: &App, ledger: Ledger, closed_too: bool) -> Result<(Token, Self)> {
        let id = match &app.globals.deployment {
            Some(id) => Token::new(id.as_str())?,
            None => only_one(&ledger, closed_too)?,
        };
        let desk = Self::load(app, ledger, Some(&id))?;
        Ok((id, desk))
    }

    fn load(app: &App, ledger: Ledger, deployment: Option<&Token>) -> Result<Self> {
        let head = ledger.head()?.context("the ledger is empty: run `aether-audit init` in a new folder")?;
        let entries =
            Entry::parse_all(&ledger.entries_of(deployment.map(Token::as_str))?).with_context(|| {
                let path = ledger.path().display();
                format!("{path} holds an entry that is not of the format: run `aether-audit verify`")
            })?;
        let known = known(app, deployment, &entries);
        let mut log = Log::default();
        let mut faults = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let found = fold(&mut log, entry, index >= known && is_governance(entry));
            faults.extend(found.into_iter().map(|fault| format!("entry {}: {fault}", entry.line.seq)));
        }
        faults.extend(unsigned_entries(&entries[known..], &log));
        let checked = faults.is_empty();
        Ok(Self { ledger, log, entries, head, deployment: deployment.cloned(), faults, checked })
    }

    /// Warns where the ledger does not hold what this place has seen of the log before.
    pub fn warn_of_older(&self, app: &mut App) {
        if let Some(Err(error)) = self.memory(app).map(|memory| memory.check(&self.ledger)) {
            app.warn(format!("{error:#}"));
        }
    }

    /// Warns where the ledger has findings.
    pub fn warn(&self, app: &mut App) {
        if let Some(first) = self.faults.first() {
            let count = self.faults.len();
            app.warn(format!("this ledger has findings ({count}; {first}): run `aether-audit verify`"));
        }
    }

    /// The roster in force.
    ///
    /// # Errors
    /// Where the ledger has none.
    pub fn roster(&self) -> Result<&RosterVersion> {
        self.log.roster().context("the ledger has no roster: run `aether-audit verify`")
    }

    /// The deployment that the desk was opened for.
    ///
    /// # Errors
    /// Where it was never opened.
    pub fn deployment(&self, id: &Token) -> Result<&Deployment> {
        self.log.deployments.get(id).with_context(|| unknown_deployment(&self.ledger, id))
    }

    /// The newest entry, as a signer has seen it.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen { leaf: self.head.leaf, seq: self.head.seq }
    }

    /// The signers that these hands are, by their keys for daily work.
    ///
    /// # Errors
    /// Where one of them is not on the roster, or has no such key.
    pub fn signers(&self, hands: &[Hand]) -> Result<Vec<Signer>> {
        let roster = &self.roster()?.roster;
        hands
            .iter()
            .map(|hand| {
                let person = roster.person(hand.person.as_str());
                let person = person.with_context(|| unknown_person(roster, &hand.person))?;
                let key = person.key(KeyUse::Role);
                let key = key.with_context(|| keyless(&hand.person))?;
                Ok(Signer { key: key.public.keyid(), role: hand.role.clone() })
            })
            .collect()
    }

    /// From which entry on this hand's key is suspect, where it is.
    #[must_use]
    pub fn suspect_from(&self, hand: &Hand) -> Option<u64> {
        let signers = self.signers(std::slice::from_ref(hand)).ok()?;
        self.log.keys.get(&signers[0].key)?.suspect_from()
    }

    /// The statement that a draft makes, as of what the desk has seen.
    ///
    /// # Errors
    /// Where the ledger has no roster.
    pub fn statement(&self, draft: &Draft, signers: &[Signer], id: Id, time: Timestamp) -> Result<Statement> {
        let predicate = Predicate {
            body: draft.event.body()?,
            deployment: draft.deployment.clone(),
            id,
            log: self.log.origin.clone(),
            roster: self.roster()?.hash,
            seen: Some(self.seen()),
            signers: signers.to_vec(),
            time,
        };
        Ok(Statement::new(draft.event.kind(), draft.subject.clone(), predicate))
    }

    /// Makes the statement and signs it with the first hand's key; the others cosign later.
    ///
    /// # Errors
    /// Where the table refuses, the key is not here, or the statement would not fit an entry.
    pub fn sign(&self, app: &App, draft: Draft, hands: &[Hand]) -> Result<Bundle> {
        self.allow(app, &draft, hands)?;
        let signers = self.signers(hands)?;
        let mut bundle = self.bundle(app, draft, &signers)?;
        let key = self.key_of(app, &hands[0].person, &signers[0].key)?;
        bundle.sign(&key)?;
        Ok(bundle)
    }

    /// Signs a governance statement with all of these keys.
    ///
    /// # Errors
    /// Where the statement would not fit an entry.
    pub fn sign_governance(&self, app: &App, draft: Draft, keys: &[(&SecretKey, Token)]) -> Result<Bundle> {
        let signers: Vec<Signer> =
            keys.iter().map(|(key, role)| Signer { key: key.public().keyid(), role: role.clone() }).collect();
        let mut bundle = self.bundle(app, draft, &signers)?;
        for (key, _) in keys {
            bundle.sign(key)?;
        }
        Ok(bundle)
    }

    /// Signs a governance statement for several signers with one of their keys; the others cosign.
    ///
    /// # Errors
    /// Where the statement would not fit an entry, or the key is none of the signers'.
    pub fn sign_as(&self, app: &App, draft: Draft, signers: &[Signer], key: &SecretKey) -> Result<Bundle> {
        let mut bundle = self.bundle(app, draft, signers)?;
        bundle.sign(key)?;
        Ok(bundle)
    }

    fn bundle(&self, app: &App, draft: Draft, signers: &[Signer]) -> Result<Bundle> {
        self.ours(app)?;
        let statement = self.statement(&draft, signers, new_id()?, app.now())?;
        Bundle::new(&statement, draft.openings)
    }

    /// Holds that this is the log of the project, and that it extends what this place has seen of it.
    ///
    /// # Errors
    /// Where it is another one, or an older or a forked copy.
    pub fn ours(&self, app: &App) -> Result<()> {
        own_log(app, &self.log.origin)?;
        self.memory(app).map_or(Ok(()), |memory| memory.check(&self.ledger))
    }

    /// What this place remembers of the log; none where it has no place for that.
    pub(super) fn memory(&self, app: &App) -> Option<Memory> {
        Memory::of(app, &self.log.origin).ok()
    }

    /// Remembers an entry as the newest that was seen here.
    ///
    /// # Errors
    /// Where the ledger does not extend what was seen here before, or it cannot be remembered.
    pub fn remember(&self, app: &App, seen: Seen) -> Result<()> {
        let signed = self.checked.then(|| Signed::of(self.deployment.as_ref(), &self.entries));
        self.memory(app).map_or(Ok(()), |memory| memory.saw(&self.ledger, seen, signed))
    }

    /// A person's private key, as the roster knows its public half.
    ///
    /// # Errors
    /// Where it is not here or cannot be read.
    pub fn key_of(&self, app: &App, person: &Token, keyid: &Hash) -> Result<Rc<SecretKey>> {
        if let Some(key) = keyring::from_environment(app)? {
            if key.public().keyid() == *keyid {
                return Ok(key);
            }
            bail!("AETHER_AUDIT_KEY is not the key that the roster has for {person}");
        }
        let public = self.log.keys.get(keyid).map(|known| known.key.public.clone());
        Keyring::of(app)?.load(app, person.as_str(), public.as_ref())
    }

    /// Gives a bundle its place, after its signatures have been checked, and the table and the rules have
    /// been asked once more with all that came in since the desk was opened.
    ///
    /// # Errors
    /// Where a signature is missing or wrong, the table or a rule refuses, or the ledger cannot take it.
    pub fn append(&mut self, app: &App, bundle: &Bundle) -> Result<Appended> {
        if app.globals.dry_run {
            bail!("this was a dry run: nothing was appended");
        }
        let submission = self.submission(bundle)?;
        let Self { ledger, log, entries, head, checked, .. } = self;
        let known = head.seq;
        let deployment = bundle.statement().predicate.deployment.clone();
        let appended = ledger.append_judged(app.now(), &submission, known, &mut |since| {
            for (index, bytes) in since.iter().enumerate() {
                let entry = Entry::parse(bytes)?;
                *head = Head { seq: entry.line.seq, leaf: entry.leaf, recorded: entry.line.recorded };
                let its = entry.statement.predicate.deployment.as_ref();
                if its.is_some() && its != deployment.as_ref() {
                    continue;
                }
                let faults = take(log, &entry);
                *checked &= faults.is_empty();
                if index + 1 == since.len() && !faults.is_empty() {
                    let what = format!("{} may not be recorded so", entry.statement.kind());
                    let next = "nothing was appended; see where it stands with `aether-audit status`".into();
                    return Err(Refused { what, missing: faults, next }.into());
                }
                entries.push(entry);
            }
            Ok(())
        })?;
        self.remember(app, Seen { leaf: appended.leaf, seq: appended.seq })
            .context(Recorded(appended.seq))?;
        app.recorded.borrow_mut().push(serde_json::json!({
            "seq": appended.seq, "leaf": appended.leaf, "already": appended.already,
            "kind": bundle.statement().kind(), "deployment": bundle.statement().predicate.deployment,
            "recorded": appended.recorded,
        }));
        Ok(appended)
    }

    /// A bundle as the ledger takes it, its signatures checked.
    ///
    /// # Errors
    /// Where one is missing or does not verify.
    pub fn submission(&self, bundle: &Bundle) -> Result<Submission> {
        let opened = bundle.complete()?;
        let bad = crate::core::entry::bad_signatures(
            &opened.statement,
            &opened.payload,
            &opened.signatures,
            |id| self.log.keys.get(id).map(|known| &known.key.public).or_else(|| bundle.own_key(id)),
        );
        if let Some(&index) = bad.first() {
            bail!(
                "the signature of key {} does not verify: nothing was appended",
                opened.statement.predicate.signers[index].key
            );
        }
        Ok(Submission { envelope: bundle.envelope.clone(), openings: bundle.openings.clone() })
    }

    /// A draft about a deployment.
    ///
    /// # Errors
    /// Where there is no such deployment.
    pub fn draft(&self, id: &Token, event: Event, openings: Vec<Opening>) -> Result<Draft> {
        let subject = self.deployment(id)?.subject.clone();
        Ok(Draft { event, openings, deployment: Some(id.clone()), subject })
    }
}

/// Holds that a log is the one that `aether.toml` is for, where there is one.
///
/// # Errors
/// Where it is another.
pub fn own_log(app: &App, origin: &str) -> Result<()> {
    match app.config() {
        Ok(config) if config.log.origin != origin => bail!(
            "aether.toml is for the log {}, and this ledger is the log {origin}: nothing was signed; `origin` is for good, and \
             --ledger names another ledger",
            config.log.origin
        ),
        _ => Ok(()),
    }
}

/// The ledger for appending; in a dry run for reading only.
fn ledger(app: &App) -> Result<Ledger> {
    if app.globals.dry_run {
        return reading(app);
    }
    let path = app.ledger_path()?;
    Ok(match app.patience {
        Some(patience) => Ledger::open_within(&path, patience)?,
        None => Ledger::open(&path)?,
    })
}

fn reading(app: &App) -> Result<Ledger> {
    let path = app.ledger_path()?;
    Ok(match app.patience {
        Some(patience) => Ledger::open_read_only_within(&path, patience)?,
        None => Ledger::open_read_only(&path)?,
    })
}

/// Takes an entry into the fold; gives what is wrong with it, its signatures included, facts out of process
/// and kinds of newer programs left aside.
pub fn take(log: &mut Log, entry: &Entry) -> Vec<String> {
    fold(log, entry, true)
}

/// The same, with the signatures left out where somebody else has looked at them.
pub fn fold(log: &mut Log, entry: &Entry, signatures: bool) -> Vec<String> {
    let mut faults = Vec::new();
    if signatures {
        let brought = if is_governance(entry) {
            Event::parse(entry.statement.kind(), &entry.statement.predicate.body)
                .map(|event| event.brought_keys())
                .unwrap_or_default()
        } else {
            Vec::new()
        };
        let key = |id: &Hash| {
            let known = log.keys.get(id).map(|known| &known.key.public);
            known.or_else(|| brought.iter().find(|key| key.keyid() == *id))
        };
        if !entry.bad_signatures(key).is_empty() {
            faults.push(UNSIGNED.to_owned());
            if is_governance(entry) && entry.line.seq > 0 {
                return faults;
            }
        }
    }
    let taken = log.take(entry, |_| Vec::new());
    let real =
        taken.faults.iter().filter(|fault| !fault.out_of_process() && fault.code() != "kind-unsupported");
    faults.extend(real.map(ToString::to_string));
    faults
}

/// Text as an opening, with what a statement says of it.
///
/// # Errors
/// Where the text is empty, or the operating system has no random bytes to give.
pub fn opened_text(text: &str, openings: &mut Vec<Opening>) -> Result<OpeningRef> {
    if text.trim().is_empty() {
        bail!("an empty text says nothing: write the note, the reason or the name out");
    }
    opened_bytes(text.as_bytes().to_vec(), "text/plain", openings)
}

/// Bytes as an opening, with what a statement says of it.
///
/// # Errors
/// Where the operating system has no random bytes to give, or the media type is none.
pub fn opened_bytes(bytes: Vec<u8>, media_type: &str, openings: &mut Vec<Opening>) -> Result<OpeningRef> {
    let opening = new_opening(bytes)?;
    let reference = opening.reference(media_type)?;
    openings.push(opening);
    Ok(reference)
}

/// An envelope around a payload, signed by nobody yet.
#[must_use]
pub fn unsigned(payload: &[u8]) -> Envelope {
    Envelope { payload: dsse::encode(payload), payload_type: PAYLOAD_TYPE.into(), signatures: Vec::new() }
}

/// One signature over a payload.
#[must_use]
pub fn signature(payload: &[u8], key: &SecretKey) -> Signature {
    let sig = key.sign(&dsse::pae(payload));
    Signature { keyid: key.public().keyid(), sig: dsse::encode(&sig) }
}
