//! What makes text that people typed inert in HTML and in Markdown; `askama.toml` binds it to templates.

use std::borrow::Cow;
use std::fmt::{self, Write};

use askama::filters::Escaper;

use crate::core::checklist::escape_inline;

/// HTML text and attribute values. Line ends and tabs stay; other control characters, and those that
/// change the direction of their neighbours, become U+FFFD.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Html;

impl Escaper for Html {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let plain = |b: u8| (0x20..0x7f).contains(&b) && !matches!(b, b'&' | b'<' | b'>' | b'"' | b'\'');
        if text.bytes().all(plain) {
            return dest.write_str(text);
        }
        let mut from = 0;
        for (at, c) in text.char_indices() {
            let with = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                '\n' | '\t' => continue,
                _ if unsafe_to_show(c) => "\u{fffd}",
                _ => continue,
            };
            dest.write_str(text.get(from..at).unwrap_or_default())?;
            dest.write_str(with)?;
            from = at + c.len_utf8();
        }
        dest.write_str(text.get(from..).unwrap_or_default())
    }
}

/// One line of Markdown. It takes each text in one piece, so that templates give it strings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Markdown;

impl Escaper for Markdown {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        dest.write_str(&escape_inline(text))
    }
}

/// A fenced block that shows `text` and that nothing in `text` can end.
pub(crate) fn fenced(text: &str) -> String {
    let shown = visible(text);
    let mut longest = 0;
    let mut run = 0;
    for c in shown.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    let newline = if shown.ends_with('\n') || shown.is_empty() { "" } else { "\n" };
    format!("{fence}text\n{shown}{newline}{fence}")
}

/// `text` with one kind of line end, and without characters that act on what shows it.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(unsafe_to_show) {
        return Cow::Borrowed(text);
    }
    let one_end = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(one_end.chars().map(|c| if unsafe_to_show(c) { '\u{fffd}' } else { c }).collect())
}

fn unsafe_to_show(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\n' | '\t');
    let direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    );
    control || direction
}
