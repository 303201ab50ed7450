//! An hour whose readings a real Prometheus has.

use crate::prometheus_server::Prometheus;
use crate::world::{World, minute};

/// The error rate in percent and the requests of each minute.
fn hour(of: impl Fn(i64) -> Option<(f64, u32)>) -> String {
    let (mut rates, mut requests) = (String::new(), String::new());
    for m in -10..80 {
        let Some((rate, count)) = of(m) else { continue };
        // The sample at the end of a minute speaks of it.
        let when = minute(m + 1).millis() / 1000;
        rates.push_str(&format!("rate {rate} {when}\n"));
        requests.push_str(&format!("asked {count} {when}\n"));
    }
    format!("# TYPE rate gauge\n{rates}# TYPE asked gauge\n{requests}")
}

fn world(server: &Prometheus) -> World {
    let check = format!(
        "[[check]]\nid = \"rate\"\nsource = \"prometheus\"\nmin-requests = 100\nobjective = \"< 0.1\"\nrollback = \"> 1\"\nmissing = \"unknown\"\n[check.prometheus]\nurl = \"{}\"\nquery = \"rate\"\nrequests = \"asked\"\n",
        server.url()
    );
    World::green("verification-minutes = 30", &check)
}

#[test]
fn hours_of_a_real_server() {
    let calm = Prometheus::start(&[], &hour(|_| Some((0.02, 50))));
    world(&calm).watch(0, "PROVEN: 30 minutes measured");

    let spike = Prometheus::start(&[], &hour(|m| Some((if m == 12 { 1.5 } else { 0.02 }, 50))));
    let spiked = world(&spike);
    spiked.watch(3, "TRIGGER: rate fires: max 1.5 breaches the rollback limit > 1");
    assert_eq!(spiked.readings().last().unwrap().2, minute(13).to_string());

    // Nobody asked anything: nothing failed either, and that proves nothing.
    let idle = Prometheus::start(&[], &hour(|_| Some((0.0, 0))));
    world(&idle).watch(4, "NOT PROVEN: the last evidence of rate is no-data");

    let gap = Prometheus::start(&[], &hour(|m| (!(10..20).contains(&m)).then_some((0.02, 50))));
    world(&gap).watch(4, "NOT PROVEN");
}
