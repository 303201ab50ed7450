//! What can be wrong in a checklist, each with its place and the next step.

use super::markdown::Position;

/// A checklist that cannot be used as it stands. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChecklistError {
    /// An annotation has a key that does not exist.
    #[error("checklist {at}: unknown annotation key {key:?}: {hint}")]
    UnknownKey {
        /// Where the key stands.
        at: Position,
        /// The key as written, shortened.
        key: String,
        /// The nearest key, or the list of all.
        hint: String,
    },
    /// A key that exists, in a place where it means nothing.
    #[error("checklist {at}: the annotation `{key}` {problem}")]
    WrongPlace {
        /// Where the annotation stands.
        at: Position,
        /// The key.
        key: &'static str,
        /// Why it means nothing here, and where it belongs.
        problem: &'static str,
    },
    /// A key with a value that it cannot have.
    #[error(
        "checklist {at}: `{key}` cannot be {value:?}: it takes {expected} \
         (if this is an ordinary comment, reword it so that no part begins with `{key}:`)"
    )]
    BadValue {
        /// Where the value stands.
        at: Position,
        /// The key.
        key: &'static str,
        /// The value as written, shortened.
        value: String,
        /// What stands there in a good annotation.
        expected: &'static str,
    },
    /// A part of an annotation that is no `key: value`.
    #[error("checklist {at}: {part:?} in an annotation is no `key: value`; parts are separated by `;`")]
    NoValue {
        /// Where the part stands.
        at: Position,
        /// The part as written, shortened.
        part: String,
    },
    /// One item or heading says the same thing twice.
    #[error("checklist {at}: `{key}` is said twice for the same item or heading; leave one")]
    RepeatedKey {
        /// Where it is said again.
        at: Position,
        /// The key.
        key: &'static str,
    },
    /// Two items, or two phases, with one id.
    #[error("checklist {at}: the id {id:?} is already that of line {first}; every id stands once")]
    DuplicateId {
        /// Where the id is said again.
        at: Position,
        /// The id.
        id: String,
        /// The line that has it already.
        first: usize,
    },
    /// An annotation that hangs on nothing.
    #[error(
        "checklist {at}: this annotation stands on no task item or heading, so it would say nothing; \
         move it to the end of the line that begins with the box (`- [ ] …`) or with the heading's `#`"
    )]
    Misplaced {
        /// Where the comment begins.
        at: Position,
    },
    /// Lists or quotes nested so deeply that reading them would take unreasonably long.
    #[error("checklist line {line}: nested too deeply for a file of this length; flatten the list there")]
    TooDeep {
        /// The deepest line.
        line: usize,
    },
}

/// At most 60 characters of `text`, for showing in an error.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
