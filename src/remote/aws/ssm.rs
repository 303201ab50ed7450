//! Parameter Store: what is there, by name. The call that is used knows no values, so that none can ever be asked for.

use serde_json::{Value, json};

use super::{Api, AwsError, Connection, Format};
use crate::core::time::Timestamp;

const API: Api = Api {
    name: "Parameter Store",
    id: "ssm",
    service: "SSM",
    global: false,
    format: Format::Json,
    words: false,
};
const ACTION: &str = "ssm:DescribeParameters";
/// A page has up to 50 parameters, and an account up to 100,000 where it pays for them.
const MAX_PAGES: usize = 2000;

/// What is known of a parameter without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// In full, such as `/aether/prod/DATABASE_URL`.
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// Counted up by each change.
    pub version: u64,
    /// When it was changed last.
    pub modified: Timestamp,
}

/// Every parameter below `path`, by name.
///
/// # Errors
/// Where they could not all be read.
pub fn below(connection: &Connection, path: &str) -> Result<Vec<Parameter>, AwsError> {
    let bare = path.trim_end_matches('/');
    let value = if bare.is_empty() { "/" } else { bare };
    let filter = json!([{ "Key": "Path", "Option": "Recursive", "Values": [value] }]);
    let mut all = vec![];
    let mut token: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut input = json!({ "MaxResults": 50, "ParameterFilters": filter });
        if let Some(token) = &token {
            input["NextToken"] = json!(token);
        }
        let page = connection.ask_json(&API, ACTION, "AmazonSSM.DescribeParameters", &input)?;
        let found = page.get("Parameters").and_then(Value::as_array);
        for one in found.ok_or_else(|| AwsError::nonsense(ACTION))? {
            all.push(read(one).ok_or_else(|| AwsError::nonsense(ACTION))?);
        }
        let next = page.get("NextToken").and_then(Value::as_str).map(str::to_owned);
        if next.is_none() {
            all.retain(|one| one.name.strip_prefix(bare).is_some_and(|rest| rest.starts_with('/')));
            all.sort_by(|a, b| a.name.cmp(&b.name));
            return Ok(all);
        }
        if next == token {
            break;
        }
        token = next;
    }
    Err(AwsError::nonsense(ACTION))
}

fn read(one: &Value) -> Option<Parameter> {
    let text = |name| one.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Parameter {
        name: text("Name")?,
        kind: text("Type")?,
        version: one.get("Version")?.as_u64()?,
        modified: seconds(one.get("LastModifiedDate")?)?,
    })
}

/// Seconds since 1970 with a fraction, as the JSON protocol writes times.
pub(super) fn seconds(value: &Value) -> Option<Timestamp> {
    let text = value.as_number()?.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let millis: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis = whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(millis.parse().ok()?)?;
    Timestamp::from_millis(millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let read = |value: Value| seconds(&value).map(|time| time.to_string());
        assert_eq!(read(json!(1_783_044_251.12)).as_deref(), Some("2026-07-03T02:04:11.120Z"));
        assert_eq!(read(json!(1_783_044_251)).as_deref(), Some("2026-07-03T02:04:11.000Z"));
        assert_eq!((read(json!(1e300)), read(json!("soon")), read(json!(null))), (None, None, None));
    }
}
