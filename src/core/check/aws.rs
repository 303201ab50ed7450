//! How AWS's services are looked at: what configuration says of checks on records, parameters, snapshots and logs.

use super::Decimal;
use crate::core::event::Colour;
use crate::core::time::Timestamp;
use crate::core::traffic::Traffic;

/// A database, as RDS names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// The identifier of the instance or the cluster.
    pub id: String,
    /// Whether it is an Aurora cluster.
    pub cluster: bool,
}

/// The records by which traffic moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsProbe {
    /// Where they must point to; either colour where absent.
    pub at: Option<Colour>,
    /// The services whose records are looked at; all where empty.
    pub services: Vec<String>,
    /// Their records.
    pub traffic: Vec<Traffic>,
}

/// Parameters below a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParametersProbe {
    /// Such as `/aether/prod/`.
    pub path: String,
    /// What must be there.
    pub expected: Vec<Expected>,
    /// A file that says what must be there, below the project's folder.
    pub manifest: Option<String>,
    /// Whether others may be there.
    pub allow_unexpected: bool,
    /// Older ones fail.
    pub max_age_days: Option<u32>,
    /// Those that have changed since are named.
    pub since: Option<Timestamp>,
    /// Whether a change since then fails.
    pub allow_changes: bool,
}

/// A parameter that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// In full.
    pub name: String,
    /// `String`, `StringList` or `SecureString`, where that matters.
    pub kind: Option<String>,
}

impl Expected {
    /// Reads `NAME` or `NAME TYPE`; a name that does not begin with a slash is below `path`. `None` for anything else.
    #[must_use]
    pub fn parse(line: &str, path: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (name, kind) = (words.next()?, words.next());
        let name_fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
        let kind_fits = kind.is_none_or(|kind| matches!(kind, "String" | "StringList" | "SecureString"));
        if !name_fits || !kind_fits || words.next().is_some() {
            return None;
        }
        let name = if name.starts_with('/') {
            name.to_owned()
        } else {
            format!("{}/{name}", path.trim_end_matches('/'))
        };
        Some(Self { name, kind: kind.map(str::to_owned) })
    }
}

/// The newest snapshot of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotProbe {
    /// Whose.
    pub database: Database,
    /// Older ones fail.
    pub max_age_minutes: u32,
    /// Whether one that is not encrypted fails.
    pub encrypted: bool,
    /// Whether what restoring needs is looked at too.
    pub restore: bool,
    /// When a restore was tried last.
    pub restore_tested: Option<Timestamp>,
    /// A restore tested longer ago fails.
    pub restore_test_days: Option<u32>,
}

/// Log groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsProbe {
    /// Their names; at least one.
    pub groups: Vec<String>,
    /// What is looked for.
    pub search: Search,
}

/// What is looked for in logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// How often a pattern occurs, against the hour before.
    Errors {
        /// A filter pattern of CloudWatch Logs.
        pattern: String,
        /// So many times the rate of the hour before are too many.
        max_ratio: Decimal,
        /// Fewer than this are never too many.
        min_events: u32,
    },
    /// What nobody should write into a log.
    Sensitive {
        /// Rules that are left out, by name.
        except: Vec<String>,
    },
}
