//! Medians and percentiles.

use serde::{Deserialize, Serialize};

/// Durations in seconds: how many there are, the middle one, and the one that nine of ten do not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// How many durations.
    pub count: usize,
    /// The 50th percentile, in seconds.
    pub median: f64,
    /// The 90th percentile, in seconds.
    pub p90: f64,
}

impl Spread {
    /// Of durations in seconds; `None` of none: no data is no zero.
    #[must_use]
    pub fn of(mut seconds: Vec<f64>) -> Option<Self> {
        seconds.retain(|value| value.is_finite());
        seconds.sort_by(f64::total_cmp);
        Some(Self { count: seconds.len(), median: quantile(&seconds, 0.5)?, p90: quantile(&seconds, 0.9)? })
    }
}

/// The quantile of sorted values, linear between the two nearest ranks (Hyndman and Fan's type 7, what numpy and
/// pandas do unless told otherwise); `None` of no values.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let low = sorted.get(below)?;
    let high = sorted.get(below + 1).unwrap_or(low);
    Some((high - low).mul_add(place - place.floor(), *low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[7.0], 0.9), Some(7.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 10.0], 0.5), Some(2.5));
        // Rank 0.9 · 3 = 2.7: seven tenths of the way from 3 to 10.
        assert!((quantile(&[1.0, 2.0, 3.0, 10.0], 0.9).unwrap_or_default() - 7.9).abs() < 1e-12);
    }
}
