//! Reading Markdown: events with byte ranges of the whole file, lines, and the bound on nesting.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser};

/// Line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// `text` for reading, at the same byte offsets, where pulldown-cmark differs from the specification:
/// a lone CR ends a line in every block, and a box with nothing after it on its line is ordinary text.
pub(super) fn readable(text: &str) -> Cow<'_, str> {
    let lone_cr = text.split("\r\n").any(|part| part.contains('\r'));
    let empty_box = |line: &str| {
        let line = line.trim_ascii_end();
        let front = line.strip_suffix(']').and_then(|line| line.strip_suffix([' ', '\t', 'x', 'X']));
        front.and_then(|line| line.strip_suffix('[')).is_some_and(is_front)
    };
    if !lone_cr && !text.split(['\n', '\r']).any(empty_box) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive(['\n', '\r']) {
        let after = out.len() + line.len();
        let (words, ending) = match line.strip_suffix('\r') {
            Some(words) if text.as_bytes().get(after) != Some(&b'\n') => (words, "\n"),
            _ => (line, ""),
        };
        if empty_box(words) {
            out.push_str(&words.replace(']', "."));
        } else {
            out.push_str(words);
        }
        out.push_str(ending);
    }
    Cow::Owned(out)
}

/// Whether this can stand in front of a box: nothing but markers and space.
fn is_front(text: &str) -> bool {
    text.bytes().all(|byte| b" \t>-*+.)0123456789".contains(&byte))
}

/// The events of `text` with ranges into the whole of `text`; byte order mark and front matter give none.
/// The text goes through [`readable`] first.
pub(super) fn events(text: &str) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
    let start = front_matter_end(text);
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    Parser::new_ext(text.get(start..).unwrap_or_default(), options)
        .into_offset_iter()
        .map(move |(event, range)| (event, range.start + start..range.end + start))
}

/// Where the Markdown begins: after a byte order mark and a block of YAML (`---`) or TOML (`+++`) that
/// begins with a key (comments may come first). All else between two such lines is the document's own.
///
/// pulldown-cmark takes such blocks anywhere in a file, between any two rules; renderers do not.
fn front_matter_end(text: &str) -> usize {
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut end = bom;
    let mut lines = text.get(bom..).unwrap_or_default().split_inclusive('\n').map(|line| {
        end += line.len();
        (line.trim_end(), end)
    });
    let (closes, key): (&[&str], _) = match lines.next() {
        Some(("---", _)) => (&["---", "..."], ':'),
        Some(("+++", _)) => (&["+++"], '='),
        _ => return bom,
    };
    match lines.find(|(line, _)| !line.starts_with('#')) {
        Some((first, _)) if begins_with_key(first, key) => {}
        _ => return bom,
    }
    lines.find(|(line, _)| closes.contains(line)).map_or(bom, |(_, end)| end)
}

/// Whether a line is `name: …` (YAML), `name = …` or `[name]` (TOML).
fn begins_with_key(line: &str, mark: char) -> bool {
    let name = |name: &str| {
        let name = name.trim_matches(['"', '\'']);
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    if let Some((key, value)) = line.split_once(mark) {
        return name(key.trim_end()) && (mark == '=' || value.is_empty() || value.starts_with(' '));
    }
    let table = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    mark == '=' && table.is_some_and(name)
}

/// Just after the line that `at` stands in, before its line ending.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
}

/// The line ending (CR LF, LF or CR) at `at`; empty at the end of the text.
pub(super) fn line_ending(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    ["\r\n", "\n", "\r"].into_iter().find(|ending| rest.starts_with(ending)).unwrap_or_default()
}

/// Where each line begins.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|&(at, &byte)| {
            byte == b'\n' || (byte == b'\r' && bytes.get(at + 1).is_none_or(|next| *next != b'\n'))
        });
        let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let starts = std::iter::once(bom).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1)
    }

    pub(super) fn position(&self, at: usize) -> Position {
        let line = self.line(at);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..at).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }

    /// The line with the deepest possible nesting, when lines times nesting is beyond any real file:
    /// every line, a blank one too, is matched against every list and quote that is open there.
    pub(super) fn too_deep(&self) -> Option<usize> {
        const WORK: usize = 60_000_000;
        let (depth, start) = self.starts.iter().map(|start| (self.possible_depth(*start), *start)).max()?;
        (depth.saturating_mul(self.starts.len()) > WORK).then(|| self.line(start))
    }

    /// No line can stand in more containers than it has markers and pairs of columns in front.
    fn possible_depth(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes().get(start..).unwrap_or_default();
        let mut half_levels = 2;
        let mut marker = false;
        for byte in bytes {
            half_levels += match byte {
                b' ' if marker => 2,
                b' ' => 1,
                b'\t' => 4,
                b'>' => 2,
                b'-' | b'*' | b'+' | b'.' | b')' | b'0'..=b'9' => 0,
                _ => break,
            };
            marker = matches!(byte, b'-' | b'*' | b'+' | b'.' | b')');
        }
        half_levels / 2
    }
}
