//! Options of every command that signs: append now, or write a file for others; in a dry run, only show.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::app::App;
use super::desk::{Desk, Draft, Hand, hand};
use super::files;
use super::log::summary;
use super::words;
use crate::core::deployment::Deployment;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::ledger::Appended;

// Where a signed statement goes.
#[derive(Args, Clone, Debug, Default)]
pub struct Elsewhere {
    /// Write the signed statement to a file instead of appending it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Another signer of the same statement, who cosigns the file
    #[arg(long, value_name = "NAME[:ROLE]", requires = "out")]
    pub with: Vec<String>,
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
        if self.out.is_some() { Desk::read(app, deployment) } else { Desk::open(app, deployment) }
    }

    /// The same at the deployment that the command is about.
    ///
    /// # Errors
    /// Where the ledger cannot be opened, or no deployment is meant.
    pub fn desk_at(&self, app: &App, closed_too: bool) -> Result<(Token, Desk)> {
        if self.out.is_some() { Desk::read_at(app, closed_too) } else { Desk::open_at(app, closed_too) }
    }

    /// Everybody who is to sign: the first, and those of `--with`.
    ///
    /// # Errors
    /// Where one of them is not on the roster or has no role.
    pub fn hands(
        &self,
        desk: &Desk,
        deployment: Option<&Deployment>,
        first: Hand,
        roles: &[&str],
    ) -> Result<Vec<Hand>> {
        let others = self.with.iter().map(|other| other_hand(desk, deployment, other, roles));
        std::iter::once(Ok(first)).chain(others).collect()
    }

    /// Says what would be recorded, and what would stand out about it.
    fn tell(&self, app: &mut App, draft: &Draft, hands: &[Hand], astray: &[String]) -> Result<()> {
        let kind = draft.event.kind();
        let body: serde_json::Value = serde_json::from_str(draft.event.body()?.get())?;
        let by: Vec<String> = hands.iter().map(|hand| format!("{} as {}", hand.person, hand.role)).collect();
        if app.json() {
            app.foreseen.push(serde_json::json!({
                "dryRun": true, "kind": kind, "deployment": draft.deployment, "by": by, "body": body,
                "outOfProcess": astray, "file": self.out,
            }));
            return Ok(());
        }
        let opened = |commit: &Hash| {
            let found = draft.openings.iter().find(|opening| opening.commit() == *commit);
            found.map_or("[not made here]".into(), |opening| words::text_of(&opening.bytes))
        };
        let verb = self.out.as_ref().map_or("record".into(), |out| format!("sign into {}:", out.display()));
        app.data(format!(
            "would {verb} {}, by {}\n{}",
            [kind, &summary(kind, &body)].join(" ").trim_end(),
            by.join(" and "),
            words::members(&body, &opened).trim_end()
        ))?;
        for text in astray {
            app.warn(format!("it would be OUT OF PROCESS: {text}"));
        }
        Ok(())
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
        let hands = self.hands(desk, deployment, first, roles)?;
        if let Some(path) = &self.out {
            files::free(path)?;
        }
        if app.globals.dry_run {
            let astray = desk.foresee(app, &draft, &hands)?;
            self.tell(app, &draft, &hands, &astray)?;
            return Ok(Fate::DryRun);
        }
        if let Some(from) = desk.suspect_from(&hands[0]) {
            app.warn(format!(
                "the key of {} is suspect from entry {from} on: what it signs opens no gate, and `verify` names it; it is to be revoked, and \
                 another made (`aether-audit key revoke`, `key new`)",
                hands[0].person
            ));
        }
        let bundle = desk.sign(app, draft, &hands)?;
        match &self.out {
            None => Ok(Fate::Appended(desk.append(app, &bundle)?)),
            Some(path) => {
                bundle.write_new(path)?;
                desk.remember(app, desk.seen())?;
                let missing = bundle.missing().len();
                if app.json() {
                    app.print_json(&serde_json::json!({"file": path, "missingSignatures": missing}))?;
                }
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
