//! The records by which traffic moves, as Route 53 has them: where they point, and how long an answer may be kept.

use serde_json::{Value, json};

use super::{Answer, EvidenceError, Observation, Request, Source, json_response, moment};
use crate::core::check::{AwsSettings, DnsProbe};
use crate::core::event::Colour;
use crate::core::traffic::{Traffic, Way};
use crate::remote::aws::Connection;
use crate::remote::aws::route53::{Now, Route53, Standing, words};

/// The records of some services.
#[derive(Clone, Debug)]
pub struct Dns {
    probe: DnsProbe,
    aws: AwsSettings,
}

impl Dns {
    /// Looks at what `probe` names, reached by `aws`.
    #[must_use]
    pub const fn new(probe: DnsProbe, aws: AwsSettings) -> Self {
        Self { probe, aws }
    }

    /// What is wrong with a record, if anything.
    fn fault(&self, traffic: &Traffic, standing: &Standing) -> Option<String> {
        let wanted = |colour| self.probe.at.is_none_or(|at| at == colour);
        match standing.now {
            Now::All(colour) if wanted(colour) => {}
            Now::All(Colour::Blue) => return Some("points to Blue".to_owned()),
            Now::All(Colour::Green) => return Some("points to Green".to_owned()),
            Now::Split { green } => return Some(format!("sends {green} % to Green")),
            Now::Elsewhere(_) => return Some("points to neither Blue nor Green alone".to_owned()),
        }
        let (ttl, most) = (standing.ttl, traffic.max_ttl);
        (ttl > most).then(|| format!("has a TTL of {ttl} s, more than {most} s"))
    }
}

impl Source for Dns {
    fn query(&self) -> String {
        let records: Vec<_> = self.probe.traffic.iter().map(asked).collect();
        json!({ "action": "ListResourceRecordSets", "at": self.probe.at, "records": records }).to_string()
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let connection = Connection::open(&self.aws)?;
        let route53 = Route53(&connection);
        let (mut faults, mut fine, mut rows) = (vec![], vec![], vec![]);
        for traffic in &self.probe.traffic {
            let standing = route53.standing(traffic)?;
            let record = format!("{} {}", traffic.kind, traffic.record);
            match self.fault(traffic, &standing) {
                Some(fault) => faults.push(format!("{record} {fault}")),
                None => fine.push(format!("{record} {} s", standing.ttl)),
            }
            rows.push(row(traffic, &standing));
        }
        let answer = match (faults.is_empty(), fine.is_empty()) {
            (false, _) => Answer::No,
            (true, false) => Answer::Yes,
            (true, true) => Answer::Unknown,
        };
        faults.extend(fine);
        Ok(Observation {
            window: Some(moment(request.now)),
            answer: Some(answer),
            response: json_response(&json!({ "records": rows })),
            note: Some(faults.join("; ")),
            ..Observation::default()
        })
    }
}

fn asked(traffic: &Traffic) -> Value {
    let (blue, green) = match &traffic.way {
        Way::Weighted { blue, green } => (format!("set {blue}"), format!("set {green}")),
        Way::Switched { blue, green } => (words(blue), words(green)),
    };
    json!({ "zone": traffic.zone, "record": traffic.record, "type": traffic.kind.as_str(), "blue": blue, "green": green,
            "maxTtl": traffic.max_ttl })
}

fn row(traffic: &Traffic, standing: &Standing) -> Value {
    let sets: Vec<_> = standing
        .sets
        .iter()
        .map(|set| {
            json!({ "set": set.set, "weight": set.weight, "ttl": set.ttl, "target": words(&set.target),
                    "healthCheck": set.health_check })
        })
        .collect();
    let now = match &standing.now {
        Now::All(colour) => json!(colour),
        Now::Split { green } => json!(format!("{green} % green")),
        Now::Elsewhere(why) => json!(why),
    };
    json!({ "service": traffic.service, "record": traffic.record, "type": traffic.kind.as_str(), "now": now,
            "ttl": standing.ttl, "sets": sets })
}
