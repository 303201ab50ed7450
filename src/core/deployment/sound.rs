//! Whether a deployment was opened, or its checklist amended, with something that can be followed.

use std::collections::BTreeSet;

use super::Deployment;
use crate::core::event::FrozenChecklist;
use crate::core::name::Token;

impl Deployment {
    /// What is wrong with how it was opened: something named twice, a name that is none, no source.
    #[must_use]
    pub fn unsound(&self) -> Option<String> {
        let body = &self.opened.body;
        let sources = self.subject.iter().filter(|subject| subject.digest().0 == "gitCommit").count();
        if sources != 1 {
            return Some(format!("the subject has {sources} sources (gitCommit) in place of one"));
        }
        if let Some(bad) =
            body.checks.iter().map(|check| &check.id).find(|id| Token::new(id.as_str()).is_err())
        {
            return Some(format!("{bad:?} is no id of a check"));
        }
        if body.services.is_empty() {
            return Some("no service is named".into());
        }
        twice("the role", body.assignments.iter().map(|a| a.role.as_str()))
            .or_else(|| twice("the service", body.services.iter().map(AsRef::as_ref)))
            .or_else(|| twice("the check", body.checks.iter().map(|c| c.id.as_str())))
            .or_else(|| unsound_checklist(&body.checklist))
    }
}

/// What is wrong with a frozen checklist.
pub(super) fn unsound_checklist(checklist: &FrozenChecklist) -> Option<String> {
    twice("the phase", checklist.phases.iter().map(|phase| phase.id.as_str()))
        .or_else(|| twice("the item", checklist.items.iter().map(|item| item.id.as_str())))
}

fn twice<'a>(what: &str, mut names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name)).map(|name| format!("{what} {name} stands twice"))
}
