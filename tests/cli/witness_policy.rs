//! When witnesses are asked, and what it means when they do not answer.

use std::fs;
use std::net::TcpListener;

use crate::folder::{Folder, copy_all};
use crate::witness::{Running, keys};

/// Three witnesses, `w` of whom run; the others have an address at which nobody answers.
fn three(folder: &Folder, quorum: &str, silent: &str) -> Vec<Running> {
    let (first, log) = keys(folder);
    let mut lines = String::new();
    let mut running = Vec::new();
    for name in ["one", "two"] {
        copy_all(&folder.at("w"), &folder.at(name));
        for own in ["witness.pem", "witness.vkey"] {
            fs::remove_file(folder.at(name).join(own)).unwrap();
        }
        let vkey = folder.run(&["witness", "--state", name, "--name", "witness.example/w1"]).out;
        running.push(Running::of(folder, name, &log));
        lines += &format!("witness {name} {} http://{}\n", vkey.trim(), running.last().unwrap().address);
    }
    lines += &format!("witness silent {first} http://{silent}\n");
    fs::write(folder.at("policy"), format!("{lines}group two-of 2 one two silent\n{quorum}\n")).unwrap();
    folder.ok(&["key", "witnesses", "policy", "--reason", "sister teams", "--as", "alice"]);
    running
}

fn cosignatures(note: &str) -> usize {
    note.matches("— witness.example/w1 ").count()
}

/// An address at which nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn whom_the_policy_names_is_asked_unless_told_otherwise() {
    let folder = Folder::opened();
    let mut running = three(&folder, "quorum two-of", &nobody());
    let plain = folder.ok(&["checkpoint", "--no-witness"]);
    assert_eq!(cosignatures(&plain), 0);
    let asked = folder.run(&["checkpoint"]);
    assert_eq!((asked.status, cosignatures(&asked.out)), (Some(0), 2), "{}", asked.err);
    for said in ["one has cosigned", "two has cosigned", "warning: silent: "] {
        assert!(asked.err.contains(said), "{said}: {}", asked.err);
    }
    let again = folder.run(&["checkpoint"]);
    assert_eq!((again.status, &again.out), (Some(0), &asked.out), "it has enough: nobody is asked");
    assert!(!again.err.contains("silent"), "{}", again.err);
    folder.fails(2, &["checkpoint", "--no-witness", "--witness", "all"], "contradict");

    // One of two is not enough: said with a status of its own, and the checkpoint is printed and kept all the same.
    folder.ok(&["note", "later", "--as", "bob"]);
    drop(running.pop());
    let short = folder.run(&["checkpoint"]);
    assert_eq!((short.status, cosignatures(&short.out)), (Some(4), 1), "{}", short.err);
    assert!(short.err.contains("not enough for the roster's policy"), "{}", short.err);
    assert_eq!(folder.ok(&["checkpoint", "--no-witness"]), short.out);
    // Asked once more, only those who have not cosigned.
    let once_more = folder.run(&["checkpoint"]);
    assert_eq!(once_more.status, Some(4));
    assert!(
        !once_more.err.contains("one has cosigned") && once_more.err.contains("two: "),
        "{}",
        once_more.err
    );
}

#[test]
fn a_policy_that_asks_for_none_has_nobody_asked() {
    let folder = Folder::opened();
    let _running = three(&folder, "quorum none", &nobody());
    let plain = folder.run(&["checkpoint"]);
    assert_eq!((plain.status, cosignatures(&plain.out)), (Some(0), 0), "{}", plain.err);
    let all = folder.run(&["checkpoint", "--witness", "all"]);
    assert_eq!((all.status, cosignatures(&all.out)), (Some(0), 2), "{}", all.err);
}

/// The acts that make a checkpoint on the way ask too, wait a short time only, and are done whatever comes.
#[test]
fn closing_and_reporting_ask_and_never_fail_for_it() {
    let folder = Folder::opened();
    // It takes connections and never says a word.
    let stalled = TcpListener::bind("127.0.0.1:0").unwrap();
    let running = three(&folder, "quorum two-of", &stalled.local_addr().unwrap().to_string());
    folder.ok(&["abort", "--reason", "not today", "--as", "alice"]);
    let closed = folder.run(&["close", "--as", "alice"]);
    assert_eq!(closed.status, Some(0), "{}", closed.err);
    assert!(closed.err.contains("warning: silent: "), "{}", closed.err);
    let note = |name: &str| fs::read_to_string(folder.at("records/v2.14.0").join(name)).unwrap();
    assert_eq!(cosignatures(&note("checkpoint")), 2);
    let reported = folder.run(&["report", "--as", "alice"]);
    assert_eq!(reported.status, Some(0), "{}", reported.err);
    assert_eq!(cosignatures(&note("checkpoint")), 2);

    drop(running);
    let reported = folder.run(&["report", "--as", "alice"]);
    assert_eq!(reported.status, Some(0), "{}", reported.err);
    assert!(reported.err.contains("not enough for the roster's policy"), "{}", reported.err);
    assert!(reported.err.contains("Ask once more"), "{}", reported.err);
    assert_eq!(cosignatures(&note("checkpoint")), 0);
    let quiet = folder.run(&["report", "--no-witness", "--as", "alice"]);
    assert_eq!(quiet.status, Some(0), "{}", quiet.err);
    assert!(!quiet.err.contains("silent"), "{}", quiet.err);

    let roster = folder.roster_sha256();
    fs::write(folder.at("ckpt"), folder.run(&["checkpoint", "--no-witness"]).out).unwrap();
    folder.ok(&["verify", "--roster-sha256", &roster, "--checkpoint", "ckpt"]);
    folder.ok(&["verify", "records/v2.14.0", "--roster-sha256", &roster, "--checkpoint", "ckpt"]);
}
