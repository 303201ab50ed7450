//! RDS: snapshots of instances and of Aurora clusters, and what restoring one needs.

use chrono::DateTime;
use roxmltree::{Document, Node};

use super::xml::{child, items, text};
use super::{Api, Ask, AwsError, Connection, Format};
use crate::core::check::Database;
use crate::core::time::Timestamp;

const API: Api =
    Api { name: "RDS", id: "rds", service: "RDS", global: false, format: Format::Xml, words: false };
const VERSION: &str = "2014-10-31";
/// A page has up to 100 members.
const MAX_PAGES: usize = 100;

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its identifier.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// What it is of.
    pub database: String,
    /// Such as `creating`, `available` or `failed`.
    pub status: String,
    /// Percent that are done.
    pub progress: u8,
    /// When it was taken; absent while it has not begun.
    pub created: Option<Timestamp>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// GiB of storage.
    pub gib: u64,
    /// Such as `postgres`.
    pub engine: String,
    /// Such as `16.3`.
    pub version: String,
}

/// What restoring a snapshot of a database needs beside the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Its engine.
    pub engine: String,
    /// The engine's version.
    pub version: String,
    /// Its subnet group, where it is in one.
    pub subnets: Option<String>,
    /// Its parameter groups.
    pub parameters: Vec<String>,
}

/// RDS, by one connection.
#[derive(Clone, Copy, Debug)]
pub struct Rds<'a>(pub &'a Connection);

/// How one call differs between instances and clusters.
struct Names {
    create: (&'static str, &'static str),
    list: (&'static str, &'static str),
    members: (&'static str, &'static str),
    id: &'static str,
    database: &'static str,
    arn: &'static str,
    missing: &'static str,
    encrypted: &'static str,
}

const INSTANCE: Names = Names {
    create: ("CreateDBSnapshot", "rds:CreateDBSnapshot"),
    list: ("DescribeDBSnapshots", "rds:DescribeDBSnapshots"),
    members: ("DBSnapshots", "DBSnapshot"),
    id: "DBSnapshotIdentifier",
    database: "DBInstanceIdentifier",
    arn: "DBSnapshotArn",
    missing: "DBSnapshotNotFound",
    encrypted: "Encrypted",
};

const CLUSTER: Names = Names {
    create: ("CreateDBClusterSnapshot", "rds:CreateDBClusterSnapshot"),
    list: ("DescribeDBClusterSnapshots", "rds:DescribeDBClusterSnapshots"),
    members: ("DBClusterSnapshots", "DBClusterSnapshot"),
    id: "DBClusterSnapshotIdentifier",
    database: "DBClusterIdentifier",
    arn: "DBClusterSnapshotArn",
    missing: "DBClusterSnapshotNotFoundFault",
    encrypted: "StorageEncrypted",
};

const fn names(database: &Database) -> &'static Names {
    if database.cluster { &CLUSTER } else { &INSTANCE }
}

impl Rds<'_> {
    /// Begins a snapshot. One of that identifier that is there already is left as it is, and refused with the code
    /// `DBSnapshotAlreadyExists` or `DBClusterSnapshotAlreadyExistsFault`.
    ///
    /// # Errors
    /// Where RDS does not begin it, or its answer is lost: then look before trying again.
    pub fn create(&self, database: &Database, id: &str) -> Result<Snapshot, AwsError> {
        let names = names(database);
        let (call, action) = names.create;
        let input = [(names.id, id), (names.database, database.id.as_str())];
        let (_, member) = names.members;
        self.ask(call, action, &input, &|result| snapshot(child(result, member)?, names))
    }

    /// The snapshot called `id`; `None` where there is none.
    ///
    /// # Errors
    /// Where it could not be read.
    pub fn snapshot(&self, database: &Database, id: &str) -> Result<Option<Snapshot>, AwsError> {
        match self.list(names(database), &[(names(database).id, id)]) {
            Err(error) if error.code() == Some(names(database).missing) => Ok(None),
            all => Ok(all?.into_iter().find(|one| one.id == id)),
        }
    }

    /// All snapshots of a database, the newest first.
    ///
    /// # Errors
    /// Where they could not all be read.
    pub fn snapshots(&self, database: &Database) -> Result<Vec<Snapshot>, AwsError> {
        let names = names(database);
        let mut all = self.list(names, &[(names.database, database.id.as_str())])?;
        all.retain(|one| one.database == database.id);
        all.sort_by_key(|one| std::cmp::Reverse(one.created));
        Ok(all)
    }

    /// What restoring needs; `None` where there is no such database.
    ///
    /// # Errors
    /// Where it could not be read.
    pub fn needs(&self, database: &Database) -> Result<Option<Needs>, AwsError> {
        let (call, action, list, member, missing) = if database.cluster {
            (
                "DescribeDBClusters",
                "rds:DescribeDBClusters",
                "DBClusters",
                "DBCluster",
                "DBClusterNotFoundFault",
            )
        } else {
            (
                "DescribeDBInstances",
                "rds:DescribeDBInstances",
                "DBInstances",
                "DBInstance",
                "DBInstanceNotFound",
            )
        };
        let input = [(names(database).database, database.id.as_str())];
        let read = |result: Node| {
            let Some(one) = items(result, list, member).next() else { return Some(None) };
            Some(Some(if database.cluster { cluster_needs(one)? } else { instance_needs(one)? }))
        };
        match self.ask(call, action, &input, &read) {
            Err(error) if error.code() == Some(missing) => Ok(None),
            found => found,
        }
    }

    /// Whether databases of this engine and version can still be made.
    ///
    /// # Errors
    /// Where it could not be read.
    pub fn has_engine(&self, engine: &str, version: &str) -> Result<bool, AwsError> {
        let input = [("Engine", engine), ("EngineVersion", version)];
        self.there("DescribeDBEngineVersions", "rds:DescribeDBEngineVersions", &input, |result| {
            items(result, "DBEngineVersions", "DBEngineVersion")
                .any(|one| text(one, "EngineVersion") == Some(version))
        })
    }

    /// Whether a subnet group is there.
    ///
    /// # Errors
    /// Where it could not be read.
    pub fn has_subnets(&self, name: &str) -> Result<bool, AwsError> {
        let input = [("DBSubnetGroupName", name)];
        self.there("DescribeDBSubnetGroups", "rds:DescribeDBSubnetGroups", &input, |result| {
            items(result, "DBSubnetGroups", "DBSubnetGroup").next().is_some()
        })
    }

    /// Whether a parameter group, of instances or of clusters, is there.
    ///
    /// # Errors
    /// Where it could not be read.
    pub fn has_parameters(&self, database: &Database, name: &str) -> Result<bool, AwsError> {
        if database.cluster {
            let input = [("DBClusterParameterGroupName", name)];
            let call = "DescribeDBClusterParameterGroups";
            self.there(call, "rds:DescribeDBClusterParameterGroups", &input, |result| {
                items(result, "DBClusterParameterGroups", "DBClusterParameterGroup").next().is_some()
            })
        } else {
            let input = [("DBParameterGroupName", name)];
            self.there("DescribeDBParameterGroups", "rds:DescribeDBParameterGroups", &input, |result| {
                items(result, "DBParameterGroups", "DBParameterGroup").next().is_some()
            })
        }
    }

    fn there(
        self,
        call: &str,
        action: &'static str,
        input: &[(&str, &str)],
        found: impl Fn(Node) -> bool,
    ) -> Result<bool, AwsError> {
        match self.ask(call, action, input, &|result| Some(found(result))) {
            Err(error) if error.code().is_some_and(|code| code.contains("NotFound")) => Ok(false),
            answer => answer,
        }
    }

    fn list(self, names: &Names, input: &[(&str, &str)]) -> Result<Vec<Snapshot>, AwsError> {
        let ((call, action), (list, member)) = (names.list, names.members);
        let mut all = vec![];
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut input = input.to_vec();
            input.extend(marker.iter().map(|marker| ("Marker", marker.as_str())));
            let read = |result: Node| {
                child(result, list)?;
                let found: Option<Vec<_>> =
                    items(result, list, member).map(|one| snapshot(one, names)).collect();
                Some((found?, text(result, "Marker").map(str::to_owned)))
            };
            let (found, next) = self.ask(call, action, &input, &read)?;
            all.extend(found);
            if next.is_none() {
                return Ok(all);
            }
            if next == marker {
                break;
            }
            marker = next;
        }
        Err(AwsError::nonsense(action))
    }

    /// One call; `read` is given the element `…Result`.
    fn ask<T>(
        self,
        call: &str,
        action: &'static str,
        input: &[(&str, &str)],
        read: &dyn Fn(Node) -> Option<T>,
    ) -> Result<T, AwsError> {
        let body = self.0.ask(&API, action, Ask::query(call, VERSION, input))?;
        let answer = || {
            let document = Document::parse(std::str::from_utf8(&body).ok()?).ok()?;
            let result = child(document.root_element(), &format!("{call}Result"))?;
            read(result)
        };
        answer().ok_or_else(|| AwsError::nonsense(action))
    }
}

fn snapshot(node: Node, names: &Names) -> Option<Snapshot> {
    let owned = |name| text(node, name).map(str::to_owned);
    let created = text(node, "SnapshotCreateTime").map(DateTime::parse_from_rfc3339).transpose().ok()?;
    Some(Snapshot {
        id: owned(names.id)?,
        arn: owned(names.arn)?,
        database: owned(names.database)?,
        status: owned("Status")?,
        progress: text(node, "PercentProgress").and_then(|text| text.parse().ok()).unwrap_or_default(),
        created: created.and_then(|time| Timestamp::from_millis(time.timestamp_millis()).ok()),
        encrypted: text(node, names.encrypted) == Some("true"),
        gib: text(node, "AllocatedStorage").and_then(|text| text.parse().ok()).unwrap_or_default(),
        engine: owned("Engine")?,
        version: owned("EngineVersion")?,
    })
}

fn instance_needs(node: Node) -> Option<Needs> {
    let groups = items(node, "DBParameterGroups", "DBParameterGroup");
    Some(Needs {
        engine: text(node, "Engine")?.to_owned(),
        version: text(node, "EngineVersion")?.to_owned(),
        subnets: child(node, "DBSubnetGroup")
            .and_then(|group| text(group, "DBSubnetGroupName"))
            .map(str::to_owned),
        parameters: groups
            .filter_map(|group| text(group, "DBParameterGroupName").map(str::to_owned))
            .collect(),
    })
}

fn cluster_needs(node: Node) -> Option<Needs> {
    Some(Needs {
        engine: text(node, "Engine")?.to_owned(),
        version: text(node, "EngineVersion")?.to_owned(),
        subnets: text(node, "DBSubnetGroup").map(str::to_owned),
        parameters: text(node, "DBClusterParameterGroup").map(str::to_owned).into_iter().collect(),
    })
}
