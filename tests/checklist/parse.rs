//! What is found in a checklist, and what is refused.

use aether_audit::core::checklist::{By, Checklist, ItemSpec, PhaseSpec, offset_minutes, parse};

fn ids(text: &str) -> Vec<String> {
    parse(text).unwrap().items.into_iter().map(|item| item.spec.id).collect()
}

fn titles(text: &str) -> Vec<String> {
    parse(text).unwrap().items.into_iter().map(|item| item.title).collect()
}

fn refusal(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

#[test]
fn annotations_are_read() {
    let text = "## Phase 1 <!-- phase: pre; from: T-2h; to: T-0 -->\n\
        - [ ] **Lead**: [audit](https://a.example) `env` &amp; more <!-- id: env-audit; role: lead-deployer; check: env -->\n\
        - [x] both <!-- roles: qa-engineer+comms-lead; signers: 2; na: never -->\n\
        - [ ] either <!-- roles: qa-engineer, comms-lead -->\n\
        - [X] go <!--id:go-no-go;by:go;-->\n";
    let Checklist { phases, items } = parse(text).unwrap();
    assert_eq!(phases, [PhaseSpec { id: "pre".into(), from: Some("T-2h".into()), to: Some("T-0".into()) }]);
    let base = ItemSpec { phase: Some("pre".into()), ..ItemSpec::new(String::new()) };
    let roles = vec!["qa-engineer".to_owned(), "comms-lead".to_owned()];
    assert_eq!(
        items.iter().map(|item| item.spec.clone()).collect::<Vec<_>>(),
        [
            ItemSpec {
                id: "env-audit".into(),
                roles: vec!["lead-deployer".into()],
                check: Some("env".into()),
                ..base.clone()
            },
            ItemSpec {
                id: "item-002".into(),
                roles: roles.clone(),
                all_roles: true,
                signers: 2,
                na_never: true,
                ..base.clone()
            },
            ItemSpec { id: "item-003".into(), roles, ..base.clone() },
            ItemSpec { id: "go-no-go".into(), by: Some(By::Go), ..base },
        ]
    );
    assert_eq!(items[0].title, "Lead: audit env & more");
    assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(items.iter().map(|item| item.ticked).collect::<Vec<_>>(), [false, true, false, true]);
}

#[test]
fn a_phase_lasts_until_a_heading_of_its_level_or_above() {
    let text = "- [ ] before\n# One <!-- phase: one -->\n- [ ] a\n### deeper\n- [ ] b\n\
        > # in a quote\n> - [ ] c\n\n- [ ] d\n## Inner <!-- phase: inner -->\n- [ ] e\n## Next\n- [ ] f\n\n\
        Two <!-- phase: two -->\n===\n- [ ] g\n# Three\n- [ ] h\n\
        > # Quoted <!-- phase: quoted -->\n> - [ ] i\n\n- [ ] j\n";
    let phases: Vec<_> = parse(text).unwrap().items.into_iter().map(|item| item.spec.phase).collect();
    let phases: Vec<_> = phases.iter().map(|phase| phase.as_deref().unwrap_or("none")).collect();
    assert_eq!(phases, ["none", "one", "one", "one", "one", "inner", "one", "two", "none", "quoted", "none"]);
}

#[test]
fn every_way_to_write_a_list_works() {
    for text in [
        "- [ ] a\n  - [x] b\n    * [ ] c\n+ [ ] d",
        "* [ ] a\r\n    * [x] b\r\n        1. [ ] c\r\n\r\n+ [ ] d\r\n",
        "1. [ ] a\n   1) [x] b\n      - [ ] c\n2. [ ] d\n",
        "- [ ] a\n\n  - [x] b\n\n    - [ ] c\n\n- [ ] d\n",
        "-\t[ ] a\n\t-\t[x] b\n\t\t- [ ] c\n- [ ] d\n",
        "\u{feff}- [ ] a\n   - [x] b\n      - [ ] c\n- [ ] d\n",
        "> - [ ] a\n>   - [x] b\n>     - [ ] c\n>\n> - [ ] d\n",
        "---\ntasks: |\n  - [ ] x\n---\n- [ ] a\n  - [x] b\n    - [ ] c\n- [ ] d\n",
        "\u{feff}+++\nt = \"- [ ] x\"\n+++\n- [ ] a\n  - [x] b\n    - [ ] c\n- [ ] d\n",
        "<details>\n<summary>x</summary>\n\n- [ ] a\n  - [x] b\n    - [ ] c\n- [ ] d\n\n</details>\n",
        "- [ ] a\r  - [x] b\r    - [ ] c\r- [ ]\r- [ ] d\r",
        "- [ ] a\r\n  - [x] b\n    - [ ] c\r- [ ]\r\n- [ ] d\r",
        "- [ ] a\n\n  second paragraph\n  - [x] b\n    - [ ] c\n\n- [ ] d\n  lazy\nlazy",
    ] {
        let items = parse(text).unwrap().items;
        let found: Vec<_> = items.iter().map(|item| (item.title.as_str(), item.depth, item.ticked)).collect();
        assert_eq!(found, [("a", 0, false), ("b", 1, true), ("c", 2, false), ("d", 0, false)], "{text:?}");
    }
}

#[test]
fn what_only_looks_like_a_task_is_none() {
    for text in [
        "",
        "\n\n",
        "no task at all",
        "[ ] no list",
        "- [ ]no space\n- [y] no\n- [] no\n- [ ]\n- [ ]   \n- \\[ ] no\n",
        "```\n- [ ] x\n```\n~~~~ md\n- [ ] x\n~~~\n- [ ] x\n",
        "    - [ ] x\n",
        "<!--\n- [ ] x\n\n- [ ] y\n-->\n",
        "<!-- unclosed\n\n- [ ] x\n",
        "<details>\n- [ ] x\n</details>\n",
        "<pre>\n\n- [ ] x\n\n</pre>\n",
        "---\na: b\nc:\n- [ ] x\n...\n",
        "| a | b |\n|---|---|\n| - [ ] x | [ ] y |\n",
        "`- [ ] x`\n",
    ] {
        assert_eq!(parse(text).unwrap(), Checklist::default(), "{text:?}");
    }
}

#[test]
fn rules_are_no_front_matter() {
    assert_eq!(titles("---\n\n- [ ] a\n\n---\n- [ ] b\n"), ["a", "b"]);
    assert_eq!(titles("text\n\n---\n- [ ] a\n\n---\n"), ["a"]);
    assert_eq!(titles("---\nnever: closed\n- [ ] a\n"), ["a"]);
    assert_eq!(titles("---\n- [ ] a\n---\n- [ ] b\n"), ["a", "b"]);
    assert_eq!(titles("+++\n- [ ] a = b\n+++\n- [ ] b\n"), ["a = b", "b"]);
    assert_eq!(titles("---\na note: call first\n- [ ] a\n---\n- [ ] b\n"), ["a", "b"]);
    assert_eq!(titles("---\n# a comment\n\"key\": x\n- [ ] a\n---\n- [ ] b\n"), ["b"]);
    assert_eq!(titles("+++\n[table]\nx = \"- [ ] a\"\n+++\n- [ ] b\n"), ["b"]);
}

#[test]
fn ordinary_comments_are_left_alone() {
    let text = "<!-- id -->\n<!-- markdownlint-disable MD013 -->\n\
        # Title <!-- id; see http://a.example: note --> <!-- to: be done -->\n\
        - [ ] a <!-- TODO: ask bob --> <!-- see: id --> <!---> <!-- rule: call first -->\n\
        - [ ] b <!-- note: call first; then: wait --> <!-- from: bob --> <!----> <!-- : -->\n\
        - [ ] c `<!-- id: code -->` \\<!-- id: escaped -->\n\
        ```\n<!-- id: fenced -->\n```\n\
        <!-- - [ ] d <!-- id: commented -->\n\
        <!-- role: the one who, in doubt, calls -->\n";
    assert_eq!(ids(text), ["item-001", "item-002", "item-003"]);
}

#[test]
fn numbers_count_every_item() {
    assert_eq!(ids("- [ ] a\n- [ ] b <!-- id: b -->\n- [ ] c\n"), ["item-001", "b", "item-003"]);
    let many = ids(&"- [ ] a\n".repeat(1001));
    assert_eq!(many.last().unwrap(), "item-1001");
}

#[test]
fn a_wrapped_item_may_carry_its_annotation_on_a_later_line() {
    let items = parse("- [ ] first\n  second <!-- id: a;\n  role: b -->\n").unwrap().items;
    assert_eq!((items[0].spec.id.as_str(), items[0].title.as_str()), ("a", "first"));
    assert_eq!(items[0].spec.roles, ["b"]);
}

#[test]
fn titles_are_one_plain_line() {
    assert_eq!(titles("- [ ] a\u{1b}[31m b\u{7} ![alt](x) <b>c</b> ~~d~~ *e*\n"), ["a [31m b alt c d e"]);
    assert_eq!(titles("- [ ] <!-- id: only -->\n"), [""]);
}

#[test]
fn mistakes_name_their_place_and_the_next_step() {
    for (text, place, says) in [
        ("- [ ] a <!-- id: a; roel: b -->\n", "line 1, column 21", "did you mean `role`?"),
        ("- [ ] a <!-- roel: qa-engineer -->\n", "line 1, column 14", "did you mean `role`?"),
        ("- [ ] a <!-- ID: a -->\n", "line 1, column 14", "did you mean `id`?"),
        ("- [ ] a <!-- singers: 2 -->\n", "line 1, column 14", "did you mean `signers`?"),
        ("\u{feff}- [ ] é <!-- id: a; owner: b -->\r\n", "line 1, column 21", "items take id, role"),
        ("# A <!-- phse: a -->\n", "line 1, column 10", "did you mean `phase`?"),
        ("x\n\n- [ ] a <!-- id: A -->\n", "line 3, column 18", "1 to 64 of a-z"),
        ("- [ ] a <!-- id: -->\n", "line 1, column", "1 to 64 of a-z"),
        ("- [ ] a <!-- id: a role: b -->\n", "line 1, column 18", "1 to 64 of a-z"),
        ("- [ ] a <!-- id: a, b -->\n", "line 1, column 18", "1 to 64 of a-z"),
        ("- [ ] a <!-- id: a; never -->\n", "line 1, column 21", "no `key: value`"),
        ("- [ ] a <!-- roles: a+b,c -->\n", "line 1, column 21", "all of several"),
        ("- [ ] a <!-- roles: a, a -->\n", "line 1, column 21", "all of several"),
        ("- [ ] a <!-- signers: 0 -->\n", "line 1, column 23", "1 to 99"),
        ("- [ ] a <!-- signers: 02 -->\n", "line 1, column 23", "1 to 99"),
        ("- [ ] a <!-- na: ever -->\n", "line 1, column 18", "`never`"),
        ("- [ ] a <!-- by: hand -->\n", "line 1, column 18", "all-clear"),
        ("- [ ] a <!-- check: did it work? -->\n", "line 1, column 21", "reword"),
        ("- [ ] a <!-- id: a --> <!-- id: b -->\n", "line 1, column 29", "said twice"),
        ("- [ ] a <!-- role: a; roles: b -->\n", "line 1, column 23", "said twice"),
        ("- [ ] a <!-- id: a -->\n\n- [ ] b <!-- id: a -->\n", "line 3, column 14", "line 1"),
        ("- [ ] a <!-- id: item-002 -->\n- [ ] b\n", "line 1, column 14", "line 2"),
        ("- [ ] a\n- [ ] b <!-- id: item-001 -->\n", "line 2, column 14", "line 1"),
        ("# A <!-- phase: a -->\n# B <!-- phase: a -->\n", "line 2, column 10", "line 1"),
        ("# A <!-- phase: a; from: noon -->\n", "line 1, column 26", "T-2h"),
        ("# A <!-- phase: a; from: T+1h; to: T-0 -->\n", "line 1, column 32", "not before"),
        ("# A <!-- from: T-0 -->\n", "line 1, column 10", "needs a phase"),
        ("# A <!-- role: qa-engineer -->\n", "line 1, column 10", "belongs to a task item"),
        ("- [ ] a <!-- phase: a -->\n", "line 1, column 14", "belongs to a heading"),
        ("- [ ] a <!-- id: a; from: T-0 -->\n", "line 1, column 21", "belongs to a heading"),
        ("- a <!-- id: a -->\n", "line 1, column 5", "no task item or heading"),
        ("- [ ] a\n  <!-- id: a -->\n", "line 2, column 3", "no task item or heading"),
        ("<div>\n x <!-- role: a --></div>\n", "line 2, column 4", "no task item or heading"),
        ("| a <!-- id: a --> |\n|---|\n", "line 1, column 5", "no task item or heading"),
    ] {
        let error = refusal(text);
        assert!(error.contains(place) && error.contains(says), "{text:?}: {error}");
    }
}

#[test]
fn errors_quote_little_and_nothing_that_acts_on_a_terminal() {
    let error = refusal(&format!("- [ ] a <!-- id: \u{1b}[2J{} -->\n", "x".repeat(5000)));
    assert!(error.len() < 400 && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn offsets_are_minutes_from_the_cutover() {
    for (text, minutes) in
        [("T-2h", -120), ("T-0", 0), ("T+0", 0), ("T+1h30m", 90), ("T-1d", -1440), ("T+999m", 999)]
    {
        assert_eq!(offset_minutes(text), Some(minutes), "{text}");
    }
    for bad in
        ["", "T", "T-", "T0", "T-2", "T-h", "T-2h ", "t-2h", "T-2H", "T--2h", "T+1m1h", "T-9999h", "T-é", "é"]
    {
        assert_eq!(offset_minutes(bad), None, "{bad}");
    }
}

#[test]
fn specs_have_one_spelling_in_json() {
    let full = r#"{"id":"a","phase":"p","roles":["r","s"],"allRoles":true,"signers":2,"naNever":true,"check":"c","by":"all-clear"}"#;
    for text in [r#"{"id":"item-001"}"#, full] {
        let spec: ItemSpec = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
    }
    let phase = r#"{"id":"pre","from":"T-2h","to":"T-0"}"#;
    assert_eq!(serde_json::to_string(&serde_json::from_str::<PhaseSpec>(phase).unwrap()).unwrap(), phase);
    for bad in [
        r#"{"id":"A"}"#,
        r#"{"id":"a","phase":null}"#,
        r#"{"id":"a","roles":[]}"#,
        r#"{"id":"a","roles":["r","r"]}"#,
        r#"{"id":"a","allRoles":false}"#,
        r#"{"id":"a","signers":1}"#,
        r#"{"id":"a","signers":0}"#,
        r#"{"id":"a","by":"AllClear"}"#,
        r#"{"id":"a","title":"x"}"#,
        "{}",
    ] {
        assert!(serde_json::from_str::<ItemSpec>(bad).is_err(), "{bad}");
    }
    for bad in [r#"{"id":"a","from":null}"#, r#"{"id":"a","to":"soon"}"#, r#"{"id":"a","x":1}"#] {
        assert!(serde_json::from_str::<PhaseSpec>(bad).is_err(), "{bad}");
    }
}
