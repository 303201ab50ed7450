//! What an altered file could keep from a gate. Every signature in it may be good all the same: an entry can be hidden
//! behind its column, cut off, moved, or put there a second time, and none of that takes a key.

use std::collections::HashMap;

use anyhow::Result;

use super::app::App;
use super::desk::Desk;
use super::status_code::Refused;
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::merkle::leaf_hash;
use crate::core::name::Token;

impl Desk {
    /// Refuses to go on where an entry is not signed by who it names, breaks a rule, or does not stand where it was put,
    /// and where this place has seen more than the ledger holds: for whatever rests on what the ledger says.
    ///
    /// # Errors
    /// [`Refused`] with what was found; also where the ledger cannot be read, or does not extend what was seen here.
    pub fn sound(&self, app: &App) -> Result<()> {
        let mut faults = self.faults.clone();
        faults.extend(self.moved()?);
        faults.extend(self.hidden()?);
        if faults.is_empty() {
            return self.memory(app).map_or(Ok(()), |memory| memory.check(&self.ledger));
        }
        let what = format!("this ledger has findings ({})", faults.len());
        faults.truncate(5);
        let next = "run `aether-audit verify`, and find out who wrote to it".into();
        Err(Refused { what, missing: faults, next }.into())
    }

    /// Statements that stand there twice, or not after what their signers had seen.
    fn moved(&self) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        let mut ids: HashMap<&str, u64> = HashMap::new();
        let mut leaves: HashMap<u64, Hash> = HashMap::new();
        for entry in &self.entries {
            let (seq, predicate) = (entry.line.seq, &entry.statement.predicate);
            if let Some(first) = ids.insert(predicate.id.as_str(), seq) {
                faults.push(format!("entry {seq}: its statement stands in entry {first} already"));
            }
            if let Some(seen) = predicate.seen {
                let there = match leaves.get(&seen.seq) {
                    Some(leaf) => Some(*leaf),
                    None if seen.seq >= seq => None,
                    None => self.ledger.entry(seen.seq)?.map(|bytes| leaf_hash(&bytes)),
                };
                if there != Some(seen.leaf) {
                    faults.push(format!(
                        "entry {seq}: the entry {} that its signer saw is not there",
                        seen.seq
                    ));
                }
            }
            leaves.insert(seq, entry.leaf);
        }
        Ok(faults)
    }

    /// What comes after the newest entry of the deployment: chained, and each what its column says. Before that one,
    /// nothing can be taken from a deployment without a gap in its count.
    fn hidden(&self) -> Result<Vec<String>> {
        let (Some(_), Some(last)) = (&self.deployment, self.entries.last()) else { return Ok(Vec::new()) };
        let (mut next, mut prev) = (last.line.seq + 1, last.leaf);
        for row in self.ledger.rows_after(last.line.seq) {
            let row = row?;
            let Ok(entry) = Entry::parse(&row.bytes) else {
                return Ok(vec![format!("entry {next}: it is not of the format")]);
            };
            if entry.line.seq != next || u64::try_from(row.seq) != Ok(next) || entry.line.prev != prev {
                return Ok(vec![format!("entry {next}: it is not chained to the one before it")]);
            }
            let own = entry.statement.predicate.deployment.as_ref().map(Token::as_str);
            if own != row.deployment.as_deref() {
                return Ok(vec![format!(
                    "entry {next}: the store has it under another deployment than its own"
                )]);
            }
            (next, prev) = (next + 1, entry.leaf);
        }
        Ok(Vec::new())
    }
}
