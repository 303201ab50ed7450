//! A question each second while traffic moves, so that "zero downtime" is a measured number.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::sections;
use crate::cli::app::{App, Clock as _, SystemClock};
use crate::config::Config;
use crate::core::check::{Aggregate, Decimal, HttpProbe, Phase, Reading, Window};
use crate::core::name::Label;
use crate::core::redact;
use crate::core::time::Timestamp;
use crate::evidence::{Answer, Http, Request, Source as _};

const EACH: Duration = Duration::from_secs(1);

/// A thread that asks.
pub struct Probe {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<(Timestamp, bool)>>>,
    url: String,
}

impl Probe {
    /// Begins to ask the address of the first service that has one, or the production address; none where neither is
    /// configured.
    #[must_use]
    pub fn start(app: &App, config: &Config, services: &[Label]) -> Option<Self> {
        let own = services
            .iter()
            .flat_map(|service| sections(config, service))
            .find_map(|section| section.probe_url.as_ref());
        let url = own.or(config.project.production_url.as_ref())?.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopping, asked, home) = (stop.clone(), url.clone(), app.home());
        let thread = std::thread::Builder::new().spawn(move || ask(&asked, home, &stopping)).ok();
        Some(Self { stop, thread, url })
    }

    /// Asks no more; [`Probe::end`] waits for the answer that is still out.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Ends it, and says what it saw.
    #[must_use]
    pub fn end(mut self) -> Option<Reading> {
        self.stop();
        let seen = self.thread.take()?.join().ok()?;
        summary(&self.url, &seen)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop();
    }
}

fn ask(url: &str, home: PathBuf, stop: &AtomicBool) -> Vec<(Timestamp, bool)> {
    let probe = HttpProbe {
        url: url.to_owned(),
        status: vec![(200, 399)],
        body_pattern: None,
        timeout_seconds: 5,
        ca_file: None,
    };
    let http = Http::new(probe, &home);
    drop(home);
    let mut seen = Vec::new();
    loop {
        let (start, now) = (Instant::now(), SystemClock.now());
        let window = Window { from: now, to: now, period: 0 };
        let request =
            Request { window, now, baseline_days: 0, aggregate: Some(Aggregate::Last), deployed: None };
        let good = http.read(&request).is_ok_and(|seen| seen.answer == Some(Answer::Yes));
        seen.push((now, good));
        while start.elapsed() < EACH {
            if stop.load(Ordering::SeqCst) {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if stop.load(Ordering::SeqCst) {
            return seen;
        }
    }
}

/// How many were answered, and the longest time without: from the first question without an answer to the next with one.
fn summary(url: &str, seen: &[(Timestamp, bool)]) -> Option<Reading> {
    let (first, last) = (seen.first()?.0, seen.last()?.0);
    let good = seen.iter().filter(|(_, good)| *good).count();
    let (mut longest, mut begun) = (0, None);
    for (at, good) in seen {
        let since = *begun.get_or_insert(*at);
        if *good {
            if since != *at {
                longest = longest.max(at.millis() - since.millis());
            }
            begun = None;
        }
    }
    if let Some(since) = begun {
        longest = longest.max(last.millis() - since.millis() + 1000);
    }
    let failed = seen.len() - good;
    let mut detail = format!("{good} of {} answered, {failed} failed", seen.len());
    if failed > 0 {
        detail.push_str(&format!(", longest outage {}.{} s", longest / 1000, longest % 1000 / 100));
    }
    Some(Reading {
        source: "http".into(),
        query: Some(format!("GET {} each second while traffic moved", redact::url(url))),
        phase: Some(if failed == 0 { Phase::Pass } else { Phase::Warn }),
        value: Decimal::from_f64(
            100.0 * f64::from(u32::try_from(good).ok()?) / f64::from(u32::try_from(seen.len()).ok()?),
        ),
        unit: Some("percent".into()),
        statistic: Some("answered".into()),
        samples: u64::try_from(seen.len()).ok(),
        window: Some(Window { from: first, to: last, period: 1 }),
        detail: Some(detail),
        ..Reading::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Option<String> {
        let start = Timestamp::parse("2026-07-03T02:04:11.000Z").unwrap();
        let all: Vec<_> = (0..).zip(text.chars()).map(|(at, c)| (start.plus_seconds(at), c == '.')).collect();
        summary("http://x/", &all).and_then(|reading| reading.detail)
    }

    #[test]
    fn outages_are_measured() {
        assert_eq!(seen("....").as_deref(), Some("4 of 4 answered, 0 failed"));
        assert_eq!(seen("..x.xx.").as_deref(), Some("4 of 7 answered, 3 failed, longest outage 2.0 s"));
        assert_eq!(seen("xxx").as_deref(), Some("0 of 3 answered, 3 failed, longest outage 3.0 s"));
        assert_eq!(seen(""), None);
    }
}
