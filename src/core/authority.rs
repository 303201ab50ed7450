//! The who-may table: whether the signers of an event may record it.

use std::collections::BTreeSet;

use super::deployment::{Deployment, Signatory};
use super::event::{Event, ItemSigned};
use super::hash::Hash;
use super::name::Token;
use super::roster::{COMMS_LEAD, CUSTODIAN, KeyUse, LEAD_DEPLOYER, PersonKind, RECORDER, ROOT, Roster};
use super::statement::{Signer, Statement};

/// Why the signers may not record an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody on the roster in force has this key.
    #[error("key {0} is on nobody's roster entry")]
    Key(Hash),
    /// A root key on something that is not governance, or the other way round.
    #[error("{person}: a {key_use} key may not sign {kind}")]
    KeyUse {
        /// Whose key.
        person: Token,
        /// `root` or `role`.
        key_use: &'static str,
        /// The event's kind.
        kind: &'static str,
    },
    /// The signer claims a role that they do not have.
    #[error("{person} does not have the role {role}")]
    Role {
        /// Who.
        person: Token,
        /// The role claimed.
        role: Token,
    },
    /// The role may not record this kind.
    #[error("{person} as {role} may not record {kind}; that is for {who}")]
    Kind {
        /// Who.
        person: Token,
        /// The role claimed.
        role: Token,
        /// The event's kind.
        kind: &'static str,
        /// Who may.
        who: String,
    },
    /// A machine where a person is needed.
    #[error("{0} is a machine: it records facts and may not record {1}")]
    Machine(Token, &'static str),
    /// A role that the person does not hold in this deployment.
    #[error("{person} is not the {role} of this deployment")]
    NotAssigned {
        /// Who.
        person: Token,
        /// The role.
        role: Token,
    },
    /// Too few distinct people.
    #[error("{role} needs {need} distinct people to sign, {have} did")]
    Threshold {
        /// The role.
        role: Token,
        /// How many must.
        need: u32,
        /// How many did.
        have: usize,
    },
    /// Not the signer of what is withdrawn, nor the Lead Deployer.
    #[error("{0} signed neither this sign-off nor as Lead Deployer")]
    NotOwnSignOff(Token),
    /// The author of what is erased, alone.
    #[error("{0} wrote what is erased: another custodian must sign too")]
    AuthorAlone(Token),
    /// One person in two roles that must be separate.
    #[error("{person} may not be both {a} and {b} in one deployment")]
    Separation {
        /// Who.
        person: Token,
        /// One role.
        a: Token,
        /// The other.
        b: Token,
    },
}

/// What the event may need to know beyond the roster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The deployment that the statement names, if it is open or was.
    pub deployment: Option<&'a Deployment>,
    /// Who signed the statement whose opening is erased.
    pub authors: &'a [Token],
}

struct Rule {
    roles: &'static [&'static str],
    machine: bool,
    assigned: bool,
}

const ANY: &[&str] = &[];

fn rule(event: &Event) -> Rule {
    let rule = |roles, machine, assigned| Rule { roles, machine, assigned };
    match event {
        Event::DeploymentOpened(_) | Event::RolesAssigned(_) => rule(&[LEAD_DEPLOYER], false, false),
        Event::DecisionMade(_) | Event::ChecklistAmended(_) | Event::DeploymentClosed(_) => {
            rule(&[LEAD_DEPLOYER], false, true)
        }
        Event::ItemSigned(_) => rule(ANY, false, true),
        Event::ItemWithdrawn(_) => rule(ANY, false, false),
        Event::MessageSent(_) => rule(&[COMMS_LEAD, LEAD_DEPLOYER, RECORDER], true, false),
        Event::OpeningErased(_) => rule(&[CUSTODIAN], false, false),
        _ => rule(ANY, true, false),
    }
}

/// Holds the signers of a deployment event against the table; governance is
/// [`super::roster::Roster::check_next`]'s business. Gives the signers by name.
///
/// # Errors
/// Every [`Denied`] that applies.
pub fn check(
    event: &Event,
    statement: &Statement,
    roster: &Roster,
    context: Context,
) -> Result<Vec<Signatory>, Vec<Denied>> {
    let kind = event.kind();
    let rule = rule(event);
    let mut denied = Vec::new();
    let mut by = Vec::new();
    for signer in &statement.predicate.signers {
        match signatory(signer, roster, kind) {
            Ok(signatory) => {
                denied.extend(refusal(&signatory, &rule, event, context.deployment));
                by.push(signatory);
            }
            Err(error) => denied.push(error),
        }
    }
    if let Event::ItemSigned(body) = event {
        denied.extend(item_roles(body, &by, context.deployment));
    }
    if let (Event::ItemWithdrawn(body), Some(deployment)) = (event, context.deployment) {
        let own = |person: &Token| {
            deployment
                .sign_offs
                .iter()
                .any(|s| s.meta.id == body.statement && s.meta.by.iter().any(|b| b.person == *person))
        };
        let leads =
            |b: &Signatory| b.role == *LEAD_DEPLOYER && deployment.holder(LEAD_DEPLOYER) == Some(&b.person);
        denied.extend(
            by.iter()
                .filter(|b| !own(&b.person) && !leads(b))
                .map(|b| Denied::NotOwnSignOff(b.person.clone())),
        );
    }
    if let (Event::OpeningErased(_), Some(first)) = (event, by.first())
        && by.iter().all(|b| b.person == first.person)
        && context.authors.contains(&first.person)
    {
        denied.push(Denied::AuthorAlone(first.person.clone()));
    }
    denied.extend(thresholds(&rule, &by, roster));
    denied.extend(separation(event, roster, context.deployment));
    if denied.is_empty() { Ok(by) } else { Err(denied) }
}

/// Resolves a signer of a deployment event by name.
fn signatory(signer: &Signer, roster: &Roster, kind: &'static str) -> Result<Signatory, Denied> {
    let (person, key) = roster.find(&signer.key).ok_or(Denied::Key(signer.key))?;
    if key.key_use == KeyUse::Root || signer.role == *ROOT {
        return Err(Denied::KeyUse { person: person.id.clone(), key_use: "root", kind });
    }
    if !person.roles.contains(&signer.role) {
        return Err(Denied::Role { person: person.id.clone(), role: signer.role.clone() });
    }
    Ok(Signatory {
        person: person.id.clone(),
        role: signer.role.clone(),
        key: signer.key,
        machine: person.kind == PersonKind::Machine,
    })
}

fn refusal(by: &Signatory, rule: &Rule, event: &Event, deployment: Option<&Deployment>) -> Option<Denied> {
    let kind = event.kind();
    let rollback =
        matches!(event, Event::RollbackTriggered(_) | Event::RollbackStarted(_) | Event::RollbackFinished(_));
    let machine_may = if rollback {
        deployment.is_some_and(|d| d.opened.body.policy.machine_rollback)
    } else {
        rule.machine
    };
    if by.machine && !machine_may {
        return Some(Denied::Machine(by.person.clone(), kind));
    }
    if !rule.roles.is_empty() && !rule.roles.iter().any(|role| by.role == **role) {
        let who = rule.roles.join(", ");
        return Some(Denied::Kind { person: by.person.clone(), role: by.role.clone(), kind, who });
    }
    let assigned = deployment.is_none_or(|d| d.holder(by.role.as_str()) == Some(&by.person));
    if rule.assigned && !assigned {
        return Some(Denied::NotAssigned { person: by.person.clone(), role: by.role.clone() });
    }
    None
}

fn item_roles(body: &ItemSigned, by: &[Signatory], deployment: Option<&Deployment>) -> Vec<Denied> {
    let Some(item) = deployment.and_then(|d| d.item(body.item.as_str())) else {
        return Vec::new();
    };
    let allowed = |role: &Token| item.roles.is_empty() || item.roles.iter().any(|r| *role == **r);
    by.iter()
        .filter(|b| !allowed(&b.role))
        .map(|b| Denied::Kind {
            person: b.person.clone(),
            role: b.role.clone(),
            kind: "item-signed",
            who: format!("{} (item {})", item.roles.join(", "), body.item),
        })
        .collect()
}

fn thresholds(rule: &Rule, by: &[Signatory], roster: &Roster) -> Option<Denied> {
    let [role] = rule.roles else {
        return None;
    };
    let need = roster.threshold(role);
    let people: BTreeSet<_> = by.iter().filter(|b| b.role == **role).map(|b| &b.person).collect();
    let role = by.iter().find(|b| b.role == **role).map(|b| b.role.clone())?;
    (people.len() < need as usize).then_some(Denied::Threshold { role, need, have: people.len() })
}

fn separation(event: &Event, roster: &Roster, deployment: Option<&Deployment>) -> Vec<Denied> {
    let held: Vec<(&Token, &Token)> = match (event, deployment) {
        (Event::DeploymentOpened(body), _) => body.assignments.iter().map(|a| (&a.person, &a.role)).collect(),
        (Event::RolesAssigned(body), Some(deployment)) => deployment
            .holdings
            .iter()
            .filter(|h| h.until.is_none() && h.role != body.role)
            .map(|h| (&h.person, &h.role))
            .chain([(&body.person, &body.role)])
            .collect(),
        _ => return Vec::new(),
    };
    let mut denied = Vec::new();
    for (index, (person, role)) in held.iter().enumerate() {
        if !roster
            .person(person.as_str())
            .is_some_and(|p| p.roles.contains(role) && p.kind == PersonKind::Person)
        {
            denied.push(Denied::Role { person: (*person).clone(), role: (*role).clone() });
        }
        for (other, other_role) in &held[..index] {
            if person == other && roster.must_be_separate(role.as_str(), other_role.as_str()) {
                let (a, b) = ((*other_role).clone(), (*role).clone());
                denied.push(Denied::Separation { person: (*person).clone(), a, b });
            }
        }
    }
    if let (Event::RolesAssigned(body), Some(deployment)) = (event, deployment) {
        denied.extend(succession(&body.person, &body.role, roster, deployment));
    }
    denied
}

/// Whoever has held a role takes none that must be separate from it: not at once, and not one after the other.
fn succession(person: &Token, role: &Token, roster: &Roster, deployment: &Deployment) -> Option<Denied> {
    let mut ended = deployment.holdings.iter().filter(|h| h.until.is_some() && h.person == *person);
    let before = ended.find(|h| roster.must_be_separate(h.role.as_str(), role.as_str()))?;
    Some(Denied::Separation { person: person.clone(), a: before.role.clone(), b: role.clone() })
}
