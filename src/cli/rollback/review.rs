//! The invitation to the incident review, as an iCalendar file (RFC 5545).

use chrono::{Datelike as _, Duration, NaiveDateTime, Weekday};

use crate::core::time::Timestamp;

/// Ten in the morning, UTC, of the second working day from `now` on.
#[must_use]
pub fn date(now: Timestamp) -> NaiveDateTime {
    let mut day = now.to_utc().date_naive();
    let mut left = 2;
    while left > 0 {
        day += Duration::days(1);
        left -= i32::from(!matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
    }
    day.and_hms_opt(10, 0, 0).unwrap_or_default()
}

/// For people.
#[must_use]
pub fn words(date: NaiveDateTime) -> String {
    date.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// One event of an hour. The same rollback always has the same UID, so that a second file moves the first.
#[must_use]
pub fn invitation(
    uid: &str,
    date: NaiveDateTime,
    now: Timestamp,
    summary: &str,
    description: &str,
) -> String {
    let stamp = |at: NaiveDateTime| at.format("%Y%m%dT%H%M%SZ").to_string();
    let lines = [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        format!("PRODID:-//project-aether.io//aether-audit {}//EN", env!("CARGO_PKG_VERSION")),
        "METHOD:PUBLISH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{uid}"),
        format!("DTSTAMP:{}", stamp(now.to_utc().naive_utc())),
        format!("DTSTART:{}", stamp(date)),
        format!("DTEND:{}", stamp(date + Duration::hours(1))),
        format!("SUMMARY:{}", escape(summary)),
        format!("DESCRIPTION:{}", escape(description)),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ];
    lines.iter().map(|line| fold(line) + "\r\n").collect()
}

/// Section 3.3.11.
fn escape(text: &str) -> String {
    let plain = text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
    plain.replace("\r\n", "\\n").replace(['\n', '\r'], "\\n").replace(char::is_control, " ")
}

/// Section 3.1: at most 75 octets on a line.
fn fold(line: &str) -> String {
    let (mut folded, mut length) = (String::new(), 0);
    for c in line.chars() {
        if length + c.len_utf8() > 74 {
            folded.push_str("\r\n ");
            length = 1;
        }
        folded.push(c);
        length += c.len_utf8();
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_two_working_days() {
        for (now, at) in [
            ("2026-07-03T02:04:11.120Z", "2026-07-07 10:00 UTC"), // a Friday
            ("2026-07-01T23:59:59.999Z", "2026-07-03 10:00 UTC"),
            ("2026-07-04T12:00:00.000Z", "2026-07-07 10:00 UTC"),
        ] {
            assert_eq!(words(date(Timestamp::parse(now).unwrap())), at);
        }
    }

    #[test]
    fn lines_are_folded_and_escaped() {
        let now = Timestamp::parse("2026-07-03T02:04:11.120Z").unwrap();
        let text = invitation("x@y", date(now), now, "a, b; c\nd", &"ü".repeat(100));
        assert!(text.contains("SUMMARY:a\\, b\\; c\\nd\r\n"), "{text}");
        assert!(text.contains("DTSTART:20260707T100000Z\r\nDTEND:20260707T110000Z\r\n"), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
    }
}
