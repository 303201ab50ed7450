//! What somebody with the ledger's file and no key at all makes of it: every signature stays good, and no gate believes it.

use aether_audit::core::entry::{Entry, Line};
use aether_audit::core::hash::Hash;
use aether_audit::core::name::Token;
use rusqlite::{Connection, params};

use crate::folder::{Folder, opening};

fn unlocked(folder: &Folder) -> Connection {
    let ledger = Connection::open(folder.ledger()).unwrap();
    let drop = "DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_go; DROP TRIGGER entries_never_replaced;";
    ledger.execute_batch(drop).unwrap();
    ledger
}

/// The first entries stay; after them come the statements of these, placed anew: chain, counts and columns fit.
fn place(folder: &Folder, first: u32, statements: &[usize]) {
    let ledger = unlocked(folder);
    let mut all: Vec<Entry> = {
        let mut rows = ledger.prepare("SELECT bytes FROM entries ORDER BY seq").unwrap();
        let rows = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        rows.map(|bytes| Entry::parse(&bytes.unwrap()).unwrap()).collect()
    };
    ledger.execute("DELETE FROM entries WHERE seq >= ?1", [first]).unwrap();
    let moved: Vec<Entry> = statements.iter().map(|&seq| all[seq].clone()).collect();
    all.truncate(usize::try_from(first).unwrap());
    for mut entry in moved {
        let deployment = entry.statement.predicate.deployment.clone();
        let count = all.iter().filter(|other| other.statement.predicate.deployment == deployment).count();
        let last = all.last().unwrap();
        entry.line = Line {
            deployment_seq: entry.line.deployment_seq.map(|_| count as u64),
            prev: last.leaf,
            recorded: entry.line.recorded.max(last.line.recorded),
            seq: last.line.seq + 1,
            ..entry.line
        };
        let bytes = entry.line.to_bytes().unwrap();
        let entry = Entry::parse(&bytes).unwrap();
        let id = entry.statement.predicate.id.as_str();
        let again = all.iter().any(|other| other.statement.predicate.id.as_str() == id);
        let id = if again { format!("{id}-") } else { id.to_owned() };
        let small = |number: u64| i64::try_from(number).unwrap();
        let (seq, deployment) = (small(entry.line.seq), deployment.as_ref().map(Token::as_str));
        let columns = params![
            seq,
            entry.leaf.as_bytes(),
            id,
            entry.statement.kind(),
            deployment,
            entry.line.deployment_seq.map(small),
            bytes
        ];
        ledger.execute("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", columns).unwrap();
        all.push(entry);
    }
}

/// Where the gate is asked by a machine that has seen nothing of the log before.
fn gate_elsewhere(folder: &Folder) -> crate::folder::Ran {
    let nowhere = folder.at("nowhere");
    folder.run(&["gate", "go", "--keys", nowhere.to_str().unwrap()])
}

#[test]
fn a_statement_counts_once() {
    let folder = Folder::opened();
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    folder.ok(&["withdraw", "env-audit", "--reason", "one is missing", "--as", "alice"]);
    place(&folder, 6, &[4]);
    for gate in [folder.run(&["gate", "go"]), gate_elsewhere(&folder)] {
        gate.failed(1, "entry 6: its statement stands in entry 4 already");
    }
    let go = ["decide", "go", "--reason", "all signed", "--as", "alice"];
    folder.fails(1, &go, "its statement stands in entry 4 already");
    assert_eq!(folder.entries(), 7);
}

#[test]
fn what_is_hidden_behind_its_column_is_looked_for() {
    let folder = Folder::opened();
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    folder.ok(&["withdraw", "env-audit", "--reason", "one is missing", "--as", "alice"]);
    let hide = "UPDATE entries SET deployment = 'another' WHERE seq = 5";
    assert_eq!(unlocked(&folder).execute(hide, []).unwrap(), 1);
    for gate in [folder.run(&["gate", "go"]), gate_elsewhere(&folder)] {
        gate.failed(1, "entry 5: the store has it under another deployment than its own");
    }
}

#[test]
fn what_is_cut_off_was_seen_here() {
    let folder = Folder::opened();
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    folder.ok(&["withdraw", "env-audit", "--reason", "one is missing", "--as", "alice"]);
    place(&folder, 5, &[]);
    folder.fails(2, &["gate", "go"], "ends before entry 5, which was seen here before");
    let go = ["decide", "no-go", "--reason", "not ready", "--as", "alice", "--dry-run"];
    folder.fails(2, &go, "ends before entry 5, which was seen here before");
}

#[test]
fn what_a_signer_saw_stands_before_what_they_signed() {
    let folder = Folder::opened();
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    folder.ok(&["withdraw", "env-audit", "--reason", "one is missing", "--as", "alice"]);
    folder.ok(&["note", "it is still missing", "--as", "bob"]);
    place(&folder, 5, &[6]);
    gate_elsewhere(&folder).failed(1, "entry 5: the entry 5 that its signer saw is not there");
}

#[test]
fn a_record_of_what_nobody_signed_is_a_finding() {
    let folder = Folder::opened();
    folder.ok(&["note", "before", "--as", "bob"]);
    let ledger = unlocked(&folder);
    let entry: Vec<u8> =
        ledger.query_row("SELECT bytes FROM entries WHERE seq = 4", [], |row| row.get(0)).unwrap();
    let mut entry = Entry::parse(&entry).unwrap();
    for signature in &mut entry.line.envelope.signatures {
        signature.sig = format!("{}==", "A".repeat(86));
    }
    let bytes = entry.line.to_bytes().unwrap();
    let leaf = Hash::of(&[&[0], &bytes]);
    ledger
        .execute("UPDATE entries SET bytes = ?1, leaf = ?2 WHERE seq = 4", params![bytes, leaf.as_bytes()])
        .unwrap();
    drop(ledger);
    let render = folder.run(&["render", "--to", "-"]);
    assert_eq!(render.status, Some(1), "{}", render.err);
    assert!(render.out.contains("is not valid"), "{}", render.out);
    assert!(render.err.contains("1 finding: run `aether-audit verify`"), "{}", render.err);
}

#[test]
fn a_report_is_made_where_a_column_of_the_newest_entry_is_wrong() {
    let folder = Folder::opened();
    folder.ok(&["note", "before", "--as", "bob"]);
    unlocked(&folder).execute("UPDATE entries SET leaf = zeroblob(32) WHERE seq = 4", []).unwrap();
    // Who has seen the entry before refuses; a place that is new to the log has nothing to hold it against.
    std::fs::create_dir(folder.at("elsewhere")).unwrap();
    std::fs::copy(folder.at("private/alice.pem"), folder.at("elsewhere/alice.pem")).unwrap();
    let report = folder.run(&["report", "--as", "alice", "--keys", "elsewhere"]);
    assert!(report.err.contains("1 finding: run `aether-audit verify`"), "{}", report.err);
    assert_eq!(report.status, Some(1), "{}", report.err);
    let record = folder.at("records/v2.14.0/report.md");
    assert!(std::fs::read_to_string(record).unwrap().contains("the store's column leaf"));
}

#[test]
fn a_report_beside_a_broken_entry_is_compared_with_what_it_was_made_from() {
    let folder = Folder::opened();
    folder.ok(&["note", "before", "--as", "bob"]);
    folder.ok(&["abort", "--reason", "x", "--as", "alice"]);
    folder.ok(&["close", "--as", "alice"]);
    folder.ok(&opening("v3"));
    unlocked(&folder).execute("UPDATE entries SET bytes = x'7b7d' WHERE seq = 4", []).unwrap();
    std::fs::create_dir(folder.at("elsewhere")).unwrap();
    std::fs::copy(folder.at("private/alice.pem"), folder.at("elsewhere/alice.pem")).unwrap();
    let report = folder.run(&["report", "--as", "alice", "--deployment", "v3", "--keys", "elsewhere"]);
    assert_eq!(report.status, Some(1), "{}", report.err);
    let verify = folder.run(&["verify", "records/v3"]);
    assert_eq!(verify.status, Some(1), "{}", verify.err);
    let said = verify.out + &verify.err;
    assert!(said.contains("malformed") && !said.contains("report-differs"), "{said}");
}
