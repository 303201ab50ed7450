//! A page that is served, and clients of it that speak HTTP/1.1 and server-sent events by hand.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Nothing here takes so long, unless it hangs.
const HANGS: Duration = Duration::from_mins(2);

/// `serve`, killed when it goes.
pub struct Page {
    pub child: Child,
    /// As it was printed, without what stands after `#`.
    pub address: String,
    pub token: Option<String>,
}

/// The program in an environment that says nothing.
pub fn command(ledger: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aether-audit"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AETHER_AUDIT_") {
            command.env_remove(name);
        }
    }
    command.arg("--ledger").arg(ledger).args(args).current_dir(ledger.parent().unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Page {
    pub fn of(ledger: &Path, args: &[&str]) -> Self {
        Self::start(&mut command(ledger, &[&["serve"], args].concat()))
    }

    pub fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(rest) = line.trim().strip_prefix("http://") else {
            let mut why = String::new();
            child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("{line}{why}");
        };
        let (address, token) = rest.split_once('/').unwrap();
        let token = token.strip_prefix("#token=").map(str::to_owned);
        Self { child, address: address.replace("0.0.0.0", "127.0.0.1"), token }
    }

    pub fn connect(&self, bytes: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(HANGS)).unwrap();
        // What it does not want to hear, it need not take.
        let _ = stream.write_all(bytes.as_ref());
        stream
    }

    /// Sends a request (method, path, more header lines, body); gives the status and all of the answer.
    pub fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> (u16, String) {
        let host = if more.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.address) };
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let text = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{length}{more}\r\n{body}");
        let answer = rest(self.connect(text));
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("{method} {path:?}: {answer:?}")), answer)
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "", "")
    }

    pub fn state(&self) -> Value {
        let (status, answer) = self.get("/state.json");
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Waits until the state is as it should be.
    #[track_caller]
    pub fn until(&self, what: &str, good: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1200 {
            let state = self.state();
            if good(&state) {
                return state;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("never {what}: {}", self.state());
    }

    /// A stream of events from the beginning, or after an entry.
    pub fn events(&self, last: Option<u64>) -> Events {
        self.events_with(&last.map_or_else(String::new, |last| format!("Last-Event-ID: {last}\r\n")))
    }

    pub fn events_with(&self, more: &str) -> Events {
        self.events_at("/events", more)
    }

    pub fn events_at(&self, path: &str, more: &str) -> Events {
        let text = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", self.address);
        Events::of(self.connect(text))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes until it is closed; a reset is an end too.
pub fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let waits = |error: &std::io::Error| matches!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert!(!ended.is_err_and(|error| waits(&error)), "the server never let go");
    String::from_utf8_lossy(&answer).into_owned()
}

/// One server-sent event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: Value,
}

impl Event {
    pub fn seq(&self) -> u64 {
        assert_eq!(self.id.as_deref(), Some(self.data["seq"].to_string().as_str()));
        self.data["seq"].as_u64().unwrap()
    }
}

/// Server-sent events out of a chunked answer.
pub struct Events {
    reader: BufReader<TcpStream>,
    text: String,
    /// Signs of life.
    pub beats: Vec<String>,
    /// Whether it ended as an answer does, and was not cut off.
    pub whole: bool,
}

impl Events {
    fn of(stream: TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("text/event-stream"), "{head}");
        Self { reader, text: String::new(), beats: Vec::new(), whole: false }
    }

    /// The next event of what has come already.
    pub fn buffered(&mut self) -> Option<Event> {
        while let Some((block, rest)) = self.text.split_once("\n\n") {
            let (block, rest) = (block.to_owned(), rest.to_owned());
            self.text = rest;
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
            };
            let (Some(name), Some(data)) = (field("event"), field("data")) else { continue };
            if name == "beat" {
                self.beats.push(data.to_owned());
                assert!(self.beats.len() < 30, "nothing but signs of life");
                continue;
            }
            let data = serde_json::from_str(data).unwrap();
            return Some(Event { name: name.into(), id: field("id").map(str::to_owned), data });
        }
        None
    }

    /// One chunk more; `false` at the end.
    pub fn more(&mut self) -> bool {
        let mut line = String::new();
        if self.reader.read_line(&mut line).unwrap() == 0 {
            return false;
        }
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.reader.read_exact(&mut chunk).unwrap();
        assert!(chunk.ends_with(b"\r\n"));
        self.text.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        self.whole = size == 0;
        size > 0
    }

    /// The entries, up to and with one.
    pub fn entries_to(&mut self, last: u64) -> Vec<u64> {
        let mut seqs = Vec::new();
        while seqs.last() != Some(&last) {
            let event = self.next().expect("the stream goes on");
            assert!(!matches!(event.name.as_str(), "gap" | "reset"), "{event:?}");
            if event.name == "entry" {
                seqs.push(event.seq());
            }
        }
        seqs
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.buffered() {
                return Some(event);
            }
            if !self.more() {
                return None;
            }
        }
    }
}
