//! From an empty folder to a verified export, as the tour has it, run by a shell.

use std::fs;
use std::process::{Command, Stdio};

const TOUR: &str = r#"
export AETHER_AUDIT_PASSPHRASE=correct-horse AETHER_AUDIT_KEYS=$PWD/private
aether-audit init --origin example.com/audit/prod --as alice       # alice: root and Lead Deployer; keys/roster.sha256
aether-audit key new bob && aether-audit key new carol             # in life: each on their own machine
aether-audit key enroll bob   --role comms-lead  --as alice
aether-audit key enroll carol --role qa-engineer --as alice
aether-audit open v2.14.0 --commit 0123456789abcdef0123456789abcdef01234567 \
    --lead-deployer alice --comms-lead bob --qa-engineer carol --as alice
aether-audit status && aether-audit log -o json
aether-audit sign env-audit --as alice --note "compared with the manifest"   # an item of the default checklist
aether-audit render && aether-audit report --as alice
aether-audit verify --roster-sha256 "$(cat keys/roster.sha256)"    # exit 4, and says why: nothing anchors the tail
aether-audit checkpoint > ../ckpt
aether-audit verify --roster-sha256 "$(cat keys/roster.sha256)" --checkpoint ../ckpt   # exit 0
aether-audit export out && aether-audit verify out --roster-sha256 "$(cat keys/roster.sha256)" --checkpoint ../ckpt -o json
"#;

/// Each line of the tour with its exit status, and what it printed.
fn run() -> (tempfile::TempDir, Vec<i32>, Vec<String>) {
    let parent = tempfile::tempdir().unwrap();
    let home = parent.path().join("project");
    fs::create_dir(&home).unwrap();
    let joined = TOUR.replace("\\\n", " ");
    let lines: Vec<&str> = joined.lines().filter(|line| !line.is_empty()).collect();
    let kept = |(n, line)| format!("{{ {line}\n}} > ../said-{n} 2>&1\necho $?\n");
    let script = lines.iter().enumerate().map(kept).collect::<Vec<_>>().concat();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_aether-audit")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(&home)
        .env("PATH", path)
        .env("HOME", &home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let statuses =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    let said = (0..lines.len()).map(|n| fs::read_to_string(parent.path().join(format!("said-{n}"))).unwrap());
    let said = said.collect();
    (parent, statuses, said)
}

#[test]
fn the_tour_works_as_it_stands() {
    let (parent, statuses, said) = run();
    assert_eq!(statuses, [0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0], "{said:#?}");
    let home = parent.path().join("project");
    let read = |name: &str| fs::read_to_string(home.join(name)).unwrap();
    assert!(said[6].contains("env-audit"), "{}", said[6]);
    assert!(said[9].contains("no checkpoint was given"), "{}", said[9]);
    let verdict: serde_json::Value = serde_json::from_str(&said[12][said[12].find('{').unwrap()..]).unwrap();
    assert_eq!((&verdict["exitStatus"], &verdict["entries"]), (&0.into(), &6.into()), "{verdict:#}");
    let checklist = read("records/v2.14.0/Deployment_Checklist.md");
    assert!(
        checklist.contains("- [x] **Lead Deployer**") && checklist.contains("compared with the manifest")
    );
    for name in ["report.md", "report.html", "report.json", "report.dsse.json"] {
        assert!(!read(&format!("records/v2.14.0/{name}")).is_empty());
    }
    assert_eq!(read("out/entries.jsonl").lines().count(), 6);
    assert!(read("out/README.md").contains("sha256sum"));
}

/// What lands in version control is nothing that has to be kept private.
#[test]
fn git_takes_nothing_private() {
    let (parent, ..) = run();
    let home = parent.path().join("project");
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(&home).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    let tracked = git(&["ls-files"]);
    assert!(tracked.contains("keys/alice.pub.pem") && tracked.contains("aether.toml"), "{tracked}");
    for name in tracked.lines() {
        assert!(!name.starts_with("private/") && !name.contains("ledger.db"), "{name} would be committed");
        let bytes = fs::read(home.join(name)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("PRIVATE KEY"), "{name}");
    }
}
