//! Who is answered: under which names, with which token, by which methods, from which pages.

use std::fs;

use crate::client::{Page, command, rest};
use crate::world::World;

#[test]
fn only_names_of_its_own_are_answered() {
    let world = World::new();
    let page = Page::of(&world.path, &["--host", "war.example"]);
    let port = page.address.split_once(':').unwrap().1.to_owned();
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        ("localhost".into(), 200),
        (format!("[::1]:{port}"), 200),
        ("WAR.example:443".into(), 200),
        ("rebound.example".into(), 421),
        (format!("rebound.example:{port}"), 421),
        ("127.0.0.1.rebound.example".into(), 421),
        (String::new(), 421),
    ] {
        for path in ["/", "/state.json", "/events"] {
            if (status, path) != (200, "/events") {
                assert_eq!(
                    page.ask("GET", path, &format!("Host: {host}\r\n"), "").0,
                    status,
                    "{host} {path}"
                );
            }
        }
    }
    for text in [
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: rebound.example\r\nConnection: close\r\n\r\n",
        "GET http://rebound.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        let answer = rest(page.connect(text));
        assert!(answer.contains(" 421 ") || answer.contains(" 400 "), "{text:?}: {answer}");
        assert!(!answer.contains("<html"), "{answer}");
    }
}

#[test]
fn everything_is_only_looked_at() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    for path in ["/", "/page.js", "/page.css", "/icon.svg", "/state.json", "/events"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND"] {
            let (status, answer) = page.ask(method, path, "", "");
            assert_eq!(status, 405, "{method} {path}");
            assert!(answer.to_lowercase().contains("\r\nallow: get\r\n"), "{answer}");
        }
    }
    for path in [
        "/index.html",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/records/ledger.db",
        "//",
        "/state.json/",
        "/STATE.JSON",
        "/events%00",
        "/%ff%fe",
        "*",
        &format!("/{}", "a".repeat(4000)),
    ] {
        let (status, answer) = page.get(path);
        assert!(matches!(status, 400 | 404), "{path}: {answer}");
    }
    for id in ["x", "-1", "1e3", "99999999999999999999999", "1, 2", "\u{e9}"] {
        assert_eq!(page.ask("GET", "/events", &format!("Last-Event-ID: {id}\r\n"), "").0, 400, "{id}");
    }
    for query in ["x", "", "-1", "4&after=2", "18446744073709551616"] {
        assert_eq!(page.get(&format!("/events?after={query}")).0, 400, "{query}");
    }
    assert_eq!(page.get("/?token=x").0, 200);
    assert_eq!(page.state()["chain"]["entries"], 5);
}

#[test]
fn every_answer_says_what_a_browser_may_not_do() {
    let world = World::new();
    let page = Page::of(&world.path, &[]);
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/state.json", "application/json"),
        ("/nothing", "text/plain; charset=utf-8"),
    ] {
        let answer = page.get(path).1.to_lowercase();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        for header in [
            format!("content-type: {kind}"),
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'".into(),
            "x-content-type-options: nosniff".into(),
            "referrer-policy: no-referrer".into(),
            "cross-origin-resource-policy: same-origin".into(),
            "cache-control: no-store".into(),
        ] {
            assert!(head.contains(&format!("\r\n{header}")), "{path}: {header} is not in {head}");
        }
        assert!(!head.contains("access-control-allow"), "{head}");
        // Nothing from elsewhere, nothing inline.
        for word in
            ["src=\"http", "href=\"http", "url(", "@import", "style=\"", "onclick", "eval(", "innerhtml"]
        {
            assert!(!body.contains(word), "{path} has {word}");
        }
    }
    for more in ["Origin: http://rebound.example\r\n", "Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n"] {
        assert_eq!(page.ask("GET", "/state.json", more, "").0, 403, "{more}");
        assert_eq!(page.ask("GET", "/events", more, "").0, 403, "{more}");
    }
    let own = format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", page.address);
    assert_eq!(page.ask("GET", "/state.json", &own, "").0, 200);
    // A link in somebody's chat leads to the page.
    assert_eq!(page.ask("GET", "/", "Sec-Fetch-Site: cross-site\r\n", "").0, 200);
}

#[test]
fn others_need_the_token_and_nothing_is_shown_without() {
    let world = World::new();
    for bind in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let ran = command(&world.path, &["serve", "--bind", bind]).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code() == Some(2) && told.contains("give a token"), "{bind}: {told}");
    }
    let page = Page::of(&world.path, &["--bind", "0.0.0.0:0", "--new-token"]);
    let token = page.token.clone().unwrap();
    assert_eq!(token.len(), 64);
    for path in ["/state.json", "/events"] {
        let (status, answer) = page.get(path);
        assert!(status == 401 && !answer.contains("v2.14.0"), "{answer}");
        assert_eq!(page.get(&format!("{path}?token={token}")).0, 401, "a token in a URL would be logged");
        for wrong in ["", "x", &token[..63], &token.to_uppercase()] {
            assert_eq!(page.ask("GET", path, &format!("Authorization: Bearer {wrong}\r\n"), "").0, 401);
        }
    }
    let (status, shell) = page.get("/");
    assert!(status == 200 && !shell.contains(&token), "{shell}");
    assert_eq!(page.ask("GET", "/state.json", &format!("Authorization: Bearer {token}\r\n"), "").0, 200);
    assert_eq!(page.ask("POST", "/enter", "", "not the token of it").0, 401);
    assert_eq!(page.ask("POST", "/enter", "", &"x".repeat(5000)).0, 400);
    assert_eq!(page.ask("POST", "/enter", "Origin: http://rebound.example\r\n", &token).0, 403);
    assert_eq!(page.get("/enter").0, 405);
    let (status, answer) = page.ask("POST", "/enter", "", &token);
    assert_eq!(status, 204, "{answer}");
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains(&token), "{cookie}");
    let cookie = format!("Cookie: other=1; {}\r\n", cookie.split(';').next().unwrap());
    assert_eq!(page.ask("GET", "/state.json", &cookie, "").0, 200);
    assert_eq!(page.events_with(&cookie).entries_to(4).len(), 5);
}

#[test]
fn a_token_of_ones_own_is_read_and_never_printed() {
    let world = World::new();
    let file = world.dir.path().join("token");
    for (token, says) in [
        ("short", "at least 16 characters"),
        ("", "at least 16 characters"),
        ("a token with spaces in it", "without spaces"),
    ] {
        fs::write(&file, format!("{token}\nsecond line\n")).unwrap();
        let ran = command(&world.path, &["serve", "--token-file", "token"]).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code() == Some(2) && told.contains(says), "{told}");
        assert!(token.is_empty() || !told.contains(token), "{told}");
    }
    fs::write(&file, "the-token-of-the-war-room\n").unwrap();
    let by_file = Page::of(&world.path, &["--token-file", "token"]);
    let mut command = command(&world.path, &["serve", "--bind", "0.0.0.0:0"]);
    let by_variable = Page::start(command.env("AETHER_AUDIT_SERVE_TOKEN", "the-token-of-the-war-room"));
    for page in [by_file, by_variable] {
        assert_eq!(page.token, None);
        assert_eq!(page.get("/state.json").0, 401);
        let bearer = "Authorization: Bearer the-token-of-the-war-room\r\n";
        assert_eq!(page.ask("GET", "/state.json", bearer, "").0, 200);
    }
}
