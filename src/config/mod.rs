//! `aether.toml`: what the team sets, with an error that shows the line for whatever is wrong with it.

mod baseline;
mod check;
mod dns;
mod error;
mod github;
mod raw;
mod rules;
mod slack;
mod source_certificate;
mod source_dns;
mod source_flow;
mod source_github;
mod source_logs;
mod source_parameters;
mod source_prometheus;
mod source_snapshot;
mod traffic;
mod value;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use askama::Template;
use serde::{Deserialize, Serialize};
use toml::Spanned;

pub use dns::DnsSettings;
pub use error::{ConfigError, Place};

use crate::core::archive::{self, MAX_RETAIN_DAYS, RETAIN_DAYS};
use crate::core::check::{AwsSettings, Check, CheckSpec, Database, Decimal, GithubSettings, Probe};
use crate::core::message::{SlackSettings, WebhookSettings};
use crate::core::name::Label;
use crate::core::traffic::Traffic;
use error::Fault;
use value::{Located, filled, id, optional_number, optional_parsed, web_address};

/// The largest configuration that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// What `docs/CONFIG.md` says, as a JSON Schema (draft-07, which editors read for TOML too). Nothing here reads it.
pub const SCHEMA: &str = include_str!("../../templates/aether.schema.json");

/// The configuration of one project folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where events go.
    pub log: Log,
    /// What is deployed, and where people look.
    pub project: Project,
    /// Whom to call, in order.
    pub escalation: Vec<Escalation>,
    /// How long, how much, and who.
    pub deployment: Deployment,
    /// How to reach AWS.
    pub aws: AwsSettings,
    /// How to reach GitHub.
    pub github: GithubSettings,
    /// Where `export --archive` writes to.
    pub archive: Archive,
    /// The databases that snapshots are taken of.
    pub database: Vec<Database>,
    /// Where messages go.
    pub slack: SlackSettings,
    /// Where they go as plain JSON.
    pub webhook: WebhookSettings,
    /// Who is asked whether traffic has moved.
    pub dns: DnsSettings,
    /// By which records traffic moves, in the order of the file.
    pub traffic: Vec<Traffic>,
    /// In the order of the file; ids are unique.
    pub check: Vec<Check>,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The log's name, for good: schemeless, at most 255 bytes, no space, plus sign or control character.
    pub origin: String,
    /// Relative to the folder of `aether.toml`; `records/ledger.db` unless set.
    pub ledger: PathBuf,
}

/// `[project]`: every member is optional, and for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// The project's name.
    pub name: Option<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// What a deployment may name with `--service`.
    pub services: Vec<String>,
    /// Where users go.
    pub production_url: Option<String>,
    /// Where the team watches.
    pub dashboard_url: Option<String>,
    /// Where the team talks.
    pub channel: Option<String>,
    /// The workflow that deploys.
    pub workflow: Option<String>,
}

/// `[[escalation]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// Such as `Database on call`.
    pub role: String,
    /// How to reach them.
    pub contact: String,
}

/// `[deployment]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Minutes from all traffic on Green to the earliest all-clear; 60 unless set.
    pub verification_minutes: u32,
    /// Minutes that Blue stands by; 60 unless set.
    pub standby_minutes: u32,
    /// The percentage of the window's minutes that each watched check must have readings for; 95 unless set.
    pub coverage: Decimal,
    /// Whether a machine may start a rollback; false unless set.
    pub machine_rollback: bool,
    /// Pairs of roles that one person may not hold in one deployment.
    pub separate: Vec<[String; 2]>,
}

/// `[archive]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Such as `s3://bucket/prefix`.
    pub url: Option<archive::Place>,
    /// For so many days objects are locked; [`RETAIN_DAYS`] unless set.
    pub retain_days: u32,
}

#[derive(Template)]
#[template(path = "aether.toml", escape = "none")]
struct DefaultFile {
    origin: String,
}

/// The text of a new `aether.toml` for the log `origin`, with the defaults of the team's playbook.
#[must_use]
pub fn default_file(origin: &str) -> String {
    let origin = toml::Value::String(origin.to_owned()).to_string();
    DefaultFile { origin }.render().unwrap_or_default()
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// A [`ConfigError`] when it cannot be read, is larger than [`MAX_BYTES`], or is not right.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&Self::text(path)?, &path.display().to_string())
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// A [`ConfigError`] when it cannot be read, is larger than [`MAX_BYTES`], or is no text.
    pub fn text(path: &Path) -> Result<String, ConfigError> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            let help = if error.kind() == std::io::ErrorKind::NotFound {
                "run `aether-audit init` here first, or name the project's folder with -C"
            } else {
                "check that the file can be read"
            };
            ConfigError::whole_file(&name, format!("cannot be read: {error}"), help)
        };
        // Opening a pipe would wait for its other end.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(ConfigError::whole_file(
                &name,
                "not a regular file",
                "put the project's aether.toml here",
            ));
        }
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = vec![];
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() > MAX_BYTES {
            return Err(too_large(&name));
        }
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            ConfigError::whole_file(&name, format!("not UTF-8 text (at byte {at})"), "save the file as UTF-8")
        })
    }

    /// Reads the text of a configuration; `path` names it in errors.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str, path: &str) -> Result<Self, ConfigError> {
        if text.len() > MAX_BYTES {
            return Err(too_large(path));
        }
        let file: raw::File = toml::from_str(text)
            .map_err(|error| ConfigError::at(path, text, error.span(), Fault::of_toml(error.message())))?;
        Self::from_raw(file).map_err(|located| ConfigError::at(path, text, Some(located.span), located.fault))
    }

    /// What `deployment-opened` freezes.
    #[must_use]
    pub fn checks(&self) -> Vec<CheckSpec> {
        self.check.iter().map(|check| check.spec.clone()).collect()
    }

    /// The check called `id`.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Check> {
        self.check.iter().find(|check| check.spec.id == id)
    }

    fn from_raw(file: raw::File) -> Result<Self, Located> {
        let aws = AwsSettings {
            region: file.aws.region,
            endpoint_url: file.aws.endpoint_url.map(|url| web_address(&url)).transpose()?,
            profile: file.aws.profile,
            timeout_seconds: optional_number(file.aws.timeout_seconds.as_ref(), 1..=300)?.unwrap_or(10),
        };
        let ca_file = file
            .http
            .ca_file
            .map(|path| filled(path, "write a path such as \"internal-ca.pem\""))
            .transpose()?;
        let archive = Archive {
            url: optional_parsed(file.archive.url.as_ref(), "the bucket, and a prefix where it holds more")?,
            retain_days: optional_number(file.archive.retain_days.as_ref(), 1..=MAX_RETAIN_DAYS)?
                .unwrap_or(RETAIN_DAYS),
        };
        let database = source_snapshot::databases(file.database)?;
        let dns = dns::dns(file.dns)?;
        let slack = slack::slack(file.slack)?;
        let webhook = slack::webhook(file.webhook)?;
        let github = github::github(file.github, file.project.workflow.as_ref())?;
        let mut seen = BTreeSet::new();
        let mut checks = vec![];
        let mut by_record = vec![];
        for raw in file.check {
            let source = Spanned::new(raw.get_ref().source.span(), raw.get_ref().id.get_ref().clone());
            let place = raw.get_ref().id.span();
            let mut check = check::from_raw(raw, &database)?;
            if matches!(check.probe, Probe::Dns(_)) {
                by_record.push((checks.len(), source));
            }
            match &mut check.probe {
                Probe::Http(http) => http.ca_file.clone_from(&ca_file),
                Probe::Prometheus(prometheus) => prometheus.ca_file.clone_from(&ca_file),
                Probe::Flow(flow) => flow.ca_file.clone_from(&ca_file),
                Probe::Certificate(certificate) => certificate.ca_file.clone_from(&ca_file),
                Probe::Github(asked) => asked.settings.clone_from(&github),
                _ => {}
            }
            if !seen.insert(check.spec.id.clone()) {
                let message = format!("two checks are called `{}`", check.spec.id);
                return Err(Located::new(place, message, "give each check an id of its own"));
            }
            checks.push(check);
        }
        let project = project(file.project)?;
        let traffic = traffic::from_raw(file.traffic, &project.services, &seen)?;
        for (index, place) in by_record {
            if let Some(Check { probe: Probe::Dns(probe), .. }) = checks.get_mut(index) {
                source_dns::settle(probe, &place, &traffic)?;
            }
        }
        Ok(Self {
            log: log(file.log)?,
            project,
            escalation: file.escalation,
            deployment: deployment(file.deployment)?,
            aws,
            github,
            archive,
            database,
            slack,
            webhook,
            dns,
            traffic,
            check: checks,
        })
    }
}

fn too_large(path: &str) -> ConfigError {
    ConfigError::whole_file(path, "larger than 1 MiB", "is this the right file?")
}

/// The services whose traffic moves: labels, each once.
fn services(raw: Vec<Spanned<String>>) -> Result<Vec<String>, Located> {
    let mut services = Vec::new();
    for service in raw {
        let span = service.span();
        let service = service.into_inner();
        let help = "write each service once, by a name without control characters";
        if let Err(error) = Label::new(service.as_str()) {
            return Err(Located::new(span, format!("no name of a service: {error}"), help));
        }
        if services.contains(&service) {
            return Err(Located::new(span, format!("the service {service} stands twice"), help));
        }
        services.push(service);
    }
    Ok(services)
}

fn project(raw: raw::Project) -> Result<Project, Located> {
    Ok(Project {
        name: raw.name,
        environment: raw.environment,
        services: services(raw.services)?,
        production_url: raw.production_url.map(|url| web_address(&url)).transpose()?,
        dashboard_url: raw.dashboard_url.map(|url| web_address(&url)).transpose()?,
        channel: raw.channel,
        workflow: raw.workflow,
    })
}

fn log(raw: raw::Log) -> Result<Log, Located> {
    if let Some(message) = origin_fault(raw.origin.get_ref()) {
        let help = "write something like \"example.com/audit/prod\"";
        return Err(Located::new(raw.origin.span(), message, help));
    }
    let ledger =
        raw.ledger.map(|path| filled(path, "write a path such as \"records/ledger.db\"")).transpose()?;
    let ledger = ledger.unwrap_or_else(|| "records/ledger.db".to_owned());
    Ok(Log { origin: raw.origin.into_inner(), ledger: ledger.into() })
}

/// What is wrong with `origin`, if anything.
#[must_use]
pub fn origin_fault(origin: &str) -> Option<&'static str> {
    if origin.is_empty() {
        Some("an empty origin")
    } else if origin.len() > 255 {
        Some("an origin longer than 255 bytes")
    } else if origin.contains("://") {
        Some("an origin has no scheme")
    } else if origin.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
        Some("an origin has no space, plus sign or control character")
    } else {
        None
    }
}

fn deployment(raw: raw::Deployment) -> Result<Deployment, Located> {
    let coverage = match &raw.coverage {
        None => Decimal::from(95),
        Some(text) => {
            let (zero, hundred) = (Decimal::from(0), Decimal::from(100));
            let within = |value: &Decimal| value.compare(&zero).is_gt() && value.compare(&hundred).is_le();
            text.get_ref().parse().ok().filter(within).ok_or_else(|| {
                Located::new(
                    text.span(),
                    "not a percentage above 0 and up to 100",
                    "write a string such as \"95\"",
                )
            })?
        }
    };
    let mut separate = vec![];
    for pair in raw.separate {
        let pair_help = "write two roles, such as [\"lead-deployer\", \"qa-engineer\"]";
        let span = pair.span();
        let roles: [String; 2] = pair
            .into_inner()
            .try_into()
            .map_err(|_| Located::new(span.clone(), "not a pair of roles", pair_help))?;
        if roles[0] == roles[1] || !roles.iter().all(|role| id(role)) {
            return Err(Located::new(span, "not a pair of two different role names", pair_help));
        }
        separate.push(roles);
    }
    Ok(Deployment {
        verification_minutes: optional_number(raw.verification_minutes.as_ref(), 1..=1440)?.unwrap_or(60),
        standby_minutes: optional_number(raw.standby_minutes.as_ref(), 0..=10_080)?.unwrap_or(60),
        coverage,
        machine_rollback: raw.machine_rollback,
        separate,
    })
}
