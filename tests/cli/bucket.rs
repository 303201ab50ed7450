//! Buckets: a server by other hands that speaks S3 with Object Lock, and one that says what a test tells it to.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::folder::{Folder, Ran};
use crate::stand_in::StandIn;

pub const SECRET: &str = "wJalrXUtnFEMI-hunter2";

/// The program in a folder, with credentials and this endpoint.
pub fn aws(folder: &Folder, endpoint: &str, args: &[&str]) -> Ran {
    let mut command = folder.command(args);
    command
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", format!("token-{SECRET}"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", endpoint);
    let ran = Ran::of(command.output().unwrap());
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    assert!(
        !ran.out.contains(SECRET) && !ran.err.contains(SECRET),
        "a secret is shown: {}{}",
        ran.out,
        ran.err
    );
    ran
}

/// A stand-in for S3 with buckets in it.
pub struct Bucket {
    server: StandIn,
}

impl Bucket {
    /// With a bucket `locked` that has Object Lock and one `plain` that has none.
    pub fn start() -> Self {
        let bucket = Self { server: StandIn::start() };
        assert_eq!(bucket.ask("PUT", "/locked", &["x-amz-bucket-object-lock-enabled: true"], "").0, 200);
        assert_eq!(bucket.ask("PUT", "/plain", &[], "").0, 200);
        bucket
    }

    pub fn url(&self) -> String {
        self.server.url.clone()
    }

    /// One plain request: status, and all of the answer.
    pub fn ask(&self, method: &str, target: &str, headers: &[&str], body: &str) -> (u16, String) {
        let host = self.server.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let headers: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        let request = format!("{head}{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    /// The value of a header of an object.
    pub fn header(&self, target: &str, name: &str) -> Option<String> {
        let (_, answer) = self.ask("HEAD", target, &[], "");
        let lines = answer.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .next()
    }

    /// The keys in a bucket, as they are listed.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let (_, answer) = self.ask("GET", &format!("/{bucket}?list-type=2"), &[], "");
        let keys = answer.split("<Key>").skip(1);
        keys.map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
    }
}

/// A server of a test's own: it answers each request by its first line and its body.
pub struct Scripted {
    pub url: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scripted {
    /// `answer` gives status, headers (each ended by a line break) and body.
    pub fn start(answer: impl Fn(&str, &[u8]) -> (&'static str, String, Vec<u8>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let Some((line, body)) = receive(&mut stream) else { continue };
                let (status, headers, body) = answer(&line, &body);
                let head = format!(
                    "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(&[head.as_bytes(), &body].concat());
            }
        });
        Self { url, stop, thread: Some(thread) }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads a request whole; gives its first line and its body.
fn receive(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.to_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head.lines().next()?.to_owned(), body))
}
