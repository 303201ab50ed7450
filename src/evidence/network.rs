//! Whether a request failed on this machine already: then nothing is known of whom it was for.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A name that every working name server answers at once: there is none such (RFC 6761 section 6.4).
const NOBODY: (&str, u16) = ("aether-audit.invalid", 80);
const PATIENCE: Duration = Duration::from_secs(3);

/// What keeps this machine from reaching anybody, where that is why the request failed.
pub(super) fn stuck(error: &ureq::Error, url: &str) -> Option<&'static str> {
    const NO_ROUTE: &str = "this machine has no route to any network";
    const NO_NAMES: &str = "this machine cannot look up any name";
    match error {
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown | ErrorKind::AddrNotAvailable => {
                Some("this machine has no route to that network")
            }
            ErrorKind::HostUnreachable if routeless() => Some(NO_ROUTE),
            _ if unknown_name(error) && routeless() => Some(NO_ROUTE),
            _ if unknown_name(error) && nameless() => Some(NO_NAMES),
            _ => None,
        },
        ureq::Error::HostNotFound if routeless() => Some(NO_ROUTE),
        ureq::Error::HostNotFound if nameless() => Some(NO_NAMES),
        ureq::Error::Timeout(_) if named(url) && nameless() => Some(NO_NAMES),
        _ => None,
    }
}

/// Whether it says that a name could not be turned into an address.
pub(super) fn unknown_name(error: &io::Error) -> bool {
    error.to_string().starts_with("failed to lookup address")
}

/// Whether there is no way out, by IPv4 or IPv6. Nothing is sent: the addresses are those of documentation.
fn routeless() -> bool {
    let reaches =
        |own: &str, other: &str| UdpSocket::bind(own).is_ok_and(|socket| socket.connect(other).is_ok());
    !reaches("0.0.0.0:0", "192.0.2.1:9") && !reaches("[::]:0", "[2001:db8::1]:9")
}

/// Whether even the name that nobody has is not answered.
fn nameless() -> bool {
    let (told, heard) = mpsc::channel();
    thread::spawn(move || told.send(NOBODY.to_socket_addrs().map(|_| ()).map_err(|error| error.to_string())));
    match heard.recv_timeout(PATIENCE) {
        Ok(Ok(())) => false,
        // As the C libraries of Linux say that no server answered.
        Ok(Err(said)) => said.contains("Temporary failure") || said.contains("Try again"),
        Err(_) => true,
    }
}

/// Whether the URL's host is a name that is looked up.
fn named(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host =
        host.strip_prefix('[').and_then(|host| host.split(']').next()).or_else(|| host.split(':').next());
    host.is_some_and(|host| host.parse::<IpAddr>().is_err() && host != "localhost")
}
