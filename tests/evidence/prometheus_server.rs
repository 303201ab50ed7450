//! A real Prometheus with a data folder of its own, on 127.0.0.1, stopped with the test.
#![allow(dead_code)] // each test binary uses its own part

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub struct Prometheus {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Prometheus {
    /// Scrapes `targets` each second, and knows `history`: lines of OpenMetrics such as `errors 0.02 1783044060`.
    pub fn start(targets: &[String], history: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        if !history.is_empty() {
            let file = dir.path().join("history.txt");
            fs::write(&file, format!("{history}# EOF\n")).unwrap();
            let mut backfill = Command::new("promtool");
            backfill.args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=240h"]);
            let done = backfill.args([&file, &data]).stdin(Stdio::null()).output();
            let done = done.expect("promtool is missing: tests/all installs prometheus");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        let config = dir.path().join("prometheus.yml");
        let jobs = serde_json::json!([{"job_name": "app", "static_configs": [{"targets": targets}]}]);
        let jobs = if targets.is_empty() { serde_json::json!([]) } else { jobs };
        let global = serde_json::json!({"scrape_interval": "1s", "scrape_timeout": "1s"});
        fs::write(&config, serde_json::json!({"global": global, "scrape_configs": jobs}).to_string())
            .unwrap();
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut child = run(&config, &data, port);
            if ready(port, &mut child) {
                return Self { child, port, _dir: dir };
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("prometheus does not start");
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(config: &Path, data: &Path, port: u16) -> Child {
    Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(["--storage.tsdb.retention.time=100y", "--query.lookback-delta=30s", "--log.level=error"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus is missing: tests/all installs it")
}

fn ready(port: u16, child: &mut Child) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_mins(1) && child.try_wait().unwrap().is_none() {
        if ureq::get(format!("http://127.0.0.1:{port}/-/ready")).call().is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}
