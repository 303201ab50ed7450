//! Who took part, who controls the roster, how keys are kept, and whether duties were kept apart.

use std::collections::{BTreeMap, BTreeSet};

use super::Reader;
use crate::core::deployment::{Deployment, Meta};
use crate::core::event::Event;
use crate::core::hash::Hash;
use crate::core::log::{KnownKey, RosterVersion};
use crate::core::name::Token;
use crate::core::roster::KeyUse;
use crate::report::model::{
    Control, Custody, Key, KeyState, Participant, RoleHeld, RootHolder, RosterChange, Separation,
    SeparationRule,
};

/// Every place of the deployment, whatever the kind of its event.
pub(super) fn metas<'a>(deployment: &'a Deployment) -> impl Iterator<Item = &'a Meta> {
    let d = deployment;
    macro_rules! of {
        ($($list:ident),*) => {
            std::iter::empty::<&'a Meta>()$(.chain(d.$list.iter().map(|record| &record.meta)))*
        };
    }
    of!(
        amendments,
        sign_offs,
        evidence,
        decisions,
        snapshots,
        stages,
        shifts,
        standby,
        triggers,
        rollbacks,
        rollback_steps,
        rollback_ends,
        messages,
        notes,
        reviews,
        reports
    )
    .chain([&d.opened.meta])
    .chain(d.closed.iter().map(|record| &record.meta))
    .chain(d.sign_offs.iter().filter_map(|s| s.withdrawn.as_ref()).map(|record| &record.meta))
}

pub(super) fn participants(reader: &Reader) -> Vec<Participant> {
    let deployment = reader.deployment();
    let mut signed: BTreeMap<&Token, (u64, BTreeSet<Hash>)> = BTreeMap::new();
    for holding in &deployment.holdings {
        signed.entry(&holding.person).or_default();
    }
    let own = reader.others.iter().filter(|(meta, event)| {
        matches!(event, Event::RolesAssigned(_) | Event::OpeningErased(_))
            && meta.seq > deployment.opened.meta.seq
    });
    for signatory in metas(deployment).chain(own.map(|(meta, _)| meta)).flat_map(|meta| &meta.by) {
        let (count, keys) = signed.entry(&signatory.person).or_default();
        *count += 1;
        keys.insert(signatory.key);
    }
    signed.into_iter().map(|(person, (count, keys))| participant(reader, person, count, &keys)).collect()
}

fn participant(reader: &Reader, person: &Token, signed: u64, used: &BTreeSet<Hash>) -> Participant {
    let holdings = reader.deployment().holdings.iter().filter(|holding| holding.person == *person);
    let keys = reader.log().keys.iter().filter(|(keyid, known)| {
        let daily = known.key.key_use == KeyUse::Role && known.ended.is_none();
        known.person == *person && (daily || used.contains(keyid))
    });
    Participant {
        id: person.clone(),
        name: reader.maybe(reader.names.get(person)),
        kind: reader.kind_of(person),
        roles: holdings.map(|h| RoleHeld { role: h.role.clone(), from: h.from, until: h.until }).collect(),
        keys: keys.map(|(keyid, known)| key(*keyid, known)).collect(),
        signed,
    }
}

fn key(keyid: Hash, known: &KnownKey) -> Key {
    let state = if known.suspect_from().is_some() {
        KeyState::Suspect
    } else if known.ended.is_none() {
        KeyState::InForce
    } else if known.rotated_into.is_some() {
        KeyState::Superseded
    } else {
        KeyState::Revoked
    };
    Key {
        keyid,
        key_use: known.key.key_use,
        state,
        made_by: known.made_by.clone(),
        suspect_from: known.suspect_from(),
    }
}

pub(super) fn control(reader: &Reader) -> Control {
    let log = reader.log();
    let deployment = reader.deployment();
    let version = log.roster_at(deployment.opened.meta.seq);
    let root_keys =
        version.into_iter().flat_map(|v| v.roster.keys()).filter(|(_, key)| key.key_use == KeyUse::Root);
    let last = deployment.closed.as_ref().map_or(u64::MAX, |closed| closed.meta.seq);
    let held = log
        .keys
        .iter()
        .filter(|(_, known)| known.ended.is_none_or(|ended| ended > deployment.opened.meta.seq));
    let custody = held.filter_map(|(keyid, known)| {
        let made_by = known.made_by.clone()?;
        Some(Custody { person: known.person.clone(), made_by, keyid: *keyid, key_use: known.key.key_use })
    });
    let changes = log.roster_changed_during.iter().filter(|(id, seq)| *id == deployment.id && *seq <= last);
    Control {
        first_roster: reader.input.integrity.first_roster,
        roster: version.map_or(Hash::ZERO, |v| v.hash),
        roster_version: version.map_or(0, |v| v.roster.version),
        root_threshold: version.map_or(0, |v| v.roster.root_threshold),
        root_holders: root_keys
            .map(|(person, key)| RootHolder { person: person.id.clone(), keyid: key.public.keyid() })
            .collect(),
        changes: changes.filter_map(|(_, seq)| change(reader, *seq)).collect(),
        custody: custody.collect(),
    }
}

fn change(reader: &Reader, seq: u64) -> Option<RosterChange> {
    let rosters = &reader.log().rosters;
    let at = rosters.iter().position(|version| version.seq == seq)?;
    let version = rosters.get(at)?;
    let before = at.checked_sub(1).and_then(|at| rosters.get(at));
    let event = reader.others.iter().find(|(meta, _)| meta.seq == seq).map(|(_, event)| event);
    let reason = match event {
        Some(Event::RosterChanged(body)) => reader.maybe(body.reason.as_ref()),
        Some(Event::KeyRevoked(body)) => Some(reader.text(&body.reason)),
        _ => None,
    };
    Some(RosterChange {
        seq,
        kind: version.kind.into(),
        version: version.roster.version,
        roster: version.hash,
        by: version.by.clone(),
        text: before.map_or_else(|| "the first roster".into(), |before| difference(before, version)),
        reason,
    })
}

/// What a roster changes, in words.
fn difference(before: &RosterVersion, after: &RosterVersion) -> String {
    let (old, new) = (&before.roster, &after.roster);
    let mut parts = Vec::new();
    for person in &new.people {
        match old.person(person.id.as_str()) {
            None => {
                let roles: Vec<&str> = person.roles.iter().map(Token::as_str).collect();
                parts.push(format!("{} came on as {}", person.id, roles.join(", ")));
            }
            Some(earlier) => {
                if earlier.roles != person.roles {
                    let roles: Vec<&str> = person.roles.iter().map(Token::as_str).collect();
                    parts.push(format!("{} now has the roles {}", person.id, roles.join(", ")));
                }
                if earlier.keys != person.keys {
                    parts.push(format!("the keys of {} changed", person.id));
                }
            }
        }
    }
    let gone = old.people.iter().filter(|person| new.person(person.id.as_str()).is_none());
    parts.extend(gone.map(|person| format!("{} left", person.id)));
    if old.root_threshold != new.root_threshold {
        parts.push(format!("the root threshold went from {} to {}", old.root_threshold, new.root_threshold));
    }
    if old.separate != new.separate {
        parts.push("the separation of duties changed".into());
    }
    if parts.is_empty() { "other members changed".into() } else { parts.join("; ") }
}

pub(super) fn separation(reader: &Reader) -> Separation {
    let deployment = reader.deployment();
    let mut in_role: BTreeMap<&Token, BTreeSet<&Token>> = BTreeMap::new();
    for holding in &deployment.holdings {
        in_role.entry(&holding.role).or_default().insert(&holding.person);
    }
    for signatory in metas(deployment).flat_map(|meta| &meta.by) {
        in_role.entry(&signatory.role).or_default().insert(&signatory.person);
    }
    let pairs = reader.log().roster_at(deployment.opened.meta.seq).map(|v| v.roster.separate.as_slice());
    let people = |role: &Token| in_role.get(role).cloned().unwrap_or_default();
    let owned = |people: &BTreeSet<&Token>| people.iter().map(|&person| person.clone()).collect::<Vec<_>>();
    let rules: Vec<SeparationRule> = pairs
        .unwrap_or_default()
        .iter()
        .map(|(a, b)| {
            let (held_a, held_b) = (people(a), people(b));
            let both = held_a.intersection(&held_b).map(|&person| person.clone()).collect();
            SeparationRule {
                a: a.clone(),
                b: b.clone(),
                held_a: owned(&held_a),
                held_b: owned(&held_b),
                both,
            }
        })
        .collect();
    let broken = rules.iter().filter(|rule| !rule.both.is_empty()).count();
    let sentence = match (rules.len(), broken) {
        (0, _) => "The roster names no roles that must be kept apart.".into(),
        (_, 0) => "Kept: nobody held or signed in two roles that must be kept apart.".into(),
        (_, _) => format!("Broken: {broken} of {} rules.", rules.len()),
    };
    Separation { kept: !rules.is_empty() && broken == 0, sentence, rules }
}
