//! Huge, garbage and deeply nested input: an answer or an error, soon, and never a panic.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use aether_audit::core::checklist::{ChecklistError, Mark, parse, render};

/// Pieces that, repeated, have made Markdown and HTML readers slow.
const UNITS: &[&str] = &[
    "- [ ] task\n",
    "- [ ] ",
    "- ",
    "> ",
    ">",
    "> - [ ] x\n",
    "<!--",
    "-->",
    "<!-- id: a -->",
    "<!-- id: a -->\n",
    "- [ ] <!-- id: a -->\n",
    "- [ ] <!-- role: a -->\n",
    "[",
    "]",
    "[](",
    "![",
    "[^",
    "[^a]: ",
    "[^a]: \n",
    "`",
    "``` ",
    "```\n",
    "~~~\n",
    "*",
    "* ",
    "* a\n",
    "_",
    "**a ",
    "~~a ",
    "~a",
    "|",
    "|-",
    "| a |\n|-|\n",
    "a | b\n",
    "<a",
    "<a ",
    "<a b=\"",
    "<a>",
    "<a>\n",
    "<details>\n",
    "<details>\n\n",
    "</details>",
    "</b>",
    "<b><i>",
    "<x",
    "<?",
    "<!",
    "<![CDATA[",
    "<script>",
    "<pre>\n\n",
    "<textarea>",
    "<div\n\n",
    "\"",
    "'",
    "---\n",
    "---\na\n",
    "+++\na\n",
    "---",
    "...\n",
    "1. ",
    "1. [ ] a\n",
    "1) ",
    "999999999. ",
    "#",
    "# ",
    "# a\n",
    "# a <!-- phase: a -->\n",
    "## a\n# b\n",
    "===\n",
    "a\n===\n",
    "a\n---\n",
    "\n",
    "\r",
    "\r\n",
    " ",
    "\t",
    "    a\n",
    "\\",
    "\\\n",
    "&",
    "&#",
    "&amp;",
    "\0",
    "\u{feff}",
    "é",
    "a",
    "a ",
    "a\n",
    "a  \n",
    "- [x] a\n\n",
    "- [ ] a\n  b\n",
    "(",
    ")",
    "[a](b ",
    "[a][",
    "[a]: b\n",
    "[a]: b\n\n[a]\n",
    "http://a ",
    "www.",
    "a@b.c ",
    "$",
    ":",
    "\u{202e}",
    "<!-- ; -->\n",
    "- [ ] a <!-- id: a; x: y; -->\n",
    ";",
    "<!-- id: ;;;;;;;;; -->\n",
    "- [ ] a `\n",
    "- [ ] <!--\n",
    "- [ ] [\n",
    "> [!NOTE]\n",
    "| - [ ] a |\n",
    "<b",
    "<a1><a2>",
    "- [ ]\n",
    "- [ ] \\\n",
    "*a_ ",
    "_a*",
    "[[",
    "{",
    "^",
    "~",
    "<a href='",
    "-\n",
    "- \n\n",
    "+\n\n",
    "1.\n",
];

const MEGABYTE: usize = 1 << 20;

fn filled(unit: &str, size: usize) -> String {
    unit.repeat(size / unit.len())
}

/// Parses and renders with every item marked.
fn run(text: &str) -> Result<(usize, usize), ChecklistError> {
    let checklist = parse(text)?;
    let mark = Mark { ticked: Some(true), lines: vec!["signed".to_owned()] };
    let marks: BTreeMap<_, _> =
        checklist.items.iter().map(|item| (item.spec.id.clone(), mark.clone())).collect();
    let out = render(text, &checklist, &marks, "## Record");
    assert!(out.ends_with("\n## Record\n") || out.ends_with("## Record\r\n"));
    Ok((checklist.items.len(), out.len()))
}

/// Hangs are failures: growth with the square of a megabyte would take hours, this waits one minute.
fn answers(name: &'static str, text: String) -> Result<(usize, usize), ChecklistError> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = send.send(run(&text));
    });
    receive.recv_timeout(Duration::from_mins(1)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[test]
fn a_megabyte_is_answered() {
    assert_eq!(answers("tasks", filled("- [ ] task\n", MEGABYTE)).unwrap().0, MEGABYTE / 11);
    for unit in ["- ", "<!-- id: a -->", "[", "<a ", "> - [ ] x\n", "# a\n", "a\n", "\n"] {
        let _ = answers(unit, filled(unit, MEGABYTE));
    }
}

#[test]
fn anything_over_and_over_is_answered() {
    for unit in UNITS {
        let _ = answers(unit, filled(unit, MEGABYTE / 16));
    }
}

#[test]
fn deep_nesting_is_answered() {
    const EIGHTH: usize = MEGABYTE / 8;
    let mut stairs = String::new();
    for depth in 0..700 {
        stairs.push_str(&"  ".repeat(depth));
        stairs.push_str("- [ ] x\n");
    }
    assert_eq!(answers("stairs", stairs.clone()).unwrap().0, 700);
    let refused = answers("stairs, then blank lines", stairs.clone() + &filled("\n", MEGABYTE));
    assert_eq!(refused, Err(ChecklistError::TooDeep { line: 700 }));
    let _ = answers("stairs, then text", stairs + &filled("a\n", EIGHTH));
    for marker in ["- ", "> ", ">", "1. ", "* - + "] {
        for depth in [100, 1000, 10_000, 100_000] {
            let front = marker.repeat(depth / marker.len());
            let _ = answers("one line", front.clone() + "[ ] x\n");
            let _ = answers("blank lines after", front.clone() + "[ ] x\n" + &filled("\n", EIGHTH));
            let _ = answers("text after", front.clone() + "[ ] x\n" + &filled("a\n", EIGHTH));
            let _ = answers("quotes after", front.clone() + "[ ] x\n" + &filled("> \n", EIGHTH));
            let _ = answers("lines of it", (front + "[ ] x\n").repeat(EIGHTH / (depth + 6)));
        }
    }
}
