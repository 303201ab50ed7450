//! Each input of the program with every kind of garbage.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::folder::{COMMIT, Folder, Ran, opening};
use crate::kinds::{KINDS, clear, put};

/// Seconds after which a run counts as hanging.
const PATIENCE: &str = "120";

/// Runs the program, and ends it where it hangs.
fn run(folder: &Folder, args: &[&str]) -> Ran {
    let command = folder.command(args);
    let mut patient = Command::new("timeout");
    patient.args(["-s", "KILL", PATIENCE]).arg(command.get_program()).args(command.get_args());
    patient.current_dir(folder.path()).stdin(std::process::Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => patient.env(name, value),
            None => patient.env_remove(name),
        };
    }
    let output = patient.output().unwrap();
    let status = output.status.code();
    assert!(
        status.is_some_and(|status| status <= 4),
        "{args:?} hung, or was ended by a signal: {:?}",
        output.status
    );
    Ran {
        status,
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// What must hold of a run on garbage, whatever its status.
#[track_caller]
fn assert_decent(ran: &Ran, what: &str) {
    assert!(!ran.err.contains("panicked") && !ran.out.contains("panicked"), "{what}: {}", ran.err);
    assert!(ran.err.len() < 8000, "{what}: an error of {} bytes", ran.err.len());
    assert!(
        !ran.err.contains('\0') && !ran.err.contains('\x1b'),
        "{what}: control characters in {:?}",
        ran.err
    );
}

/// Puts each kind of garbage at `input` and runs each command: it must end with one of `statuses`.
fn with_garbage(folder: &Folder, input: &str, commands: &[&[&str]], statuses: &[i32]) {
    let path = folder.at(input);
    for (kind, make) in KINDS {
        put(*make, &path);
        for args in commands {
            let ran = run(folder, args);
            let what = format!("{kind} as {input}, {args:?}");
            assert_decent(&ran, &what);
            assert!(
                statuses.contains(&ran.status.unwrap()),
                "{what}: {:?} {}{}",
                ran.status,
                ran.out,
                ran.err
            );
            if ran.status == Some(2) {
                assert!(ran.err.contains("aether-audit: ") && ran.err.len() > 20, "{what}: {:?}", ran.err);
            }
        }
    }
    clear(&path);
}

/// The ledger is as it was, and sound.
fn assert_untouched(folder: &Folder, entries: usize) {
    assert_eq!(folder.entries(), entries);
    let verified = folder.run(&["verify", "--roster-sha256", &folder.roster_sha256()]);
    assert_eq!(verified.status, Some(4), "{}{}", verified.out, verified.err);
}

#[test]
fn the_configuration() {
    let folder = Folder::opened();
    let kept = fs::read(folder.at("aether.toml")).unwrap();
    let commands: &[&[&str]] = &[&["status"], &["collect", "--as", "alice"], &["note", "x", "--as", "bob"]];
    with_garbage(&folder, "aether.toml", commands, &[2]);
    let init: &[&[&str]] = &[&["init", "--origin", crate::folder::ORIGIN, "--as", "alice"]];
    let fresh = Folder::empty();
    for (kind, make) in KINDS.iter().filter(|(kind, _)| !kind.starts_with("a link to nowhere")) {
        put(*make, &fresh.at("aether.toml"));
        let ran = run(&fresh, init[0]);
        assert_decent(&ran, kind);
        assert_eq!(ran.status, Some(2), "{kind} as aether.toml, init: {}", ran.err);
    }
    fs::write(folder.at("aether.toml"), kept).unwrap();
    assert_untouched(&folder, 4);
}

/// Any text is a checklist, if one without a task: it opens, or says why it does not.
#[test]
fn the_checklist() {
    let folder = Folder::opened();
    let path = folder.at("templates/Deployment_Checklist.md");
    for (number, (kind, make)) in KINDS.iter().enumerate() {
        put(*make, &path);
        let id = format!("n{number}");
        let open = ["open", "v9", "--commit", COMMIT, "--lead-deployer", "alice", "--comms-lead", "bob"];
        let open = [&open[..], &["--qa-engineer", "carol", "--as", "alice", "--deployment", &id]].concat();
        let ran = run(&folder, &open);
        assert_decent(&ran, kind);
        let amend = [
            "amend",
            "templates/Deployment_Checklist.md",
            "--reason",
            "x",
            "--as",
            "alice",
            "--deployment",
            "v2.14.0",
        ];
        let amended = run(&folder, &amend);
        assert_decent(&amended, kind);
        match ran.status {
            Some(0) => {
                for args in [
                    ["render", "--deployment", &id],
                    ["status", "--deployment", &id],
                    ["gate", "go", "--deployment"],
                ] {
                    let args: Vec<&str> =
                        args.into_iter().chain((args[0] == "gate").then_some(id.as_str())).collect();
                    assert_decent(&run(&folder, &args), kind);
                }
            }
            Some(2) => assert!(ran.err.contains("Deployment_Checklist.md"), "{kind}: {}", ran.err),
            other => panic!("{kind}: {other:?} {}", ran.err),
        }
        assert!(matches!(amended.status, Some(0..=2)), "{kind}: {:?} {}", amended.status, amended.err);
    }
    let verified = folder.run(&["verify", "--roster-sha256", &folder.roster_sha256()]);
    assert_eq!(verified.status, Some(4), "{}{}", verified.out, verified.err);
}

#[test]
fn private_keys() {
    let folder = Folder::opened();
    with_garbage(&folder, "private/bob.pem", &[&["note", "x", "--as", "bob"], &["key", "new", "bob"]], &[2]);
    assert_untouched(&folder, 4);
}

#[test]
fn the_log_key_and_what_it_remembers() {
    let folder = Folder::opened();
    folder.ok(&["checkpoint"]);
    let names: Vec<String> = fs::read_dir(folder.at("private"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("log-") || name.starts_with("checkpoint-"))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        let path = folder.at("private").join(&name);
        let kept = fs::read(&path).unwrap();
        with_garbage(&folder, &format!("private/{name}"), &[&["checkpoint"]], &[2]);
        fs::write(&path, kept).unwrap();
        private(&path);
    }
    folder.ok(&["checkpoint"]);
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn offers() {
    let folder = Folder::opened();
    let enroll: &[&str] = &["key", "enroll", "dave", "--role", "qa-engineer", "--as", "alice"];
    with_garbage(&folder, "keys/dave.offer.json", &[enroll], &[2]);
    let given: &[&str] =
        &["key", "enroll", "dave", "--role", "qa-engineer", "--as", "alice", "--offer", "given.json"];
    with_garbage(&folder, "given.json", &[given], &[2]);
    assert_untouched(&folder, 4);
}

/// Public halves and the roster beside the ledger are for people: nothing rests on them.
#[test]
fn convenience_copies() {
    let folder = Folder::opened();
    let sha256 = folder.roster_sha256();
    for name in ["keys/roster.json", "keys/bob.pub.pem", "keys/alice.root.pub.pem"] {
        with_garbage(&folder, name, &[&["verify", "--roster-sha256", &sha256]], &[4]);
        with_garbage(&folder, name, &[&["status"]], &[0]);
    }
}

#[test]
fn statements_to_join() {
    let folder = Folder::opened();
    let commands: &[&[&str]] = &[&["join", "given.json"], &["cosign", "given.json", "--as", "bob"]];
    with_garbage(&folder, "given.json", commands, &[2]);
    assert_untouched(&folder, 4);
}

#[test]
fn passphrase_files() {
    let folder = Folder::opened();
    for (kind, make) in KINDS {
        put(*make, &folder.at("pass"));
        let mut command = folder.command(&["note", "x", "--as", "bob", "--passphrase-file", "pass"]);
        let output = command.env_remove("AETHER_AUDIT_PASSPHRASE").output().unwrap();
        let ran = Ran {
            status: output.status.code(),
            out: String::new(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert_decent(&ran, kind);
        assert_eq!(ran.status, Some(2), "{kind}: {}", ran.err);
    }
    assert_untouched(&folder, 4);
}

/// Record first, then fail: what a source could not read stands in the record as an error.
#[test]
fn readings() {
    let folder = Folder::enrolled();
    let config = fs::read_to_string(folder.at("aether.toml")).unwrap();
    let checks = config.find("\n[[check]]").unwrap();
    let file =
        "\n[[check]]\nid = \"depth\"\nsource = \"file\"\npath = \"readings.json\"\nobjective = \"<= 10\"\n";
    fs::write(folder.at("aether.toml"), format!("{}{file}", &config[..checks])).unwrap();
    let checklist = folder.at("templates/Deployment_Checklist.md");
    fs::write(checklist, "- [ ] depth <!-- id: depth; check: depth -->\n").unwrap();
    folder.ok(&opening("v1"));
    with_garbage(&folder, "readings.json", &[&["collect", "depth", "--as", "alice"]], &[1, 2, 4]);
    assert_eq!(folder.entries(), 4 + KINDS.len(), "each try is recorded");
    folder.fails(1, &["sign", "depth", "--as", "carol"], "depth");
    assert_untouched(&folder, 4 + KINDS.len());
}

#[test]
fn attachments() {
    let folder = Folder::opened();
    with_garbage(&folder, "given", &[&["attach", "given", "--as", "bob"]], &[0, 2]);
    let huge = folder.at("given");
    fs::File::create(&huge).unwrap().set_len(65 << 20).unwrap();
    let ran = run(&folder, &["attach", "given", "--as", "bob"]);
    assert_eq!(ran.status, Some(2), "{}", ran.err);
    let verified = folder.run(&["verify", "--roster-sha256", &folder.roster_sha256()]);
    assert_eq!(verified.status, Some(4), "{}{}", verified.out, verified.err);
}

#[test]
fn the_ledger() {
    let folder = Folder::opened();
    let commands: &[&[&str]] = &[
        &["status", "--ledger", "given.db"],
        &["log", "--all", "--ledger", "given.db"],
        &["note", "x", "--as", "bob", "--ledger", "given.db"],
        &["verify", "given.db"],
    ];
    // A folder is looked at as an export, and one with nothing in it is none.
    with_garbage(&folder, "given.db", commands, &[2]);
    assert_untouched(&folder, 4);
}

#[test]
fn checkpoints() {
    let folder = Folder::opened();
    let sha256 = folder.roster_sha256();
    let verify: &[&str] = &["verify", "--roster-sha256", &sha256, "--checkpoint", "given"];
    with_garbage(&folder, "given", &[verify], &[1, 2]);
}

#[test]
fn exports() {
    let folder = Folder::opened();
    folder.ok(&["export", "out"]);
    let opening = fs::read_dir(folder.at("out/openings")).unwrap().next().unwrap().unwrap().file_name();
    let opening = format!("out/openings/{}", opening.to_str().unwrap());
    let sha256 = folder.roster_sha256();
    let verify: &[&str] = &["verify", "out", "--roster-sha256", &sha256];
    for (input, statuses) in [
        ("out/entries.jsonl", &[1, 2, 4][..]),
        (&opening, &[1, 2]),
        ("out/checkpoint", &[1, 2]),
        ("out/roster.json", &[1, 2, 4]),
        ("out/README.md", &[4]),
    ] {
        let kept = fs::read(folder.at(input)).unwrap();
        with_garbage(&folder, input, &[verify], statuses);
        fs::write(folder.at(input), kept).unwrap();
        assert_eq!(folder.run(verify).status, Some(4), "{input} is back");
    }
}

/// An export comes from strangers: a pipe in it must not make the auditor wait for ever.
#[test]
fn pipes_in_an_export() {
    let folder = Folder::opened();
    folder.ok(&["export", "out"]);
    let opening = fs::read_dir(folder.at("out/openings")).unwrap().next().unwrap().unwrap().path();
    for path in
        [folder.at("out/checkpoint"), opening, folder.at("out/leaves.txt"), folder.at("out/entries.jsonl")]
    {
        clear(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let ran = run(&folder, &["verify", "out"]);
        assert!(matches!(ran.status, Some(1 | 2)), "{}: {:?} {}", path.display(), ran.status, ran.err);
    }
}

#[test]
fn exports_of_one_deployment() {
    let folder = Folder::opened();
    folder.ok(&["export", "out", "--deployment", "v2.14.0"]);
    let kept = fs::read(folder.at("out/leaves.txt")).unwrap();
    with_garbage(&folder, "out/leaves.txt", &[&["verify", "out"]], &[1, 2]);
    fs::write(folder.at("out/leaves.txt"), kept).unwrap();
    assert_eq!(folder.run(&["verify", "out"]).status, Some(4));
}

#[test]
fn words_of_the_command_line() {
    let folder = Folder::opened();
    let long = "x".repeat(100_000);
    for word in
        ["", " ", "\u{202e}", "\n", "../../etc/passwd", "-", "--", "'; DROP TABLE entries; --", "💥", &long]
    {
        for args in [
            vec!["sign", word, "--as", "alice"],
            vec!["note", "x", "--as", word],
            vec!["status", "--deployment", word],
            vec!["show", word],
            vec!["key", "new", word],
            vec!["decide", word, "--reason", "x", "--as", "alice"],
            vec!["verify", "--roster-sha256", word],
            vec!["-C", word, "status"],
        ] {
            let ran = run(&folder, &args);
            assert!(!ran.err.contains("panicked"), "{word:.40?}: {}", ran.err);
            assert_eq!(ran.status, Some(2), "{args:.40?}: {}{}", ran.out, ran.err);
        }
    }
    assert_untouched(&folder, 4);
}

/// Text of any sort goes in as it is and comes out as it was.
#[test]
fn notes_of_any_text() {
    let folder = Folder::opened();
    for (number, text) in
        ["\u{1b}[31mred\u{7}", "a\u{202e}b", "<script>alert(1)</script>", "💥", "\\ \" ' ` | * _"]
            .iter()
            .enumerate()
    {
        folder.ok(&["note", text, "--as", "bob"]);
        let shown: serde_json::Value =
            serde_json::from_str(&folder.ok(&["show", &(4 + number).to_string(), "-o", "json"])).unwrap();
        let there: Vec<&str> =
            shown["openings"].as_object().unwrap().values().map(|v| v.as_str().unwrap()).collect();
        assert_eq!(there, [*text]);
    }
    folder.ok(&["render"]);
    folder.ok(&["report", "--as", "alice"]);
    let html = fs::read_to_string(folder.at("records/v2.14.0/report.html")).unwrap();
    assert!(!html.contains("<script>alert(1)"), "a note is text, not markup");
    for name in ["report.md", "report.html", "Deployment_Checklist.md"] {
        let text = fs::read_to_string(folder.at("records/v2.14.0").join(name)).unwrap();
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "control characters in {name}");
    }
}
