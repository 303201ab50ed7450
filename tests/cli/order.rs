//! Commands in the wrong order, by the wrong person, about the wrong thing: each its exit status and its next step.

use crate::folder::{COMMIT, Folder, ORIGIN};

#[test]
fn before_init_every_command_says_so_and_leaves_nothing() {
    let folder = Folder::empty();
    for command in [
        "status",
        "log",
        "verify",
        "checkpoint",
        "render",
        "close --as a",
        "key list",
        "key new bob",
        "collect",
        "gate go",
        "note x --as a",
        "sign x --as a",
        "show 0",
        "export out",
        "report --as a",
        "decide go --reason x --as a",
        "rollback --reason x --as a",
        "abort --reason x --as a",
        "assign qa-engineer b --as a",
        "withdraw x --reason y --as a",
        "record review-recorded --text x --as a",
        "key enroll bob --role r --as a",
    ] {
        let args: Vec<&str> = command.split(' ').collect();
        folder.fails(2, &args, "run `aether-audit init` here first");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn before_open_there_is_no_deployment() {
    let folder = Folder::initialised();
    for command in [
        "status",
        "status --deployment x",
        "render",
        "close --as alice",
        "gate go",
        "note x --as alice",
        "sign x --as alice",
        "report --as alice",
        "decide go --reason x --as alice",
        "rollback --reason x --as alice",
        "withdraw x --reason y --as alice",
        "collect --as alice",
    ] {
        let args: Vec<&str> = command.split(' ').collect();
        folder.fails(2, &args, "there is no deployment");
    }
    assert_eq!(folder.entries(), 1);
}

#[test]
fn init_needs_its_words_and_a_free_folder() {
    let folder = Folder::empty();
    folder.fails(2, &["init", "--as", "alice"], "--origin");
    folder.fails(2, &["init", "--origin", ORIGIN], "--as NAME");
    for bad in ["http://example.com/a", "a b", "a+b", "", "a\nb"] {
        folder.fails(2, &["init", "--origin", bad, "--as", "alice"], "for example example.com/audit/prod");
    }
    folder.fails(2, &["init", "--origin", ORIGIN, "--as", "Alice"], "a-z, 0-9");
    assert!(!folder.at("private").exists());
    let folder = Folder::initialised();
    folder.fails(2, &["init", "--origin", ORIGIN, "--as", "alice"], "aether-audit status");
    folder.fails(2, &["init", "--origin", "example.com/other", "--as", "alice"], "nothing was changed");
    assert_eq!(folder.entries(), 1);
}

#[test]
fn the_roster_is_changed_by_its_root_alone() {
    let folder = Folder::enrolled();
    folder.ok(&["key", "new", "dave"]);
    folder.fails(
        2,
        &["key", "enroll", "dave", "--role", "qa-engineer", "--as", "bob"],
        "bob holds no root key",
    );
    folder.fails(2, &["key", "enroll", "dave", "--role", "pilot", "--as", "alice"], "has no role pilot");
    folder.fails(2, &["key", "enroll", "dave", "--as", "alice"], "--role lead-deployer");
    folder.fails(
        2,
        &["key", "enroll", "erin", "--role", "qa-engineer", "--as", "alice"],
        "aether-audit key new erin",
    );
    folder.fails(2, &["key", "enroll", "bob", "--role", "comms-lead", "--as", "alice"], "already");
    folder.fails(2, &["key", "rotate", "--as", "zed"], "not on the roster");
    assert_eq!(folder.entries(), 3);
}

#[test]
fn roles_are_held_by_those_who_have_them() {
    let folder = Folder::enrolled();
    let open = |lead, comms, qa, who, says: &str| {
        let roles = ["--lead-deployer", lead, "--comms-lead", comms, "--qa-engineer", qa, "--as", who];
        let status = if says.contains("not on the roster") { 2 } else { 1 };
        folder.fails(status, &[&["open", "v1", "--commit", COMMIT], &roles[..]].concat(), says);
    };
    open("alice", "bob", "alice", "alice", "alice may not be both lead-deployer and qa-engineer");
    open("alice", "carol", "bob", "alice", "carol does not have the role comms-lead");
    open("alice", "bob", "zed", "alice", "zed is not on the roster");
    open("alice", "bob", "carol", "bob", "bob does not have the role lead-deployer");
    let short = [
        "open",
        "v1",
        "--commit",
        "0123",
        "--lead-deployer",
        "alice",
        "--comms-lead",
        "bob",
        "--qa-engineer",
        "carol",
    ];
    folder.fails(2, &[&short[..], &["--as", "alice"]].concat(), "40 lower-case hex digits");
    assert_eq!(folder.entries(), 3);
}

#[test]
fn a_deployment_id_is_never_used_again() {
    let folder = Folder::opened();
    let again = ["open", "v2.14.0", "--commit", COMMIT, "--lead-deployer", "alice", "--comms-lead", "bob"];
    let again = [&again[..], &["--qa-engineer", "carol", "--as", "alice"]].concat();
    folder.fails(2, &again, "ids are never used again");
    let beside = [&again[..], &["--deployment", "second"]].concat();
    folder.ok(&beside);
    folder.fails(
        2,
        &["note", "which?", "--as", "bob"],
        "name one with --deployment or AETHER_AUDIT_DEPLOYMENT (v2.14.0, second)",
    );
    folder.ok(&["note", "this one", "--as", "bob", "--deployment", "second"]);
    folder.fails(2, &["note", "x", "--as", "bob", "--deployment", "third"], "there is no deployment third");
    folder.fails(2, &["log", "--deployment", "third"], "there is no deployment third");
    folder.fails(2, &["status", "--deployment", "third"], "there is no deployment third");
    assert_eq!(folder.entries(), 6);
}

#[test]
fn items_are_signed_by_their_role() {
    let folder = Folder::opened();
    folder.fails(1, &["sign", "team-ready", "--as", "bob"], "that is for lead-deployer (item team-ready)");
    folder.fails(1, &["sign", "http-5xx", "--as", "carol"], "has no evidence yet");
    folder.fails(2, &["sign", "no-such-item", "--as", "alice"], "aether-audit status");
    folder.fails(2, &["sign", "env", "--as", "alice"], "did you mean env-audit?");
    folder.fails(2, &["sign", "team-ready", "--as", "zed"], "not on the roster");
    folder.fails(2, &["sign", "team-ready"], "--as NAME");
    folder.fails(2, &["sign", "team-ready", "--na", "--as", "alice"], "--reason");
    folder.fails(2, &["sign", "--as", "alice"], "ITEMS");
    folder.fails(2, &["sign", "team-ready", "no-such-item", "--as", "alice"], "no item no-such-item");
    assert_eq!(folder.entries(), 4, "of several items none is signed where one cannot be");
    folder.ok(&["sign", "team-ready", "env-audit", "--as", "alice"]);
    assert_eq!(folder.entries(), 6);
}

#[test]
fn sign_offs_are_withdrawn_by_who_signed_or_leads() {
    let folder = Folder::opened();
    let withdraw = |item, who| ["withdraw", item, "--reason", "too early", "--as", who];
    folder.fails(2, &withdraw("channel-ready", "bob"), "nobody has signed channel-ready");
    folder.ok(&["sign", "channel-ready", "--as", "bob"]);
    folder.fails(1, &withdraw("channel-ready", "carol"), "carol signed neither");
    folder.fails(2, &["withdraw", "channel-ready", "--as", "bob"], "--reason");
    folder.ok(&withdraw("channel-ready", "alice"));
    folder.fails(2, &withdraw("channel-ready", "bob"), "every sign-off of channel-ready was taken back");
}

#[test]
fn gates_list_everything_that_is_missing() {
    let folder = Folder::opened();
    let said = folder.fails(
        1,
        &["decide", "go", "--reason", "now", "--as", "alice"],
        "refused: go of v2.14.0: 13 missing",
    );
    for item in ["team-ready", "dns-ttl", "stakeholder-approval"] {
        assert!(said.contains(&format!("item {item} is not signed (item/{item})")), "{said}");
    }
    assert!(!said.contains("go-no-go"), "the decision itself ticks go-no-go: {said}");
    folder.fails(1, &["decide", "all-clear", "--reason", "now", "--as", "alice"], "not at 100 % Green");
    folder.fails(2, &["decide", "go", "--as", "alice"], "--reason");
    folder.fails(2, &["decide", "perhaps", "--reason", "x", "--as", "alice"], "possible values: go, no-go");
    folder.fails(
        2,
        &["decide", "override", "--reason", "x", "--as", "alice"],
        "--gate GATE --waive REQUIREMENT",
    );
    folder.fails(
        2,
        &["decide", "go", "--reason", "x", "--override", "item/none", "--as", "alice"],
        "does not miss that",
    );
    folder.fails(1, &["close", "--as", "alice"], "there is no outcome yet");
    let shift = [
        "record",
        "traffic-shifted",
        "--service",
        "app",
        "--to",
        "green",
        "--act",
        "intended",
        "--as",
        "alice",
    ];
    folder.fails(1, &shift, "there is no go");
    for gate in ["go", "shift", "retire", "all-clear"] {
        let ran = folder.run(&["gate", gate]);
        assert_eq!(ran.status, Some(1), "{gate}: {}", ran.out);
        assert!(format!("{}{}", ran.out, ran.err).contains("missing"), "{gate}");
    }
    assert_eq!(folder.entries(), 4);
}

#[test]
fn facts_are_never_refused() {
    let folder = Folder::opened();
    folder.ok(&["record", "traffic-shifted", "--service", "app", "--to", "green", "--as", "carol"]);
    folder.ok(&["rollback", "--reason", "5xx at 4 %", "--trigger", "error-rate", "--as", "bob"]);
    let again =
        ["rollback", "--reason", "orders fail too", "--trigger", "business", "--again", "--as", "bob"];
    folder.ok(&again);
    folder.ok(&["rollback", "--reason", "as before", "--trigger", "business", "--again", "--as", "bob"]);
    let told = folder.ok(&["log", "-o", "json"]);
    assert_eq!(told.matches("rollback-triggered").count(), 3, "one beside each: {told}");
    folder.ok(&["record", "rollback-step", "--step", "revert-traffic", "--act", "done", "--as", "carol"]);
    folder.ok(&[
        "record",
        "traffic-shifted",
        "--service",
        "app",
        "--to",
        "blue",
        "--act",
        "done",
        "--as",
        "carol",
    ]);
    folder.ok(&["record", "rollback-finished", "--outcome", "complete", "--as", "alice"]);
    folder.fails(1, &["close", "--as", "bob"], "that is for lead-deployer");
    folder.ok(&["close", "--as", "alice"]);
    folder.fails(2, &["sign", "team-ready", "--as", "alice"], "no deployment is open");
    folder.fails(1, &["sign", "team-ready", "--as", "alice", "--deployment", "v2.14.0"], "is closed");
    folder.ok(&["note", "review on Monday", "--as", "bob"]);
    let verified = folder.run(&["verify", "--roster-sha256", &folder.roster_sha256()]);
    assert_eq!(verified.status, Some(4), "{}{}", verified.out, verified.err);
}

#[test]
fn a_rollback_is_not_complete_while_traffic_is_on_green() {
    let folder = Folder::opened();
    let record = |words: &str| {
        let args = format!("record {words} --as alice");
        folder.ok(&args.split(' ').collect::<Vec<_>>())
    };
    record("traffic-shifted --service app --to green");
    folder.ok(&["rollback", "--reason", "5xx at 3 %", "--as", "alice"]);
    let ran = folder.run(&["record", "rollback-finished", "--outcome", "complete", "--as", "alice"]);
    assert_eq!(ran.status, Some(0), "a fact is never refused: {}", ran.err);
    let told = "OUT OF PROCESS: a rollback is said to be complete, and by this record 100 % of";
    assert!(ran.err.contains(told), "{}", ran.err);
    assert!(folder.ok(&["report", "--as", "alice"]).contains("records"));
    let report = std::fs::read_to_string(folder.at("records/v2.14.0/report.md")).unwrap();
    assert!(report.contains("still on Green: record where the traffic is"), "{report}");
}

#[test]
fn texts_that_say_nothing_are_refused() {
    let folder = Folder::opened();
    for empty in ["", " ", "\n\t"] {
        folder.fails(2, &["note", empty, "--as", "bob"], "an empty text says nothing");
        folder.fails(
            2,
            &["decide", "no-go", "--reason", empty, "--as", "alice"],
            "an empty text says nothing",
        );
        folder.fails(
            2,
            &["sign", "team-ready", "--note", empty, "--as", "alice"],
            "an empty text says nothing",
        );
        folder.fails(2, &["rollback", "--reason", empty, "--as", "alice"], "an empty text says nothing");
    }
    assert_eq!(folder.entries(), 4);
}

#[test]
fn who_may_not_is_told_so_before_what_a_gate_misses() {
    let folder = Folder::opened();
    for command in [
        "decide go --reason x --as carol",
        "decide all-clear --reason x --as carol",
        "decide override --gate go --waive item/none --reason x --as carol",
        "close --as carol",
        "sign http-5xx --as bob",
    ] {
        let said = folder.fails(1, &command.split(' ').collect::<Vec<_>>(), "that is for ");
        assert!(
            !said.contains("missing") && !said.contains("no outcome") && !said.contains("evidence"),
            "{said}"
        );
    }
    let shift = "record traffic-shifted --service app --to green --act intended";
    let shift: Vec<&str> = shift.split(' ').collect();
    folder.fails(2, &shift, "say who you are");
    folder.fails(2, &[&shift[..], &["--as", "zed"]].concat(), "zed is not on the roster");
    assert_eq!(folder.entries(), 4);
}

#[test]
fn a_rollback_under_way_is_begun_again_only_when_that_is_said() {
    let folder = Folder::opened();
    folder.ok(&["rollback", "--reason", "5xx at 4 %", "--as", "bob"]);
    let entries = folder.entries();
    let again = ["rollback", "--reason", "pressed twice", "--as", "carol"];
    let goes_on = folder.run(&again);
    assert_eq!(goes_on.status, Some(0), "{}", goes_on.err);
    assert!(
        goes_on.err.contains("a rollback of v2.14.0 is under way since entry 5 (bob, "),
        "{}",
        goes_on.err
    );
    assert_eq!(folder.entries(), entries);
    folder.ok(&[&again[..], &["--again"]].concat());
    assert_eq!(folder.entries(), entries + 2);
    folder.ok(&["record", "rollback-finished", "--outcome", "failed", "--as", "alice"]);
    let ran = folder.run(&["rollback", "--reason", "a new try", "--check", "htpp-5xx", "--as", "alice"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(
        ran.err.contains("htpp-5xx is no check of v2.14.0") && ran.err.contains("did you mean http-5xx?"),
        "{}",
        ran.err
    );
}

#[test]
fn verify_and_export_name_what_they_miss() {
    let folder = Folder::opened();
    folder.fails(2, &["verify", "--roster-sha256", "xyz"], "64 lower-case hex digits");
    folder.fails(2, &["verify", "--checkpoint", "none"], "cannot read none");
    folder.fails(2, &["verify", "none"], "none");
    folder.fails(2, &["show", "99"], "there is no entry 99");
    folder.fails(2, &["show", "x"], "invalid value");
    folder.ok(&["export", "out"]);
    folder.fails(2, &["export", "out"], "name a new folder");
    let wrong = folder.run(&["verify", "--roster-sha256", &"0".repeat(64)]);
    assert_eq!(wrong.status, Some(1), "another first roster is a finding: {}{}", wrong.out, wrong.err);
}

#[test]
fn a_checklist_that_aether_toml_has_left_behind_is_noticed() {
    let folder = Folder::enrolled();
    let people =
        ["--lead-deployer", "alice", "--comms-lead", "bob", "--qa-engineer", "carol", "--as", "alice"];
    let open = |release: &str| folder.run(&[&["open", release, "--commit", COMMIT], &people[..]].concat());
    let first = open("v1");
    assert!(first.status == Some(0) && !first.err.contains("has changed since"), "{}", first.err);
    let change = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(folder.at(file)).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(folder.at(file), text.replace(from, to)).unwrap();
    };
    change("aether.toml", "channel = \"#proj-aether-deploy\"", "channel = \"#releases\"");
    let second = open("v2");
    assert_eq!(second.status, Some(0), "{}", second.err);
    for part in [
        "aether.toml has changed since ",
        "still says",
        "#proj-aether-deploy",
        "aether.toml says now",
        "#releases",
    ] {
        assert!(second.err.contains(part), "{part:?} is not in {}", second.err);
    }
    change("templates/Deployment_Checklist.md", "#proj-aether-deploy", "#releases");
    let third = open("v3");
    assert!(third.status == Some(0) && !third.err.contains("has changed since"), "{}", third.err);
}

#[test]
fn an_older_export_against_a_newer_checkpoint_says_both_that_it_may_be() {
    let folder = Folder::opened();
    folder.ok(&["export", "older"]);
    folder.ok(&["note", "later", "--as", "bob"]);
    std::fs::write(folder.at("ckpt"), folder.ok(&["checkpoint"])).unwrap();
    let ran =
        folder.run(&["verify", "older", "--roster-sha256", &folder.roster_sha256(), "--checkpoint", "ckpt"]);
    assert_eq!(ran.status, Some(1), "{}{}", ran.out, ran.err);
    for part in [
        "[truncated]",
        "they were cut off, or this copy is older",
        "Ask for a copy that has them",
        "at most 4 entries",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in {}", ran.out);
    }
}

#[test]
fn a_checkpoint_beside_the_entries_that_is_no_text_is_a_finding() {
    let folder = Folder::opened();
    folder.ok(&["export", "out"]);
    std::fs::write(folder.at("out/checkpoint"), b"\xff\n").unwrap();
    let found = folder.run(&["verify", "out"]);
    assert_eq!(found.status, Some(1), "{}{}", found.out, found.err);
    assert!(found.out.contains("[checkpoint]"), "{}", found.out);
}
