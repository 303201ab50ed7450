//! One GET request: status, body and latency. Redirects are not followed; what the URL itself answers is judged.

use std::path::{Path, PathBuf};

use ureq::http;

use super::web::Web;
use super::{Answer, EvidenceError, Observation, Request, Response, Source, moment};
use crate::core::check::{Decimal, HttpProbe, Point, status_in};
use crate::core::redact;

/// One URL.
#[derive(Clone, Debug)]
pub struct Http {
    probe: HttpProbe,
    root: PathBuf,
}

impl Http {
    /// Measures by `probe`; its files are below `root`.
    #[must_use]
    pub fn new(probe: HttpProbe, root: &Path) -> Self {
        Self { probe, root: root.to_owned() }
    }
}

impl Source for Http {
    fn query(&self) -> String {
        format!("GET {}", redact::url(&self.probe.url))
    }

    fn statistic(&self) -> Option<String> {
        Some("latency".to_owned())
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let window = Some(moment(request.now));
        let web = Web::new(&self.root, self.probe.ca_file.as_deref(), self.probe.timeout_seconds)?;
        let asked = http::Request::get(&self.probe.url).body(Vec::new());
        let asked = asked
            .map_err(|_| EvidenceError::Invalid { what: "the check's url cannot be requested".to_owned() })?;
        let reply = match web.send(&asked) {
            Ok(reply) => reply,
            Err(error) => {
                let note = Some(web.silence(&error, &self.probe.url)?);
                return Ok(Observation { window, answer: Some(Answer::No), note, ..Observation::default() });
            }
        };
        let pattern = self.probe.body_pattern.as_deref().map(regex_lite::Regex::new).transpose();
        let pattern =
            pattern.map_err(|error| EvidenceError::Invalid { what: format!("body-pattern: {error}") })?;
        let body_fits =
            pattern.as_ref().map(|pattern| pattern.is_match(&String::from_utf8_lossy(&reply.body)));
        let mut note = format!("status {}, {} bytes", reply.status, reply.body.len());
        if reply.more {
            note.push_str(" and more that were not read");
        }
        if body_fits == Some(false) {
            note.push_str(", pattern not found");
        }
        let fits = status_in(&self.probe.status, reply.status) && body_fits != Some(false);
        Ok(Observation {
            window,
            points: millis(reply.millis).map(|value| Point { at: request.now, value }).into_iter().collect(),
            samples: Some(1),
            answer: Some(if fits { Answer::Yes } else { Answer::No }),
            // What an application says when it fails may hold what nobody should read: its size is enough.
            response: fits.then_some(Response { bytes: reply.body, media_type: reply.media_type }),
            note: Some(note),
            ..Observation::default()
        })
    }
}

/// Milliseconds to the microsecond.
pub fn millis(millis: f64) -> Option<Decimal> {
    Decimal::from_f64((millis * 1000.0).round() / 1000.0)
}
