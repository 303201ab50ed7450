//! Whether a secret got out: into anything that is kept, in clear or encoded, or that was said.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::everything::everything;
use crate::hub::TOKEN;
use crate::systems::{
    APP_TOKEN, AWS_SECRET, BODY, CARD, DATABASE_PASSWORD, HEADER, PARAMETER, WEBHOOK, access_key,
};
use crate::walk::Walk;

fn secrets() -> Vec<String> {
    let webhook = WEBHOOK.rsplit('/').next().unwrap();
    let plain = [TOKEN, APP_TOKEN, AWS_SECRET, BODY, CARD, DATABASE_PASSWORD, HEADER, PARAMETER, webhook];
    let mut all: Vec<String> = plain.map(str::to_owned).to_vec();
    all.push(access_key());
    all.extend(plain.map(|secret| STANDARD.encode(secret)));
    all
}

#[track_caller]
fn none_in(all: &[(String, Vec<u8>)]) {
    for secret in secrets() {
        for (place, bytes) in all {
            let found = bytes.windows(secret.len()).position(|part| part == secret.as_bytes());
            let around = found.map(|at| {
                String::from_utf8_lossy(&bytes[at.saturating_sub(200)..bytes.len().min(at + 200)])
                    .into_owned()
            });
            assert!(found.is_none(), "{secret} in {place}: {}", around.unwrap_or_default());
        }
    }
}

/// In what the walk left behind and printed.
#[track_caller]
pub fn nowhere(walk: &Walk) {
    let mut all = vec![("what was said".to_owned(), walk.said.borrow().clone().into_bytes())];
    // But where they are configured, and who holds them.
    everything(walk.folder.path(), &["aether.toml", "passphrase"], &mut all);
    let decoded = all.iter().filter(|(place, _)| place.ends_with("decoded")).count();
    assert!(decoded > 50 && all.len() > 150, "{decoded} of {}", all.len());
    none_in(&all);
}

/// In what the process printed by itself.
#[track_caller]
pub fn not_in(said: &str) {
    none_in(&[("stdout or stderr".to_owned(), said.as_bytes().to_vec())]);
}
