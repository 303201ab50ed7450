//! What a checklist asks for that cannot come about, said before a deployment opens with it.

use crate::core::checklist::{self, ItemSpec};
use crate::core::name::Token;
use crate::core::roster::{Person, PersonKind, Roster};

/// The boxes that the author ticked: they say nothing, and stay as they are.
#[must_use]
pub fn ticked(text: &str) -> Vec<String> {
    let parsed = checklist::parse(text).map(|parsed| parsed.items).unwrap_or_default();
    parsed.into_iter().filter(|item| item.ticked).map(|item| item.spec.id).collect()
}

/// The lines that look like task items and are none.
#[must_use]
pub fn near(text: &str) -> Option<String> {
    let lines: Vec<String> = checklist::near_boxes(text).iter().map(usize::to_string).collect();
    let which = if lines.len() == 1 {
        "a line looks like a task item and is"
    } else {
        "some lines look like task items and are"
    };
    (!lines.is_empty()).then(|| {
        format!("{which} none, so that nobody signs it: write `- [ ] words` (line {})", lines.join(", "))
    })
}

/// The items that nobody on the roster could sign, each with the reason.
#[must_use]
pub fn unsignable(items: &[ItemSpec], roster: &Roster) -> Vec<String> {
    let signed = items.iter().filter(|item| item.by.is_none());
    signed.filter_map(|item| reason(item, roster).map(|why| format!("{}: {why}", item.id))).collect()
}

fn reason(item: &ItemSpec, roster: &Roster) -> Option<String> {
    let roles = || item.roles.iter().map(String::as_str);
    if let Some(role) = roles().find(|role| !roster.roles.keys().any(|known| known == *role)) {
        let known: Vec<&str> = roster.roles.keys().map(Token::as_str).collect();
        return Some(format!("the roster has no role {role} (it has {})", known.join(", ")));
    }
    let holds = |person: &Person, role: &str| {
        person.kind == PersonKind::Person && person.roles.iter().any(|held| held == role)
    };
    let held = |role: &&str| roster.people.iter().any(|person| holds(person, role));
    if let Some(role) = roles().find(|role| item.all_roles && !held(role)) {
        return Some(format!("{role} must sign it, and nobody on the roster is that"));
    }
    let may = |person: &&Person| {
        let any = item.roles.is_empty() && person.kind == PersonKind::Person;
        any || roles().any(|role| holds(person, role))
    };
    let (people, needed) = (roster.people.iter().filter(may).count(), item.signers as usize);
    (people < needed).then(|| format!("it takes {needed} people, and {people} on the roster may sign it"))
}
