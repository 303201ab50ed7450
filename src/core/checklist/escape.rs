//! Text that people typed, made inert.

/// `text` as one line of Markdown that shows exactly these words and does nothing: no markup, no HTML,
/// no link, no mention, no box, no table cell, no control or direction-changing character, wherever in a
/// paragraph, list item, heading or table cell it is put.
pub fn escape_inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut chars = text.chars().peekable();
    let mut gap = false;
    while let Some(c) = chars.next() {
        if c.is_whitespace() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) && !out.is_empty() {
            out.push(' ');
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A backslash does not hold inside a code span that an earlier backtick opened.
            '`' => out.push_str("&#96;"),
            // Some readers split a table row at an escaped pipe too.
            '|' => out.push_str("&#124;"),
            _ if c.is_control() || is_invisible(c) => out.push('\u{fffd}'),
            _ => {
                if needs_backslash(c, &out, chars.peek().copied()) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
    out
}

fn needs_backslash(c: char, before: &str, next: Option<char>) -> bool {
    match c {
        '\\' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '~' | '$' | '=' | '^' | '@'
        | '+' => true,
        '-' => before.is_empty(),
        '.' => {
            before.bytes().all(|byte| byte.is_ascii_digit())
                || before
                    .len()
                    .checked_sub(3)
                    .and_then(|at| before.get(at..))
                    .is_some_and(|end| end.eq_ignore_ascii_case("www"))
        }
        ':' => next.is_some_and(|next| next == '/' || next.is_ascii_alphabetic()) || before.is_empty(),
        _ => false,
    }
}

/// Characters that nobody sees: direction controls, the byte order mark, blanks of no script, tags.
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
