//! Route 53: record sets as they are, both ways of moving traffic, and answers that are none.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::Ordering;

use aether_audit::core::check::Phase;
use aether_audit::core::event::Colour;
use aether_audit::core::traffic::Traffic;
use aether_audit::remote::aws::Connection;
use aether_audit::remote::aws::route53::{Now, Route53, Standing, SwitchError};

use crate::child::{CREDENTIALS, parent_of};
use crate::server::Server;
use crate::stand_in::{StandIn, between};
use crate::{config, detail, measure, response, settings};

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// A hosted zone `example.com` with these record sets; gives its id.
pub fn zone(server: &StandIn, sets: &[String]) -> String {
    let made = server.post(
        "route53",
        "/2013-04-01/hostedzone",
        &format!(
            "<CreateHostedZoneRequest xmlns=\"{NAMESPACE}\"><Name>example.com</Name><CallerReference>{}</CallerReference></CreateHostedZoneRequest>",
            sets.len()
        ),
    );
    let id = between(&made, "Id").rsplit('/').next().unwrap().to_owned();
    let change =
        |set| format!("<Change><Action>CREATE</Action><ResourceRecordSet>{set}</ResourceRecordSet></Change>");
    let changes = sets.iter().map(change).collect::<Vec<_>>().concat();
    server.post(
        "route53",
        &format!("/2013-04-01/hostedzone/{id}/rrset"),
        &format!(
            "<ChangeResourceRecordSetsRequest xmlns=\"{NAMESPACE}\"><ChangeBatch><Changes>{changes}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"
        ),
    );
    id
}

pub fn weighted(name: &str, set: &str, weight: u8, ttl: u32, target: &str) -> String {
    format!(
        "<Name>{name}.</Name><Type>CNAME</Type><SetIdentifier>{set}</SetIdentifier><Weight>{weight}</Weight><TTL>{ttl}</TTL>\
         <ResourceRecords><ResourceRecord><Value>{target}</Value></ResourceRecord></ResourceRecords>"
    )
}

fn alias(name: &str, target: &str) -> String {
    format!(
        "<Name>{name}.</Name><Type>A</Type><AliasTarget><HostedZoneId>Z35LB</HostedZoneId><DNSName>{target}.</DNSName>\
         <EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>"
    )
}

fn cname(name: &str, ttl: u32, target: &str) -> String {
    format!(
        "<Name>{name}.</Name><Type>CNAME</Type><TTL>{ttl}</TTL><ResourceRecords><ResourceRecord><Value>{target}</Value>\
         </ResourceRecord></ResourceRecords>"
    )
}

fn section(zone: &str, record: &str, kind: &str, way: &str) -> String {
    format!(
        "[[traffic]]\nservice = \"app\"\nzone = \"{zone}\"\nrecord = \"{record}\"\ntype = \"{kind}\"\n{way}\n"
    )
}

#[test]
fn traffic_moves_both_ways() {
    if parent_of("route53::traffic_moves_both_ways", &CREDENTIALS) {
        return;
    }
    let server = StandIn::start();
    let zone = zone(
        &server,
        &[
            weighted("app.example.com", "blue", 100, 60, "blue.example.com"),
            weighted("app.example.com", "green", 0, 30, "green.example.com"),
            alias("www.example.com", "blue-lb.example.net"),
            cname("api.example.com", 300, "blue.example.com"),
            cname("zzz.example.com", 5, "elsewhere.example.com"),
        ],
    );
    let config = config(&format!(
        "{}{}{}{}{}",
        settings(&server.url),
        section(&zone, "app.example.com", "CNAME", "blue-set = \"blue\"\ngreen-set = \"green\""),
        section(
            &zone,
            "www.example.com",
            "A",
            "blue = \"blue-lb.example.net\"\ngreen = \"green-lb.example.net\"\nblue-alias-zone = \"Z35LB\"\ngreen-alias-zone = \"Z35LB\""
        ),
        section(
            &zone,
            "api.example.com",
            "CNAME",
            "blue = \"blue.example.com\"\ngreen = \"green.example.com\""
        ),
        section(
            &zone,
            "zzz.example.com",
            "CNAME",
            "blue = \"blue.example.com\"\ngreen = \"green.example.com\""
        ),
    ));
    let connection = Connection::open(&config.aws).unwrap();
    let route53 = Route53(&connection);
    let [app, www, api, zzz] = config.traffic.as_slice() else { panic!() };
    let at = |traffic: &Traffic| route53.standing(traffic).unwrap();

    let before = at(app);
    assert_eq!((&before.now, before.ttl, before.sets.len()), (&Now::All(Colour::Blue), 60, 2));
    let change = route53.change(&zone, &before.plan(app, 10).unwrap(), "v2 & <more>").unwrap();
    assert!(!change.insync);
    assert_eq!(at(app).now, Now::Split { green: 10 });
    while !route53.status(&change.id).unwrap().insync {}
    route53.change(&zone, &at(app).plan(app, 100).unwrap(), "").unwrap();
    assert_eq!(at(app).now, Now::All(Colour::Green));
    // Nothing but the weights has changed.
    let targets =
        |standing: &Standing| standing.sets.iter().map(|set| set.target.clone()).collect::<Vec<_>>();
    assert_eq!(targets(&at(app)), targets(&before));

    for traffic in [www, api] {
        let before = at(traffic);
        assert_eq!(before.now, Now::All(Colour::Blue), "{}", traffic.record);
        assert!(matches!(before.plan(traffic, 50), Err(SwitchError::NoSteps { .. })));
        route53.change(&zone, &before.plan(traffic, 100).unwrap(), "").unwrap();
        let after = at(traffic);
        assert_eq!((&after.now, after.ttl), (&Now::All(Colour::Green), before.ttl));
        assert_eq!(after.sets[0].evaluate, before.sets[0].evaluate);
        // The same batch again changes nothing.
        route53.change(&zone, &before.plan(traffic, 100).unwrap(), "").unwrap();
        assert_eq!(at(traffic), after);
    }
    assert_eq!((at(www).ttl, at(api).ttl), (60, 300));
    assert_eq!(at(zzz).now, Now::Elsewhere("it points to elsewhere.example.com".into()));
    // Its own name servers and the like are there too.
    assert!(route53.zone(&zone).unwrap().len() >= 7);

    let strange = Traffic { zone: "ZNONE".into(), ..app.clone() };
    let error = route53.standing(&strange).unwrap_err();
    assert!(
        error.to_string().contains("route53:ListResourceRecordSets failed with NoSuchHostedZone"),
        "{error}"
    );
    let gone = Traffic { record: "gone.example.com".into(), ..api.clone() };
    assert_eq!(at(&gone).now, Now::Elsewhere("the record is not there".into()));
    assert!(matches!(at(&gone).plan(&gone, 100), Err(SwitchError::NoRecord { .. })));
}

#[test]
fn the_records_that_will_switch() {
    if parent_of("route53::the_records_that_will_switch", &CREDENTIALS) {
        return;
    }
    let server = StandIn::start();
    let zone = zone(
        &server,
        &[
            weighted("app.example.com", "blue", 0, 60, "blue.example.com"),
            weighted("app.example.com", "green", 100, 30, "green.example.com"),
            cname("api.example.com", 300, "green.example.com"),
            cname("zzz.example.com", 5, "elsewhere.example.com"),
        ],
    );
    let check = |to: &str, services: &str| {
        let check = format!(
            "[[check]]\nid = \"dns\"\nsource = \"dns\"\n[check.dns]\nat = \"{to}\"\nservices = [{services}]\n"
        );
        let way = section(&zone, "app.example.com", "CNAME", "blue-set = \"blue\"\ngreen-set = \"green\"");
        let other =
            section(&zone, "zzz.example.com", "CNAME", "blue = \"b.c\"\ngreen = \"g.c\"\nmax-ttl = 4");
        let other = other.replace("\"app\"", "\"zzz\"");
        measure(&format!("{}{check}{way}{other}", settings(&server.url)), Path::new("."))
    };
    let there = check("green", "\"app\"");
    assert_eq!(there.reading.phase, Some(Phase::Pass), "{}", detail(&there));
    assert!(detail(&there).contains("CNAME app.example.com 60 s"), "{}", detail(&there));
    assert!(response(&there).contains("\"target\":\"green.example.com\""), "{}", response(&there));
    for (to, services, part) in [
        ("blue", "\"app\"", "CNAME app.example.com points to Green"),
        ("green", "", "zzz.example.com points to neither Blue nor Green alone"),
    ] {
        let not = check(to, services);
        assert_eq!(not.reading.phase, Some(Phase::Warn));
        assert!(detail(&not).contains(part), "{}", detail(&not));
    }
    let long = format!(
        "{}[[check]]\nid = \"dns\"\nsource = \"dns\"\n{}",
        settings(&server.url),
        section(
            &zone,
            "api.example.com",
            "CNAME",
            "blue = \"blue.example.com\"\ngreen = \"green.example.com\""
        )
    );
    let long = measure(&long, Path::new("."));
    assert_eq!(long.reading.phase, Some(Phase::Warn));
    assert!(detail(&long).contains("has a TTL of 300 s, more than 60 s"), "{}", detail(&long));
}

fn page(sets: &str, next: Option<&str>) -> String {
    let next = next.map_or_else(
        || "<IsTruncated>false</IsTruncated>".to_owned(),
        |set| {
            format!(
                "<IsTruncated>true</IsTruncated><NextRecordName>app.example.com.</NextRecordName>\
                 <NextRecordType>CNAME</NextRecordType><NextRecordIdentifier>{set}</NextRecordIdentifier>"
            )
        },
    );
    format!(
        "<?xml version=\"1.0\"?>\n<ListResourceRecordSetsResponse xmlns=\"{NAMESPACE}\"><ResourceRecordSets>{sets}</ResourceRecordSets>\
         {next}<MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
    )
}

fn one(set: &str, weight: u8) -> String {
    format!(
        "<ResourceRecordSet>{}</ResourceRecordSet>",
        weighted("app.example.com", set, weight, 60, "t.example.com")
    )
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>their words</Message></Error></ErrorResponse>"
    )
}

fn standing(server: &Server) -> Result<Standing, String> {
    let way = section("Z1", "app.example.com", "CNAME", "blue-set = \"blue\"\ngreen-set = \"green\"");
    let config = config(&format!("{}{way}", settings(&server.url())));
    let connection = Connection::open(&config.aws).unwrap();
    Route53(&connection).standing(&config.traffic[0]).map_err(|error| error.to_string())
}

/// Scripted: a server by other hands has all on one page, and refuses nobody.
#[test]
fn answers_that_are_none() {
    if parent_of("route53::answers_that_are_none", &CREDENTIALS) {
        return;
    }
    let (ok, bad) = ("200 OK", "400 Bad Request");
    let both = || page(&format!("{}{}", one("blue", 0), one("green", 1)), None);
    // Pages, with a failure in the middle that passes.
    let server = Server::script(vec![
        (ok, page(&one("blue", 100), Some("green"))),
        (bad, error("Throttling")),
        ("503 Service Unavailable", "<html>".into()),
        (ok, page(&one("green", 0), None)),
    ]);
    assert_eq!(standing(&server).unwrap().now, Now::All(Colour::Blue));
    assert_eq!(server.requests.load(Ordering::SeqCst), 4);
    // One that does not pass: half a list is no list.
    let server =
        Server::script(vec![(ok, page(&one("blue", 100), Some("green"))), (bad, error("Throttling"))]);
    let said = standing(&server).unwrap_err();
    assert!(said.contains("AWS throttles route53:ListResourceRecordSets, also after 3 attempts"), "{said}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 4);
    for (answers, part) in [
        (vec![("403 Forbidden", error("AccessDenied"))], "AWS denies route53:ListResourceRecordSets"),
        (vec![("403 Forbidden", error("ExpiredToken"))], "credentials have expired"),
        (vec![("403 Forbidden", error("InvalidClientTokenId"))], "does not accept these credentials"),
        (vec![(ok, error("AccessDenied"))], "AWS denies route53:ListResourceRecordSets"),
        (vec![(ok, "nonsense".into())], "an answer that cannot be read"),
        (vec![(ok, String::new())], "an answer that cannot be read"),
        (vec![(ok, both().replace("<Weight>0", "<Weight>many"))], "an answer that cannot be read"),
        (vec![(ok, both().replace("<IsTruncated>false</IsTruncated>", ""))], "an answer that cannot be read"),
        (vec![(ok, page(&one("blue", 1), Some("green")))], "an answer that cannot be read"),
        (vec![("500 Internal Server Error", String::new())], "HTTP status 500"),
        (vec![("302 Found", String::new())], "HTTP status 302"),
    ] {
        let said = standing(&Server::script(answers)).unwrap_err();
        assert!(said.contains(part) && !said.contains("their words"), "{part}: {said}");
    }
    let cut = Server::start(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<ListResource");
    });
    let said = standing(&cut).unwrap_err();
    assert!(said.contains("cannot be read") || said.contains("cannot be reached"), "{said}");
    let address = cut.url();
    drop(cut);
    let config = config(&format!(
        "{}{}",
        settings(&address),
        section("Z1", "a.b", "A", "blue = \"1.1.1.1\"\ngreen = \"1.1.1.2\"")
    ));
    let connection = Connection::open(&config.aws).unwrap();
    let said = Route53(&connection).standing(&config.traffic[0]).unwrap_err().to_string();
    assert!(said.contains("cannot be reached"), "{said}");
}

#[test]
fn without_credentials() {
    if parent_of("route53::without_credentials", &[]) {
        return;
    }
    let said = standing(&Server::script(vec![("200 OK", String::new())])).unwrap_err();
    assert!(said.contains("no AWS credentials found for route53:ListResourceRecordSets"), "{said}");
}
