//! What the rendered file looks like, byte by byte.

use std::collections::BTreeMap;

use aether_audit::core::checklist::{Mark, escape_inline, parse, render};

fn marks(of: &[(&str, Option<bool>, &[&str])]) -> BTreeMap<String, Mark> {
    of.iter()
        .map(|(id, ticked, lines)| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            ((*id).to_owned(), Mark { ticked: *ticked, lines })
        })
        .collect()
}

fn rendered(text: &str, of: &[(&str, Option<bool>, &[&str])], block: &str) -> String {
    render(text, &parse(text).unwrap(), &marks(of), block)
}

/// Renders with the first item signed by one line, `ok`.
fn signed(text: &str) -> String {
    rendered(text, &[("item-001", Some(true), &["ok"])], "")
}

#[test]
fn sign_off_lines_continue_the_item() {
    for (text, expected) in [
        ("- [ ] a\n- [ ] b\n", "- [x] a\n  <br>ok\n- [ ] b\n"),
        ("- [ ] a\n  - [ ] b\n", "- [x] a\n  <br>ok\n  - [ ] b\n"),
        ("10. [ ] a\n\n    more\n", "10. [x] a\n    <br>ok\n\n    more\n"),
        ("* [ ] a\r\n  wrapped\r\n", "* [x] a\r\n  wrapped\r\n  <br>ok\r\n"),
        ("- [ ] a\nlazy\n", "- [x] a\nlazy\n  <br>ok\n"),
        ("- [ ] a", "- [x] a\n  <br>ok"),
        ("\r\n- [ ] a", "\r\n- [x] a\r\n  <br>ok"),
        ("> - [ ] a\n> - b\n", "> - [x] a\n>   <br>ok\n> - b\n"),
        (">- [ ] a\n", ">- [x] a\n>   <br>ok\n"),
        (">>\t- [ ] a\n", ">>\t- [x] a\n>>    <br>ok\n"),
        ("- > 1. [ ] a\n", "- > 1. [x] a\n  >    <br>ok\n"),
        ("-\t[ ] a\n", "-\t[x] a\n    <br>ok\n"),
        ("- - [ ] a\n", "- - [x] a\n    <br>ok\n"),
        ("\u{feff}- [ ] a\n", "\u{feff}- [x] a\n  <br>ok\n"),
        ("[^a>b]: - [ ] a\n", "[^a>b]: - [x] a\n          <br>ok\n"),
        ("- [\t] a\n", "- [x] a\n  <br>ok\n"),
        ("- [ ] <!x\n", "- [x] <!x\n  &nbsp;ok\n"),
        ("- [X] a\n", "- [X] a\n  <br>ok\n"),
        ("- [ ] a\n  ---\n", "- [x] a\n  <br>ok\n  ---\n"),
    ] {
        assert_eq!(signed(text), expected, "{text:?}");
    }
}

#[test]
fn boxes_follow_the_mark() {
    let text = "- [ ] a\n- [x] b\n- [X] c\n";
    let all = |ticked| {
        rendered(text, &[("item-001", ticked, &[]), ("item-002", ticked, &[]), ("item-003", ticked, &[])], "")
    };
    assert_eq!(all(None), text);
    assert_eq!(all(Some(true)), "- [x] a\n- [x] b\n- [X] c\n");
    assert_eq!(all(Some(false)), "- [ ] a\n- [ ] b\n- [ ] c\n");
    assert_eq!(rendered(text, &[("no-such-item", Some(true), &["x"])], ""), text);
}

#[test]
fn several_lines_stay_several_and_one_stays_one() {
    let out = rendered("- [ ] a\n", &[("item-001", None, &["one", "two\nthree\r"])], "");
    assert_eq!(out, "- [ ] a\n  <br>one\n  <br>two three \n");
}

#[test]
fn the_block_follows_after_all_that_was_open_is_closed() {
    const END: &str = "<!-- The checklist ends here. What follows was written from the signed record of this deployment. -->";
    for (text, closing) in [
        ("", ""),
        ("- [ ] a", "\n"),
        ("text\n", ""),
        ("```\n- [ ] x\n", "```\n"),
        ("~~~~ md\n~~~\n```", "\n~~~~\n"),
        ("```\nx\n```\n", ""),
        ("   ````\n  ```\n    ````", "\n````\n"),
        ("- ```\n  x", "\n"),
        ("<!-- open", "\n-->\n"),
        ("<!-- closed -->", "\n"),
        ("<?php\n\n", "?>\n"),
        ("<![CDATA[\n", "]]>\n"),
        ("<!DOCTYPE\n", ">\n"),
        ("<script>\nlet a;\n", "</script>\n"),
        ("- <!-- open\n<script>\n</pre>", "\n</script>\n\n<!-- \" ' -->\n\n</li></ul>\n"),
        ("<pre>\n\nx\n", "</pre>\n"),
        ("<details>\n\n- [ ] a\n", "\n</details>\n"),
        ("<details>\n\n- [ ] a\n\n</details>\n", ""),
        ("- <!-- open in an item\n", "\n<!-- \" ' -->\n\n</li></ul>\n"),
        ("<div title=\"open\n\nx\n", "\n<!-- \" ' -->\n\n</div>\n"),
        ("> <!-- a\n\n<!-- b\n", "-->\n\n</blockquote>\n"),
        ("> <textarea>\n", "\n</textarea>\n\n</blockquote>\n"),
        ("a <b>bold <br> <img src=x>\n", "\n</b>\n"),
    ] {
        assert_eq!(
            rendered(text, &[], "## Record\n"),
            format!("{text}{closing}\n{END}\n\n## Record\n"),
            "{text:?}"
        );
    }
    let out = rendered("- [ ] a\r\n", &[], "\n## Record\n\ntext\n\n");
    assert_eq!(out, format!("- [ ] a\r\n\r\n{END}\r\n\r\n## Record\r\n\r\ntext\r\n"));
    assert_eq!(rendered("- [ ] a", &[], " \n"), "- [ ] a");
}

#[test]
fn a_checklist_of_another_text_breaks_nothing() {
    let checklist = parse("- [ ] aaaaaaaaaaaaaaaa\n\n\n- [ ] b\n").unwrap();
    let marks = marks(&[("item-001", Some(true), &["ok"]), ("item-002", Some(true), &["ok"])]);
    for other in ["", "é", "ééééééééééééé", "- [ ] a\n"] {
        let _ = render(other, &checklist, &marks, "block");
    }
}

#[test]
fn typed_text_becomes_inert() {
    for (text, expected) in [
        ("compared with the manifest, v2.14.0 (ok)", "compared with the manifest, v2.14.0 \\(ok\\)"),
        ("a\n\n- [ ] b\r\n\tc ", "a - \\[ \\] b c"),
        ("- x", "\\- x"),
        ("12. x", "12\\. x"),
        ("12) x", "12\\) x"),
        ("# x", "\\# x"),
        ("> <script>&amp;", "&gt; &lt;script&gt;&amp;amp;"),
        ("<!-- id: a -->", "&lt;\\!-- id: a --&gt;"),
        ("https://a.example www.a.example", "https\\://a.example www\\.a.example"),
        ("@team 10:30 :tada:", "\\@team 10:30 \\:tada:"),
        ("a | `b` \\ *c* _d_ ~e~ $f$", "a &#124; &#96;b&#96; \\\\ \\*c\\* \\_d\\_ \\~e\\~ \\$f\\$"),
        ("\u{1b}[2J\u{202e}x\0", "\u{fffd}\\[2J\u{fffd}x\u{fffd}"),
        (" \u{2028} ", ""),
    ] {
        assert_eq!(escape_inline(text), expected, "{text:?}");
    }
}

#[test]
fn what_was_left_open_is_closed_from_the_inside() {
    for (open, closed) in [
        ("<details>\n\n<table>\n", "</table>\n</details>"),
        ("<div hidden>\n\n<select>\n", "</select>\n</div>"),
        ("<table>\n\n<details>\n\n</table>\n", "</details>"),
    ] {
        let text = format!("- [ ] a\n\n{open}");
        let out = render(&text, &parse(&text).unwrap(), &BTreeMap::new(), "## The record\n");
        assert!(out.contains(closed), "{out}");
    }
}
