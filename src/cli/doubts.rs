//! What a checklist asks for that cannot come about, said before a deployment opens with it.

use crate::core::checklist::{self, ItemSpec};
use crate::core::roster::{PersonKind, Roster};

/// The boxes that the author ticked: they say nothing, and stay as they are.
#[must_use]
pub fn ticked(text: &str) -> Vec<String> {
    let parsed = checklist::parse(text).map(|parsed| parsed.items).unwrap_or_default();
    parsed.into_iter().filter(|item| item.ticked).map(|item| item.spec.id).collect()
}

/// The items that nobody on the roster could sign, each with the reason.
#[must_use]
pub fn unsignable(items: &[ItemSpec], roster: &Roster) -> Vec<String> {
    let signed = items.iter().filter(|item| item.by.is_none());
    signed.filter_map(|item| reason(item, roster).map(|why| format!("{}: {why}", item.id))).collect()
}

fn reason(item: &ItemSpec, roster: &Roster) -> Option<String> {
    if let Some(role) =
        item.roles.iter().find(|role| !roster.roles.keys().any(|known| known == role.as_str()))
    {
        let known: Vec<&str> = roster.roles.keys().map(crate::core::name::Token::as_str).collect();
        return Some(format!("the roster has no role {role} (it has {})", known.join(", ")));
    }
    let people = roster.people.iter().filter(|person| {
        let fits = |role: &String| person.roles.iter().any(|held| held == role.as_str());
        person.kind == PersonKind::Person && (item.roles.is_empty() || item.roles.iter().any(fits))
    });
    let (people, needed) = (people.count(), item.signers as usize);
    (people < needed).then(|| format!("it takes {needed} people, and {people} on the roster may sign it"))
}
