//! Alarms: none may be in alarm, and each must have data.

use std::collections::BTreeMap;

use serde_json::json;

use super::client::Client;
use crate::evidence::{Answer, EvidenceError, Observation, Request, Response, moment};

const ACTION: &str = "cloudwatch:DescribeAlarms";

pub fn read(client: &Client, names: &[String], request: &Request) -> Result<Observation, EvidenceError> {
    let mut states = BTreeMap::new();
    // The service gives at most 100 alarms to a page, and takes at most 100 names.
    for names in names.chunks(100) {
        let page = client.call(ACTION, |sdk| {
            sdk.describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .alarm_types(aws_sdk_cloudwatch::types::AlarmType::MetricAlarm)
                .alarm_types(aws_sdk_cloudwatch::types::AlarmType::CompositeAlarm)
                .max_records(100)
                .send()
        })?;
        for alarm in page.metric_alarms() {
            let state = alarm.state_value().map_or("", |state| state.as_str());
            states.insert(alarm.alarm_name().unwrap_or_default().to_owned(), state.to_owned());
        }
        for alarm in page.composite_alarms() {
            let state = alarm.state_value().map_or("", |state| state.as_str());
            states.insert(alarm.alarm_name().unwrap_or_default().to_owned(), state.to_owned());
        }
    }
    let missing: Vec<_> =
        names.iter().filter(|name| !states.contains_key(*name)).map(String::as_str).collect();
    if !missing.is_empty() {
        return Err(EvidenceError::NoAlarm { names: missing.join(", ") });
    }
    let count = |state: &str| states.values().filter(|value| *value == state).count();
    let (well, firing) = (count("OK"), count("ALARM"));
    let unknown = states.len() - well - firing;
    let answer = match (firing, unknown) {
        (0, 0) => Answer::Yes,
        (0, _) => Answer::Unknown,
        _ => Answer::No,
    };
    let bytes = serde_json::to_vec(&json!({ "alarms": states })).unwrap_or_default();
    Ok(Observation {
        window: Some(moment(request.now)),
        answer: Some(answer),
        response: Some(Response { bytes, media_type: "application/json".to_owned() }),
        note: Some(format!("{firing} in alarm, {unknown} without enough data, {well} OK")),
        ..Observation::default()
    })
}
