//! Time-stamp tokens by a real authority: what `checkpoint --timestamp` takes, and what `verify` says of it, beside
//! `openssl ts -verify`.

use std::fs;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aether_audit::core::timestamp::{Token, TsaRoots};
use serde_json::Value;

use crate::authority::{Authority, Server, response};
use crate::folder::Folder;

/// The authority of these tests, and one that nobody trusts.
fn authorities() -> &'static (Arc<Authority>, Arc<Authority>) {
    static MADE: OnceLock<(Arc<Authority>, Arc<Authority>)> = OnceLock::new();
    MADE.get_or_init(|| (Arc::new(Authority::new()), Arc::new(Authority::new())))
}

fn honest() -> Server {
    let authority = authorities().0.clone();
    Server::stamping(move |query| authority.stamp(query))
}

/// A log of five entries.
fn signed() -> Folder {
    let folder = Folder::opened();
    folder.ok(&["sign", "env-audit", "--as", "alice"]);
    folder
}

/// A stamped log: its export `out` with the token, its checkpoint `ckpt`.
fn stamped() -> Folder {
    static MADE: OnceLock<Folder> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = signed();
        let server = honest();
        fs::write(folder.at("ckpt"), folder.ok(&["checkpoint", "--timestamp", &server.url()])).unwrap();
        folder.ok(&["export", "out"]);
        folder
    })
    .copy()
}

/// The text of a checkpoint: what a token is over.
fn text(folder: &Folder) -> String {
    let note = fs::read_to_string(folder.at("ckpt")).unwrap();
    note.split_inclusive('\n').take(3).collect()
}

struct Judged {
    status: Option<i32>,
    /// State and text of each line about the time.
    lines: Vec<(String, String)>,
    codes: Vec<String>,
    reasons: String,
}

impl Judged {
    fn state(&self) -> &str {
        assert_eq!(self.lines.len(), 1, "{:?}", self.lines);
        &self.lines[0].0
    }
}

fn verify(folder: &Folder, path: &str, more: &[&str]) -> Judged {
    let roster = folder.roster_sha256();
    let args = ["verify", path, "-o", "json", "--roster-sha256", &roster, "--checkpoint", "ckpt"];
    let ran = folder.run(&[&args, more].concat());
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let anchors = report["anchors"].as_array().unwrap();
    let of_time = anchors.iter().filter(|anchor| anchor["kind"] == "timestamp");
    Judged {
        status: ran.status,
        lines: of_time.map(|anchor| (word(&anchor["state"]), word(&anchor["text"]))).collect(),
        codes: report["findings"].as_array().unwrap().iter().map(|finding| word(&finding["code"])).collect(),
        reasons: report["notProven"].to_string(),
    }
}

fn by_root(folder: &Folder, path: &str, authority: &Authority) -> Judged {
    verify(folder, path, &["--tsa-roots", &authority.path("root.pem")])
}

#[test]
fn an_honest_token_is_good_here_and_for_openssl() {
    let (authority, stranger) = authorities();
    let folder = signed();
    let server = honest();
    let ran = folder.run(&["checkpoint", "--timestamp", &server.url()]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("\"Test_tsa\" states 20"), "{}", ran.err);
    fs::write(folder.at("ckpt"), &ran.out).unwrap();
    assert_eq!(folder.ok(&["checkpoint"]), ran.out);
    // Asked again, nobody is asked: the earlier one says more.
    let again = folder.run(&["checkpoint", "--timestamp", &server.url()]);
    assert_eq!((again.status, server.asked()), (Some(0), 1), "{}", again.err);
    assert!(again.err.contains("has a time stamp already"), "{}", again.err);

    folder.ok(&["export", "out"]);
    let token = fs::read(folder.at("out/timestamps/5.tsr")).unwrap();
    assert!(authority.judge(&token, &text(&folder), "root.pem", None));
    assert!(!stranger.judge(&token, &text(&folder), "root.pem", None));
    let good = by_root(&folder, "out", authority);
    assert_eq!((good.status, good.state()), (Some(0), "holds"), "{:?} {}", good.lines, good.reasons);
    assert!(good.lines[0].1.contains("checkpoint of 5 entries was there at 20"), "{:?}", good.lines);
    // Nobody said whom to trust: no finding, no pass.
    let unasked = verify(&folder, "out", &[]);
    assert_eq!((unasked.status, unasked.state()), (Some(0), "untrusted"), "{:?}", unasked.lines);
    let unknown = by_root(&folder, "out", stranger);
    assert_eq!((unknown.status, unknown.state()), (Some(4), "untrusted"), "{:?}", unknown.lines);
    assert!(
        unknown.codes.is_empty() && unknown.reasons.contains("no root that you gave"),
        "{}",
        unknown.reasons
    );
    let both = ["--tsa-roots", &stranger.path("root.pem"), "--tsa-roots", &authority.path("root.pem")];
    assert_eq!(verify(&folder, "out", &both).status, Some(0));

    // Later entries and checkpoints leave the token of the older one as it was.
    folder.ok(&["note", "later", "--as", "bob"]);
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint", "--timestamp", &server.url()])).unwrap();
    folder.ok(&["export", "later"]);
    let later = by_root(&folder, "later", authority);
    let states: Vec<&str> = later.lines.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!((later.status, states), (Some(0), vec!["holds", "holds"]), "{:?}", later.lines);
}

/// Whoever asks for the time gets it, or is told that it is not there.
#[test]
fn roots_without_a_token_are_never_a_pass() {
    let (authority, stranger) = authorities();
    let folder = stamped();
    let ledger = by_root(&folder, "records/ledger.db", authority);
    assert_eq!((ledger.status, ledger.state()), (Some(4), "absent"), "{}", ledger.reasons);
    assert!(ledger.reasons.contains("there is no time-stamp token to check"), "{}", ledger.reasons);
    assert_eq!(verify(&folder, "records/ledger.db", &[]).status, Some(0));

    folder.ok(&["prove", "4", "proof"]);
    let good = by_root(&folder, "proof", authority);
    assert_eq!((good.status, good.state()), (Some(0), "holds"), "{:?} {}", good.lines, good.reasons);
    let unknown = by_root(&folder, "proof", stranger);
    assert_eq!((unknown.status, unknown.state()), (Some(4), "untrusted"), "{:?}", unknown.lines);
    assert_eq!(verify(&folder, "proof", &[]).status, Some(0));
    fs::rename(folder.at("proof/timestamps/5.tsr"), folder.at("proof/timestamps/4.tsr")).unwrap();
    assert_eq!(by_root(&folder, "proof", authority).status, Some(1));
    fs::remove_dir_all(folder.at("proof/timestamps")).unwrap();
    let bare = by_root(&folder, "proof", authority);
    assert_eq!((bare.status, bare.state()), (Some(4), "absent"), "{}", bare.reasons);

    fs::write(folder.at("empty.pem"), "nothing\n").unwrap();
    folder.fails(2, &["verify", "out", "--tsa-roots", "empty.pem"], "no certificate in PEM");
    folder.fails(2, &["verify", "out", "--tsa-roots", "missing.pem"], "cannot read missing.pem");
}

/// A token that the auditor kept beside their checkpoint stamps the ledger too, which has none of its own.
#[test]
fn a_token_from_the_caller_is_told_in_its_own_line() {
    let (authority, stranger) = authorities();
    let folder = stamped();
    let token = fs::read(folder.at("out/timestamps/5.tsr")).unwrap();
    fs::write(folder.at("kept.tsr"), &token).unwrap();
    assert!(authority.judge(&token, &text(&folder), "root.pem", None));
    let (root, other) = (authority.path("root.pem"), stranger.path("root.pem"));
    let given = |roots: &str| {
        verify(&folder, "records/ledger.db", &["--timestamp", "kept.tsr", "--tsa-roots", roots])
    };
    let good = given(&root);
    assert_eq!((good.status, good.state()), (Some(0), "holds"), "{:?} {}", good.lines, good.reasons);
    assert!(good.lines[0].1.starts_with("yours: the checkpoint of 5 entries"), "{:?}", good.lines);
    let unknown = given(&other);
    assert_eq!((unknown.status, unknown.state()), (Some(4), "untrusted"), "{:?}", unknown.lines);
    let unasked = verify(&folder, "records/ledger.db", &["--timestamp", "kept.tsr"]);
    assert_eq!((unasked.status, unasked.state()), (Some(0), "untrusted"), "{:?}", unasked.lines);
    // Beside those of an export, each has its line; and of one entry by itself.
    let both = verify(&folder, "out", &["--timestamp", "kept.tsr", "--tsa-roots", &root]);
    assert_eq!((both.status, both.lines.len()), (Some(0), 2), "{:?}", both.lines);
    folder.ok(&["prove", "4", "proof"]);
    fs::remove_dir_all(folder.at("proof/timestamps")).unwrap();
    let one = verify(&folder, "proof", &["--timestamp", "kept.tsr", "--tsa-roots", &root]);
    assert_eq!((one.status, one.state()), (Some(0), "holds"), "{:?}", one.lines);

    // Over another checkpoint than the one given; altered; no token; without a checkpoint.
    folder.ok(&["note", "later", "--as", "bob"]);
    let later = folder.ok(&["checkpoint"]);
    let early = fs::read_to_string(folder.at("ckpt")).unwrap();
    fs::write(folder.at("ckpt"), later).unwrap();
    let broken = given(&root);
    assert_eq!((broken.status, broken.state()), (Some(1), "broken"), "{:?}", broken.lines);
    assert_eq!(broken.codes, ["timestamp-imprint"], "{:?}", broken.lines);
    fs::write(folder.at("early"), early).unwrap();
    let two = verify(
        &folder,
        "records/ledger.db",
        &["--checkpoint", "early", "--timestamp", "kept.tsr", "--tsa-roots", &root],
    );
    assert_eq!((two.status, two.state()), (Some(0), "holds"), "{:?}", two.lines);
    let mut altered = token.clone();
    *altered.last_mut().unwrap() ^= 1;
    fs::write(folder.at("kept.tsr"), altered).unwrap();
    let altered = given(&root);
    assert_eq!((altered.status, altered.codes.as_slice()), (Some(1), ["timestamp".to_owned()].as_slice()));
    fs::write(folder.at("kept.tsr"), &token[..40]).unwrap();
    let words = ["verify", "--checkpoint", "ckpt", "--timestamp", "kept.tsr"];
    folder.fails(2, &words, "kept.tsr is no time-stamp token");
    folder.fails(2, &["verify", "--timestamp", "kept.tsr"], "--checkpoint <FILE>");
}

#[test]
fn a_token_that_does_not_fit_is_found_by_its_size() {
    let authority = &authorities().0;
    let folder = stamped();
    let at = |name: &str| folder.at(&format!("out/timestamps/{name}"));
    let good = fs::read(at("5.tsr")).unwrap();
    let foreign =
        authority.stamped("example.com/audit/prod\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
    let large = [good.clone(), vec![0; 70_000]].concat();
    let cases: [(&str, &[u8], &str, &str); 8] = [
        ("4.tsr", &good, "timestamp-imprint", "first 4 entries"),
        ("6.tsr", &good, "truncated", "covers 6 entries"),
        ("5.tsr", &foreign, "timestamp-imprint", "first 5 entries"),
        ("5.tsr", b"<html>", "timestamp", "timestamps/5.tsr"),
        ("5.tsr", b"", "timestamp", "timestamps/5.tsr"),
        ("5.tsr", &large, "timestamp", "timestamps/5.tsr"),
        ("05.tsr", &good, "timestamp", "timestamps/05.tsr"),
        ("notes.txt", &good, "timestamp", "timestamps/notes.txt"),
    ];
    for (name, bytes, code, says) in cases {
        fs::remove_dir_all(folder.at("out/timestamps")).unwrap();
        fs::create_dir(folder.at("out/timestamps")).unwrap();
        fs::write(at(name), bytes).unwrap();
        for roots in [vec![], vec!["--tsa-roots".to_owned(), authority.path("root.pem")]] {
            let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
            let judged = verify(&folder, "out", &roots);
            assert_eq!((judged.status, judged.state()), (Some(1), "broken"), "{name}: {:?}", judged.lines);
            assert_eq!(judged.codes, [code], "{name}");
            assert!(judged.lines[0].1.contains(says), "{name}: {:?}", judged.lines);
        }
    }
}

/// What an authority answers that is no answer: the checkpoint stands, and no token is kept.
#[test]
fn a_bad_authority_costs_no_checkpoint() {
    let authority = authorities().0.clone();
    let folder = signed();
    let note = folder.ok(&["checkpoint"]);
    let other = authority.query("something else\n");
    let stale = authority.stamped(&note.split_inclusive('\n').take(3).collect::<String>());
    fs::write(
        authority.at("picky"),
        fs::read_to_string(authority.at("cnf")).unwrap().replace("digests = sha256", "digests = sha512"),
    )
    .unwrap();
    let refuses = authority.clone();
    let twice = authority.clone();
    let kind = "application/timestamp-reply";
    let cases: Vec<(Server, &str)> = vec![
        (Server::of(move |_| Some(response(kind, b"no DER at all"))), "no time-stamp reply"),
        (Server::of(move |_| Some(response(kind, b""))), "no time-stamp reply"),
        (Server::of(|_| Some(response("text/html", b"<html>Welcome</html>"))), "answers with text/html"),
        (Server::of(move |_| Some(response(kind, &vec![0x30; 1 << 20]))), "more than 65536 bytes"),
        (Server::of(|_| Some(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec())), "status 404"),
        (Server::of(|_| Some(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_vec())), "status 503"),
        (
            Server::of(|_| {
                Some(
                    b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
                        .to_vec(),
                )
            }),
            "it has moved",
        ),
        (Server::of(|_| Some(Vec::new())), "does not answer"),
        (Server::of(|_| None), "does not answer"),
        (Server::stamping(move |_| stale.clone()), "does not bear the nonce"),
        (Server::stamping(move |_| authority.stamp(&other)), "over other bytes"),
        (
            Server::stamping(move |query| {
                fs::write(refuses.at("refused"), query).unwrap();
                refuses.openssl(
                    "ts -reply -config picky -section tsa -queryfile refused -signer tsa.pem -inkey tsa.key -out refused.tsr",
                );
                fs::read(refuses.at("refused.tsr")).unwrap()
            }),
            "refuses with status 2",
        ),
        (
            Server::stamping(move |query| {
                let mut reply = twice.stamp(query);
                let last = reply.len() - 1;
                reply[last] ^= 1;
                reply
            }),
            "its signature is wrong",
        ),
    ];
    let ask = |url: &str, says: &str| {
        let ran = folder.run(&["checkpoint", "--timestamp", url]);
        assert_eq!(ran.status, Some(4), "{says}: {}", ran.err);
        assert_eq!(ran.out, note, "{says}");
        assert!(ran.err.contains(says) && ran.err.contains("the checkpoint stands"), "{says}: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
    };
    for (server, says) in &cases {
        ask(&server.url(), says);
        assert!(server.asked() > 0, "{says}");
    }
    ask("http://127.0.0.1:1/", "does not answer");
    folder.fails(2, &["checkpoint", "--timestamp", "tsa.example.org"], "is no URL");
    folder.ok(&["export", "out"]);
    assert!(!folder.at("out/timestamps").exists());
    let server = honest();
    folder.ok(&["checkpoint", "--timestamp", &server.url()]);
}

/// Each byte altered in four ways, each end cut off: never good, whatever else it is, and no panic.
#[test]
fn no_byte_of_a_token_can_be_altered_unseen() {
    let authority = &authorities().0;
    let folder = stamped();
    let text = text(&folder);
    let good = fs::read(folder.at("out/timestamps/5.tsr")).unwrap();
    let mut roots = TsaRoots::default();
    roots.add_pem(&fs::read(authority.at("root.pem")).unwrap()).unwrap();
    let takes = |bytes: &[u8]| {
        Token::open(bytes).is_ok_and(|token| token.is_over(&text) && token.trusted(&roots).is_ok())
    };
    assert!(takes(&good));
    let mut unseen = Vec::new();
    for at in 0..good.len() {
        for mask in [1, 16, 128, 255] {
            let mut altered = good.clone();
            altered[at] ^= mask;
            if takes(&altered) {
                unseen.push((at, mask));
            }
        }
        if takes(&good[..at]) {
            unseen.push((at, 0));
        }
    }
    assert_eq!(unseen, [], "of {} bytes", good.len());
    assert!(!takes(&[&good[..], &[0]].concat()));
    for at in (0..good.len()).step_by(good.len() / 12) {
        let mut altered = good.clone();
        altered[at] ^= 1;
        fs::write(folder.at("out/timestamps/5.tsr"), &altered).unwrap();
        let judged = by_root(&folder, "out", authority);
        let as_it_is = (judged.status, judged.state());
        assert!(matches!(as_it_is, (Some(1), "broken") | (Some(4), "untrusted")), "{at}: {as_it_is:?}");
    }
}

/// Certificates of an authority live a few years, records longer: what counts is the token's own time.
#[test]
fn a_certificate_that_has_expired_since_is_still_good() {
    let authority = Authority::new();
    let end = now() + 10;
    let date = |time: u64| authority_date(time);
    let dates = format!("-startdate {} -enddate {}", date(now() - 86_400), date(end));
    authority.issue("brief", "rsa:2048", "stamping", "between", &dates);
    let folder = stamped();
    let text = text(&folder);
    let token = authority.stamp_as("brief", &authority.query(&text));
    fs::write(folder.at("out/timestamps/5.tsr"), &token).unwrap();
    while now() <= end + 1 {
        std::thread::sleep(Duration::from_millis(200));
    }
    let good = by_root(&folder, "out", &authority);
    assert_eq!((good.status, good.state()), (Some(0), "holds"), "{:?}", good.lines);
    assert!(
        !authority.judge(&token, &text, "root.pem", None),
        "openssl judges as of now unless told otherwise"
    );
    assert!(authority.judge(&token, &text, "root.pem", Some(end - 1)));

    let long_ago = format!("-startdate {} -enddate {}", date(1_500_000_000), date(1_600_000_000));
    authority.issue("old", "rsa:2048", "stamping", "between", &long_ago);
    let token = authority.signed_anew(&token, "old", "sha256");
    fs::write(folder.at("out/timestamps/5.tsr"), &token).unwrap();
    let late = by_root(&folder, "out", &authority);
    assert_eq!((late.status, late.state()), (Some(4), "untrusted"), "{:?}", late.lines);
    assert!(late.lines[0].1.contains("expired at that time"), "{:?}", late.lines);
    assert!(!authority.judge(&token, &text, "root.pem", None));
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// As openssl wants it: `20260703020411Z`.
fn authority_date(time: u64) -> String {
    let time = aether_audit::core::time::Timestamp::from_millis(i64::try_from(time).unwrap() * 1000).unwrap();
    let digits: String = time.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    format!("{digits}Z")
}

/// Certificates that may do other things than stamp times are nobody's time-stamping authority, whoever issued them.
#[test]
fn only_certificates_for_stamping_stamp() {
    let authority = Authority::new();
    let folder = stamped();
    let text = text(&folder);
    let good = authority.stamped(&text);
    // From before the token was made, which they sign anew.
    let dates =
        format!("-startdate {} -enddate {}", authority_date(now() - 86_400), authority_date(now() + 86_400));
    let cases = [
        ("stamping", "rsa:2048", "sha256", true),
        ("stamping", "rsa:3072", "sha384", true),
        ("stamping", "rsa:2048", "sha512", true),
        ("stamping", "ec -pkeyopt ec_paramgen_curve:P-256", "sha256", true),
        ("stamping", "ec -pkeyopt ec_paramgen_curve:P-384", "sha384", true),
        ("lenient", "rsa:2048", "sha256", false),
        ("two", "rsa:2048", "sha256", false),
        ("web", "rsa:2048", "sha256", false),
        ("none", "rsa:2048", "sha256", false),
        ("crypting", "rsa:2048", "sha256", false),
    ];
    for (number, (section, key, digest, takes)) in cases.into_iter().enumerate() {
        let name = format!("signer{number}");
        authority.issue(&name, key, section, "between", &dates);
        let token = authority.signed_anew(&good, &name, digest);
        fs::write(folder.at("out/timestamps/5.tsr"), &token).unwrap();
        let judged = by_root(&folder, "out", &authority);
        let expected = if takes { (Some(0), "holds") } else { (Some(4), "untrusted") };
        assert_eq!((judged.status, judged.state()), expected, "{section} {key} {digest}: {:?}", judged.lines);
        assert_eq!(
            authority.judge(&token, &text, "root.pem", None),
            takes,
            "openssl: {section} {key} {digest}"
        );
    }
}

/// Tokens are over the text alone: who signs the note, and when, is no matter of theirs.
#[test]
fn a_witness_and_an_authority_do_not_disturb_each_other() {
    let authority = &authorities().0;
    let folder = signed();
    let server = honest();
    let witness = crate::witness::cosigning(&folder);
    let both = ["checkpoint", "--witness", "all", "--timestamp", &server.url()];
    fs::write(folder.at("ckpt"), folder.ok(&both)).unwrap();
    folder.ok(&["export", "out"]);
    assert_eq!(by_root(&folder, "out", authority).status, Some(0));
    folder.ok(&["note", "and one more", "--as", "bob"]);
    folder.ok(&["checkpoint", "--timestamp", &server.url()]);
    fs::write(folder.at("ckpt"), folder.ok(&["checkpoint", "--witness", "all"])).unwrap();
    folder.ok(&["export", "later"]);
    let later = by_root(&folder, "later", authority);
    assert_eq!((later.status, later.lines.len()), (Some(0), 2), "{:?}", later.lines);
    drop((witness, server));
    folder.ok(&["note", "nobody answers", "--as", "bob"]);
    let alone = folder.run(&both);
    assert_eq!(alone.status, Some(4), "{}", alone.err);
    assert!(alone.out.starts_with("example.com/"), "{}", alone.err);
}

/// A damaged memory of tokens is told, and does not spoil an export.
#[test]
fn a_kept_token_that_does_not_fit_is_left_out() {
    let folder = stamped();
    let kept = fs::read_dir(folder.at("private")).unwrap().map(|file| file.unwrap().path());
    let kept =
        kept.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("timestamps-"));
    let file = kept.unwrap().join("5.tsr");
    fs::write(&file, b"damaged").unwrap();
    let ran = folder.run(&["export", "again"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(ran.err.contains("it was left out"), "{}", ran.err);
    assert!(!folder.at("again/timestamps").exists());
    let ran = folder.run(&["checkpoint", "--timestamp", "http://127.0.0.1:1/"]);
    assert!(ran.status == Some(4) && ran.err.contains("move it away"), "{}", ran.err);
    assert_eq!(fs::read(&file).unwrap(), b"damaged");
}
