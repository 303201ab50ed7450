//! What a verification says.

use std::fmt;

use crate::core::event::Outcome;
use crate::core::hash::Hash;
use crate::core::log::Log;
use crate::core::name::Token;

/// Something that was found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The entry; absent where it is about none.
    pub seq: Option<u64>,
    /// Stable, kebab-case.
    pub code: &'static str,
    /// For people.
    pub text: String,
}

impl Finding {
    /// What the walk remembered cannot be read back.
    pub(super) fn lost(why: &str) -> Self {
        let text = format!("what was kept of earlier entries in a temporary file can't be read back: {why}");
        Self { seq: None, code: "unreadable", text }
    }

    /// Whether findings of this code say that the entry's own signers did not rightly say this, in this place.
    #[must_use]
    pub fn disowns(code: &str) -> bool {
        let signers = ["signature", "key-unknown", "key-suspect", "not-authorised", "separation"];
        signers.contains(&code) || ["id-repeated", "log", "subject"].contains(&code)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "entry {seq}: {} [{}]", self.text, self.code),
            None => write!(f, "{} [{}]", self.text, self.code),
        }
    }
}

/// What kind of thing holds the log from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnchorKind {
    /// A checkpoint that the caller kept.
    Checkpoint,
    /// Cosignatures of witnesses, by the policy of the roster.
    Witnesses,
    /// A time-stamp token over a checkpoint.
    Timestamp,
    /// Checkpoints in storage that nobody can delete from, named by the caller.
    Archive,
}

impl AnchorKind {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Checkpoint, Self::Witnesses, Self::Timestamp, Self::Archive];

    /// One word, stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Witnesses => "witnesses",
            Self::Timestamp => "timestamp",
            Self::Archive => "archive",
        }
    }
}

/// What became of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorState {
    /// It holds the log up to its size.
    Holds,
    /// Nothing is wrong with it, but nobody said that whoever made it is to be trusted, or it says too little.
    Untrusted,
    /// It contradicts the log, or is invalid: a finding.
    Broken,
    /// It was named, and could not be looked at.
    NotChecked,
    /// There is none.
    Absent,
}

impl AnchorState {
    /// One word, stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Untrusted => "untrusted",
            Self::Broken => "broken",
            Self::NotChecked => "not-checked",
            Self::Absent => "absent",
        }
    }
}

/// One thing outside the owner's control that the log was held against. Every kind has a line at least,
/// so that none passes silently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// What it is.
    pub kind: AnchorKind,
    /// What became of it.
    pub state: AnchorState,
    /// How many entries it covers.
    pub size: Option<u64>,
    /// For people.
    pub text: String,
}

/// A deployment in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentSummary {
    /// Its id.
    pub id: Token,
    /// Its release.
    pub release: String,
    /// The entry that opened it.
    pub opened: u64,
    /// Its newest entry.
    pub last: u64,
    /// How many entries it has.
    pub entries: u64,
    /// The entry that closed it, and how many entries it had then: up to there it is complete.
    pub closed: Option<(u64, u64)>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// The outcome of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was checked, anchored by the caller at both ends.
    Verified,
    /// Something is wrong.
    Findings,
    /// Nothing is wrong, and something is not proven: each reason with its next step.
    NotProven {
        /// For people.
        reasons: Vec<String>,
    },
}

impl Verdict {
    /// The process exit status: 0, 1 or 4.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Findings => 1,
            Self::NotProven { .. } => 4,
        }
    }

    /// One word, stable.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Findings => "findings",
            Self::NotProven { .. } => "not-proven",
        }
    }
}

/// Everything that a verification found out.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is a question of its own
pub struct Report {
    /// What is wrong, by `seq`.
    pub findings: Vec<Finding>,
    /// Entries of kinds that this version does not know.
    pub unsupported: Vec<Finding>,
    /// Weak spots and facts out of process: no findings, and worth knowing.
    pub notices: Vec<Finding>,
    /// How many entries were given.
    pub entries: u64,
    /// The size of the tree: `entries`, or the number of leaves of a deployment's export.
    pub size: u64,
    /// The root over that tree.
    pub root: Hash,
    /// The leaf of the first entry given.
    pub first_leaf: Option<Hash>,
    /// The leaf of the last entry given.
    pub last_leaf: Option<Hash>,
    /// The `seq` of the newest entry given.
    pub last_seq: Option<u64>,
    /// The hash of the first roster, as the log has it.
    pub first_roster: Option<Hash>,
    /// Whether the caller's hash of the first roster is the log's.
    pub roster_confirmed: bool,
    /// Whether the caller gave a hash of the first roster.
    pub roster_given: bool,
    /// Whether the caller gave any checkpoint.
    pub checkpoint_given: bool,
    /// Whether the caller said whom they trust to stamp times.
    pub tsa_roots_given: bool,
    /// Each thing outside the owner's control, and what became of it.
    pub anchors: Vec<Anchor>,
    /// Whether the caller named an archive.
    pub archive_given: bool,
    /// The newest entry that a checkpoint from the caller, or a locked one of the caller's archive, covers.
    pub anchored_to: Option<u64>,
    /// Signatures that were checked.
    pub signatures: u64,
    /// Openings that were read and have their commit.
    pub openings: u64,
    /// Whether the entries are a deployment's export, with nothing but leaves for the rest of the log.
    pub partial: bool,
    /// The fold over the entries. Closed deployments are let go to hold memory: see `deployments`.
    pub log: Log,
    /// Every deployment, by id.
    pub deployments: Vec<DeploymentSummary>,
}

impl Report {
    /// The verdict: any finding comes first, then whatever is not proven.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if !self.findings.is_empty() {
            return Verdict::Findings;
        }
        let reasons = self.not_proven();
        if reasons.is_empty() { Verdict::Verified } else { Verdict::NotProven { reasons } }
    }

    /// Of a deployment's export: the one deployment that it holds, where that is closed. `None` for a whole log.
    #[must_use]
    pub fn only(&self) -> Option<&DeploymentSummary> {
        match self.deployments.as_slice() {
            [only] if self.partial && only.closed.is_some() => Some(only),
            _ => None,
        }
    }

    /// What the entries given can't show, whatever anchors them.
    fn not_given(&self) -> Option<String> {
        if !self.partial || self.only().is_some() {
            return None;
        }
        let whole = "check an export of the whole log";
        Some(match self.deployments.as_slice() {
            [] => format!("leaves.txt stands for all but governance, and no deployment is given: {whole}"),
            [open] => format!(
                "{} is not closed, so that entries of it could have been left out: {whole}, or one made after its closing",
                open.id
            ),
            several => format!(
                "an export with leaves.txt holds one deployment, this one has {}: {whole}",
                several.len()
            ),
        })
    }

    fn not_proven(&self) -> Vec<String> {
        let Some(last) = self.last_seq else {
            return vec!["there is nothing to check: the log has no entry".into()];
        };
        let mut reasons: Vec<String> = self.not_given().into_iter().collect();
        if let Some(first) = self.unsupported.first() {
            reasons.push(format!(
                "{} entries are of a kind that this version does not know (the first is {}): check with a newer one",
                self.unsupported.len(),
                first.seq.unwrap_or_default()
            ));
        }
        if !self.roster_given {
            reasons.push(
                "no hash of the first roster was given, so that anybody could have made this log: \
                 give --roster-sha256 with what the team handed you"
                    .into(),
            );
        }
        let archive = self.anchors.iter().find(|anchor| anchor.kind == AnchorKind::Archive);
        if let Some(archive) =
            archive.filter(|archive| self.archive_given && archive.state != AnchorState::Holds)
        {
            reasons.push(format!("the archive holds nothing: {}", archive.text));
        }
        match self.anchored_to {
            Some(seq) if seq >= last => {}
            Some(seq) => reasons.push(format!(
                "anchored only through entry {seq}: what came after it, up to entry {last}, could have been cut or replaced; \
                 give a newer --checkpoint"
            )),
            None if self.checkpoint_given => reasons.push(
                "the checkpoint given covers no entry, so that entries at the end could have been cut: \
                 give a newer --checkpoint"
                    .into(),
            ),
            None if self.archive_given => {}
            // Why it was not has its own words.
            None if self.anchors.iter().any(|a| {
                a.kind == AnchorKind::Checkpoint && a.state == AnchorState::NotChecked
            }) => {}
            None => reasons.push(
                "no checkpoint was given, so that entries at the end could have been cut: \
                 give --checkpoint with one that was kept outside the log"
                    .into(),
            ),
        }
        if self.tsa_roots_given {
            reasons.extend(super::stamped::not_proven(&self.anchors));
        }
        reasons
    }
}
