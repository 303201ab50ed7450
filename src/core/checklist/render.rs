//! The author's file with boxes ticked, sign-off lines below items, and one block after the end.

use std::collections::BTreeMap;

use super::closing::closing_lines;
use super::markdown::{line_end, line_ending};
use super::{Checklist, Item};

/// What is to be shown at one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// The box: ticked, not ticked, or as the author left it.
    pub ticked: Option<bool>,
    /// Sign-off lines, in order. Each is one line of Markdown; parts that people typed go through
    /// [`escape_inline`](super::escape_inline).
    pub lines: Vec<String>,
}

/// Stands between the author's file and the block, and ends any list of the author's.
const BOUNDARY: &str =
    "<!-- The checklist ends here. What follows was written from the signed record of this deployment. -->";

/// The lines of an author's own text, from 1, that look like what only a record says: a sign-off, the boundary or the
/// block after it.
#[must_use]
pub fn imitations(text: &str) -> Vec<usize> {
    let imitates = |line: &str| {
        let markup = |c: &char| matches!(c, '*' | '_' | '~' | '`' | '\\');
        let plain = line.chars().filter(|c| !markup(c)).collect::<String>().to_lowercase();
        let signed = ["signed by ", "withdrawn by ", "ticked by "].iter().any(|words| plain.contains(words));
        let own = ["the checklist ends here", "# record of this deployment"];
        signed && plain.contains("entry ") || own.iter().any(|words| plain.contains(words))
    };
    (1..).zip(text.split('\n')).filter(|(_, line)| imitates(line)).map(|(at, _)| at).collect()
}

/// Renders `checklist`, which [`parse`](super::parse) made from this same `text`.
///
/// Of the author's bytes only the one inside each box changes. Sign-off lines continue the item's own
/// first paragraph, each begun by `<br>` (by `&nbsp;` where the author's text would swallow that), so that no list, item or paragraph begins, ends or turns from
/// tight to loose. Marks of ids that the checklist does not have are left out.
///
/// A `block` that is not blank follows after everything that the author left open is closed (a fence, an
/// HTML comment, a tag such as `<details>`), and after a comment line that ends any list. It must not hold
/// a line that is only `---` or `...`: it would end front matter that the author never ended.
/// With no marks the result begins with `text` itself; with no block it is `text`.
pub fn render(text: &str, checklist: &Checklist, marks: &BTreeMap<String, Mark>, block: &str) -> String {
    let newline = newline(text);
    let mut edits = Vec::new();
    for item in &checklist.items {
        if let Some(mark) = marks.get(&item.spec.id) {
            edits.extend(tick(item, mark.ticked));
            if !mark.lines.is_empty() {
                edits.push(sign_off(text, item, &mark.lines, newline));
            }
        }
    }
    edits.sort_by_key(|edit| edit.start);
    let mut out = apply(text, &edits);
    append(&mut out, block, newline);
    out
}

/// Bytes `start..end` of the author's text give way to `with`.
struct Edit {
    start: usize,
    end: usize,
    with: String,
}

fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.with.len()).sum::<usize>());
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.start).unwrap_or_default());
        out.push_str(&edit.with);
        at = edit.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn tick(item: &Item, ticked: Option<bool>) -> Option<Edit> {
    let start = item.box_range.start + 1;
    let with = match ticked {
        Some(true) if !item.ticked => "x",
        Some(false) if item.ticked => " ",
        _ => return None,
    };
    Some(Edit { start, end: start + 1, with: with.to_owned() })
}

fn sign_off(text: &str, item: &Item, lines: &[String], newline: &str) -> Edit {
    let prefix = continuation(text, item.box_range.start);
    let own = text.get(item.box_range.end..item.text_end).unwrap_or_default();
    let opening = if leaves_declaration(own) { "&nbsp;" } else { "<br>" };
    let ending = line_ending(text, item.text_end);
    let start = item.text_end + ending.len();
    let newline = if ending.is_empty() { newline } else { ending };
    let mut with = String::new();
    for line in lines {
        if ending.is_empty() {
            with.push_str(newline);
        }
        with.push_str(&prefix);
        with.push_str(opening);
        with.push_str(&line.replace(['\r', '\n'], " "));
        if !ending.is_empty() {
            with.push_str(newline);
        }
    }
    Edit { start, end: start, with }
}

/// Whether the next `>` might end a declaration (`<!x …>`) that the author began in this paragraph.
fn leaves_declaration(paragraph: &str) -> bool {
    let mut parts = paragraph.split("<!").skip(1);
    parts.any(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()) && !part.contains('>'))
}

/// What stands before the box turned into what a further line of the same item begins with: quote
/// markers stay where they are, everything else becomes as many columns of space.
fn continuation(text: &str, box_start: usize) -> String {
    let before = text.get(..box_start).unwrap_or_default();
    let line = before.rfind(['\n', '\r']).map_or(before, |at| before.get(at + 1..).unwrap_or_default());
    let mut out = String::new();
    let mut column = 0;
    let mut chars = line.trim_start_matches('\u{feff}').chars().peekable();
    let mut label = false;
    while let Some(c) = chars.next() {
        label = (label || c == '[') && c != ':';
        if c == '>' && !label {
            column += 1;
            out.push('>');
            // Whoever reads the line takes one space after `>` as part of the marker.
            if chars.peek().is_some_and(|next| !matches!(next, ' ' | '\t' | '>')) {
                out.push(' ');
            }
        } else {
            let width = if c == '\t' { 4 - column % 4 } else { 1 };
            column += width;
            out.extend(std::iter::repeat_n(' ', width));
        }
    }
    out
}

fn append(out: &mut String, block: &str, newline: &str) {
    let block = block.trim_matches(['\n', '\r']);
    if block.trim().is_empty() {
        return;
    }
    let closing = closing_lines(out);
    let mut line = |text: &str| {
        out.push_str(text);
        out.push_str(newline);
    };
    if !closing.ends_with_newline {
        line("");
    }
    for text in &closing.lines {
        line(text);
    }
    line("");
    line(BOUNDARY);
    line("");
    for text in block.lines() {
        line(text);
    }
}

/// The line ending of the author's first line; LF where that is a lone CR, which not every tool reads.
fn newline(text: &str) -> &'static str {
    if line_ending(text, line_end(text, 0)) == "\r\n" { "\r\n" } else { "\n" }
}
