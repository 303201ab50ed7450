//! The program killed, and the network broken, around each of its steps: one run, each stage once.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::folder::Folder;
use crate::hub::{Hub, deploy, deploy_command, go, opened, stages};

const ALL: [&str; 5] = [
    "deploy intended -",
    "build done 7000000001/1",
    "test done 7000000001/1",
    "provision done 7000000001/1",
    "deploy done 7000000001/1",
];

/// Runs `deploy` until `seen`, and kills it there.
fn kill_when(folder: &Folder, seen: impl Fn() -> bool) {
    let mut child = deploy_command(folder, &["--yes"]).spawn().unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    while !seen() {
        assert!(Instant::now() < patience, "it never came so far");
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn goes_on(hub: &Hub, folder: &Folder) {
    let ran = deploy(folder, &["--yes"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(stages(folder), ALL);
    assert_eq!(hub.runs(), 1);
}

#[test]
fn killed_while_it_follows_it_picks_the_run_up() {
    let hub = Hub::start(&json!({"advance": false}));
    let folder = opened(&hub);
    go(&folder);
    kill_when(&folder, || hub.asked("/attempts/1/jobs") > 0);
    hub.change(&json!({"runs": [{"tick": 2}]}));
    kill_when(&folder, || stages(&folder).len() == 3);
    hub.change(&json!({"advance": true}));
    goes_on(&hub, &folder);
}

#[test]
fn killed_before_the_dispatch_it_starts_the_run_later() {
    let hub = Hub::start(&json!({"faults": [{"match": "/dispatches", "before": "hang"}]}));
    let folder = opened(&hub);
    go(&folder);
    kill_when(&folder, || hub.look()["state"]["faults"][0]["times"] == 0);
    assert_eq!((hub.runs(), stages(&folder)), (0, vec![ALL[0].to_owned()]));
    goes_on(&hub, &folder);
}

#[test]
fn killed_between_the_dispatch_and_its_answer_it_finds_the_run() {
    let hub = Hub::start(&json!({"faults": [{"match": "/dispatches", "after": "hang"}]}));
    let folder = opened(&hub);
    go(&folder);
    kill_when(&folder, || hub.runs() == 1);
    goes_on(&hub, &folder);
}

#[test]
fn a_dispatch_whose_answer_is_lost_is_not_repeated() {
    for how in [json!("cut"), json!(502)] {
        let hub = Hub::start(&json!({"faults": [{"match": "/dispatches", "after": how}]}));
        let folder = opened(&hub);
        go(&folder);
        goes_on(&hub, &folder);
    }
}

#[test]
fn a_dispatch_that_never_arrived_leaves_the_intention_open() {
    let hub = Hub::start(&json!({"faults": [{"match": "/dispatches", "before": "cut"}]}));
    let folder = opened(&hub);
    go(&folder);
    deploy(&folder, &["--yes"])
        .failed(2, "run `aether-audit deploy` again: it looks for the run before it starts one");
    assert_eq!((hub.runs(), stages(&folder)), (0, vec![ALL[0].to_owned()]));
    goes_on(&hub, &folder);
}

#[test]
fn a_run_named_by_hand_answers_the_open_intention() {
    let hub = Hub::start(&json!({"faults": [{"match": "/dispatches", "after": "hang"}]}));
    let folder = opened(&hub);
    go(&folder);
    kill_when(&folder, || hub.runs() == 1);
    assert_eq!(deploy(&folder, &["--run", "7000000001"]).status, Some(0));
    assert_eq!(stages(&folder), ALL);
}

#[test]
fn an_order_that_github_took_is_not_given_twice() {
    let hub = Hub::start(&json!({"details": false, "lag": true}));
    let folder = opened(&hub);
    go(&folder);
    let said = deploy(&folder, &["--yes"]).failed(2, "GitHub took the dispatch and shows no run of it yet");
    assert!(!said.contains("started run"), "{said}");
    for _ in 0..2 {
        let said = deploy(&folder, &["--yes"]).failed(2, "nothing was started, so that it cannot run twice");
        assert!(said.contains("--run ID") && said.contains("--again"), "{said}");
    }
    assert_eq!((hub.runs(), stages(&folder).len()), (1, 2), "{:?}", stages(&folder));
    hub.change(&json!({"lag": false}));
    assert_eq!(deploy(&folder, &["--yes"]).status, Some(0));
    assert_eq!(hub.runs(), 1);
    assert_eq!(stages(&folder).last().unwrap(), ALL[4]);
}

#[test]
fn two_do_not_follow_the_same_deployment() {
    let hub = Hub::start(&json!({"advance": false}));
    let folder = opened(&hub);
    go(&folder);
    let mut first = deploy_command(&folder, &["--yes"]).spawn().unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    while hub.asked("/attempts/1/jobs") == 0 {
        assert!(Instant::now() < patience && first.try_wait().unwrap().is_none(), "it does not follow");
        thread::sleep(Duration::from_millis(20));
    }
    deploy(&folder, &["--yes"]).failed(2, "another `aether-audit deploy` follows v2.14.0 already");
    assert_eq!(deploy(&folder, &["--dry-run"]).status, Some(0), "looking is free");
    hub.change(&json!({"advance": true}));
    assert!(first.wait().unwrap().success());
    assert_eq!((hub.runs(), stages(&folder)), (1, ALL.map(str::to_owned).to_vec()));
}
