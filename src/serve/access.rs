//! Who may look: under which names the page is asked for, and with which token.

use std::fmt;
use std::hint::black_box;
use std::net::{IpAddr, Ipv6Addr};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE, HOST, HeaderValue, ORIGIN};

use crate::core::hash::Hash;

/// A token has at least so many characters.
pub const SHORTEST_TOKEN: usize = 16;

/// What is asked of a request before it is answered.
pub struct Access {
    /// Names beside `localhost` and addresses.
    names: Vec<String>,
    /// The SHA-256 of the token, and of the cookie that stands for it.
    secret: Option<(Hash, Hash)>,
    cookie: String,
}

/// It says whether there is a token, and never which.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("names", &self.names)
            .field("token", &self.secret.is_some())
            .finish_non_exhaustive()
    }
}

impl Access {
    /// The page on `port`, asked for by an address, as `localhost` or under these names; with a token, only by those who
    /// have it.
    #[must_use]
    pub fn new(port: u16, names: &[String], token: Option<&str>) -> Self {
        let secret = token.map(|token| {
            let cookie = cookie_of(token);
            (Hash::of(&[token.as_bytes()]), Hash::of(&[cookie.to_string().as_bytes()]))
        });
        let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        // Cookies know no ports: two pages on one machine keep theirs apart by the name.
        Self { names, secret, cookie: format!("aether-audit-{port}") }
    }

    /// Whether the request was meant for this page. A name that somebody else made point here (DNS rebinding) is none of
    /// ours; nobody can do that to an address.
    pub(super) fn meant(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        host.to_str().ok().and_then(name_of).is_some_and(|name| self.known(&name))
    }

    /// Whether a page of ours sent the request, where the browser says so.
    pub(super) fn own_origin(headers: &HeaderMap) -> bool {
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        if matches!(site, Some(site) if site != b"same-origin" && site != b"none") {
            return false;
        }
        let Some(origin) = headers.get(ORIGIN) else { return true };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let origin = origin.to_str().unwrap_or_default();
        let origin = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
    }

    /// Whether the request brings the token, as a bearer or by the cookie that it was exchanged for.
    pub(super) fn granted(&self, headers: &HeaderMap) -> bool {
        let Some((token, cookie)) = &self.secret else { return true };
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if bearer.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|given| same(token, given)) {
            return true;
        }
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|all| all.split("; ")).filter_map(|pair| pair.split_once('='));
        pairs.any(|(name, value)| name == self.cookie && same(cookie, value))
    }

    /// The cookie that the token is exchanged for; `None` where it is another.
    pub(super) fn exchange(&self, given: &str) -> Option<String> {
        let (token, _) = self.secret.as_ref()?;
        let value = same(token, given).then(|| cookie_of(given))?;
        Some(format!("{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=86400", self.cookie))
    }

    fn known(&self, name: &str) -> bool {
        name == "localhost" || name.parse::<IpAddr>().is_ok() || self.names.iter().any(|known| known == name)
    }
}

/// What stands in the cookie: whoever finds it does not have the token.
fn cookie_of(token: &str) -> Hash {
    Hash::of(&[b"aether-audit live page\0", token.as_bytes()])
}

/// Whether the SHA-256 of what was given is this one, in a time that does not say where they differ.
fn same(expected: &Hash, given: &str) -> bool {
    let given = Hash::of(&[given.as_bytes()]);
    let pairs = expected.as_bytes().iter().zip(given.as_bytes());
    black_box(pairs.fold(0, |differs, (a, b)| black_box(differs | (a ^ b)))) == 0
}

/// The name in a `Host`, lower-case, without its port; `None` for what is none.
fn name_of(host: &str) -> Option<String> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, rest) = rest.split_once(']')?;
            name.parse::<Ipv6Addr>().ok()?;
            (name, rest)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let digits = port.strip_prefix(':').unwrap_or("0");
    let fits = (port.is_empty() || port.starts_with(':')) && digits.parse::<u16>().is_ok();
    (fits && !name.is_empty()).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderName;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn hosts() {
        let access = Access::new(80, &["War.example".into()], None);
        for (host, meant) in [
            ("127.0.0.1:80", true),
            ("127.0.0.1", true),
            ("localhost:9000", true),
            ("LOCALHOST", true),
            ("[::1]:80", true),
            ("192.168.1.7:80", true),
            ("war.example:80", true),
            ("evil.example", false),
            ("localhost.evil.example:80", false),
            ("127.0.0.1.evil.example", false),
            ("user@localhost", false),
            ("localhost:80:80", false),
            ("localhost:x", false),
            ("localhost:99999", false),
            ("[::1", false),
            ("[localhost]", false),
            ("", false),
        ] {
            assert_eq!(access.meant(&headers(&[("host", host)])), meant, "{host}");
        }
        assert!(!access.meant(&headers(&[])));
        let mut twice = headers(&[("host", "localhost")]);
        twice.append(HOST, "evil.example".parse().unwrap());
        assert!(!access.meant(&twice));
    }

    #[test]
    fn origins() {
        for (site, origin, own) in [
            (None, None, true),
            (Some("none"), None, true),
            (Some("same-origin"), Some("http://localhost:80"), true),
            (Some("cross-site"), None, false),
            (Some("same-site"), None, false),
            (None, Some("https://evil.example"), false),
            (None, Some("null"), false),
        ] {
            let mut given = headers(&[("host", "localhost:80")]);
            given.extend(headers(&site.map(|site| ("sec-fetch-site", site)).into_iter().collect::<Vec<_>>()));
            given.extend(headers(&origin.map(|origin| ("origin", origin)).into_iter().collect::<Vec<_>>()));
            assert_eq!(Access::own_origin(&given), own, "{site:?} {origin:?}");
        }
    }

    #[test]
    fn tokens() {
        let access = Access::new(80, &[], Some("a token of the war room"));
        let cookie = access.exchange("a token of the war room").unwrap();
        assert!(access.exchange("a token of the war rooM").is_none() && access.exchange("").is_none());
        let value = cookie.split(';').next().unwrap();
        assert!(!cookie.contains("war room") && cookie.contains("HttpOnly; SameSite=Strict"));
        for (name, value, granted) in [
            ("cookie", value.to_owned(), true),
            ("cookie", format!("a=b; {value}"), true),
            ("cookie", value.replace("-80", "-81"), false),
            ("cookie", "aether-audit-80=a token of the war room".into(), false),
            ("cookie", "aether-audit-80=".into(), false),
            ("authorization", "Bearer a token of the war room".into(), true),
            ("authorization", "Bearer a token".into(), false),
            ("authorization", "a token of the war room".into(), false),
        ] {
            assert_eq!(access.granted(&headers(&[(name, &value)])), granted, "{name}: {value}");
        }
        assert!(!access.granted(&HeaderMap::new()));
        assert!(Access::new(80, &[], None).granted(&HeaderMap::new()));
        assert!(!format!("{access:?}").contains("war room"));
    }
}
