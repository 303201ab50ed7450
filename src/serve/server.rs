//! The server: many who look, each bounded in time and size, all of them on one thread.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, timeout};

use super::access::Access;
use super::answer::{Room, answer};
use super::feed::Feed;

const MAX_HEAD: usize = 16 * 1024;
/// So long may a client take for a request's head.
const READ: Duration = Duration::from_secs(5);
/// So long does a connection live on which nothing is asked and nothing read.
const IDLE: Duration = Duration::from_mins(1);
const CONNECTIONS: usize = 512;
/// Waits before it accepts again, where the system has no more file descriptors.
const BREATH: Duration = Duration::from_millis(50);
/// What has begun is given so long to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the page is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; give another with --bind, port 0 takes a free one")]
    Listen {
        /// As it was given.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The runtime or the signals.
    #[error("cannot wait for clients: {0}")]
    Runtime(io::Error),
}

/// Takes the address; port 0 takes a free one. Gives where it listens.
///
/// # Errors
/// [`ServeError::Listen`].
pub fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let listen = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    Ok((listener, bound))
}

/// Answers requests until SIGTERM, SIGINT or [`Feed::close`]; then every stream ends.
///
/// # Errors
/// [`ServeError::Runtime`].
pub fn serve(listener: TcpListener, access: Access, feed: Arc<Feed>) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(ServeError::Runtime)?;
    let room = Rc::new(Room { access, feed });
    let served = LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        let graceful = Rc::new(GracefulShutdown::new());
        let accepting = spawn_local(accept(listener, Rc::clone(&room), Rc::clone(&graceful)));
        told(&mut signals, &room.feed).await;
        accepting.abort();
        let _ = accepting.await;
        room.feed.close();
        if let Some(graceful) = Rc::into_inner(graceful) {
            let _ = timeout(FAREWELL, graceful.shutdown()).await;
        }
        Ok(())
    });
    served.map_err(ServeError::Runtime)
}

/// Waits for a signal, or until nobody publishes any more.
async fn told(signals: &mut [Signal], feed: &Feed) {
    let mut changes = feed.changes();
    while !feed.closed() {
        let mut changed = std::pin::pin!(changes.changed());
        let signalled = poll_fn(|context| {
            if signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
                return Poll::Ready(true);
            }
            changed.as_mut().poll(context).map(|_| false)
        });
        if signalled.await {
            return;
        }
    }
}

async fn accept(listener: tokio::net::TcpListener, room: Rc<Room>, graceful: Rc<GracefulShutdown>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(READ).max_buf_size(MAX_HEAD);
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let room = Rc::clone(&room);
        let asked = Rc::new(Cell::new(Instant::now()));
        let noted = Rc::clone(&asked);
        let service = service_fn(move |request| {
            noted.set(Instant::now());
            answer(Rc::clone(&room), Rc::clone(&noted), request)
        });
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        spawn_local(async move {
            let mut connection = std::pin::pin!(connection);
            // Whoever asked may be gone, or have spoken no HTTP: hyper has answered what can be answered.
            while timeout(IDLE / 4, connection.as_mut()).await.is_err() && asked.get().elapsed() < IDLE {}
            drop(place);
        });
    }
}
