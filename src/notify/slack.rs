//! A message as Slack takes it: Block Kit, with the exact text beside it for notifications and screen readers.
//!
//! Limits: <https://docs.slack.dev/reference/block-kit/blocks/>.

use serde_json::{Value, json};

use super::Message;

/// Characters of a header.
const HEADER: usize = 150;
/// Characters of a section's text, with room for what escaping adds.
const SECTION: usize = 2800;
/// Blocks of a message, the header and the small print aside.
const SECTIONS: usize = 40;

/// The payload; an incoming webhook knows its channel itself.
pub fn body(message: &Message, channel: Option<&str>) -> Value {
    let text = message.text.trim();
    let (head, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (head, more) = cut(head, HEADER);
    let mut blocks =
        vec![json!({"type": "header", "text": {"type": "plain_text", "text": head, "emoji": false}})];
    let rest = if more.is_empty() { escape(rest.trim()) } else { escape(text) };
    let mut left = rest.as_str();
    while !left.is_empty() && blocks.len() <= SECTIONS {
        let (part, more) = cut(left, SECTION);
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": part}}));
        left = more;
    }
    let small = escape(message.about);
    blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": small}]}));
    let mut body = json!({"text": escape(text), "blocks": blocks, "unfurl_links": false});
    if let Some(channel) = channel {
        body["channel"] = channel.into();
    }
    body
}

/// Slack's API says no with status 200 too.
pub fn took(answer: &str) -> bool {
    serde_json::from_str::<Value>(answer).is_ok_and(|answer| answer["ok"] == true)
}

/// The three characters that Slack gives a meaning: without them nobody is mentioned and no link is made by accident.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// At most `most` characters, and the rest.
fn cut(text: &str, most: usize) -> (&str, &str) {
    text.split_at(text.char_indices().nth(most).map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_into_blocks() {
        let text = format!("HEAD <!channel>\n{}", "ü".repeat(6000));
        let message = Message { text: &text, template: None, about: "v1", channel: "#x" };
        let body = body(&message, Some("#x"));
        assert_eq!(body["blocks"][0]["text"]["text"], "HEAD <!channel>");
        assert!(body["text"].as_str().unwrap().starts_with("HEAD &lt;!channel&gt;"));
        let sections: Vec<usize> = body["blocks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|block| block["type"] == "section")
            .map(|block| block["text"]["text"].as_str().unwrap().chars().count())
            .collect();
        assert_eq!(sections, [2800, 2800, 400]);
        assert_eq!(body["channel"], "#x");
    }

    #[test]
    fn a_yes_is_a_yes() {
        assert!(took("{\"ok\":true}"));
        for no in ["{\"ok\":false}", "ok", "", "{\"ok\":\"true\"}", "[true]"] {
            assert!(!took(no), "{no}");
        }
    }
}
