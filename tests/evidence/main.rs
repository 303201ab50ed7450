//! Each source against what it will meet: real servers, real programs, real files.

mod alarms;
mod child;
mod command;
mod faults;
mod file;
mod flow;
mod http;
mod metrics;
mod ministack;
mod prometheus;
mod prometheus_server;
#[path = "../common/server.rs"]
mod server;
#[allow(dead_code)] // its own part is used elsewhere
#[path = "../aws/stand_in.rs"]
mod stand_in;

use std::path::Path;

use aether_audit::config::Config;
use aether_audit::core::check::{Check, Reading};
use aether_audit::core::time::Timestamp;
use aether_audit::evidence::{Collected, Request, collect, source};

/// A configuration of which `rest` is all but the log.
fn config(rest: &str) -> Config {
    Config::parse(&format!("[log]\norigin = \"o\"\n{rest}"), "aether.toml")
        .unwrap_or_else(|error| panic!("{error}"))
}

fn now() -> Timestamp {
    Timestamp::from_millis(chrono::Utc::now().timestamp_millis()).unwrap()
}

/// Collects `check` as the program does; the reading must survive being written and read again.
fn measure_at(config: &Config, check: &Check, root: &Path, at: Timestamp) -> Collected {
    let request = Request::new(check, check.window(at), at);
    let collected = collect(&check.spec, source(check, &config.aws, root).as_ref(), &request);
    let text = serde_json::to_string(&collected.reading).unwrap();
    assert_eq!(serde_json::from_str::<Reading>(&text).unwrap(), collected.reading);
    assert!(text.len() <= 40_000);
    collected
}

/// Collects the only check of `rest` now.
fn measure(rest: &str, root: &Path) -> Collected {
    let config = config(rest);
    measure_at(&config, &config.check[0], root, now())
}

fn detail(collected: &Collected) -> &str {
    collected.reading.detail.as_deref().unwrap_or_default()
}
