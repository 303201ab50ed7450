//! The resolvers' view: whether they answer with where traffic goes now.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::Moved;
use crate::config::DnsSettings;
use crate::core::traffic::{RecordType, Target, Traffic};
use crate::remote::aws::route53::Standing;
use crate::remote::dns::{Answer, DnsError, Kind, ask};

/// For one question.
const ONE: Duration = Duration::from_secs(3);

/// Asks every resolver until each answers with the record's target, or the time is over.
#[must_use]
pub fn all(settings: &DnsSettings, section: &Traffic, standing: &Standing) -> Moved {
    let resolvers = settings.resolvers.clone().unwrap_or_else(system);
    let targets: Vec<&Target> =
        standing.sets.iter().filter(|set| set.weight != Some(0)).map(|set| &set.target).collect();
    if resolvers.is_empty() || targets.is_empty() {
        return Moved { confirmed: true, detail: "resolvers: not asked".into() };
    }
    let seconds =
        settings.timeout_seconds.unwrap_or_else(|| section.max_ttl.max(standing.ttl).saturating_add(60));
    let start = Instant::now();
    let mut left: Vec<(SocketAddr, String)> =
        resolvers.iter().map(|server| (*server, String::new())).collect();
    loop {
        left.retain_mut(|(server, said)| match seen(*server, section, &targets) {
            Ok(true) => false,
            Ok(false) => {
                "answers with another target".clone_into(said);
                true
            }
            Err(error) => {
                *said = error.to_string();
                true
            }
        });
        let took = start.elapsed().as_secs();
        if left.is_empty() {
            let count = resolvers.len();
            let detail = format!(
                "resolvers: {count} of {count} answer with the new target of {} after {took} s",
                section.record
            );
            return Moved { confirmed: true, detail };
        }
        if took >= u64::from(seconds) {
            let late: Vec<String> = left.iter().map(|(server, said)| format!("{server} ({said})")).collect();
            let detail =
                format!("resolvers: after {took} s not yet for {}: {}", section.record, late.join(", "));
            return Moved { confirmed: false, detail };
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Whether a resolver answers with one of the targets and nothing else.
fn seen(server: SocketAddr, section: &Traffic, targets: &[&Target]) -> Result<bool, DnsError> {
    let kind = match section.kind {
        RecordType::A => Kind::A,
        RecordType::Aaaa => Kind::Aaaa,
        RecordType::Cname => Kind::Cname,
    };
    let answer = ask(server, &section.record, kind, ONE)?;
    let mut expected: BTreeSet<IpAddr> = BTreeSet::new();
    for target in targets {
        match target {
            Target::Values(names) if section.kind == RecordType::Cname => {
                return Ok(answer.names.first().is_some_and(|name| names.contains(name)));
            }
            Target::Values(addresses) => {
                expected.extend(addresses.iter().filter_map(|text| text.parse::<IpAddr>().ok()));
            }
            Target::Alias { name, .. } => expected.extend(ask(server, name, kind, ONE)?.addresses),
        }
    }
    Ok(among(&answer, &expected))
}

fn among(answer: &Answer, expected: &BTreeSet<IpAddr>) -> bool {
    !answer.addresses.is_empty() && answer.addresses.iter().all(|address| expected.contains(address))
}

/// The resolvers of this machine.
fn system() -> Vec<SocketAddr> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    lines
        .filter_map(|address| address.trim().parse::<IpAddr>().ok())
        .map(|address| (address, 53).into())
        .collect()
}
