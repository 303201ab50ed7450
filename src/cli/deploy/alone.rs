//! One `deploy` of a deployment at a time, on this machine: two would record each stage twice.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::core::name::Token;

/// Holds the place until it is dropped, or the process ends in whatever way.
#[must_use]
pub struct Alone {
    _file: File,
}

/// Takes the place beside `ledger`.
///
/// # Errors
/// Where another has it, or the file cannot be made.
pub fn alone(ledger: &Path, deployment: &Token) -> Result<Alone> {
    let mut path = ledger.as_os_str().to_owned();
    path.push(format!(".deploy-{deployment}"));
    let told = || format!("cannot keep {}", Path::new(&path).display());
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).with_context(told)?;
    match file.try_lock() {
        Ok(()) => Ok(Alone { _file: file }),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another `aether-audit deploy` follows {deployment} already: `aether-audit status` says how far it is"
            )
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(told),
    }
}
