//! Texts that people typed cannot do anything in any rendering.

use aether_audit::core::event::*;
use proptest::prelude::*;
use pulldown_cmark::{Event as Md, Options, Parser, Tag};

use crate::rendered;
use crate::world::{CHECKLIST, World, label, token};

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</pre></article><h1>owned</h1>",
    "```\n# owned\n```\n~~~\n<b>x</b>",
    "| a | b |\n|---|---|\n| <i>1</i> | `2` |",
    "[link](javascript:alert(1)) ![i](https://example.com/x.png) <https://example.com>",
    "-->\n<!-- id: stolen --> - [x] fake\n\n- [x] fake",
    "\u{202e}gpj.exe\u{2066} \u{0} \u{7} \u{1b}[31mred \u{feff}",
    "line\r\nline\rline\u{2028}line",
    "{{ r.schema }} {% if %} &amp; &lt; \\",
    "---\n...\n# h\n> q\n1. x\n\ttab",
];

/// A deployment in which every text that people can write is `text`.
fn full_of(text: &str) -> World {
    let mut world = World::new();
    let clean: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    let shown = label(if clean.is_empty() { "x" } else { &clean });
    let reason = world.say(text);
    world.open_with(CHECKLIST, vec![crate::world::errors()], |body| {
        body.release = shown.clone();
        body.environment = shown.clone();
        body.ticket = Some(shown.clone());
        body.reason = Some(reason);
        body.services = vec![shown.clone()];
    });
    world.sign("carol", "qa-engineer", "tests-green", text);
    world.decide(Decision::NoGo, text);
    world.note(text);
    world.message(text);
    let note = Some(world.say(text));
    let reading = aether_audit::core::check::Reading {
        check: Some("http-5xx".into()),
        source: "person".into(),
        query: Some(text.chars().filter(|c| !c.is_control()).take(500).collect()),
        detail: Some(text.chars().filter(|c| !c.is_control()).take(100).collect()),
        unit: Some(text.chars().filter(|c| !c.is_control()).take(60).collect()),
        value: Some("1".parse().unwrap()),
        response: Some(world.say(text)),
        note,
        ..Default::default()
    };
    world.put("carol", "qa-engineer", &Event::EvidenceCollected(reading.clone()));
    let attached = aether_audit::core::check::Reading { check: None, value: None, ..reading };
    world.put("carol", "qa-engineer", &Event::EvidenceCollected(attached));
    let trigger = RollbackTriggered {
        check: Some(token("http-5xx")),
        evidence: None,
        reason: Some(world.say(text)),
        trigger: Trigger::Manual,
    };
    world.put("carol", "qa-engineer", &Event::RollbackTriggered(trigger));
    let detail = Some(world.say(text));
    let stage =
        StageReached { act: Act::Failed, detail, intent: None, run: Some(shown.clone()), stage: shown };
    world.put("ci", "recorder", &Event::StageReached(stage));
    world.integrity.verdict = text.chars().take(200).collect();
    let some: String = text.chars().take(200).collect();
    world.integrity.findings = vec![(None, some.clone(), some)];
    world.integrity.checkpoint = Some(text.into());
    world
}

fn tags(html: &str) -> usize {
    html.matches('<').count()
}

/// What Markdown makes of a rendering: every element but text.
fn shape(markdown: &str) -> Vec<String> {
    let parser = Parser::new_ext(
        markdown,
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH,
    );
    let mut shape = Vec::new();
    for event in parser {
        match event {
            Md::Start(Tag::CodeBlock(_)) => shape.push("code".into()),
            Md::Start(Tag::HtmlBlock) | Md::SoftBreak => {}
            Md::Start(tag) => shape.push(format!("{tag:?}").split(['{', '(']).next().unwrap().trim().into()),
            Md::Html(html) | Md::InlineHtml(html) => shape.push(html.trim().into()),
            Md::Code(code) => shape.push(format!("`{}", code.len())),
            Md::TaskListMarker(done) => shape.push(done.to_string()),
            _ => {}
        }
    }
    shape
}

/// Holds the pages to have the shape that they have with harmless words of the same length.
fn inert(text: &str) {
    let plain = rendered(&full_of(&"plain words ".repeat(1 + text.len() / 12)));
    let hostile = rendered(&full_of(text));
    let text: String = text.chars().take(80).collect();
    assert_eq!(tags(&plain.html), tags(&hostile.html), "{text:?}");
    assert_eq!(shape(&plain.markdown), shape(&hostile.markdown), "{text:?}");
    assert_eq!(shape(&plain.checklist), shape(&hostile.checklist), "{text:?}");
    for (name, page) in hostile.pages() {
        let bad = page.chars().find(|c| {
            (c.is_control() && !matches!(c, '\n' | '\t'))
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        });
        assert_eq!(bad, None, "{name}: {text:?}");
    }
}

#[test]
fn nothing_typed_changes_the_shape_of_a_page() {
    for text in HOSTILE {
        inert(text);
    }
}

#[test]
fn sixty_four_kilobytes_of_markup() {
    let long = "<b>*x*|`[ ](y)\n".repeat(4400);
    inert(&long);
    let r = rendered(&full_of(&long));
    assert!(r.json.contains(&serde_json::to_string(&long).unwrap()), "the exact text is in the data");
    assert!(r.checklist.len() < 40_000, "{} bytes", r.checklist.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nor_does_any_other_text(text in r#"x[-`~<>|*_\[\]()!#+&;:/@\\"'{}. \n\r\t\x00-\x1f\u{202e}a-c0-9]{0,80}x"#) {
        inert(&text);
    }
}
