//! Asking a witness to cosign a checkpoint.

use std::io::Read as _;
use std::time::Duration;

use crate::core::checkpoint::{CosignerKey, Note, NoteSignature, cosigned};
use crate::core::hash::Hash;
use crate::core::witness::AddCheckpoint;

/// An answer has a few lines.
const MAX_ANSWER: u64 = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);
/// So often is a witness asked that does not answer, with a pause that doubles.
const TRIES: u32 = 3;

/// Why a witness gave no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No answer.
    #[error("{url} does not answer: {why}")]
    Silent {
        /// The witness.
        url: String,
        /// What the network says.
        why: String,
    },
    /// It refuses.
    #[error("{url} refuses with status {status}{}", hint(*status))]
    Refused {
        /// The witness.
        url: String,
        /// Its HTTP status.
        status: u16,
    },
    /// It has seen more than this log has, or another history.
    #[error(
        "{url} has cosigned {theirs} entries of this log, and this one has {ours}, or others: the log was cut, rewritten or \
         forked; run `aether-audit verify`, and keep what both have"
    )]
    Ahead {
        /// The witness.
        url: String,
        /// What it cosigned.
        theirs: u64,
        /// What was submitted.
        ours: u64,
    },
    /// Its answer is no cosignature by the key that the policy names.
    #[error("{url} answers with no valid cosignature by {name}")]
    Invalid {
        /// The witness.
        url: String,
        /// Its name in the policy's key.
        name: String,
    },
    /// No proof could be made.
    #[error("{0}")]
    Proof(String),
}

const fn hint(status: u16) -> &'static str {
    match status {
        403 => ": it does not trust the key that signed the checkpoint",
        404 => ": it does not know this log; ask its operator to add the log's vkey (`aether-audit key log`)",
        422 => ": it finds the consistency proof wrong",
        _ => "",
    }
}

/// Asks the witness at `url` to cosign `note`, a checkpoint of `size` entries, and gives its signature line once
/// that has been verified. `proof(old)` makes the consistency proof from `old` entries.
///
/// # Errors
/// [`AskError`].
pub fn ask(
    url: &str,
    cosigner: &CosignerKey,
    note: &Note,
    size: u64,
    proof: &dyn Fn(u64) -> Result<Vec<Hash>, String>,
) -> Result<NoteSignature, AskError> {
    let mut old = 0;
    for _ in 0..TRIES {
        let proof = proof(old).map_err(AskError::Proof)?;
        let request = AddCheckpoint { old, proof, checkpoint: note.to_string() };
        let (status, body) = post(url, &request.to_body())?;
        match status {
            200 => return accept(url, cosigner, note, &body),
            409 => {
                let theirs: u64 = body.trim_end().parse().unwrap_or(u64::MAX);
                if theirs > size || theirs == old {
                    return Err(AskError::Ahead { url: url.to_owned(), theirs, ours: size });
                }
                old = theirs;
            }
            status => return Err(AskError::Refused { url: url.to_owned(), status }),
        }
    }
    Err(AskError::Silent { url: url.to_owned(), why: "it changes its mind all the while".into() })
}

fn accept(url: &str, cosigner: &CosignerKey, note: &Note, body: &str) -> Result<NoteSignature, AskError> {
    let invalid = || AskError::Invalid { url: url.to_owned(), name: cosigner.name().to_owned() };
    let lines = Note::parse_signatures(body).map_err(|_| invalid())?;
    let own = lines.into_iter().find(|line| line.name == cosigner.name() && line.key_id == cosigner.id());
    let own = own.ok_or_else(invalid)?;
    let mut cosigned_note = note.clone();
    cosigned_note.add(own.clone());
    match cosigned(&cosigned_note, cosigner) {
        Some(Ok(_)) => Ok(own),
        _ => Err(invalid()),
    }
}

fn post(url: &str, body: &str) -> Result<(u16, String), AskError> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("aether-audit/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let target = format!("{}/add-checkpoint", url.trim_end_matches('/'));
    let send = || -> Result<(u16, String), String> {
        let mut response = agent.post(&target).send(body).map_err(|e| e.to_string())?;
        let mut answer = String::new();
        let read = response.body_mut().as_reader().take(MAX_ANSWER).read_to_string(&mut answer);
        read.map_err(|e| e.to_string())?;
        Ok((response.status().as_u16(), answer))
    };
    let mut pause = Duration::from_millis(200);
    let mut last = String::new();
    for turn in 0..TRIES {
        match send() {
            Ok((status, _)) if status >= 500 && turn + 1 < TRIES => last = format!("status {status}"),
            Ok(answer) => return Ok(answer),
            Err(why) => last = why,
        }
        std::thread::sleep(pause);
        pause *= 2;
    }
    Err(AskError::Silent { url: url.to_owned(), why: last })
}
