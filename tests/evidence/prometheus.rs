//! The Prometheus source: a real server that scrapes a small app, and scripted answers for what it never gives.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aether_audit::core::check::Phase;
use aether_audit::core::time::Timestamp;
use aether_audit::evidence::Collected;

use crate::prometheus_server::Prometheus;
use crate::server::Server;
use crate::{config, detail, measure_at, now};

fn check(url: &str, query: &str, more: &str) -> String {
    format!(
        "[[check]]\nid = \"p\"\nsource = \"prometheus\"\nobjective = \"< 10\"\nrollback = \"> 100\"\nwindow-minutes = 1\n{more}\n[check.prometheus]\nurl = \"{url}\"\nquery = '{query}'\n"
    )
}

fn ask_at(url: &str, query: &str, more: &str, at: Timestamp) -> Collected {
    let config = config(&check(url, query, more));
    measure_at(&config, &config.check[0], Path::new("."), at)
}

fn ask(url: &str, query: &str, more: &str) -> Collected {
    ask_at(url, query, more, now())
}

/// Collects until `good`, for at most a minute.
#[track_caller]
fn until(mut collect: impl FnMut() -> Collected, good: impl Fn(&Collected) -> bool) -> Collected {
    let started = Instant::now();
    loop {
        let collected = collect();
        if good(&collected) {
            return collected;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "{:?}", collected.reading);
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn a_server_that_scrapes_an_app() {
    let (requests, errors) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (asked, failed) = (requests.clone(), errors.clone());
    let app = Server::start(move |stream, _| {
        let body = format!(
            "queue{{node=\"a\"}} 4\nqueue{{node=\"b\"}} 5\nrequests_total {}\nerrors_total {}\n",
            asked.fetch_add(100, Ordering::SeqCst),
            failed.load(Ordering::SeqCst),
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let _ = std::io::Write::write_all(stream, [head, body].concat().as_bytes());
    });
    let server = Prometheus::start(&[app.address.to_string()], "");
    let url = server.url();
    let fine = "period-seconds = 5";

    let good = until(|| ask(&url, "sum(queue)", fine), |c| c.reading.points.len() >= 2);
    assert_eq!((good.reading.phase, good.reading.value.as_ref().unwrap().as_str()), (Some(Phase::Pass), "9"));
    let window = good.reading.window.unwrap();
    assert!(good.reading.points.iter().all(|p| window.from <= p.at && p.at < window.to), "{window:?}");
    assert!(good.reading.query.as_ref().unwrap().contains("sum(queue)"));
    assert!(String::from_utf8(good.response.unwrap().bytes).unwrap().contains(r#""values":[["20"#));

    let many = ask(&url, "queue", fine);
    assert_eq!(many.reading.phase, Some(Phase::Error));
    assert!(detail(&many).contains("2 series") && detail(&many).contains("sum("), "{}", detail(&many));
    let none = ask(&url, "sum(nothing_of_the_kind)", fine);
    assert_eq!((none.reading.phase, none.failure.is_none()), (Some(Phase::NoData), true));
    let wrong = ask(&url, "sum(queue", fine);
    assert!(detail(&wrong).contains("bad_data") && wrong.response.is_some(), "{}", detail(&wrong));
    let nan = ask(&url, "vector(0) / 0", fine);
    assert_eq!(nan.reading.phase, Some(Phase::NoData));
    assert!(detail(&nan).contains("samples that are no numbers: 12"), "{}", detail(&nan));
    // One period: asked at one moment, where a bare number is one too.
    let scalar = ask(&url, "42", "");
    assert_eq!((scalar.reading.phase, scalar.reading.points.len()), (Some(Phase::Warn), 1));
    let text = ask(&url, "\"text\"", "");
    assert!(detail(&text).contains("is it a string?"), "{}", detail(&text));

    // A ratio by the server itself, and the requests behind it.
    let ratio = "100 * sum(increase(errors_total[5s])) / sum(increase(requests_total[5s]))";
    let counted = |least: &str| {
        let config = config(&format!(
            "{}requests = 'sum(increase(requests_total[5s]))'\n",
            check(&url, ratio, &format!("period-seconds = 5\nmin-requests = {least}"))
        ));
        measure_at(&config, &config.check[0], Path::new("."), now())
    };
    let enough = until(|| counted("50"), |c| c.reading.phase == Some(Phase::Pass));
    assert!(enough.reading.samples.unwrap() >= 50);
    let few = counted("1000000");
    assert_eq!(few.reading.phase, Some(Phase::NoData));
    assert!(detail(&few).contains("insufficient"), "{}", detail(&few));
}

#[test]
fn earlier_days_are_a_sample_each() {
    let at = Timestamp::parse("2026-07-03T02:10:00.000Z").unwrap();
    let mut history = String::from("# TYPE latency gauge\n");
    for day in (0..=3).rev() {
        for minute in 0..=10 {
            let value = if day == 0 { 200 + minute } else { 100 + minute + 7 * day };
            let when = at.plus_seconds(-86_400 * day - 60 * (10 - minute)).millis() / 1000;
            history.push_str(&format!("latency {value} {when}\n"));
        }
    }
    let server = Prometheus::start(&[], &history);
    let by = |more: &str| {
        let text = check(&server.url(), "latency", &format!("baseline-days = 3\n{more}"));
        let text = text
            .replace("\"< 10\"", "\"< 1000\"")
            .replace("\"> 100\"", "\"> 5000\"")
            .replace("window-minutes = 1", "window-minutes = 5");
        let config = config(&text);
        measure_at(&config, &config.check[0], Path::new("."), at)
    };
    let ranked = by("baseline-test = \"mann-whitney\"");
    assert_eq!((ranked.reading.phase, ranked.reading.baseline_points.len()), (Some(Phase::Warn), 15));
    assert!(
        detail(&ranked).contains("worse than history at alpha 0.01 (n1 5, n2 15, U 75)"),
        "{}",
        detail(&ranked)
    );
    let ratio = by("baseline-ratio = \"1.2\"");
    assert_eq!((ratio.reading.phase, ratio.reading.baseline_points.len()), (Some(Phase::Warn), 3));
}

/// What a real server does not do on demand.
#[test]
fn scripted_answers() {
    let ok = |rest: &str| {
        format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{rest}]}},\"warnings\":[\"a store is away\"]}}"
        )
    };
    let sample = |value: &str| format!("{{\"metric\":{{}},\"value\":[1783044060.123,\"{value}\"]}}");
    for (status, body, phase, says) in [
        (
            "503 Service Unavailable",
            "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"query timed out\"}".to_owned(),
            Phase::Error,
            "(timeout)",
        ),
        (
            "200 OK",
            "{\"status\":\"error\",\"errorType\":\"execution\\u001b[2J\",\"error\":\"x\"}".into(),
            Phase::Error,
            "(execution2J)",
        ),
        ("401 Unauthorized", "go away".into(), Phase::Error, "(status 401)"),
        ("302 Found", "{}".into(), Phase::Error, "(status 302)"),
        ("200 OK", "<html>".into(), Phase::Error, "is the url right?"),
        ("200 OK", "{\"status\":\"success\"}".into(), Phase::Error, "success without data"),
        (
            "200 OK",
            "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":7}}".into(),
            Phase::Error,
            "cannot be read",
        ),
        ("200 OK", ok("{\"metric\":{},\"histogram\":[1783044060,{}]}"), Phase::Error, "histogram_quantile()"),
        ("200 OK", ok(&sample("+Inf")), Phase::NoData, "samples that are no numbers: 1"),
        ("200 OK", ok(""), Phase::NoData, "seen all data: 1"),
    ] {
        let server = Server::saying(status, "", body.as_bytes());
        let collected = ask(&server.url(), "x", "");
        assert_eq!(collected.reading.phase, Some(phase), "{body}: {}", detail(&collected));
        assert!(detail(&collected).contains(says), "{says}: {}", detail(&collected));
    }
    let cut = Server::start(|_, _| {});
    assert!(detail(&ask(&cut.url(), "x", "")).contains("gave no usable answer"));
    let slow = Server::start(|_, _| std::thread::sleep(Duration::from_secs(2)));
    assert!(detail(&ask(&slow.url(), "x", "timeout-seconds = 1")).contains("no answer within 1 s"));
}

/// The token goes to the server, and nowhere else.
#[test]
fn a_token_is_sent_and_not_kept() {
    let heard = Arc::new(Mutex::new(String::new()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ear = heard.clone();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = [0; 4096];
        let count = std::io::Read::read(&mut stream, &mut bytes).unwrap();
        *ear.lock().unwrap() = String::from_utf8_lossy(&bytes[..count]).into_owned();
        let body = "{\"status\":\"error\",\"errorType\":\"unauthorized\",\"error\":\"no\"}";
        let head =
            format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let _ = std::io::Write::write_all(&mut stream, [&head, body].concat().as_bytes());
    });
    // Cargo sets this one: a value that is there without changing the environment of other tests.
    let secret = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let config = config(&format!(
        "{}token-env = \"CARGO_MANIFEST_DIR\"\n",
        check(&format!("http://user:pass@{address}"), "x", "")
    ));
    let collected = measure_at(&config, &config.check[0], Path::new("."), now());
    thread.join().unwrap();
    assert!(heard.lock().unwrap().contains(&format!("Bearer {secret}")), "{}", heard.lock().unwrap());
    let told = format!("{collected:?}");
    assert!(!told.contains(&secret) && !told.contains("pass@"), "{told}");
    let unset = crate::config(&format!(
        "{}token-env = \"NO_SUCH_VARIABLE_HERE\"\n",
        check("http://127.0.0.1:9", "x", "")
    ));
    let unset = measure_at(&unset, &unset.check[0], Path::new("."), now());
    assert!(detail(&unset).contains("NO_SUCH_VARIABLE_HERE holds no token"), "{}", detail(&unset));
}
