//! A server by other hands that speaks AWS's protocols, and the SDK's own client for what it holds.

use aws_config::{BehaviorVersion, Region};
use aws_sdk_cloudwatch::Client;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::stand_in::StandIn;

pub struct Ministack {
    server: StandIn,
    runtime: tokio::runtime::Runtime,
}

impl Ministack {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { server: StandIn::start(), runtime }
    }

    /// `[aws]` for `aether.toml`.
    pub fn settings(&self) -> String {
        format!(
            "[aws]\nregion = \"us-east-1\"\nendpoint-url = \"{}\"\ntimeout-seconds = 30\n",
            self.server.url
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
                .endpoint_url(&self.server.url)
                .load()
                .await;
            what(Client::new(&config)).await
        })
    }
}
