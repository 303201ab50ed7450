//! A server by other hands that speaks AWS's protocols, on a free port of 127.0.0.1.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_cloudwatch::Client;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

pub struct Ministack {
    process: Child,
    port: u16,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Ministack {
    pub fn start() -> Self {
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
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "ministack ended by itself");
            assert!(Instant::now() < patience, "ministack does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { process, port, runtime, _folder: folder }
    }

    /// `[aws]` for `aether.toml`.
    pub fn settings(&self) -> String {
        format!(
            "[aws]\nregion = \"us-east-1\"\nendpoint-url = \"http://127.0.0.1:{}\"\ntimeout-seconds = 30\n",
            self.port
        )
    }

    /// Does `what` with the SDK's own client, as the systems under watch would.
    pub fn with<T, F: Future<Output = T>>(&self, what: impl FnOnce(Client) -> F) -> T {
        self.runtime.block_on(async {
            let http = aws_smithy_http_client::Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https();
            let config = aws_config::defaults(BehaviorVersion::latest())
                .http_client(http)
                .region(Region::new("us-east-1"))
                .endpoint_url(format!("http://127.0.0.1:{}", self.port))
                .load()
                .await;
            what(Client::new(&config)).await
        })
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
