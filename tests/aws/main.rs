//! AWS beyond metrics: what is asked of it and changed there, against a server by other hands; scripted answers only for
//! what that cannot be made to do.

#[path = "../evidence/child.rs"]
mod child;
mod route53;
#[path = "../evidence/server.rs"]
mod server;
mod stand_in;

use aether_audit::config::Config;
use aether_audit::core::time::Timestamp;

/// A configuration of which `rest` is all but the log.
fn config(rest: &str) -> Config {
    Config::parse(&format!("[log]\norigin = \"o\"\n{rest}"), "aether.toml")
        .unwrap_or_else(|error| panic!("{error}"))
}

fn now() -> Timestamp {
    Timestamp::from_millis(chrono::Utc::now().timestamp_millis()).unwrap()
}

/// `[aws]` for `aether.toml`.
fn settings(url: &str) -> String {
    format!("[aws]\nregion = \"us-east-1\"\nendpoint-url = \"{url}\"\ntimeout-seconds = 30\n")
}
