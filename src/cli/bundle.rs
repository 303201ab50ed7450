//! A signed statement with its openings, as a file that travels between machines.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::desk::{signature, unsigned};
use super::files;
use crate::core::dsse::{self, Envelope, Signature};
use crate::core::entry::{EntryError, MAX_ENTRY_BYTES, Opened};
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::keys::{PublicKey, SecretKey};
use crate::core::opening::Opening;
use crate::core::statement::Statement;

const MAX_BUNDLE: u64 = 64 * 1024 * 1024;

/// A statement on its way to its place: perhaps not signed by all of its signers yet.
pub struct Bundle {
    /// The statement with the signatures so far.
    pub envelope: Envelope,
    /// What its commitments open to.
    pub openings: Vec<Opening>,
    payload: Vec<u8>,
    statement: Statement,
    brought: Vec<PublicKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    envelope: Envelope,
    openings: BTreeMap<Hash, String>,
}

impl Bundle {
    /// A statement that nobody has signed yet.
    ///
    /// # Errors
    /// Where it is not of the format, or too large for an entry.
    pub fn new(statement: &Statement, openings: Vec<Opening>) -> Result<Self> {
        let payload = statement.to_bytes()?;
        let envelope = unsigned(&payload);
        if envelope.payload.len() + 200 * statement.predicate.signers.len() + 400 > MAX_ENTRY_BYTES {
            bail!(
                "the statement would be larger than an entry may be (65,535 bytes): a shorter checklist or fewer checks are needed"
            );
        }
        Self::of(envelope, openings, payload)
    }

    fn of(envelope: Envelope, openings: Vec<Opening>, payload: Vec<u8>) -> Result<Self> {
        let statement = Statement::parse(&payload)?;
        let brought = Event::parse(statement.kind(), &statement.predicate.body)
            .map(|event| event.brought_keys())
            .unwrap_or_default();
        Ok(Self { envelope, openings, payload, statement, brought })
    }

    /// Reads a bundle's file.
    ///
    /// # Errors
    /// Where it cannot be read or is not a bundle.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = files::read_text(path, MAX_BUNDLE)?;
        let file: File = serde_json::from_str(&text)
            .with_context(|| format!("{name} is not a statement to join: it is made by `--out FILE`"))?;
        let mut openings = Vec::new();
        for (commit, base64) in file.openings {
            let opening =
                Opening::from_file_bytes(&dsse::decode(&base64)?).with_context(|| format!("{name}"))?;
            if opening.commit() != commit {
                bail!("{name}: the opening {commit} holds other bytes: ask for the file again");
            }
            openings.push(opening);
        }
        let payload = dsse::decode(&file.envelope.payload).with_context(|| format!("{name}"))?;
        Self::of(file.envelope, openings, payload).with_context(|| format!("{name}"))
    }

    /// Writes the bundle's file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        files::write(path, self.to_text()?.as_bytes())
    }

    /// Writes the bundle in the place of what it was read from.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn rewrite(&self, path: &Path) -> Result<()> {
        files::rewrite(path, self.to_text()?.as_bytes())
    }

    /// The signatures so far that do not verify, or are nobody's among the signers or a second one of somebody's: those
    /// of keys that neither `known` nor the statement itself has are left aside.
    pub fn bad<'k>(&'k self, known: impl Fn(&Hash) -> Option<&'k PublicKey>) -> Vec<Hash> {
        let signers = &self.statement.predicate.signers;
        let bad = |(index, signature): (usize, &Signature)| {
            let id = &signature.keyid;
            let stray = !signers.iter().any(|signer| signer.key == *id)
                || self.envelope.signatures.iter().take(index).any(|earlier| earlier.keyid == *id);
            let key = known(id).or_else(|| self.own_key(id));
            let verifies = |key: &PublicKey| {
                let sig = dsse::decode(&signature.sig).ok().and_then(|sig| sig.try_into().ok());
                sig.is_some_and(|sig| key.verify(&dsse::pae(&self.payload), &sig))
            };
            (stray || key.is_some_and(|key| !verifies(key))).then_some(*id)
        };
        self.envelope.signatures.iter().enumerate().filter_map(bad).collect()
    }

    /// The same, in the place of nothing.
    ///
    /// # Errors
    /// Where something is there already, or it cannot be written.
    pub fn write_new(&self, path: &Path) -> Result<()> {
        files::write_new(path, self.to_text()?.as_bytes())
    }

    fn to_text(&self) -> Result<String> {
        let openings = self.openings.iter().map(|o| (o.commit(), dsse::encode(&o.to_file_bytes()))).collect();
        let file = File { envelope: self.envelope.clone(), openings };
        Ok(format!("{}\n", serde_json::to_string_pretty(&file)?))
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// A key that the statement itself brings, which no roster has yet.
    #[must_use]
    pub fn own_key(&self, keyid: &Hash) -> Option<&PublicKey> {
        self.brought.iter().find(|key| key.keyid() == *keyid)
    }

    /// Adds a signature, kept in the order of the signers.
    ///
    /// # Errors
    /// Where the key is none of the signers', or has signed already.
    pub fn sign(&mut self, key: &SecretKey) -> Result<()> {
        let keyid = key.public().keyid();
        let order: Vec<Hash> = self.statement.predicate.signers.iter().map(|signer| signer.key).collect();
        if !order.contains(&keyid) {
            bail!("this key ({keyid}) is not among the statement's signers: it was signed for somebody else");
        }
        if self.envelope.signatures.iter().any(|signature| signature.keyid == keyid) {
            bail!("this key has signed already");
        }
        self.envelope.signatures.push(signature(&self.payload, key));
        self.envelope.signatures.sort_by_key(|s| order.iter().position(|key| *key == s.keyid));
        Ok(())
    }

    /// The signers whose signature is still missing.
    #[must_use]
    pub fn missing(&self) -> Vec<Hash> {
        let signed: Vec<Hash> = self.envelope.signatures.iter().map(|signature| signature.keyid).collect();
        self.statement.predicate.signers.iter().map(|s| s.key).filter(|key| !signed.contains(key)).collect()
    }

    /// The envelope taken apart, once all have signed.
    ///
    /// # Errors
    /// Where a signature is missing or the envelope is not of the format.
    pub fn complete(&self) -> Result<Opened> {
        if let Some(key) = self.missing().first() {
            bail!("the signature of key {key} is missing: have its holder run `aether-audit cosign FILE`");
        }
        Ok(Opened::of(&self.envelope).map_err(|error: EntryError| error)?)
    }
}
