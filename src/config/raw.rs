//! The file as it is written, each value with its place.

use std::collections::BTreeMap;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use toml::Spanned;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct File {
    pub log: Log,
    #[serde(default)]
    pub project: Project,
    #[serde(default)]
    pub escalation: Vec<super::Escalation>,
    #[serde(default)]
    pub deployment: Deployment,
    #[serde(default)]
    pub aws: Aws,
    #[serde(default)]
    pub http: Http,
    #[serde(default)]
    pub archive: Archive,
    #[serde(default)]
    pub database: Vec<super::source_snapshot::RawDatabase>,
    #[serde(default)]
    pub dns: super::dns::Dns,
    pub slack: Option<super::slack::Slack>,
    pub webhook: Option<super::slack::Webhook>,
    #[serde(default)]
    pub traffic: Vec<Spanned<super::traffic::Raw>>,
    #[serde(default)]
    pub github: super::github::Github,
    #[serde(default)]
    pub check: Vec<Spanned<Check>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Project {
    pub name: Option<String>,
    pub environment: Option<String>,
    pub services: Vec<Spanned<String>>,
    pub production_url: Option<Spanned<String>>,
    pub dashboard_url: Option<Spanned<String>>,
    pub channel: Option<String>,
    pub workflow: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Log {
    pub origin: Spanned<String>,
    pub ledger: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Deployment {
    pub verification_minutes: Option<Spanned<i64>>,
    pub standby_minutes: Option<Spanned<i64>>,
    pub coverage: Option<Spanned<String>>,
    pub machine_rollback: bool,
    pub separate: Vec<Spanned<Vec<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Aws {
    pub region: Option<String>,
    pub endpoint_url: Option<Spanned<String>>,
    pub profile: Option<String>,
    pub timeout_seconds: Option<Spanned<i64>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Http {
    pub ca_file: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Archive {
    pub url: Option<Spanned<String>>,
    pub retain_days: Option<Spanned<i64>>,
}

/// Every key of every source; which of them belong to the source is looked at afterwards, so that each error has a place.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Check {
    pub id: Spanned<String>,
    pub source: Spanned<crate::core::check::SourceKind>,
    pub unit: Option<Spanned<String>>,
    pub objective: Option<Spanned<String>>,
    pub rollback: Option<Spanned<String>>,
    pub baseline_ratio: Option<Spanned<String>>,
    pub baseline_days: Option<Spanned<i64>>,
    pub baseline_test: Option<Spanned<String>>,
    pub baseline_alpha: Option<Spanned<String>>,
    pub aggregate: Option<Spanned<crate::core::check::Aggregate>>,
    pub min_requests: Option<Spanned<i64>>,
    pub on_fail: Option<Spanned<OnFail>>,
    pub trigger: Option<Spanned<String>>,
    pub trigger_after: Option<Spanned<String>>,
    pub errors_after: Option<Spanned<i64>>,
    pub missing: Option<Spanned<String>>,
    pub watch: Option<bool>,
    pub window_minutes: Option<Spanned<i64>>,
    pub period_seconds: Option<Spanned<i64>>,
    pub namespace: Option<Spanned<String>>,
    pub metric: Option<Spanned<OneOrMany>>,
    pub dimensions: Option<Spanned<BTreeMap<String, String>>>,
    pub statistic: Option<Spanned<String>>,
    pub divide_by: Option<Spanned<String>>,
    pub alarms: Option<Spanned<Vec<String>>>,
    pub url: Option<Spanned<String>>,
    pub status: Option<Spanned<String>>,
    pub body_pattern: Option<Spanned<String>>,
    pub timeout_seconds: Option<Spanned<i64>>,
    pub argv: Option<Spanned<Vec<String>>>,
    pub exit_code: Option<Spanned<i64>>,
    pub value_pattern: Option<Spanned<String>>,
    pub path: Option<Spanned<String>>,
    pub series: Option<Spanned<String>>,
    pub prometheus: Option<Spanned<super::source_prometheus::Prometheus>>,
    pub flow: Option<Spanned<super::source_flow::Raw>>,
    pub certificate: Option<Spanned<super::source_certificate::Raw>>,
    pub dns: Option<Spanned<super::source_dns::Raw>>,
    pub parameters: Option<Spanned<super::source_parameters::Raw>>,
    pub snapshot: Option<Spanned<super::source_snapshot::Raw>>,
    pub logs: Option<Spanned<super::source_logs::Raw>>,
    pub workflow: Option<Spanned<super::source_github::Workflow>>,
    pub pull_requests: Option<Spanned<super::source_github::PullRequests>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFail {
    Warn,
    Trigger,
}

/// A string, or a list of strings.
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
                let mut all = vec![];
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                if all.is_empty() { Err(A::Error::custom("an empty list")) } else { Ok(OneOrMany(all)) }
            }
        }
        deserializer.deserialize_any(Strings)
    }
}
