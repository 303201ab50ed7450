//! The HTTP source against servers that behave, and that do not.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use aether_audit::core::check::Phase;
use aether_audit::evidence::{Collected, MAX_RESPONSE};

use crate::server::Server;
use crate::{detail, measure};

fn get(url: &str, more: &str) -> Collected {
    measure(
        &format!("[[check]]\nid = \"h\"\nsource = \"http\"\nurl = \"{url}\"\non-fail = \"trigger\"\n{more}"),
        Path::new("."),
    )
}

fn is(collected: &Collected, phase: Phase, part: &str) {
    assert_eq!(collected.reading.phase, Some(phase), "{}", detail(collected));
    assert!(detail(collected).contains(part), "{}", detail(collected));
    assert!(collected.failure.is_none());
}

#[test]
fn status_and_body() {
    let server = Server::saying(
        "200 OK",
        "content-type: application/json; charset=utf-8\r\n",
        b"{\"status\": \"ok\"}",
    );
    let good = get(&server.url(), "body-pattern = '\"status\": *\"ok\"'");
    is(&good, Phase::Pass, "status 200, 16 bytes");
    assert_eq!(good.reading.points.len(), 1);
    assert_eq!(
        (good.reading.unit.as_deref(), good.reading.statistic.as_deref()),
        (Some("ms"), Some("latency"))
    );
    let response = good.response.unwrap();
    assert_eq!(
        (response.bytes.as_slice(), response.media_type.as_str()),
        (&b"{\"status\": \"ok\"}"[..], "application/json")
    );
    is(&get(&server.url(), "body-pattern = 'degraded'"), Phase::Trigger, "pattern not found");
    is(&get(&server.url(), "status = \"204\""), Phase::Trigger, "status 200");
    let broken = get(&Server::saying("503 Busy", "", b"debug: hunter2").url(), "");
    is(&broken, Phase::Trigger, "status 503, 14 bytes");
    assert!(broken.response.is_none(), "what it says when it fails is not kept");
    is(
        &get(&Server::saying("503 Busy", "", b"").url(), "status = \"200,500-503\""),
        Phase::Pass,
        "status 503",
    );
}

#[test]
fn redirects_are_answers() {
    let target = Server::saying("200 OK", "", b"");
    let server = Server::saying("302 Found", &format!("location: {}/\r\n", target.url()), b"");
    is(&get(&server.url(), ""), Phase::Trigger, "status 302");
    is(&get(&server.url(), "status = \"200-399\""), Phase::Pass, "status 302");
    assert_eq!(target.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn latency_is_judged() {
    let server = Server::start(|stream, _| {
        std::thread::sleep(Duration::from_millis(120));
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
    is(&get(&server.url(), "objective = \"< 100\""), Phase::Warn, "breaches the objective < 100");
    is(&get(&server.url(), "objective = \"< 50\"\nrollback = \"> 110\""), Phase::Trigger, "rollback limit");
    let fine = get(&server.url(), "objective = \"< 60000\"");
    is(&fine, Phase::Pass, "meets the objective");
    assert!(fine.reading.value.unwrap().to_f64() >= 120.0);
}

#[test]
fn silence_is_a_no() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let slow = Server::start(move |stream, _| {
        // Headers, and then never the body.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
        let _ = held.recv_timeout(Duration::from_secs(20));
    });
    is(&get(&slow.url(), "timeout-seconds = 1"), Phase::Trigger, "no answer within 1 s");
    drop(release);
    let cut = Server::start(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    });
    let collected = get(&cut.url(), "");
    is(&collected, Phase::Trigger, "cut");
    assert!(collected.reading.points.is_empty());
    is(&get(&Server::start(|_, _| ()).url(), ""), Phase::Trigger, "not as expected");
    let other = Server::start(|stream, _| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
    });
    is(&get(&other.url(), ""), Phase::Trigger, "not HTTP");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    is(&get(&format!("http://{port}"), ""), Phase::Trigger, "connection refused");
    let plain = Server::start(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    });
    is(&get(&format!("https://{}", plain.address), "timeout-seconds = 2"), Phase::Trigger, "");
}

/// What never left this machine says nothing about whom it was for: no rollback is triggered by it.
#[test]
fn a_machine_without_a_way_out_has_measured_nothing() {
    // The kernel gives no TCP a route to many at once: as it answers for any address where there is no network.
    let collected = get("http://224.0.0.1:9", "timeout-seconds = 2");
    assert_eq!(collected.reading.phase, Some(Phase::Error), "{}", detail(&collected));
    let failure = collected.failure.as_ref().unwrap().to_string();
    assert!(
        failure.contains("no route to that network") && failure.contains("http://224.0.0.1:9"),
        "{failure}"
    );
    assert!(failure.contains("nothing was learnt"), "{failure}");
}

#[test]
fn huge_answers_are_cut() {
    let server = Server::start(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nneedle");
        let chunk = [b'x'; 8192];
        while stream.write_all(&chunk).is_ok() {}
    });
    let collected = get(&server.url(), "body-pattern = 'needle'");
    is(&collected, Phase::Pass, "and more that were not read");
    assert_eq!(collected.response.unwrap().bytes.len(), MAX_RESPONSE);
    let header = format!("x: {}\r\n", "y".repeat(1 << 20));
    is(&get(&Server::saying("200 OK", &header, b"").url(), ""), Phase::Trigger, "not as expected");
}

#[test]
fn credentials_in_the_url_stay_out_of_the_record() {
    let server = Server::saying("200 OK", "", b"");
    let url = format!("http://user:hunter2@{}/health?token=hunter2#hunter2", server.address);
    let closed = url.replace(&server.address.to_string(), "127.0.0.1:1");
    for url in [url, closed] {
        let collected = get(&url, "");
        let text = format!("{:?}", collected.reading);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("token=REDACTED"), "{text}");
    }
}

const SERVE: &str = "
import http.server, ssl, sys
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('server.pem', 'server.key')
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
";

/// An HTTPS server whose certificate an internal CA signed; it stops with this.
struct Https {
    folder: tempfile::TempDir,
    child: std::process::Child,
    port: u16,
}

impl Https {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = "set -e
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 \\
                -subj '/CN=internal' -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj '/CN=localhost'
            echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' > names
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem";
        let sh =
            std::process::Command::new("sh").args(["-c", make]).current_dir(folder.path()).output().unwrap();
        assert!(sh.status.success(), "{}", String::from_utf8_lossy(&sh.stderr));
        let mut child = std::process::Command::new("python3")
            .args(["-c", SERVE])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line)
            .unwrap();
        Self { folder, child, port: line.trim().parse().unwrap() }
    }

    /// Collects from it with this `[http]`.
    fn get(&self, http: &str) -> Collected {
        let url = format!("https://localhost:{}/", self.port);
        let config = format!(
            "{http}\n[[check]]\nid = \"h\"\nsource = \"http\"\nurl = \"{url}\"\non-fail = \"trigger\"\n"
        );
        measure(&config, self.folder.path())
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_internal_ca_is_trusted_where_it_is_named() {
    let server = Https::start();
    is(
        &server.get(""),
        Phase::Trigger,
        "no public CA vouches for the server's certificate; name your own under [http]",
    );
    is(&server.get("[http]\nca-file = \"ca.pem\""), Phase::Pass, "status 200");
    let other = Https::start();
    is(
        &server.get(&format!("[http]\nca-file = \"{}\"", other.folder.path().join("ca.pem").display())),
        Phase::Trigger,
        "neither a public CA nor ",
    );
}

#[test]
fn a_ca_file_that_is_none_is_named() {
    let server = Https::start();
    std::fs::write(server.folder.path().join("empty.pem"), "").unwrap();
    std::fs::write(server.folder.path().join("cut.pem"), "-----BEGIN CERTIFICATE-----\nMIIB\n").unwrap();
    for (file, says) in [
        ("none.pem", "none.pem, the ca-file under [http] in aether.toml: cannot be read"),
        ("empty.pem", "empty.pem, the ca-file under [http] in aether.toml: holds no certificate"),
        ("cut.pem", "cut.pem, the ca-file under [http] in aether.toml: "),
        ("server.key", "server.key, the ca-file under [http] in aether.toml: holds no certificate"),
    ] {
        let collected = server.get(&format!("[http]\nca-file = \"{file}\""));
        assert_eq!(collected.reading.phase, Some(Phase::Error), "{}", detail(&collected));
        assert!(detail(&collected).contains(says), "{}", detail(&collected));
    }
}

/// The days that a certificate is good for, as `openssl` made it; and why there is none.
#[test]
fn certificates_are_verified_and_their_days_counted() {
    let server = Https::start();
    let check = |host: &str, port: u16, http: &str, more: &str| {
        let config = format!(
            "{http}\n[[check]]\nid = \"c\"\nsource = \"certificate\"\non-fail = \"trigger\"\n{more}\n\
             [check.certificate]\nhost = \"{host}\"\nport = {port}\ntimeout-seconds = 5\n"
        );
        measure(&config, server.folder.path())
    };
    let own = "[http]\nca-file = \"ca.pem\"";
    // Made for two days, a second ago or less.
    let good = check("localhost", server.port, own, "objective = \">= 1\"\nrollback = \"< 1\"");
    is(&good, Phase::Pass, "the certificate ends in ");
    let days = good.reading.value.as_ref().map(ToString::to_string);
    assert!(matches!(days.as_deref(), Some("1" | "2")), "{days:?}");
    assert_eq!(good.reading.unit.as_deref(), Some("days"));
    is(&check("localhost", server.port, own, "objective = \"> 30\""), Phase::Warn, "breaches the objective");
    is(&check("localhost", server.port, "", ""), Phase::Trigger, "no public CA vouches");
    is(&check("127.0.0.1", server.port, own, ""), Phase::Pass, "ends in");
    is(&check("localhost.", 1, own, ""), Phase::Trigger, "");
    is(&check("localhost", 1, own, ""), Phase::Trigger, "connection refused");
    let plain = Server::saying("200 OK", "", b"");
    is(&check("127.0.0.1", plain.address.port(), own, ""), Phase::Trigger, "");
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = mute.local_addr().unwrap().port();
    is(&check("127.0.0.1", port, own, ""), Phase::Trigger, "no answer within 5 s");
}
