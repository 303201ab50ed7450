//! One spelling in serde: what stands at its default is absent, and is refused where it is written out.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// `true`; a `false` is absent instead.
///
/// # Errors
/// On `false`, or anything that is no boolean.
pub fn stated<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    if bool::deserialize(from)? { Ok(true) } else { Err(D::Error::custom("absent when false")) }
}

/// A map with members; an empty one is absent instead.
///
/// # Errors
/// On an empty map, or anything that is no such map.
pub fn filled<'de, D, K, V>(from: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    let map = BTreeMap::deserialize(from)?;
    if map.is_empty() { Err(D::Error::custom("absent when empty")) } else { Ok(map) }
}
