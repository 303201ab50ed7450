//! A witness's HTTP server: many clients at once, each bounded in time and size, and one witness behind them all.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use super::cosigner::{Answer, Witness};

const MAX_HEAD: usize = 16 * 1024;
const MAX_BODY: usize = 64 * 1024;
/// So long may a client take for a request's head, and as long for its body.
const READ: Duration = Duration::from_secs(5);
/// So long does a connection live, with all of its requests and answers.
const CONNECTION: Duration = Duration::from_mins(1);
const CONNECTIONS: usize = 512;
/// Waits before it accepts again, where the system has no more file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// Why a witness ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// As it was given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The runtime or the signals.
    #[error("cannot wait for clients: {0}")]
    Runtime(io::Error),
    /// What is cosigned must be durable before.
    #[error(
        "a checkpoint could not be written down, so that it was not cosigned, and nothing after it: {0}; see to the disk, \
         then start the witness again"
    )]
    Keep(io::Error),
}

type Clock = dyn Fn() -> u64;

/// What every connection shares. All runs on one thread.
struct Desk {
    witness: RefCell<Witness>,
    now: Box<Clock>,
    failed: RefCell<Option<io::Error>>,
    stop: Notify,
}

/// Answers requests on `address` until SIGTERM or SIGINT; what has begun is finished first. `now` is in seconds
/// since 1970. `listening` is told the address with its port.
///
/// # Errors
/// [`ServeError`].
pub fn serve(
    witness: Witness,
    address: &str,
    now: Box<Clock>,
    listening: &mut dyn FnMut(&str),
) -> Result<(), ServeError> {
    let listen = |source| ServeError::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?.to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ServeError::Runtime)?;
    let desk = Rc::new(Desk {
        witness: RefCell::new(witness),
        now,
        failed: RefCell::default(),
        stop: Notify::new(),
    });
    let served = LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        listening(&bound);
        let graceful = Rc::new(GracefulShutdown::new());
        let accepting = spawn_local(accept(listener, Rc::clone(&desk), Rc::clone(&graceful)));
        told(&desk.stop, &mut signals).await;
        accepting.abort();
        let _ = accepting.await;
        if let Some(graceful) = Rc::into_inner(graceful) {
            let _ = timeout(2 * READ, graceful.shutdown()).await;
        }
        Ok(())
    });
    served.map_err(ServeError::Runtime)?;
    match desk.failed.take() {
        Some(error) => Err(ServeError::Keep(error)),
        None => Ok(()),
    }
}

/// Waits for a signal, or until the witness has to stop.
async fn told(stop: &Notify, signals: &mut [Signal]) {
    let mut stop = std::pin::pin!(stop.notified());
    poll_fn(|context| {
        let signalled = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if signalled || stop.as_mut().poll(context).is_ready() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn accept(listener: tokio::net::TcpListener, desk: Rc<Desk>, graceful: Rc<GracefulShutdown>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(READ).max_buf_size(MAX_HEAD).half_close(true);
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        let desk = Rc::clone(&desk);
        let service = service_fn(move |request| answer(Rc::clone(&desk), request));
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        spawn_local(async move {
            // Whoever asked may be gone, or have spoken no HTTP: hyper has answered what can be answered.
            let _ = timeout(CONNECTION, connection).await;
            drop(place);
        });
    }
}

async fn answer(desk: Rc<Desk>, request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let (status, kind, body) = match (request.uri().path(), request.method()) {
        ("/add-checkpoint", &Method::POST) => match read(request.into_body()).await {
            Ok(body) => add(&desk, &body),
            Err(status) => plain(status),
        },
        ("/add-checkpoint", _) => plain(405),
        _ => plain(404),
    };
    let mut response = Response::builder().status(status).header(CONTENT_TYPE, kind);
    if status == 405 {
        response = response.header(ALLOW, "POST");
    }
    Ok(response.body(body).unwrap_or_default())
}

const fn plain(status: u16) -> (u16, &'static str, String) {
    (status, "text/plain; charset=utf-8", String::new())
}

/// The body, or the status of what is wrong with it.
async fn read(body: Incoming) -> Result<Bytes, u16> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(413);
    }
    match timeout(READ, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(413),
        Ok(Err(_)) => Err(400),
        Err(_) => Err(408),
    }
}

/// Nothing is awaited here, so that requests are taken one after the other.
fn add(desk: &Desk, body: &[u8]) -> (u16, &'static str, String) {
    if desk.failed.borrow().is_some() {
        return plain(500);
    }
    let Ok(body) = std::str::from_utf8(body) else { return plain(400) };
    match desk.witness.borrow_mut().add(body, (desk.now)()) {
        Answer::Cosigned(line) => (200, "text/plain; charset=utf-8", format!("{line}\n")),
        Answer::Conflict(size) => (409, "text/x.tlog.size", format!("{size}\n")),
        Answer::Refused(status) => plain(status),
        Answer::Failed(error) => {
            desk.failed.replace(Some(error));
            desk.stop.notify_one();
            plain(500)
        }
    }
}
