//! By which DNS record the traffic of a service moves between Blue and Green.

use std::fmt;

use crate::core::event::Colour;

/// How one service's traffic moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The service, as deployments name it.
    pub service: String,
    /// The id of the hosted zone, such as `Z0123456789ABCDEFGHIJ`.
    pub zone: String,
    /// The record's name, in lower case, without the dot at the end.
    pub record: String,
    /// The record's type.
    pub kind: RecordType,
    /// What is changed.
    pub way: Way,
    /// Answers while Blue is healthy, asked past the DNS.
    pub blue_health_url: Option<String>,
    /// Answers while Green is healthy, asked past the DNS.
    pub green_health_url: Option<String>,
    /// The checks that are collected after the traffic has moved.
    pub smoke: Vec<String>,
    /// Asked each second while traffic moves, as users would; the production address where it is absent.
    pub probe_url: Option<String>,
    /// Seconds that a resolver may keep the old answer at most.
    pub max_ttl: u32,
}

/// The types of records that traffic can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordType {
    /// IPv4 addresses, or an alias.
    A,
    /// IPv6 addresses, or an alias.
    Aaaa,
    /// Another name.
    Cname,
}

/// What is changed so that traffic moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The weights of two record sets, by their set identifiers; in steps or at once.
    Weighted {
        /// Blue's set identifier.
        blue: String,
        /// Green's set identifier.
        green: String,
    },
    /// The target of the one record set, at once.
    Switched {
        /// Blue's target.
        blue: Target,
        /// Green's target.
        green: Target,
    },
}

/// What a record answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Addresses, or one name for a CNAME record.
    Values(Vec<String>),
    /// Whatever another name of AWS's answers with.
    Alias {
        /// The name, in lower case, without the dot at the end.
        name: String,
        /// The hosted zone that the name is in: a load balancer's own, for example.
        zone: String,
    },
}

impl Traffic {
    /// Where a colour is asked whether it is healthy.
    #[must_use]
    pub fn health_url(&self, colour: Colour) -> Option<&str> {
        match colour {
            Colour::Blue => self.blue_health_url.as_deref(),
            Colour::Green => self.green_health_url.as_deref(),
        }
    }
}

impl RecordType {
    /// As it stands in DNS.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A DNS name as it is compared: in lower case, without the dot at the end.
#[must_use]
pub fn plain_name(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
