//! A flow: several requests after each other, as somebody who uses the application makes them.
//!
//! Of each step the record keeps name, method, path as written, status and time. Bodies, headers and what was filled in
//! may be secret: they are never recorded.

mod fill;
mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;
use ureq::http;

use super::http::millis;
use super::web::{Reply, Web};
use super::{Answer, EvidenceError, Observation, Request, Response, Source, moment};
use crate::core::check::{FlowProbe, Point, status_in};
use crate::core::hash::Hash;
use crate::core::redact;
use fill::{Unfilled, fill, fill_value};
use plan::{Plan, Step};

/// A file of steps, run against one server.
#[derive(Clone, Debug)]
pub struct Flow {
    probe: FlowProbe,
    root: PathBuf,
}

/// What became of a step, for the record.
#[derive(Serialize)]
struct Ran<'a> {
    name: &'a str,
    method: &'a str,
    path: &'a str,
    status: Option<u16>,
    millis: Option<String>,
    verdict: String,
}

/// What earlier steps left behind.
#[derive(Default)]
struct Session {
    saved: BTreeMap<String, String>,
    cookies: BTreeMap<String, String>,
}

const PASS: &str = "pass";

impl Flow {
    /// Runs `probe`; its files are below `root`.
    #[must_use]
    pub fn new(probe: FlowProbe, root: &Path) -> Self {
        Self { probe, root: root.to_owned() }
    }

    /// A request cannot be made of a step where something that it needs was not saved: the reason.
    fn request(&self, step: &Step, session: &Session) -> Result<http::Request<Vec<u8>>, Unmade> {
        let fill = |text: &str| fill(text, &session.saved).map_err(Unmade::from);
        let path = fill(&step.path)?;
        let mut request = http::Request::builder()
            .method(step.method.as_str())
            .uri(format!("{}{path}", self.probe.base.trim_end_matches('/')));
        for (name, value) in &step.headers {
            request = request.header(name, fill(value)?);
        }
        if !session.cookies.is_empty() {
            let pairs: Vec<_> =
                session.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        let body = if let Some(json) = &step.json {
            let mut json = json.clone();
            fill_value(&mut json, &session.saved)?;
            request = request.header("content-type", "application/json");
            serde_json::to_vec(&json).map_err(|_| Unmade::Impossible)?
        } else if let Some(form) = &step.form {
            request = request.header("content-type", "application/x-www-form-urlencoded");
            let pairs =
                form.iter().map(|(name, value)| Ok(format!("{}={}", encoded(name), encoded(&fill(value)?))));
            pairs.collect::<Result<Vec<_>, Unmade>>()?.join("&").into_bytes()
        } else {
            fill(step.body.as_deref().unwrap_or_default())?.into_bytes()
        };
        request.body(body).map_err(|_| Unmade::Impossible)
    }

    /// Runs one step. An error is one of the flow's file; whatever the server does is a verdict.
    fn run<'a>(
        &self,
        web: &Web,
        step: &'a Step,
        session: &mut Session,
    ) -> Result<(Ran<'a>, f64), EvidenceError> {
        let mut ran = Ran {
            name: &step.name,
            method: &step.method,
            path: &step.path,
            status: None,
            millis: None,
            verdict: String::new(),
        };
        let request = match self.request(step, session) {
            Ok(request) => request,
            Err(Unmade::Unsaved(name)) => {
                ran.verdict = format!("not run: no step before it has saved {name}");
                return Ok((ran, 0.0));
            }
            Err(Unmade::Unset(name)) => {
                let what = format!("the environment has no {name}, which {} needs; set it", self.probe.file);
                return Err(EvidenceError::Missing { what });
            }
            Err(Unmade::Impossible) => {
                let problem = format!("step {:?} makes no request: look at its path and headers", step.name);
                return Err(EvidenceError::File { path: self.probe.file.clone(), problem });
            }
        };
        let reply = match web.send(&request) {
            Ok(reply) => reply,
            Err(error) => {
                ran.verdict = web.silence(&error, &self.probe.base)?;
                return Ok((ran, 0.0));
            }
        };
        ran.verdict = session.judge(step, &reply);
        ran.status = Some(reply.status);
        ran.millis = millis(reply.millis).map(|value| value.to_string());
        Ok((ran, reply.millis))
    }
}

impl Session {
    /// The verdict on an answer; keeps what later steps need.
    fn judge(&mut self, step: &Step, reply: &Reply) -> String {
        for (name, value) in reply.cookies.iter().filter_map(|pair| pair.split_once('=')) {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let body = String::from_utf8_lossy(&reply.body);
        let found =
            |pattern: &String| regex_lite::Regex::new(pattern).is_ok_and(|regex| regex.is_match(&body));
        if !status_in(&step.statuses(), reply.status) {
            return format!(
                "status {}, and not {}",
                reply.status,
                step.status.as_deref().unwrap_or("200-299")
            );
        }
        if step.body_pattern.as_ref().is_some_and(|pattern| !found(pattern)) {
            return "pattern not found".to_owned();
        }
        if step.not_pattern.as_ref().is_some_and(found) {
            return "what must not be there was found".to_owned();
        }
        for (name, pattern) in &step.save {
            let regex = regex_lite::Regex::new(pattern).ok();
            let hit = regex.as_ref().and_then(|regex| regex.captures(&body));
            let value = hit.and_then(|hit| hit.get(1).or_else(|| hit.get(0)));
            match value {
                Some(value) => drop(self.saved.insert(name.clone(), value.as_str().to_owned())),
                None => return format!("nothing to save as {name}"),
            }
        }
        PASS.to_owned()
    }
}

/// Why a step makes no request.
enum Unmade {
    Unsaved(String),
    Unset(String),
    Impossible,
}

impl From<Unfilled> for Unmade {
    fn from(unfilled: Unfilled) -> Self {
        match unfilled {
            Unfilled::Unsaved(name) => Self::Unsaved(name),
            Unfilled::Unset(name) => Self::Unset(name),
        }
    }
}

/// For a form (WHATWG URL, application/x-www-form-urlencoded).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

impl Source for Flow {
    fn query(&self) -> String {
        let sha256 =
            plan::read(&self.root, &self.probe.file).ok().map(|bytes| Hash::of(&[&bytes]).to_string());
        json!({"base": redact::url(&self.probe.base), "file": self.probe.file, "sha256": sha256}).to_string()
    }

    fn statistic(&self) -> Option<String> {
        Some("sum of latencies".to_owned())
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let plan = Plan::parse(&self.probe.file, &plan::read(&self.root, &self.probe.file)?)?;
        let web = Web::new(&self.root, self.probe.ca_file.as_deref(), self.probe.timeout_seconds)?;
        let (mut session, mut total, mut steps) = (Session::default(), 0.0, Vec::new());
        for step in &plan.step {
            let (ran, millis) = self.run(&web, step, &mut session)?;
            total += millis;
            steps.push(ran);
        }
        let passed = steps.iter().filter(|ran| ran.verdict == PASS).count();
        let all = passed == steps.len();
        let mut note = format!("{passed} of {} steps pass", steps.len());
        if let Some(first) = steps.iter().find(|ran| ran.verdict != PASS) {
            note.push_str(&format!("; {}: {}", first.name, first.verdict));
        }
        let value = millis(total).filter(|_| all);
        let bytes =
            serde_json::to_vec_pretty(&json!({"base": redact::url(&self.probe.base), "steps": steps}));
        Ok(Observation {
            window: Some(moment(request.now)),
            points: value.map(|value| Point { at: request.now, value }).into_iter().collect(),
            samples: Some(passed as u64).filter(|_| all),
            answer: Some(if all { Answer::Yes } else { Answer::No }),
            response: bytes.ok().map(|bytes| Response { bytes, media_type: "application/json".to_owned() }),
            note: Some(note),
            ..Observation::default()
        })
    }
}
