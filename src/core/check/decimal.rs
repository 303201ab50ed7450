//! Measured values: decimal strings with one grammar, compared exactly.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest decimal, in characters.
pub const MAX_LENGTH: usize = 40;

/// A decimal number as text: `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, at most 40 characters, never a negative zero.
///
/// Equality is of the text; [`Decimal::compare`] is of the value (`0.10` and `0.1` compare equal).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal(String);

/// Text that is no [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a decimal number such as 0.1 or -12 (no exponent, no sign but minus, no leading zeros, at most 40 characters)"
)]
pub struct DecimalError;

impl Decimal {
    /// Reads exactly the grammar.
    ///
    /// # Errors
    /// [`DecimalError`] on anything else.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let negative_zero =
            unsigned.len() < text.len() && unsigned.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let well_formed = text.len() <= MAX_LENGTH
            && digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && !negative_zero;
        if well_formed { Ok(Self(text.to_owned())) } else { Err(DecimalError) }
    }

    /// The shortest decimal that reads back as `value`, without exponent; when that is longer than 40 characters, the
    /// nearest one with as many places as fit. `None` when `value` is not finite, or too large to write.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let mut text = format!("{value}");
        if text.len() > MAX_LENGTH {
            let whole = text.find('.')?;
            let places = MAX_LENGTH.checked_sub(whole + 1)?;
            text = format!("{value:.places$}");
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
        if text.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|byte| matches!(byte, b'0' | b'.'))) {
            text.remove(0);
        }
        Self::parse(&text).ok()
    }

    /// [`Decimal::from_f64`] after rounding to 15 significant digits, which drops what binary arithmetic leaves behind.
    #[must_use]
    pub fn rounded(value: f64) -> Option<Self> {
        format!("{value:.14e}").parse().ok().and_then(Self::from_f64)
    }

    /// The nearest double.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares the values exactly.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        Exact::of(self).compare(&Exact::of(other))
    }

    /// Compares `self` with `a · b` exactly.
    #[must_use]
    pub fn compare_product(&self, a: &Self, b: &Self) -> Ordering {
        Exact::of(self).compare(&Exact::of(a).times(&Exact::of(b)))
    }

    /// True below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }

    /// True at zero, however many places it is written with.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.bytes().all(|byte| matches!(byte, b'0' | b'.'))
    }
}

/// A number as digits (most significant first) of which the last `places` stand behind the point.
struct Exact {
    negative: bool,
    digits: Vec<u8>,
    places: usize,
}

impl Exact {
    fn of(decimal: &Decimal) -> Self {
        let places = decimal.0.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits = decimal.0.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        Self { negative: decimal.is_negative(), digits, places }
    }

    fn times(&self, other: &Self) -> Self {
        let mut digits = vec![0u8; self.digits.len() + other.digits.len()];
        for (i, a) in self.digits.iter().rev().enumerate() {
            let mut carry = 0u8;
            for (slot, b) in
                digits.iter_mut().rev().skip(i).zip(other.digits.iter().rev().chain(std::iter::repeat(&0)))
            {
                let sum = *slot + a * b + carry;
                *slot = sum % 10;
                carry = sum / 10;
            }
        }
        let zero = digits.iter().all(|&digit| digit == 0);
        Self {
            negative: self.negative != other.negative && !zero,
            digits,
            places: self.places + other.places,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        let places = self.places.max(other.places);
        let aligned = |number: &Self| -> Vec<u8> {
            let padding = std::iter::repeat_n(&0, places - number.places);
            number.digits.iter().chain(padding).copied().skip_while(|&digit| digit == 0).collect()
        };
        let (a, b) = (aligned(self), aligned(other));
        a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::parse(text)
    }
}

impl From<u32> for Decimal {
    fn from(value: u32) -> Self {
        Self(value.to_string())
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn one_grammar() {
        for good in [
            "0",
            "0.0",
            "-1",
            "-0.01",
            "12.50",
            "9007199254740993",
            "1234567890123456789012345678901234567890",
        ] {
            assert_eq!(d(good).to_string(), good);
        }
        for bad in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "+1",
            "01",
            "00",
            "-0",
            "-0.00",
            "1e3",
            "1,5",
            " 1",
            "1 ",
            "NaN",
            "inf",
            "0x1",
            "--1",
            "1.2.3",
            "\u{661}",
            "12345678901234567890123456789012345678901",
        ] {
            assert_eq!(Decimal::parse(bad), Err(DecimalError), "{bad}");
        }
    }

    #[test]
    fn from_doubles() {
        for (value, text) in
            [(0.1, "0.1"), (-0.0, "0"), (1e20, "100000000000000000000"), (80.0, "80"), (1e-7, "0.0000001")]
        {
            assert_eq!(Decimal::from_f64(value).unwrap().as_str(), text);
        }
        assert_eq!(Decimal::from_f64(1e-300).unwrap().as_str(), "0");
        assert_eq!(Decimal::from_f64(-1e-300).unwrap().as_str(), "0");
        assert_eq!(
            Decimal::from_f64(1.234_567_890_123_456_7e-30).unwrap().as_str(),
            "0.00000000000000000000000000000123456789"
        );
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(Decimal::from_f64(none), None);
        }
        assert_eq!(Decimal::rounded(0.1 + 0.2).unwrap().as_str(), "0.3");
    }

    #[test]
    fn compares_beyond_the_precision_of_doubles() {
        use Ordering::{Equal, Greater, Less};
        for (a, order, b) in [
            ("0.1", Equal, "0.10"),
            ("0.1", Less, "0.10000000000000000000000001"),
            ("-2", Less, "-1"),
            ("-1", Less, "0"),
            ("10", Greater, "9.99"),
            ("9007199254740993", Greater, "9007199254740992"),
        ] {
            assert_eq!(d(a).compare(&d(b)), order, "{a} {b}");
            assert_eq!(d(b).compare(&d(a)), order.reverse(), "{b} {a}");
        }
        assert_eq!(d("120").compare_product(&d("100"), &d("1.2")), Equal);
        assert_eq!(d("120.0000000000000000001").compare_product(&d("100"), &d("1.2")), Greater);
        assert_eq!(d("0").compare_product(&d("-3"), &d("0")), Equal);
        assert_eq!(d("9801").compare_product(&d("99"), &d("99")), Equal);
        assert_eq!(d("-6").compare_product(&d("-2"), &d("3")), Equal);
    }

    proptest::proptest! {
        #[test]
        fn doubles_survive(value in -1e12f64..1e12) {
            let decimal = Decimal::from_f64(value).unwrap();
            proptest::prop_assert!((decimal.to_f64() - value).abs() == 0.0);
        }

        #[test]
        fn products_agree_with_integers(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000, c in -1_000_000i64..1_000_000) {
            let exact = d(&c.to_string()).compare_product(&d(&a.to_string()), &d(&b.to_string()));
            proptest::prop_assert_eq!(exact, c.cmp(&(a * b)));
        }
    }
}
