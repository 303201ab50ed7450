//! What SQLite itself refuses, to a program that goes round the ledger.

use aether_audit::ledger::{Ledger, LedgerError};
use rusqlite::Connection;

use crate::world::World;

fn refused(world: &World, sql: &str) -> String {
    let raw = Connection::open(&world.path).unwrap();
    let before = dump(&raw);
    let said = match raw.execute_batch(sql) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(dump(&raw), before, "{sql} changed something ({said})");
    said
}

fn dump(raw: &Connection) -> Vec<String> {
    let rows = |sql| {
        let mut statement = raw.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let entries = "SELECT seq || id || kind || hex(leaf) || hex(bytes) || coalesce(deployment || deployment_seq, '') FROM entries ORDER BY seq";
    [rows(entries), rows("SELECT hex(digest) || hex(bytes) FROM openings ORDER BY digest")].concat()
}

#[test]
fn entries_are_never_changed() {
    let world = World::new();
    for column in ["seq = seq + 100", "leaf = zeroblob(32)", "id = 'x'", "kind = 'x'", "bytes = x'00'"] {
        let said = refused(&world, &format!("UPDATE entries SET {column} WHERE seq = 4"));
        assert!(said.contains("never changed"), "{column}: {said}");
    }
    let said = refused(&world, "UPDATE OR REPLACE entries SET seq = 1 WHERE seq = 2");
    assert!(said.contains("never changed"), "{said}");
}

#[test]
fn entries_are_never_deleted() {
    let world = World::new();
    for which in ["", "WHERE seq = 4", "WHERE seq = 0"] {
        let said = refused(&world, &format!("DELETE FROM entries {which}"));
        assert!(said.contains("never deleted"), "{which}: {said}");
    }
}

#[test]
fn entries_are_never_replaced() {
    let world = World::new();
    let copy = "leaf, id, kind, deployment, deployment_seq, bytes FROM entries WHERE seq = 4";
    for (what, sql) in [
        ("its seq", format!("INSERT OR REPLACE INTO entries SELECT seq, {copy}")),
        ("its id", "INSERT OR REPLACE INTO entries SELECT 5, leaf, id, kind, NULL, NULL, bytes FROM entries WHERE seq = 4".into()),
        (
            "its place in the deployment",
            "INSERT OR REPLACE INTO entries SELECT 5, leaf, 'new', kind, deployment, deployment_seq, bytes FROM entries WHERE seq = 4".into(),
        ),
        ("an upsert", format!("INSERT INTO entries SELECT 5, {copy} ON CONFLICT DO UPDATE SET kind = 'x'")),
    ] {
        assert_ne!(refused(&world, &sql), "", "{what}");
    }
    world.assert_clean();
}

#[test]
fn entries_are_appended_in_order() {
    let world = World::new();
    for seq in ["3", "7", "-1", "NULL"] {
        let sql = format!(
            "INSERT INTO entries VALUES ({seq}, zeroblob(32), 'new', 'note-added', NULL, NULL, x'7b7d')"
        );
        let said = refused(&world, &sql);
        assert!(said.contains("in order") || said.contains("CHECK"), "{seq}: {said}");
    }
}

#[test]
fn openings_are_never_changed_nor_replaced() {
    let world = World::new();
    let said = refused(&world, "UPDATE openings SET bytes = zeroblob(20)");
    assert!(said.contains("never changed"), "{said}");
    refused(&world, "INSERT OR REPLACE INTO openings SELECT digest, zeroblob(20) FROM openings");
    refused(
        &world,
        "INSERT INTO openings SELECT digest, zeroblob(20) FROM openings WHERE true ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
    );
}

#[test]
fn tables_are_strict() {
    let world = World::new();
    for sql in [
        "INSERT INTO entries VALUES (5, 'text', 'new', 'note-added', NULL, NULL, x'7b7d')",
        "INSERT INTO entries VALUES (5, zeroblob(31), 'new', 'note-added', NULL, NULL, x'7b7d')",
        "INSERT INTO entries VALUES (5, zeroblob(32), 'new', 'note-added', 'aether-1', NULL, x'7b7d')",
        "INSERT INTO entries VALUES (5, zeroblob(32), 'new', 'note-added', NULL, NULL, zeroblob(65536))",
        "INSERT INTO openings VALUES (zeroblob(32), zeroblob(15))",
        "INSERT INTO openings VALUES (zeroblob(31), zeroblob(16))",
    ] {
        assert_ne!(refused(&world, sql), "", "{sql}");
    }
}

#[test]
fn a_newer_schema_is_refused_not_guessed() {
    let world = World::new();
    Connection::open(&world.path).unwrap().pragma_update(None, "user_version", 3).unwrap();
    for error in [Ledger::open(&world.path).unwrap_err(), Ledger::open_read_only(&world.path).unwrap_err()] {
        assert!(matches!(error, LedgerError::Newer { found: 3, known: 2, .. }), "{error}");
        assert!(error.to_string().contains("use a newer aether-audit"), "{error}");
    }
}

#[test]
fn the_file_says_what_it_is() {
    let world = World::new();
    let raw = Connection::open(&world.path).unwrap();
    let pragma = |name: &str| raw.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, String>(0));
    assert_eq!(raw.query_row("PRAGMA application_id", [], |row| row.get(0)), Ok(0x6161_7564));
    assert_eq!(pragma("journal_mode").unwrap(), "wal");
    assert_eq!(pragma("integrity_check").unwrap(), "ok");
}
