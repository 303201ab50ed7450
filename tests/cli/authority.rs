//! Time-stamping authorities made of `openssl ts`, with certificates made on the fly, behind a small HTTP server.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tempfile::TempDir;

const CONFIG: &str = "
[tsa]
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = ESS
signer_digest = DIGEST
serial = ./serial
[stamping]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[lenient]
extendedKeyUsage = timeStamping
[two]
extendedKeyUsage = critical, timeStamping, codeSigning
[web]
extendedKeyUsage = critical, serverAuth
[none]
basicConstraints = CA:false
[crypting]
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = critical, timeStamping
[between]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[ca]
default_ca = issuing
[issuing]
database = ./index
new_certs_dir = .
serial = ./issued
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
";

/// A root certificate, and what is signed under it, all in a folder of its own.
pub struct Authority {
    dir: TempDir,
}

impl Authority {
    /// A root (`root.pem`), a CA below it, and an authority below that (`tsa`).
    pub fn new() -> Self {
        let own = Self { dir: tempfile::tempdir().unwrap() };
        let config = CONFIG.replace("ESS", "sha256").replace("DIGEST", "sha256");
        fs::write(own.at("cnf"), config).unwrap();
        fs::write(own.at("index"), "").unwrap();
        own.openssl(
            "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 3650 -subj /CN=Test_Root",
        );
        own.issue("between", "rsa:2048", "between", "root", "");
        own.issue("tsa", "rsa:2048", "stamping", "between", "");
        own
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    /// Runs openssl here; the words are parted by spaces.
    #[track_caller]
    pub fn openssl(&self, words: &str) -> String {
        let (status, said) = self.try_openssl(words);
        assert!(status, "openssl {words}: {said}");
        said
    }

    pub fn try_openssl(&self, words: &str) -> (bool, String) {
        let ran =
            Command::new("openssl").args(words.split(' ')).current_dir(self.dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        (ran.status.success(), said)
    }

    /// A key and a certificate called `name`, signed by `by`, with the extensions of a section of the configuration.
    pub fn issue(&self, name: &str, key: &str, section: &str, by: &str, dates: &str) {
        self.openssl(&format!(
            "req -new -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj /CN=Test_{name}"
        ));
        let dates = if dates.is_empty() { "-days 30" } else { dates };
        self.openssl(&format!(
            "ca -batch -notext -config cnf -cert {by}.pem -keyfile {by}.key -extensions {section} -in {name}.csr -out {name}.pem {dates}"
        ));
    }

    /// The answer of `tsa` to a query, with every certificate in the token.
    pub fn stamp(&self, query: &[u8]) -> Vec<u8> {
        self.stamp_as("tsa", query)
    }

    pub fn stamp_as(&self, signer: &str, query: &[u8]) -> Vec<u8> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("query-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        fs::write(self.at(&name), query).unwrap();
        let chain = ["between.pem", "root.pem"].map(|name| fs::read_to_string(self.at(name)).unwrap());
        fs::write(self.at("chain.pem"), chain.concat()).unwrap();
        self.openssl(&format!(
            "ts -reply -config cnf -section tsa -queryfile {name} -signer {signer}.pem -inkey {signer}.key -chain chain.pem -out {name}.tsr"
        ));
        fs::read(self.at(&format!("{name}.tsr"))).unwrap()
    }

    /// A token over `text`, as an authority answers that was asked with openssl.
    pub fn stamped(&self, text: &str) -> Vec<u8> {
        self.stamp(&self.query(text))
    }

    pub fn query(&self, text: &str) -> Vec<u8> {
        fs::write(self.at("text"), text).unwrap();
        self.openssl("ts -query -data text -sha256 -cert -out text.tsq");
        fs::read(self.at("text.tsq")).unwrap()
    }

    /// What a token states, signed anew by another certificate.
    pub fn signed_anew(&self, reply: &[u8], signer: &str, digest: &str) -> Vec<u8> {
        fs::write(self.at("old.tsr"), reply).unwrap();
        self.openssl("ts -reply -in old.tsr -token_out -out old.token");
        self.openssl("cms -verify -noverify -inform DER -in old.token -out stated");
        self.openssl(&format!(
            "cms -sign -binary -nodetach -cades -nosmimecap -econtent_type 1.2.840.113549.1.9.16.1.4 -md {digest} -in stated \
             -signer {signer}.pem -inkey {signer}.key -certfile between.pem -outform DER -out new.token"
        ));
        self.openssl("ts -reply -in new.token -token_in -out new.tsr");
        fs::read(self.at("new.tsr")).unwrap()
    }

    /// Whether `openssl ts -verify` takes the token over `text` by a root, as of now or of another time.
    pub fn judge(&self, reply: &[u8], text: &str, root: &str, attime: Option<u64>) -> bool {
        fs::write(self.at("judged"), reply).unwrap();
        fs::write(self.at("judged.text"), text).unwrap();
        let attime = attime.map_or_else(String::new, |time| format!(" -attime {time}"));
        let words = format!("ts -verify -data judged.text -in judged -CAfile {root}{attime}");
        self.try_openssl(&words).0
    }
}

/// What is answered to a query: the bytes of a whole HTTP response, or nothing for ever.
type Answer = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send>;

/// A server on a free port of this machine, which ends when it goes.
pub struct Server {
    address: String,
    asked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn of(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, ended, answer): (_, _, Answer) = (asked.clone(), stop.clone(), Box::new(answer));
        let thread = std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let Some(query) = query(&stream) else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                match answer(&query) {
                    Some(bytes) => drop((&stream).write_all(&bytes)),
                    None => silent.push(stream),
                }
            }
        });
        Self { address, asked, stop, thread: Some(thread) }
    }

    /// One that answers with time-stamp replies.
    pub fn stamping(reply: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        Self::of(move |query| Some(response("application/timestamp-reply", &reply(query))))
    }

    pub fn url(&self) -> String {
        format!("http://{}/tsa", self.address)
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(&self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub fn response(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The body of a POST of a time-stamp query.
fn query(stream: &TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut typed) = (0, false);
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "content-type" => typed = value.trim() == "application/timestamp-query",
            _ => {}
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    typed.then_some(body)
}
