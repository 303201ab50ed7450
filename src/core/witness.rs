//! Witnesses: the policy that says which of them must have seen a checkpoint (C2SP tlog-policy), and the request
//! by which they are asked (C2SP tlog-witness).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{CosignerKey, Vkey};
use super::hash::Hash;

/// Most lines of a proof.
const PROOF_MAX: usize = 63;

/// Why a policy was refused. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A control character other than tab and newline.
    #[error("line {0} of the witness policy has a control character")]
    Control(usize),
    /// Not one of the four kinds of line, or with too few or too many words.
    #[error(
        "line {0} of the witness policy is not `log VKEY [URL]`, `witness NAME VKEY [URL]`, `group NAME K|any|all NAME…` or `quorum NAME|none`"
    )]
    Form(usize),
    /// A key that is no vkey of its type (log 0x01, witness 0x04), or stands twice.
    #[error("line {0} of the witness policy: {1}")]
    Key(usize, String),
    /// A name that is taken, or that no line before defines, or that is a member already.
    #[error("line {0} of the witness policy: the name {1} is taken, unknown, or used twice")]
    Name(usize, String),
    /// A threshold that its members can't reach.
    #[error("line {0} of the witness policy: a group needs from 1 to all of its members")]
    Threshold(usize),
    /// No quorum, or more than one.
    #[error("a witness policy has exactly one quorum line")]
    Quorum,
}

/// One witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its name within the policy.
    pub name: String,
    /// Its key.
    pub key: CosignerKey,
    /// Where it is asked.
    pub url: Option<String>,
}

/// A policy: which witnesses there are and who of them is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Every witness, in the order of the lines.
    pub witnesses: Vec<Witness>,
    groups: BTreeMap<String, (usize, Vec<String>)>,
    quorum: Option<String>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`PolicyError`], naming the line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut policy = Self { witnesses: Vec::new(), groups: BTreeMap::new(), quorum: None };
        let (mut keys, mut members, mut quorums) = (BTreeSet::new(), BTreeSet::new(), 0);
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
                return Err(PolicyError::Control(number));
            }
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            match words[..] {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["log", key] | ["log", key, _] => {
                    let key = Vkey::parse(key).map_err(|e| PolicyError::Key(number, e.to_string()))?;
                    fresh(&mut keys, number, key.key().keyid())?;
                }
                ["witness", name, key] => policy.witness(number, name, key, None, &mut keys)?,
                ["witness", name, key, url] => policy.witness(number, name, key, Some(url), &mut keys)?,
                ["group", name, threshold, ref of @ ..] if !of.is_empty() => {
                    policy.group(number, name, threshold, of, &mut members)?;
                }
                ["quorum", name] => {
                    quorums += 1;
                    if name != "none" {
                        if !policy.defines(name) {
                            return Err(PolicyError::Name(number, name.into()));
                        }
                        policy.quorum = Some(name.into());
                    }
                }
                _ => return Err(PolicyError::Form(number)),
            }
        }
        if quorums == 1 { Ok(policy) } else { Err(PolicyError::Quorum) }
    }

    fn defines(&self, name: &str) -> bool {
        self.groups.contains_key(name) || self.witnesses.iter().any(|witness| witness.name == name)
    }

    fn witness(
        &mut self,
        number: usize,
        name: &str,
        key: &str,
        url: Option<&str>,
        keys: &mut BTreeSet<Hash>,
    ) -> Result<(), PolicyError> {
        let key = CosignerKey::parse(key).map_err(|e| PolicyError::Key(number, e.to_string()))?;
        fresh(keys, number, key.key().keyid())?;
        if name == "none" || self.defines(name) {
            return Err(PolicyError::Name(number, name.into()));
        }
        self.witnesses.push(Witness { name: name.into(), key, url: url.map(str::to_owned) });
        Ok(())
    }

    fn group(
        &mut self,
        number: usize,
        name: &str,
        threshold: &str,
        of: &[&str],
        members: &mut BTreeSet<String>,
    ) -> Result<(), PolicyError> {
        if name == "none" || self.defines(name) {
            return Err(PolicyError::Name(number, name.into()));
        }
        for member in of {
            if !self.defines(member) || !members.insert((*member).to_owned()) {
                return Err(PolicyError::Name(number, (*member).into()));
            }
        }
        let threshold = match threshold {
            "any" => Some(1),
            "all" => Some(of.len()),
            digits if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0') => {
                digits.parse().ok()
            }
            _ => None,
        };
        let threshold =
            threshold.filter(|k| (1..=of.len()).contains(k)).ok_or(PolicyError::Threshold(number))?;
        self.groups.insert(name.into(), (threshold, of.iter().map(|member| (*member).to_owned()).collect()));
        Ok(())
    }

    /// Whether these witnesses, by their names here, are enough.
    #[must_use]
    pub fn satisfied(&self, by: &BTreeSet<&str>) -> bool {
        self.quorum.as_ref().is_none_or(|name| self.saw(name, by))
    }

    /// Whether any cosignature is asked for at all.
    #[must_use]
    pub const fn asks(&self) -> bool {
        self.quorum.is_some()
    }

    /// A group only names what stands before it, so this ends.
    fn saw(&self, name: &str, by: &BTreeSet<&str>) -> bool {
        match self.groups.get(name) {
            Some((threshold, members)) => {
                members.iter().filter(|member| self.saw(member, by)).count() >= *threshold
            }
            None => by.contains(name),
        }
    }
}

fn fresh(keys: &mut BTreeSet<Hash>, number: usize, key: Hash) -> Result<(), PolicyError> {
    if keys.insert(key) { Ok(()) } else { Err(PolicyError::Key(number, "the key stands twice".into())) }
}

/// What a witness is asked: to cosign a checkpoint that extends one of `old` entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness cosigned last.
    pub old: u64,
    /// The consistency proof (RFC 6962 §2.1.2).
    pub proof: Vec<Hash>,
    /// The checkpoint as a signed note.
    pub checkpoint: String,
}

impl AddCheckpoint {
    /// The request's body.
    #[must_use]
    pub fn to_body(&self) -> String {
        let proof: Vec<String> =
            self.proof.iter().map(|hash| STANDARD.encode(hash.as_bytes()) + "\n").collect();
        format!("old {}\n{}\n{}", self.old, proof.concat(), self.checkpoint)
    }

    /// Reads a request's body; `None` where it is none.
    #[must_use]
    pub fn parse(body: &str) -> Option<Self> {
        let (head, checkpoint) = body.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = lines.next()?.strip_prefix("old ")?;
        let canonical =
            old.bytes().all(|byte| byte.is_ascii_digit()) && (old == "0" || !old.starts_with('0'));
        let old = old.parse().ok().filter(|_| canonical)?;
        let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok().map(Hash);
        let proof = lines.map(hash).collect::<Option<Vec<Hash>>>()?;
        (proof.len() <= PROOF_MAX).then(|| Self { old, proof, checkpoint: checkpoint.to_owned() })
    }
}
