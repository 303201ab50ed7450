//! A real resolver, Unbound, with a zone and a cache of its own, on 127.0.0.1, stopped with the test.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aether_audit::remote::dns::{Answer, DnsError, Kind, ask};
use tempfile::TempDir;

use crate::world::RECORD;

pub struct Unbound {
    child: Child,
    pub address: SocketAddr,
    dir: TempDir,
}

impl Unbound {
    /// Knows the record as an alias of that target, to be kept so many seconds.
    pub fn start(target: &str, ttl: u32) -> Self {
        for _ in 0..5 {
            let dir = tempfile::tempdir().unwrap();
            let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            zone(&dir, target, ttl);
            fs::write(dir.path().join("unbound.conf"), settings(&dir, address)).unwrap();
            let child = program("unbound")
                .args(["-d", "-c"])
                .arg(dir.path().join("unbound.conf"))
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("unbound is missing: tests/all installs it");
            let mut server = Self { child, address, dir };
            if server.ready() {
                return server;
            }
        }
        panic!("unbound does not start");
    }

    fn ready(&mut self) -> bool {
        let patience = Instant::now() + Duration::from_secs(20);
        while Instant::now() < patience && self.child.try_wait().unwrap().is_none() {
            if self.look().is_ok() && self.dir.path().join("control").exists() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// What it answers now.
    pub fn look(&self) -> Result<Answer, DnsError> {
        ask(self.address, RECORD, Kind::Cname, Duration::from_secs(2))
    }

    /// The zone changes; what is kept in the cache stays until its time is over, as at any resolver.
    pub fn change(&self, target: &str, ttl: u32) {
        zone(&self.dir, target, ttl);
        let told = program("unbound-control")
            .arg("-c")
            .arg(self.dir.path().join("unbound.conf"))
            .args(["auth_zone_reload", "example.com"])
            .output()
            .unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian keeps both where only root looks.
fn program(name: &str) -> Command {
    let own = format!("/usr/sbin/{name}");
    Command::new(if std::path::Path::new(&own).exists() { own } else { name.to_owned() })
}

fn zone(dir: &TempDir, target: &str, ttl: u32) {
    let text = format!(
        "$ORIGIN example.com.\n@ 60 IN SOA ns admin 1 60 60 60 60\n@ 60 IN NS ns\nns 60 IN A 127.0.0.1\n\
         {RECORD}. {ttl} IN CNAME {target}.example.com.\nblue 60 IN A 127.0.0.2\ngreen 60 IN A 127.0.0.3\n"
    );
    fs::write(dir.path().join("zone"), text).unwrap();
}

fn settings(dir: &TempDir, address: SocketAddr) -> String {
    let (folder, port) = (dir.path().display(), address.port());
    format!(
        "server:\n  directory: \"{folder}\"\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  interface: 127.0.0.1\n  port: {port}\n\
         \x20 do-ip6: no\n  do-daemonize: no\n  use-syslog: no\n  module-config: \"iterator\"\n  num-threads: 1\n\
         remote-control:\n  control-enable: yes\n  control-interface: \"{folder}/control\"\n  control-use-cert: no\n\
         auth-zone:\n  name: \"example.com\"\n  zonefile: \"{folder}/zone\"\n  for-downstream: no\n  for-upstream: yes\n  fallback-enabled: no\n"
    )
}
