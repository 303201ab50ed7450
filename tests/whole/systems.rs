//! The systems that a deployment touches, each a stand-in, with secrets planted in all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::catcher::Catcher;
use crate::hub::{Hub, TOKEN};
use crate::stand_in::StandIn;
use crate::world::{Proxy, address, resolver, route53, zone};

pub const WEBHOOK: &str = "/services/T0/B0/SeCrEtPlAnTeD";
pub const AWS_SECRET: &str = "planted-aws-secret-key";
pub const APP_TOKEN: &str = "planted-app-token-3f9a";
pub const PARAMETER: &str = "planted-parameter-value";
pub const CARD: &str = "4111111111111111";
pub const BODY: &str = "planted-error-body";
pub const HEADER: &str = "planted-response-header";
pub const DATABASE_PASSWORD: &str = "hunter2hunter2";
/// An access key's id, which is made so that no scanner finds it here.
pub fn access_key() -> String {
    format!("AKIA{}", "ABCDEFGH23456723")
}

/// What the program finds in its environment.
pub fn environment() -> Vec<(&'static str, &'static str)> {
    vec![
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", AWS_SECRET),
        ("AETHER_AUDIT_GITHUB_TOKEN", TOKEN),
        ("WALK_APP_TOKEN", APP_TOKEN),
        ("RUST_LOG", "trace"),
    ]
}

pub struct Systems {
    pub hub: Hub,
    pub app: Catcher,
    pub proxy: Proxy,
    pub zone: String,
    /// Of metrics, parameters, logs and the database: each walk has its own.
    pub name: String,
    /// Green does not answer.
    pub sick: Arc<AtomicBool>,
    _aws: Arc<StandIn>,
}

impl Systems {
    /// With 3 % of the requests failing in the minute that begins `spike` minutes from now.
    pub fn start(spike: Option<i64>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("walk{}", COUNT.fetch_add(1, Ordering::SeqCst));
        let hub = Hub::start(&json!({"protection": {"locked": true}}));
        let sick = Arc::new(AtomicBool::new(false));
        let ill = sick.clone();
        // It says too much: in headers always, in bodies when it fails.
        let app = Catcher::start(move |_| {
            let sick = ill.load(Ordering::SeqCst);
            let status = if sick { "500 Internal Server Error" } else { "200 OK" };
            let body = if sick { format!("debug: {BODY} {APP_TOKEN} {AWS_SECRET}") } else { "ok".into() };
            (format!("{status}\r\nset-cookie: sid={HEADER}-{APP_TOKEN}"), body, Duration::ZERO)
        });
        let aws = route53();
        let zone = zone();
        let proxy = Proxy::start(address());
        parameters(&aws, &name);
        logs(&aws, &name);
        metrics(&aws, &name, spike);
        database(&aws, &name);
        Self { hub, app, proxy, zone, name, sick, _aws: aws }
    }

    /// `aether.toml`.
    pub fn config(&self) -> String {
        let Self { name, zone, .. } = self;
        let resolver = resolver(zone.clone());
        let (app, hub, proxy) = (self.app.url(""), &self.hub.url, self.proxy.address);
        format!(
            r##"
[log]
origin = "example.com/audit/prod"
[project]
name = "Project Aether"
environment = "production"
services = ["app"]
production-url = "{app}/"
dashboard-url = "{app}/dashboard"
channel = "#proj-aether-deploy"
workflow = "Deploy to Prod"
[[escalation]]
role = "Lead Site Reliability Engineer"
contact = "+1 202 555 0100"
[deployment]
verification-minutes = 60
standby-minutes = 60
[aws]
region = "us-east-1"
endpoint-url = "http://{proxy}"
timeout-seconds = 30
[github]
repository = "example/aether"
api-url = "{hub}"
poll-seconds = 1
timeout-seconds = 10
[dns]
resolvers = ["{resolver}"]
timeout-seconds = 20
[[database]]
id = "{name}"
[[traffic]]
service = "app"
zone = "{zone}"
record = "app.example.com"
type = "CNAME"
blue-set = "blue"
green-set = "green"
blue-health-url = "{app}/blue?token={APP_TOKEN}"
green-health-url = "{app}/green?token={APP_TOKEN}"
smoke = ["app-up", "critical-path"]
"##
        ) + &self.checks()
    }

    fn checks(&self) -> String {
        let (name, app) = (&self.name, self.app.url(""));
        format!(
            r#"
[[check]]
id = "http-5xx"
source = "cloudwatch"
namespace = "{name}"
metric = "Errors"
statistic = "Sum"
divide-by = "Requests"
min-requests = 100
objective = "< 0.1"
rollback = "> 1"
trigger = "error-rate"
[[check]]
id = "cpu"
source = "cloudwatch"
namespace = "{name}"
metric = "Cpu"
unit = "percent"
objective = "< 80"
[[check]]
id = "memory"
source = "file"
path = "readings.json"
objective = "< 80"
[[check]]
id = "latency-p95"
source = "file"
path = "readings.json"
objective = "< 300"
[[check]]
id = "latency-p99"
source = "file"
path = "readings.json"
objective = "< 300"
[[check]]
id = "app-up"
source = "http"
url = "{app}/up?token={APP_TOKEN}"
on-fail = "trigger"
trigger = "unresponsive"
[[check]]
id = "critical-path"
source = "flow"
on-fail = "trigger"
watch = false
[check.flow]
file = "path.toml"
base = "{app}"
[[check]]
id = "env-parameters"
source = "parameters"
[check.parameters]
path = "/{name}"
expected = ["DATABASE_URL SecureString", "LOG_LEVEL"]
[[check]]
id = "dns-ready"
source = "dns"
[check.dns]
at = "blue"
[[check]]
id = "code-freeze"
source = "code-freeze"
watch = true
[[check]]
id = "release-built"
source = "workflow"
[check.workflow]
jobs = ["build", "test", "provision"]
[[check]]
id = "database-snapshot"
source = "snapshot"
[check.snapshot]
database = "{name}"
encrypted = true
[[check]]
id = "log-errors"
source = "logs"
watch = false
[check.logs]
groups = ["/{name}"]
errors = "ERROR"
[[check]]
id = "log-leaks"
source = "logs"
watch = false
[check.logs]
groups = ["/{name}"]
sensitive = true
"#
        )
    }
}

fn parameters(aws: &StandIn, name: &str) {
    for (parameter, kind) in [("DATABASE_URL", "SecureString"), ("LOG_LEVEL", "String")] {
        let input = json!({ "Name": format!("/{name}/{parameter}"), "Type": kind, "Value": PARAMETER });
        aws.json("ssm", "AmazonSSM.PutParameter", &input);
    }
}

fn logs(aws: &StandIn, name: &str) {
    let group = format!("/{name}");
    let call = |action: &str, body: &Value| aws.json("logs", &format!("Logs_20140328.{action}"), body);
    call("CreateLogGroup", &json!({ "logGroupName": group }));
    call("CreateLogStream", &json!({ "logGroupName": group, "logStreamName": "s" }));
    let at = chrono::Utc::now().timestamp_millis() - 120_000;
    let messages = [
        format!("paid with {CARD}"),
        format!("key {}", access_key()),
        format!("ERROR {PARAMETER} {APP_TOKEN}"),
    ];
    let events: Vec<_> = messages.iter().map(|text| json!({ "timestamp": at, "message": text })).collect();
    call("PutLogEvents", &json!({ "logGroupName": group, "logStreamName": "s", "logEvents": events }));
}

/// Each minute of the last hour and of the next three.
fn metrics(aws: &StandIn, name: &str, spike: Option<i64>) {
    let start = chrono::Utc::now().timestamp() / 60 * 60;
    let value = |metric: &str, minute: i64, value: u32| json!({ "MetricName": metric, "Timestamp": start + 60 * minute, "Value": value });
    for first in (-60..180).step_by(60) {
        let data: Vec<Value> = (first..first + 60)
            .flat_map(|minute| {
                let errors = if spike == Some(minute) { 30 } else { 0 };
                [value("Requests", minute, 1000), value("Errors", minute, errors), value("Cpu", minute, 40)]
            })
            .collect();
        let input = json!({ "Namespace": name, "MetricData": data });
        aws.json("monitoring", "GraniteServiceVersion20100801.PutMetricData", &input);
    }
}

fn database(aws: &StandIn, name: &str) {
    aws.post(
        "rds",
        "/",
        &format!(
            "Version=2014-10-31&Action=CreateDBInstance&Engine=postgres&DBInstanceClass=db.t3.micro&AllocatedStorage=20\
             &DBInstanceIdentifier={name}&MasterUsername=app&MasterUserPassword={DATABASE_PASSWORD}&StorageEncrypted=true"
        ),
    );
}

/// How many snapshots the database has.
pub fn snapshots(name: &str) -> usize {
    let form = format!("Version=2014-10-31&Action=DescribeDBSnapshots&DBInstanceIdentifier={name}");
    route53().post("rds", "/", &form).matches("<DBSnapshotIdentifier>").count()
}
