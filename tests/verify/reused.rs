//! Ids of people and keys are never used again: what comes back is a finding, whoever signed it.

use std::collections::BTreeMap;

use aether_audit::core::event::{Event, RosterChanged};
use aether_audit::core::roster::{KeyUse, QA_ENGINEER, Roster};

use super::common::{TestLog, story};
use super::{check_bytes, codes, roster_only};

fn change(log: &mut TestLog, edit: impl FnOnce(&TestLog, &mut Roster)) -> u64 {
    let mut roster = log.log.roster().unwrap().roster.successor();
    edit(log, &mut roster);
    log.govern(&Event::RosterChanged(RosterChanged { names: BTreeMap::new(), reason: None, roster }))
}

fn found(log: &TestLog) -> Vec<(Option<u64>, &'static str)> {
    codes(&check_bytes(&log.entries, log, &roster_only(log)).findings)
}

#[test]
fn a_person_who_was_removed_does_not_come_back() {
    let mut log = story::short();
    change(&mut log, |_, roster| roster.people.retain(|person| person.id != "carol"));
    assert_eq!(found(&log), []);
    let back = change(&mut log, |log, roster| {
        let mut carol = log.person("carol", &[QA_ENGINEER], false);
        carol.keys = vec![log.roster_key("carol", "carol's new key", KeyUse::Role)];
        roster.people.push(carol);
    });
    assert_eq!(found(&log), [(Some(back), "reused")], "by another key too");
    change(&mut log, |_, roster| roster.separate.clear());
    assert_eq!(found(&log), [(Some(back), "reused")], "once");
}

#[test]
fn a_key_that_was_revoked_does_not_come_back() {
    let mut log = story::short();
    let key = log.roster_key("bob", "bob", KeyUse::Role);
    let second = log.roster_key("bob", "bob two", KeyUse::Role);
    let of_bob = |roster: &mut Roster, keys| {
        roster.people.iter_mut().find(|person| person.id == "bob").unwrap().keys = keys;
    };
    change(&mut log, |_, roster| of_bob(roster, vec![second.clone()]));
    assert_eq!(found(&log), []);
    let back = change(&mut log, |_, roster| of_bob(roster, vec![second, key]));
    assert_eq!(found(&log), [(Some(back), "reused")]);
}

#[test]
fn a_key_stays_with_its_person() {
    let mut log = story::short();
    let seq = change(&mut log, |log, roster| {
        let (bobs, carols) =
            (log.roster_key("bob", "carol", KeyUse::Role), log.roster_key("carol", "bob", KeyUse::Role));
        for person in &mut roster.people {
            match person.id.as_str() {
                "bob" => person.keys = vec![bobs.clone()],
                "carol" => person.keys = vec![carols.clone()],
                _ => {}
            }
        }
    });
    assert_eq!(found(&log), [(Some(seq), "reused"), (Some(seq), "reused")]);
}
