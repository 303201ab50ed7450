//! Signatures: each key by the library's strict verification, and by a table once that pays.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use crate::core::keys::{Expected, FastVerifier, PublicKey, SIGNATURE_LEN, verdicts};

/// From so many signatures on a table is worth making.
const WORTH: usize = 30;
/// So many tables at once, some 380 kB each.
const TABLES: usize = 10;

/// What is left of the tables that may be held at once.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<AtomicUsize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(TABLES)))
    }
}

/// A key that signs, shared by the threads that check.
pub(super) struct Signer {
    key: PublicKey,
    uses: AtomicUsize,
    table: OnceLock<Table>,
    budget: Budget,
}

/// A table that gives its place back when it goes.
struct Table {
    fast: FastVerifier,
    budget: Budget,
}

/// A signature that is being checked.
pub(super) enum Begun {
    /// The verdict.
    Told(bool),
    /// [`verdicts`] gives it.
    Open(Expected),
}

impl Signer {
    pub fn new(key: PublicKey, budget: &Budget) -> Self {
        Self { key, uses: AtomicUsize::new(0), table: OnceLock::new(), budget: budget.clone() }
    }

    /// Exactly the verdict of [`PublicKey::verify`].
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        match self.begin(message, signature) {
            Begun::Told(verdict) => verdict,
            Begun::Open(expected) => verdicts(&[expected]) == [true],
        }
    }

    /// The same as far as one signature goes alone: what is left open, many share.
    pub fn begin(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> Begun {
        match self.table() {
            Some(table) => table.fast.expect(message, signature).map_or(Begun::Told(false), Begun::Open),
            None => Begun::Told(self.key.verify(message, signature)),
        }
    }

    fn table(&self) -> Option<&Table> {
        let table = self.table.get();
        if table.is_some() || self.uses.fetch_add(1, Relaxed) < WORTH {
            return table;
        }
        if self.budget.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            let (fast, budget) = (FastVerifier::new(&self.key), self.budget.clone());
            // Another thread may have been first: then this one goes, and gives its place back.
            drop(self.table.set(Table { fast, budget }));
        }
        self.table.get()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.budget.0.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::keys::SecretKey;

    #[test]
    fn verdicts_stay_and_tables_are_few() {
        let budget = Budget::default();
        let secrets: Vec<SecretKey> =
            (0..).map(|seed| SecretKey::from_seed(&[seed; 32])).take(TABLES + 3).collect();
        let signers: Vec<Signer> = secrets.iter().map(|key| Signer::new(key.public(), &budget)).collect();
        for (secret, signer) in secrets.iter().zip(&signers) {
            for message in 0..=WORTH * 2 {
                let message = message.to_be_bytes();
                let good = secret.sign(&message);
                let mut bad = good;
                bad[usize::from(message[7]) % 64] ^= 1;
                assert!(signer.verify(&message, &good));
                assert!(!signer.verify(&message, &bad));
            }
        }
        let held = |signers: &[Signer]| signers.iter().filter(|signer| signer.table.get().is_some()).count();
        assert_eq!(held(&signers), TABLES);
        drop(signers);
        assert_eq!(budget.0.load(Relaxed), TABLES);
    }
}
