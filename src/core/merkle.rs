//! The Merkle tree of RFC 6962 §2.1: leaf = SHA-256(0x00 ‖ entry), node = SHA-256(0x01 ‖ left ‖ right).
//!
//! [`Frontier`] streams: it holds at most 64 hashes whatever the size. [`root_at`], [`inclusion`] and
//! [`consistency`] ask for the O(log n) complete subtrees that they need, wherever those are kept; [`Tree`]
//! keeps all of them in memory. The two `verify_` functions need none.

use super::hash::Hash;

/// The leaf of one entry: SHA-256(0x00 ‖ entry bytes).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash::of(&[&[0], entry])
}

/// An inner node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash::of(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// The root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// The compact range \[0, size): the roots of the complete subtrees, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// An empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// The frontier of the first `size` leaves, from the subtrees that `node` gives as in [`root_at`].
    ///
    /// # Errors
    /// Those of `node`.
    pub fn resume<E>(node: &mut impl FnMut(u32, u64) -> Result<Hash, E>, size: u64) -> Result<Self, E> {
        let heights = (0..u64::BITS).rev().filter(|height| size >> height & 1 == 1);
        let peaks = heights.map(|height| node(height, (size >> height) - 1)).collect::<Result<_, _>>()?;
        Ok(Self { size, peaks })
    }

    /// Appends one leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// Appends `2^height` leaves by the root over them; `None` where they do not begin at a multiple of that number.
    #[must_use]
    pub fn push_subtree(&mut self, height: u32, root: Hash) -> Option<()> {
        let count = 1_u64.checked_shl(height).filter(|count| self.size.is_multiple_of(*count))?;
        let size = self.size.checked_add(count)?;
        let mut node = root;
        for _ in 0..(self.size >> height).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size = size;
        Some(())
    }

    /// Number of leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        peaks.next().map_or_else(empty_root, |last| peaks.fold(*last, |right, left| node_hash(left, &right)))
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

/// A whole tree in memory: about 64 bytes for each leaf.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// `levels[h][i]` is the root of leaves `i·2^h .. (i+1)·2^h`.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree over `leaves`, in `seq` order.
    #[must_use]
    pub fn new(leaves: &[Hash]) -> Self {
        let mut levels = vec![leaves.to_vec()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let level = below.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
            levels.push(level);
        }
        Self { levels }
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The root of the first `size` leaves; `None` when there are fewer.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        root_at(&mut self.nodes(), size).ok()
    }

    /// The audit path of leaf `seq` in the tree of the first `size` leaves (RFC 6962 §2.1.1).
    /// `None` unless `seq < size ≤ self.size()`.
    #[must_use]
    pub fn inclusion(&self, seq: u64, size: u64) -> Option<Vec<Hash>> {
        if seq < size && size <= self.size() { inclusion(&mut self.nodes(), seq, size).ok() } else { None }
    }

    /// The consistency proof between the first `old` and the first `size` leaves (RFC 6962 §2.1.2).
    /// Empty when `old` is 0 or `size`; `None` unless `old ≤ size ≤ self.size()`.
    #[must_use]
    pub fn consistency(&self, old: u64, size: u64) -> Option<Vec<Hash>> {
        if old <= size && size <= self.size() { consistency(&mut self.nodes(), old, size).ok() } else { None }
    }

    /// The root of leaves `i·2^h .. (i+1)·2^h`, where all of them are there.
    #[must_use]
    pub fn node(&self, h: u32, i: u64) -> Option<Hash> {
        self.nodes()(h, i).ok()
    }

    fn nodes(&self) -> impl FnMut(u32, u64) -> Result<Hash, NoNode> + '_ {
        |height, index| {
            let level = self.levels.get(height as usize).ok_or(NoNode)?;
            usize::try_from(index).ok().and_then(|index| level.get(index)).copied().ok_or(NoNode)
        }
    }
}

/// The heights of the fewest complete subtrees that are the leaves from `from` up to and without `to`, in order.
pub fn heights(from: u64, to: u64) -> impl Iterator<Item = u32> {
    let mut at = from;
    std::iter::from_fn(move || {
        let left = to.checked_sub(at).filter(|left| *left > 0)?;
        let height = at.trailing_zeros().min(left.ilog2());
        at += 1 << height;
        Some(height)
    })
}

/// A subtree that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tree has fewer leaves")]
pub struct NoNode;

/// The root of the first `size` leaves. `node(h, i)` gives the root of leaves `i·2^h .. (i+1)·2^h`.
///
/// # Errors
/// Those of `node`.
pub fn root_at<E>(node: &mut impl FnMut(u32, u64) -> Result<Hash, E>, size: u64) -> Result<Hash, E> {
    if size == 0 { Ok(empty_root()) } else { range(node, 0, size) }
}

/// The audit path of leaf `seq` in the tree of the first `size` leaves (RFC 6962 §2.1.1); `seq < size`.
///
/// # Errors
/// Those of `node`, which is as in [`root_at`].
pub fn inclusion<E>(
    node: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
    seq: u64,
    size: u64,
) -> Result<Vec<Hash>, E> {
    let (mut from, mut to, mut path) = (0, size, Vec::new());
    while to - from > 1 {
        let middle = from + split(to - from);
        if seq < middle {
            path.push(range(node, middle, to)?);
            to = middle;
        } else {
            path.push(range(node, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The consistency proof between the first `old` and the first `size` leaves (RFC 6962 §2.1.2); `old ≤ size`.
/// Empty when `old` is 0 or `size`.
///
/// # Errors
/// Those of `node`, which is as in [`root_at`].
pub fn consistency<E>(
    node: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
    old: u64,
    size: u64,
) -> Result<Vec<Hash>, E> {
    let (mut from, mut to, mut path) = (0, size, Vec::new());
    if old == 0 {
        return Ok(path);
    }
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(range(node, middle, to)?);
            to = middle;
        } else {
            path.push(range(node, from, middle)?);
            from = middle;
        }
    }
    if from > 0 {
        path.push(range(node, from, to)?);
    }
    path.reverse();
    Ok(path)
}

/// The root of leaves `from..to`, where `from` is a multiple of the power of two that `to - from` fits in.
fn range<E>(node: &mut impl FnMut(u32, u64) -> Result<Hash, E>, from: u64, to: u64) -> Result<Hash, E> {
    let width = to - from;
    if width.is_power_of_two() {
        let height = width.trailing_zeros();
        return node(height, from >> height);
    }
    let middle = from + split(width);
    Ok(node_hash(&range(node, from, middle)?, &range(node, middle, to)?))
}

/// The largest power of two below `width`, for `width > 1`.
const fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

/// Whether `path` proves that `leaf` is number `seq` of the `size` leaves under `root` (RFC 9162 §2.1.3.2).
/// Any input is safe.
#[must_use]
pub fn verify_inclusion(leaf: Hash, seq: u64, size: u64, path: &[Hash], root: Hash) -> bool {
    if seq >= size {
        return false;
    }
    let (mut index, mut last, mut node) = (seq, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        node = climb(&mut index, &mut last, sibling, node);
    }
    last == 0 && node == root
}

/// Whether `path` proves that the tree of `size` leaves under `root` begins with the tree of `old` leaves
/// under `old_root` (RFC 9162 §2.1.4.2). The empty tree is the beginning of every tree, by the empty path.
/// Any input is safe.
#[must_use]
pub fn verify_consistency(old: u64, old_root: Hash, size: u64, root: Hash, path: &[Hash]) -> bool {
    if old > size {
        return false;
    }
    if old == size {
        return path.is_empty() && old_root == root && (size > 0 || root == empty_root());
    }
    if old == 0 {
        return path.is_empty() && old_root == empty_root();
    }
    let (seed, path) = match path.split_first() {
        _ if old.is_power_of_two() => (old_root, path),
        Some((first, rest)) => (*first, rest),
        None => return false,
    };
    let shift = (old - 1).trailing_ones();
    let (mut index, mut last) = ((old - 1) >> shift, (size - 1) >> shift);
    let (mut old_node, mut node) = (seed, seed);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if index & 1 == 1 || index == last {
            old_node = node_hash(sibling, &old_node);
        }
        node = climb(&mut index, &mut last, sibling, node);
    }
    last == 0 && old_node == old_root && node == root
}

/// One step towards the root: joins `node` with `sibling` and moves `index` and `last` to the level reached.
fn climb(index: &mut u64, last: &mut u64, sibling: &Hash, node: Hash) -> Hash {
    let joined = if *index & 1 == 1 || index == last {
        while *index & 1 == 0 && *index != 0 {
            *index >>= 1;
            *last >>= 1;
        }
        node_hash(sibling, &node)
    } else {
        node_hash(&node, sibling)
    };
    *index >>= 1;
    *last >>= 1;
    joined
}
