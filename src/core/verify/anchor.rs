//! What holds the log at its two ends: the first roster's hash, and checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use super::{Anchor, AnchorKind, AnchorState, Anchors, Finding, Run, stamped};
use crate::core::archive::{Archive, Archived};
use crate::core::checkpoint::{self, Checkpoint, Note, Vkey, cosigned};
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::merkle::{Frontier, heights};
use crate::core::time::Timestamp;
use crate::core::timestamp::StoredToken;
use crate::core::witness::Policy;

/// The tree, and its roots at the sizes that some checkpoint states.
pub(super) struct Roots {
    frontier: Frontier,
    wanted: BTreeMap<u64, Option<Hash>>,
}

/// What the checkpoints came to.
#[derive(Default)]
pub(super) struct Anchored {
    pub findings: Vec<Finding>,
    pub anchors: Vec<Anchor>,
    /// The greatest size of a good checkpoint from the caller.
    pub size: Option<u64>,
}

impl Roots {
    pub fn new(anchors: &Anchors) -> Self {
        let archived = archived(anchors).iter().map(|one| &one.note);
        let notes = anchors.checkpoints.iter().chain(&anchors.own_checkpoint).chain(archived);
        let sizes = notes.filter_map(|note| Checkpoint::parse(Note::parse(note).ok()?.text()).ok());
        let seen = anchors.seen.iter().map(|(size, _)| *size);
        let stamped = anchors.tokens.iter().filter_map(StoredToken::size);
        let sizes = sizes.map(|stated| stated.size).chain(seen).chain(stamped);
        let wanted = sizes.map(|size| (size, None)).collect();
        let mut roots = Self { frontier: Frontier::new(), wanted };
        roots.keep();
        roots
    }

    pub fn push(&mut self, leaf: Hash) {
        self.frontier.push(leaf);
        self.keep();
    }

    /// A log of which only some leaves are known. No checkpoint that ends inside a run can be held against anything.
    pub fn push_pruned(&mut self, leaves: &[Hash], runs: &[Run]) {
        let place = |seq: u64| usize::try_from(seq).unwrap_or(usize::MAX);
        let mut at = 0;
        for run in runs {
            leaves.get(at..place(run.from)).into_iter().flatten().for_each(|leaf| self.push(*leaf));
            let to = run.from.saturating_add(run.count);
            for (height, root) in heights(run.from, to).zip(&run.roots) {
                if self.frontier.push_subtree(height, *root).is_none() {
                    return;
                }
            }
            self.keep();
            at = place(to);
        }
        leaves.get(at..).into_iter().flatten().for_each(|leaf| self.push(*leaf));
    }

    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    fn keep(&mut self) {
        if let Some(root) = self.wanted.get_mut(&self.frontier.size()) {
            *root = Some(self.frontier.root());
        }
    }

    /// Holds every checkpoint against the tree, the origin and the log keys that any roster of the log has had.
    /// `next` is the first `seq` that the log does not have.
    pub fn check(&self, anchors: &Anchors, log: &Log, next: u64) -> Anchored {
        let texts = log.rosters.iter().flat_map(|version| &version.roster.log_keys);
        let mut trusted: Vec<Vkey> = Vec::new();
        for vkey in texts.filter_map(|text| Vkey::parse(text).ok()) {
            if !trusted.contains(&vkey) {
                trusted.push(vkey);
            }
        }
        let mut anchored = Anchored::default();
        for note in &anchors.checkpoints {
            let (state, size, text) = match self.check_one(note, &trusted, log, next) {
                Ok(size) => {
                    anchored.size = anchored.size.max(Some(size));
                    (AnchorState::Holds, Some(size), format!("yours, of {size} entries: the log extends it"))
                }
                Err((seq, code, text)) => {
                    let text = format!("the checkpoint given: {text}");
                    anchored.findings.push(Finding { seq, code, text: text.clone() });
                    (AnchorState::Broken, None, text)
                }
            };
            anchored.anchors.push(Anchor { kind: AnchorKind::Checkpoint, state, size, text });
        }
        if let Some(note) = &anchors.own_checkpoint
            && let Err((seq, code, text)) = self.check_one(note, &trusted, log, next)
        {
            anchored.findings.push(Finding {
                seq,
                code,
                text: format!("the checkpoint beside the entries: {text}"),
            });
        }
        let notes = anchors.checkpoints.iter().map(|note| (note, "yours"));
        let own = anchors.own_checkpoint.iter().map(|note| (note, "the one beside the entries"));
        for (note, whose) in notes.chain(own) {
            if self.check_one(note, &trusted, log, next).is_ok() {
                witnessed(note, whose, log, &mut anchored);
            }
        }
        if let Some(archive) = &anchors.archive {
            self.archive(archive, &trusted, log, next, &mut anchored);
        }
        anchored.findings.extend(self.monitored(&anchors.seen, next));
        let root = |size| self.wanted.get(&size).copied().flatten();
        for token in &anchors.stamps {
            let (anchor, finding) =
                stamped::given(token, &anchors.checkpoints, &log.origin, root, &anchors.tsa_roots);
            anchored.anchors.push(anchor);
            anchored.findings.extend(finding);
        }
        for token in &anchors.tokens {
            let (anchor, finding) = stamped::stamped(token, &log.origin, root, &anchors.tsa_roots);
            anchored.anchors.push(anchor);
            anchored.findings.extend(finding);
        }
        for kind in AnchorKind::ALL {
            if !anchored.anchors.iter().any(|anchor| anchor.kind == kind) {
                let text = match kind {
                    AnchorKind::Witnesses if !names_witnesses(log) => "the roster names none".into(),
                    _ => "none given".into(),
                };
                anchored.anchors.push(Anchor { kind, state: AnchorState::Absent, size: None, text });
            }
        }
        anchored.anchors.sort_by_key(|anchor| anchor.kind);
        anchored
    }

    /// Holds the log against every checkpoint of an archive. Only those that are locked now anchor anything.
    fn archive(&self, archive: &Archive, trusted: &[Vkey], log: &Log, next: u64, anchored: &mut Anchored) {
        let mut told = |state, size, text| {
            anchored.anchors.push(Anchor { kind: AnchorKind::Archive, state, size, text });
        };
        let all = match archive {
            Archive::NotChecked(why) => return told(AnchorState::NotChecked, None, why.clone()),
            Archive::Read(all) if all.is_empty() => {
                return told(AnchorState::Absent, None, "it has no checkpoint of this log".into());
            }
            Archive::Read(all) => all,
        };
        let (mut newest, mut unlocked, mut broken) = (None, None, None);
        for one in all {
            match self.check_one(&one.note, trusted, log, next) {
                Ok(size) => match one.locked {
                    Some(until) => newest = newest.max(Some((size, until))),
                    None => unlocked = unlocked.max(Some(size)),
                },
                Err((seq, code, text)) => {
                    let text = format!("{} in the archive: {text}", one.place);
                    anchored.findings.push(Finding { seq, code, text: text.clone() });
                    broken.get_or_insert(text);
                }
            }
        }
        let count = format!("{} checkpoint{}", all.len(), if all.len() == 1 { "" } else { "s" });
        let (state, size, text) = match (broken, newest, unlocked) {
            (Some(text), ..) => (AnchorState::Broken, None, text),
            (None, Some((size, until)), _) => {
                anchored.size = anchored.size.max(Some(size));
                let until = until.human();
                let text = format!(
                    "{count}, the newest of {size} entries, locked until {until}: the log extends all"
                );
                (AnchorState::Holds, Some(size), text)
            }
            (None, None, size) => {
                let text =
                    format!("{count}, none of them locked now, so that its owner could have replaced them");
                (AnchorState::Untrusted, size, text)
            }
        };
        anchored.anchors.push(Anchor { kind: AnchorKind::Archive, state, size, text });
    }

    /// Holds the log against what a monitor saw of it before.
    fn monitored(&self, seen: &[(u64, Hash)], next: u64) -> Option<Finding> {
        let last = seen.iter().map(|(size, _)| *size).max()?;
        let fits = |(size, root): &&(u64, Hash)| self.wanted.get(size) == Some(&Some(*root));
        let good = seen.iter().filter(fits).map(|(size, _)| *size).max().unwrap_or(0);
        let differs =
            seen.iter().filter(|(size, _)| *size > good && *size <= next).map(|(size, _)| *size).min();
        if let Some(size) = differs {
            let text = format!(
                "something from entry {good} up to entry {} is not what was seen before: the log was rewritten or forked",
                size - 1
            );
            return Some(Finding { seq: Some(good), code: "forked", text });
        }
        (last > next).then(|| {
            let text = format!("{last} entries were seen before; this one and all after it are gone");
            Finding { seq: Some(next), code: "shrunk", text }
        })
    }

    fn check_one(
        &self,
        note: &str,
        trusted: &[Vkey],
        log: &Log,
        next: u64,
    ) -> Result<u64, (Option<u64>, &'static str, String)> {
        let stated = checkpoint::open(note, trusted)
            .map_err(|error| (None, "checkpoint", error.to_string() + &elsewhere(note, &log.origin)))?
            .checkpoint;
        let Checkpoint { origin, size, root } = stated;
        if origin != log.origin {
            return Err((
                None,
                "checkpoint-origin",
                format!("it is of the log {origin}, this one is {}", log.origin),
            ));
        }
        if size > next {
            let text = format!(
                "it covers {size} entries, and entry {next} and all after it are missing: they were cut off, or this copy is older \
                 than the checkpoint. Ask for a copy that has them; if this one is said to be older, verify it with a checkpoint \
                 of its own time, of at most {next} entries, that was kept elsewhere"
            );
            return Err((Some(next), "truncated", text));
        }
        match self.wanted.get(&size) {
            Some(Some(own)) if *own == root => Ok(size),
            _ => {
                let text = format!("the first {size} entries do not have the root that it states");
                Err((size.checked_sub(1), "checkpoint-root", text))
            }
        }
    }
}

/// Of a note that no key of this log signed: that it is another log's, where it says so.
fn elsewhere(note: &str, origin: &str) -> String {
    let stated = Note::parse(note).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
    let other = stated.filter(|stated| stated.origin != origin);
    other.map_or_else(String::new, |other| {
        let own = if origin.is_empty() {
            "has no entry that says which it is".to_owned()
        } else {
            format!("is {origin}")
        };
        format!("; it is of the log {}, this one {own}", other.origin)
    })
}

/// What is wrong with a checkpoint, held against a log with these leaves.
#[must_use]
pub fn checkpoint_faults(note: &str, leaves: &[Hash], log: &Log) -> Vec<Finding> {
    let anchors = Anchors { own_checkpoint: Some(note.to_owned()), ..Anchors::default() };
    let mut roots = Roots::new(&anchors);
    for leaf in leaves {
        roots.push(*leaf);
    }
    roots.check(&anchors, log, leaves.len() as u64).findings
}

fn archived(anchors: &Anchors) -> &[Archived] {
    match &anchors.archive {
        Some(Archive::Read(all)) => all,
        _ => &[],
    }
}

fn names_witnesses(log: &Log) -> bool {
    log.rosters.iter().any(|version| version.roster.witness_policy.is_some())
}

/// Holds the cosignatures on a good checkpoint against the policy of the roster in force at its size.
fn witnessed(note: &str, whose: &str, log: &Log, anchored: &mut Anchored) {
    let Ok(note) = Note::parse(note) else { return };
    let Ok(stated) = Checkpoint::parse(note.text()) else { return };
    let version = log.rosters.iter().rev().find(|version| version.seq < stated.size);
    let Some(policy) = version.and_then(|version| version.roster.witness_policy.as_deref()) else { return };
    let Ok(policy) = Policy::parse(policy) else { return };
    let (mut saw, mut said) = (BTreeSet::new(), Vec::new());
    for witness in &policy.witnesses {
        match cosigned(&note, &witness.key) {
            None => {}
            Some(Ok(time)) => {
                saw.insert(witness.name.as_str());
                let millis = i64::try_from(time).ok().and_then(|time| time.checked_mul(1000));
                let time = millis.and_then(|millis| Timestamp::from_millis(millis).ok());
                let time = time.map_or_else(|| "a time out of range".into(), Timestamp::human);
                said.push(format!("{} at {time}", witness.name));
            }
            Some(Err(())) => {
                let text = format!(
                    "the cosignature of {} on the checkpoint of {} entries ({whose}) is invalid",
                    witness.name, stated.size
                );
                anchored.findings.push(Finding { seq: None, code: "cosignature", text: text.clone() });
                let (kind, state) = (AnchorKind::Witnesses, AnchorState::Broken);
                anchored.anchors.push(Anchor { kind, state, size: Some(stated.size), text });
            }
        }
    }
    let (have, all) = (saw.len(), policy.witnesses.len());
    let (state, what) = match (policy.asks(), policy.satisfied(&saw)) {
        (false, _) => (AnchorState::Untrusted, "the policy asks for none"),
        (true, true) => (AnchorState::Holds, "enough for the roster's policy"),
        (true, false) => (AnchorState::Untrusted, "not enough for the roster's policy"),
    };
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
    let text =
        format!("{have} of {all} cosigned the checkpoint of {} entries, {whose}{said}: {what}", stated.size);
    anchored.anchors.push(Anchor { kind: AnchorKind::Witnesses, state, size: Some(stated.size), text });
}
