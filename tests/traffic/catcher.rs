//! A webhook on 127.0.0.1 that keeps what it is sent and answers as a test tells it to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Caught {
    pub path: String,
    pub head: String,
    pub body: serde_json::Value,
}

/// What is answered: a status line with headers, a body, and after how long.
pub type Answer = dyn Fn(usize) -> (String, String, Duration) + Send + Sync;

pub struct Catcher {
    pub address: SocketAddr,
    caught: Arc<Mutex<Vec<Caught>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Catcher {
    pub fn saying(status: &str, body: &str) -> Self {
        let (status, body) = (status.to_owned(), body.to_owned());
        Self::start(move |_| (status.clone(), body.clone(), Duration::ZERO))
    }

    /// `answer` is given how many requests came before.
    pub fn start(answer: impl Fn(usize) -> (String, String, Duration) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let caught: Arc<Mutex<Vec<Caught>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let answer: Arc<Answer> = Arc::new(answer);
        let (keep, stopping) = (caught.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                let (keep, answer) = (keep.clone(), answer.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &keep, answer.as_ref()));
            }
        });
        Self { address, caught, stop, thread: Some(thread) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn caught(&self) -> Vec<Caught> {
        self.caught.lock().unwrap().clone()
    }

    pub fn texts(&self) -> Vec<String> {
        self.caught().iter().map(|caught| caught.body["text"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Catcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, keep: &Mutex<Vec<Caught>>, answer: &Answer) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut head = vec![];
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = |line: &str| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
    let mut body = vec![0; head.lines().find_map(length).unwrap_or(0)];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let before = {
        let mut kept = keep.lock().unwrap();
        kept.push(Caught { path, head, body: serde_json::from_slice(&body).unwrap_or_default() });
        kept.len() - 1
    };
    let (status, text, after) = answer(before);
    std::thread::sleep(after);
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
}
