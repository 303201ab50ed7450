//! From Markdown events to phases and items.

use std::collections::HashMap;
use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};

use super::annotation::{self, Field, Place};
use super::markdown::{Lines, events, line_end, readable};
use super::{Checklist, ChecklistError, Item, ItemSpec, PhaseSpec};

/// Finds the phases and task items of a checklist. No task at all is `Ok` with no items.
///
/// An item belongs to the phase of the nearest annotated heading above it; a heading of the same or a
/// higher level ends that phase, and so does the end of the quote or list item that holds the heading.
///
/// # Errors
/// An annotation that means nothing or something impossible, an id that stands twice, or nesting
/// deeper than can be read in reasonable time; each names its place.
pub fn parse(text: &str) -> Result<Checklist, ChecklistError> {
    let text = &readable(text);
    let lines = Lines::new(text);
    if let Some(line) = lines.too_deep() {
        return Err(ChecklistError::TooDeep { line });
    }
    let mut walk = Walk::new(text, lines);
    for (event, range) in events(text) {
        walk.event(&event, range)?;
    }
    walk.finish()
}

/// What the inline content at hand belongs to.
enum Within<'a> {
    Item(Open<'a>),
    Heading(HeadingLevel, Vec<Field<'a>>),
    Other,
}

/// A task item whose own first paragraph is being read.
struct Open<'a> {
    box_range: Range<usize>,
    ticked: bool,
    first_line: bool,
    title: String,
    text_end: usize,
    fields: Vec<Field<'a>>,
}

struct Walk<'a> {
    text: &'a str,
    lines: Lines<'a>,
    within: Within<'a>,
    phases: Vec<(PhaseSpec, usize)>,
    /// The annotated headings in force: level, and index into `phases`.
    in_force: Vec<(HeadingLevel, usize)>,
    /// For each open quote, item or footnote: how many headings were in force where it began, and
    /// whether it is a task item.
    containers: Vec<(usize, bool)>,
    /// How many of `containers` are task items.
    depth: usize,
    items: Vec<(Item, Option<usize>)>,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, lines: Lines<'a>) -> Self {
        Self {
            text,
            lines,
            within: Within::Other,
            phases: Vec::new(),
            in_force: Vec::new(),
            containers: Vec::new(),
            depth: 0,
            items: Vec::new(),
        }
    }

    fn event(&mut self, event: &Event<'a>, range: Range<usize>) -> Result<(), ChecklistError> {
        match event {
            Event::TaskListMarker(ticked) => self.task(*ticked, range),
            Event::InlineHtml(_) => self.comment(range)?,
            Event::Start(tag) => self.start(tag, &range)?,
            Event::End(tag) => self.end(*tag, &range)?,
            Event::Rule => self.close_item()?,
            Event::Text(text) | Event::Code(text) => self.words(text, &range),
            Event::SoftBreak | Event::HardBreak => {
                if let Within::Item(open) = &mut self.within {
                    open.first_line = false;
                }
            }
            _ => self.words("", &range),
        }
        Ok(())
    }

    fn task(&mut self, ticked: bool, range: Range<usize>) {
        let marker = self.text.get(range.clone()).unwrap_or_default();
        let Some(bracket) = marker.find('[') else { return };
        let box_range = range.start + bracket..range.start + bracket + 3;
        let end = line_end(self.text, box_range.end);
        let empty = self.text.get(box_range.end..end).is_none_or(|rest| rest.trim_ascii().is_empty());
        if empty {
            return;
        }
        if let Some(container) = self.containers.last_mut() {
            container.1 = true;
        }
        self.within = Within::Item(Open {
            text_end: box_range.end,
            box_range,
            ticked,
            first_line: true,
            title: String::new(),
            fields: Vec::new(),
        });
    }

    fn words(&mut self, words: &str, range: &Range<usize>) {
        if let Within::Item(open) = &mut self.within {
            if open.first_line {
                open.title.push_str(words);
            }
            open.text_end = open.text_end.max(range.end);
        }
    }

    fn comment(&mut self, range: Range<usize>) -> Result<(), ChecklistError> {
        self.words("", &range);
        let comment = self.text.get(range.clone()).unwrap_or_default();
        let place = match self.within {
            Within::Item(_) => Place::Item,
            Within::Heading(..) => Place::Heading,
            Within::Other => Place::Elsewhere,
        };
        let found = annotation::read(comment, range.start, place, &self.lines)?;
        match &mut self.within {
            Within::Item(Open { fields, .. }) | Within::Heading(_, fields) => fields.extend(found),
            Within::Other => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &Tag<'_>, range: &Range<usize>) -> Result<(), ChecklistError> {
        if is_inline(tag.to_end()) {
            self.words("", range);
            return Ok(());
        }
        self.close_item()?;
        match tag {
            Tag::Heading { level, .. } => self.within = Within::Heading(*level, Vec::new()),
            Tag::Item | Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) => {
                self.containers.push((self.in_force.len(), false));
            }
            Tag::HtmlBlock => self.html_block(range.clone())?,
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd, range: &Range<usize>) -> Result<(), ChecklistError> {
        if is_inline(tag) {
            self.words("", range);
            return Ok(());
        }
        self.close_item()?;
        match tag {
            TagEnd::Heading(_) => self.heading()?,
            TagEnd::Item | TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => {
                if let Some((headings, task)) = self.containers.pop() {
                    self.in_force.truncate(headings);
                    self.depth -= usize::from(task);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn heading(&mut self) -> Result<(), ChecklistError> {
        let Within::Heading(level, fields) = std::mem::replace(&mut self.within, Within::Other) else {
            return Ok(());
        };
        let floor = self.containers.last().map_or(0, |container| container.0);
        while self.in_force.len() > floor && self.in_force.last().is_some_and(|(open, _)| *open >= level) {
            self.in_force.pop();
        }
        if let Some((phase, at)) = annotation::phase(&fields, &self.lines)? {
            self.in_force.push((level, self.phases.len()));
            self.phases.push((phase, at));
        }
        Ok(())
    }

    fn html_block(&self, range: Range<usize>) -> Result<(), ChecklistError> {
        let mut at = range.start;
        while let Some(rest) = self.text.get(at..range.end)
            && let Some(start) = rest.find("<!--")
            && let Some(comment) = rest.get(start..)
            && let Some(length) = comment.get(4..).and_then(|inside| inside.find("-->"))
        {
            let comment = comment.get(..length + 7).unwrap_or_default();
            annotation::read(comment, at + start, Place::Elsewhere, &self.lines)?;
            at += start + length + 7;
        }
        Ok(())
    }

    fn close_item(&mut self) -> Result<(), ChecklistError> {
        if !matches!(self.within, Within::Item(_)) {
            return Ok(());
        }
        let Within::Item(open) = std::mem::replace(&mut self.within, Within::Other) else { return Ok(()) };
        let default_id = format!("item-{:03}", self.items.len() + 1);
        let (spec, id_at) = annotation::item(&open.fields, default_id, &self.lines)?;
        let phase = self.in_force.last().and_then(|(_, index)| self.phases.get(*index));
        let item = Item {
            spec: ItemSpec { phase: phase.map(|(phase, _)| phase.id.clone()), ..spec },
            title: plain(&open.title),
            line: self.lines.line(open.box_range.start),
            depth: self.depth,
            ticked: open.ticked,
            text_end: line_end(self.text, open.text_end),
            box_range: open.box_range,
        };
        self.depth += 1;
        self.items.push((item, id_at));
        Ok(())
    }

    fn finish(mut self) -> Result<Checklist, ChecklistError> {
        self.close_item()?;
        let phases = self.phases.iter().map(|(phase, at)| (phase.id.as_str(), *at, Some(*at)));
        distinct(phases, &self.lines)?;
        let items = self.items.iter().map(|(item, at)| (item.spec.id.as_str(), item.box_range.start, *at));
        distinct(items, &self.lines)?;
        Ok(Checklist {
            phases: self.phases.into_iter().map(|(phase, _)| phase).collect(),
            items: self.items.into_iter().map(|(item, _)| item).collect(),
        })
    }
}

/// Each id once. The error stands at the id that the author wrote, and names the line of the other.
fn distinct<'b>(
    ids: impl Iterator<Item = (&'b str, usize, Option<usize>)>,
    lines: &Lines<'_>,
) -> Result<(), ChecklistError> {
    let mut seen: HashMap<&str, (usize, Option<usize>)> = HashMap::new();
    for (id, at, written) in ids {
        if let Some((first, first_written)) = seen.insert(id, (at, written)) {
            let (place, other) = match (written, first_written) {
                (Some(written), _) => (written, first),
                (None, Some(first_written)) => (first_written, at),
                (None, None) => (at, first),
            };
            return Err(ChecklistError::DuplicateId {
                at: lines.position(place),
                id: id.to_owned(),
                first: lines.line(other),
            });
        }
    }
    Ok(())
}

const fn is_inline(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image
    )
}

/// One line without control characters, and without what a line ending would turn into a break.
fn plain(title: &str) -> String {
    let breaks = |c: char| c.is_whitespace() || c.is_control();
    let title = title.trim_end_matches(|c| breaks(c) || c == '\\');
    let words: Vec<&str> = title.split(breaks).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}
