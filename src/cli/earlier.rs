//! What a check found in the last deployment before this one.

use anyhow::Result;

use super::desk::Desk;
use crate::core::entry::Entry;
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::name::Token;
use crate::core::opening::Opening;

/// The newest answer of the check `check` before the deployment `id`: whose it was, and the answer's bytes. `None` where
/// there is none, or it was erased.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn answer(desk: &Desk, id: &Token, check: &str) -> Result<Option<(Token, Vec<u8>)>> {
    let all = desk.ledger.deployments()?;
    let before: Vec<Token> =
        all.into_iter().map(|(known, _)| known).take_while(|known| known != id).collect();
    for earlier in before.into_iter().rev() {
        for bytes in desk.ledger.entries_of(Some(earlier.as_str()))?.iter().rev() {
            let entry = Entry::parse(bytes)?;
            let predicate = &entry.statement.predicate;
            if predicate.deployment.as_ref() != Some(&earlier) {
                continue;
            }
            let Ok(Event::EvidenceCollected(reading)) = Event::parse(entry.statement.kind(), &predicate.body)
            else {
                continue;
            };
            let Some(response) = reading.response.filter(|_| reading.check.as_deref() == Some(check)) else {
                continue;
            };
            let stored = desk.ledger.opening(&response.commit)?;
            let stored = stored.filter(|stored| Hash::of(&[stored]) == response.commit);
            if let Some(opening) = stored.and_then(|stored| Opening::from_file_bytes(&stored).ok()) {
                return Ok(Some((earlier, opening.bytes)));
            }
        }
    }
    Ok(None)
}
