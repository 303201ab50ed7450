//! The environment audit: what is in Parameter Store against what must be there. Values are never asked for.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Answer, EvidenceError, Observation, Request, Source, json_response, moment};
use crate::core::check::{AwsSettings, Expected, ParametersProbe};
use crate::core::hash::Hash;
use crate::core::time::Timestamp;
use crate::remote::aws::{Connection, ssm};

/// The largest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// The parameters below a path.
#[derive(Clone, Debug)]
pub struct Parameters {
    probe: ParametersProbe,
    aws: AwsSettings,
    root: PathBuf,
    last: Option<Last>,
}

/// What was there in the last deployment: version and time of the last change, by name.
#[derive(Clone, Debug)]
struct Last {
    deployment: String,
    parameters: BTreeMap<String, (u64, Timestamp)>,
}

/// What differs from what is expected, each by name.
#[derive(Debug, Default)]
struct Audit {
    missing: Vec<String>,
    unexpected: Vec<String>,
    wrong_type: Vec<String>,
    old: Vec<String>,
    changed: Vec<String>,
}

impl Parameters {
    /// Looks at what `probe` names, reached by `aws`; the manifest is below `root`.
    #[must_use]
    pub fn new(probe: ParametersProbe, aws: AwsSettings, root: &Path) -> Self {
        Self { probe, aws, root: root.to_owned(), last: None }
    }

    /// What must be there, by name: the list, and the manifest.
    fn expected(&self) -> Result<BTreeMap<String, Option<String>>, EvidenceError> {
        let mut all: Vec<Expected> = self.probe.expected.clone();
        if let Some(name) = &self.probe.manifest {
            let fault = |problem: String| EvidenceError::File { path: name.clone(), problem };
            let path = self.root.join(name);
            let unreadable =
                |error: std::io::Error| fault(format!("cannot be read ({error}): correct `manifest`"));
            // Opening a pipe would wait for its other end.
            if !std::fs::metadata(&path).map_err(unreadable)?.is_file() {
                return Err(fault("not a regular file: correct `manifest`".to_owned()));
            }
            let mut text = String::new();
            let file = std::fs::File::open(&path).map_err(unreadable)?;
            file.take(MAX_MANIFEST).read_to_string(&mut text).map_err(unreadable)?;
            for (number, line) in text.lines().enumerate() {
                let line = line.split('#').next().unwrap_or_default().trim();
                if !line.is_empty() {
                    let one = Expected::parse(line, &self.probe.path);
                    let place = format!("line {} is not `NAME` or `NAME TYPE`: correct it", number + 1);
                    all.push(one.ok_or_else(|| fault(place))?);
                }
            }
        }
        let all: BTreeMap<_, _> = all.into_iter().map(|one| (one.name, one.kind)).collect();
        if all.is_empty() {
            let what = "nothing is expected to be in Parameter Store".to_owned();
            return Err(EvidenceError::Invalid { what });
        }
        Ok(all)
    }

    fn audit(
        &self,
        expected: &BTreeMap<String, Option<String>>,
        found: &[ssm::Parameter],
        now: Timestamp,
    ) -> Audit {
        let mut audit = Audit::default();
        let there: BTreeMap<_, _> = found.iter().map(|one| (&one.name, one)).collect();
        audit.missing = expected.keys().filter(|name| !there.contains_key(name)).cloned().collect();
        let oldest = self.probe.max_age_days.map(|days| now.plus_seconds(-86_400 * i64::from(days)));
        for one in found {
            match expected.get(&one.name) {
                None => audit.unexpected.push(one.name.clone()),
                Some(Some(kind)) if *kind != one.kind => audit.wrong_type.push(one.name.clone()),
                Some(_) => {}
            }
            if oldest.is_some_and(|oldest| one.modified < oldest) {
                audit.old.push(one.name.clone());
            }
            let since = self.probe.since.is_some_and(|since| one.modified >= since);
            let other = |last: &Last| last.parameters.get(&one.name) != Some(&(one.version, one.modified));
            if since || self.last.as_ref().is_some_and(other) {
                audit.changed.push(one.name.clone());
            }
        }
        audit
    }

    fn answer(&self, audit: &Audit) -> Answer {
        let bad = !audit.missing.is_empty()
            || !audit.wrong_type.is_empty()
            || !audit.old.is_empty()
            || (!self.probe.allow_unexpected && !audit.unexpected.is_empty())
            || (!self.probe.allow_changes && !audit.changed.is_empty());
        let compared = self.last.is_some() || self.probe.since.is_some();
        match (bad, compared || self.probe.allow_changes) {
            (true, _) => Answer::No,
            (false, true) => Answer::Yes,
            // Nothing to compare with is not the same as nothing changed.
            (false, false) => Answer::Unknown,
        }
    }

    /// The names below the path, as they are shown.
    fn short<'a>(&self, names: &'a [String]) -> Vec<&'a str> {
        let path = format!("{}/", self.probe.path.trim_end_matches('/'));
        names.iter().map(|name| name.strip_prefix(&path).unwrap_or(name)).collect()
    }

    fn note(&self, audit: &Audit, found: usize) -> String {
        let mut note = format!("{found} parameters");
        let days = self.probe.max_age_days.unwrap_or_default();
        let since =
            [self.probe.since.map(Timestamp::human), self.last.as_ref().map(|last| last.deployment.clone())];
        let since = since.into_iter().flatten().collect::<Vec<_>>().join(" or ");
        for (what, names) in [
            ("missing".to_owned(), &audit.missing),
            ("of another type".to_owned(), &audit.wrong_type),
            ("unexpected".to_owned(), &audit.unexpected),
            (format!("older than {days} days"), &audit.old),
            (format!("changed since {since}"), &audit.changed),
        ] {
            if !names.is_empty() {
                note.push_str(&format!("; {} {what}: {}", names.len(), self.short(names).join(", ")));
            }
        }
        if since.is_empty() {
            note.push_str("; nothing earlier to compare with");
        }
        note
    }
}

impl Source for Parameters {
    fn query(&self) -> String {
        // The list may be longer than a query; its hash says whether it is the same one.
        let expected = self.expected().ok().map(|expected| {
            let lines =
                expected.iter().map(|(name, kind)| format!("{name} {}\n", kind.as_deref().unwrap_or("-")));
            Hash::of(&[lines.collect::<String>().as_bytes()]).to_string()
        });
        json!({
            "action": "DescribeParameters", "path": self.probe.path, "manifest": self.probe.manifest,
            "expectedSha256": expected, "allowUnexpected": self.probe.allow_unexpected,
            "maxAgeDays": self.probe.max_age_days, "since": self.probe.since, "allowChanges": self.probe.allow_changes,
        })
        .to_string()
    }

    fn recalls(&self) -> bool {
        true
    }

    fn recall(&mut self, of: &str, response: &[u8]) {
        let value: Value = serde_json::from_slice(response).unwrap_or_default();
        let read = |one: &Value| {
            let text = |name| one.get(name).and_then(Value::as_str);
            let modified = text("lastModified").and_then(|time| Timestamp::parse(time).ok())?;
            Some((text("name")?.to_owned(), (one.get("version")?.as_u64()?, modified)))
        };
        let all = value.get("parameters").and_then(Value::as_array);
        let parameters: Option<_> = all.and_then(|all| all.iter().map(read).collect());
        self.last = parameters.map(|parameters| Last { deployment: of.to_owned(), parameters });
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let expected = self.expected()?;
        let connection = Connection::open(&self.aws)?;
        let found = ssm::below(&connection, &self.probe.path)?;
        let audit = self.audit(&expected, &found, request.now);
        let rows: Vec<_> = found
            .iter()
            .map(|one| {
                json!({ "name": one.name, "type": one.kind, "version": one.version, "lastModified": one.modified })
            })
            .collect();
        let response = json!({
            "path": self.probe.path, "parameters": rows, "missing": audit.missing, "wrongType": audit.wrong_type,
            "unexpected": audit.unexpected, "old": audit.old, "changed": audit.changed,
            "comparedWith": self.last.as_ref().map(|last| &last.deployment),
        });
        Ok(Observation {
            window: Some(moment(request.now)),
            answer: Some(self.answer(&audit)),
            response: json_response(&response),
            note: Some(self.note(&audit, found.len())),
            ..Observation::default()
        })
    }
}
