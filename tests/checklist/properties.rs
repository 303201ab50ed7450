//! What holds for every checklist: nothing of the author's changes, and the lists stay the same lists.

use std::collections::BTreeMap;

use aether_audit::core::checklist::{Checklist, Mark, escape_inline, is_invisible, parse, render};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

const TOKEN: &str = "SIGNED-OFF";
const SENTINEL: &str = "SENTINEL";

/// What pulldown-cmark reads otherwise than the specification: a CR alone that ends a line, and a box with
/// nothing after it, which is text.
fn as_specified(text: &str) -> String {
    let front = |text: &str| text.bytes().all(|byte| b" \t>-*+.)0123456789\xef\xbb\xbf".contains(&byte));
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.split('\n').map(|line| match line.trim_ascii_end().strip_suffix(']') {
        Some(start)
            if start
                .strip_suffix([' ', '\t', 'x', 'X'])
                .is_some_and(|start| start.strip_suffix('[').is_some_and(front)) =>
        {
            line.replace(']', "text")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    Parser::new_ext(text.trim_start_matches('\u{feff}'), options)
}

/// The blocks of a document, without what is written in them.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    for event in events(&as_specified(text)) {
        match event {
            Event::Start(
                Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. },
            ) => {}
            Event::Start(tag) => blocks.push(format!("{tag:?}")),
            Event::End(end) => blocks.push(format!("/{end:?}")),
            Event::Rule => blocks.push("rule".to_owned()),
            _ => {}
        }
    }
    blocks.retain(|block| {
        !matches!(block.as_str(), "/Emphasis" | "/Strong" | "/Strikethrough" | "/Link" | "/Image")
    });
    blocks
}

/// A line of text with something in it that Markdown or HTML might stumble on.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}( [a-z]{1,5}){0,3}",
        1 => prop::sample::select(vec![
            "**bold** text", "`code`", "un`closed", "[link](http://a.example)", "[open", "a | b", "|a|", "trailing\\",
            "trailing  ", "<b>html</b>", "<b", "a <a href=\"x", "<!-- note: x -->", "<!-- open", "-->", "*", "_a", "~~x",
            "&amp;", "é ü", "===", "[^1]", "![img](x)", "<br>", "</details>", "a\\\\", "- x", "1. x", "# x", "> x", "``` x",
            "[a]: b", "<!-- -->", "<!-- id: zz -->", ":---", "\u{a0}", "x\ty", "2. [ ] y", "\\[ ] x", "~~~",
        ]).prop_map(str::to_owned),
    ]
}

/// One line of a list or beside it, indented in every usual and unusual way.
fn line() -> impl Strategy<Value = String> {
    let indent =
        prop::sample::select(vec!["", "", "", "  ", "  ", "   ", "    ", "      ", "\t", " ", "        "]);
    let marker = prop::sample::select(vec![
        "- ", "* ", "+ ", "1. ", "2) ", "-   ", "-\t", "- - ", "10. ", "-    ", "- > ",
    ]);
    let quote = prop::sample::select(vec!["", "", "", "", "", "> ", ">", "> > ", ">\t"]);
    let tick = prop::sample::select(vec!["[ ] ", "[x] ", "[X] ", "[ ] ", "[\t] ", "[ ]  ", ""]);
    let item = (quote, indent, marker, tick, words())
        .prop_map(|(quote, indent, marker, tick, words)| format!("{quote}{indent}{marker}{tick}{words}"));
    let text = (prop::sample::select(vec!["", "  ", "    ", "> ", "\t"]), words())
        .prop_map(|(indent, words)| format!("{indent}{words}"));
    let odd = prop::sample::select(vec![
        "",
        "",
        "",
        "---",
        "***",
        "===",
        "  ---",
        "```",
        "  ```",
        "~~~",
        "    code",
        "|---|---|",
        "  --|--",
        "|-|",
        "# head",
        "  ## head",
        "<details>",
        "  <details>",
        "</details>",
        "<!--",
        "-->",
        "  <!--",
        "<script>",
        "<pre>",
        "</pre>",
        "<?",
        "<div x=\"",
        "<div>",
        "[^1]: note",
        "    more",
        "> [!NOTE]",
        "[a]: /b",
        "- [ ]",
        "-",
        "  -",
        "1.",
        "<textarea>",
        "- [ ] ",
        ">",
    ])
    .prop_map(str::to_owned);
    prop_oneof![6 => item, 2 => text, 2 => odd]
}

fn document() -> impl Strategy<Value = String> {
    let newline = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\r"]);
    (prop::collection::vec(line(), 0..14), newline, any::<bool>(), prop::bool::weighted(0.1)).prop_map(
        |(lines, newline, end, bom)| {
            let mut text = lines.join(newline);
            if end {
                text.push_str(newline);
            }
            if bom { format!("\u{feff}{text}") } else { text }
        },
    )
}

fn mark_all(checklist: &Checklist, ticked: Option<bool>) -> BTreeMap<String, Mark> {
    let lines =
        vec![format!("{TOKEN} by alice"), format!("{TOKEN}: {}", escape_inline("<b>`*|[x](y)\n- [ ] z\\"))];
    let mark = Mark { ticked, lines };
    checklist.items.iter().map(|item| (item.spec.id.clone(), mark.clone())).collect()
}

/// The author's bytes again, but for the boxes.
fn without_sign_offs(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .find(['\n', '\r'])
            .map_or(rest.len(), |at| at + if rest[at..].starts_with("\r\n") { 2 } else { 1 });
        let (line, after) = rest.split_at(end);
        if !line.contains(TOKEN) {
            out.push_str(line);
        } else if !line.ends_with(['\n', '\r']) {
            out.truncate(out.strip_suffix("\r\n").or(out.strip_suffix(['\n', '\r'])).unwrap().len());
        }
        rest = after;
    }
    out
}

fn shape(checklist: &Checklist) -> Vec<(String, String, usize, Option<String>)> {
    let item = |item: &aether_audit::core::checklist::Item| {
        (item.spec.id.clone(), item.title.clone(), item.depth, item.spec.phase.clone())
    };
    checklist.items.iter().map(item).collect()
}

fn check(text: &str, ticked: Option<bool>) {
    let Ok(checklist) = parse(text) else { return };
    assert_eq!(render(text, &checklist, &BTreeMap::new(), ""), text);

    let out = render(text, &checklist, &mark_all(&checklist, ticked), "");
    let stripped = without_sign_offs(&out);
    assert_eq!(stripped.len(), text.len(), "{out:?}");
    let changed: Vec<usize> =
        (0..text.len()).filter(|at| text.as_bytes()[*at] != stripped.as_bytes()[*at]).collect();
    assert!(
        changed.iter().all(|at| text[..*at].ends_with('[') && text[at + 1..].starts_with(']')),
        "{out:?}"
    );
    let wanted = |was: bool| ticked.unwrap_or(was);
    let turned = checklist.items.iter().filter(|item| wanted(item.ticked) != item.ticked).count();
    assert_eq!(changed.len(), turned);

    let again = parse(&out).unwrap();
    assert_eq!(shape(&again), shape(&checklist), "{out:?}");
    assert!(again.items.iter().zip(&checklist.items).all(|(now, was)| now.ticked == wanted(was.ticked)));
    assert_eq!(blocks(&out), blocks(text), "{out:?}");

    let full = render(text, &checklist, &BTreeMap::new(), &format!("## {SENTINEL}\n\nthe record\n"));
    assert!(full.starts_with(text));
    let mut depth = 0_usize;
    let mut seen = 0;
    for event in events(&as_specified(&full)) {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Text(words) if words.contains(SENTINEL) => seen += usize::from(depth == 1),
            _ => {}
        }
    }
    assert_eq!(seen, 1, "the block is swallowed: {full:?}");
    assert_eq!(shape(&parse(&full).unwrap()), shape(&checklist), "{full:?}");
}

#[test]
fn html_left_open_between_rules_is_closed() {
    check("---\n        2) [ ] a\n<pre>\n- > [ ] b\n---\n> [!NOTE]\n    c\nd", Some(true));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rendering_keeps_the_authors_file_and_its_lists(text in document(), ticked in any::<Option<bool>>()) {
        check(&text, ticked);
    }

    #[test]
    fn any_text_is_answered(text in "(?s).{0,200}", ticked in any::<Option<bool>>()) {
        check(&text, ticked);
    }

    #[test]
    fn soup_is_answered(text in "([-*+>#`~|<! \\[\\]x\t\n\r.:1a\"'&;/=_\\\\]|\\- \\[ \\] |<!-- ){0,60}", ticked in any::<Option<bool>>()) {
        check(&text, ticked);
    }

    #[test]
    fn escaped_text_shows_itself_and_nothing_else(text in "(?s)([-*+>#`~|<!\\[\\]()x\t\n.:1a\"'&;/=_\\\\@{}$^ ]|.|www\\.|http://|<!--|&amp;){0,30}") {
        let escaped = escape_inline(&text);
        prop_assert!(!escaped.contains(['\n', '\r', '<', '>']));
        let mut shown = String::new();
        for event in events(&escaped) {
            match event {
                Event::Text(words) => shown.push_str(&words),
                Event::Start(Tag::Paragraph) | Event::End(_) => {}
                other => prop_assert!(false, "{escaped:?} is not plain: {other:?}"),
            }
        }
        let visible = |text: &str| -> String {
            let seen = |c: &char| !c.is_whitespace() && !c.is_control() && *c != '\u{fffd}' && !is_invisible(*c);
            text.chars().filter(seen).collect()
        };
        prop_assert_eq!(visible(&shown), visible(&text));
    }
}
