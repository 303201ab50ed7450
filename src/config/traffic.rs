//! `[[traffic]]`: by which DNS record a service's traffic moves.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::raw::OneOrMany;
use super::value::{Located, optional_number, web_address};
use crate::core::name::Label;
use crate::core::traffic::{RecordType, Target, Traffic, Way, plain_name};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Raw {
    pub service: Spanned<String>,
    pub zone: Spanned<String>,
    pub record: Spanned<String>,
    #[serde(rename = "type")]
    pub kind: Spanned<String>,
    pub blue_set: Option<Spanned<String>>,
    pub green_set: Option<Spanned<String>>,
    pub blue: Option<Spanned<OneOrMany>>,
    pub green: Option<Spanned<OneOrMany>>,
    pub blue_alias_zone: Option<Spanned<String>>,
    pub green_alias_zone: Option<Spanned<String>>,
    pub blue_health_url: Option<Spanned<String>>,
    pub green_health_url: Option<Spanned<String>>,
    #[serde(default)]
    pub smoke: Vec<Spanned<String>>,
    pub probe_url: Option<Spanned<String>>,
    pub max_ttl: Option<Spanned<i64>>,
}

/// `services` are those of `[project]`, `checks` the ids of all checks.
pub fn from_raw(
    raw: Vec<Spanned<Raw>>,
    services: &[String],
    checks: &BTreeSet<String>,
) -> Result<Vec<Traffic>, Located> {
    let mut all: Vec<Traffic> = vec![];
    for raw in raw {
        let (span, place) = (raw.span(), raw.get_ref().record.span());
        let one = section(raw.into_inner(), &span, services, checks)?;
        if all.iter().any(|other| {
            (&other.zone, &other.record, other.kind) == (&one.zone, &one.record, one.kind)
                && other.way == one.way
        }) {
            let message = format!("two sections move the {} record {}", one.kind, one.record);
            return Err(Located::new(place, message, "keep one"));
        }
        all.push(one);
    }
    Ok(all)
}

fn section(
    raw: Raw,
    span: &Range<usize>,
    services: &[String],
    checks: &BTreeSet<String>,
) -> Result<Traffic, Located> {
    let service = raw.service.get_ref();
    if Label::new(service.as_str()).is_err() || !(services.is_empty() || services.contains(service)) {
        let help = format!("`services` under [project] has: {}", services.join(", "));
        return Err(Located::new(raw.service.span(), format!("`{service}` is no service here"), help));
    }
    let kind = match raw.kind.get_ref().as_str() {
        "A" => RecordType::A,
        "AAAA" => RecordType::Aaaa,
        "CNAME" => RecordType::Cname,
        other => {
            let message = format!("`{other}` is no type that traffic follows");
            return Err(Located::new(raw.kind.span(), message, "write \"A\", \"AAAA\" or \"CNAME\""));
        }
    };
    let way = way(&raw, kind, span)?;
    let url = |url: Option<&Spanned<String>>| url.map(web_address).transpose();
    let (blue_health_url, green_health_url) =
        (url(raw.blue_health_url.as_ref())?, url(raw.green_health_url.as_ref())?);
    if let Some(unknown) = raw.smoke.iter().find(|id| !checks.contains(id.get_ref())) {
        let known: Vec<_> = checks.iter().map(String::as_str).collect();
        let help = format!("the checks here are: {}", known.join(", "));
        return Err(Located::new(
            unknown.span(),
            format!("no check is called `{}`", unknown.get_ref()),
            help,
        ));
    }
    Ok(Traffic {
        zone: zone(&raw.zone)?,
        record: host(&raw.record)?,
        kind,
        way,
        blue_health_url,
        green_health_url,
        probe_url: url(raw.probe_url.as_ref())?,
        smoke: raw.smoke.into_iter().map(Spanned::into_inner).collect(),
        max_ttl: optional_number(raw.max_ttl.as_ref(), 1..=86_400)?.unwrap_or(60),
        service: raw.service.into_inner(),
    })
}

fn way(raw: &Raw, kind: RecordType, span: &Range<usize>) -> Result<Way, Located> {
    let both = "name both colours: `blue-set` and `green-set` for weighted record sets, or `blue` and `green` for one \
                record's targets";
    match (&raw.blue_set, &raw.green_set, &raw.blue, &raw.green) {
        (Some(blue), Some(green), None, None) => {
            if let Some(place) = raw.blue_alias_zone.as_ref().or(raw.green_alias_zone.as_ref()) {
                let help = "leave it out: a set's own target is not changed";
                return Err(Located::new(place.span(), "weighted sets keep their targets", help));
            }
            let identifier = |set: &Spanned<String>| {
                let text = set.get_ref();
                let good = (1..=128).contains(&text.len()) && !text.contains(char::is_control);
                let help = "write it as Route 53 shows it";
                let wrong = || Located::new(set.span(), "not a set identifier of 1 to 128 characters", help);
                good.then(|| text.clone()).ok_or_else(wrong)
            };
            let (at, blue, green) = (green.span(), identifier(blue)?, identifier(green)?);
            if blue == green {
                return Err(Located::new(at, "both sets are the same", "name two different sets"));
            }
            Ok(Way::Weighted { blue, green })
        }
        (None, None, Some(blue), Some(green)) => {
            let at = green.span();
            let blue = target(blue, raw.blue_alias_zone.as_ref(), kind)?;
            let green = target(green, raw.green_alias_zone.as_ref(), kind)?;
            if blue == green {
                return Err(Located::new(at, "both colours are the same", "name two different targets"));
            }
            Ok(Way::Switched { blue, green })
        }
        _ => Err(Located::new(span.clone(), "what is changed when traffic moves?", both)),
    }
}

fn target(
    raw: &Spanned<OneOrMany>,
    alias: Option<&Spanned<String>>,
    kind: RecordType,
) -> Result<Target, Located> {
    let values = &raw.get_ref().0;
    let wrong = |message: String, help: &str| Err(Located::new(raw.span(), message, help));
    if let Some(alias) = alias {
        return match (values.as_slice(), kind) {
            (_, RecordType::Cname) => {
                let help = "leave it out, or write type = \"A\"";
                Err(Located::new(alias.span(), "a CNAME record is no alias", help))
            }
            ([name], _) if is_host(name) => Ok(Target::Alias { name: plain_name(name), zone: zone(alias)? }),
            _ => wrong("an alias has one name".to_owned(), "write the load balancer's DNS name"),
        };
    }
    match (kind, values.as_slice()) {
        (RecordType::Cname, [name]) if is_host(name) => Ok(Target::Values(vec![plain_name(name)])),
        (RecordType::Cname, _) => {
            wrong("a CNAME record has one name".to_owned(), "write a name such as \"blue.example.com\"")
        }
        (RecordType::A | RecordType::Aaaa, values) => {
            let address = |text: &String| match kind {
                RecordType::A => text.parse::<Ipv4Addr>().is_ok(),
                _ => text.parse::<Ipv6Addr>().is_ok(),
            };
            match values.iter().find(|text| !address(text)) {
                None => Ok(Target::Values(values.to_vec())),
                Some(text) => {
                    let message = format!("`{text}` is no address of an {kind} record");
                    wrong(message, "add blue-alias-zone and green-alias-zone where these are names of AWS's")
                }
            }
        }
    }
}

fn zone(raw: &Spanned<String>) -> Result<String, Located> {
    let text = raw.get_ref();
    let good = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    if text.starts_with('Z') && (2..=32).contains(&text.len()) && text.bytes().all(good) {
        return Ok(text.clone());
    }
    let help = "`aws route53 list-hosted-zones` shows it; write only what follows /hostedzone/";
    Err(Located::new(raw.span(), "not the id of a hosted zone", help))
}

fn host(raw: &Spanned<String>) -> Result<String, Located> {
    if is_host(raw.get_ref()) {
        return Ok(plain_name(raw.get_ref()));
    }
    Err(Located::new(raw.span(), "not the name of a record", "write it in full, such as \"app.example.com\""))
}

fn is_host(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*'))
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}
