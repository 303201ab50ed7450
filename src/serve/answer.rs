//! What is answered: the page and its parts, the state, the stream. All is GET, but for the token, which stands in no URL.

use std::cell::Cell;
use std::convert::Infallible;
use std::num::ParseIntError;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use hyper::http::response::Builder;
use hyper::{Method, Request, Response};
use tokio::time::{Instant, sleep, timeout};

use super::access::Access;
use super::feed::Feed;
use super::stream::Events;

const PAGE: &str = include_str!("../../templates/live/page.html");
const SCRIPT: &str = include_str!("../../templates/live/page.js");
const STYLE: &str = include_str!("../../templates/live/page.css");
const ICON: &str = include_str!("../../templates/live/icon.svg");

/// A token is short.
const MAX_BODY: usize = 1024;
/// So long may a client take to send it.
const READ: Duration = Duration::from_secs(5);
/// A wrong one is answered after so long.
const WRONG: Duration = Duration::from_secs(1);

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const HEADERS: &[(&str, &str)] = &[
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; \
         base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

pub(super) type Answer = Response<Either<Full<Bytes>, Events>>;

/// What every connection shares.
pub(super) struct Room {
    pub access: Access,
    pub feed: Arc<Feed>,
}

/// Answers one request. `asked` is where its stream notes that it is read.
pub(super) async fn answer(
    room: Rc<Room>,
    asked: Rc<Cell<Instant>>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let headers = request.headers();
    if request.uri().authority().is_some() || !room.access.meant(headers) {
        return Ok(refused(421, "this page is not served under that name (`serve --host NAME` adds one)"));
    }
    let path = request.uri().path();
    let enters = path == "/enter";
    let allowed = if enters { Method::POST } else { Method::GET };
    if known(path).is_none() {
        return Ok(refused(404, "there is no such page"));
    }
    if *request.method() != allowed {
        let body = text("this page is only looked at: nothing here takes that method");
        let allow = if enters { "POST" } else { "GET" };
        return Ok(respond(405, PLAIN, body, |response| response.header(ALLOW, allow)));
    }
    if path != "/" && !Access::own_origin(headers) {
        return Ok(refused(403, "another site's page asked for this"));
    }
    if enters {
        return Ok(enter(&room.access, request.into_body()).await);
    }
    if matches!(path, "/events" | "/state.json") && !room.access.granted(headers) {
        return Ok(refused(401, "this page needs its token"));
    }
    Ok(match path {
        "/events" => {
            let Ok(last) = seen(&request) else {
                return Ok(refused(400, "Last-Event-ID, or after=, is the number of an entry"));
            };
            let events = Events::new(Arc::clone(&room.feed), last, asked);
            respond(200, "text/event-stream", Either::Right(events), |response| response)
        }
        "/state.json" => whole("application/json", room.feed.state()),
        _ => match known(path) {
            Some((kind, body)) => whole(kind, Bytes::from_static(body.as_bytes())),
            None => refused(404, "there is no such page"),
        },
    })
}

/// The newest entry that somebody has: as their browser says it, or by `?after=` where the page begins a stream itself.
fn seen(request: &Request<Incoming>) -> Result<Option<u64>, ParseIntError> {
    let header = request.headers().get("last-event-id").map(|id| id.to_str().unwrap_or("-"));
    let after = || request.uri().query().and_then(|query| query.strip_prefix("after="));
    header.or_else(after).map(str::parse).transpose()
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// The type and text of what is always the same; nothing of the record is in it.
fn known(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "/" => ("text/html; charset=utf-8", PAGE),
        "/page.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "/page.css" => ("text/css; charset=utf-8", STYLE),
        "/icon.svg" => ("image/svg+xml", ICON),
        "/events" | "/state.json" | "/enter" => (PLAIN, ""),
        _ => return None,
    })
}

/// Takes the token and gives the cookie.
async fn enter(access: &Access, body: Incoming) -> Answer {
    let Ok(Ok(body)) = timeout(READ, Limited::new(body, MAX_BODY).collect()).await else {
        return refused(400, "a token is one short line");
    };
    let body = body.to_bytes();
    let given = std::str::from_utf8(&body).unwrap_or_default().trim();
    if let Some(cookie) = access.exchange(given) {
        return respond(204, PLAIN, text(""), |response| response.header(SET_COOKIE, cookie));
    }
    sleep(WRONG).await;
    refused(401, "that is not the token of this page")
}

fn text(body: &'static str) -> Either<Full<Bytes>, Events> {
    Either::Left(Full::new(Bytes::from_static(body.as_bytes())))
}

fn whole(kind: &'static str, body: Bytes) -> Answer {
    respond(200, kind, Either::Left(Full::new(body)), |response| response)
}

fn refused(status: u16, why: &'static str) -> Answer {
    respond(status, PLAIN, text(why), |response| response)
}

fn respond(
    status: u16,
    kind: &'static str,
    body: Either<Full<Bytes>, Events>,
    more: impl FnOnce(Builder) -> Builder,
) -> Answer {
    let mut response = more(Response::builder().status(status).header(CONTENT_TYPE, kind));
    for (name, value) in HEADERS {
        response = response.header(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.body(body).unwrap_or_else(|_| Response::new(text("")))
}
