//! For a terminal.

use std::fmt::Write as _;

use crate::core::retro::{PersonHabit, Spread};
use crate::report::retro::{Retro, dora_lines, human_seconds};

/// The whole of it.
pub fn text(retro: &Retro) -> String {
    let mut text = String::new();
    head(&mut text, retro);
    reconciliation(&mut text, retro);
    deployments(&mut text, retro);
    dora(&mut text, retro);
    phases(&mut text, retro);
    habits(&mut text, retro);
    text
}

fn head(text: &mut String, retro: &Retro) {
    let rehearsal = if retro.rehearsal { "  REHEARSAL" } else { "" };
    let _ = writeln!(text, "log          {}{rehearsal}", retro.origin);
    let period = &retro.period;
    let _ = writeln!(
        text,
        "period       {} to {}, by the opening of each deployment",
        period.since.human(),
        period.until.human()
    );
    let population = &retro.population;
    if population.gaps.is_empty() {
        let _ = writeln!(
            text,
            "without gap  entries 0 to {}: {} numbers, {} entries by the index; each deployment numbered on from 0",
            population.last_seq,
            population.last_seq + 1,
            population.entries
        );
    }
    for gap in &population.gaps {
        let _ = writeln!(text, "GAP          {gap}");
    }
    let _ = writeln!(text, "grounds      {}", retro.grounds.text);
    let _ = writeln!(text, "commit times {}", retro.commit_times);
}

fn reconciliation(text: &mut String, retro: &Retro) {
    let Some(held) = &retro.reconciliation else { return };
    let _ = match held.unrecorded.len() {
        0 if held.whole() => {
            writeln!(text, "\nRECONCILED   nothing was deployed without a record, as far as was asked")
        }
        0 => writeln!(
            text,
            "\nNOT PROVEN   nothing without a record was found, and not everybody was asked for all of the period"
        ),
        count => writeln!(text, "\nUNRECORDED   {count} in no record"),
    };
    for one in &held.unrecorded {
        let commit = one.commit.as_deref().map_or_else(String::new, |commit| format!("  {commit:.12}"));
        let _ = writeln!(text, "  {}  {} {}{commit}  {}", one.at.human(), one.source, one.id, one.what);
    }
    for asked in &held.sources {
        let _ = writeln!(
            text,
            "  {:<8} {:<10} {:>4} found: {}",
            asked.source, asked.state, asked.found, asked.text
        );
    }
    let _ = writeln!(text, "  {} of the others' are in the record", held.matched);
    for id in &held.only_recorded {
        let _ =
            writeln!(text, "  {id} reached production by the record, and none of those asked knows of it");
    }
}

fn deployments(text: &mut String, retro: &Retro) {
    let outcomes = retro.figures.outcomes.iter().map(|(word, count)| format!("{count} {word}"));
    let outcomes = outcomes.collect::<Vec<_>>().join(", ");
    let _ = writeln!(
        text,
        "\nDEPLOYMENTS  {} of {} on record{}{outcomes}",
        retro.deployments.len(),
        retro.population.deployments,
        if outcomes.is_empty() { "" } else { ": " }
    );
    let width = retro.deployments.iter().map(|one| one.id.as_str().len()).max().unwrap_or_default();
    for one in &retro.deployments {
        let mut words = vec![one.state(), one.remarks()];
        words.retain(|word| !word.is_empty());
        let _ = writeln!(
            text,
            "  {}  {:width$}  {}  entries {} to {}  {}",
            one.opened.human(),
            one.id,
            one.environment,
            one.opened_seq,
            one.last_seq,
            words.join(", ")
        );
    }
}

fn spread(spread: Option<&Spread>) -> String {
    match spread {
        Some(spread) => {
            format!(
                "median {}, p90 {} ({})",
                human_seconds(spread.median),
                human_seconds(spread.p90),
                spread.count
            )
        }
        None => "not known".to_owned(),
    }
}

fn dora(text: &mut String, retro: &Retro) {
    text.push_str("\nDORA\n");
    for (name, value, meaning) in dora_lines(retro) {
        let _ = writeln!(text, "  {name:<24} {value}\n      = {meaning}");
    }
}

fn phases(text: &mut String, retro: &Retro) {
    text.push_str("\nPHASES\n");
    for phase in &retro.figures.phases {
        let without = if phase.without > 0 { format!("; {} without", phase.without) } else { String::new() };
        let _ = writeln!(text, "  {:<24} {}{without}", phase.phase, spread(phase.seconds.as_ref()));
    }
}

fn habits(text: &mut String, retro: &Retro) {
    let figures = &retro.figures;
    if !figures.items.is_empty() {
        text.push_str("\nITEMS                      of  late   n/a  failed  withdrawn  unsigned\n");
    }
    for item in &figures.items {
        let _ = writeln!(
            text,
            "  {:<22} {:>4} {:>5} {:>5} {:>7} {:>10} {:>9}",
            item.item, item.deployments, item.late, item.na, item.failed, item.withdrawn, item.unsigned
        );
    }
    if !figures.waived.is_empty() {
        text.push_str("\nWAIVED\n");
    }
    for waived in &figures.waived {
        let _ = writeln!(
            text,
            "  {:<24} {} times in {} deployments",
            waived.requirement, waived.times, waived.deployments
        );
    }
    if !figures.checks.is_empty() {
        text.push_str("\nCHECKS                readings  passed   flips  flapped in\n");
    }
    for check in &figures.checks {
        let _ = writeln!(
            text,
            "  {:<18} {:>9} {:>7} {:>7} {:>11}",
            check.check, check.readings, check.passed, check.flips, check.flapped
        );
    }
    if !figures.people.is_empty() {
        text.push_str("\nPEOPLE              deployments  signed   quick  decided\n");
    }
    for person in &figures.people {
        let _ = writeln!(
            text,
            "  {:<18} {:>10} {:>7} {:>7} {:>8}{}{}",
            person.person,
            person.deployments,
            person.signed,
            person.quick,
            person.decided,
            if person.machine { "  machine" } else { "" },
            if person.always_quick { "  ALWAYS QUICK" } else { "" }
        );
    }
    if !figures.people.is_empty() {
        let _ = writeln!(text, "      = {}", PersonHabit::DEFINITION);
    }
}
