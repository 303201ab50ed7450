//! AWS beyond metrics: what is asked of it and changed there, against a server by other hands; scripted answers only for
//! what that cannot be made to do.

#[path = "../evidence/child.rs"]
mod child;
mod every_source;
#[path = "../common/everything.rs"]
mod everything;
mod faults;
#[path = "../cli/folder.rs"]
mod folder;
mod route53;
mod secrets;
#[path = "../common/server.rs"]
mod server;
mod snapshot;
mod sources;
mod stand_in;

use std::path::Path;

use aether_audit::config::Config;
use aether_audit::core::check::Reading;
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

/// `[aws]` for `aether.toml`.
fn settings(url: &str) -> String {
    format!("[aws]\nregion = \"us-east-1\"\nendpoint-url = \"{url}\"\ntimeout-seconds = 30\n")
}

/// Collects the only check of `rest` now, as the program does.
fn measure(rest: &str, root: &Path) -> Collected {
    let config = config(rest);
    let check = &config.check[0];
    // A minute later: what was written a moment ago lies within whole minutes.
    let at = now().plus_seconds(60);
    let request = Request::new(check, check.window(at), now());
    let collected = collect(&check.spec, source(check, &config.aws, root).as_ref(), &request);
    let text = serde_json::to_string(&collected.reading).unwrap();
    assert_eq!(serde_json::from_str::<Reading>(&text).unwrap(), collected.reading);
    collected
}

fn detail(collected: &Collected) -> &str {
    collected.reading.detail.as_deref().unwrap_or_default()
}

/// What the opening of a reading would hold.
fn response(collected: &Collected) -> String {
    let bytes = collected.response.as_ref().map(|response| response.bytes.clone()).unwrap_or_default();
    String::from_utf8(bytes).unwrap()
}
