//! What nobody should write into a log: the rules, and the places of a text that break them.

use std::ops::Range;
use std::sync::LazyLock;

use regex_lite::Regex;

/// One kind of thing that must not be there.
#[derive(Debug)]
pub struct Rule {
    /// Its name, in records and in configuration.
    pub name: &'static str,
    pattern: &'static str,
    /// What a match must be beside matching.
    check: fn(&str) -> bool,
}

/// A part of a text that breaks a rule. It holds no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The rule's name.
    pub rule: &'static str,
    /// Where, in bytes.
    pub at: Range<usize>,
}

/// The rules. Each is narrow on purpose: a check that cries at every line is switched off.
pub const RULES: &[Rule] = &[
    Rule { name: "aws-access-key", pattern: r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b", check: any },
    Rule {
        name: "aws-secret-key",
        pattern: r#"(?i)aws.{0,20}secret.{0,20}[\s"'=:]+[A-Za-z0-9/+]{40}\b"#,
        check: any,
    },
    Rule {
        name: "private-key",
        pattern: r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
        check: any,
    },
    Rule {
        name: "jwt",
        pattern: r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        check: any,
    },
    Rule { name: "bearer-token", pattern: r"(?i)\bbearer\s+[A-Za-z0-9._~+/-]{20,}=*", check: any },
    Rule {
        name: "github-token",
        pattern: r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})",
        check: any,
    },
    Rule {
        name: "slack-token",
        pattern: r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}",
        check: any,
    },
    Rule {
        name: "password",
        pattern: r#"(?i)\b(?:password|passwd|pwd|client_secret|api_?key)["']?\s*[=:]\s*["']?[^\s"'*<>{}\[\],;]{8,}"#,
        check: any,
    },
    Rule {
        name: "url-credentials",
        pattern: r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/:@*<>{}]+@[A-Za-z0-9]",
        check: any,
    },
    Rule { name: "card-number", pattern: r"\b[2-6](?:[ -]?[0-9]){12,18}\b", check: card },
    Rule {
        name: "email",
        pattern: r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b",
        check: any,
    },
];

static COMPILED: LazyLock<Vec<(&'static Rule, Regex)>> =
    LazyLock::new(|| RULES.iter().filter_map(|rule| Some((rule, Regex::new(rule.pattern).ok()?))).collect());

/// Every place of `text` that breaks a rule other than `except`. A place that breaks several counts once, by the first.
#[must_use]
pub fn leaks(text: &str, except: &[String]) -> Vec<Leak> {
    let mut all: Vec<Leak> = vec![];
    for (rule, pattern) in COMPILED.iter().filter(|(rule, _)| !except.iter().any(|name| name == rule.name)) {
        for found in pattern.find_iter(text).filter(|found| (rule.check)(found.as_str())) {
            let at = found.range();
            if !all.iter().any(|leak| leak.at.start < at.end && at.start < leak.at.end) {
                all.push(Leak { rule: rule.name, at });
            }
        }
    }
    all.sort_by_key(|leak| leak.at.start);
    all
}

fn any(_: &str) -> bool {
    true
}

/// 13 to 19 digits whose check digit is right (ISO/IEC 7812-1, Annex B), not all the same.
fn card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let doubled = digit * (1 + u32::from(place % 2 == 1));
            doubled / 10 + doubled % 10
        })
        .sum();
    let varied = digits.iter().any(|digit| Some(digit) != digits.first());
    (13..=19).contains(&digits.len()) && varied && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        leaks(text, &[]).into_iter().map(|leak| leak.rule).collect()
    }

    #[test]
    fn every_rule_can_be_compiled() {
        assert_eq!(COMPILED.len(), RULES.len());
    }

    #[test]
    fn what_is_found() {
        // Put together here, so that no scanner of sources takes them for real ones.
        let (long, jwt) = ("a1B2".repeat(10), format!("eyJ{0}.eyJ{0}.{0}", "hbGciOiJIUzI1"));
        for (text, rule) in [
            (format!("key AKIA{}", "ABCDEFGH23456723"), "aws-access-key"),
            (format!("aws_secret_access_key = {long}"), "aws-secret-key"),
            (format!("-----BEGIN {} KEY-----", "RSA PRIVATE"), "private-key"),
            (format!("-----BEGIN {}-----", "PRIVATE KEY"), "private-key"),
            (jwt.clone(), "jwt"),
            (format!("Authorization: Bearer {long}"), "bearer-token"),
            (format!("ghp_{}", "a".repeat(36)), "github-token"),
            (format!("xoxb-{}", "1234567890-abc"), "slack-token"),
            (format!("https://hooks.slack.com/services/{long}"), "slack-token"),
            ("{\"password\": \"hunter2hunter2\"}".to_owned(), "password"),
            ("postgres://app:s3cr3t@db.example.com/x".to_owned(), "url-credentials"),
            ("paid with 4111 1111 1111 1111.".to_owned(), "card-number"),
            ("5500-0000-0000-0004".to_owned(), "card-number"),
            ("mail to jane.doe@example.co.uk now".to_owned(), "email"),
        ] {
            assert_eq!(names(&text), [rule], "{text}");
        }
        assert_eq!(
            names(&format!("a@example.com paid 4111111111111111, {jwt}")),
            ["email", "card-number", "jwt"]
        );
    }

    #[test]
    fn what_is_not() {
        for text in [
            "paid with 4111 1111 1111 1112",
            "id 1234567890123456",
            "at 2026-07-03T02:04:11.120Z took 4000 ms",
            "0000000000000000 4444444444444444",
            "password=***** password: <redacted>",
            "user@host",
            "bearer token missing",
            "AKIAshort",
            "https://example.com:8080/path",
            "-----BEGIN PUBLIC KEY-----",
            "",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn rules_can_be_left_out() {
        assert_eq!(leaks("a@example.com", &["email".to_owned()]), []);
        let found = leaks("x \u{e9} a@example.com", &[]);
        assert_eq!(found, [Leak { rule: "email", at: 5..18 }]);
    }
}
