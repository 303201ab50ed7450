//! Mann-Whitney U: are these values larger than those of history, or may chance have made it look so?
//!
//! The normal approximation with tie and continuity correction, one-sided, as `scipy.stats.mannwhitneyu(x, y,
//! method="asymptotic", alternative="greater")`. The verdict has no floating point: `p < alpha` is `z > z(alpha)`, and
//! with `z = (U - n1·n2/2 - 1/2) / s` that is a comparison of two whole numbers once both sides are squared and the
//! denominators are multiplied out. `z(alpha)²` stands in a table, to 18 places; so every machine comes to the same verdict.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Decimal;

/// The levels of significance that can be asked for, each with the square of its one-sided normal quantile times 10^18.
const LEVELS: &[(&str, u128)] = &[
    ("0.1", 1_642_374_415_149_816_386),
    ("0.05", 2_705_543_454_095_414_567),
    ("0.025", 3_841_458_820_694_125_958),
    ("0.02", 4_217_884_587_921_399_912),
    ("0.01", 5_411_894_431_054_341_092),
    ("0.005", 6_634_896_601_021_215_138),
    ("0.002", 8_283_814_996_393_137_707),
    ("0.001", 9_549_535_706_083_243_290),
];
const SCALE: u128 = 1_000_000_000_000_000_000;

/// A level of significance: one of 0.1, 0.05, 0.025, 0.02, 0.01, 0.005, 0.002, 0.001.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Alpha(usize);

/// Text that is no [`Alpha`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a level of significance: one of 0.1, 0.05, 0.025, 0.02, 0.01, 0.005, 0.002, 0.001")]
pub struct AlphaError;

impl Alpha {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        LEVELS.get(self.0).map_or("", |(text, _)| text)
    }

    fn quantile_squared(self) -> u128 {
        LEVELS.get(self.0).map_or(u128::MAX, |(_, square)| *square)
    }
}

impl FromStr for Alpha {
    type Err = AlphaError;

    fn from_str(text: &str) -> Result<Self, AlphaError> {
        LEVELS.iter().position(|(level, _)| *level == text).map(Self).ok_or(AlphaError)
    }
}

impl fmt::Display for Alpha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Alpha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Alpha {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Alpha {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Two samples, ranked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Size of the first sample.
    pub n1: u64,
    /// Size of the second.
    pub n2: u64,
    /// Twice U of the first sample: ties count half.
    pub twice_u: u64,
    /// The sum of t³ - t over the groups of t equal values.
    ties: u128,
}

/// Ranks `sample` and `history` together, by their exact values.
#[must_use]
pub fn rank<'a>(
    sample: impl Iterator<Item = &'a Decimal>,
    history: impl Iterator<Item = &'a Decimal>,
) -> Ranked {
    let mut all: Vec<(&Decimal, bool)> =
        sample.map(|value| (value, true)).chain(history.map(|value| (value, false))).collect();
    all.sort_by(|a, b| a.0.compare(b.0));
    let n1 = all.iter().filter(|(_, own)| *own).count() as u64;
    let n2 = all.len() as u64 - n1;
    let (mut twice_ranks, mut ties, mut before) = (0u64, 0u128, 0u64);
    for group in all.chunk_by(|a, b| a.0.compare(b.0) == Ordering::Equal) {
        let size = group.len() as u64;
        let own = group.iter().filter(|(_, own)| *own).count() as u64;
        // Ranks before + 1 to before + size: twice their mean is the first and the last together.
        twice_ranks += own * (2 * before + size + 1);
        ties += u128::from(size).pow(3) - u128::from(size);
        before += size;
    }
    Ranked { n1, n2, twice_u: twice_ranks.saturating_sub(n1 * (n1 + 1)), ties }
}

impl Ranked {
    /// The same with the other sample first.
    #[must_use]
    pub const fn turned(self) -> Self {
        let all = 2 * self.n1 * self.n2;
        Self { twice_u: all.saturating_sub(self.twice_u), ..self }
    }

    /// Whether the first sample is larger than chance explains.
    #[must_use]
    pub fn significant(&self, alpha: Alpha) -> bool {
        exceeds(self.n1, self.n2, self.twice_u, self.ties, alpha).unwrap_or(false)
    }

    /// Whether samples of these sizes can be significant at all: where not, a test says nothing.
    #[must_use]
    pub fn can_tell(&self, alpha: Alpha) -> bool {
        exceeds(self.n1, self.n2, 2 * self.n1 * self.n2, 0, alpha).unwrap_or(false)
    }
}

impl fmt::Display for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.twice_u.is_multiple_of(2) { "" } else { ".5" };
        write!(f, "n1 {}, n2 {}, U {}{half}", self.n1, self.n2, self.twice_u / 2)
    }
}

/// z > z(alpha), squared and without fractions: with d = 2U - n1·n2 - 1 and n = n1 + n2,
/// 3·d²·n(n-1) > z(alpha)²·n1·n2·((n+1)·n·(n-1) - ties). `None` beyond what 128 bits hold.
fn exceeds(n1: u64, n2: u64, twice_u: u64, ties: u128, alpha: Alpha) -> Option<bool> {
    let (n1, n2) = (u128::from(n1), u128::from(n2));
    let n = n1 + n2;
    let Some(d) = u128::from(twice_u).checked_sub(n1 * n2 + 1).filter(|d| *d > 0) else {
        return Some(false);
    };
    let pairs = n * (n - 1);
    let left = d.checked_mul(d)?.checked_mul(3)?.checked_mul(pairs)?.checked_mul(SCALE)?;
    let spread = pairs.checked_mul(n + 1)?.checked_sub(ties)?;
    let right = alpha.quantile_squared().checked_mul(n1 * n2)?.checked_mul(spread)?;
    Some(left > right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sample: &[&str], history: &[&str]) -> Ranked {
        let read = |values: &[&str]| -> Vec<Decimal> { values.iter().map(|v| v.parse().unwrap()).collect() };
        let (sample, history) = (read(sample), read(history));
        rank(sample.iter(), history.iter())
    }

    /// U and p by hand and by the textbook; many more are held against scipy in tests/outside.
    #[test]
    fn small_ones() {
        let apart = of(&["4", "5", "6"], &["1", "2", "3"]);
        assert_eq!((apart.twice_u, apart.ties), (18, 0));
        assert_eq!(apart.to_string(), "n1 3, n2 3, U 9");
        // p = 0.0404
        assert!(apart.significant("0.05".parse().unwrap()) && !apart.significant("0.025".parse().unwrap()));
        assert!(!apart.can_tell("0.01".parse().unwrap()));
        assert_eq!(apart.turned().twice_u, 0);
        let tied = of(&["1", "2.0"], &["2", "1.0"]);
        assert_eq!((tied.twice_u, tied.ties), (4, 12));
        assert_eq!(of(&["1.5", "2"], &["1.5"]).to_string(), "n1 2, n2 1, U 1.5");
    }

    #[test]
    fn nothing_tells_nothing() {
        for ranked in [of(&[], &[]), of(&["1"], &[]), of(&[], &["1"]), of(&["1", "1"], &["1", "1", "1"])] {
            for (level, _) in LEVELS {
                assert!(!ranked.significant(level.parse().unwrap()), "{ranked}");
            }
        }
        assert_eq!("0.03".parse::<Alpha>(), Err(AlphaError));
    }
}
