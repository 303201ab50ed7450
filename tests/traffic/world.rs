//! A project whose traffic a stand-in for Route 53 moves, with an application, a resolver and a channel.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::catcher::Catcher;
use crate::folder::{Folder, OPEN, Ran};
use crate::stand_in::{StandIn, between};

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";
pub const RECORD: &str = "app.example.com";

pub struct World {
    pub folder: Folder,
    pub slack: Catcher,
    pub app: Catcher,
    pub proxy: Proxy,
    pub zone: String,
    pub other: Option<String>,
    _route53: Arc<StandIn>,
}

/// The stand-in, shared by the worlds that are there at the same time, and stopped with the last of them.
pub fn route53() -> Arc<StandIn> {
    static ONE: Mutex<Weak<StandIn>> = Mutex::new(Weak::new());
    let mut one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    one.upgrade().unwrap_or_else(|| {
        let started = Arc::new(StandIn::start());
        *one = Arc::downgrade(&started);
        started
    })
}

fn opened() -> Folder {
    static MADE: OnceLock<Folder> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Folder::enrolled();
        fs::remove_file(folder.at("templates/.filled.json")).ok();
        let list = "# Checklist\n\n## Phase 1 <!-- phase: pre-deployment -->\n\n- [ ] ready <!-- id: ready; role: lead-deployer -->\n- [ ] go <!-- id: go-no-go; by: go -->\n";
        fs::write(folder.at("templates/Deployment_Checklist.md"), list).unwrap();
        fs::write(folder.at("aether.toml"), "[log]\norigin = \"example.com/audit/prod\"\n[project]\nservices = [\"app\"]\n").unwrap();
        folder
    })
    .copy()
}

impl World {
    /// Green healthy, everything on Blue, the deployment open with a go.
    pub fn new() -> Self {
        Self::with(|_| ("200 OK".into(), "ok".into(), Duration::ZERO), Catcher::saying("200 OK", "ok"))
    }

    /// The same with a second service, `api`, whose record is another one.
    pub fn two() -> Self {
        Self::of(|_| ("200 OK".into(), "ok".into(), Duration::ZERO), Catcher::saying("200 OK", "ok"), true)
    }

    pub fn with(
        app: impl Fn(usize) -> (String, String, Duration) + Send + Sync + 'static,
        slack: Catcher,
    ) -> Self {
        Self::of(app, slack, false)
    }

    fn of(
        app: impl Fn(usize) -> (String, String, Duration) + Send + Sync + 'static,
        slack: Catcher,
        two: bool,
    ) -> Self {
        let route53 = route53();
        let zone = zone();
        let (app, proxy) = (Catcher::start(app), Proxy::start(address()));
        let resolver = resolver(zone.clone());
        let folder = opened();
        let url = |path: &str| app.url(path);
        let other = two.then(self::zone);
        let (services, resolvers) =
            if two { ("\"app\", \"api\"", String::new()) } else { ("\"app\"", format!("\"{resolver}\"")) };
        let second = other.iter().map(|zone| {
            format!(
                "[[traffic]]\nservice = \"api\"\nzone = \"{zone}\"\nrecord = \"{RECORD}\"\ntype = \"CNAME\"\n\
                 blue-set = \"blue\"\ngreen-set = \"green\"\nblue-health-url = \"{}\"\n",
                url("/blue-api")
            )
        });
        let second: String = second.collect();
        fs::write(
            folder.at("aether.toml"),
            format!(
                "[log]\norigin = \"example.com/audit/prod\"\n[project]\nname = \"Project Aether\"\nservices = [{services}]\n\
                 channel = \"#deploy\"\nproduction-url = \"{}\"\n[deployment]\nverification-minutes = 60\n\
                 [aws]\nregion = \"us-east-1\"\nendpoint-url = \"http://{}\"\ntimeout-seconds = 10\n\
                 [dns]\nresolvers = [{resolvers}]\ntimeout-seconds = 20\n\
                 [[traffic]]\nservice = \"app\"\nzone = \"{zone}\"\nrecord = \"{RECORD}\"\ntype = \"CNAME\"\n\
                 blue-set = \"blue\"\ngreen-set = \"green\"\nblue-health-url = \"{}\"\ngreen-health-url = \"{}\"\nsmoke = [\"app-up\"]\n\
                 {second}[[check]]\nid = \"app-up\"\nsource = \"http\"\nurl = \"{}\"\non-fail = \"trigger\"\n",
                url("/"),
                proxy.address,
                url("/blue"),
                url("/green"),
                url("/up"),
            ),
        )
        .unwrap();
        let world = Self { folder, slack, app, proxy, zone, other, _route53: route53 };
        world.folder.ok(&OPEN);
        world
    }

    pub fn go(self) -> Self {
        self.folder.ok(&["sign", "ready", "--as", "alice"]);
        self.folder.ok(&["decide", "go", "--reason", "all is well", "--as", "alice"]);
        self
    }

    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.folder.command(args);
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "planted-secret-key")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AETHER_AUDIT_SLACK_WEBHOOK", self.slack.url("/services/T0/B0/SeCrEtPlAnTeD"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
        ran
    }

    /// The weights of Blue and Green.
    pub fn weights(&self) -> (u32, u32) {
        Self::weights_in(&self.zone)
    }

    pub fn weights_in(zone: &str) -> (u32, u32) {
        let all = sets(zone);
        let weight = |set: &str| {
            let part = all
                .split("<ResourceRecordSet>")
                .find(|part| part.contains(&format!("<SetIdentifier>{set}<")))
                .unwrap();
            between(part, "Weight").parse().unwrap()
        };
        (weight("blue"), weight("green"))
    }

    /// What the log says, as `kind act …`, oldest first.
    pub fn story(&self) -> Vec<String> {
        let log: Value = serde_json::from_str(&self.folder.ok(&["log", "--all", "-o", "json"])).unwrap();
        let word = |body: &Value, name: &str| match &body[name] {
            Value::String(text) => format!(" {text}"),
            Value::Number(number) => format!(" {number}"),
            _ => String::new(),
        };
        log.as_array()
            .unwrap()
            .iter()
            .skip_while(|entry| entry["kind"] != "deployment-opened")
            .map(|entry| {
                let shown = self.folder.ok(&["show", &entry["seq"].to_string(), "-o", "json"]);
                let shown: Value = serde_json::from_str(&shown).unwrap();
                let body = find(&shown, "body").unwrap_or(&Value::Null);
                let kind = entry["kind"].as_str().unwrap();
                let names: &[&str] = match kind {
                    "traffic-shifted" => &["act", "to", "percent"],
                    "rollback-step" => &["act", "step", "service"],
                    "standby-changed" => &["act", "state"],
                    "rollback-finished" => &["outcome"],
                    "message-sent" => &["template", "delivery"],
                    "evidence-collected" | "metric-read" => &["check", "phase"],
                    _ => &[],
                };
                names.iter().fold(kind.to_owned(), |text, name| text + &word(body, name))
            })
            .collect()
    }
}

fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => {
            members.get(name).or_else(|| members.values().find_map(|member| find(member, name)))
        }
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

pub fn address() -> SocketAddr {
    route53().url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// A new hosted zone with Blue at 100 and Green at 0.
pub fn zone() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let made = route53().post(
        "route53",
        "/2013-04-01/hostedzone",
        &format!(
            "<CreateHostedZoneRequest xmlns=\"{NAMESPACE}\"><Name>example.com</Name><CallerReference>{number}</CallerReference></CreateHostedZoneRequest>"
        ),
    );
    let id = between(&made, "Id").rsplit('/').next().unwrap().to_owned();
    let set = |name: &str, weight: u8| {
        format!(
            "<Change><Action>CREATE</Action><ResourceRecordSet><Name>{RECORD}.</Name><Type>CNAME</Type><SetIdentifier>{name}</SetIdentifier>\
             <Weight>{weight}</Weight><TTL>5</TTL><ResourceRecords><ResourceRecord><Value>{name}.example.com</Value></ResourceRecord>\
             </ResourceRecords></ResourceRecordSet></Change>"
        )
    };
    route53().post(
        "route53",
        &format!("/2013-04-01/hostedzone/{id}/rrset"),
        &format!(
            "<ChangeResourceRecordSetsRequest xmlns=\"{NAMESPACE}\"><ChangeBatch><Changes>{}{}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
            set("blue", 100),
            set("green", 0)
        ),
    );
    id
}

fn sets(zone: &str) -> String {
    let signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0";
    let url = format!("{}/2013-04-01/hostedzone/{zone}/rrset", route53().url);
    let mut answer = ureq::get(url).header("authorization", signed).call().unwrap();
    answer.body_mut().read_to_string().unwrap()
}

/// Answers every question with the heavier set's target, as the zone has it at that moment. Scripted: the stand-in serves
/// no DNS, so that no real resolver follows it through a test by itself; how a real one is waited for is in `resolvers`.
pub fn resolver(zone: String) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let all = sets(&zone);
            let weight = |set: &str| -> u32 {
                let part = all
                    .split("<ResourceRecordSet>")
                    .find(|part| part.contains(&format!("<SetIdentifier>{set}<")));
                between(part.unwrap(), "Weight").parse().unwrap()
            };
            let name = if weight("green") > weight("blue") { "green" } else { "blue" };
            let mut answer = buffer[..length].to_vec();
            (answer[2], answer[3], answer[7]) = (0x81, 0x80, 1);
            let data = [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), &[0xc0, 16]].concat();
            answer.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 5, 0, u8::try_from(data.len()).unwrap()]);
            answer.extend(data);
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}

/// Passes requests on to the stand-in, and holds back the answer of one of them when told to.
pub struct Proxy {
    pub address: SocketAddr,
    pub armed: Arc<AtomicUsize>,
    pub held: Arc<AtomicBool>,
    pub seen: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (armed, held, seen): (Arc<AtomicUsize>, Arc<AtomicBool>, Arc<AtomicUsize>) =
            (Arc::new(AtomicUsize::new(usize::MAX)), Arc::default(), Arc::default());
        let (arm, hold, count) = (armed.clone(), held.clone(), seen.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (arm, hold, count) = (arm.clone(), hold.clone(), count.clone());
                std::thread::spawn(move || pass(stream, to, &arm, &hold, &count));
            }
        });
        Self { address, armed, held, seen }
    }

    /// Waits until the answer to request number `armed` is held back, or the child ends: whether it was.
    pub fn wait(&self, child: &mut Child) -> bool {
        let patience = Instant::now() + Duration::from_mins(2);
        while !self.held.load(Ordering::SeqCst) {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < patience, "neither an answer held back nor an end");
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }
}

fn pass(mut client: TcpStream, to: SocketAddr, armed: &AtomicUsize, held: &AtomicBool, seen: &AtomicUsize) {
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let Some((head, body)) = request(&mut client) else { return };
    let number = seen.fetch_add(1, Ordering::SeqCst);
    let Ok(mut server) = TcpStream::connect(to) else { return };
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(&body).unwrap();
    let mut answer = Vec::new();
    let _ = server.read_to_end(&mut answer);
    if number == armed.load(Ordering::SeqCst) {
        held.store(true, Ordering::SeqCst);
        return std::thread::sleep(Duration::from_secs(20));
    }
    let _ = client.write_all(&answer);
    let _ = client.shutdown(std::net::Shutdown::Both);
}

fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = vec![];
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = |line: &str| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
    let mut body = vec![0; head.lines().find_map(length).unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}
