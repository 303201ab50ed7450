//! A small HTTP server on 127.0.0.1 that does exactly what a test tells it to.
#![allow(dead_code)] // each test binary uses its own part

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

pub struct Server {
    pub address: SocketAddr,
    pub requests: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers every connection with `answer`, which is given the request's body.
    pub fn start(answer: impl Fn(&mut TcpStream, &str) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, stopping) = (requests.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                if let Some(body) = receive(&mut stream) {
                    counter.fetch_add(1, Ordering::SeqCst);
                    answer(&mut stream, &body);
                }
            }
        });
        Self { address, requests, stop, thread: Some(thread) }
    }

    /// Always the same answer, after which the connection closes.
    pub fn saying(status: &str, headers: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let all = [head.as_bytes(), body].concat();
        Self::start(move |stream, _| {
            let _ = stream.write_all(&all);
        })
    }

    /// Answers with the status and the body that `answer` makes of a request's body.
    pub fn answering(answer: impl Fn(&str) -> (&'static str, String) + Send + 'static) -> Self {
        Self::start(move |stream, asked| {
            let (status, body) = answer(asked);
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        })
    }

    /// Answers one after the other, the last one for ever.
    pub fn script(answers: Vec<(&'static str, String)>) -> Self {
        let next = AtomicUsize::new(0);
        Self::answering(move |_| answers[next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)].clone())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn receive(stream: &mut TcpStream) -> Option<String> {
    let mut head = vec![];
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(String::from_utf8_lossy(&body).into_owned())
}
