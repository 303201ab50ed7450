//! `witness`: a small server that cosigns other teams' checkpoints.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::app::{App, Clock as _, SystemClock};
use super::files;
use super::keyring::{Keyring, generate, new_passphrase};
use super::status_code::Status;
use crate::core::checkpoint::{CosignerKey, Vkey};
use crate::witness::{Origin, Witness, serve};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder of what was cosigned; never two witnesses on one, never restored from an older copy
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The witness's name, such as example.com/witness
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// A log to witness, by its vkey (`key log` prints it); may be given again
    #[arg(long, value_name = "VKEY")]
    pub log: Vec<String>,
    /// Where to listen: plain HTTP, so put TLS in front of any other than this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7380")]
    pub listen: String,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    files::make_folder(&args.state)?;
    let keyring = Keyring::at(args.state.clone());
    if !keyring.has("witness") {
        let passphrase = new_passphrase(app, "witness")?;
        keyring.store("witness", &generate()?, &passphrase)?;
    }
    let key = keyring.load(app, "witness", None)?;
    let cosigner = CosignerKey::new(&args.name, key.public())?;
    same_name(&args.state, &cosigner)?;
    app.data(cosigner.to_string())?;
    let mut logs: Vec<Origin> = Vec::new();
    for text in &args.log {
        let vkey = Vkey::parse(text).with_context(|| format!("--log {text:?}"))?;
        match logs.iter_mut().find(|(origin, _)| origin == vkey.name()) {
            Some((_, keys)) => keys.push(vkey),
            None => logs.push((vkey.name().to_owned(), vec![vkey])),
        }
    }
    if logs.is_empty() {
        bail!(
            "this witness knows no log yet: the line above is its key for policies; run it with --log VKEY"
        );
    }
    app.out.flush()?;
    let witness = Witness::open(&args.state, cosigner, key, logs)?;
    let now = || u64::try_from(SystemClock.now().millis() / 1000).unwrap_or_default();
    serve(witness, &args.listen, Box::new(now), &mut |address| {
        app.say(format!("witness at http://{address}"));
    })?;
    Ok(Status::Done)
}

/// The name is a part of the key that policies have: a folder that has served under one keeps it.
fn same_name(state: &Path, cosigner: &CosignerKey) -> Result<()> {
    let path = state.join("witness.vkey");
    let own = format!("{cosigner}\n");
    if !path.exists() {
        return files::write(&path, own.as_bytes());
    }
    let kept = files::read_text(&path, 4096)?;
    if kept != own {
        bail!(
            "{} has served as {}, which is what policies name: give that --name, with the key of then (witness.pem), or another --state",
            state.display(),
            kept.trim_end()
        );
    }
    Ok(())
}
