//! The verifier over a ledger's stored rows.

use std::path::Path;

use aether_audit::core::hash::Hash;
use aether_audit::core::verify::{Anchors, Columns, Openings, Report, Scope, Stored, verify};
use aether_audit::ledger::{Ledger, Row};

/// A ledger's openings, as the verifier asks for them.
struct Shelf(Ledger);

impl Openings for Shelf {
    fn get(&mut self, commit: &Hash) -> Result<Option<Vec<u8>>, String> {
        self.0.opening(commit).map_err(|error| error.to_string())
    }

    fn each(&mut self, found: &mut dyn FnMut(Hash)) -> Result<(), String> {
        self.0.each_opening(found).map_err(|error| error.to_string())
    }
}

/// What the verifier says of the ledger at `path`.
pub fn walk(path: &Path, anchors: &Anchors) -> Report {
    let ledger = Ledger::open_read_only(path).unwrap();
    let mut shelf = Shelf(Ledger::open_read_only(path).unwrap());
    let rows = ledger.rows().map(|row| row.map(stored).map_err(|error| error.to_string()));
    verify(rows, Scope::Log, &mut shelf, anchors, &mut |_| {})
}

fn stored(row: Row) -> Stored {
    let columns = Columns {
        seq: row.seq.try_into().unwrap(),
        leaf: row.leaf,
        deployment: row.deployment,
        deployment_seq: row.deployment_seq.map(|seq| seq.try_into().unwrap()),
        id: row.id,
        kind: row.kind,
    };
    Stored { bytes: row.bytes, columns: Some(columns) }
}
