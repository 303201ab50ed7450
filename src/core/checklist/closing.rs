//! What it takes to end everything that the author's file leaves open at its end.
//!
//! Markdown itself leaves two things open to the end of a file: a fence, and an HTML block that waits for
//! its end mark. Below that, the HTML that comes out may have an open comment, quote or tag, which would
//! hide or swallow whatever follows in a browser.

use std::collections::BTreeMap;

use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use super::markdown::{events, readable};

/// Lines that close what is open, none when nothing is.
pub(super) struct Closing {
    pub(super) ends_with_newline: bool,
    pub(super) lines: Vec<String>,
}

pub(super) fn closing_lines(text: &str) -> Closing {
    let text = &readable(text);
    let mut html = Html::default();
    let mut depth = 0_usize;
    let mut containers = Vec::new();
    let mut last_block = None;
    for (event, range) in events(text) {
        match event {
            Event::Html(raw) | Event::InlineHtml(raw) => {
                let in_data = matches!(html.state, State::Data);
                html.feed(&raw);
                if in_data && !matches!(html.state, State::Data) {
                    html.swallowed.clone_from(&containers);
                }
            }
            Event::Start(tag) => {
                containers.extend(container(tag.to_end()));
                if depth == 0 {
                    last_block = Some((tag, range));
                }
                depth += 1;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                if container(tag).is_some() {
                    containers.pop();
                }
            }
            Event::Rule if depth == 0 => last_block = None,
            _ => {}
        }
    }
    if matches!(html.state, State::Data) {
        html.swallowed.clear();
    }
    let mut lines = Vec::new();
    if let Some((tag, range)) = last_block {
        let source = text.get(range.start..).unwrap_or_default();
        let mark = match tag {
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => open_fence(source),
            Tag::HtmlBlock => open_html_block(source),
            _ => None,
        };
        if let Some(mark) = mark {
            html.feed("\n");
            if tag == Tag::HtmlBlock {
                html.feed(&mark);
            }
            lines.push(mark);
        }
    }
    html.close(&mut lines);
    Closing { ends_with_newline: text.is_empty() || text.ends_with(['\n', '\r']), lines }
}

/// The element that a container becomes.
const fn container(tag: TagEnd) -> Option<&'static str> {
    match tag {
        TagEnd::List(true) => Some("ol"),
        TagEnd::List(false) => Some("ul"),
        TagEnd::Item => Some("li"),
        TagEnd::BlockQuote(_) => Some("blockquote"),
        _ => None,
    }
}

/// The fence that would end the one at the start of `source`, if it is not ended.
fn open_fence(source: &str) -> Option<String> {
    let length = |line: &str, mark: char| line.len() - line.trim_start_matches(mark).len();
    let mut lines = source.split(['\n', '\r']);
    let first = lines.next()?.trim_start();
    let mark = first.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let fence = length(first, mark);
    let ended = lines.any(|line| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let line = line.trim();
        indent < 4 && length(line, mark) >= fence && line.trim_start_matches(mark).is_empty()
    });
    (!ended).then(|| mark.to_string().repeat(fence))
}

/// The end mark that an HTML block (`CommonMark` 4.6, kinds 1 to 5) still waits for.
fn open_html_block(source: &str) -> Option<String> {
    let source = source.trim_start().to_ascii_lowercase();
    let waits_for = |mark: &str| (!source.contains(mark)).then(|| mark.to_owned());
    if source.starts_with("<!--") {
        return waits_for("-->");
    }
    if source.starts_with("<?") {
        return waits_for("?>");
    }
    if source.starts_with("<![cdata[") {
        return waits_for("]]>");
    }
    if source.starts_with("<!") {
        return waits_for(">");
    }
    // CommonMark takes any of the four end tags, pulldown-cmark the element's own: that one suits both.
    let name = ["script", "pre", "style", "textarea"].into_iter().find(|name| {
        let rest = source.strip_prefix('<').and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.chars().next().is_none_or(|c| c.is_whitespace() || c == '>'))
    })?;
    waits_for(&format!("</{name}>"))
}

/// Elements that have no end tag, or whose stray end tag would make something.
const NEVER_CLOSED: &[&str] = &[
    "area", "base", "body", "br", "col", "embed", "head", "hr", "html", "img", "input", "link", "meta", "p",
    "param", "source", "track", "wbr",
];

/// Elements whose content is not read as HTML.
const RAW_TEXT: &[&str] = &["iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"];

/// As much of an HTML tokenizer as it takes to know what is open (HTML Living Standard 13.2.5).
#[derive(Default)]
struct Html {
    state: State,
    /// How many elements were opened, and the places of those that still are, by name.
    opened: usize,
    open: BTreeMap<String, Vec<usize>>,
    /// The containers around the place where the state last left `Data`: their end tags are not seen.
    swallowed: Vec<&'static str>,
}

#[derive(Default)]
enum State {
    #[default]
    Data,
    /// After `<` or `</` and a letter; the text of the tag so far.
    Tag {
        text: String,
        quote: Option<char>,
    },
    Comment {
        tail: String,
    },
    /// `<!…` or `<?…`, to the next `>`.
    Bogus,
    RawText {
        name: String,
        tail: String,
    },
}

impl Html {
    fn feed(&mut self, raw: &str) {
        let mut chars = raw.chars().peekable();
        while let Some(c) = chars.next() {
            match &mut self.state {
                State::Data if c == '<' => {
                    self.state = match chars.peek() {
                        Some('!' | '?') => State::Bogus,
                        Some('/') => State::Tag { text: String::new(), quote: None },
                        Some(next) if next.is_ascii_alphabetic() => {
                            State::Tag { text: String::new(), quote: None }
                        }
                        _ => State::Data,
                    };
                    if matches!(self.state, State::Bogus) && chars.clone().take(3).eq("!--".chars()) {
                        chars.nth(2);
                        // `<!-->` and `<!--->` are whole comments.
                        self.state = State::Comment { tail: "--".to_owned() };
                    }
                }
                State::Bogus if c == '>' => self.state = State::Data,
                State::Data | State::Bogus => {}
                State::Comment { tail } if c == '>' && (tail.ends_with("--") || tail.ends_with("--!")) => {
                    self.state = State::Data;
                }
                State::Comment { tail } => keep_tail(tail, c, 3),
                State::RawText { name, tail } => {
                    keep_tail(tail, c.to_ascii_lowercase(), name.len() + 3);
                    if tail
                        .strip_suffix('>')
                        .and_then(|tail| tail.strip_suffix(name.as_str()))
                        .is_some_and(|tail| tail.ends_with("</"))
                    {
                        self.state = State::Data;
                    }
                }
                State::Tag { text, quote } => match quote {
                    Some(open) if *open == c => *quote = None,
                    Some(_) => {}
                    None if c == '>' => {
                        let text = std::mem::take(text);
                        self.state = State::Data;
                        self.tag(&text);
                    }
                    None => {
                        if matches!(c, '"' | '\'') && text.trim_end().ends_with('=') {
                            *quote = Some(c);
                        }
                        text.push(c);
                    }
                },
            }
        }
    }

    fn tag(&mut self, text: &str) {
        let (end, text) = text.strip_prefix('/').map_or((false, text), |rest| (true, rest));
        let name = text
            .split(|c: char| c.is_whitespace() || c == '/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if name.is_empty() || !plain || NEVER_CLOSED.contains(&name.as_str()) {
            return;
        }
        if !end && RAW_TEXT.contains(&name.as_str()) {
            self.state = State::RawText { name, tail: String::new() };
            return;
        }
        let places = self.open.entry(name).or_default();
        if end {
            places.pop();
        } else {
            places.push(self.opened);
            self.opened += 1;
        }
    }

    /// Adds what closes everything that is open.
    fn close(mut self, lines: &mut Vec<String>) {
        if matches!(self.state, State::Comment { .. } | State::Bogus | State::Tag { .. }) {
            // A comment of its own where nothing is open; ends a comment, a tag, and a tag's open quote.
            let reset = "<!-- \" ' -->";
            self.feed("\n");
            self.feed(reset);
            lines.extend([String::new(), reset.to_owned()]);
        }
        if let State::RawText { name, .. } = &self.state {
            lines.extend([String::new(), format!("</{name}>")]);
        }
        if !self.swallowed.is_empty() {
            let ends = self.swallowed.iter().rev().map(|name| format!("</{name}>"));
            lines.extend([String::new(), ends.collect()]);
        }
        let places = self.open.iter().flat_map(|(name, places)| places.iter().map(move |at| (*at, name)));
        // Innermost first: within a table or a list of choices a browser ignores the end of what is around it.
        let open: BTreeMap<usize, &String> = places.collect();
        if !open.is_empty() {
            lines.push(String::new());
            lines.extend(open.values().rev().map(|name| format!("</{name}>")));
        }
    }
}

fn keep_tail(tail: &mut String, c: char, length: usize) {
    tail.push(c);
    if let Some((cut, _)) = tail.char_indices().rev().nth(length - 1) {
        tail.drain(..cut);
    }
}
