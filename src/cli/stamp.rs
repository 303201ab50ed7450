//! Time-stamp tokens over the checkpoints that are made here: asked for, kept, handed on.

use anyhow::{Context as _, Result};

use super::app::App;
use super::checkpoint::Made;
use super::memory::Memory;
use super::status_code::Status;
use crate::core::checkpoint::{Checkpoint, Note};
use crate::core::hash::Hash;
use crate::core::timestamp::{NONCE_LEN, StoredToken, Token, accept, file_name, imprint, request};
use crate::ledger::Ledger;
use crate::tsa;

/// Has a checkpoint stamped by the authority at `url`. Whatever goes wrong is told and not proven: the checkpoint stands.
pub fn stamp(app: &mut App, origin: &str, made: &Made, url: &str) -> Status {
    match ask(app, origin, made, url) {
        Ok(said) => {
            app.say(said);
            Status::Done
        }
        Err(error) => {
            app.warn(format!("{error:#}"));
            app.warn("the checkpoint stands, but without a time stamp; run it again later, a newer checkpoint covers this one too");
            Status::NotProven
        }
    }
}

fn ask(app: &App, origin: &str, made: &Made, url: &str) -> Result<String> {
    let note = Note::parse(&made.note)?;
    let text = note.text();
    let memory = Memory::of(app, origin)?;
    let file = memory.token_file(made.size);
    if let Some(kept) = memory.token(made.size)? {
        let token = Token::open(&kept).ok().filter(|token| token.is_over(text));
        let token = token.with_context(|| {
            format!("{} is not a token over this checkpoint: look at it, and move it away", file.display())
        })?;
        return Ok(format!(
            "This checkpoint has a time stamp already: {:?} states {}. To have it stamped anew, move {} away.",
            token.signer_name(),
            token.time().human(),
            file.display()
        ));
    }
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let reply = tsa::ask(url, &request(&imprint(text), &nonce))?;
    let answered = accept(&reply, text, &nonce)?;
    let _lock = memory.lock()?;
    memory.keep_token(made.size, &answered.kept)?;
    Ok(format!(
        "Stamped: {}. Exports carry the token; it is kept as {}. Whether the authority is to be trusted, `verify --tsa-roots` tells.",
        answered.said,
        file.display()
    ))
}

/// The tokens of this place that are over this log as it is, up to `size` entries. Any other is told and left out.
///
/// # Errors
/// Where they cannot be read.
pub fn tokens(app: &mut App, ledger: &Ledger, origin: &str, size: u64) -> Result<Vec<StoredToken>> {
    let memory = Memory::of(app, origin)?;
    let mut found = Vec::new();
    for covered in memory.tokens()?.into_iter().filter(|covered| *covered <= size) {
        let bytes = memory.token(covered)?.unwrap_or_default();
        if fits(&bytes, origin, covered, ledger.root_at(covered)?)? {
            found.push(StoredToken { name: file_name(covered), bytes });
        } else {
            let file = memory.token_file(covered);
            app.warn(format!(
                "{} is not a token over the first {covered} entries of this log: it was left out; look at it, and move it away",
                file.display()
            ));
        }
    }
    Ok(found)
}

fn fits(bytes: &[u8], origin: &str, size: u64, root: Hash) -> Result<bool> {
    let text = Checkpoint { origin: origin.to_owned(), size, root }.to_text()?;
    Ok(Token::open(bytes).is_ok_and(|token| token.is_over(&text)))
}
