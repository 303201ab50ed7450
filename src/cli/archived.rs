//! `verify --archive`: what an archive holds of a log, and whether its entries are those at hand.

use anyhow::{Context as _, Result};

use super::archive::CHECKPOINT;
use super::source::Source;
use crate::archive::{ArchiveError, Client, Version};
use crate::core::archive::{Archive, Archived, Place};
use crate::core::check::AwsSettings;
use crate::core::entry::{Entry, MAX_ENTRY_BYTES};
use crate::core::hash::Hash;
use crate::core::merkle::leaf_hash;
use crate::core::time::Timestamp;
use crate::core::verify::Finding;

const MAX_NOTE: usize = 1 << 20;

/// An archive as it was read.
pub struct Seen {
    /// For the verifier.
    pub archive: Archive,
    /// What is wrong with its entries.
    pub findings: Vec<Finding>,
    /// What is strange about it, and no finding.
    pub notices: Vec<Finding>,
}

/// Reads every checkpoint that the archive has of the log at hand, all versions of each, and its newest entries.
/// Nothing of the project's configuration is used: whoever wrote it could name a server of their own.
///
/// # Errors
/// Where the entries at hand cannot be read. What is wrong with the archive is told in what is given back.
pub fn read(place: &Place, source: &Source, now: Timestamp) -> Result<Seen> {
    let not_checked = |why: String| Seen {
        archive: Archive::NotChecked(format!("{place}: {why}")),
        findings: Vec::new(),
        notices: Vec::new(),
    };
    let Some(origin) = origin(source)? else {
        return Ok(not_checked("the log at hand has no first entry that can be read".into()));
    };
    let leaves = source.leaves().context("the leaves at hand cannot be read")?;
    Ok(look(place, &origin, &leaves, now).unwrap_or_else(|error| not_checked(error.to_string())))
}

fn origin(source: &Source) -> Result<Option<String>> {
    let first = source.stored()?.next().and_then(Result::ok);
    let entry = first.and_then(|stored| Entry::parse(&stored.bytes).ok());
    Ok(entry.map(|entry| entry.statement.predicate.log.clone()))
}

fn look(place: &Place, origin: &str, leaves: &[Hash], now: Timestamp) -> Result<Seen, ArchiveError> {
    let client = Client::new(&AwsSettings::default(), place.bucket())?;
    let below = format!("{}exports/", place.of_log(origin));
    let versions = client.versions(&below)?;
    let size = |version: &Version, file: &str| -> Option<u64> {
        version.key.strip_prefix(&below)?.strip_suffix(file)?.strip_suffix('/')?.parse().ok()
    };
    let mut seen =
        Seen { archive: Archive::NotChecked(String::new()), findings: Vec::new(), notices: Vec::new() };
    let mut all = Vec::new();
    let mut newest = None;
    for version in versions.iter().filter(|version| !version.hides) {
        let Some(size) = size(version, CHECKPOINT) else { continue };
        newest = newest.max(Some(size));
        let mut bytes = Vec::new();
        let held = client.get(&version.key, Some(&version.id), &mut |part| {
            bytes.extend_from_slice(part);
            bytes.len() <= MAX_NOTE
        })?;
        let place = named(place, version, &versions);
        let Some(held) = held else {
            let why = format!("{place} is listed, and is not there when it is asked for: look at the bucket");
            return Ok(Seen { archive: Archive::NotChecked(why), ..seen });
        };
        let locked = held.locked.filter(|until| *until > now);
        all.push(Archived { place, note: String::from_utf8_lossy(&bytes).into_owned(), locked });
    }
    for version in versions.iter().filter(|version| version.hides) {
        let text = format!(
            "s3://{}/{} was hidden by a delete marker; the versions beneath it are what was looked at",
            place.bucket(),
            version.key
        );
        seen.notices.push(Finding { seq: None, code: "archive-hidden", text });
    }
    if let Some(newest) = newest {
        let entries = versions.iter().filter(|version| !version.hides);
        let entries: Vec<&Version> =
            entries.filter(|version| size(version, "entries.jsonl") == Some(newest)).collect();
        if entries.is_empty() {
            let text = format!(
                "s3://{}/{below}{newest}/entries.jsonl is not there, and its checkpoint is",
                place.bucket()
            );
            seen.findings.push(Finding { seq: None, code: "archive-entries", text });
        }
        for version in entries {
            let at = named(place, version, &versions);
            seen.findings.extend(compare(&client, version, &at, leaves, newest)?);
        }
    }
    seen.archive = Archive::Read(all);
    Ok(seen)
}

/// The object's address, with its version where it has several.
fn named(place: &Place, version: &Version, all: &[Version]) -> String {
    let several = all.iter().filter(|other| other.key == version.key && !other.hides).count() > 1;
    let id = if several { format!(" (version {})", version.id) } else { String::new() };
    format!("s3://{}/{}{id}", place.bucket(), version.key)
}

/// Holds archived entries against the leaves at hand; the first that differs is the finding.
fn compare(
    client: &Client,
    version: &Version,
    at: &str,
    leaves: &[Hash],
    size: u64,
) -> Result<Option<Finding>, ArchiveError> {
    let (mut line, mut seq, mut differs) = (Vec::new(), 0, None);
    client.get(&version.key, Some(&version.id), &mut |part| {
        for piece in part.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            let whole = line.last() == Some(&b'\n');
            if whole {
                line.pop();
                let own = leaves.get(seq);
                if own.is_some_and(|own| *own != leaf_hash(&line)) {
                    differs = Some(seq);
                }
                line.clear();
                seq += 1;
            }
            if differs.is_some() || line.len() > MAX_ENTRY_BYTES {
                return false;
            }
        }
        true
    })?;
    let finding = |seq, text| Some(Finding { seq, code: "archive-entries", text });
    Ok(match differs {
        Some(seq) => finding(
            Some(seq as u64),
            format!("it is not the one in {at}: the log was rewritten after it was archived, or forked"),
        ),
        None if seq as u64 != size || !line.is_empty() => {
            finding(None, format!("{at} has {seq} whole entries, and its checkpoint says {size}"))
        }
        None => None,
    })
}
