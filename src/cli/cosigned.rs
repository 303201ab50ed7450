//! Cosignatures on a checkpoint that was made here.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use super::app::App;
use super::checkpoint::Made;
use super::memory::Memory;
use super::status_code::Status;
use crate::core::checkpoint::{Note, SIGNATURES_MAX, cosigned};
use crate::core::log::Log;
use crate::core::witness::{Policy, Witness};
use crate::ledger::Ledger;
use crate::witness::{AskError, Patience, ask};

// What every command has that makes a checkpoint on the way.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Witnessing {
    /// Do not ask the witnesses of the roster's policy to cosign the checkpoint
    #[arg(long, env = "AETHER_AUDIT_NO_WITNESS", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub no_witness: bool,
}

/// Which witnesses are asked.
pub enum Whom<'a> {
    /// Those whose cosignature the policy asks for and the checkpoint does not have, if it has not enough.
    Missing,
    /// Those at these URLs, which the policy names; `all` is every one.
    At(&'a [String]),
}

/// A checkpoint with what the witnesses said.
pub struct Gathered {
    /// With the cosignatures that were given, and those that it had.
    pub made: Made,
    /// Why some were not, one a line.
    pub refused: Vec<String>,
    /// Who cosigned just now, by the policy's names.
    pub cosigned: Vec<String>,
    /// A finding where a witness says that the log was rewritten, else not proven where the policy's quorum was not reached.
    pub status: Status,
}

/// Asks the witnesses of the policy in force, if there is one, and keeps what they give with the checkpoint that
/// this place remembers.
///
/// # Errors
/// Where a URL is not in the policy, or a cosignature cannot be kept.
pub fn gather(
    app: &App,
    ledger: &Ledger,
    log: &Log,
    made: &Made,
    whom: &Whom,
    patience: Patience,
) -> Result<Gathered> {
    let mut gathered = Gathered {
        made: Made { note: made.note.clone(), size: made.size },
        refused: Vec::new(),
        cosigned: Vec::new(),
        status: Status::Done,
    };
    let roster = &log.roster().context("the ledger has no roster")?.roster;
    let Some(policy) = &roster.witness_policy else {
        if matches!(whom, Whom::At(_)) {
            bail!(
                "the roster names no witnesses: a root holder sets them with `aether-audit key witnesses FILE`"
            );
        }
        return Ok(gathered);
    };
    let policy = Policy::parse(policy)?;
    let mut note = Note::parse(&made.note)?;
    let chosen = match whom {
        Whom::At(urls) => at(&policy, urls)?,
        Whom::Missing if policy.satisfied(&saw(&policy, &note)) => return Ok(gathered),
        Whom::Missing => {
            let had = saw(&policy, &note);
            policy.witnesses.iter().filter(|w| w.url.is_some() && !had.contains(w.name.as_str())).collect()
        }
    };
    let proof = |old| {
        if old > made.size {
            return Err(format!(
                "it has cosigned {old} entries, and this log has {}: entries are missing",
                made.size
            ));
        }
        ledger.consistency(old, made.size).map_err(|e| e.to_string())
    };
    let asked: Vec<_> = chosen.iter().map(|w| (w.url.as_deref().unwrap_or_default(), &w.key)).collect();
    for (witness, answer) in chosen.iter().zip(ask(&asked, &note, made.size, &proof, patience)) {
        match answer {
            Ok(_) if note.signatures().len() >= SIGNATURES_MAX => gathered.refused.push(format!(
                "{}: a checkpoint has {SIGNATURES_MAX} signatures at most, and this one has them",
                witness.name
            )),
            Ok(line) => {
                note.add(line);
                gathered.cosigned.push(witness.name.clone());
            }
            // Somebody has recorded more meanwhile, and had it cosigned.
            Err(AskError::Ahead { theirs, .. })
                if theirs > made.size && ledger.head()?.is_some_and(|head| head.seq >= theirs - 1) =>
            {
                gathered.refused.push(format!(
                    "{}: it has cosigned {theirs} entries of this log already, and so has this ledger by now: ask once more with \
                     `aether-audit checkpoint`",
                    witness.name
                ));
            }
            Err(error) => {
                if matches!(error, AskError::Forked { .. } | AskError::Ahead { .. }) {
                    gathered.status = Status::Finding;
                }
                gathered.refused.push(format!("{}: {error}", witness.name));
            }
        }
    }
    if !gathered.cosigned.is_empty() {
        keep(app, log, &note)?;
    }
    if !policy.satisfied(&saw(&policy, &note)) {
        let text = "the cosignatures are not enough for the roster's policy: the checkpoint stands, but not witnessed";
        gathered.refused.push(text.into());
        if gathered.status == Status::Done {
            gathered.status = Status::NotProven;
        }
    }
    gathered.made.note = note.to_string();
    Ok(gathered)
}

/// As [`gather`], beside another act: waits a short time only, and whatever goes wrong is a warning.
pub fn beside(app: &mut App, ledger: &Ledger, log: &Log, made: Made, args: &Witnessing) -> Made {
    if args.no_witness {
        return made;
    }
    match gather(app, ledger, log, &made, &Whom::Missing, Patience::SHORT) {
        Ok(gathered) => {
            tell(app, &gathered);
            if gathered.status == Status::NotProven {
                app.say("Ask once more with `aether-audit checkpoint`.");
            }
            gathered.made
        }
        Err(error) => {
            app.warn(format!("no witness was asked: {error:#}"));
            made
        }
    }
}

/// Says who cosigned and who did not.
pub fn tell(app: &mut App, gathered: &Gathered) {
    for name in &gathered.cosigned {
        app.say(format!("{name} has cosigned"));
    }
    for why in &gathered.refused {
        app.warn(why);
    }
}

/// Keeps the cosignatures with what is remembered. Somebody may have made a newer checkpoint meanwhile, which stays.
fn keep(app: &App, log: &Log, note: &Note) -> Result<()> {
    let memory = Memory::of(app, &log.origin)?;
    let _lock = memory.lock()?;
    let Some(kept) = memory.checkpoint()? else { return Ok(()) };
    let mut kept = Note::parse(&kept)?;
    if kept.text() != note.text() {
        return Ok(());
    }
    for line in note.signatures() {
        if kept.signatures().len() < SIGNATURES_MAX {
            kept.add(line.clone());
        }
    }
    memory.keep_checkpoint(&kept.to_string())
}

/// The witnesses whose cosignature the note has.
fn saw<'p>(policy: &'p Policy, note: &Note) -> BTreeSet<&'p str> {
    let good = |witness: &&Witness| matches!(cosigned(note, &witness.key), Some(Ok(_)));
    policy.witnesses.iter().filter(good).map(|witness| witness.name.as_str()).collect()
}

fn at<'p>(policy: &'p Policy, urls: &[String]) -> Result<Vec<&'p Witness>> {
    let known: Vec<&Witness> = policy.witnesses.iter().filter(|witness| witness.url.is_some()).collect();
    let mut found = Vec::new();
    for url in urls {
        if url == "all" {
            found.extend(&known);
            continue;
        }
        let same = |witness: &&&Witness| {
            witness.url.as_ref().is_some_and(|own| own.trim_end_matches('/') == url.trim_end_matches('/'))
        };
        let Some(witness) = known.iter().find(same) else {
            let all: Vec<&str> = known.iter().filter_map(|witness| witness.url.as_deref()).collect();
            bail!("the roster's policy names no witness at {url}; it names: {}", all.join(", "));
        };
        found.push(*witness);
    }
    if found.is_empty() {
        bail!("the roster's policy has no URL to ask");
    }
    Ok(found)
}
