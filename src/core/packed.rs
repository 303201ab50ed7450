//! Values in little memory, for as long as the program runs: JSON under raw DEFLATE. No format of anything stored.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The fastest.
const LEVEL: u8 = 1;

/// A value, packed; `None` where it does not come back from its JSON.
#[must_use]
pub fn pack<T: Serialize + DeserializeOwned>(value: &T) -> Option<Box<[u8]>> {
    let json = serde_json::to_vec(value).ok()?;
    serde_json::from_slice::<T>(&json).ok()?;
    Some(miniz_oxide::deflate::compress_to_vec(&json, LEVEL).into())
}

/// What [`pack`] made.
#[must_use]
pub fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Option<T> {
    serde_json::from_slice(&miniz_oxide::inflate::decompress_to_vec(packed).ok()?).ok()
}
