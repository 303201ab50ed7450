//! `[check.dns]`: the records by which traffic moves.

use serde::Deserialize;
use toml::Spanned;

use super::raw::Check;
use super::value::Located;
use crate::core::check::{DnsProbe, Probe};
use crate::core::event::Colour;
use crate::core::traffic::Traffic;

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Raw {
    pub services: Vec<Spanned<String>>,
    pub at: Option<Colour>,
}

pub fn probe(raw: &Check) -> (Probe, String) {
    let own = raw.dns.as_ref().map(Spanned::get_ref);
    let services: Vec<String> =
        own.iter().flat_map(|own| &own.services).map(|service| service.get_ref().clone()).collect();
    let at = own.and_then(|own| own.at);
    let to = match at {
        Some(Colour::Blue) => "Blue",
        Some(Colour::Green) => "Green",
        None => "Blue or Green",
    };
    let of = if services.is_empty() { String::new() } else { format!(" of {}", services.join(", ")) };
    (
        Probe::Dns(DnsProbe { at, services, traffic: vec![] }),
        format!("records{of} at {to}, TTL within max-ttl"),
    )
}

/// Gives the check the records that it is about.
pub fn settle(probe: &mut DnsProbe, raw: &Spanned<String>, all: &[Traffic]) -> Result<(), Located> {
    let help = "add a [[traffic]] section with this service";
    let known = |service: &String| all.iter().any(|traffic| traffic.service == *service);
    if let Some(unknown) = probe.services.iter().find(|service| !known(service)) {
        let message = format!("no [[traffic]] section moves the traffic of `{unknown}`");
        return Err(Located::new(raw.span(), message, help));
    }
    let wanted = |traffic: &&Traffic| probe.services.is_empty() || probe.services.contains(&traffic.service);
    probe.traffic = all.iter().filter(wanted).cloned().collect();
    if probe.traffic.is_empty() {
        return Err(Located::new(raw.span(), "no record to look at", "add a [[traffic]] section"));
    }
    Ok(())
}
