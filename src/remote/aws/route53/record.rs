//! A resource record set, and the XML that it is read from and written as.

use roxmltree::Node;

use crate::core::traffic::{Target, plain_name};
use crate::remote::aws::xml::{child, escaped, items, text};

/// What is understood of a record set; whatever else one has makes it one that is not changed here.
const KNOWN: &[&str] =
    &["Name", "Type", "SetIdentifier", "Weight", "TTL", "ResourceRecords", "AliasTarget", "HealthCheckId"];

/// A record set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// In lower case, without the dot at the end.
    pub name: String,
    /// Such as `A`.
    pub kind: String,
    /// Which of several with the same name and type.
    pub set: Option<String>,
    /// Its share among those, 0 to 255.
    pub weight: Option<u8>,
    /// Seconds; an alias has none of its own.
    pub ttl: Option<u32>,
    /// What it answers with; `None` where that cannot be read.
    pub target: Target,
    /// Whether an alias looks at its target's health.
    pub evaluate: bool,
    /// The health check that decides whether it is answered with.
    pub health_check: Option<String>,
    /// The first property that is not understood here, such as `Failover`.
    pub other: Option<String>,
}

impl RecordSet {
    /// Reads a `ResourceRecordSet`.
    pub(super) fn read(node: Node) -> Option<Self> {
        let other = node.children().filter(Node::is_element).map(|child| child.tag_name().name());
        let other = other.into_iter().find(|name| !KNOWN.contains(name)).map(str::to_owned);
        let number = |name| text(node, name).map(str::parse::<u32>).transpose().ok();
        let weight = number("Weight")?.map(u8::try_from).transpose().ok()?;
        let alias = child(node, "AliasTarget");
        let target = match alias {
            Some(alias) => Target::Alias {
                name: plain(text(alias, "DNSName")?),
                zone: text(alias, "HostedZoneId")?.to_owned(),
            },
            None => Target::Values(
                items(node, "ResourceRecords", "ResourceRecord")
                    .map(|record| text(record, "Value").map(str::to_owned))
                    .collect::<Option<_>>()?,
            ),
        };
        Some(Self {
            name: plain(text(node, "Name")?),
            kind: text(node, "Type")?.to_owned(),
            set: text(node, "SetIdentifier").map(str::to_owned),
            weight,
            ttl: number("TTL")?,
            target,
            evaluate: alias.and_then(|alias| text(alias, "EvaluateTargetHealth")) == Some("true"),
            health_check: text(node, "HealthCheckId").map(str::to_owned),
            other,
        })
    }

    /// As a `ResourceRecordSet`, in the order of its schema.
    pub(super) fn write(&self) -> String {
        let mut xml = format!("<Name>{}.</Name><Type>{}</Type>", escaped(&self.name), escaped(&self.kind));
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                xml.push_str(&format!("<{name}>{}</{name}>", escaped(&value)));
            }
        };
        put("SetIdentifier", self.set.clone());
        put("Weight", self.weight.map(|weight| weight.to_string()));
        put("TTL", self.ttl.map(|ttl| ttl.to_string()));
        match &self.target {
            Target::Values(values) => {
                let records = values.iter().map(|value| {
                    format!("<ResourceRecord><Value>{}</Value></ResourceRecord>", escaped(value))
                });
                xml.push_str(&format!("<ResourceRecords>{}</ResourceRecords>", records.collect::<String>()));
            }
            Target::Alias { name, zone } => xml.push_str(&format!(
                "<AliasTarget><HostedZoneId>{}</HostedZoneId><DNSName>{}.</DNSName>\
                 <EvaluateTargetHealth>{}</EvaluateTargetHealth></AliasTarget>",
                escaped(zone),
                escaped(name),
                self.evaluate
            )),
        }
        if let Some(check) = &self.health_check {
            xml.push_str(&format!("<HealthCheckId>{}</HealthCheckId>", escaped(check)));
        }
        format!("<ResourceRecordSet>{xml}</ResourceRecordSet>")
    }
}

/// Route 53 writes an asterisk as `\052`.
fn plain(name: &str) -> String {
    plain_name(&name.replace("\\052", "*"))
}

/// Whether two targets are the same, however their names are written.
#[must_use]
pub fn same(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Alias { name: a, zone: x }, Target::Alias { name: b, zone: y }) => {
            (bare(a), x) == (bare(b), y)
        }
        (Target::Values(a), Target::Values(b)) => {
            let plain = |values: &[String]| {
                let mut all: Vec<_> = values.iter().map(|value| plain_name(value)).collect();
                all.sort();
                all
            };
            plain(a) == plain(b)
        }
        _ => false,
    }
}

/// Without the `dualstack.` that AWS's console puts before a load balancer's name.
fn bare(name: &str) -> String {
    let name = plain_name(name);
    name.strip_prefix("dualstack.").map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    fn read(xml: &str) -> Option<RecordSet> {
        RecordSet::read(Document::parse(xml).unwrap().root_element())
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        for xml in [
            "<ResourceRecordSet><Name>app.example.com.</Name><Type>A</Type><SetIdentifier>blue &amp; co</SetIdentifier>\
             <Weight>0</Weight><AliasTarget><HostedZoneId>Z35</HostedZoneId><DNSName>lb.example.com.</DNSName>\
             <EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget><HealthCheckId>h-1</HealthCheckId></ResourceRecordSet>",
            "<ResourceRecordSet><Name>app.example.com.</Name><Type>CNAME</Type><TTL>60</TTL><ResourceRecords>\
             <ResourceRecord><Value>blue.example.com</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>",
        ] {
            assert_eq!(read(xml).unwrap().write(), xml);
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let set = read(
            "<ResourceRecordSet><Name>\\052.Example.com.</Name><Type>A</Type><Failover>PRIMARY</Failover></ResourceRecordSet>",
        )
        .unwrap();
        assert_eq!((set.name.as_str(), set.other.as_deref()), ("*.example.com", Some("Failover")));
        for broken in [
            "<R><Type>A</Type></R>",
            "<R><Name>a</Name><Type>A</Type><Weight>300</Weight></R>",
            "<R><Name>a</Name><Type>A</Type><TTL>soon</TTL></R>",
            "<R><Name>a</Name><Type>A</Type><AliasTarget/></R>",
        ] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }

    #[test]
    fn targets_are_compared_as_names() {
        let alias = |name: &str| Target::Alias { name: name.into(), zone: "Z".into() };
        assert!(same(&alias("dualstack.LB.example.com."), &alias("lb.example.com")));
        assert!(!same(&alias("a"), &alias("b")));
        let values = |values: &[&str]| Target::Values(values.iter().map(|&v| v.to_owned()).collect());
        assert!(same(&values(&["10.0.0.2", "10.0.0.1"]), &values(&["10.0.0.1", "10.0.0.2"])));
        assert!(same(&values(&["Blue.example.com."]), &values(&["blue.example.com"])));
        assert!(!same(&values(&["10.0.0.1"]), &values(&["10.0.0.1", "10.0.0.2"])));
    }
}
