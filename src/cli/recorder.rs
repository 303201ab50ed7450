//! The recorder of acts: each event of an act under way becomes an entry, or, in a rollback, waits signed in the spool
//! where the ledger does not take it in time.

use anyhow::Result;

use super::app::{App, new_id};
use super::bundle::Bundle;
use super::desk::{Desk, Draft, Hand, hand};
use super::facts;
use super::kit;
use super::log::summary;
use super::spool;
use super::status_code::{Recorded, Refused};
use crate::core::deployment::{Deployment, Fact, Signatory};
use crate::core::entry::EntryError;
use crate::core::event::Event;
use crate::core::name::{Id, Token};
use crate::core::opening::Opening;
use crate::core::roster::PersonKind;
use crate::ledger::LedgerError;

/// Whether it is the ledger that cannot be used, and not what was asked of it.
fn broken(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<LedgerError>() || cause.is::<EntryError>())
}

/// Records one act's events.
pub struct Recorder {
    /// What the log says, with what waits in the spool.
    pub desk: Desk,
    /// The deployment.
    pub id: Token,
    /// Whether the act goes on where it cannot be recorded.
    urgent: bool,
    /// Whether events go to the spool from here on.
    late: bool,
    /// How many went there.
    pub spooled: usize,
}

impl Recorder {
    /// For an act that does not begin unless it can be recorded.
    ///
    /// # Errors
    /// Where the ledger cannot be opened, or no deployment is meant.
    pub fn open(app: &App) -> Result<Self> {
        let (id, desk) = Desk::open_at(app, false)?;
        Ok(Self { desk, id, urgent: false, late: false, spooled: 0 })
    }

    /// For the way back, which waits for nobody.
    ///
    /// # Errors
    /// Where the ledger cannot even be read, or no deployment is meant.
    pub fn urgent(app: &mut App) -> Result<Self> {
        app.patience = Some(spool::PATIENCE);
        let mut late = !spool::waiting(app).is_empty();
        if late {
            spool::settle(app);
            late = !spool::waiting(app).is_empty();
        }
        let opened = if late { Desk::read_at(app, false) } else { Desk::open_at(app, false) };
        let (id, desk) = match opened {
            Ok(opened) => opened,
            Err(error) if broken(&error) => {
                late = true;
                let read = Desk::read_at(app, false);
                // What its copy says is older, and enough to sign with.
                let read = read.or_else(|error| {
                    let nothing = "nothing can be signed here: go back by hand, write down what happens and when, and record it later \
                                   with `aether-audit record`";
                    if broken(&error) { kit::open(app).map_err(|_| error.context(nothing)) } else { Err(error) }
                })?;
                app.warn(format!(
                    "the ledger cannot take entries now ({error:#}): what happens is signed into the spool"
                ));
                read
            }
            Err(error) => return Err(error),
        };
        let mut recorder = Self { desk, id, urgent: true, late, spooled: 0 };
        for file in spool::waiting(app) {
            if let Ok(bundle) = Bundle::read(&file) {
                recorder.suppose(&bundle);
            }
        }
        Ok(recorder)
    }

    /// The deployment, with what waits in the spool.
    ///
    /// # Errors
    /// Where there is no such deployment.
    pub fn deployment(&self) -> Result<&Deployment> {
        self.desk.deployment(&self.id)
    }

    /// Whether `--as` would sign in one of these roles.
    ///
    /// # Errors
    /// Where nobody acts, or they are not on the roster.
    pub fn acts_as(&self, app: &App, roles: &[&str]) -> Result<bool> {
        let hand = hand(&self.desk, &app.who()?, Some(self.deployment()?), roles)?;
        Ok(roles.contains(&hand.role.as_str()))
    }

    /// Records one event; gives its statement's id.
    ///
    /// # Errors
    /// Where it may not be recorded so; also where the ledger cannot take it, unless the act is urgent.
    pub fn record(
        &mut self,
        app: &mut App,
        roles: &[&str],
        make: impl FnOnce(&mut Vec<Opening>) -> Result<Event>,
    ) -> Result<Id> {
        let mut openings = Vec::new();
        let event = make(&mut openings)?;
        let what = summary(event.kind(), &serde_json::from_str(event.body()?.get())?);
        let what = [event.kind(), &what].join(" ").trim_end().to_owned();
        let first = hand(&self.desk, &app.who()?, Some(self.deployment()?), roles)?;
        let before = self.deployment()?.issues.len();
        let bundle = self.sign(app, event, openings, &first)?;
        let id = bundle.statement().predicate.id.clone();
        let by = format!("{}: {what}, by {} as {}", self.id, first.person, first.role);
        if !self.late {
            match self.append(app, &bundle) {
                Ok(seq) => {
                    app.say(format!("entry {seq}: {by}"));
                    facts::tell_issues(app, self.deployment()?, before);
                    return Ok(id);
                }
                Err(error) if !self.urgent => return Err(error),
                Err(error) => {
                    app.warn(format!("the ledger does not take it ({error:#}): signed into the spool instead, as all that follows"));
                    self.late = true;
                }
            }
        }
        match spool::keep(app, &bundle) {
            Ok(path) => app.say(format!("spooled: {by} ({})", path.display())),
            Err(error) => app.warn(format!("NOT RECORDED ANYWHERE ({error:#}), write it down: {by}")),
        }
        self.spooled += 1;
        self.suppose(&bundle);
        Ok(id)
    }

    /// What this place remembers of the log refuses no way back: then the verifier will have to find out.
    fn sign(&self, app: &mut App, event: Event, openings: Vec<Opening>, first: &Hand) -> Result<Bundle> {
        let draft = self.desk.draft(&self.id, event.clone(), openings.clone())?;
        let hands = std::slice::from_ref(first);
        match self.desk.sign(app, draft, hands) {
            Err(error) if self.urgent && !error.is::<Refused>() => {
                let draft: Draft = self.desk.draft(&self.id, event, openings)?;
                let signers = self.desk.signers(hands)?;
                let key = self.desk.key_of(app, &first.person, &signers[0].key)?;
                app.warn(format!("{error:#}; a rollback is signed all the same"));
                let statement = self.desk.statement(&draft, &signers, new_id()?, app.now())?;
                let mut bundle = Bundle::new(&statement, draft.openings)?;
                bundle.sign(&key)?;
                Ok(bundle)
            }
            signed => signed,
        }
    }

    fn append(&mut self, app: &App, bundle: &Bundle) -> Result<u64> {
        let head = self.desk.head;
        match self.desk.append(app, bundle) {
            Ok(appended) => Ok(appended.seq),
            Err(error) => match error.downcast_ref::<Recorded>() {
                Some(Recorded(seq)) if self.urgent => Ok(*seq),
                Some(_) => Err(error),
                None => {
                    self.desk.head = head;
                    Err(error)
                }
            },
        }
    }

    /// Goes on as if a statement had its place, unless it was taken in before it turned out that it has none.
    fn suppose(&mut self, bundle: &Bundle) {
        let statement = bundle.statement();
        let predicate = &statement.predicate;
        let known = self.desk.entries.iter().any(|entry| entry.statement.predicate.id == predicate.id);
        let Ok(event) = Event::parse(statement.kind(), &predicate.body) else { return };
        if known || predicate.deployment.as_ref() != Some(&self.id) {
            return;
        }
        let by: Vec<Signatory> = self.desk.roster().map_or_else(
            |_| Vec::new(),
            |version| {
                let signers = predicate.signers.iter().filter_map(|signer| {
                    let (person, _) = version.roster.find(&signer.key)?;
                    let machine = person.kind == PersonKind::Machine;
                    Some(Signatory {
                        person: person.id.clone(),
                        role: signer.role.clone(),
                        key: signer.key,
                        machine,
                    })
                });
                signers.collect()
            },
        );
        let (seq, recorded) = (self.desk.head.seq, self.desk.head.recorded.max(predicate.time));
        if let Some(deployment) = self.desk.log.deployments.get_mut(&self.id) {
            let seq = deployment.last_seq.max(seq) + 1;
            deployment.apply(&Fact { seq, recorded, statement, event: &event, by: &by });
        }
    }

    /// Tries once more to give what waits its place, and says what does not have one yet.
    pub fn settle(&self, app: &mut App) {
        if self.spooled > 0 {
            spool::settle(app);
        }
    }
}
