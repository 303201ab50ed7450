//! The newest snapshot of a database, and whether it could be restored.

use serde_json::json;

use super::{Answer, EvidenceError, Observation, Request, Source, json_response, moment};
use crate::core::check::{AwsSettings, SnapshotProbe};
use crate::core::time::Timestamp;
use crate::remote::aws::Connection;
use crate::remote::aws::rds::{Needs, Rds};

/// The snapshots of a database.
#[derive(Clone, Debug)]
pub struct Snapshot {
    probe: SnapshotProbe,
    aws: AwsSettings,
}

impl Snapshot {
    /// Looks at what `probe` names, reached by `aws`.
    #[must_use]
    pub const fn new(probe: SnapshotProbe, aws: AwsSettings) -> Self {
        Self { probe, aws }
    }

    /// What stands in the way of restoring.
    fn restore(&self, rds: Rds, needs: &Needs, now: Timestamp) -> Result<Vec<String>, EvidenceError> {
        let mut faults = vec![];
        if !rds.has_engine(&needs.engine, &needs.version)? {
            faults.push(format!("{} {} is no longer offered", needs.engine, needs.version));
        }
        if let Some(subnets) = &needs.subnets
            && !rds.has_subnets(subnets)?
        {
            faults.push(format!("the subnet group {subnets} is gone"));
        }
        for group in &needs.parameters {
            if !rds.has_parameters(&self.probe.database, group)? {
                faults.push(format!("the parameter group {group} is gone"));
            }
        }
        faults.extend(self.untested(now));
        Ok(faults)
    }

    fn untested(&self, now: Timestamp) -> Option<String> {
        let (tested, days) = (self.probe.restore_tested?, self.probe.restore_test_days?);
        let old = tested < now.plus_seconds(-86_400 * i64::from(days));
        old.then(|| format!("a restore was tested on {}, more than {days} days ago", tested.human()))
    }
}

impl Source for Snapshot {
    fn query(&self) -> String {
        let probe = &self.probe;
        json!({
            "action": if probe.database.cluster { "DescribeDBClusterSnapshots" } else { "DescribeDBSnapshots" },
            "database": probe.database.id, "maxAgeMinutes": probe.max_age_minutes, "encrypted": probe.encrypted,
            "restore": probe.restore, "restoreTested": probe.restore_tested, "restoreTestDays": probe.restore_test_days,
        })
        .to_string()
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let connection = Connection::open(&self.aws)?;
        let rds = Rds(&connection);
        let database = &self.probe.database;
        let needs = rds.needs(database)?.ok_or_else(|| EvidenceError::Invalid {
            what: format!(
                "RDS has no {} called {}",
                if database.cluster { "cluster" } else { "instance" },
                database.id
            ),
        })?;
        let all = rds.snapshots(database)?;
        let oldest = request.now.plus_seconds(-60 * i64::from(self.probe.max_age_minutes));
        let newest = all.iter().find(|one| one.status == "available" && one.created.is_some());
        let mut faults = vec![];
        let mut note = String::new();
        match newest {
            None => faults.push(format!("none of {} snapshots is available", all.len())),
            Some(one) => {
                let at = one.created.map_or_else(String::new, Timestamp::human);
                note = format!("{} of {at}, {} GiB, {} {}", one.id, one.gib, one.engine, one.version);
                if one.created.is_none_or(|created| created < oldest) {
                    let most = self.probe.max_age_minutes;
                    faults.push(format!("the newest available one is older than {most} minutes"));
                }
                if self.probe.encrypted && !one.encrypted {
                    faults.push("it is not encrypted".to_owned());
                }
            }
        }
        if self.probe.restore {
            faults.extend(self.restore(rds, &needs, request.now)?);
        } else {
            faults.extend(self.untested(request.now));
        }
        let answer = if faults.is_empty() { Answer::Yes } else { Answer::No };
        let rows: Vec<_> = all
            .iter()
            .take(50)
            .map(|one| {
                json!({ "id": one.id, "arn": one.arn, "status": one.status, "created": one.created,
                        "encrypted": one.encrypted, "gib": one.gib, "engine": one.engine, "version": one.version })
            })
            .collect();
        let response = json!({
            "database": database.id, "engine": needs.engine, "version": needs.version, "subnetGroup": needs.subnets,
            "parameterGroups": needs.parameters, "faults": faults, "snapshots": rows,
        });
        faults.extend(Some(note).filter(|note| !note.is_empty()));
        Ok(Observation {
            window: Some(moment(request.now)),
            answer: Some(answer),
            response: json_response(&response),
            note: Some(faults.join("; ")),
            ..Observation::default()
        })
    }
}
