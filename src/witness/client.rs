//! Asking witnesses to cosign a checkpoint.

use std::thread;
use std::time::Duration;

use crate::core::checkpoint::{CosignerKey, Note, NoteSignature, cosigned};
use crate::core::hash::Hash;
use crate::core::redact;
use crate::core::witness::AddCheckpoint;
use crate::remote::http;

/// An answer has a few lines.
const MAX_ANSWER: usize = 64 * 1024;
/// So often is a witness told what it last cosigned, should that change meanwhile.
const ROUNDS: usize = 3;

/// How long a witness is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For each answer.
    pub answer: Duration,
    /// How often one is asked that does not answer, with a pause that doubles.
    pub tries: u32,
}

impl Patience {
    /// Where the cosignatures are what was asked for.
    pub const LONG: Self = Self { answer: Duration::from_secs(10), tries: 3 };
    /// Where they only go along with another act.
    pub const SHORT: Self = Self { answer: Duration::from_secs(3), tries: 1 };
}

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
    /// By its own word, this log does not extend what it cosigned.
    #[error(
        "{url} has cosigned {theirs} entries of this log, and finds that these {ours} do not extend them: the log was rewritten or \
         forked; run `aether-audit verify`, and keep what both have"
    )]
    Forked {
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

/// A witness that is asked, and where it stands.
struct Asked<'w> {
    url: &'w str,
    key: &'w CosignerKey,
    /// What it cosigned last, as far as is known.
    old: u64,
    outcome: Option<Result<NoteSignature, AskError>>,
}

/// Asks the witnesses at these URLs, all at once, to cosign `note`, a checkpoint of `size` entries. Gives for each,
/// in their order, its signature line once that has been verified. `proof(old)` makes the consistency proof from
/// `old` entries.
pub fn ask(
    witnesses: &[(&str, &CosignerKey)],
    note: &Note,
    size: u64,
    proof: &dyn Fn(u64) -> Result<Vec<Hash>, String>,
    patience: Patience,
) -> Vec<Result<NoteSignature, AskError>> {
    let agent = http::agent(patience.answer);
    let new = |&(url, key)| Asked { url, key, old: 0, outcome: None };
    let mut all: Vec<Asked> = witnesses.iter().map(new).collect();
    for _ in 0..ROUNDS {
        let mut posted = Vec::new();
        for asked in all.iter_mut().filter(|asked| asked.outcome.is_none()) {
            match proof(asked.old) {
                Ok(proof) => {
                    let request = AddCheckpoint { old: asked.old, proof, checkpoint: note.to_string() };
                    posted.push((asked, request.to_body()));
                }
                Err(why) => asked.outcome = Some(Err(AskError::Proof(why))),
            }
        }
        let agent = &agent;
        let answers: Vec<_> = thread::scope(|scope| {
            let post = |(asked, body): &(&mut Asked, String)| {
                let (url, body) = (asked.url.to_owned(), body.clone());
                scope.spawn(move || post(agent, &url, &body, patience))
            };
            let threads: Vec<_> = posted.iter().map(post).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for ((asked, _), answer) in posted.into_iter().zip(answers) {
            asked.outcome = match answer {
                Ok(Ok((status, body))) => asked.judge(note, size, status, &body),
                Ok(Err(error)) => Some(Err(error)),
                Err(panic) => std::panic::resume_unwind(panic),
            };
        }
    }
    let fickle = |url: &str| AskError::Silent {
        url: redact::url(url),
        why: "it changes its mind all the while".into(),
    };
    all.into_iter().map(|asked| asked.outcome.unwrap_or_else(|| Err(fickle(asked.url)))).collect()
}

impl Asked<'_> {
    /// What an answer comes to; `None` where it is to be asked once more.
    fn judge(
        &mut self,
        note: &Note,
        size: u64,
        status: u16,
        body: &str,
    ) -> Option<Result<NoteSignature, AskError>> {
        match status {
            200 => Some(accept(self.url, self.key, note, body)),
            409 => {
                let Ok(theirs) = body.trim_end().parse::<u64>() else {
                    let why = "409 and no size, which no witness says".into();
                    return Some(Err(AskError::Silent { url: redact::url(self.url), why }));
                };
                if theirs > size || theirs == self.old {
                    return Some(Err(AskError::Ahead { url: redact::url(self.url), theirs, ours: size }));
                }
                self.old = theirs;
                None
            }
            422 if self.old > 0 => {
                Some(Err(AskError::Forked { url: redact::url(self.url), theirs: self.old, ours: size }))
            }
            status => Some(Err(AskError::Refused { url: redact::url(self.url), status })),
        }
    }
}

fn accept(url: &str, cosigner: &CosignerKey, note: &Note, body: &str) -> Result<NoteSignature, AskError> {
    let invalid = || AskError::Invalid { url: redact::url(url), name: cosigner.name().to_owned() };
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

fn post(agent: &ureq::Agent, url: &str, body: &str, patience: Patience) -> Result<(u16, String), AskError> {
    let target = format!("{}/add-checkpoint", url.trim_end_matches('/'));
    let send = || -> Result<(u16, String), String> {
        let mut response = agent.post(&target).send(body).map_err(|e| e.to_string())?;
        let (answer, _) = http::body(&mut response, MAX_ANSWER).map_err(|e| e.to_string())?;
        let answer = String::from_utf8(answer).map_err(|_| "its answer is no text".to_owned())?;
        Ok((response.status().as_u16(), answer))
    };
    let mut pause = Duration::from_millis(200);
    for _ in 1..patience.tries {
        match send() {
            Ok((status, answer)) if status < 500 => return Ok((status, answer)),
            _ => thread::sleep(pause),
        }
        pause *= 2;
    }
    send().map_err(|why| AskError::Silent { url: redact::url(url), why: redact::urls_in(&why) })
}
