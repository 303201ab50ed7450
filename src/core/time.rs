//! Times with one spelling: `2026-07-03T02:04:11.120Z`, 24 characters, UTC, milliseconds.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970-01-01T00:00:00Z, within the years 0000 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

/// Text that is not exactly `YYYY-MM-DDTHH:MM:SS.mmmZ` with a real date and no leap second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time of the form 2026-07-03T02:04:11.120Z (UTC, milliseconds, a real date)")]
pub struct TimeError;

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`TimeError`] outside the years 0000 to 9999.
    pub fn from_millis(millis: i64) -> Result<Self, TimeError> {
        let time = DateTime::<Utc>::from_timestamp_millis(millis).ok_or(TimeError)?;
        if (0..=9999).contains(&time.year()) { Ok(Self(millis)) } else { Err(TimeError) }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This time moved by `seconds`, held within the years 0000 to 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000))).unwrap_or(self)
    }

    /// Reads exactly the one spelling.
    ///
    /// # Errors
    /// [`TimeError`] on anything else.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let bytes: &[u8; 24] = text.as_bytes().try_into().map_err(|_| TimeError)?;
        let fixed = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
        if fixed.iter().any(|&(at, byte)| bytes[at] != byte) {
            return Err(TimeError);
        }
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().try_fold(0u32, |sum, byte| {
                if byte.is_ascii_digit() { Ok(sum * 10 + u32::from(byte - b'0')) } else { Err(TimeError) }
            })
        };
        let year = i32::try_from(number(0, 4)?).map_err(|_| TimeError)?;
        NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)
            .and_then(|date| {
                date.and_hms_milli_opt(
                    number(11, 13).ok()?,
                    number(14, 16).ok()?,
                    number(17, 19).ok()?,
                    number(20, 23).ok()?,
                )
            })
            .map(|time| Self(time.and_utc().timestamp_millis()))
            .ok_or(TimeError)
    }

    /// The same moment as a chrono value.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// The one spelling, given to `use_it`. Reports hold tens of thousands of times: digit by digit, nothing is
    /// formatted or allocated.
    fn spelled<T>(self, use_it: impl FnOnce(&str) -> T) -> T {
        let t = self.to_utc();
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |last: usize, mut number: u32| {
            for digit in text[..=last].iter_mut().rev().take_while(|digit| digit.is_ascii_digit()) {
                *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        };
        put(3, t.year().unsigned_abs());
        let rest = [t.month(), t.day(), t.hour(), t.minute(), t.second(), t.timestamp_subsec_millis()];
        for (last, number) in [6, 9, 12, 15, 18, 22].into_iter().zip(rest) {
            put(last, number);
        }
        use_it(std::str::from_utf8(&text).unwrap_or_default())
    }

    /// `2026-07-03 02:04:11 UTC`, for people.
    #[must_use]
    pub fn human(self) -> String {
        self.spelled(|text| {
            let part = |range| text.get(range).unwrap_or_default();
            [part(0..10), " ", part(11..19), " UTC"].concat()
        })
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_millis())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spelled(|text| f.write_str(text))
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.spelled(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time of the form 2026-07-03T02:04:11.120Z")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_only() {
        let text = "2026-07-03T02:04:11.120Z";
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        for bad in [
            "2026-07-03T02:04:11Z",
            "2026-07-03T02:04:60.000Z",
            "2026-02-30T02:04:11.120Z",
            "2026-13-03T02:04:11.120Z",
            "2026-07-03t02:04:11.120Z",
            "2026-07-03T02:04:11.120z",
            "2026-07-03T24:00:00.000Z",
            "+026-07-03T02:04:11.120Z",
        ] {
            assert_eq!(Timestamp::parse(bad), Err(TimeError), "{bad}");
        }
        for text in ["0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "0987-10-09T08:07:06.005Z"] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::parse(text).unwrap().human(), "2026-07-03 02:04:11 UTC");
        assert_eq!(Timestamp::parse("2024-02-29T23:59:59.999Z").unwrap().millis(), 1_709_251_199_999);
    }
}
