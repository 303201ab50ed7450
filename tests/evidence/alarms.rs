//! `CloudWatch` alarms of a real server.

use std::path::Path;

use aether_audit::core::check::Phase;
use aws_sdk_cloudwatch::types::{ComparisonOperator, StateValue, Statistic};

use crate::child::{CREDENTIALS, parent_of};
use crate::ministack::Ministack;
use crate::{config, detail, measure_at, now};

fn alarm(server: &Ministack, name: &str, state: StateValue) {
    server.with(|sdk| async move {
        sdk.put_metric_alarm()
            .alarm_name(name)
            .namespace("Test/App")
            .metric_name("Errors")
            .statistic(Statistic::Sum)
            .period(60)
            .evaluation_periods(1)
            .threshold(1.0)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold)
            .send()
            .await
            .unwrap();
        sdk.set_alarm_state().alarm_name(name).state_value(state).state_reason("test").send().await.unwrap();
    });
}

#[test]
fn alarms_of_a_real_server() {
    if parent_of("alarms::alarms_of_a_real_server", &CREDENTIALS) {
        return;
    }
    let server = Ministack::start();
    alarm(&server, "well", StateValue::Ok);
    alarm(&server, "firing", StateValue::Alarm);
    alarm(&server, "unsure", StateValue::InsufficientData);
    let read = |names: &str| {
        let check = format!(
            "[[check]]\nid = \"a\"\nsource = \"cloudwatch\"\nalarms = {names}\non-fail = \"trigger\"\n"
        );
        let config = config(&[server.settings(), check].concat());
        measure_at(&config, &config.check[0], Path::new("."), now())
    };
    for (names, phase, part) in [
        ("[\"well\"]", Phase::Pass, "0 in alarm, 0 without enough data, 1 OK"),
        ("[\"well\", \"firing\", \"unsure\"]", Phase::Trigger, "1 in alarm, 1 without enough data, 1 OK"),
        ("[\"well\", \"unsure\"]", Phase::NoData, "0 in alarm, 1 without enough data"),
        ("[\"well\", \"missing\"]", Phase::Error, "no alarm called missing"),
    ] {
        let collected = read(names);
        assert_eq!(collected.reading.phase, Some(phase), "{names}: {}", detail(&collected));
        assert!(detail(&collected).contains(part), "{names}: {}", detail(&collected));
    }
}
