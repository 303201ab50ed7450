//! Options of every command that signs: append now, write a file for others, or only show.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::app::App;
use super::desk::{Desk, Draft, Hand, hand};
use crate::core::deployment::Deployment;
use crate::core::name::Token;
use crate::ledger::Appended;

/// Where a signed statement goes.
#[derive(Args, Clone, Debug, Default)]
pub struct Elsewhere {
    /// Write the signed statement to a file instead of appending it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Another signer of the same statement, who cosigns the file
    #[arg(long, value_name = "NAME[:ROLE]", requires = "out")]
    pub with: Vec<String>,
    /// Show what would be recorded, and record nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// It has its place.
    Appended(Appended),
    /// It is in the file.
    Written,
    /// Nothing was signed.
    DryRun,
}

impl Elsewhere {
    /// Opens the desk: read-only where nothing will be appended.
    ///
    /// # Errors
    /// Where the ledger cannot be opened.
    pub fn desk(&self, app: &App, deployment: Option<&Token>) -> Result<Desk> {
        if self.out.is_some() || self.dry_run {
            Desk::read(app, deployment)
        } else {
            Desk::open(app, deployment)
        }
    }

    /// The same at the deployment that the command is about.
    ///
    /// # Errors
    /// Where the ledger cannot be opened, or no deployment is meant.
    pub fn desk_at(&self, app: &App, closed_too: bool) -> Result<(Token, Desk)> {
        if self.out.is_some() || self.dry_run {
            Desk::read_at(app, closed_too)
        } else {
            Desk::open_at(app, closed_too)
        }
    }

    /// Signs and appends, or writes the file, or only says what would be done.
    ///
    /// # Errors
    /// As [`Desk::sign`] and [`Desk::append`].
    pub fn settle(
        &self,
        app: &mut App,
        desk: &mut Desk,
        draft: Draft,
        first: Hand,
        roles: &[&str],
    ) -> Result<Fate> {
        let deployment = draft.deployment.as_ref().and_then(|id| desk.log.deployments.get(id));
        let mut hands = vec![first];
        for other in &self.with {
            hands.push(other_hand(desk, deployment, other, roles)?);
        }
        if self.dry_run {
            desk.allow(app, &draft, &hands)?;
            let body = draft.event.body()?;
            app.data(format!("would record {} {}", draft.event.kind(), body.get()))?;
            return Ok(Fate::DryRun);
        }
        let bundle = desk.sign(app, draft, &hands)?;
        match &self.out {
            None => Ok(Fate::Appended(desk.append(app, &bundle)?)),
            Some(path) => {
                bundle.write(path)?;
                desk.remember(app, desk.seen())?;
                let missing = bundle.missing().len();
                app.say(format!("signed into {}", path.display()));
                if missing > 0 {
                    app.say(format!(
                        "{missing} more must sign: `aether-audit cosign {} --as NAME`, then `aether-audit join {0}`",
                        path.display()
                    ));
                } else {
                    app.say(format!("give it its place with `aether-audit join {}`", path.display()));
                }
                Ok(Fate::Written)
            }
        }
    }
}

fn other_hand(desk: &Desk, deployment: Option<&Deployment>, text: &str, roles: &[&str]) -> Result<Hand> {
    match text.split_once(':') {
        Some((person, role)) => Ok(Hand { person: Token::new(person)?, role: Token::new(role)? }),
        None => hand(desk, &Token::new(text)?, deployment, roles),
    }
}
