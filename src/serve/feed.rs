//! What is shown, kept once for all who look: the newest entries as lines, and where things stand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::body::Bytes;
use tokio::sync::watch;

/// So many of the newest entries are kept, for whoever comes back after a while.
const KEPT: usize = 4096;
/// So many of them does somebody get who comes for the first time.
const FIRST: u64 = 200;

/// One entry of the log.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its place.
    pub seq: u64,
    /// What is shown of it: JSON on one line.
    pub data: String,
}

/// The newest entries and the state. Whoever publishes and whoever looks may be on different threads.
pub struct Feed {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
}

struct Inner {
    /// Raised when the history before is another one.
    epoch: u64,
    /// With their numbers, as they go over the wire; gap-free.
    lines: VecDeque<(u64, Bytes)>,
    state: Bytes,
    /// Raised with each state.
    version: u64,
    /// When it was last said how things stand, changed or not.
    told: Instant,
    closed: bool,
}

/// How far somebody has got.
#[derive(Debug)]
pub(super) struct Place {
    epoch: u64,
    next: u64,
    version: u64,
    /// They ask for what is not there: they have seen another history.
    lost: bool,
}

impl Feed {
    /// A feed that begins with these lines, gap-free and oldest first, and this state (JSON on one line).
    #[must_use]
    pub fn new(lines: &[Line], state: &str) -> Arc<Self> {
        let inner = Inner {
            epoch: 0,
            lines: VecDeque::new(),
            state: Bytes::copy_from_slice(state.as_bytes()),
            version: 1,
            told: Instant::now(),
            closed: false,
        };
        let feed = Self { inner: Mutex::new(inner), changed: watch::Sender::new(()) };
        feed.lock().take(lines);
        Arc::new(feed)
    }

    /// Adds lines that follow the ones before, and the state after them, where that has changed. Called often also where
    /// nothing has, so that those who look know that somebody still looks for them.
    pub fn publish(&self, lines: &[Line], state: &str) {
        self.change(|inner| {
            let before = inner.version;
            inner.take(lines);
            inner.put(state);
            !lines.is_empty() || inner.version != before
        });
    }

    /// From here on it is another history: everybody begins anew.
    pub fn restart(&self, lines: &[Line], state: &str) {
        self.change(|inner| {
            inner.epoch += 1;
            inner.lines.clear();
            inner.take(lines);
            inner.put(state);
            true
        });
    }

    /// Ends every stream, and the server: there is nobody who publishes any more.
    pub fn close(&self) {
        self.change(|inner| {
            inner.closed = true;
            true
        });
    }

    pub(super) fn state(&self) -> Bytes {
        self.lock().state.clone()
    }

    pub(super) fn closed(&self) -> bool {
        self.lock().closed
    }

    /// A sign of life: for how many seconds nobody has said how things stand.
    pub(super) fn beat(&self) -> Bytes {
        let age = self.lock().told.elapsed().as_secs();
        event("beat", format!("{{\"age\":{age}}}").as_bytes())
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Where somebody begins who has seen everything up to and with `last`, or nothing.
    pub(super) fn place(&self, last: Option<u64>) -> Place {
        let inner = self.lock();
        let end = inner.end();
        let lost = last.is_some_and(|last| last >= end);
        let next = match last {
            Some(last) if !lost => last + 1,
            _ => inner.begin().max(end.saturating_sub(FIRST)),
        };
        Place { epoch: inner.epoch, next, version: 0, lost }
    }

    /// What has come since, as it goes over the wire; `None` once the feed is closed.
    pub(super) fn since(&self, place: &mut Place) -> Option<Vec<Bytes>> {
        let inner = self.lock();
        if inner.closed {
            return None;
        }
        let mut found = Vec::new();
        if place.epoch != inner.epoch || place.lost {
            let next = inner.begin().max(inner.end().saturating_sub(FIRST));
            *place = Place { epoch: inner.epoch, next, version: 0, lost: false };
            found.push(Bytes::from_static(b"event: reset\nid:\ndata: {}\n\n"));
        }
        if place.next < inner.begin() {
            let gap =
                format!("event: gap\ndata: {{\"from\":{},\"to\":{}}}\n\n", place.next, inner.begin() - 1);
            found.push(gap.into());
            place.next = inner.begin();
        }
        let skip = usize::try_from(place.next - inner.begin()).unwrap_or(usize::MAX);
        found.extend(inner.lines.iter().skip(skip).map(|(_, line)| line.clone()));
        place.next = place.next.max(inner.end());
        if place.version != inner.version {
            place.version = inner.version;
            found.push(event("state", &inner.state));
        }
        Some(found)
    }

    fn change(&self, change: impl FnOnce(&mut Inner) -> bool) {
        if change(&mut self.lock()) {
            self.changed.send_replace(());
        }
    }

    /// A thread that panicked has left lines and state whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn take(&mut self, lines: &[Line]) {
        for line in lines {
            let text = format!("event: entry\nid: {}\ndata: {}\n\n", line.seq, line.data);
            self.lines.push_back((line.seq, text.into()));
        }
        let over = self.lines.len().saturating_sub(KEPT);
        self.lines.drain(..over);
    }

    fn put(&mut self, state: &str) {
        self.told = Instant::now();
        if self.state != state.as_bytes() {
            self.state = Bytes::copy_from_slice(state.as_bytes());
            self.version += 1;
        }
    }

    /// The oldest entry that is kept.
    fn begin(&self) -> u64 {
        self.lines.front().map_or(0, |(seq, _)| *seq)
    }

    /// The entry after the newest one.
    fn end(&self) -> u64 {
        self.lines.back().map_or(0, |(seq, _)| seq + 1)
    }
}

fn event(name: &str, data: &[u8]) -> Bytes {
    [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(seqs: std::ops::Range<u64>) -> Vec<Line> {
        seqs.map(|seq| Line { seq, data: format!("{{\"seq\":{seq}}}") }).collect()
    }

    fn texts(feed: &Feed, place: &mut Place) -> Vec<String> {
        let all = feed.since(place).unwrap();
        all.iter()
            .map(|text| String::from_utf8_lossy(text).lines().take(2).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn everybody_gets_each_line_once_from_where_they_were() {
        let feed = Feed::new(&lines(0..3), "{\"a\":1}");
        let mut new = feed.place(None);
        let mut back = feed.place(Some(1));
        let state = "event: state data: {\"a\":1}";
        let entry = |seq: u64| format!("event: entry id: {seq}");
        assert_eq!(texts(&feed, &mut new), [&entry(0), &entry(1), &entry(2), state]);
        assert_eq!(texts(&feed, &mut back), [&entry(2), state]);
        assert!(texts(&feed, &mut new).is_empty());
        feed.publish(&lines(3..4), "{\"a\":1}");
        assert_eq!(texts(&feed, &mut new), [entry(3)]);
        feed.publish(&[], "{\"a\":2}");
        assert_eq!(texts(&feed, &mut back), [&entry(3), "event: state data: {\"a\":2}"]);
        feed.close();
        assert!(feed.since(&mut new).is_none());
    }

    #[test]
    fn what_is_left_out_and_what_is_another_history_is_said() {
        let feed = Feed::new(&lines(0..5000), "{}");
        let mut old = feed.place(Some(9));
        let got = texts(&feed, &mut old);
        assert_eq!(got[0], "event: gap data: {\"from\":10,\"to\":903}");
        assert_eq!((got[1].as_str(), got.len()), ("event: entry id: 904", 1 + 4096 + 1));
        let mut newcomer = feed.place(None);
        assert_eq!(texts(&feed, &mut newcomer)[0], "event: entry id: 4800");
        let mut ahead = feed.place(Some(5000));
        assert_eq!(texts(&feed, &mut ahead)[..2], ["event: reset id:", "event: entry id: 4800"]);
        feed.restart(&lines(0..2), "{}");
        assert_eq!(
            texts(&feed, &mut old)[..3],
            ["event: reset id:", "event: entry id: 0", "event: entry id: 1"]
        );
    }
}
