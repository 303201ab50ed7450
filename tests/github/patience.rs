//! A GitHub that throttles, fails, cuts, is slow or talks nonsense. The faults are scripted: no GitHub does them when asked.

use serde_json::json;

use crate::hub::{Hub, deploy, go, opened, opened_with, stages};

#[test]
fn what_passes_is_waited_for() {
    let hub = Hub::start(&json!({"faults": [
        {"match": "GET /repos/example/aether/actions/workflows", "before": 429, "headers": {"retry-after": "1"}},
        {"match": "GET /repos/example/aether/commits", "before": 403, "body": "{\"message\":\"You have exceeded a secondary rate limit\"}"},
        {"match": "/dispatches", "before": 429, "headers": {"retry-after": "0"}},
        {"match": "/jobs", "before": 503, "times": 2},
        {"match": "/attempts/1", "before": "cut", "times": 2},
    ]}));
    let folder = opened(&hub);
    go(&folder);
    let ran = deploy(&folder, &["--yes"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!((hub.runs(), stages(&folder).len()), (1, 5));
}

#[test]
fn what_takes_too_long_is_the_callers_to_wait_for() {
    let hub = Hub::start(&json!({"faults": [
        {"match": "GET /repos/example/aether/actions/workflows", "before": 429, "headers": {"retry-after": "3600"}},
    ]}));
    let folder = opened(&hub);
    go(&folder);
    deploy(&folder, &["--yes"]).failed(2, "for 3600 more seconds");
    assert_eq!(stages(&folder).len(), 0);
}

#[test]
fn an_outage_ends_with_2_and_the_run_is_picked_up_later() {
    let hub = Hub::start(&json!({}));
    let folder = opened(&hub);
    go(&folder);
    // Each look tries four times, and five looks may fail.
    hub.change(&json!({"faults": [{"match": "/attempts/1", "before": 400}]}));
    let said = deploy(&folder, &["--yes"]).failed(2, "goes on without us");
    assert!(said.contains("`aether-audit deploy` follows it again"), "{said}");
    let ran = deploy(&folder, &["--yes"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!((hub.runs(), stages(&folder).len()), (1, 5));
}

#[test]
fn an_answer_that_is_none_is_not_taken_for_one() {
    for (body, why) in [
        ("{\"message\":\"error inside\"}", "a member is missing"),
        ("<html>proxy</html>", "no JSON"),
        ("{\"total_count\":0,\"jobs\":[{\"id\":1}]}", "a member is missing"),
    ] {
        let hub = Hub::start(&json!({}));
        let folder = opened(&hub);
        go(&folder);
        hub.change(&json!({"faults": [{"match": "/jobs", "before": 200, "body": body}]}));
        deploy(&folder, &["--yes"]).failed(2, why);
        assert_eq!(stages(&folder), ["deploy intended -"]);
    }
}

#[test]
fn the_token_follows_no_link_or_redirect_to_another_host() {
    let thief = Hub::start(&json!({}));
    let link = format!("<{}/repos/example/aether/actions/workflows?page=2>; rel=\"next\"", thief.url);
    let place = format!("{}/repos/example/aether/actions/workflows", thief.url);
    for (status, headers, why) in [
        (200, json!({"link": link}), "the next page is elsewhere"),
        (302, json!({"location": place}), "has moved"),
    ] {
        let hub = Hub::start(&json!({}));
        let folder = opened(&hub);
        go(&folder);
        let body = "{\"total_count\":0,\"workflows\":[]}";
        hub.change(
            &json!({"faults": [{"match": "/workflows", "after": status, "headers": headers, "body": body}]}),
        );
        deploy(&folder, &["--yes"]).failed(2, why);
    }
    assert_eq!(thief.asked("/"), 0);
}

#[test]
fn who_is_not_there_or_too_slow_is_named() {
    let folder = opened_with("http://127.0.0.1:1", "");
    go(&folder);
    deploy(&folder, &["--yes"]).failed(2, "http://127.0.0.1:1 cannot be reached");
    let hub = Hub::start(&json!({"faults": [{"match": "/actions/workflows", "before": "hang", "times": 9}]}));
    let folder = opened_with(&hub.url, "");
    let path = folder.at("aether.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("timeout-seconds = 5", "timeout-seconds = 1");
    std::fs::write(&path, text).unwrap();
    go(&folder);
    deploy(&folder, &["--yes"]).failed(2, "gave no whole answer in time");
}
