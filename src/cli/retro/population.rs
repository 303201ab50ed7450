//! Which deployments there are, and their facts: those that `verify` kept, the others read anew.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use super::recall::{self, Known};
use crate::cli::app::App;
use crate::core::entry::Entry;
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::name::Token;
use crate::core::retro::Facts;
use crate::ledger::{Ledger, Span};
use crate::report::retro::{Grounds, Population};

/// Every deployment of a log.
pub struct All {
    /// The log's origin.
    pub origin: String,
    /// Whether it is a rehearsal's.
    pub rehearsal: bool,
    /// Whether every number has its entry.
    pub population: Population,
    /// What the facts stand on.
    pub grounds: Grounds,
    /// In the order of opening; whether `verify` had seen all of it.
    pub deployments: Vec<(Facts, bool)>,
}

/// Reads them, of one moment of the ledger.
///
/// # Errors
/// Where the ledger cannot be read, or an entry is not of the format.
pub fn read(app: &App) -> Result<All> {
    let ledger = Ledger::open_read_only(&app.ledger_path()?)?;
    ledger.snapshot()?;
    let head = ledger.head()?.context("the ledger is empty: `aether-audit init` makes its entry 0")?;
    let spans = ledger.spans()?;
    let governance = fold(&ledger, None)?;
    let known = recall::known(app, &governance.origin)?;
    let same = known.as_ref().map(|known| same(&ledger, known, head.seq + 1)).transpose()?;
    let mut kept: HashMap<Token, (Hash, Facts)> = match (known.as_ref(), same) {
        (Some(known), Some(true)) => {
            known.deployments.iter().map(|(leaf, facts)| (facts.id.clone(), (*leaf, facts.clone()))).collect()
        }
        _ => HashMap::new(),
    };
    let mut population = population(&spans, head.seq);
    let mut deployments = Vec::new();
    for span in &spans {
        let Some(id) = span.deployment.as_ref().and_then(|id| Token::new(id.clone()).ok()) else { continue };
        if let Some((leaf, facts)) = kept.remove(&id)
            && facts.last_seq == span.last_seq
            && facts.entries == span.entries
            && ledger.leaf(span.last_seq)? == Some(leaf)
        {
            deployments.push((facts, true));
        } else if let Some(deployment) = fold(&ledger, Some(&id))?.deployments.get(&id) {
            deployments.push((Facts::of(deployment), false));
        } else {
            population.gaps.push(format!("{id} has entries and was never opened"));
        }
    }
    deployments.sort_by_key(|(facts, _)| facts.opened_seq);
    population.deployments = deployments.len();
    let grounds = grounds(known.as_ref(), same, head.seq, &deployments);
    Ok(All { origin: governance.origin, rehearsal: governance.rehearsal, population, grounds, deployments })
}

/// Whether the ledger extends what was verified, as its index says.
fn same(ledger: &Ledger, known: &Known, size: u64) -> Result<bool> {
    Ok(known.size <= size && ledger.root_at(known.size)? == known.root)
}

fn fold(ledger: &Ledger, id: Option<&Token>) -> Result<Log> {
    let all = ledger.entries_of(id.map(Token::as_str))?;
    let entries =
        Entry::parse_all(&all).context("an entry is not of the format: run `aether-audit verify`")?;
    let mut log = Log::default();
    for entry in &entries {
        log.take(entry, |_| Vec::new());
    }
    Ok(log)
}

/// Every number from 0 has its entry where there are as many entries as the newest one's number and one: numbers are the
/// table's key, so that none stands twice.
fn population(spans: &[Span], last_seq: u64) -> Population {
    let entries: u64 = spans.iter().map(|span| span.entries).sum();
    let mut gaps = Vec::new();
    if entries != last_seq + 1 {
        gaps.push(format!(
            "the newest entry is {last_seq}, and there are {entries} entries in place of {}",
            last_seq + 1
        ));
    }
    for span in spans {
        let Some(id) = &span.deployment else { continue };
        if span.first != Some(0) || span.last.map(|last| last.saturating_add(1)) != Some(span.entries) {
            gaps.push(format!(
                "{id}: {} entries that are not numbered from 0 on without a gap",
                span.entries
            ));
        }
    }
    Population { entries, last_seq, deployments: 0, gaps }
}

fn grounds(
    known: Option<&Known>,
    same: Option<bool>,
    last_seq: u64,
    deployments: &[(Facts, bool)],
) -> Grounds {
    let anew = deployments.iter().filter(|(_, kept)| !kept).count();
    let mut grounds = Grounds {
        state: "not-verified",
        size: None,
        root: None,
        at: None,
        read_anew: anew,
        text: "not verified: run `aether-audit verify`; entries were read, their signatures and chain were not checked"
            .to_owned(),
    };
    let Some(known) = known else { return grounds };
    grounds.at = Some(known.at);
    if same != Some(true) {
        grounds.state = "another-ledger";
        grounds.text = format!(
            "NOT the ledger that was verified on {}: its first {} entries had another root; run `aether-audit verify` with a \
             checkpoint from elsewhere",
            known.at.human(),
            known.size
        );
        return grounds;
    }
    grounds.size = Some(known.size);
    grounds.root = Some(known.root);
    let up_to = known.size.saturating_sub(1);
    let anchored = if known.proven {
        "verified"
    } else {
        "checked without a finding, but not proven (anchored at both ends by nothing from elsewhere),"
    };
    let whole = up_to == last_seq && anew == 0;
    grounds.state = match (whole, known.proven) {
        (true, true) => "verified",
        (true, false) => "checked",
        (false, _) => "partly",
    };
    grounds.text = format!(
        "{anchored} up to entry {up_to} by `verify` of {}; the ledger has the same root over them by its index, their bytes were not \
         read again",
        known.at.human()
    );
    if !whole {
        grounds.text.push_str(&format!(
            "; entries {} to {last_seq} are not verified, and {anew} deployment{} read anew",
            up_to + 1,
            if anew == 1 { " was" } else { "s were" }
        ));
    }
    grounds
}
