//! Amazon `CloudWatch`: metrics (`GetMetricData`) and alarms (`DescribeAlarms`).

mod alarms;
mod client;
mod metric;

use std::collections::BTreeMap;

use serde_json::json;

use super::{EvidenceError, Observation, Request, Source};
use crate::core::check::{AwsSettings, MetricProbe};

/// A metric, a ratio of metrics, or a set of alarms.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    what: What,
    aws: AwsSettings,
}

#[derive(Clone, Debug)]
enum What {
    Metric(MetricProbe),
    Alarms(Vec<String>),
}

impl CloudWatch {
    /// Measures a metric, reached by `aws`.
    #[must_use]
    pub const fn metric(metric: MetricProbe, aws: AwsSettings) -> Self {
        Self { what: What::Metric(metric), aws }
    }

    /// Looks at alarms, reached by `aws`.
    #[must_use]
    pub const fn alarms(names: Vec<String>, aws: AwsSettings) -> Self {
        Self { what: What::Alarms(names), aws }
    }
}

impl Source for CloudWatch {
    fn query(&self) -> String {
        let mut query = match &self.what {
            What::Alarms(names) => {
                BTreeMap::from([("action", json!("DescribeAlarms")), ("alarms", json!(names))])
            }
            What::Metric(metric) => BTreeMap::from([
                ("action", json!("GetMetricData")),
                ("dimensions", json!(metric.dimensions)),
                ("metrics", json!(metric.metrics)),
                ("namespace", json!(metric.namespace)),
            ]),
        };
        if let What::Metric(MetricProbe { divide_by: Some(divisor), .. }) = &self.what {
            query.insert("divideBy", json!(divisor));
        }
        if let Some(region) = &self.aws.region {
            query.insert("region", json!(region));
        }
        serde_json::to_string(&query).unwrap_or_default()
    }

    fn statistic(&self) -> Option<String> {
        match &self.what {
            What::Metric(metric) => Some(metric.statistic.clone()),
            What::Alarms(_) => None,
        }
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let client = client::Client::new(&self.aws)?;
        match &self.what {
            What::Metric(probe) => metric::read(&client, probe, request),
            What::Alarms(names) => alarms::read(&client, names, request),
        }
    }
}
