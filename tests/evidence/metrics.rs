//! `CloudWatch` metrics from a real server: averages, percentiles, ratios, baselines.

use std::path::Path;

use aether_audit::core::check::{Phase, Window};
use aether_audit::core::time::Timestamp;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};

use crate::child::{CREDENTIALS, parent_of};
use crate::ministack::Ministack;
use crate::{config, detail, measure_at, now};

fn put(server: &Ministack, metric: &str, data: &[(Timestamp, &[f64])]) {
    let data: Vec<_> = data
        .iter()
        .map(|(at, values)| {
            MetricDatum::builder()
                .metric_name(metric)
                .dimensions(Dimension::builder().name("LoadBalancer").value("app/x/1").build())
                .timestamp(DateTime::from_millis(at.millis()))
                .set_values(Some(values.to_vec()))
                .set_counts(Some(vec![1.0; values.len()]))
                .build()
        })
        .collect();
    server
        .with(|sdk| async move {
            sdk.put_metric_data().namespace("Test/App").set_metric_data(Some(data)).send().await
        })
        .unwrap();
}

fn minute(window: Window, n: i64) -> Timestamp {
    window.from.plus_seconds(60 * n)
}

fn check(id: &str, metric: &str, more: &str) -> String {
    format!(
        "[[check]]\nid = \"{id}\"\nsource = \"cloudwatch\"\nnamespace = \"Test/App\"\nmetric = {metric}\n\
         dimensions = {{ LoadBalancer = \"app/x/1\" }}\n{more}\n"
    )
}

#[test]
fn metrics_of_a_real_server() {
    if parent_of("metrics::metrics_of_a_real_server", &CREDENTIALS) {
        return;
    }
    let server = Ministack::start();
    let config = config(&[
        server.settings(),
        check("cpu", "\"Cpu\"", "objective = \"< 80\"\nunit = \"percent\""),
        check("cpu-tight", "\"Cpu\"", "objective = \"< 60\"\nrollback = \"> 70\""),
        check("p95", "\"Latency\"", "statistic = \"p95\"\nbaseline-ratio = \"1.2\"\nbaseline-days = 3"),
        check("p99", "\"Latency\"", "statistic = \"p99\"\nobjective = \"< 90\""),
        check("errors", "[\"E1\", \"E2\"]", "statistic = \"Sum\"\ndivide-by = \"Requests\"\nobjective = \"< 0.1\"\nrollback = \"> 1\"\nmin-requests = 100"),
        check("quiet", "\"E1\"", "statistic = \"Sum\"\ndivide-by = \"NoRequests\"\nobjective = \"< 0.1\""),
        check("few", "\"E2\"", "statistic = \"Sum\"\ndivide-by = \"Requests\"\nobjective = \"< 50\"\nmin-requests = 100000"),
        check("absent", "\"Absent\"", "objective = \"< 1\""),
        check("no-history", "\"Cpu\"", "baseline-ratio = \"2\"\nbaseline-days = 1"),
    ].concat());
    let at = now();
    let window = config.check[0].window(at);
    let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
    put(
        &server,
        "Cpu",
        &[
            (minute(window, -1), &[99.0]),
            (minute(window, 0), &[40.0, 60.0]),
            (minute(window, 2), &[71.5]),
            (window.to, &[98.0]),
        ],
    );
    put(&server, "Latency", &[(minute(window, 1), &hundred)]);
    for (days, value) in [(1, 80.0), (2, 90.0), (3, 500.0)] {
        put(&server, "Latency", &[(minute(window, 1 - days * 1440), &[value])]);
    }
    put(
        &server,
        "Requests",
        &[(minute(window, 0), &[1000.0]), (minute(window, 1), &[1000.0]), (minute(window, 2), &[3000.0])],
    );
    put(&server, "E1", &[(minute(window, 0), &[1.0])]);
    put(&server, "E2", &[(minute(window, 0), &[1.0, 1.0]), (minute(window, 2), &[1.0])]);
    put(&server, "NoRequests", &[(minute(window, 0), &[0.0])]);

    let read = |id: &str| measure_at(&config, config.find(id).unwrap(), Path::new("."), at);
    let texts = |points: &[aether_audit::core::check::Point]| {
        points.iter().map(|point| (point.at, point.value.to_string())).collect::<Vec<_>>()
    };

    let cpu = read("cpu").reading;
    assert_eq!(
        texts(&cpu.points),
        [(minute(window, 0), "50".into()), (minute(window, 2), "71.5".into())],
        "{cpu:?}"
    );
    assert_eq!(
        (cpu.phase, cpu.value.as_ref().map(ToString::to_string)),
        (Some(Phase::Pass), Some("71.5".into()))
    );
    assert_eq!((cpu.samples, cpu.statistic.as_deref(), cpu.window), (Some(3), Some("Average"), Some(window)));
    assert_eq!(cpu.unit.as_deref(), Some("percent"));
    let query: serde_json::Value = serde_json::from_str(cpu.query.as_ref().unwrap()).unwrap();
    assert_eq!(query["namespace"], "Test/App");
    assert_eq!(query["dimensions"]["LoadBalancer"], "app/x/1");
    assert_eq!(read("cpu-tight").reading.phase, Some(Phase::Trigger));

    let p95 = read("p95");
    assert_eq!(p95.reading.points.len(), 1, "{:?}", p95.reading);
    let value = p95.reading.value.as_ref().unwrap().to_f64();
    assert!((94.0..=96.5).contains(&value), "{value}");
    assert_eq!(p95.reading.baseline_points.len(), 3, "{:?}", p95.reading);
    assert_eq!(p95.reading.baseline.as_ref().unwrap().as_str(), "90");
    assert_eq!(p95.reading.phase, Some(Phase::Pass), "{}", detail(&p95));
    let response: serde_json::Value = serde_json::from_slice(&p95.response.unwrap().bytes).unwrap();
    assert_eq!(response["windows"].as_array().unwrap().len(), 4);
    let p99 = read("p99").reading;
    assert!((98.0..=100.0).contains(&p99.value.as_ref().unwrap().to_f64()), "{p99:?}");
    assert_eq!(p99.phase, Some(Phase::Warn));

    let errors = read("errors");
    let expected =
        [(minute(window, 0), "0.3"), (minute(window, 1), "0"), (minute(window, 2), "0.0333333333333333")];
    assert_eq!(texts(&errors.reading.points), expected.map(|(at, value)| (at, value.to_owned())));
    assert_eq!((errors.reading.phase, errors.reading.samples), (Some(Phase::Warn), Some(5000)));
    assert!(detail(&errors).contains("1 of 3 periods without a count"), "{}", detail(&errors));

    // One error and no request counted is not a quiet minute.
    let quiet = read("quiet");
    assert_eq!(
        (quiet.reading.phase, quiet.reading.value.as_ref().unwrap().as_str()),
        (Some(Phase::Warn), "100")
    );
    let few = read("few");
    assert_eq!(few.reading.phase, Some(Phase::NoData));
    assert!(detail(&few).contains("insufficient: 5000 requests, 100000 needed"), "{}", detail(&few));
    let absent = read("absent");
    assert_eq!((absent.reading.phase, absent.reading.points.len()), (Some(Phase::NoData), 0));
    assert_eq!(read("no-history").reading.phase, Some(Phase::NoData));
}

#[test]
fn no_requests_is_no_data() {
    if parent_of("metrics::no_requests_is_no_data", &CREDENTIALS) {
        return;
    }
    let server = Ministack::start();
    let ratio =
        check("r", "\"Errors\"", "statistic = \"Sum\"\ndivide-by = \"Requests\"\nobjective = \"< 0.1\"");
    let config = config(&[server.settings(), ratio].concat());
    let at = now();
    let window = config.check[0].window(at);
    put(&server, "Requests", &[(minute(window, 0), &[0.0])]);
    let collected = measure_at(&config, &config.check[0], Path::new("."), at);
    assert_eq!(collected.reading.phase, Some(Phase::NoData));
    assert!(detail(&collected).contains("insufficient: no requests"), "{}", detail(&collected));
}
