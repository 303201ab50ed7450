//! CloudTrail: who changed record sets in Route 53, of the last 90 days
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>).

use serde_json::{Value, json};

use super::ssm::seconds;
use super::{Api, AwsError, Connection, Format};
use crate::core::time::Timestamp;

const API: Api = Api {
    name: "CloudTrail",
    id: super::call::CLOUDTRAIL,
    service: "CloudTrail",
    // Route 53 is everywhere: what it does is told in the partition's first region.
    global: true,
    format: Format::Json,
    words: false,
};
const ACTION: &str = "cloudtrail:LookupEvents";
const TARGET: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
/// A page has 50 events.
const MAX_PAGES: usize = 400;

/// How far back CloudTrail's own history goes, in days.
pub const HISTORY_DAYS: i64 = 90;

/// One record set that was changed, or was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// The event's id.
    pub event: String,
    /// When.
    pub at: Timestamp,
    /// Who, as CloudTrail names them.
    pub user: Option<String>,
    /// The hosted zone's id.
    pub zone: String,
    /// The record's name, in lower case, without the dot at the end.
    pub record: String,
    /// Its type, such as `A`.
    pub kind: String,
    /// `UPSERT`, `CREATE` or `DELETE`.
    pub action: String,
}

/// Every change of a record set from `since` to `until` that Route 53 took.
///
/// # Errors
/// Where they could not all be read.
pub fn record_changes(
    connection: &Connection,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<RecordChange>, AwsError> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut input = json!({
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "ChangeResourceRecordSets"}],
            "StartTime": since.millis().div_euclid(1000),
            "EndTime": (until.millis() + 999).div_euclid(1000),
            "MaxResults": 50,
        });
        if let Some(token) = &token {
            input["NextToken"] = json!(token);
        }
        let page = connection.ask_json(&API, ACTION, TARGET, &input)?;
        let found = page.get("Events").and_then(Value::as_array);
        for event in found.ok_or_else(|| AwsError::nonsense(ACTION))? {
            all.extend(read(event).ok_or_else(|| AwsError::nonsense(ACTION))?);
        }
        let next = page.get("NextToken").and_then(Value::as_str).map(str::to_owned);
        if next.is_none() {
            all.retain(|change| change.at >= since && change.at < until);
            return Ok(all);
        }
        // A list that does not go on would be asked for for ever.
        if next == token {
            break;
        }
        token = next;
    }
    Err(AwsError::nonsense(ACTION))
}

/// The record sets of one event; none where Route 53 refused it. `None` where it is no such event.
fn read(event: &Value) -> Option<Vec<RecordChange>> {
    let at = seconds(event.get("EventTime")?)?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let inner: Value = serde_json::from_str(event.get("CloudTrailEvent")?.as_str()?).ok()?;
    if inner.get("errorCode").is_some_and(|code| !code.is_null()) {
        return Some(Vec::new());
    }
    let asked = inner.get("requestParameters")?;
    let zone = text(asked, "hostedZoneId")?.trim_start_matches("/hostedzone/").to_owned();
    let changes = asked.get("changeBatch")?.get("changes")?.as_array()?;
    let one = |change: &Value| {
        let set = change.get("resourceRecordSet")?;
        Some(RecordChange {
            event: text(event, "EventId")?,
            at,
            user: text(event, "Username"),
            zone: zone.clone(),
            record: text(set, "name")?.trim_end_matches('.').to_ascii_lowercase(),
            kind: text(set, "type")?,
            action: text(change, "action")?,
        })
    };
    changes.iter().map(one).collect()
}
