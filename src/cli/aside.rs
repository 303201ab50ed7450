//! An unnamed temporary file for what a long walk remembers. A short one never makes it.

use std::cell::{Cell, OnceCell};
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use rustix::process::{Resource, getrlimit};

use crate::core::verify::Aside;

/// A file in the system's folder for such (`TMPDIR`), which has no name and is gone with the process.
#[derive(Debug, Default)]
pub struct Temporary {
    file: OnceCell<Result<File, String>>,
    end: Cell<u64>,
}

impl Temporary {
    fn file(&self) -> Result<&File, String> {
        let made = self.file.get_or_init(|| {
            // Where files may be only so long, going over it would end the process.
            match getrlimit(Resource::Fsize).current {
                Some(_) => Err("the size of files is limited".to_owned()),
                None => tempfile::tempfile().map_err(|e| e.to_string()),
            }
        });
        made.as_ref().map_err(Clone::clone)
    }
}

impl Aside for Temporary {
    fn put(&self, bytes: &[u8]) -> Result<u64, String> {
        let at = self.end.get();
        self.file()?.write_all_at(bytes, at).map_err(|e| e.to_string())?;
        self.end.set(at + bytes.len() as u64);
        Ok(at)
    }

    fn get(&self, at: u64, into: &mut [u8]) -> Result<(), String> {
        self.file()?.read_exact_at(into, at).map_err(|e| e.to_string())
    }
}
