//! `key`: make keys, bring them on the roster, take them off.

pub mod change;
mod enroll;
mod list;
mod log;
pub mod new;
mod quorum;
mod remove;
mod revoke;
mod rotate;
pub mod separate;
mod witnesses;

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::app::App;
use super::files;
use super::status_code::Status;
use crate::core::dsse;
use crate::core::keys::{PublicKey, SecretKey};
use crate::core::name::Token;
use crate::core::roster::{KeyUse, RosterKey, proof_message};

/// The verbs of `key`.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Command {
    /// Make a key of your own, and the signed offer of its public half
    New(new::Args),
    /// Bring a key on the roster, by the root quorum
    Enroll(enroll::Args),
    /// Show the roster: people, roles, keys
    List(list::Args),
    /// Replace your key by a new one, signed by both
    Rotate(rotate::Args),
    /// Take a key out of force, and say from which entry on it was in other hands
    Revoke(revoke::Args),
    /// Set how many root holders a change of the roster needs
    Quorum(quorum::Args),
    /// Take a role, or a person, off the roster
    Remove(remove::Args),
    /// Put `separate` of aether.toml into the roster: the roles that one person may not hold together
    Separate(separate::Args),
    /// Set which witnesses must have seen a checkpoint
    Witnesses(witnesses::Args),
    /// Show this place's log key, and change which log keys sign checkpoints
    Log(log::Args),
}

pub fn run(app: &mut App, command: &Command) -> Result<Status> {
    match command {
        Command::New(args) => new::run(app, args),
        Command::Enroll(args) => enroll::run(app, args),
        Command::List(args) => list::run(app, args),
        Command::Rotate(args) => rotate::run(app, args),
        Command::Revoke(args) => revoke::run(app, args),
        Command::Quorum(args) => quorum::run(app, args),
        Command::Remove(args) => remove::run(app, args),
        Command::Separate(args) => separate::run(app, args),
        Command::Witnesses(args) => witnesses::run(app, args),
        Command::Log(args) => log::run(app, args),
    }
}

/// A public key with the proof that its holder has it, as it is handed to the root quorum.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The log that it is for.
    pub log: String,
    /// Whose it is.
    pub person: Token,
    /// The key, as it will stand on the roster.
    pub key: RosterKey,
}

/// Makes an offer.
#[must_use]
pub fn offer(log: &str, person: &Token, key_use: KeyUse, key: &SecretKey) -> Offer {
    let proof = dsse::encode(&key.sign(&proof_message(log, person, key_use)));
    let key = RosterKey { made_by: None, proof, public: key.public(), key_use };
    Offer { log: log.to_owned(), person: person.clone(), key }
}

/// Writes `keys/NAME.pub.pem`.
///
/// # Errors
/// Where it cannot be written.
pub fn save_public(home: &Path, name: &str, key: &PublicKey) -> Result<()> {
    files::make_folder(&home.join("keys"))?;
    files::write(&home.join(format!("keys/{name}.pub.pem")), key.to_spki_pem().as_bytes())
}

/// `key new`, for a rehearsal.
///
/// # Errors
/// As `key new`.
pub fn make(app: &mut App, name: &Token) -> Result<Status> {
    new::run(app, &new::Args { name: name.clone(), root: false })
}

/// `key enroll`, for a rehearsal.
///
/// # Errors
/// As `key enroll`.
pub fn bring_on(app: &mut App, name: &Token, role: &str) -> Result<Status> {
    let args = enroll::Args {
        name: name.clone(),
        role: vec![Token::new(role)?],
        machine: false,
        root: false,
        offer: None,
        full_name: None,
        quorum: change::Quorum::default(),
    };
    enroll::run(app, &args)
}
