//! Where the traffic of a service goes by its record sets, and which record sets would move it.

use super::record::{RecordSet, same};
use crate::core::event::Colour;
use crate::core::traffic::{Target, Traffic, Way};

/// AWS answers for an alias with its target's TTL: a load balancer's is a minute.
pub const ALIAS_TTL: u32 = 60;

/// Where traffic goes, as Route 53 answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Now {
    /// All of it to one colour.
    All(Colour),
    /// Some to each.
    Split {
        /// Percent that go to Green, 1 to 99.
        green: u8,
    },
    /// Somewhere that the configuration does not name; in words.
    Elsewhere(String),
}

/// What Route 53 has for a service's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The record sets of that name and type.
    pub sets: Vec<RecordSet>,
    /// Where they send traffic.
    pub now: Now,
    /// Seconds that a resolver may keep an answer at most.
    pub ttl: u32,
}

/// Why traffic cannot be moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// There is nothing to change.
    #[error(
        "there is no {kind} record {record} in the zone {zone}: make it, or correct [[traffic]] in aether.toml"
    )]
    NoRecord {
        /// Its name.
        record: String,
        /// Its type.
        kind: &'static str,
        /// The zone.
        zone: String,
    },
    /// One of the two is missing.
    #[error(
        "{record} has no weighted set {set}: make it, or correct `blue-set` and `green-set` under [[traffic]]"
    )]
    NoSet {
        /// The record's name.
        record: String,
        /// The set identifier.
        set: String,
    },
    /// A routing policy, or anything else, that a change would lose.
    #[error(
        "{record} has the property {property}, which this program would lose: move its traffic by hand, and record it"
    )]
    NotUnderstood {
        /// The record's name.
        record: String,
        /// Such as `Failover`.
        property: String,
    },
    /// Several record sets where one is to be switched.
    #[error(
        "{record} has {sets} record sets: name two of them by `blue-set` and `green-set` under [[traffic]]"
    )]
    Several {
        /// The record's name.
        record: String,
        /// How many.
        sets: usize,
    },
    /// A step that one record cannot make.
    #[error("{record} is switched at once: traffic can be moved in steps only between weighted sets")]
    NoSteps {
        /// The record's name.
        record: String,
    },
}

impl Standing {
    /// What the record sets of a service's record mean.
    #[must_use]
    pub fn of(traffic: &Traffic, sets: Vec<RecordSet>) -> Self {
        let now = match &traffic.way {
            Way::Weighted { blue, green } => weighted(&sets, blue, green),
            Way::Switched { blue, green } => switched(&sets, blue, green),
        };
        let ttl = sets.iter().map(|set| set.ttl.unwrap_or(ALIAS_TTL)).max().unwrap_or_default();
        Self { sets, now, ttl }
    }

    /// The record sets that, written in one batch, send `green` percent of the traffic to Green and the rest to Blue.
    ///
    /// # Errors
    /// Where that cannot be done, or would lose something.
    pub fn plan(&self, traffic: &Traffic, green: u8) -> Result<Vec<RecordSet>, SwitchError> {
        let record = || traffic.record.clone();
        let green = green.min(100);
        let sets = match &traffic.way {
            Way::Weighted { blue: blue_set, green: green_set } => {
                let weighted = |name: &String, weight: u8| {
                    let set = self.sets.iter().find(|set| set.set.as_ref() == Some(name));
                    let set =
                        set.ok_or_else(|| SwitchError::NoSet { record: record(), set: name.clone() })?;
                    Ok(RecordSet { weight: Some(weight), ..set.clone() })
                };
                vec![weighted(blue_set, 100 - green)?, weighted(green_set, green)?]
            }
            Way::Switched { blue: to_blue, green: to_green } => {
                let target = match green {
                    0 => to_blue,
                    100 => to_green,
                    _ => return Err(SwitchError::NoSteps { record: record() }),
                };
                let set = match self.sets.as_slice() {
                    [set] => set,
                    [] => {
                        let (kind, zone) = (traffic.kind.as_str(), traffic.zone.clone());
                        return Err(SwitchError::NoRecord { record: record(), kind, zone });
                    }
                    sets => return Err(SwitchError::Several { record: record(), sets: sets.len() }),
                };
                let ttl = match target {
                    Target::Alias { .. } => None,
                    Target::Values(_) => Some(set.ttl.unwrap_or(traffic.max_ttl)),
                };
                vec![RecordSet { target: target.clone(), ttl, ..set.clone() }]
            }
        };
        match sets.iter().find_map(|set| set.other.clone()) {
            Some(property) => Err(SwitchError::NotUnderstood { record: record(), property }),
            None => Ok(sets),
        }
    }
}

fn weighted(sets: &[RecordSet], blue: &str, green: &str) -> Now {
    let weight = |name: &str| {
        let set = sets.iter().find(|set| set.set.as_deref() == Some(name));
        set.and_then(|set| set.weight).map(u32::from)
    };
    let (Some(to_blue), Some(to_green)) = (weight(blue), weight(green)) else {
        return Now::Elsewhere(format!("the weighted sets {blue} and {green} are not both there"));
    };
    let known = |set: &&RecordSet| set.set.as_deref().is_some_and(|set| set == blue || set == green);
    let foreign: Vec<_> = sets
        .iter()
        .filter(|set| !known(set) && set.weight != Some(0))
        .map(|set| set.set.as_deref().unwrap_or("a set without an identifier"))
        .collect();
    if !foreign.is_empty() {
        return Now::Elsewhere(format!("traffic also goes to {}", foreign.join(", ")));
    }
    match (to_blue, to_green) {
        // Where all weights are 0, Route 53 answers with each alike.
        (0, 0) => Now::Split { green: 50 },
        (_, 0) => Now::All(Colour::Blue),
        (0, _) => Now::All(Colour::Green),
        (to_blue, to_green) => {
            let percent = 100 * to_green / (to_blue + to_green);
            Now::Split { green: u8::try_from(percent).unwrap_or(99).clamp(1, 99) }
        }
    }
}

fn switched(sets: &[RecordSet], blue: &Target, green: &Target) -> Now {
    match sets {
        [] => Now::Elsewhere("the record is not there".to_owned()),
        [set] if same(&set.target, blue) => Now::All(Colour::Blue),
        [set] if same(&set.target, green) => Now::All(Colour::Green),
        [set] => Now::Elsewhere(format!("it points to {}", words(&set.target))),
        sets => Now::Elsewhere(format!("it has {} record sets", sets.len())),
    }
}

/// A target in words.
#[must_use]
pub fn words(target: &Target) -> String {
    match target {
        Target::Values(values) => values.join(", "),
        Target::Alias { name, zone } => format!("{name} (alias in {zone})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::traffic::RecordType;

    fn set(name: Option<&str>, weight: Option<u8>, target: &str) -> RecordSet {
        RecordSet {
            name: "app.example.com".into(),
            kind: "CNAME".into(),
            set: name.map(str::to_owned),
            weight,
            ttl: Some(60),
            target: Target::Values(vec![target.into()]),
            evaluate: false,
            health_check: Some("h".into()),
            other: None,
        }
    }

    fn traffic(way: Way) -> Traffic {
        Traffic {
            service: "app".into(),
            zone: "Z1".into(),
            record: "app.example.com".into(),
            kind: RecordType::Cname,
            way,
            blue_health_url: None,
            green_health_url: None,
            smoke: vec![],
            probe_url: None,
            max_ttl: 60,
        }
    }

    #[test]
    fn weights() {
        let traffic = traffic(Way::Weighted { blue: "blue".into(), green: "green".into() });
        let standing = |blue, green| {
            let sets = vec![set(Some("blue"), Some(blue), "b"), set(Some("green"), Some(green), "g")];
            Standing::of(&traffic, sets)
        };
        assert_eq!(standing(100, 0).now, Now::All(Colour::Blue));
        assert_eq!(standing(0, 7).now, Now::All(Colour::Green));
        assert_eq!(standing(0, 0).now, Now::Split { green: 50 });
        assert_eq!(standing(90, 10).now, Now::Split { green: 10 });
        // A trace of traffic is not none, and all but a trace is not all.
        assert_eq!(standing(255, 1).now, Now::Split { green: 1 });
        assert_eq!(standing(1, 255).now, Now::Split { green: 99 });
        let plan = standing(100, 0).plan(&traffic, 10).unwrap();
        assert_eq!(plan.iter().map(|set| set.weight).collect::<Vec<_>>(), [Some(90), Some(10)]);
        assert!(plan.iter().all(|set| set.health_check.as_deref() == Some("h") && set.ttl == Some(60)));
        let mut three = standing(100, 0).sets;
        three.push(set(Some("canary"), Some(5), "c"));
        assert_eq!(Standing::of(&traffic, three).now, Now::Elsewhere("traffic also goes to canary".into()));
        let one = Standing::of(&traffic, vec![set(Some("blue"), Some(1), "b")]);
        assert!(matches!(one.now, Now::Elsewhere(_)));
        assert!(matches!(one.plan(&traffic, 0), Err(SwitchError::NoSet { set, .. }) if set == "green"));
    }

    #[test]
    fn targets() {
        let (blue, green) = (Target::Values(vec!["b".into()]), Target::Values(vec!["g".into()]));
        let traffic = traffic(Way::Switched { blue, green: green.clone() });
        let standing = |target: &str| Standing::of(&traffic, vec![set(None, None, target)]);
        assert_eq!(standing("B.").now, Now::All(Colour::Blue));
        assert_eq!(standing("x").now, Now::Elsewhere("it points to x".into()));
        assert_eq!(standing("b").plan(&traffic, 100).unwrap()[0].target, green);
        assert!(matches!(standing("b").plan(&traffic, 50), Err(SwitchError::NoSteps { .. })));
        let none = Standing::of(&traffic, vec![]);
        assert!(matches!(none.plan(&traffic, 100), Err(SwitchError::NoRecord { .. })));
        let odd = RecordSet { other: Some("Failover".into()), ..set(None, None, "b") };
        let refused = Standing::of(&traffic, vec![odd]).plan(&traffic, 100).unwrap_err();
        assert!(refused.to_string().contains("Failover"), "{refused}");
    }
}
