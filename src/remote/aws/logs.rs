//! CloudWatch Logs: the events of a log group within a time, one by one. Nothing of them is kept here.

use serde_json::{Value, json};

use super::{Api, AwsError, Connection, Format};
use crate::core::check::Window;
use crate::core::time::Timestamp;

const API: Api = Api {
    name: "CloudWatch Logs",
    id: "logs",
    service: "CloudWatch Logs",
    global: false,
    format: Format::Json,
    words: false,
};
const ACTION: &str = "logs:FilterLogEvents";
/// A page has up to 1 MB or 10,000 events.
const MAX_PAGES: usize = 500;

/// Gives every event of `group` in `window` that matches `pattern` to `take`, which says whether to go on.
/// An empty pattern matches all. `false` where there are more events than are read.
///
/// # Errors
/// Where they could not be read.
pub fn events(
    connection: &Connection,
    group: &str,
    pattern: &str,
    window: Window,
    take: &mut dyn FnMut(Timestamp, &str) -> bool,
) -> Result<bool, AwsError> {
    let nonsense = || AwsError::nonsense(ACTION);
    let mut token: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut input = json!({
            "logGroupName": group,
            "startTime": window.from.millis(),
            // Its end is part of what is looked at.
            "endTime": window.to.millis() - 1,
        });
        if !pattern.is_empty() {
            input["filterPattern"] = json!(pattern);
        }
        if let Some(token) = &token {
            input["nextToken"] = json!(token);
        }
        let page = connection.ask_json(&API, ACTION, "Logs_20140328.FilterLogEvents", &input)?;
        for event in page.get("events").and_then(Value::as_array).ok_or_else(nonsense)? {
            let at = event.get("timestamp").and_then(Value::as_i64).ok_or_else(nonsense)?;
            let at = Timestamp::from_millis(at).map_err(|_| nonsense())?;
            let message = event.get("message").and_then(Value::as_str).ok_or_else(nonsense)?;
            if window.from <= at && at < window.to && !take(at, message) {
                return Ok(true);
            }
        }
        let next = page.get("nextToken").and_then(Value::as_str).map(str::to_owned);
        if next.is_none() {
            return Ok(true);
        }
        if next == token {
            return Err(nonsense());
        }
        token = next;
    }
    Ok(false)
}
