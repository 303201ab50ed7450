//! The body of a stream of server-sent events: what has come since, then whatever comes, with a sign of life between.

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::feed::{Feed, Place};

/// A sign of life goes out where nothing else did for so long, so that both sides notice when the other is gone.
const BEAT: Duration = Duration::from_secs(5);
/// So long does a stream live; whoever is still there comes back by themselves, to where they were.
const LIFE: Duration = Duration::from_mins(30);

type Waiting = Pin<Box<dyn Future<Output = (Wake, watch::Receiver<()>)>>>;

enum Wake {
    Changed,
    Beat,
    Gone,
}

/// Server-sent events (WHATWG HTML, 9.2) from a feed.
pub(super) struct Events {
    feed: Arc<Feed>,
    place: Place,
    ready: VecDeque<Bytes>,
    waiting: Waiting,
    ends: Instant,
    /// When it was last asked for more: a client that reads nothing makes it stand still.
    asked: Rc<Cell<Instant>>,
}

impl Events {
    pub fn new(feed: Arc<Feed>, last: Option<u64>, asked: Rc<Cell<Instant>>) -> Self {
        let changes = feed.changes();
        let place = feed.place(last);
        let ready = VecDeque::from([Bytes::from_static(b"retry: 1000\n\n")]);
        let now = Instant::now();
        asked.set(now);
        // What is there already is looked for first.
        let waiting = Box::pin(async { (Wake::Changed, changes) });
        Self { feed, place, ready, waiting, ends: now + LIFE, asked }
    }
}

fn wait(mut changes: watch::Receiver<()>) -> Waiting {
    Box::pin(async move {
        let wake = match timeout(BEAT, changes.changed()).await {
            Ok(Ok(())) => Wake::Changed,
            Ok(Err(_)) => Wake::Gone,
            Err(_) => Wake::Beat,
        };
        (wake, changes)
    })
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let now = Instant::now();
        this.asked.set(now);
        loop {
            if let Some(bytes) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if now >= this.ends {
                return Poll::Ready(None);
            }
            let Poll::Ready((wake, changes)) = this.waiting.as_mut().poll(context) else {
                return Poll::Pending;
            };
            match wake {
                Wake::Gone => return Poll::Ready(None),
                Wake::Beat => this.ready.push_back(this.feed.beat()),
                Wake::Changed => match this.feed.since(&mut this.place) {
                    Some(new) => this.ready.extend(new),
                    None => return Poll::Ready(None),
                },
            }
            this.waiting = wait(changes);
        }
    }
}
