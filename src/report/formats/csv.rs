//! `report.events.csv`: one line an event, RFC 4180. A cell that a spreadsheet would run as a formula begins with `'`.

use super::own;
use crate::core::entry::Entry;
use crate::core::event::Event;
use crate::report::{Input, words};

const HEAD: [&str; 11] =
    ["seq", "recorded", "kind", "who", "role", "key", "subject", "outcome", "value", "leaf", "verified"];

pub(super) fn csv(input: &Input) -> String {
    let deployment = input.judged();
    let mut text = line(&HEAD.map(str::to_owned));
    for entry in own(input.entries, &input.deployment.id) {
        text.push_str(&line(&row(input, entry, deployment.distrusts(entry.line.seq))));
    }
    text
}

fn row(input: &Input, entry: &Entry, disowned: bool) -> [String; 11] {
    let signers = &entry.statement.predicate.signers;
    let joined = |of: &dyn Fn(&crate::core::statement::Signer) -> String| {
        signers.iter().map(of).collect::<Vec<_>>().join(" ")
    };
    let known = |signer: &crate::core::statement::Signer| {
        input.log.keys.get(&signer.key).map_or_else(|| "unknown".to_owned(), |key| key.person.to_string())
    };
    let (subject, outcome, value) = told(entry);
    [
        entry.line.seq.to_string(),
        entry.line.recorded.to_string(),
        entry.statement.kind().to_owned(),
        joined(&known),
        joined(&|signer| signer.role.to_string()),
        joined(&|signer| signer.key.to_string()),
        subject,
        outcome,
        value,
        entry.leaf.to_string(),
        if disowned { "no" } else { "yes" }.to_owned(),
    ]
}

/// What an event is about, how it ended, and what was measured; empty where a kind has no such thing.
fn told(entry: &Entry) -> (String, String, String) {
    let Ok(event) = Event::parse(entry.statement.kind(), &entry.statement.predicate.body) else {
        return Default::default();
    };
    let (subject, outcome, value) = match event {
        Event::DeploymentOpened(b) => {
            (b.release.to_string(), words::change_type(b.change_type).into(), String::new())
        }
        Event::RolesAssigned(b) => (b.person.to_string(), b.role.to_string(), String::new()),
        Event::DecisionMade(b) => (
            b.waives.map(|w| w.to_string()).unwrap_or_default(),
            words::decision(b.decision).into(),
            String::new(),
        ),
        Event::DeploymentClosed(b) => (String::new(), b.outcome.as_str().into(), String::new()),
        Event::ItemSigned(b) => (b.item.to_string(), words::sign_outcome(b.outcome).into(), String::new()),
        Event::ItemWithdrawn(b) => (b.item.to_string(), "withdrawn".into(), String::new()),
        Event::MessageSent(b) => (b.channel.to_string(), words::delivery(b.delivery).into(), String::new()),
        Event::EvidenceCollected(b) | Event::MetricRead(b) => (
            b.check.unwrap_or(b.source),
            b.phase.map(|phase| phase.as_str().to_owned()).unwrap_or_default(),
            b.value.map(|value| value.to_string()).unwrap_or_default(),
        ),
        Event::SnapshotTaken(b) => (b.resource.to_string(), words::act(b.act).into(), String::new()),
        Event::StageReached(b) => (b.stage.to_string(), words::act(b.act).into(), String::new()),
        Event::TrafficShifted(b) => (
            b.service.to_string(),
            words::act(b.act).into(),
            format!("{} % to {}", b.percent, words::colour(b.to)),
        ),
        Event::StandbyChanged(b) => {
            (b.service.to_string(), words::act(b.act).into(), words::standby(b.state).into())
        }
        Event::RollbackStep(b) => (words::step(b.step).into(), words::act(b.act).into(), String::new()),
        Event::RollbackTriggered(b) => (
            b.check.map(|c| c.to_string()).unwrap_or_default(),
            words::trigger(b.trigger).into(),
            String::new(),
        ),
        Event::RollbackFinished(b) => {
            (String::new(), words::rollback_outcome(b.outcome).into(), String::new())
        }
        _ => Default::default(),
    };
    (subject, outcome, value)
}

fn line(cells: &[String; 11]) -> String {
    cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// A cell: guarded against formulas first, then quoted where RFC 4180 asks for it. What some programs would split off as
/// a cell of its own, after a semicolon or a tab, is guarded too.
fn cell(text: &str) -> String {
    let mut guarded = String::with_capacity(text.len() + 1);
    let mut begins = true;
    for c in text.chars() {
        if begins && matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') {
            guarded.push('\'');
        }
        begins = matches!(c, ';' | '\t') || begins && c == ' ' && !guarded.is_empty();
        guarded.push(c);
    }
    if guarded.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn formulas_are_guarded_and_cells_quoted() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("-5"), "'-5");
        assert_eq!(cell("@a,b"), "\"'@a,b\"");
        assert_eq!(cell("\ta"), "'\ta");
        assert_eq!(cell("\r"), "\"'\r\"");
        assert_eq!(cell("a \"b\""), "\"a \"\"b\"\"\"");
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a;=1+1;b-c"), "a;'=1+1;b-c");
        assert_eq!(cell("a; @x\t-5"), "a; '@x\t'-5");
        assert_eq!(cell("\u{ff1d}1+1"), "'\u{ff1d}1+1");
    }
}
