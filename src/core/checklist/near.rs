//! Lines that look like task items and are none.

use pulldown_cmark::{Event, Tag};

use super::markdown::{Lines, events, readable};

/// The lines, counted from 1, that an author may take for task items and that no renderer does: `- [] x`, `- [ x ] x`,
/// `- [ ]x`, `-[ ] x`. Code, HTML and links are left aside.
#[must_use]
pub fn near_boxes(text: &str) -> Vec<usize> {
    let text = &readable(text);
    let lines = Lines::new(text);
    if lines.too_deep().is_some() {
        return Vec::new();
    }
    let mut aside = Vec::new();
    let mut boxes = Vec::new();
    for (event, range) in events(text) {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::Link { .. }) => aside.push(range),
            Event::TaskListMarker(_) => boxes.push(range.start),
            _ => {}
        }
    }
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        let meant = nearly(line)
            && !aside.iter().any(|other| other.start < range.end && range.start < other.end)
            && !boxes.iter().any(|at| range.contains(at));
        if meant {
            found.push(lines.line(range.start));
        }
    }
    found
}

/// A bullet or a number, then brackets around nothing, space or a tick, then words; or an empty box alone.
fn nearly(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '>']).trim_end();
    let bullet = line
        .strip_prefix(['-', '*', '+', '–', '—', '•'])
        .or_else(|| line.starts_with("[ ] ").then_some(line));
    let number = || {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < line.len()).then_some(rest).and_then(|rest| rest.strip_prefix(['.', ')']))
    };
    let Some(rest) = bullet.or_else(number) else { return false };
    let Some((inside, after)) = rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'))
    else {
        return false;
    };
    matches!(inside.trim(), "" | "x" | "X" | "✓" | "✔" | "-")
        && !after.trim().is_empty()
        && !after.starts_with(['(', '[', ':'])
}

#[cfg(test)]
mod tests {
    use super::near_boxes;

    #[test]
    fn what_looks_like_a_box_and_is_none() {
        let text = "- [ ] a task\n- [] one\n-[ ] two\n- [ ]three\n1. [ x ] four\n> * [x]five\n- [x](link)\n- [ ]\n- [y] no\n\
                    ```\n- [] code\n```\n<!--\n- [] remark\n-->\n- words [] in between\n\n– [ ] dash\n\n[ ] alone\n\n- [✓] ticked\n";
        assert_eq!(near_boxes(text), [2, 3, 4, 5, 6, 18, 20, 22]);
    }
}
