//! What the who-may table and the deployment's rules say of a draft, before anything is signed.

use anyhow::Result;

use super::app::{App, new_id};
use super::bundle::Bundle;
use super::desk::{Desk, Draft, Hand, take};
use super::erase;
use super::status_code::Refused;
use crate::core::authority::{self, Context, Denied};
use crate::core::deployment::{Deployment, Fact, Severity, Signatory};
use crate::core::entry::{Entry, Line};
use crate::core::event::Event;
use crate::core::name::Token;
use crate::core::statement::Statement;

impl Desk {
    /// Lets the who-may table speak: the signers by name, with the statement that they would sign.
    ///
    /// # Errors
    /// [`Refused`] with every reason.
    pub fn may(&self, draft: &Draft, hands: &[Hand]) -> Result<(Statement, Vec<Signatory>)> {
        let roster = &self.roster()?.roster;
        let statement = self.statement(draft, &self.signers(hands)?, new_id()?, self.head.recorded)?;
        let deployment = draft.deployment.as_ref().and_then(|id| self.log.deployments.get(id));
        let authors = self.authors(&draft.event)?;
        let context = Context { deployment, authors: &authors };
        let by = authority::check(&draft.event, &statement, roster, context).map_err(|denied| {
            let next = if denied.iter().any(|d| matches!(d, Denied::Machine(_, kind) if kind.starts_with("rollback-"))) {
                "let a person do it: `aether-audit rollback --reason T --as NAME`. A machine may where `machine-rollback = true` \
                 stood in aether.toml when the deployment opened"
            } else {
                "see who holds which role with `aether-audit status` and `aether-audit key list`"
            };
            refused(&draft.event, denied.iter().map(ToString::to_string).collect(), next)
        })?;
        Ok((statement, by))
    }

    /// Lets the who-may table and the deployment's rules speak before anything is signed. Facts out of
    /// process pass, and are given; what the record could not hold does not.
    ///
    /// # Errors
    /// [`Refused`] with every reason.
    pub fn allow(&self, app: &App, draft: &Draft, hands: &[Hand]) -> Result<Vec<String>> {
        let (statement, by) = self.may(draft, hands)?;
        let fact = self.next(app, draft, &statement, &by);
        let deployment = draft.deployment.as_ref().and_then(|id| self.log.deployments.get(id));
        let issues = deployment.map_or_else(Vec::new, |deployment| deployment.issues_of(&fact));
        let unsound = Deployment::open(&fact).and_then(|opened| opened.unsound());
        let (violations, astray): (Vec<_>, Vec<_>) =
            issues.into_iter().partition(|issue| issue.severity == Severity::Violation);
        let violations: Vec<String> = violations.into_iter().map(|i| i.text).chain(unsound).collect();
        if violations.is_empty() {
            Ok(astray.into_iter().map(|issue| issue.text).collect())
        } else {
            let closed = deployment.filter(|deployment| deployment.closed.is_some()).map(|deployment| {
                format!(
                    "the record of {0} is closed: say it in a note (`aether-audit note TEXT --deployment {0}`); what is still to be done \
                     goes into a new deployment (`aether-audit open`)",
                    deployment.id
                )
            });
            let next = closed.unwrap_or_else(|| "see where it stands with `aether-audit status`".into());
            Err(refused(&draft.event, violations, &next).into())
        }
    }

    /// [`Desk::allow`], and from here on the desk stands where the event would leave it: for a dry run.
    ///
    /// # Errors
    /// As [`Desk::allow`].
    pub fn foresee(&mut self, app: &App, draft: &Draft, hands: &[Hand]) -> Result<Vec<String>> {
        let astray = self.allow(app, draft, hands)?;
        let (statement, by) = self.may(draft, hands)?;
        let known = draft.deployment.as_ref().and_then(|id| self.log.deployments.get(id).cloned());
        if let Some(mut deployment) = known {
            deployment.apply(&self.next(app, draft, &statement, &by));
            self.log.deployments.insert(deployment.id.clone(), deployment);
            self.head.seq += 1;
        }
        Ok(astray)
    }

    /// What the log would say of a statement in the next place, as [`Desk::append`] asks it: for a dry run of what was
    /// signed elsewhere.
    ///
    /// # Errors
    /// [`Refused`] with every reason; also where a signature is missing or wrong.
    pub fn would_take(&self, app: &App, bundle: &Bundle) -> Result<()> {
        let deployment = bundle.statement().predicate.deployment.as_ref();
        let next = |id| self.log.deployments.get(id).map_or(0, |known| known.entries);
        let line = Line {
            deployment_seq: deployment.map(next),
            envelope: self.submission(bundle)?.envelope,
            prev: self.head.leaf,
            recorded: self.head.recorded.max(app.now()),
            seq: self.head.seq + 1,
        };
        let faults = take(&mut self.log.clone(), &Entry::parse(&line.to_bytes()?)?);
        if faults.is_empty() {
            return Ok(());
        }
        let what = format!("{} may not be recorded so", bundle.statement().kind());
        let next = "see where it stands with `aether-audit status`".into();
        Err(Refused { what, missing: faults, next }.into())
    }

    /// A draft as the next fact of its deployment.
    fn next<'a>(
        &self,
        app: &App,
        draft: &'a Draft,
        statement: &'a Statement,
        by: &'a [Signatory],
    ) -> Fact<'a> {
        let recorded = self.head.recorded.max(app.now());
        Fact { seq: self.head.seq + 1, recorded, statement, event: &draft.event, by }
    }

    /// Who wrote what an event erases.
    fn authors(&self, event: &Event) -> Result<Vec<Token>> {
        match event {
            Event::OpeningErased(body) => {
                Ok(erase::authors(&self.log, &erase::carriers(&self.ledger, &body.commit)?))
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn refused(event: &Event, missing: Vec<String>, next: &str) -> Refused {
    Refused { what: format!("{} may not be recorded so", event.kind()), missing, next: next.into() }
}
