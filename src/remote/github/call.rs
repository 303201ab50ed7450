//! One request: the headers, the patience, the pages, and what a refusal means.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::HeaderMap;

use super::GithubError;
use super::token::Token;
use crate::core::check::{GITHUB_API, GithubSettings};
use crate::remote::http;

/// The version of the API that is spoken.
const VERSION: &str = "2022-11-28";
/// So often is GitHub asked that cannot answer now.
const TRIES: u32 = 4;
/// The first pause between two tries; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(500);
/// A longer wait than this is the caller's to decide about.
const LONGEST_WAIT: u64 = 60;
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 8 << 20;
/// The most pages of one list.
const MAX_PAGES: usize = 20;
/// Items of a page: the most that GitHub gives.
pub(super) const PER_PAGE: &str = "per_page=100";

/// A repository, and who asks about it.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    token: Token,
    place: String,
    repository: String,
}

/// What is asked, for errors.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// In words, such as `the run 7`.
    pub what: &'a str,
    /// What a fine-grained token needs, such as `Actions: read`.
    pub permission: &'static str,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Client {
    /// For the repository of `settings`, with the environment's token.
    ///
    /// # Errors
    /// Where there is no token, or no repository is set.
    pub fn new(settings: &GithubSettings) -> Result<Self, GithubError> {
        let repository = settings.repository.clone().ok_or(GithubError::NoRepository)?;
        let seconds = if settings.timeout_seconds == 0 { 10 } else { settings.timeout_seconds };
        Ok(Self {
            agent: http::agent(Duration::from_secs(seconds.into())),
            token: Token::from_environment()?,
            place: settings.api_url.clone().unwrap_or_else(|| GITHUB_API.to_owned()),
            repository,
        })
    }

    /// `owner/name`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The address of what lies at `path` below the repository; `path` begins with a slash, or is empty.
    fn url(&self, path: &str) -> String {
        format!("{}/repos/{}{path}", self.place, self.repository)
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, asked: Asked) -> Result<T, GithubError> {
        let answer = self.patiently(&self.url(path), asked)?;
        read(&answer.body, asked)
    }

    /// Every page of a list; `items` takes them out of a page.
    pub(super) fn list<P: DeserializeOwned, T>(
        &self,
        path: &str,
        asked: Asked,
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, GithubError> {
        let mut url = self.url(path);
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let answer = self.patiently(&url, asked)?;
            all.extend(items(read(&answer.body, asked)?));
            match next_page(&answer.headers) {
                None => return Ok(all),
                // The token goes to nobody else.
                Some(next) if next.strip_prefix(&self.place).is_some_and(|rest| rest.starts_with('/')) => {
                    url = next;
                }
                Some(_) => {
                    let why = "the next page is elsewhere".to_owned();
                    return Err(GithubError::Nonsense { what: asked.what.to_owned(), why });
                }
            }
        }
        Err(GithubError::TooMuch { what: asked.what.to_owned() })
    }

    /// Changes something: sent once, and again only where GitHub says that it did nothing.
    pub(super) fn post(
        &self,
        path: &str,
        body: &serde_json::Value,
        asked: Asked,
    ) -> Result<(u16, Vec<u8>), GithubError> {
        let body = body.to_string();
        let mut turn = 1;
        loop {
            let answer = self.send(&self.url(path), Some(&body), asked)?;
            match refusal(&answer, asked) {
                None => return Ok((answer.status, answer.body)),
                Some(error @ GithubError::Throttled { .. }) => wait(error, &mut turn)?,
                Some(error) => return Err(error),
            }
        }
    }

    fn patiently(&self, url: &str, asked: Asked) -> Result<Answer, GithubError> {
        let mut turn = 1;
        loop {
            let error = match self.send(url, None, asked) {
                Ok(answer) => match refusal(&answer, asked) {
                    None => return Ok(answer),
                    Some(error) => error,
                },
                Err(error) => error,
            };
            if !error.passing() {
                return Err(error);
            }
            wait(error, &mut turn)?;
        }
    }

    fn send(&self, url: &str, body: Option<&str>, asked: Asked) -> Result<Answer, GithubError> {
        let exchange = || {
            let headers = [
                ("accept", "application/vnd.github+json"),
                ("x-github-api-version", VERSION),
                ("authorization", &self.token.header()),
            ];
            let mut response = match body {
                None => headers
                    .iter()
                    .fold(self.agent.get(url), |request, (name, value)| request.header(*name, *value))
                    .call()?,
                Some(body) => headers
                    .iter()
                    .fold(self.agent.post(url), |request, (name, value)| request.header(*name, *value))
                    .header("content-type", "application/json")
                    .send(body)?,
            };
            let (body, more) = http::body(&mut response, MAX_ANSWER)?;
            Ok((
                more,
                Answer { status: response.status().as_u16(), headers: response.headers().clone(), body },
            ))
        };
        let what = asked.what.to_owned();
        match exchange() {
            Ok((false, answer)) => Ok(answer),
            Ok((true, _)) => Err(GithubError::TooMuch { what }),
            Err(error) => Err(self.silence(&error, what)),
        }
    }

    fn silence(&self, error: &ureq::Error, what: String) -> GithubError {
        use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
        let place = self.place.clone();
        let unreachable = match error {
            ureq::Error::Io(error) => {
                matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
            }
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
            _ => false,
        };
        match error {
            _ if unreachable => GithubError::Unreachable { place, what },
            ureq::Error::Protocol(_) => {
                GithubError::Nonsense { what, why: "it does not speak HTTP".to_owned() }
            }
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => GithubError::Unreachable { place, what },
            _ => GithubError::NoAnswer { place, what },
        }
    }
}

/// Waits before the next try; gives the error back where there is none, or the wait would be too long.
fn wait(error: GithubError, turn: &mut u32) -> Result<(), GithubError> {
    let asked = if let GithubError::Throttled { seconds, .. } = &error { *seconds } else { None };
    if *turn >= TRIES || asked.is_some_and(|seconds| seconds > LONGEST_WAIT) {
        return Err(error);
    }
    thread::sleep(asked.map_or(PAUSE * 2u32.pow(*turn - 1), Duration::from_secs));
    *turn += 1;
    Ok(())
}

fn read<T: DeserializeOwned>(body: &[u8], asked: Asked) -> Result<T, GithubError> {
    serde_json::from_slice(body).map_err(|error| GithubError::Nonsense {
        what: asked.what.to_owned(),
        why: if error.is_data() {
            format!(
                "a member is missing or of another kind, at line {} column {}",
                error.line(),
                error.column()
            )
        } else {
            "no JSON".to_owned()
        },
    })
}

/// What an answer refuses; `None` where it answers.
fn refusal(answer: &Answer, asked: Asked) -> Option<GithubError> {
    let what = asked.what.to_owned();
    let permission = asked.permission;
    let said = || String::from_utf8_lossy(&answer.body).to_lowercase();
    Some(match answer.status {
        200..=299 => return None,
        300..=399 => GithubError::Moved { what },
        401 => GithubError::BadToken,
        429 => GithubError::Throttled { what, seconds: pause_asked(&answer.headers) },
        403 if pause_asked(&answer.headers).is_some() || said().contains("rate limit") => {
            GithubError::Throttled { what, seconds: pause_asked(&answer.headers) }
        }
        403 => GithubError::Denied { what, permission },
        404 => GithubError::NotFound { what, permission },
        status @ 500..=599 => GithubError::Failing { what, status },
        status => GithubError::Refused { what, status, why: reason(&said()) },
    })
}

/// The few refusals that an operator can do something about.
fn reason(said: &str) -> &'static str {
    if said.contains("unexpected inputs") || said.contains("required input") {
        ": its workflow_dispatch takes other inputs than release, commit and correlation; see docs/GUIDE.md"
    } else if said.contains("workflow_dispatch") {
        ": the workflow has no workflow_dispatch trigger on that branch; add one"
    } else if said.contains("no ref found") {
        ": there is no such branch"
    } else {
        ""
    }
}

/// How many seconds GitHub wants to be left alone: `Retry-After`, or until the limit is reset.
fn pause_asked(headers: &HeaderMap) -> Option<u64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(seconds);
    }
    let reset = number("x-ratelimit-reset").filter(|_| number("x-ratelimit-remaining") == Some(0))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Some(reset.saturating_sub(now))
}

/// The address of the next page (RFC 8288).
fn next_page(headers: &HeaderMap) -> Option<String> {
    let links = headers.get("link")?.to_str().ok()?;
    links.split(',').find_map(|link| {
        let (url, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
        rest.split(';').any(|parameter| parameter.trim() == "rel=\"next\"").then(|| url.to_owned())
    })
}

/// A name as one segment of a path, or as a value of a query.
pub(super) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
