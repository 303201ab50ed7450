//! Time-stamp tokens held against the log: what was there, and when.

use super::{Anchor, AnchorKind, AnchorState, Finding};
use crate::core::checkpoint::{Checkpoint, Note};
use crate::core::hash::Hash;
use crate::core::timestamp::{StoredToken, Token, TokenError, TsaRoots, file_name};

/// What a token from the caller is called.
const GIVEN: &str = "the time stamp given";

/// Judges one token from the caller, which must be over one of the checkpoints that they gave.
pub(super) fn given(
    bytes: &[u8],
    checkpoints: &[String],
    origin: &str,
    root: impl Fn(u64) -> Option<Hash>,
    roots: &TsaRoots,
) -> (Anchor, Option<Finding>) {
    let texts = checkpoints.iter().filter_map(|note| Some(Note::parse(note).ok()?.text().to_owned()));
    let token = match Token::open(bytes) {
        Ok(token) => token,
        Err(error @ TokenError::Unsupported(_)) => {
            let (kind, state) = (AnchorKind::Timestamp, AnchorState::Untrusted);
            return (Anchor { kind, state, size: None, text: format!("{GIVEN}: {error}") }, None);
        }
        Err(error) => return broken(None, None, "timestamp", format!("{GIVEN}: {error}")),
    };
    let size =
        texts.filter(|text| token.is_over(text)).find_map(|text| Some(Checkpoint::parse(&text).ok()?.size));
    let Some(size) = size else {
        let text = format!("{GIVEN} is over none of the checkpoints that you gave");
        return broken(None, None, "timestamp-imprint", text);
    };
    judge(&StoredToken { name: file_name(size), bytes: bytes.to_vec() }, GIVEN, origin, root, roots)
}

fn broken(
    size: Option<u64>,
    seq: Option<u64>,
    code: &'static str,
    text: String,
) -> (Anchor, Option<Finding>) {
    let (kind, state) = (AnchorKind::Timestamp, AnchorState::Broken);
    (Anchor { kind, state, size, text: text.clone() }, Some(Finding { seq, code, text }))
}

/// Judges one token that stands beside the entries. `root` gives the log's root at a size, where it has as many entries.
pub(super) fn stamped(
    stored: &StoredToken,
    origin: &str,
    root: impl Fn(u64) -> Option<Hash>,
    roots: &TsaRoots,
) -> (Anchor, Option<Finding>) {
    judge(stored, &format!("timestamps/{}", stored.name.escape_debug()), origin, root, roots)
}

fn judge(
    stored: &StoredToken,
    name: &str,
    origin: &str,
    root: impl Fn(u64) -> Option<Hash>,
    roots: &TsaRoots,
) -> (Anchor, Option<Finding>) {
    let size = stored.size();
    let anchor = |state, text| Anchor { kind: AnchorKind::Timestamp, state, size, text };
    let broken = |seq, code, why: &str| broken(size, seq, code, format!("{name}: {why}"));
    let Some(size) = size else {
        return broken(None, "timestamp", "its name is not that of a token, <size>.tsr");
    };
    let token = match Token::open(&stored.bytes) {
        Ok(token) => token,
        Err(error @ TokenError::Unsupported(_)) => {
            return (anchor(AnchorState::Untrusted, format!("{name}: {error}")), None);
        }
        Err(error) => return broken(None, "timestamp", &error.to_string()),
    };
    let Some(root) = root(size) else {
        return broken(
            Some(size),
            "truncated",
            &format!("it covers {size} entries, and some of them are missing"),
        );
    };
    let text = Checkpoint { origin: origin.to_owned(), size, root }.to_text();
    if !text.is_ok_and(|text| token.is_over(&text)) {
        let why = format!("it is not over the checkpoint of the first {size} entries of this log");
        return broken(size.checked_sub(1), "timestamp-imprint", &why);
    }
    let (by, time) = (token.signer_name(), token.time().human());
    match token.trusted(roots) {
        Ok(root) => {
            let whose = if name == GIVEN { "yours: " } else { "" };
            let text = format!(
                "{whose}the checkpoint of {size} entries was there at {time}, says {by:?} under your root {root:?}"
            );
            (anchor(AnchorState::Holds, text), None)
        }
        Err(why) => {
            let text =
                format!("{name} states {time} for the checkpoint of {size} entries, signed by {by:?}: {why}");
            (anchor(AnchorState::Untrusted, text), None)
        }
    }
}

/// What is not proven of the time, where the caller has said whom they trust to state it.
pub(super) fn not_proven(anchors: &[Anchor]) -> Vec<String> {
    let of_time = || anchors.iter().filter(|anchor| anchor.kind == AnchorKind::Timestamp);
    let untrusted = of_time().filter(|anchor| anchor.state == AnchorState::Untrusted);
    let mut reasons: Vec<String> =
        untrusted.map(|anchor| format!("the time is not proven: {}", anchor.text)).collect();
    if of_time().all(|anchor| anchor.state == AnchorState::Absent) {
        reasons.push(
            "the time is not proven: --tsa-roots was given, and there is no time-stamp token to check; ask for an export made \
             where `checkpoint --timestamp` was run"
                .into(),
        );
    }
    reasons
}
