//! Keeps credentials out of what is recorded and shown.

const MASK: &str = "REDACTED";

/// `url` without what may be secret: user and password, the value of every query parameter, and the fragment.
#[must_use]
pub fn url(url: &str) -> String {
    let (rest, fragment) = url.split_once('#').map_or((url, ""), |(rest, _)| (rest, "#REDACTED"));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let start = rest.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = rest.split_at(start);
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => authority.to_owned(),
    };
    let query = query.map_or_else(String::new, |query| {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, _)) => format!("{name}={MASK}"),
            None => MASK.to_owned(),
        });
        format!("?{}", parts.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}{host}{path}{query}{fragment}")
}

/// `text` with every URL in it passed through [`url`].
#[must_use]
pub fn urls_in(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let start = rest[..at].rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |before| before + 1);
        let start = if rest.is_char_boundary(start) { start } else { at };
        let end = rest[at..]
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | ')' | ']' | '}'))
            .map_or(rest.len(), |length| at + length);
        out.push_str(&rest[..start]);
        out.push_str(&url(&rest[start..end]));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_and_the_place_stays() {
        for (from, to) in [
            ("https://app.example.com/health", "https://app.example.com/health"),
            (
                "https://u:p@app.example.com:8443/h?token=abc&x#frag",
                "https://REDACTED@app.example.com:8443/h?token=REDACTED&REDACTED#REDACTED",
            ),
            ("http://a@b@c/", "http://REDACTED@c/"),
            ("https://h?k=v=w", "https://h?k=REDACTED"),
            ("no url", "no url"),
        ] {
            assert_eq!(url(from), to);
        }
        assert_eq!(
            urls_in("get (http://u:p@h/x?k=v) then \u{e9}https://h/y?z=1 now"),
            "get (http://REDACTED@h/x?k=REDACTED) then \u{e9}https://h/y?z=REDACTED now"
        );
    }
}
