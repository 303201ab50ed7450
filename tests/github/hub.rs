//! The repository that the tests play with, and the project's folder that deploys from it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::folder::{COMMIT, Folder, Ran};

/// A token that must be found nowhere.
pub const TOKEN: &str = "github_pat_11PLANTED0000000000_secret";

pub struct Hub {
    process: Child,
    pub url: String,
    _scenario: tempfile::NamedTempFile,
}

impl Hub {
    /// A repository whose workflow runs build, test and provision; `more` changes the scenario.
    pub fn start(more: &Value) -> Self {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/npm/node_modules");
        assert!(modules.exists(), "{} is missing: run tests/all (or tests/peers/install)", modules.display());
        let mut scenario = json!({
            "token": TOKEN,
            "branches": {"main": COMMIT},
            "workflows": [{
                "id": 11, "name": "Deploy to Prod", "path": ".github/workflows/deploy-to-prod.yml", "state": "active",
                "inputs": ["release", "commit", "correlation"],
            }],
            "jobs": [{"name": "build"}, {"name": "test"}, {"name": "provision"}],
        });
        for (name, value) in more.as_object().unwrap() {
            scenario[name] = value.clone();
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), scenario.to_string()).unwrap();
        let mut process = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/github/server.mjs"))
            .arg(modules)
            .arg(file.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, url: format!("http://127.0.0.1:{}", port.trim()), _scenario: file }
    }

    /// What was asked so far, and the state.
    pub fn look(&self) -> Value {
        let mut answer = ureq::get(format!("{}/_control", self.url)).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// Changes the world.
    pub fn change(&self, what: &Value) {
        ureq::post(format!("{}/_control", self.url)).send(what.to_string()).unwrap();
    }

    /// How many requests had this in their line.
    pub fn asked(&self, what: &str) -> usize {
        self.look()["log"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line.as_str().unwrap().contains(what))
            .count()
    }

    /// How many runs there are.
    pub fn runs(&self) -> usize {
        self.look()["state"]["runs"].as_array().unwrap().len()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let violations =
            if std::thread::panicking() { Value::Null } else { self.look()["violations"].clone() };
        let _ = self.process.kill();
        let _ = self.process.wait();
        assert!(violations.is_null() || violations == json!([]), "the contract was broken: {violations:#}");
    }
}

/// A folder with an open deployment, whose `aether.toml` names the repository.
pub fn opened(hub: &Hub) -> Folder {
    opened_with(&hub.url, "")
}

/// The same, for an API at `url`, with more keys under `[github]`.
pub fn opened_with(url: &str, more: &str) -> Folder {
    let folder = Folder::opened();
    let path = folder.at("aether.toml");
    let text = fs::read_to_string(&path).unwrap();
    let section = format!(
        "\n[github]\nrepository = \"example/aether\"\napi-url = \"{url}\"\npoll-seconds = 1\ntimeout-seconds = 5\n{more}\n"
    );
    let (head, checks) = text.split_once("# A check names a source").unwrap();
    fs::write(&path, format!("{head}{section}\n# A check names a source{checks}")).unwrap();
    folder
}

/// Goes, with everything waived that go misses.
pub fn go(folder: &Folder) {
    let missing: Value = serde_json::from_str(&folder.run(&["gate", "go", "-o", "json"]).out).unwrap();
    let mut args = vec!["decide", "go", "--reason", "a test", "--as", "alice"];
    for one in missing["missing"].as_array().unwrap() {
        args.extend(["--override", one["requirement"].as_str().unwrap()]);
    }
    folder.ok(&args);
}

/// `deploy` with the token in the environment.
pub fn deploy_command(folder: &Folder, args: &[&str]) -> Command {
    let all: Vec<&str> = ["deploy", "--as", "alice"].into_iter().chain(args.iter().copied()).collect();
    let mut command = folder.command(&all);
    command.env_remove("GITHUB_TOKEN").env_remove("GH_TOKEN").env("AETHER_AUDIT_GITHUB_TOKEN", TOKEN);
    command
}

pub fn deploy(folder: &Folder, args: &[&str]) -> Ran {
    Ran::of(deploy_command(folder, args).output().unwrap())
}

/// Each stage in the record: `stage act run`.
pub fn stages(folder: &Folder) -> Vec<String> {
    let log: Value = serde_json::from_str(&folder.ok(&["log", "--all", "-o", "json"])).unwrap();
    let stages = log.as_array().unwrap().iter().filter(|entry| entry["kind"] == "stage-reached");
    stages
        .map(|entry| {
            let text = |name: &str| entry["body"][name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", text("stage"), text("act"), text("run"))
        })
        .collect()
}
