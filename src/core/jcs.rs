//! Canonical JSON: RFC 8785 (JCS), narrowed to integers |n| < 2^53 and without null.
//!
//! [`check`] accepts the one encoding and nothing else; [`to_string`] writes it. Nothing is read
//! and written again in order to be checked.

use serde::Serialize;
use serde_json::Value;

/// The deepest nesting accepted. The format itself needs fewer than 16 levels.
const MAX_DEPTH: usize = 64;
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why bytes are not the canonical encoding of a JSON value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not canonical JSON (RFC 8785) at byte {offset}: {reason}")]
pub struct JcsError {
    /// Byte offset of the first offending byte.
    pub offset: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// Accepts exactly the canonical encoding of one JSON value, with nothing before or after it.
///
/// # Errors
/// [`JcsError`] names the first byte that departs from RFC 8785, a float, null, an integer of 2^53 or
/// more, or nesting beyond 64 levels.
pub fn check(bytes: &[u8]) -> Result<(), JcsError> {
    let mut checker = Checker { bytes, at: 0 };
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(JcsError { offset: error.valid_up_to(), reason: "not UTF-8" });
    }
    checker.value(0)?;
    if checker.at == bytes.len() { Ok(()) } else { checker.fail("something follows the value") }
}

/// Writes a value canonically.
///
/// # Errors
/// Where the value does not serialise to JSON, or holds a float or an integer of 2^53 or more.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let value = serde_json::to_value(value)?;
    let mut out = String::with_capacity(512);
    write(&value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), serde_json::Error> {
    use serde::ser::Error as _;
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(n) => {
            let size = n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs));
            if size.is_none_or(|size| size > MAX_INTEGER) {
                return Err(serde_json::Error::custom(format!(
                    "{n} is not an integer below 2^53 (measured values are decimal strings)"
                )));
            }
            out.push_str(&n.to_string());
        }
        Value::String(text) => out.push_str(&serde_json::to_string(text)?),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| utf16_order(a, b));
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(name)?);
                out.push(':');
                write(member, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// RFC 8785 section 3.2.3: names are sorted by their UTF-16 code units.
fn utf16_order(a: &str, b: &str) -> std::cmp::Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

struct Checker<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Checker<'a> {
    fn fail<T>(&self, reason: &'static str) -> Result<T, JcsError> {
        Err(JcsError { offset: self.at, reason })
    }

    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let here = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(here);
        here
    }

    fn value(&mut self, depth: usize) -> Result<(), JcsError> {
        if depth > MAX_DEPTH {
            return self.fail("nested too deep");
        }
        match self.peek() {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.integer(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.fail("null (an optional member is absent instead)"),
            b' ' | b'\t' | b'\r' | b'\n' => self.fail("white space"),
            _ => self.fail("no value"),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JcsError> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            self.fail("no value")
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JcsError> {
        self.at += 1;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if self.eat(b']') {
                return Ok(());
            }
            if !self.eat(b',') {
                return self.fail("expected a comma or the end of the array");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JcsError> {
        self.at += 1;
        if self.eat(b'}') {
            return Ok(());
        }
        let mut previous: Option<Text<'a>> = None;
        loop {
            if self.peek() != b'"' {
                return self.fail("expected a member's name");
            }
            let start = self.at;
            let name = self.string()?;
            if let Some(previous) = previous
                && !previous.sorts_before(name)
            {
                self.at = start;
                return self.fail("a member is repeated or out of order");
            }
            previous = Some(name);
            if !self.eat(b':') {
                return self.fail("expected a colon");
            }
            self.value(depth + 1)?;
            if self.eat(b'}') {
                return Ok(());
            }
            if !self.eat(b',') {
                return self.fail("expected a comma or the end of the object");
            }
        }
    }

    /// RFC 8785 section 3.2.2.2: the shortest escape, and none where none is needed.
    fn string(&mut self) -> Result<Text<'a>, JcsError> {
        self.at += 1;
        let start = self.at;
        let mut plain = true;
        loop {
            self.at += plain_prefix(&self.bytes[self.at..]);
            match self.bytes.get(self.at) {
                None => return self.fail("unterminated string"),
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    self.at += 1;
                    match self.peek() {
                        b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
                        b'u' => self.escaped_control()?,
                        _ => return self.fail("an escape that is not the canonical one"),
                    }
                }
                Some(0..=0x1f) => return self.fail("an unescaped control character"),
                Some(byte) => {
                    plain &= byte.is_ascii();
                    self.at += 1;
                }
            }
        }
        let text = Text { raw: &self.bytes[start..self.at], plain };
        self.at += 1;
        Ok(text)
    }

    fn escaped_control(&mut self) -> Result<(), JcsError> {
        let ok = matches!(
            self.bytes.get(self.at + 1..self.at + 5),
            Some(
                [b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f']
                | [b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f'],
            )
        );
        if !ok {
            return self.fail("an escape that is not the canonical one");
        }
        self.at += 5;
        Ok(())
    }

    fn integer(&mut self) -> Result<(), JcsError> {
        let start = self.at;
        let negative = self.eat(b'-');
        let digits = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        let text = &self.bytes[digits..self.at];
        let reason = match text {
            [] => Some("no digits"),
            [b'0'] if negative => Some("minus zero"),
            [b'0', _, ..] => Some("a leading zero"),
            _ if matches!(self.peek(), b'.' | b'e' | b'E') => Some("a number that is not a plain integer"),
            _ if text.len() > 16 || value_of(text) > MAX_INTEGER => Some("an integer of 2^53 or more"),
            _ => None,
        };
        match reason {
            None => Ok(()),
            Some(reason) => {
                self.at = start;
                self.fail(reason)
            }
        }
    }
}

/// How many bytes, eight at a time, stand for themselves in a string: printable ASCII but `"` and `\`.
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES * 0x80;
    // The high bit of each byte below `limit`; exact for the lowest such byte, which is all that is asked.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, _) = bytes.as_chunks::<8>();
    let plain = words.iter().take_while(|chunk| {
        let word = u64::from_le_bytes(**chunk);
        (below(word, 0x20) | equal(word, b'"') | equal(word, b'\\') | (word & HIGHS)) == 0
    });
    plain.count() * 8
}

fn value_of(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}

/// A string as it stands between its quotes; `plain` when it is ASCII without escapes.
#[derive(Clone, Copy)]
struct Text<'a> {
    raw: &'a [u8],
    plain: bool,
}

impl Text<'_> {
    fn sorts_before(self, other: Self) -> bool {
        if self.plain && other.plain {
            return self.raw < other.raw;
        }
        utf16_order(&self.decoded(), &other.decoded()).is_lt()
    }

    fn decoded(self) -> String {
        let mut quoted = Vec::with_capacity(self.raw.len() + 2);
        quoted.push(b'"');
        quoted.extend_from_slice(self.raw);
        quoted.push(b'"');
        serde_json::from_slice(&quoted).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_it_writes() {
        let value: Value = serde_json::from_str(
            r#"{"€":"Euro","\r":"CR","1":"One","😀":"smile","\u0080":"c","ö":"o","\ufb33":"Hebrew","a":[true,-1,{}]}"#,
        )
        .unwrap();
        let text = to_string(&value).unwrap();
        check(text.as_bytes()).unwrap();
        // RFC 8785 section 3.2.3, the order of its example.
        let order: Vec<_> = ["\"\\r\"", "\"1\"", "\"\u{80}\"", "\"ö\"", "\"€\"", "\"😀\"", "\"\u{fb33}\""]
            .iter()
            .map(|name| text.find(name).unwrap())
            .collect();
        assert!(order.is_sorted(), "{text}");
    }

    #[test]
    fn refuses_every_other_encoding() {
        for bad in [
            "",
            " 1",
            "1 ",
            "01",
            "-0",
            "1.0",
            "1e3",
            "9007199254740992",
            "-9007199254740992",
            "{\"b\":1,\"a\":1}",
            "{\"a\":1,\"a\":1}",
            "[1, 2]",
            "\"\\u0041\"",
            "\"\\/\"",
            "\"\\u000A\"",
            "\"\\u0008\"",
            "\"\\ud800\"",
            "\"a",
            "[1",
            "{\"a\"}",
            "tru",
            "null",
            "\u{feff}1",
            "\"\t\"",
            "NaN",
            "1,2",
            "{\"\\u0001\":1,\"\\u0001\":2}",
        ] {
            assert!(check(bad.as_bytes()).is_err(), "{bad:?}");
        }
        for at in 0..24 {
            for byte in 0..=0x1f_u8 {
                let mut text = [b'x'; 26];
                (text[0], text[25], text[at + 1]) = (b'"', b'"', byte);
                assert_eq!(check(&text).unwrap_err().offset, at + 1, "{byte}");
            }
        }
        assert!(check(&[b'"', 0xff, b'"']).is_err());
        assert!(check("[".repeat(100_000).as_bytes()).is_err());
    }
}
