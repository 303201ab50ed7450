//! What happens again and again: items, waivers, checks, people.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Facts;
use crate::core::event::Outcome;
use crate::core::name::Token;
use crate::core::time::Timestamp;

/// A sign-off so many seconds after what stood before it, or fewer, is a quick one.
pub const QUICK_SECONDS: i64 = 5;
/// So many sign-offs make a habit.
const HABIT: u64 = 5;
/// So many changes of the verdict within one deployment are a flapping check: away, back, and away again.
const FLAPS: u64 = 3;

/// An item of the checklist, across deployments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemHabit {
    /// Its id.
    pub item: String,
    /// How many deployments had it.
    pub deployments: u64,
    /// In how many its last sign-off came after the end of its phase.
    pub late: u64,
    /// In how many it was not applicable.
    pub na: u64,
    /// In how many it failed.
    pub failed: u64,
    /// How often a sign-off was taken back.
    pub withdrawn: u64,
    /// In how many that were completed it was never wholly signed.
    pub unsigned: u64,
}

impl ItemHabit {
    const fn told(&self) -> u64 {
        self.late + self.na + self.failed + self.withdrawn + self.unsigned
    }
}

/// A requirement that was waived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequirementHabit {
    /// Which, for example `item/env-audit`.
    pub requirement: String,
    /// How often.
    pub times: u64,
    /// In how many deployments.
    pub deployments: u64,
}

/// A check, across deployments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckHabit {
    /// Its id.
    pub check: String,
    /// How many readings.
    pub readings: u64,
    /// How many passed.
    pub passed: u64,
    /// How often its verdict changed between a pass and anything else.
    pub flips: u64,
    /// In how many deployments it changed three times or more.
    pub flapped: u64,
}

/// A person or machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonHabit {
    /// Who.
    pub person: Token,
    /// Whether a machine.
    pub machine: bool,
    /// In how many deployments they signed an item or decided.
    pub deployments: u64,
    /// Items signed.
    pub signed: u64,
    /// Of them, those at most five seconds after what stood before them.
    pub quick: u64,
    /// Decisions, overrides included.
    pub decided: u64,
    /// Five sign-offs or more, and every one of them quick but the first in each deployment.
    pub always_quick: bool,
}

impl PersonHabit {
    /// What *quick* means.
    pub const DEFINITION: &'static str = "quick: signed at most 5 seconds after the same person's sign-off before it in that \
        deployment, or, for their first, after the opening; always quick: 5 sign-offs or more, and all but the first in each \
        deployment quick";
}

pub(super) fn items(deployments: &[&Facts]) -> Vec<ItemHabit> {
    let mut all: BTreeMap<&str, ItemHabit> = BTreeMap::new();
    for facts in deployments {
        let over = facts.outcome == Some(Outcome::Completed);
        for item in &facts.items {
            let habit = all.entry(&item.id).or_default();
            habit.deployments += 1;
            habit.late += u64::from(item.late == Some(true));
            habit.na += u64::from(item.state == "na");
            habit.failed += u64::from(item.state == "failed");
            habit.unsigned += u64::from(over && matches!(item.state.as_str(), "open" | "partly"));
            habit.withdrawn += item.withdrawn;
        }
    }
    let mut all: Vec<ItemHabit> =
        all.into_iter().map(|(id, habit)| ItemHabit { item: id.to_owned(), ..habit }).collect();
    all.retain(|habit| habit.told() > 0);
    all.sort_by(|a, b| b.told().cmp(&a.told()).then_with(|| a.item.cmp(&b.item)));
    all
}

pub(super) fn waived(deployments: &[&Facts]) -> Vec<RequirementHabit> {
    let mut all: BTreeMap<&str, RequirementHabit> = BTreeMap::new();
    for facts in deployments {
        let mut here: Vec<&str> = Vec::new();
        for waived in &facts.overrides {
            let name = waived.requirement.as_ref().map_or("not named", |name| name.as_ref());
            let habit = all.entry(name).or_insert_with(|| RequirementHabit {
                requirement: name.to_owned(),
                times: 0,
                deployments: 0,
            });
            habit.times += 1;
            if !here.contains(&name) {
                habit.deployments += 1;
                here.push(name);
            }
        }
    }
    let mut all: Vec<RequirementHabit> = all.into_values().collect();
    all.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| a.requirement.cmp(&b.requirement)));
    all
}

pub(super) fn checks(deployments: &[&Facts]) -> Vec<CheckHabit> {
    let mut all: BTreeMap<&str, CheckHabit> = BTreeMap::new();
    for (id, check) in deployments.iter().flat_map(|facts| &facts.checks) {
        let habit = all.entry(id).or_default();
        habit.readings += check.readings;
        habit.passed += check.passed;
        habit.flips += check.flips;
        habit.flapped += u64::from(check.flips >= FLAPS);
    }
    let mut all: Vec<CheckHabit> =
        all.into_iter().map(|(id, habit)| CheckHabit { check: id.to_owned(), ..habit }).collect();
    all.sort_by(|a, b| b.flips.cmp(&a.flips).then_with(|| a.check.cmp(&b.check)));
    all
}

#[derive(Default)]
struct Counted {
    machine: bool,
    deployments: u64,
    signed: u64,
    quick: u64,
    decided: u64,
    /// Sign-offs after another of their own in the same deployment, and those of them that were quick.
    followed: (u64, u64),
}

pub(super) fn people(deployments: &[&Facts]) -> Vec<PersonHabit> {
    let mut all: BTreeMap<&Token, Counted> = BTreeMap::new();
    for facts in deployments {
        let mut last: BTreeMap<&Token, Timestamp> = BTreeMap::new();
        for sign in &facts.signs {
            let counted = all.entry(&sign.person).or_default();
            let own = last.insert(&sign.person, sign.at);
            let after = sign.at.millis() - own.unwrap_or(facts.opened).millis();
            let quick = u64::from(after <= QUICK_SECONDS * 1000);
            counted.machine |= sign.machine;
            counted.signed += 1;
            counted.quick += quick;
            if own.is_some() {
                counted.followed = (counted.followed.0 + 1, counted.followed.1 + quick);
            }
        }
        for (person, count) in &facts.decisions {
            all.entry(person).or_default().decided += count;
        }
        for (&person, counted) in &mut all {
            counted.deployments +=
                u64::from(last.contains_key(person) || facts.decisions.contains_key(person));
        }
    }
    let of = |(person, counted): (&Token, Counted)| PersonHabit {
        person: person.clone(),
        machine: counted.machine,
        deployments: counted.deployments,
        signed: counted.signed,
        quick: counted.quick,
        decided: counted.decided,
        always_quick: !counted.machine
            && counted.signed >= HABIT
            && counted.followed.0 > 0
            && counted.followed.0 == counted.followed.1,
    };
    all.into_iter().map(of).collect()
}
