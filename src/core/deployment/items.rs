//! How far each item of the checklist is.

use std::collections::BTreeMap;

use super::{Deployment, Fact, SignOff};
use crate::core::checklist::{By, ItemSpec};
use crate::core::event::{Act, Decision, Gate, ItemSigned, SignOutcome};
use crate::core::name::Token;

use super::Missing;

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// Nobody has signed it.
    Open,
    /// Some of those who must sign have.
    Partly,
    /// Signed as done, or ticked by its event.
    Done,
    /// Signed as not applicable.
    Na,
    /// Signed as failed.
    Failed,
}

/// An item with its sign-offs.
#[derive(Clone, Debug)]
pub struct ItemProgress<'a> {
    /// The item.
    pub spec: &'a ItemSpec,
    /// How far it is.
    pub state: ItemState,
    /// The sign-offs that count: the newest of each person, not withdrawn.
    pub counted: Vec<&'a SignOff>,
}

impl ItemProgress<'_> {
    /// Whether nothing more is needed.
    #[must_use]
    pub fn complete(&self) -> bool {
        matches!(self.state, ItemState::Done | ItemState::Na)
    }
}

impl Deployment {
    /// An item of the checklist in force.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<&ItemSpec> {
        self.checklist.items.iter().find(|item| item.id == id)
    }

    /// Every item, in document order, with how far it is.
    #[must_use]
    pub fn progress(&self) -> Vec<ItemProgress<'_>> {
        let mut by_item: BTreeMap<&str, Vec<&SignOff>> = BTreeMap::new();
        for sign_off in self.trusted_sign_offs() {
            let counts = sign_off.withdrawn.is_none() && sign_off.overtaken.is_none();
            if counts && sign_off.body.checklist == self.checklist.text.commit {
                by_item.entry(sign_off.body.item.as_str()).or_default().push(sign_off);
            }
        }
        self.checklist
            .items
            .iter()
            .map(|spec| {
                let counted = newest_of_each(by_item.get(spec.id.as_str()).map_or(&[][..], Vec::as_slice));
                ItemProgress { spec, state: self.state_of(spec, &counted), counted }
            })
            .collect()
    }

    /// One item with how far it is.
    #[must_use]
    pub fn progress_of(&self, id: &str) -> Option<ItemProgress<'_>> {
        self.progress().into_iter().find(|progress| progress.spec.id == id)
    }

    fn state_of(&self, spec: &ItemSpec, counted: &[&SignOff]) -> ItemState {
        if counted.iter().any(|s| s.body.outcome == SignOutcome::Failed) {
            return ItemState::Failed;
        }
        if let Some(by) = spec.by
            && self.happened(by)
        {
            return ItemState::Done;
        }
        if counted.is_empty() {
            return ItemState::Open;
        }
        let signed_in =
            |role: &str| counted.iter().any(|s| s.meta.by.iter().any(|signatory| signatory.role == *role));
        let people: std::collections::BTreeSet<&Token> =
            counted.iter().flat_map(|s| s.meta.by.iter().map(|signatory| &signatory.person)).collect();
        let roles = !spec.all_roles || spec.roles.iter().all(|role| signed_in(role.as_ref()));
        if !roles || people.len() < spec.signers as usize {
            return ItemState::Partly;
        }
        if counted.iter().all(|s| s.body.outcome == SignOutcome::Na) {
            ItemState::Na
        } else {
            ItemState::Done
        }
    }

    /// The newest word on an item by somebody who now signs it without having seen that word.
    pub(super) fn overtaken(&self, fact: &Fact, body: &ItemSigned) -> Option<u64> {
        let seen = fact.statement.predicate.seen.as_ref()?.seq;
        let words = self.words.get(&body.item)?;
        let words = fact.by.iter().filter_map(|by| words.get(&by.person));
        words.copied().filter(|seq| *seq > seen).max()
    }

    /// Whether the event that ticks such items has happened.
    fn happened(&self, by: By) -> bool {
        let over = |act: Act| matches!(act, Act::Done | Act::Observed);
        match by {
            By::Go => self.go_decided(),
            By::Snapshot => self.trusted(&self.snapshots).any(|s| over(s.body.act)),
            By::Deploy => self.trusted(&self.stages).any(|s| s.body.stage == *"deploy" && over(s.body.act)),
            By::Shift => self.green_since().is_some() || self.was_green(),
            By::AllClear => self.trusted(&self.decisions).any(|d| d.body.decision == Decision::AllClear),
        }
    }

    /// What keeps an item from being signed with this outcome.
    #[must_use]
    pub fn sign_missing(&self, item: &str, outcome: SignOutcome) -> Vec<Missing> {
        let Some(spec) = self.item(item) else {
            return vec![Missing::fixed(format!("item/{item}"), format!("the checklist has no item {item}"))];
        };
        let mut missing = Vec::new();
        if let Some(by) = spec.by {
            let text = format!("{item} is ticked by its event ({}), and signed by nobody", by.as_str());
            missing.push(Missing::fixed(format!("item/{item}"), text));
        }
        if outcome == SignOutcome::Na && spec.na_never {
            missing.push(Missing::fixed(
                format!("item/{item}"),
                format!("{item} can't be waived as not applicable"),
            ));
        }
        if let Some(check) = spec.check.as_ref().filter(|_| outcome == SignOutcome::Done) {
            missing.extend(self.check_missing(check.as_ref()));
        }
        missing.retain(|m| !self.waived(Gate::Sign, &m.requirement));
        missing
    }
}

fn newest_of_each<'a>(sign_offs: &[&'a SignOff]) -> Vec<&'a SignOff> {
    let person = |s: &SignOff| s.meta.by.iter().map(|signatory| signatory.person.clone()).collect::<Vec<_>>();
    let mut newest: Vec<&SignOff> = Vec::new();
    for &sign_off in sign_offs {
        newest.retain(|earlier| person(earlier) != person(sign_off));
        newest.push(sign_off);
    }
    newest
}
