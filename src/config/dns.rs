//! `[dns]`: which resolvers are asked whether they have noticed that traffic moved.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;
use toml::Spanned;

use super::value::{Located, optional_number};

/// `[dns]`: who is asked whether traffic has moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsSettings {
    /// The resolvers; those of this machine where absent, nobody where empty.
    pub resolvers: Option<Vec<SocketAddr>>,
    /// How long they may take to notice; the record's TTL and a minute where absent.
    pub timeout_seconds: Option<u32>,
}

/// As it is written.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Dns {
    resolvers: Option<Vec<Spanned<String>>>,
    timeout_seconds: Option<Spanned<i64>>,
}

pub fn dns(raw: Dns) -> Result<DnsSettings, Located> {
    let resolvers =
        raw.resolvers.map(|all| all.iter().map(resolver).collect::<Result<_, _>>()).transpose()?;
    let timeout_seconds = optional_number(raw.timeout_seconds.as_ref(), 1..=3600)?;
    Ok(DnsSettings { resolvers, timeout_seconds })
}

fn resolver(raw: &Spanned<String>) -> Result<SocketAddr, Located> {
    let text = raw.get_ref();
    let plain = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
    plain.or_else(|_| text.parse()).map_err(|_| {
        let help = "write an address such as \"1.1.1.1\" or \"127.0.0.1:5353\"";
        Located::new(raw.span(), "not the address of a resolver", help)
    })
}
