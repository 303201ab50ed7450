//! Readings made elsewhere: `{"series":{"http-5xx":[["2026-07-03T02:04:00.000Z","0.02"],…]}}`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{EvidenceError, MAX_RESPONSE, Observation, Request, Response, Source, series};
use crate::core::check::{Decimal, Point};
use crate::core::time::Timestamp;

/// The largest file of readings, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// One series of a file of readings.
#[derive(Clone, Debug)]
pub struct File {
    full: PathBuf,
    path: String,
    series: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Readings {
    series: BTreeMap<String, Vec<(Timestamp, Decimal)>>,
}

impl File {
    /// `series` of the file `path`, which is below `root` unless absolute.
    #[must_use]
    pub fn new(root: &Path, path: &str, series: &str) -> Self {
        Self { full: root.join(path), path: path.to_owned(), series: series.to_owned() }
    }

    fn fault(&self, problem: impl Into<String>) -> EvidenceError {
        EvidenceError::File { path: self.path.clone(), problem: problem.into() }
    }

    fn points(&self) -> Result<Vec<Point>, EvidenceError> {
        let unreadable = |error: std::io::Error| {
            self.fault(format!(
                "cannot be read ({error}): put the file there or correct `path` in aether.toml"
            ))
        };
        // Opening a pipe would wait for its other end.
        if !std::fs::metadata(&self.full).map_err(unreadable)?.is_file() {
            return Err(self.fault("not a regular file: correct `path` in aether.toml"));
        }
        let mut text = vec![];
        let file = std::fs::File::open(&self.full).map_err(unreadable)?;
        file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(self.fault("larger than 16 MiB: split it"));
        }
        let mut all: Readings = serde_json::from_slice(&text).map_err(|error| {
            let shape = r#"{"series":{"NAME":[["2026-07-03T02:04:00.000Z","0.02"]]}}"#;
            self.fault(format!("not a file of readings ({error}): write {shape}"))
        })?;
        let Some(found) = all.series.remove(&self.series) else {
            let known: Vec<_> = all.series.keys().take(10).map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(self.fault(format!("no series `{}`; it has: {known}", self.series)));
        };
        let mut points: Vec<_> = found.into_iter().map(|(at, value)| Point { at, value }).collect();
        points.sort_by_key(|point| point.at);
        let double = points.windows(2).find_map(|pair| match pair {
            [a, b] if a.at == b.at => Some(a.at),
            _ => None,
        });
        match double {
            Some(at) => Err(self.fault(format!("`{}` has two values for {at}: keep one", self.series))),
            None => Ok(points),
        }
    }
}

impl Source for File {
    fn query(&self) -> String {
        format!("{}#{}", self.path, self.series)
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let all = self.points()?;
        let points = series::within(&all, request.window);
        let baseline_points = (1..=request.baseline_days)
            .rev()
            .flat_map(|days| {
                let window = series::earlier(request.window, days);
                series::day(series::within(&all, window), window, request)
            })
            .collect();
        let rows: Vec<_> = points.iter().map(|point| (point.at, &point.value)).collect();
        let bytes = serde_json::to_vec(&BTreeMap::from([("series", BTreeMap::from([(&self.series, rows)]))]));
        let response = bytes.ok().filter(|bytes| bytes.len() <= MAX_RESPONSE);
        let response = response.map(|bytes| Response { bytes, media_type: "application/json".to_owned() });
        Ok(Observation { points, baseline_points, response, ..Observation::default() })
    }
}
