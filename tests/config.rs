//! `aether.toml` through its public face: what is understood, and what each mistake is told.

use aether_audit::config::{self, Config, ConfigError};
use aether_audit::core::check::{Aggregate, Phase, Probe};

fn config(rest: &str) -> String {
    format!("[log]\norigin = \"example.com/audit/prod\"\n{rest}")
}

fn parse(rest: &str) -> Result<Config, ConfigError> {
    Config::parse(&config(rest), "aether.toml")
}

fn refused(rest: &str) -> ConfigError {
    parse(rest).expect_err(rest)
}

const METRIC: &str = "[[check]]\nid = \"m\"\nsource = \"cloudwatch\"\nnamespace = \"N\"\nmetric = \"M\"\n";
const HTTP: &str = "[[check]]\nid = \"h\"\nsource = \"http\"\nurl = \"https://example.com/\"\n";
const COMMAND: &str = "[[check]]\nid = \"c\"\nsource = \"command\"\nargv = [\"true\"]\n";
const FILE: &str = "[[check]]\nid = \"f\"\nsource = \"file\"\npath = \"r.json\"\nobjective = \"< 1\"\n";

#[test]
fn the_default_file_is_the_playbook() {
    let text = config::default_file("example.com/audit/prod");
    let config = Config::parse(&text, "aether.toml").unwrap();
    assert_eq!(config.log.origin, "example.com/audit/prod");
    assert_eq!(config.log.ledger.to_str(), Some("records/ledger.db"));
    assert_eq!(config.project.production_url.as_deref(), Some("https://app.project-aether.io"));
    assert_eq!(config.project.channel.as_deref(), Some("#proj-aether-deploy"));
    assert_eq!(config.project.workflow.as_deref(), Some("Deploy to Prod"));
    assert!(config.project.dashboard_url.as_deref().unwrap().ends_with("/dashboards/project-aether-prod"));
    assert!(!config.escalation.is_empty());
    assert_eq!((config.deployment.verification_minutes, config.deployment.standby_minutes), (60, 60));
    assert_eq!(config.deployment.coverage.as_str(), "95");
    assert!(!config.deployment.machine_rollback);
    let limits: Vec<_> = config
        .checks()
        .into_iter()
        .map(|c| {
            let limit =
                |limit: Option<aether_audit::core::check::Limit>| limit.map(|limit| limit.to_string());
            let baseline = c.baseline.map(|b| (format!("{:?}", b.history), b.days));
            (c.id, limit(c.objective), limit(c.rollback), baseline, c.on_fail, c.watch)
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    let day = Some(("Ratio(1.2)".to_owned(), 7));
    assert_eq!(
        limits,
        [
            ("http-5xx".to_owned(), some("< 0.1"), some("> 1"), None, None, true),
            ("cpu".to_owned(), some("< 80"), None, None, None, true),
            ("memory".to_owned(), some("< 80"), None, None, None, true),
            ("latency-p95".to_owned(), None, None, day.clone(), None, true),
            ("latency-p99".to_owned(), None, None, day, None, true),
            ("app-up".to_owned(), None, None, None, Some(Phase::Trigger), true),
        ]
    );
    for (id, statistic) in [("latency-p95", "p95"), ("latency-p99", "p99"), ("http-5xx", "Sum")] {
        let Probe::Metric(metric) = &config.find(id).unwrap().probe else { panic!("{id}") };
        assert_eq!(metric.statistic, statistic);
    }
}

/// What stands commented out in the default file is right too, as soon as somebody takes the marks away.
#[test]
fn the_examples_in_the_default_file_work() {
    let text = config::default_file("o");
    let (kept, examples) = text.split_once("# More that can stand here:").unwrap();
    let examples: Vec<_> = examples
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line.trim_start_matches('#')))
        .collect();
    let sections = "[[database]]\nid = \"project-aether-prod\"\n[[traffic]]\nservice = \"app\"\nzone = \"Z1\"\n\
                    record = \"app.project-aether.io\"\ntype = \"A\"\nblue-set = \"blue\"\ngreen-set = \"green\"\n";
    let text = format!("{kept}\n{}\n{sections}", examples.join("\n"));
    let config = Config::parse(&text, "aether.toml").unwrap();
    let ids: Vec<_> = config.check.iter().skip(6).map(|check| check.spec.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "database-up",
            "critical-path",
            "tls-days",
            "alarms",
            "env-parameters",
            "queue-depth",
            "release-built",
            "release-reviewed",
            "code-freeze",
            "error-rate",
            "dns-ready",
            "env-audit",
            "database-snapshot",
            "log-errors",
            "log-leaks"
        ]
    );
}

#[test]
fn an_origin_with_quotes_survives_the_default_file() {
    let origin = "example.com/\"a\\b\"/'c'";
    assert_eq!(Config::parse(&config::default_file(origin), "x").unwrap().log.origin, origin);
}

#[test]
fn what_is_not_said_has_a_default() {
    let all = parse(&format!("{METRIC}objective = \"< 1\"\n{HTTP}{COMMAND}{FILE}")).unwrap();
    assert_eq!(all.log.ledger.to_str(), Some("records/ledger.db"));
    assert_eq!((all.deployment.verification_minutes, all.deployment.standby_minutes), (60, 60));
    assert_eq!(all.deployment.coverage.as_str(), "95");
    assert!(!all.deployment.machine_rollback && all.deployment.separate.is_empty());
    assert_eq!(
        (all.aws.region, all.aws.endpoint_url, all.aws.profile, all.aws.timeout_seconds),
        (None, None, None, 10)
    );
    for check in &all.check {
        assert_eq!((check.window_minutes, check.period_seconds, check.spec.watch), (5, 60, true));
        assert_eq!((check.spec.aggregate, check.spec.min_requests), (None, None));
    }
    let [metric, http, command, file] = all.check.as_slice() else { panic!() };
    let Probe::Metric(m) = &metric.probe else { panic!() };
    assert_eq!((m.statistic.as_str(), &m.divide_by, m.dimensions.len()), ("Average", &None, 0));
    let Probe::Http(h) = &http.probe else { panic!() };
    assert_eq!((h.status.as_slice(), &h.body_pattern, h.timeout_seconds), (&[(200, 299)][..], &None, 10));
    assert_eq!((http.spec.on_fail, http.spec.unit.as_deref()), (Some(Phase::Warn), Some("ms")));
    let Probe::Command(c) = &command.probe else { panic!() };
    assert_eq!((c.exit_code, c.timeout_seconds, &c.value_pattern), (0, 10, &None));
    assert_eq!(file.probe, Probe::File { path: "r.json".into(), series: "f".into() });
    assert_eq!((metric.spec.on_fail, file.spec.on_fail), (None, None));
}

#[test]
fn what_is_said_is_kept() {
    let text = format!(
        "[deployment]\nverification-minutes = 30\nstandby-minutes = 0\ncoverage = \"99.5\"\nmachine-rollback = true\n\
         separate = [[\"lead-deployer\", \"qa-engineer\"]]\n[aws]\nendpoint-url = \"http://127.0.0.1:1\"\n\
         {METRIC}statistic = \"Sum\"\ndivide-by = \"R\"\naggregate = \"mean\"\nrollback = \">= 2.5\"\nwatch = false\nmin-requests = 5\n\
         window-minutes = 60\nperiod-seconds = 300\n{HTTP}status = \"200, 300-302\"\nobjective = \"<= 500\"\non-fail = \"trigger\""
    );
    let all = parse(&text).unwrap();
    assert_eq!(all.deployment.separate, [["lead-deployer".to_owned(), "qa-engineer".to_owned()]]);
    let [metric, http] = all.check.as_slice() else { panic!() };
    assert_eq!(
        (metric.spec.aggregate, metric.spec.unit.as_deref(), metric.spec.watch),
        (Some(Aggregate::Mean), Some("percent"), false)
    );
    let Probe::Http(h) = &http.probe else { panic!() };
    assert_eq!(h.status, [(200, 200), (300, 302)]);
    assert_eq!(http.spec.expect.as_deref(), Some("status 200,300-302 at https://example.com/"));
}

#[test]
fn a_misspelt_key_shows_its_line_and_the_right_one() {
    let error = refused(&format!("{METRIC}objektive = \"< 0.1\"\n"));
    assert_eq!(
        error.to_string(),
        "aether.toml:8:1: unknown key `objektive`\n  8 | objektive = \"< 0.1\"\n    | ^\n  did you mean `objective`?"
    );
    for (wrong, right) in [
        ("[deployment]\nverification-minute = 60", "verification-minutes"),
        ("[deployment]\nverfication-mintes = 60", "verification-minutes"),
        ("[deployment]\nmachine_rollback = true", "machine-rollback"),
        ("[aws]\nendpoint_url = \"\"", "endpoint-url"),
        ("[project]\nproduction-ur = \"\"", "production-url"),
        ("[[escalation]]\nroll = \"x\"\ncontact = \"y\"", "role"),
        ("[[checks]]\nid = \"x\"", "check"),
        ("[deploymint]", "deployment"),
    ] {
        assert_eq!(
            refused(wrong).help.as_deref(),
            Some(format!("did you mean `{right}`?").as_str()),
            "{wrong}"
        );
    }
    assert!(refused("[aws]\nzzzzzzzz = 1").help.unwrap().contains("endpoint-url"));
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn every_mistake_has_its_line_and_a_next_step() {
    let line = |text: &str, at: usize, part: &str| {
        let error = refused(text);
        assert_eq!(error.place.as_ref().map(|place| place.line), Some(at), "{error}");
        assert!(error.message.contains(part), "{error}");
        assert!(error.help.is_some(), "{error}");
        assert!(error.to_string().starts_with(&format!("aether.toml:{at}:")), "{error}");
    };
    line("[deployment]\nverification-minutes = 0", 4, "0 is out of range");
    line("[deployment]\nverification-minutes = -60", 4, "-60 is out of range");
    line("[deployment]\nstandby-minutes = 9223372036854775807", 4, "out of range");
    line("[deployment]\ncoverage = \"101\"", 4, "percentage");
    line("[deployment]\ncoverage = \"0\"", 4, "percentage");
    line("[deployment]\ncoverage = \"most\"", 4, "percentage");
    line("[deployment]\nseparate = [[\"a\"]]", 4, "pair");
    line("[deployment]\nseparate = [[\"a\", \"a\"]]", 4, "pair");
    line("[project]\nproduction-url = \"app.example.com\"", 4, "not an http");
    line("[project]\ndashboard-url = \"https:///x\"", 4, "without a host");
    line("[aws]\nendpoint-url = \"127.0.0.1:4566\"", 4, "not an http");
    line("[aws]\ntimeout-seconds = 301", 4, "out of range");
    line(METRIC, 4, "nothing to judge by");
    line(&format!("{METRIC}objective = \"0.1\""), 8, "not a limit");
    line(&format!("{METRIC}objective = \"< 1e3\""), 8, "not a limit");
    line(&format!("{METRIC}objective = \"=< 1\""), 8, "not a limit");
    line(&format!("{METRIC}objective = \"< 0.1\"\nrollback = \"< 1\""), 9, "same way");
    line(&format!("{METRIC}objective = \"< 0.1\"\nrollback = \"> 0.05\""), 9, "stricter");
    line(&format!("{METRIC}objective = \"> 99\"\nrollback = \"< 99.5\""), 9, "stricter");
    line(&format!("{METRIC}objective = \"<= 1\"\nrollback = \">= 1\""), 9, "still holds");
    line(&format!("{METRIC}objective = \"< 1\"\nstatistic = \"Mean\""), 9, "`Mean` is no statistic");
    line(&format!("{METRIC}objective = \"< 1\"\nstatistic = \"p0\""), 9, "no statistic");
    line(&format!("{METRIC}objective = \"< 1\"\nstatistic = \"p100.1\""), 9, "no statistic");
    line(&format!("{METRIC}objective = \"< 1\"\ndivide-by = \"R\""), 9, "ratio");
    line(&format!("{METRIC}objective = \"< 1\"\nperiod-seconds = 45"), 9, "no period");
    line(&format!("{METRIC}objective = \"< 1\"\nperiod-seconds = 1\nwindow-minutes = 60"), 9, "too many");
    line(&format!("{METRIC}objective = \"< 1\"\nperiod-seconds = 600"), 9, "longer than the window");
    line(&format!("{METRIC}objective = \"< 1\"\nwindow-minutes = 0"), 9, "out of range");
    line(&format!("{METRIC}baseline-ratio = \"1.2\""), 8, "how many days");
    line(&format!("{METRIC}baseline-days = 7"), 8, "without a ratio");
    line(&format!("{METRIC}baseline-days = 15\nbaseline-ratio = \"1.2\""), 8, "out of range");
    line(&format!("{METRIC}baseline-days = 7\nbaseline-ratio = \"0\""), 9, "factor");
    line(
        &format!("{METRIC}objective = \"< 1\"\nurl = \"https://x\""),
        9,
        "`url` is no key of a check of source cloudwatch",
    );
    line(&format!("{METRIC}objective = \"< 1\"\nmin-requests = 0"), 9, "out of range");
    line("[[check]]\nid = \"a\"\nsource = \"cloudwatch\"\nobjective = \"< 1\"", 3, "no `namespace`");
    line("[[check]]\nid = \"a\"\nsource = \"cloudwatch\"\nalarms = []", 6, "alarm names");
    line(
        "[[check]]\nid = \"a\"\nsource = \"cloudwatch\"\nalarms = [\"x\"]\nobjective = \"< 1\"",
        7,
        "no key of a check of source cloudwatch with alarms",
    );
    line(
        &format!("{METRIC}baseline-days = 7\nbaseline-ratio = \"1\"\nbaseline-test = \"mann-whitney\""),
        10,
        "by ratio and by test",
    );
    line(&format!("{METRIC}baseline-days = 7\nbaseline-test = \"t-test\""), 9, "no test that is known");
    line(
        &format!("{METRIC}baseline-days = 7\nbaseline-test = \"mann-whitney\"\nbaseline-alpha = \"0.03\""),
        10,
        "significance",
    );
    line(
        &format!("{METRIC}baseline-days = 7\nbaseline-ratio = \"1\"\nbaseline-alpha = \"0.01\""),
        10,
        "a ratio has no level",
    );
    let long = "window-minutes = 60\nbaseline-test = \"mann-whitney\"";
    line(&format!("{METRIC}baseline-days = 14\n{long}"), 8, "840 points of history are too many");
    line(&format!("{METRIC}objective = \"< 1\"\ntrigger-after = \"2 of 3\""), 9, "nothing to count");
    line(&format!("{METRIC}rollback = \"> 1\"\ntrigger-after = \"4 of 3\""), 9, "not so many of so many");
    line(&format!("{METRIC}rollback = \"> 1\"\ntrigger = \"manual\""), 9, "no rollback criterion");
    line(&format!("{METRIC}rollback = \"> 1\"\nerrors-after = 0"), 9, "out of range");
    line(&format!("{METRIC}rollback = \"> 1\"\nmissing = \"fine\""), 9, "says nothing of missing data");
    let counted = "missing = \"not-breaching\"\nmin-requests = 1";
    line(&format!("{METRIC}rollback = \"> 1\"\n{counted}"), 9, "no requests prove nothing");
    line(&format!("{HTTP}missing = \"ignore\""), 7, "no key of a check of source http");
    let prometheus = "[[check]]\nid = \"p\"\nsource = \"prometheus\"\nobjective = \"< 1\"\n";
    let server = "[check.prometheus]\nurl = \"http://p:9090\"\nquery = \"up\"\n";
    line(prometheus, 3, "no `prometheus`");
    line(&format!("{prometheus}min-requests = 5\n{server}"), 7, "no key of a check of source prometheus");
    line(&format!("{prometheus}{server}tokenenv = \"X\""), 10, "unknown");
    line(&format!("{prometheus}{server}token-env = \"s3cr3t\""), 10, "not the name of a variable");
    line(
        &format!("{prometheus}[check.prometheus]\nurl = \"http://p/?a=b\"\nquery = \"up\""),
        8,
        "has no query",
    );
    line(&format!("{prometheus}[check.prometheus]\nurl = \"http://p\"\nquery = \" \""), 9, "not a query");
    line("[[check]]\nid = \"a\"\nsource = \"graphite\"", 5, "unknown variant");
    line("[[check]]\nid = \"A b\"\nsource = \"file\"", 4, "no id");
    line("[[check]]\nsource = \"file\"", 3, "missing key `id`");
    line("[[check]]\nid = \"a\"\nsource = \"http\"", 3, "no `url`");
    line("[[check]]\nid = \"a\"\nsource = \"http\"\nurl = \"app.example.com\"", 6, "not an http");
    line("[[check]]\nid = \"a\"\nsource = \"http\"\nurl = \"https://\"", 6, "without a host");
    line("[[check]]\nid = \"a\"\nsource = \"http\"\nurl = \"ftp://x/\"", 6, "not an http");
    line(&format!("{HTTP}status = \"2xx\""), 7, "statuses");
    line(&format!("{HTTP}status = \"299-200\""), 7, "statuses");
    line(&format!("{HTTP}body-pattern = \"(\""), 7, "not a pattern");
    line(&format!("{HTTP}on-fail = \"page\""), 7, "unknown variant");
    line(&format!("{HTTP}timeout-seconds = 0"), 7, "out of range");
    line(&format!("{HTTP}aggregate = \"mean\""), 7, "no key of a check of source http");
    line("[[check]]\nid = \"a\"\nsource = \"command\"\nargv = []", 6, "no program");
    line(&format!("{COMMAND}exit-code = 256"), 7, "exit code");
    line(&format!("{COMMAND}objective = \"< 1\""), 7, "without a value");
    line(&format!("{FILE}{FILE}"), 9, "two checks are called `f`");
    line(&format!("{FILE}watch = \"yes\""), 8, "invalid type");
}

#[test]
fn the_log_table_is_needed_and_checked() {
    for (text, part) in [
        ("", "missing key `log`"),
        ("[log]\n", "missing key `origin`"),
        ("[log]\norigin = \"https://example.com\"", "scheme"),
        ("[log]\norigin = \"a b\"", "no space"),
        ("[log]\norigin = \"a+b\"", "plus sign"),
        ("[log]\norigin = \"\"", "empty"),
        ("[log]\norigin = 7", "invalid type"),
        ("[log]\norigin = \"a\"\nledger = \"\"", "empty path"),
        ("[log]\norigin = \"a\"\norigin = \"b\"", "duplicate key"),
        ("[log", "unclosed table"),
    ] {
        let error = Config::parse(text, "aether.toml").expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
    let long = format!("[log]\norigin = \"{}\"", "a".repeat(256));
    assert!(Config::parse(&long, "x").unwrap_err().message.contains("255"));
}

#[test]
fn an_error_shows_no_credentials() {
    let error = refused("[aws]\nendpoint-url = \"htp://user:hunter2@example.com/?key=hunter2\"");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(error.to_string().contains("example.com"), "{error}");
    let check = parse(
        "[[check]]\nid = \"h\"\nsource = \"http\"\nurl = \"https://user:hunter2@example.com/?key=hunter2\"",
    )
    .unwrap();
    assert!(!check.checks()[0].expect.as_ref().unwrap().contains("hunter2"));
}

#[test]
fn files_that_are_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aether.toml");
    let missing = Config::read(&path).unwrap_err().to_string();
    assert!(missing.contains("aether-audit init"), "{missing}");
    std::fs::write(&path, b"[log]\norigin = \"\xff\"").unwrap();
    assert!(Config::read(&path).unwrap_err().message.contains("UTF-8"));
    std::fs::write(&path, vec![b'#'; config::MAX_BYTES + 1]).unwrap();
    assert!(Config::read(&path).unwrap_err().message.contains("1 MiB"));
    assert!(Config::read(folder.path()).unwrap_err().message.contains("regular file"));
    std::fs::write(&path, "\u{e9}".repeat(config::MAX_BYTES)).unwrap();
    assert!(Config::read(&path).unwrap_err().message.contains("1 MiB"));
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(Config::read(&path).unwrap_err().message.contains("regular file"));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, vec![0; 1000]).unwrap();
    assert!(Config::read(&path).is_err());
    std::fs::write(&path, config("")).unwrap();
    assert!(Config::read(&path).unwrap().check.is_empty());
}

#[test]
fn deep_and_long_inputs_end() {
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("[{}]", "a.".repeat(100_000)),
        "[[check]]\n".repeat(50_000),
        format!("x = \"{}\"", "\\u0041".repeat(100_000)),
        "\u{feff}\r\r\n".repeat(10_000),
    ] {
        assert!(Config::parse(&text, "x").unwrap_err().to_string().len() < 1000);
    }
    let many: String = (0..2000).map(|i| FILE.replace("\"f\"", &format!("\"f{i}\""))).collect();
    assert_eq!(parse(&many).unwrap().check.len(), 2000);
}

proptest::proptest! {
    #[test]
    fn a_broken_default_file_never_panics(at in 0usize..6000, byte in proptest::prelude::any::<char>(), cut in proptest::prelude::any::<bool>()) {
        let mut text: Vec<char> = config::default_file("o").chars().collect();
        let at = at.min(text.len() - 1);
        text[at] = byte;
        if cut { text.truncate(at); }
        let text: String = text.into_iter().collect();
        if let Err(error) = Config::parse(&text, "aether.toml") {
            proptest::prop_assert!(error.to_string().starts_with("aether.toml"));
        }
    }
}

#[test]
fn services_that_cannot_be_are_told_with_their_line() {
    for (rest, said) in [
        ("[project]\nservices = [\"app\", \"app\"]\n", "the service app stands twice"),
        ("[project]\nservices = [\"app\\n\"]\n", "no name of a service"),
    ] {
        let error = refused(rest).to_string();
        assert!(error.contains(said) && error.contains("aether.toml:"), "{error}");
    }
}
