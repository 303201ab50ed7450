//! The tree that is kept beside the entries, against one that is built anew from the leaves.

use aether_audit::core::hash::Hash;
use aether_audit::core::merkle::{Tree, leaf_hash, verify_consistency, verify_inclusion};
use aether_audit::ledger::Ledger;
use rusqlite::{Connection, params};

use crate::world::World;

/// Makes the ledger one of version 1 and gives it rows up to `count`, which only the tree looks at.
fn older(world: &World, count: u64) -> Vec<Hash> {
    let mut raw = Connection::open(&world.path).unwrap();
    raw.execute_batch("DROP TABLE nodes; PRAGMA user_version = 1;").unwrap();
    let first: i64 = raw.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap();
    let bytes: Vec<u8> =
        raw.query_row("SELECT bytes FROM entries ORDER BY seq DESC LIMIT 1", [], |row| row.get(0)).unwrap();
    let transaction = raw.transaction().unwrap();
    for seq in first..i64::try_from(count).unwrap() {
        let leaf = leaf_hash(&seq.to_be_bytes());
        let row = params![seq, leaf.as_bytes(), format!("{seq:032x}"), bytes];
        let sql = "INSERT INTO entries VALUES (?1, ?2, ?3, 'note-added', NULL, NULL, ?4)";
        transaction.prepare_cached(sql).unwrap().execute(row).unwrap();
    }
    transaction.commit().unwrap();
    drop(raw);
    Ledger::open_read_only(&world.path).unwrap().leaves().unwrap()
}

fn agrees(ledger: &Ledger, leaves: &[Hash], sizes: &[u64]) {
    let tree = Tree::new(leaves);
    for &size in sizes {
        let root = tree.root_at(size).unwrap();
        assert_eq!(ledger.root_at(size).unwrap(), root, "{size}");
        assert_eq!(ledger.frontier(size).unwrap().root(), root, "{size}");
        for &old in sizes.iter().filter(|old| **old <= size) {
            let path = ledger.consistency(old, size).unwrap();
            assert_eq!(Some(&path), tree.consistency(old, size).as_ref(), "{old} of {size}");
            assert!(
                verify_consistency(old, tree.root_at(old).unwrap(), size, root, &path),
                "{old} of {size}"
            );
        }
        for seq in [0, size / 3, size - 1] {
            let path = ledger.inclusion(seq, size).unwrap();
            let leaf = leaves[usize::try_from(seq).unwrap()];
            assert!(verify_inclusion(leaf, seq, size, &path, root), "{seq} of {size}");
        }
    }
}

#[test]
fn what_is_kept_answers_as_the_whole_tree_does() {
    let world = World::new();
    let leaves = older(&world, 65_536 + 300);
    let sizes = [1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 65_792, 65_836];
    let before = Ledger::open_read_only(&world.path).unwrap();
    agrees(&before, &leaves, &sizes[..6]);
    drop(before);
    let after = world.open();
    agrees(&after, &leaves, &sizes);
    assert_eq!(after.wrong_node().unwrap(), None);
    assert!(after.root_at(65_837).is_err());
}

#[test]
fn appending_keeps_what_becomes_complete() {
    let world = World::new();
    let mut ledger = world.open();
    let have = ledger.head().unwrap().unwrap().seq + 1;
    let notes: Vec<_> = (have..600).map(|n| world.note(&ledger, &format!("note {n}"))).collect();
    let now = ledger.head().unwrap().unwrap().recorded;
    let (first, second) = notes.split_at(250);
    ledger.append_all(now, first).unwrap();
    ledger.append_all(now, second).unwrap();
    agrees(&ledger, &ledger.leaves().unwrap(), &[1, 256, 300, 512, 599, 600]);
    assert_eq!(ledger.wrong_node().unwrap(), None);
}

#[test]
fn a_node_that_was_changed_or_removed_is_found() {
    for damage in
        ["UPDATE nodes SET hash = zeroblob(32) WHERE position = 1", "DELETE FROM nodes WHERE position = 1"]
    {
        let world = World::new();
        older(&world, 600);
        drop(world.open());
        let raw = Connection::open(&world.path).unwrap();
        raw.execute_batch(damage).unwrap_err();
        raw.execute_batch(&format!("DROP TRIGGER nodes_never_change; DROP TRIGGER nodes_never_go; {damage}"))
            .unwrap();
        assert_eq!(world.open().wrong_node().unwrap(), Some(256), "{damage}");
    }
}
