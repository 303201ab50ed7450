//! What a real server cannot be made to do on demand: a scripted one answers as AWS documents its refusals.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::Ordering;

use aether_audit::core::check::Phase;
use aether_audit::evidence::Collected;

use crate::child::{CREDENTIALS, parent_of};
use crate::server::Server;
use crate::{config, detail, measure_at, now};

const CHECK: &str = "[[check]]\nid = \"m\"\nsource = \"cloudwatch\"\nnamespace = \"N\"\nmetric = \"M\"\nstatistic = \"p99\"\nobjective = \"< 1\"\n";

const HEADERS: &str = "smithy-protocol: rpc-v2-cbor\r\ncontent-type: application/cbor\r\n";

/// CBOR (RFC 8949) of the few shapes that the answers need.
enum Cbor {
    Text(&'static str),
    Seconds(i64),
    Double(f64),
    List(Vec<Cbor>),
    Map(Vec<(&'static str, Cbor)>),
}

impl Cbor {
    fn write(&self, out: &mut Vec<u8>) {
        fn head(major: u8, length: usize, out: &mut Vec<u8>) {
            out.push((major << 5) | 0x19);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        match self {
            Self::Text(text) => {
                head(3, text.len(), out);
                out.extend(text.as_bytes());
            }
            Self::Seconds(seconds) => {
                out.extend([0xc1, 0x1a]);
                out.extend(u32::try_from(*seconds).unwrap().to_be_bytes());
            }
            Self::Double(value) => {
                out.push(0xfb);
                out.extend(value.to_be_bytes());
            }
            Self::List(items) => {
                head(4, items.len(), out);
                for item in items {
                    item.write(out);
                }
            }
            Self::Map(members) => {
                head(5, members.len(), out);
                for (name, value) in members {
                    Self::Text(name).write(out);
                    value.write(out);
                }
            }
        }
    }
}

fn encoded(body: &Cbor) -> Vec<u8> {
    let mut bytes = vec![];
    body.write(&mut bytes);
    bytes
}

fn aws(status: &str, body: &Cbor) -> Server {
    Server::saying(status, HEADERS, &encoded(body))
}

fn refusal(code: &'static str) -> Cbor {
    Cbor::Map(vec![("__type", Cbor::Text(code)), ("message", Cbor::Text("their words"))])
}

fn results(status: &'static str) -> Cbor {
    let result = |id| {
        let empty = || Cbor::List(vec![]);
        Cbor::Map(vec![
            ("Id", Cbor::Text(id)),
            ("StatusCode", Cbor::Text(status)),
            ("Timestamps", empty()),
            ("Values", empty()),
        ])
    };
    Cbor::Map(vec![("MetricDataResults", Cbor::List(vec![result("m0"), result("n")]))])
}

fn read(endpoint: &str, more: &str) -> Collected {
    let settings = format!("[aws]\nregion = \"us-east-1\"\nendpoint-url = \"{endpoint}\"\n{more}\n");
    let config = config(&format!("{settings}{CHECK}"));
    measure_at(&config, &config.check[0], Path::new("."), now())
}

fn is(collected: &Collected, phase: Phase, part: &str) {
    assert_eq!(collected.reading.phase, Some(phase), "{}", detail(collected));
    assert!(detail(collected).contains(part), "{part}: {}", detail(collected));
    assert_eq!(collected.failure.is_some(), phase == Phase::Error);
    assert!(collected.reading.query.is_some() && collected.reading.window.is_some());
}

#[test]
fn refusals_name_the_next_step() {
    if parent_of("faults::refusals_name_the_next_step", &CREDENTIALS) {
        return;
    }
    for (status, code, part) in [
        ("403 Forbidden", "AccessDenied", "AWS denies cloudwatch:GetMetricData"),
        (
            "403 Forbidden",
            "com.amazonaws.cloudwatch#AccessDeniedException",
            "AWS denies cloudwatch:GetMetricData",
        ),
        ("403 Forbidden", "ExpiredToken", "credentials have expired"),
        ("403 Forbidden", "ExpiredTokenException", "credentials have expired"),
        ("403 Forbidden", "InvalidClientTokenId", "does not accept these credentials"),
        ("403 Forbidden", "SignatureDoesNotMatch", "does not accept these credentials"),
        ("400 Bad Request", "InvalidParameterValue", "failed with InvalidParameterValue"),
    ] {
        let server = aws(status, &refusal(code));
        let collected = read(&server.url(), "");
        is(&collected, Phase::Error, part);
        assert!(!detail(&collected).contains("their words"), "free text stays out of the statement");
        assert_eq!(server.requests.load(Ordering::SeqCst), 1, "{code} is not tried again");
    }
    let denied = read(&aws("403 Forbidden", &refusal("AccessDenied")).url(), "");
    assert_eq!(denied.response.unwrap().bytes, b"their words");
}

#[test]
fn throttling_is_tried_again_and_ends() {
    if parent_of("faults::throttling_is_tried_again_and_ends", &CREDENTIALS) {
        return;
    }
    let server = aws("400 Bad Request", &refusal("ThrottlingException"));
    is(&read(&server.url(), ""), Phase::Error, "throttles cloudwatch:GetMetricData, also after 3 attempts");
    assert_eq!(server.requests.load(Ordering::SeqCst), 3);
    let broken = aws("500 Internal Server Error", &refusal("InternalServiceFault"));
    is(&read(&broken.url(), ""), Phase::Error, "failed with InternalServiceFault");
    assert_eq!(broken.requests.load(Ordering::SeqCst), 3);
}

#[test]
fn half_an_answer_is_an_error() {
    if parent_of("faults::half_an_answer_is_an_error", &CREDENTIALS) {
        return;
    }
    is(&read(&aws("200 OK", &results("PartialData")).url(), ""), Phase::Error, "PartialData for M");
    is(&read(&aws("200 OK", &results("InternalError")).url(), ""), Phase::Error, "InternalError for M");
    is(
        &read(&aws("200 OK", &results("Forbidden")).url(), ""),
        Phase::Error,
        "denies cloudwatch:GetMetricData",
    );
    // A percentile that the service did not keep is an empty series.
    is(&read(&aws("200 OK", &results("Complete")).url(), ""), Phase::NoData, "no points");
    let endless =
        Cbor::Map(vec![("MetricDataResults", Cbor::List(vec![])), ("NextToken", Cbor::Text("again"))]);
    let endless = aws("200 OK", &endless);
    is(&read(&endless.url(), ""), Phase::Error, "PartialData");
    let html = Server::saying("200 OK", "content-type: text/html\r\n", b"<html>");
    is(&read(&html.url(), ""), Phase::Error, "an answer that cannot be read");
}

#[test]
fn no_way_there() {
    if parent_of("faults::no_way_there", &CREDENTIALS) {
        return;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let collected = read(&format!("http://user:hunter2@{port}/?k=hunter2"), "");
    is(&collected, Phase::Error, "cannot be reached: check the network and `endpoint-url`");
    assert!(!format!("{:?}", collected.failure).contains("hunter2"));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let silent = Server::start(move |stream, _| {
        let _ = held.recv_timeout(std::time::Duration::from_secs(20));
        let _ = stream.flush();
    });
    is(&read(&silent.url(), "timeout-seconds = 1"), Phase::Error, "did not answer in time");
    drop(release);
}

#[test]
fn no_credentials_and_no_region() {
    if parent_of("faults::no_credentials_and_no_region", &[]) {
        return;
    }
    is(
        &read("http://127.0.0.1:1", ""),
        Phase::Error,
        "no AWS credentials found for cloudwatch:GetMetricData",
    );
    let config = config(&format!("[aws]\nendpoint-url = \"http://127.0.0.1:1\"\n{CHECK}"));
    let collected = measure_at(&config, &config.check[0], Path::new("."), now());
    is(&collected, Phase::Error, "no AWS region is set: add `region` under [aws]");
}

#[test]
fn pages_are_put_together() {
    if parent_of("faults::pages_are_put_together", &CREDENTIALS) {
        return;
    }
    let at = now();
    let config = config(CHECK);
    let window = config.check[0].window(at);
    let page = |minute: i64, value: f64, status: &'static str| {
        let time = window.from.plus_seconds(60 * minute).millis() / 1000;
        Cbor::Map(vec![
            ("Id", Cbor::Text("m0")),
            ("StatusCode", Cbor::Text(status)),
            ("Timestamps", Cbor::List(vec![Cbor::Seconds(time)])),
            ("Values", Cbor::List(vec![Cbor::Double(value)])),
        ])
    };
    let first = Cbor::Map(vec![
        ("MetricDataResults", Cbor::List(vec![page(0, 0.25, "PartialData")])),
        ("NextToken", Cbor::Text("more")),
    ]);
    let second = Cbor::Map(vec![(
        "MetricDataResults",
        Cbor::List(vec![page(3, 0.5, "Complete"), page(-1, 9.0, "Complete")]),
    )]);
    let pages = [encoded(&first), encoded(&second)];
    let next = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |stream, _| {
        let body = &pages[next.fetch_add(1, Ordering::SeqCst).min(1)];
        let head = format!(
            "HTTP/1.1 200 OK\r\n{HEADERS}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
    });
    let settings = format!("[aws]\nregion = \"us-east-1\"\nendpoint-url = \"{}\"\n{CHECK}", server.url());
    let config = crate::config(&settings);
    let collected = measure_at(&config, &config.check[0], Path::new("."), at);
    is(&collected, Phase::Pass, "max 0.5 meets");
    let values: Vec<_> = collected.reading.points.iter().map(|point| point.value.as_str()).collect();
    assert_eq!(values, ["0.25", "0.5"]);
    assert_eq!(server.requests.load(Ordering::SeqCst), 2);
}
