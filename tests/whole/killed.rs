//! `snapshot`, killed after each single request to AWS and before its answer, and run again: one snapshot, one record.

use std::sync::atomic::Ordering;

use crate::folder::OPEN;
use crate::systems::{environment, snapshots};
use crate::walk::Walk;

#[test]
fn killed_anywhere_there_is_one_snapshot() {
    let mut killed = 0;
    for at in 0.. {
        let walk = Walk::start(None);
        walk.ends(0, &OPEN);
        let proxy = &walk.systems.proxy;
        proxy.armed.store(proxy.seen.load(Ordering::SeqCst) + at, Ordering::SeqCst);
        let args = ["snapshot", "--every", "1", "--as", "alice"];
        let mut child = walk.folder.command(&args).envs(environment()).spawn().unwrap();
        let held = proxy.wait(&mut child);
        if held {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        proxy.armed.store(usize::MAX, Ordering::SeqCst);
        if held {
            let again = walk.folder.command(&args).envs(environment()).output().unwrap();
            assert!(again.status.success(), "request {at}: {}", String::from_utf8_lossy(&again.stderr));
        }
        assert_eq!(walk.story("snapshot-taken", &["act"]), ["intended", "done"], "request {at}");
        assert_eq!(snapshots(&walk.systems.name), 1, "request {at}");
        if !held {
            break;
        }
    }
    assert!(killed >= 2, "{killed}");
}
