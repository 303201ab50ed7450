//! From entries to a block.

use std::iter::Peekable;
use std::ops::Range;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};

use super::{Carried, HEAD, LOG_MAX, Texts};
use crate::core::dsse::{decode, encode};
use crate::core::hash::Hash;
use crate::core::verify::{Pruned, Run};

/// The fastest: of entries, more effort takes off a tenth and takes five times as long.
const LEVEL: i32 = 1;
const PAYLOAD: &str = "\"envelope\":{\"payload\":\"";
const SIGNATURES: &str = "\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":";
const PREV: &str = "},\"prev\":\"";
const RECORDED: &str = "\",\"recorded\":\"";
const SEQ: &str = "\",\"seq\":";

/// A block in the making: texts come last in it, so that the rest can be packed before it is known which a page shows.
pub struct Packing {
    compressor: Box<CompressorOxide>,
    packed: Vec<u8>,
}

impl Carried {
    /// The block; empty where the entries have no places in the log, or too many others stand between them. `sound`
    /// says that the verifier found nothing.
    #[must_use]
    pub fn pack(&self, sound: bool) -> String {
        self.begin(sound).map_or_else(String::new, |packing| packing.finish(&self.texts))
    }

    /// Packs all but the texts; `None` where the block is to be empty.
    #[must_use]
    pub fn begin(&self, sound: bool) -> Option<Packing> {
        let flags = create_comp_flags_from_zip_params(LEVEL, 0, 0);
        let mut packing = Packing { compressor: Box::new(CompressorOxide::new(flags)), packed: Vec::new() };
        packing.push(&self.lines(sound)?, TDEFLFlush::None);
        Some(packing)
    }

    fn lines(&self, sound: bool) -> Option<String> {
        let Pruned { leaves, runs } = &self.tree;
        if leaves.len() > LOG_MAX {
            return None;
        }
        let bytes: usize = self.entries.iter().map(Vec::len).sum();
        let mut text = String::with_capacity(bytes);
        text.push_str(&format!("{HEAD}\ngenerator\t{}\ndeployment\t{}\n", self.generator, self.deployment));
        let mut runs = runs.iter().peekable();
        let mut next = 0;
        for entry in &self.entries {
            let at = seq(entry).filter(|at| *at >= next && *at < leaves.len())?;
            others(&mut text, leaves, &mut runs, next..at);
            let prev = at.checked_sub(1).map_or(Hash::ZERO, |before| leaves[before]);
            let line = std::str::from_utf8(entry).ok().filter(|_| sound);
            if !line.is_some_and(|line| take_apart(&mut text, line, &prev, at)) {
                text.push_str(&format!("v\t{}\t{}\n", encode(leaves[at].as_bytes()), encode(entry)));
            }
            next = at + 1;
        }
        others(&mut text, leaves, &mut runs, next..leaves.len());
        if let Some(note) = &self.checkpoint {
            text.push_str(&format!("checkpoint\t{}\n", encode(note.as_bytes())));
        }
        Some(text)
    }
}

impl Texts {
    fn lines(&self) -> String {
        let mut text = String::new();
        for file in self.openings.values() {
            text.push_str(&format!("o\t{}\n", encode(file)));
        }
        for commit in &self.missing {
            text.push_str(&format!("m\t{commit}\n"));
        }
        for commit in &self.long {
            text.push_str(&format!("x\t{commit}\n"));
        }
        text
    }
}

impl Packing {
    /// The block, with these texts.
    #[must_use]
    pub fn finish(mut self, texts: &Texts) -> String {
        self.push(&texts.lines(), TDEFLFlush::Finish);
        encode(&self.packed)
    }

    fn push(&mut self, text: &str, flush: TDEFLFlush) {
        let packed = &mut self.packed;
        compress_to_output(&mut self.compressor, text.as_bytes(), flush, |bytes| {
            packed.extend_from_slice(bytes);
            true
        });
    }
}

/// The entries of others from one of a page's own to the next: subtrees, then the leaf that the next is chained to.
fn others<'a>(
    text: &mut String,
    leaves: &[Hash],
    runs: &mut Peekable<impl Iterator<Item = &'a Run>>,
    mut at: Range<usize>,
) {
    while let Some(run) = runs.next_if(|run| run.from < at.end as u64) {
        let roots: Vec<u8> = run.roots.iter().flat_map(|root| *root.as_bytes()).collect();
        text.push_str(&format!("t\t{}\t{}\n", run.count, encode(&roots)));
        at.start = usize::try_from(run.from + run.count).unwrap_or(at.end);
    }
    let known: Vec<u8> = leaves[at].iter().flat_map(|leaf| *leaf.as_bytes()).collect();
    if !known.is_empty() {
        text.push_str(&format!("l\t{}\n", encode(&known)));
    }
}

/// The `seq` that an entry's bytes end with.
#[must_use]
pub fn seq(entry: &[u8]) -> Option<usize> {
    let entry = std::str::from_utf8(entry).ok()?.strip_suffix('}')?;
    let digits = entry.get(entry.rfind(SEQ)? + SEQ.len()..)?;
    digits.parse().ok().filter(|seq: &usize| seq.to_string() == digits)
}

/// Writes an entry as its parts, where [`together`] makes the same bytes of them again; whether it is so.
fn take_apart(text: &mut String, entry: &str, prev: &Hash, seq: usize) -> bool {
    let Some(([count, recorded, signatures], payload)) = parts(entry, prev, seq) else { return false };
    let Some(statement) = decode(payload).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return false;
    };
    let parts = [count, recorded, signatures, &statement];
    if parts.iter().any(|part| part.bytes().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r'))) {
        return false;
    }
    text.push('e');
    for part in parts {
        text.push('\t');
        text.push_str(part);
    }
    text.push('\n');
    true
}

/// `deploymentSeq`, `recorded` and the signatures as they are written in an entry, and its payload; `None` where anything
/// else than these, `prev` and `seq` stands in it.
fn parts<'a>(entry: &'a str, prev: &Hash, seq: usize) -> Option<([&'a str; 3], &'a str)> {
    let (head, rest) = entry.split_once(PAYLOAD)?;
    let count = match head {
        "{" => "",
        _ => head.strip_prefix("{\"deploymentSeq\":")?.strip_suffix(',')?,
    };
    let (payload, rest) = rest.split_once(SIGNATURES)?;
    let (signatures, rest) = rest.split_once(PREV)?;
    let (before, rest) = rest.split_once(RECORDED)?;
    let (recorded, at) = rest.split_once(SEQ)?;
    let same = before == prev.to_string() && at.strip_suffix('}')? == seq.to_string();
    (same && (head == "{" || !count.is_empty())).then_some(([count, recorded, signatures], payload))
}

/// The entry that these parts are of.
pub(super) fn together(
    count: &str,
    recorded: &str,
    signatures: &str,
    payload: &str,
    prev: &Hash,
    seq: usize,
) -> String {
    let mut entry = String::with_capacity(payload.len() + signatures.len() + 256);
    entry.push('{');
    if !count.is_empty() {
        entry.push_str(&format!("\"deploymentSeq\":{count},"));
    }
    for part in [PAYLOAD, payload, SIGNATURES, signatures, PREV] {
        entry.push_str(part);
    }
    entry.push_str(&format!("{prev}{RECORDED}{recorded}{SEQ}{seq}}}"));
    entry
}
