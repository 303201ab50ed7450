//! From a page back to what it carries. Any input is safe.

use super::pack::together;
use super::{Carried, CarriedError, HEAD, LOG_MAX, Texts, UNPACKED_MAX, block};
use crate::core::dsse::{decode, encode};
use crate::core::hash::Hash;
use crate::core::merkle::{heights, leaf_hash};
use crate::core::name::Token;
use crate::core::verify::{Pruned, Run};

impl Carried {
    /// What a page carries.
    ///
    /// # Errors
    /// Where it carries nothing, or something of another shape.
    pub fn of_page(page: &str) -> Result<Self, CarriedError> {
        Self::unpack(&page[block(page)?])
    }

    /// What a block holds.
    ///
    /// # Errors
    /// Where it is empty or of another shape.
    pub fn unpack(block: &str) -> Result<Self, CarriedError> {
        if block.is_empty() {
            return Err(CarriedError::Empty);
        }
        let packed = decode(block).map_err(|_| CarriedError::Packed("it is not base64"))?;
        let text = miniz_oxide::inflate::decompress_to_vec_with_limit(&packed, UNPACKED_MAX)
            .map_err(|_| CarriedError::Packed("it is not DEFLATE, or unpacks to more than 256 MiB"))?;
        let text = String::from_utf8(text).map_err(|_| CarriedError::Packed("it is not UTF-8 text"))?;
        Self::read(&text)
    }

    fn read(text: &str) -> Result<Self, CarriedError> {
        let text = text.strip_suffix('\n').ok_or(CarriedError::Packed("its last line does not end"))?;
        let mut lines = text.split('\n').enumerate().map(|(index, line)| (index + 1, line));
        let mut head = |name: &str| {
            let (at, line) = lines.next().ok_or(CarriedError::Packed("it is cut off"))?;
            line.strip_prefix(name).ok_or(CarriedError::Line(at, "is not what stands there in such a block"))
        };
        if !head(HEAD)?.is_empty() {
            return Err(CarriedError::Line(1, "names another version"));
        }
        let generator = head("generator\t")?.to_owned();
        let deployment =
            Token::new(head("deployment\t")?).map_err(|_| CarriedError::Line(3, "names no deployment"))?;
        let mut carried = Self {
            generator,
            deployment,
            entries: Vec::new(),
            tree: Pruned::default(),
            checkpoint: None,
            texts: Texts::default(),
        };
        let mut rank = 0;
        for (at, line) in lines {
            if carried.tree.leaves.len() >= LOG_MAX {
                return Err(CarriedError::Line(at, "is of too long a log"));
            }
            let parts: Vec<&str> = line.split('\t').collect();
            let now = carried.take(&parts).map_err(|why| CarriedError::Line(at, why))?;
            if now < rank {
                return Err(CarriedError::Line(at, "is out of order"));
            }
            rank = now;
        }
        if carried.entries.is_empty() {
            return Err(CarriedError::Empty);
        }
        Ok(carried)
    }

    /// Takes a line; gives where in a block lines of its kind stand.
    fn take(&mut self, parts: &[&str]) -> Result<u8, &'static str> {
        const SHAPE: &str = "is of no kind that stands in such a block";
        let bytes = |text: &str| decode(text).map_err(|_| "is not base64");
        let hash = |text: &str| Hash::parse(text).map_err(|_| "names no hash");
        match *parts {
            ["e", count, recorded, signatures, statement] => {
                let prev = self.tree.leaves.last().copied().unwrap_or(Hash::ZERO);
                let payload = encode(statement.as_bytes());
                let entry = together(count, recorded, signatures, &payload, &prev, self.tree.leaves.len());
                self.tree.leaves.push(leaf_hash(entry.as_bytes()));
                self.entries.push(entry.into_bytes());
                Ok(0)
            }
            ["v", leaf, entry] => {
                self.tree
                    .leaves
                    .extend(whole_leaves(&bytes(leaf)?).filter(|one| one.len() == 1).ok_or("has no leaf")?);
                self.entries.push(bytes(entry)?);
                Ok(0)
            }
            ["l", leaves] => {
                self.tree.leaves.extend(whole_leaves(&bytes(leaves)?).ok_or("has no whole leaves")?);
                Ok(0)
            }
            ["t", count, roots] => {
                let from = self.tree.leaves.len();
                let count = count.parse().ok().filter(|count| (1..=LOG_MAX - from).contains(count));
                let count: usize = count.ok_or("has no number of entries, or too many")?;
                let roots = whole_leaves(&bytes(roots)?).ok_or("has no whole roots")?;
                self.tree.leaves.resize(from + count, Hash::ZERO);
                let (from, to) = (from as u64, (from + count) as u64);
                if heights(from, to).count() != roots.len() {
                    return Err("has another number of roots than its entries");
                }
                self.tree.runs.push(Run { from, count: count as u64, roots });
                Ok(0)
            }
            ["checkpoint", note] if self.checkpoint.is_none() => {
                let note = String::from_utf8(bytes(note)?).map_err(|_| "is not UTF-8")?;
                self.checkpoint = Some(note);
                Ok(1)
            }
            ["o", file] => {
                let file = bytes(file)?;
                match self.texts.openings.insert(Hash::of(&[&file]), file) {
                    None => Ok(2),
                    Some(_) => Err("stands there twice"),
                }
            }
            ["m", commit] if self.texts.missing.insert(hash(commit)?) => Ok(3),
            ["x", commit] if self.texts.long.insert(hash(commit)?) => Ok(4),
            _ => Err(SHAPE),
        }
    }
}

fn whole_leaves(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (leaves, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && !leaves.is_empty()).then(|| leaves.iter().map(|leaf| Hash(*leaf)).collect())
}
