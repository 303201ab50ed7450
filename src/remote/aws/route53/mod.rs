//! Route 53: record sets as they are, one batch that changes them, and whether a change has reached all name servers.

mod record;
mod switch;

use roxmltree::Document;

use super::call::encoded;
use super::xml::{child, escaped, items, text};
use super::{Api, Ask, AwsError, Connection, Format};
use crate::core::traffic::{Target, Traffic};

pub use record::{RecordSet, same};
pub use switch::{ALIAS_TTL, Now, Standing, SwitchError, words};

const API: Api = Api {
    name: "Route 53",
    id: "route53",
    service: "Route 53",
    global: true,
    format: Format::Xml,
    words: false,
};
/// Why a batch is not taken can only be told in Route 53's words.
const CHANGING: Api = Api { words: true, ..API };
const LIST: &str = "route53:ListResourceRecordSets";
const CHANGE: &str = "route53:ChangeResourceRecordSets";
const STATUS: &str = "route53:GetChange";
const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";
/// A page has up to 300 record sets, and a zone 10,000 unless AWS allows more; more pages are no honest answer.
const MAX_PAGES: usize = 200;

/// A change that Route 53 has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its id, such as `C2682N5HXP0BZ4`.
    pub id: String,
    /// Whether all of Route 53's name servers answer by it: `INSYNC`, or else `PENDING`.
    pub insync: bool,
}

/// Route 53, by one connection.
#[derive(Clone, Copy, Debug)]
pub struct Route53<'a>(pub &'a Connection);

/// Where a page begins.
#[derive(Clone, PartialEq, Eq)]
struct From {
    name: String,
    kind: Option<String>,
    set: Option<String>,
}

impl Route53<'_> {
    /// What Route 53 has for the record of a service, and where that sends its traffic. An alias to another record of the
    /// same zone counts with that record's TTL.
    ///
    /// # Errors
    /// Where it could not be read whole.
    pub fn standing(&self, traffic: &Traffic) -> Result<Standing, AwsError> {
        let sets = self.records(&traffic.zone, &traffic.record, traffic.kind.as_str())?;
        let mut standing = Standing::of(traffic, sets);
        let mut behind = vec![];
        for set in &standing.sets {
            if let Target::Alias { name, zone } = &set.target
                && *zone == traffic.zone
            {
                behind.extend(self.records(zone, name, &set.kind)?);
            }
        }
        let longest = behind.iter().filter_map(|set| set.ttl).max().unwrap_or_default();
        standing.ttl = standing.ttl.max(longest);
        Ok(standing)
    }

    /// All record sets of this name and type in the hosted zone `zone`, page by page.
    ///
    /// # Errors
    /// Where they could not all be read.
    pub fn records(&self, zone: &str, name: &str, kind: &str) -> Result<Vec<RecordSet>, AwsError> {
        let wanted = |set: &RecordSet| set.name == name && set.kind == kind;
        let start = From { name: format!("{name}."), kind: Some(kind.to_owned()), set: None };
        // The zone is sorted by name and type: what is wanted stands together, and first.
        let (mut sets, _) = self.pages(zone, Some(start), &wanted)?;
        sets.retain(wanted);
        Ok(sets)
    }

    /// Every record set of the hosted zone `zone`, page by page.
    ///
    /// # Errors
    /// Where they could not all be read.
    pub fn zone(&self, zone: &str) -> Result<Vec<RecordSet>, AwsError> {
        self.pages(zone, None, &|_| true).map(|(sets, _)| sets)
    }

    /// Writes all these record sets in one batch, each in place of the one of the same name, type and set identifier, or
    /// new: all of them or none. The same batch again changes nothing.
    ///
    /// # Errors
    /// Where Route 53 does not take it, or its answer is lost: then look before trying again.
    pub fn change(&self, zone: &str, sets: &[RecordSet], comment: &str) -> Result<Change, AwsError> {
        let changes =
            sets.iter().map(|set| format!("<Change><Action>UPSERT</Action>{}</Change>", set.write()));
        let comment: String = comment.chars().filter(|c| !c.is_control()).take(200).collect();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ChangeResourceRecordSetsRequest xmlns=\"{NAMESPACE}\"><ChangeBatch>\
             <Comment>{}</Comment><Changes>{}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
            escaped(&comment),
            changes.collect::<String>()
        );
        let ask = Ask::post_xml(format!("/2013-04-01/hostedzone/{}/rrset/", encoded(zone)), body);
        change(CHANGE, &self.0.ask(&CHANGING, CHANGE, ask)?)
    }

    /// How far a change is.
    ///
    /// # Errors
    /// Where it could not be read.
    pub fn status(&self, id: &str) -> Result<Change, AwsError> {
        let ask = Ask::get(format!("/2013-04-01/change/{}", encoded(id)));
        change(STATUS, &self.0.ask(&API, STATUS, ask)?)
    }

    /// Pages from `start` on, as long as the last record set of one is `wanted`.
    fn pages(
        self,
        zone: &str,
        start: Option<From>,
        wanted: &dyn Fn(&RecordSet) -> bool,
    ) -> Result<(Vec<RecordSet>, usize), AwsError> {
        let mut all = vec![];
        let mut from = start;
        for page in 1..=MAX_PAGES {
            let path = format!("/2013-04-01/hostedzone/{}/rrset?{}", encoded(zone), query(from.as_ref()));
            let body = self.0.ask(&API, LIST, Ask::get(path))?;
            let (sets, next) = read_page(&body).ok_or_else(|| AwsError::nonsense(LIST))?;
            let more = sets.last().is_none_or(wanted);
            all.extend(sets);
            match next {
                Some(_) if !more => return Ok((all, page)),
                None => return Ok((all, page)),
                // A list that does not go on would be asked for for ever.
                Some(next) if Some(&next) == from.as_ref() => break,
                Some(next) => from = Some(next),
            }
        }
        Err(AwsError::nonsense(LIST))
    }
}

fn query(from: Option<&From>) -> String {
    let mut query = "maxitems=300".to_owned();
    if let Some(From { name, kind, set }) = from {
        query.push_str(&format!("&name={}", encoded(name)));
        query.extend(kind.iter().map(|kind| format!("&type={}", encoded(kind))));
        query.extend(set.iter().map(|set| format!("&identifier={}", encoded(set))));
    }
    query
}

/// The record sets of a page, and where the next one begins.
fn read_page(body: &[u8]) -> Option<(Vec<RecordSet>, Option<From>)> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let root = document.root_element();
    child(root, "ResourceRecordSets")?;
    let sets = items(root, "ResourceRecordSets", "ResourceRecordSet").map(RecordSet::read);
    let sets = sets.collect::<Option<Vec<_>>>()?;
    let owned = |name| text(root, name).map(str::to_owned);
    let next = match text(root, "IsTruncated")? {
        "false" => None,
        "true" => Some(From {
            name: owned("NextRecordName")?,
            kind: owned("NextRecordType"),
            set: owned("NextRecordIdentifier"),
        }),
        _ => return None,
    };
    Some((sets, next))
}

fn change(action: &'static str, body: &[u8]) -> Result<Change, AwsError> {
    let read = || {
        let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
        let info = child(document.root_element(), "ChangeInfo")?;
        let id = text(info, "Id")?.rsplit('/').next()?.to_owned();
        let insync = match text(info, "Status")? {
            "INSYNC" => true,
            "PENDING" => false,
            _ => return None,
        };
        Some(Change { id, insync })
    };
    read().ok_or_else(|| AwsError::nonsense(action))
}
