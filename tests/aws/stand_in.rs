//! A stand-in for AWS by other hands, on a free port of 127.0.0.1, and plain requests that set it up.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub struct StandIn {
    process: Child,
    pub url: String,
    _folder: tempfile::TempDir,
}

impl StandIn {
    pub fn start() -> Self {
        // Whoever else looks for a free port may take it first: then it ends by itself, and another one is tried.
        (0..3).find_map(|_| Self::try_start()).expect("ministack starts")
    }

    fn try_start() -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/venv/bin/ministack");
        assert!(program.exists(), "{} is missing: run tests/all (or tests/peers/install)", program.display());
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new(program)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let patience = Instant::now() + Duration::from_mins(1);
        let url = format!("http://127.0.0.1:{port}");
        let answers =
            || !matches!(ureq::get(&url).call(), Err(ureq::Error::Io(_) | ureq::Error::ConnectionFailed));
        while !answers() {
            if process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(Instant::now() < patience, "ministack does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        // What answered was another one where this one has ended.
        process.try_wait().unwrap().is_none().then_some(Self { process, url, _folder: folder })
    }

    /// Calls `target` by the JSON protocol.
    pub fn json(&self, service: &str, target: &str, body: &Value) -> Value {
        let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
        let answer = self.send(service, "/", &headers, &body.to_string());
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// Sends a document or a form.
    pub fn post(&self, service: &str, path: &str, body: &str) -> String {
        let kind =
            if body.starts_with('<') { "application/xml" } else { "application/x-www-form-urlencoded" };
        self.send(service, path, &[("content-type", kind)], body)
    }

    fn send(&self, service: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        // It tells services apart by what a request is signed for, and looks at no signature.
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let mut request = ureq::post(format!("{}{path}", self.url)).header("authorization", signed);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer =
            request.send(body).unwrap_or_else(|error| panic!("{service} {path} {body}: {error}"));
        answer.body_mut().read_to_string().unwrap()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What stands between `<name>` and its end, the first time.
pub fn between(xml: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let rest = xml.split_once(&open).unwrap_or_else(|| panic!("no {name} in {xml}")).1;
    rest.split_once(&close).unwrap().0.to_owned()
}
