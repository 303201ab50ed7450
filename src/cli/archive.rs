//! `export --archive`: the export as objects that nobody can delete, each read back and compared.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::app::App;
use super::checkpoint::vkeys;
use super::desk::Desk;
use super::export::{self, Args};
use super::status_code::Status;
use crate::archive::{Client, Content, Held, Put};
use crate::core::archive::{Place, RETAIN_DAYS};
use crate::core::checkpoint::{self, Vkey};
use crate::core::hash::Hash;
use crate::core::time::Timestamp;

/// The last one written: an archive with it is complete.
pub const CHECKPOINT: &str = "checkpoint";
/// What differs by the version of the program that wrote it, and what no check rests on.
const PAPERS: [&str; 2] = ["README.md", "roster.json"];
const DAY: i64 = 86_400;

/// One file of the export and the object that it becomes.
struct Item {
    file: PathBuf,
    name: String,
    key: String,
    content: Content,
}

/// What became of an object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    key: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// Now, and read back.
    Written,
    /// There with the same bytes.
    There,
    /// There with other bytes that say the same, or on which nothing rests: left as it is.
    Kept,
    /// A finding.
    Differs,
}

/// Where to, and for how long.
struct Target {
    place: Place,
    until: Timestamp,
    /// Every key that has signed checkpoints of the log.
    log_keys: Vec<Vkey>,
}

pub fn run(app: &mut App, args: &Args, url: &str) -> Result<Status> {
    if args.only_deployment || app.globals.deployment.is_some() {
        bail!(
            "an archive holds the whole log: leave --only-deployment and --deployment (AETHER_AUDIT_DEPLOYMENT) out"
        );
    }
    let file = app.home().join("aether.toml");
    let config = if file.is_file() { Some(app.config()?) } else { None };
    let (aws, set) = config.map(|config| (config.aws, config.archive)).unzip();
    let place = match url {
        "" => set
            .as_ref()
            .and_then(|set| set.url.clone())
            .context("where to? Write --archive s3://bucket/prefix, or set `url` under [archive]")?,
        text => text.parse().with_context(|| format!("--archive {text}"))?,
    };
    let days = args.retain.or(set.map(|set| set.retain_days)).unwrap_or(RETAIN_DAYS);
    let now = app.now().millis().div_euclid(1000) * 1000;
    let until = Timestamp::from_millis(now)?.plus_seconds(i64::from(days) * DAY);
    let log_keys = vkeys(&Desk::read(app, None)?.log);
    let target = Target { place, until, log_keys };
    if app.globals.dry_run {
        return show(app, &target, args.with_openings);
    }
    let client = Client::new(&aws.unwrap_or_default(), target.place.bucket())?;
    client.locks()?;
    let temporary = tempfile::tempdir().context("no folder for the export")?;
    let folder = args.folder.clone().unwrap_or_else(|| temporary.path().join("export"));
    let made = export::make(app, &folder, None, false, true)?;
    let note = made.checkpoint.context(
        "this place has no log key, and an archive without a checkpoint anchors nothing: \
         archive from where the log was initialised, or after `aether-audit key log`",
    )?;
    if note.size != made.entries {
        bail!(
            "the newest checkpoint here covers {} entries, and the log has {}: archive from where its checkpoints are made",
            note.size,
            made.entries
        );
    }
    let mut items = items(&folder, &target.place.of_log(&made.origin), note.size, args.with_openings)?;
    let openings = items.iter().filter(|item| item.name.starts_with("openings/")).count();
    let checkpoint = items.pop().context("the export is empty")?;
    let mut told = Vec::new();
    for item in &items {
        told.push(archive(app, &client, item, &target, told.len())?);
    }
    // Without it the archive counts as not complete.
    if !told.iter().any(|told| told.state == Some(State::Differs)) {
        told.push(archive(app, &client, &checkpoint, &target, told.len())?);
    }
    report(app, &target, &told, note.size)?;
    if openings > 0 {
        app.warn(format!(
            "{openings} texts lie in the archive, where `erase` cannot reach them before {}",
            until.human()
        ));
    } else {
        app.say(
            "The texts that people wrote are not in it, so that they can still be erased (--with-openings puts them in): keep an \
             export with them elsewhere.",
        );
    }
    let found = told.iter().any(|told| told.state == Some(State::Differs));
    Ok(if found { Status::Finding } else { Status::Done })
}

/// `--dry-run`: what would be written, without asking S3 anything and without making a checkpoint.
fn show(app: &mut App, target: &Target, with_openings: bool) -> Result<Status> {
    let temporary = tempfile::tempdir().context("no folder for the export")?;
    let folder = temporary.path().join("export");
    let made = export::make(app, &folder, None, false, false)?;
    let items = items(&folder, &target.place.of_log(&made.origin), made.entries, with_openings)?;
    let bytes: u64 = items.iter().map(|item| item.content.bytes).sum();
    let told: Vec<Told> = items
        .into_iter()
        .map(|item| Told { key: item.key, bytes: item.content.bytes, state: None, locked_until: None })
        .collect();
    if app.json() {
        app.print_json(&serde_json::json!({
            "archive": target.place.to_string(), "dryRun": true, "size": made.entries,
            "wouldLockUntil": target.until, "objects": told,
        }))?;
    } else {
        let lines: Vec<String> =
            told.iter().map(|told| format!("{:>12}  {}", told.bytes, told.key)).collect();
        app.data(lines.join("\n"))?;
        app.say(format!(
            "Dry run: nothing was written. {} objects, {bytes} bytes, and a checkpoint as the last would go to {}, locked until {}.",
            told.len(),
            target.place,
            target.until.human()
        ));
    }
    Ok(Status::Done)
}

/// Every file of the export, the checkpoint last. Openings and keys are named by their content, and so shared by all
/// archives of the log.
fn items(folder: &Path, of_log: &str, size: u64, with_openings: bool) -> Result<Vec<Item>> {
    let mut names = Vec::new();
    walk(folder, "", &mut names)?;
    names.sort_by_key(|name| (name == CHECKPOINT, !name.contains('/'), name.clone()));
    names.retain(|name| with_openings || !name.starts_with("openings/"));
    let item = |name: String| {
        let file = folder.join(&name);
        let shared = name.starts_with("openings/") || name.starts_with("keys/");
        let key = if shared { format!("{of_log}{name}") } else { format!("{of_log}exports/{size}/{name}") };
        let content = content(&file)?;
        Ok(Item { file, name, key, content })
    };
    names.into_iter().map(item).collect()
}

fn walk(folder: &Path, above: &str, names: &mut Vec<String>) -> Result<()> {
    for file in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let file = file?;
        let name = file.file_name().into_string().ok().context("a file of the export has a strange name")?;
        let name = format!("{above}{name}");
        if file.file_type()?.is_dir() {
            walk(&file.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

fn content(file: &Path) -> Result<Content> {
    let mut reader = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(Content { bytes, sha256: Hash(hash.finalize().into()) });
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

/// Writes one object where there is none, and reads back what is there then: its bytes and its lock.
fn archive(app: &mut App, client: &Client, item: &Item, target: &Target, before: usize) -> Result<Told> {
    let again = || format!("{before} objects are archived; run the same again to go on from there");
    let put = client.put_new(&item.key, &item.file, &item.content, target.until).with_context(again)?;
    let told = |state, locked_until| Told {
        key: item.key.clone(),
        bytes: item.content.bytes,
        state: Some(state),
        locked_until,
    };
    let mut found = |text: String| app.warn(format!("FOUND: {}: {text}", target_key(target, item)));
    let Some(mut held) = client.get(&item.key, None, &mut |_| true).with_context(again)? else {
        found("it was written, and is not there when it is read back".into());
        return Ok(told(State::Differs, None));
    };
    let written = matches!(put, Put::Written);
    let same = held.content == item.content;
    if !same && (written || !kept(client, item, &target.log_keys)?) {
        found(if written {
            "what is read back is not what was written".into()
        } else {
            format!(
                "other bytes are there already (SHA-256 {}, not {}): they were left as they are, and no checkpoint was archived. \
                 Another history of this log may have been archived before: run `aether-audit verify --archive {}`",
                held.content.sha256, item.content.sha256, target.place
            )
        });
        return Ok(told(State::Differs, None));
    }
    // Written earlier, for a shorter time: from now on as long as this time was asked for.
    if !written && !held.locked_to(target.until.plus_seconds(-DAY)) {
        client.extend(&item.key, &held.version, target.until).with_context(again)?;
        held = client
            .get(&item.key, Some(&held.version), &mut |_| true)
            .with_context(again)?
            .unwrap_or(Held { locked: None, ..held });
    }
    let enough = if written { target.until } else { target.until.plus_seconds(-DAY) };
    if !held.locked_to(enough) {
        found(match held.locked {
            Some(until) => format!("it is locked until {}, and not until {}", until.human(), enough.human()),
            None => "no lock in compliance mode can be seen on it: allow s3:GetObjectRetention, and look whether it has one".into(),
        });
        return Ok(told(State::Differs, held.locked));
    }
    let state = match (written, same) {
        (true, _) => State::Written,
        (false, true) => State::There,
        (false, false) => State::Kept,
    };
    if state == State::Kept {
        app.say(format!(
            "{} was archived before in another wording, and stays as it is",
            target_key(target, item)
        ));
    }
    Ok(told(state, held.locked))
}

fn target_key(target: &Target, item: &Item) -> String {
    format!("s3://{}/{}", target.place.bucket(), item.key)
}

/// Whether other bytes that are there already may stay: papers, and the same checkpoint signed by another of the log's
/// keys, or with other cosignatures on it.
fn kept(client: &Client, item: &Item, log_keys: &[Vkey]) -> Result<bool> {
    if PAPERS.contains(&item.name.as_str()) {
        return Ok(true);
    }
    if item.name != CHECKPOINT {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    client.get(&item.key, None, &mut |part| {
        bytes.extend_from_slice(part);
        bytes.len() < 1 << 20
    })?;
    let own = fs::read_to_string(&item.file)?;
    let Ok(there) = String::from_utf8(bytes) else { return Ok(false) };
    let (there, own) = (checkpoint::open(&there, log_keys), checkpoint::open(&own, log_keys));
    Ok(matches!((there, own), (Ok(there), Ok(own)) if there.checkpoint == own.checkpoint))
}

fn report(app: &mut App, target: &Target, told: &[Told], size: u64) -> Result<()> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in told {
        *counts
            .entry(match one.state {
                Some(State::Written) | None => "written and read back",
                Some(State::There) => "there already",
                Some(State::Kept) => "there in another wording",
                Some(State::Differs) => "WRONG",
            })
            .or_default() += 1;
    }
    if app.json() {
        return app.print_json(&serde_json::json!({
            "archive": target.place.to_string(), "size": size, "lockUntil": target.until, "objects": told,
        }));
    }
    app.data(target.place.to_string())?;
    let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    app.say(format!(
        "{size} entries in {} objects: {}; locked until {}",
        told.len(),
        counts.join(", "),
        target.until.human()
    ));
    Ok(())
}
