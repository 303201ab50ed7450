//! One `[[check]]`: which keys belong to its source, and whether its limits make sense.

use std::ops::Range;

use toml::Spanned;

use super::baseline::baseline;
use super::raw::{Check as Raw, OnFail};
use super::rules::rules;
use super::value::{Located, id, needed, optional_number, optional_parsed, pattern, web_address};
use super::{source_dns, source_github, source_logs, source_parameters, source_prometheus, source_snapshot};
use crate::core::check::{
    Check, CheckSpec, CommandProbe, Database, Decimal, HttpProbe, Limit, MAX_POINTS, MetricProbe, Phase,
    Probe, SourceKind, StatusRange,
};
use crate::core::{check, redact};

const LIMIT_HELP: &str = "write it as objective = \"< 0.1\" or rollback = \"> 1\"";

/// `databases` are those that a check may name.
pub fn from_raw(raw: Spanned<Raw>, databases: &[Database]) -> Result<Check, Located> {
    let span = raw.span();
    let raw = raw.into_inner();
    if !id(raw.id.get_ref()) {
        let help = "up to 64 of a-z, 0-9, dot and dash, such as \"http-5xx\"";
        return Err(Located::new(raw.id.span(), format!("`{}` is no id", raw.id.get_ref()), help));
    }
    foreign_keys(&raw)?;
    let (probe, expect) = probe(&raw, &span, databases)?;
    // Evaluations that are counted look at minutes of their own.
    let usual = if raw.trigger_after.is_some() { 1 } else { 5 };
    let window_minutes = optional_number(raw.window_minutes.as_ref(), 1..=1440)?.unwrap_or(usual);
    let period_seconds = period(&raw, window_minutes)?;
    let spec = CheckSpec {
        id: raw.id.get_ref().clone(),
        source: *raw.source.get_ref(),
        unit: unit(&raw, &probe)?,
        objective: optional_parsed(raw.objective.as_ref(), LIMIT_HELP)?,
        rollback: optional_parsed(raw.rollback.as_ref(), LIMIT_HELP)?,
        baseline: baseline(&raw, window_minutes, period_seconds)?,
        aggregate: raw.aggregate.as_ref().map(|how| *how.get_ref()),
        min_requests: optional_number(raw.min_requests.as_ref(), 1..=u32::MAX)?.map(u64::from),
        on_fail: expect.is_some().then(|| match raw.on_fail.as_ref().map(Spanned::get_ref) {
            Some(OnFail::Trigger) => Phase::Trigger,
            _ => Phase::Warn,
        }),
        expect: expect.map(|text| text.chars().filter(|c| !c.is_control()).take(100).collect()),
        query: None,
        rules: Some(rules(&raw)?),
        // What changes only by somebody's hand is looked at when somebody asks.
        watch: raw.watch.unwrap_or(!matches!(
            probe,
            Probe::Dns(_) | Probe::Github(_) | Probe::Parameters(_) | Probe::Snapshot(_)
        )),
    };
    limits(&raw, &spec, &probe)?;
    Ok(Check { spec, probe, window_minutes, period_seconds })
}

fn foreign_keys(raw: &Raw) -> Result<(), Located> {
    use SourceKind::{
        Certificate, Cloudwatch, Command, Dns, File, Flow, Http, Logs, Parameters, Prometheus, PullRequests,
        Snapshot, Workflow,
    };
    fn place<T>(value: Option<&Spanned<T>>) -> Option<Range<usize>> {
        value.map(Spanned::span)
    }
    let source = *raw.source.get_ref();
    let alarms = raw.alarms.is_some();
    let metric = source == Cloudwatch && !alarms;
    let series = metric || matches!(source, File | Prometheus);
    let counts = metric || source == Prometheus && source_prometheus::counts(raw.prometheus.as_ref());
    let answers = !matches!(source, Cloudwatch | File | Prometheus) || alarms;
    let limits = series || matches!(source, Http | Flow | Certificate | Command);
    let keys = [
        ("namespace", place(raw.namespace.as_ref()), metric),
        ("metric", place(raw.metric.as_ref()), metric),
        ("dimensions", place(raw.dimensions.as_ref()), metric),
        ("statistic", place(raw.statistic.as_ref()), metric),
        ("divide-by", place(raw.divide_by.as_ref()), metric),
        ("alarms", place(raw.alarms.as_ref()), source == Cloudwatch),
        ("min-requests", place(raw.min_requests.as_ref()), counts),
        ("baseline-ratio", place(raw.baseline_ratio.as_ref()), series),
        ("baseline-days", place(raw.baseline_days.as_ref()), series),
        ("baseline-test", place(raw.baseline_test.as_ref()), series),
        ("baseline-alpha", place(raw.baseline_alpha.as_ref()), series),
        ("aggregate", place(raw.aggregate.as_ref()), series),
        ("window-minutes", place(raw.window_minutes.as_ref()), series || source == Logs),
        ("period-seconds", place(raw.period_seconds.as_ref()), series),
        ("objective", place(raw.objective.as_ref()), limits),
        ("rollback", place(raw.rollback.as_ref()), limits),
        ("unit", place(raw.unit.as_ref()), series || source == Command),
        ("on-fail", place(raw.on_fail.as_ref()), answers),
        ("trigger", place(raw.trigger.as_ref()), true),
        ("trigger-after", place(raw.trigger_after.as_ref()), !alarms),
        ("errors-after", place(raw.errors_after.as_ref()), true),
        ("missing", place(raw.missing.as_ref()), series || alarms),
        ("url", place(raw.url.as_ref()), source == Http),
        ("status", place(raw.status.as_ref()), source == Http),
        ("body-pattern", place(raw.body_pattern.as_ref()), source == Http),
        (
            "timeout-seconds",
            place(raw.timeout_seconds.as_ref()),
            matches!(source, Http | Command | Prometheus),
        ),
        ("argv", place(raw.argv.as_ref()), source == Command),
        ("exit-code", place(raw.exit_code.as_ref()), source == Command),
        ("value-pattern", place(raw.value_pattern.as_ref()), source == Command),
        ("path", place(raw.path.as_ref()), source == File),
        ("series", place(raw.series.as_ref()), source == File),
        ("prometheus", place(raw.prometheus.as_ref()), source == Prometheus),
        ("flow", place(raw.flow.as_ref()), source == Flow),
        ("certificate", place(raw.certificate.as_ref()), source == Certificate),
        ("dns", place(raw.dns.as_ref()), source == Dns),
        ("parameters", place(raw.parameters.as_ref()), source == Parameters),
        ("snapshot", place(raw.snapshot.as_ref()), source == Snapshot),
        ("logs", place(raw.logs.as_ref()), source == Logs),
        ("workflow", place(raw.workflow.as_ref()), source == Workflow),
        ("pull-requests", place(raw.pull_requests.as_ref()), source == PullRequests),
    ];
    let foreign =
        keys.iter().find_map(|(name, span, own)| span.clone().filter(|_| !own).map(|span| (*name, span)));
    let Some((name, span)) = foreign else { return Ok(()) };
    let kind = if alarms { "cloudwatch with alarms" } else { source.as_str() };
    let own: Vec<_> = keys.iter().filter(|(_, _, own)| *own).map(|(name, _, _)| *name).collect();
    let help = format!("it takes: {}", own.join(", "));
    Err(Located::new(span, format!("`{name}` is no key of a check of source {kind}"), help))
}

/// The probe, and in words what it expects when it answers yes or no by itself.
fn probe(raw: &Raw, span: &Range<usize>, databases: &[Database]) -> Result<(Probe, Option<String>), Located> {
    let answering = |(probe, expect)| (probe, Some(expect));
    let timeout_seconds = optional_number(raw.timeout_seconds.as_ref(), 1..=600)?.unwrap_or(10);
    match raw.source.get_ref() {
        SourceKind::Dns => Ok(answering(source_dns::probe(raw))),
        SourceKind::Parameters => source_parameters::probe(raw, span).map(answering),
        SourceKind::Snapshot => source_snapshot::probe(raw, span, databases).map(answering),
        SourceKind::Logs => source_logs::probe(raw, span).map(answering),
        SourceKind::Cloudwatch => match &raw.alarms {
            Some(alarms) => {
                let names = alarms.get_ref().clone();
                if names.is_empty()
                    || names.len() > 100
                    || names.iter().any(|name| name.is_empty() || name.len() > 255)
                {
                    let help = "write 1 to 100 names, each of 1 to 255 characters";
                    return Err(Located::new(alarms.span(), "not a list of alarm names", help));
                }
                let expect = format!("OK: {}", names.join(", "));
                Ok((Probe::Alarms { names }, Some(expect)))
            }
            None => Ok((Probe::Metric(metric(raw, span)?), None)),
        },
        SourceKind::Http => {
            let url = web_address(needed(raw.url.as_ref(), "url", span)?)?;
            let status = raw.status.as_ref().map_or_else(|| Ok(vec![(200, 299)]), statuses)?;
            let body_pattern = pattern(raw.body_pattern.as_ref())?;
            let ranges: Vec<_> = status
                .iter()
                .map(|&(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") })
                .collect();
            let body =
                body_pattern.as_ref().map_or_else(String::new, |pattern| format!(", body matches {pattern}"));
            let expect = format!("status {}{body} at {}", ranges.join(","), redact::url(&url));
            Ok((
                Probe::Http(HttpProbe { url, status, body_pattern, timeout_seconds, ca_file: None }),
                Some(expect),
            ))
        }
        SourceKind::Workflow | SourceKind::PullRequests | SourceKind::CodeFreeze => source_github::probe(raw),
        SourceKind::Flow => super::source_flow::probe(needed_table(raw.flow.as_ref(), "flow", span)?),
        SourceKind::Certificate => {
            super::source_certificate::probe(needed_table(raw.certificate.as_ref(), "certificate", span)?)
        }
        SourceKind::Command => {
            let argv = needed(raw.argv.as_ref(), "argv", span)?;
            if argv.get_ref().first().is_none_or(String::is_empty)
                || argv.get_ref().iter().any(|word| word.contains('\0'))
            {
                let help = "write the program and its arguments: argv = [\"scripts/smoke\", \"--prod\"]";
                return Err(Located::new(argv.span(), "no program to run", help));
            }
            let exit_code = match &raw.exit_code {
                None => 0,
                Some(code) => {
                    i32::try_from(*code.get_ref()).ok().filter(|code| (0..=255).contains(code)).ok_or_else(
                        || Located::new(code.span(), "not an exit code", "write a number from 0 to 255"),
                    )?
                }
            };
            let argv = argv.get_ref().clone();
            let value_pattern = pattern(raw.value_pattern.as_ref())?;
            let expect = format!("exit code {exit_code}");
            Ok((
                Probe::Command(CommandProbe { argv, exit_code, timeout_seconds, value_pattern }),
                Some(expect),
            ))
        }
        SourceKind::File => {
            let path = needed(raw.path.as_ref(), "path", span)?;
            if path.get_ref().is_empty() {
                return Err(Located::new(path.span(), "an empty path", "name the file of readings"));
            }
            let series = raw.series.as_ref().unwrap_or(&raw.id).get_ref().clone();
            Ok((Probe::File { path: path.get_ref().clone(), series }, None))
        }
        SourceKind::Prometheus => {
            let probe = source_prometheus::probe(raw.prometheus.as_ref(), span, timeout_seconds)?;
            Ok((Probe::Prometheus(probe), None))
        }
    }
}

fn metric(raw: &Raw, span: &Range<usize>) -> Result<MetricProbe, Located> {
    let namespace = needed(raw.namespace.as_ref(), "namespace", span)?;
    let metrics = needed(raw.metric.as_ref(), "metric", span)?;
    let statistic = raw.statistic.as_ref().map_or("Average", |statistic| statistic.get_ref().as_str());
    let counts = matches!(statistic, "Sum" | "SampleCount");
    if let Some(raw) = raw.statistic.as_ref().filter(|_| !known_statistic(statistic)) {
        let help = "write Average, Sum, Minimum, Maximum, SampleCount, or a percentile such as p95 or p99.9";
        return Err(Located::new(raw.span(), format!("`{statistic}` is no statistic"), help));
    }
    if metrics.get_ref().0.len() > 1 && !counts {
        let help = "set statistic = \"Sum\", or write a check for each metric";
        return Err(Located::new(
            metrics.span(),
            format!("several metrics cannot be added up by {statistic}"),
            help,
        ));
    }
    if let Some(divisor) = raw.divide_by.as_ref().filter(|_| !counts) {
        return Err(Located::new(divisor.span(), "a ratio is of counts", "set statistic = \"Sum\""));
    }
    let dimensions =
        raw.dimensions.as_ref().map(|dimensions| dimensions.get_ref().clone()).unwrap_or_default();
    if let Some(place) = raw.dimensions.as_ref().filter(|_| dimensions.len() > 30) {
        return Err(Located::new(place.span(), "more than 30 dimensions", "CloudWatch takes up to 30"));
    }
    Ok(MetricProbe {
        namespace: namespace.get_ref().clone(),
        metrics: metrics.get_ref().0.clone(),
        dimensions,
        statistic: statistic.to_owned(),
        divide_by: raw.divide_by.as_ref().map(|divisor| divisor.get_ref().clone()),
    })
}

fn known_statistic(text: &str) -> bool {
    let number = text.strip_prefix('p').or_else(|| text.strip_prefix("tm"));
    matches!(text, "Average" | "Sum" | "Minimum" | "Maximum" | "SampleCount")
        || number.and_then(|number| Decimal::parse(number).ok()).is_some_and(|number| {
            !number.is_negative() && !number.is_zero() && number.compare(&Decimal::from(100)).is_le()
        })
}

fn statuses(raw: &Spanned<String>) -> Result<Vec<StatusRange>, Located> {
    check::statuses(raw.get_ref()).ok_or_else(|| {
        Located::new(
            raw.span(),
            "not a set of HTTP statuses",
            "write it as \"200\", \"200-299\" or \"200,204\"",
        )
    })
}

fn period(raw: &Raw, window_minutes: u32) -> Result<u32, Located> {
    let Some(place) = &raw.period_seconds else { return Ok(if window_minutes > 480 { 300 } else { 60 }) };
    let period = optional_number(Some(place), 1..=86_400)?.unwrap_or(60);
    if !(matches!(period, 1 | 5 | 10 | 30) || period.is_multiple_of(60)) {
        return Err(Located::new(
            place.span(),
            format!("{period} is no period"),
            "write 1, 5, 10, 30 or a multiple of 60",
        ));
    }
    let points = window_minutes.saturating_mul(60).div_ceil(period);
    if points as usize > MAX_POINTS {
        let message = format!("{points} points are too many for one reading");
        return Err(Located::new(place.span(), message, "make the period longer or window-minutes smaller"));
    }
    if period > window_minutes.saturating_mul(60) {
        return Err(Located::new(
            place.span(),
            "the period is longer than the window",
            "make window-minutes larger",
        ));
    }
    Ok(period)
}

fn unit(raw: &Raw, probe: &Probe) -> Result<Option<String>, Located> {
    if let Some(unit) = &raw.unit {
        let text = unit.get_ref();
        if text.is_empty() || text.len() > 32 || text.chars().any(char::is_control) {
            return Err(Located::new(
                unit.span(),
                "not a unit",
                "write a short word such as \"percent\" or \"ms\"",
            ));
        }
        return Ok(Some(text.clone()));
    }
    Ok(match probe {
        Probe::Http(_) | Probe::Flow(_) => Some("ms".to_owned()),
        Probe::Certificate(_) => Some("days".to_owned()),
        Probe::Metric(metric) if metric.divide_by.is_some() => Some("percent".to_owned()),
        _ => None,
    })
}

fn limits(raw: &Raw, spec: &CheckSpec, probe: &Probe) -> Result<(), Located> {
    let any = spec.objective.is_some() || spec.rollback.is_some() || spec.baseline.is_some();
    if spec.on_fail.is_none() && !any {
        let help = "add objective = \"< 0.1\", rollback = \"> 1\", or baseline-ratio and baseline-days";
        return Err(Located::new(raw.id.span(), format!("`{}` has nothing to judge by", spec.id), help));
    }
    if let (Probe::Command(CommandProbe { value_pattern: None, .. }), Some(place)) =
        (probe, raw.objective.as_ref().or(raw.rollback.as_ref()))
    {
        let help = "add value-pattern = '([0-9.]+)' to read a number from the output";
        return Err(Located::new(place.span(), "a limit without a value", help));
    }
    if let (Some(objective), Some(rollback), Some(place)) = (&spec.objective, &spec.rollback, &raw.rollback)
        && let Some(message) = contradiction(objective, rollback)
    {
        let way = if objective.op.is_upper() { ">" } else { "<" };
        let help = format!(
            "with objective \"{objective}\" the rollback limit is \"{way} N\", further out than {}",
            objective.value
        );
        return Err(Located::new(place.span(), message, help));
    }
    Ok(())
}

fn contradiction(objective: &Limit, rollback: &Limit) -> Option<&'static str> {
    let order = rollback.value.compare(&objective.value);
    if objective.op.is_upper() == rollback.op.is_upper() {
        Some("the rollback limit points the same way as the objective: it would trigger while all is well")
    } else if if objective.op.is_upper() { order.is_lt() } else { order.is_gt() } {
        Some("the rollback limit is stricter than the objective")
    } else if rollback.holds(&objective.value) && objective.holds(&objective.value) {
        Some("the rollback limit is reached while the objective still holds")
    } else {
        None
    }
}

/// The sub-table of a source.
fn needed_table<'a, T>(
    value: Option<&'a Spanned<T>>,
    name: &str,
    span: &Range<usize>,
) -> Result<&'a T, Located> {
    let missing = || {
        Located::new(
            span.clone(),
            format!("this check has no [check.{name}]"),
            format!("add [check.{name}] below it"),
        )
    };
    value.map(Spanned::get_ref).ok_or_else(missing)
}
