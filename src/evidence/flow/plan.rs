//! The file of a flow: its steps, each one request.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::core::check::{StatusRange, statuses};
use crate::evidence::EvidenceError;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 256 << 10;

/// The most steps of one flow.
const MAX_STEPS: usize = 50;

/// A flow as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// In their order.
    #[serde(default)]
    pub step: Vec<Step>,
}

/// One request and what it is to answer. In `path`, `headers`, `json`, `form` and `body`, `{name}` stands for what an
/// earlier step saved and `{env:NAME}` for a variable of the environment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Step {
    /// Said of it in the record.
    pub name: String,
    #[serde(default = "get")]
    pub method: String,
    /// Appended to the flow's base.
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub json: Option<toml::Value>,
    pub form: Option<BTreeMap<String, String>>,
    pub body: Option<String>,
    /// Such as `401,403`; `200-299` unless set.
    pub status: Option<String>,
    /// What the body must contain, and must not.
    pub body_pattern: Option<String>,
    pub not_pattern: Option<String>,
    /// Kept for later steps: the first group of each pattern, from the body.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
}

fn get() -> String {
    "GET".to_owned()
}

impl Step {
    /// The statuses that it may answer with.
    pub fn statuses(&self) -> Vec<StatusRange> {
        statuses(self.status.as_deref().unwrap_or("200-299")).unwrap_or_default()
    }

    fn wrong(&self) -> Option<String> {
        let bodies = [self.json.is_some(), self.form.is_some(), self.body.is_some()];
        let patterns = self.save.values().chain(&self.body_pattern).chain(&self.not_pattern);
        let name = |name: &str| {
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && name.starts_with(|c: char| c.is_ascii_lowercase())
        };
        if self.name.is_empty() || self.name.len() > 100 || self.name.contains(char::is_control) {
            Some("its name is not 1 to 100 characters in one line".into())
        } else if !self.path.starts_with('/') {
            Some("its path does not begin with /".into())
        } else if self.method.is_empty() || !self.method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Some("its method is not a word such as POST".into())
        } else if self.status.as_deref().is_some_and(|text| statuses(text).is_none()) {
            Some("its status is not a set such as \"200\", \"200-299\" or \"401,403\"".into())
        } else if bodies.into_iter().filter(|given| *given).count() > 1 {
            Some("it has more than one of json, form and body".into())
        } else if matches!(self.method.as_str(), "GET" | "HEAD") && bodies.contains(&true) {
            Some(format!("a {} request carries no body", self.method))
        } else if let Some(wrong) = self.save.keys().find(|key| !name(key)) {
            Some(format!("{wrong:?} is no name to save under: write a-z, 0-9 and dash"))
        } else {
            patterns
                .filter_map(|pattern| regex_lite::Regex::new(pattern).err())
                .map(|error| format!("a pattern of it: {error}"))
                .next()
        }
    }
}

impl Plan {
    /// Reads the file; `bytes` are its whole content.
    ///
    /// # Errors
    /// What is wrong, with its line or the step, and none of its values.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, EvidenceError> {
        let file = |problem: String| EvidenceError::File { path: name.to_owned(), problem };
        let text = std::str::from_utf8(bytes).map_err(|_| file("not UTF-8 text; save it as UTF-8".into()))?;
        let plan: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            file(format!("line {line}: {}", error.message()))
        })?;
        if plan.step.is_empty() || plan.step.len() > MAX_STEPS {
            return Err(file(format!("a flow has 1 to {MAX_STEPS} steps: write [[step]] for each")));
        }
        for (number, step) in (1..).zip(&plan.step) {
            if let Some(wrong) = step.wrong() {
                return Err(file(format!("step {number}: {wrong}")));
            }
        }
        Ok(plan)
    }
}

/// The bytes of a flow's file.
///
/// # Errors
/// Where it cannot be read, or is larger than 256 KiB.
pub fn read(root: &Path, name: &str) -> Result<Vec<u8>, EvidenceError> {
    let file = |problem: String| EvidenceError::File { path: name.to_owned(), problem };
    let path = root.join(name);
    let about = std::fs::metadata(&path)
        .map_err(|error| file(format!("cannot be read ({error}): name the file of steps in aether.toml")))?;
    if !about.is_file() || about.len() > MAX_FILE {
        return Err(file("not a regular file of at most 256 KiB".into()));
    }
    std::fs::read(&path).map_err(|error| file(format!("cannot be read: {error}")))
}
