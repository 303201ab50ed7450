//! `serve`: the live page for the war room.

mod room;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::app::{App, random};
use super::files;
use super::status_code::Status;
use crate::core::name::Token;
use crate::core::time::Timestamp;
use crate::serve::{Access, Feed, SHORTEST_TOKEN, listen, serve};
use room::Room;

const TOKEN: &str = "AETHER_AUDIT_SERVE_TOKEN";
/// So often the ledger's files are looked at.
const OFTEN: Duration = Duration::from_millis(200);

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where to listen; port 0 takes a free one. Any address that others reach needs a token, and TLS in front of it
    #[arg(long, value_name = "ADDR:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), env = "AETHER_AUDIT_BIND", hide_env_values = true)]
    pub bind: SocketAddr,
    /// A file whose first line is the token that viewers need (or set `AETHER_AUDIT_SERVE_TOKEN`)
    #[arg(long, value_name = "FILE", env = "AETHER_AUDIT_TOKEN_FILE", hide_env_values = true)]
    pub token_file: Option<PathBuf>,
    /// Make a token for this run and print it, within the link
    #[arg(long, conflicts_with = "token_file")]
    pub new_token: bool,
    /// A name that the page is asked for by, beside localhost and addresses; may be given again
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// When the cutover is planned, such as 2026-07-03T02:00:00.000Z: the page counts down to it
    #[arg(long, value_name = "TIME")]
    pub planned: Option<Timestamp>,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let token = token(args)?;
    if token.is_none() && !args.bind.ip().is_loopback() {
        bail!(
            "others reach {}, and it would be shown to all of them: give a token (--token-file FILE, {TOKEN}, or --new-token \
             makes one)",
            args.bind
        );
    }
    let wanted = app.globals.deployment.as_deref().map(Token::new).transpose()?;
    let mut room = Room::new(app.ledger_path()?, app.home(), wanted, args.planned);
    let first = room.begin(app.now())?;
    if app.globals.dry_run {
        app.would(format!("show {} at http://{}, and write nothing", room.shown(), args.bind))?;
        return Ok(Status::Done);
    }
    let feed = Feed::new(&first.lines, &first.state);
    let (listener, address) = listen(args.bind)?;
    let access = Access::new(address.port(), &args.host, token.as_deref());
    // What stands after # is sent to nobody, so that no log on the way has it.
    let printed = token.as_ref().filter(|_| args.new_token).map(|token| format!("#token={token}"));
    let url = format!("http://{address}/{}", printed.unwrap_or_default());
    if app.json() {
        app.print_json(&serde_json::json!({ "url": url, "deployment": room.id() }))?;
    } else {
        app.data(&url)?;
    }
    app.out.flush()?;
    app.say(format!("showing {}; Ctrl-C ends it", room.shown()));
    if !address.ip().is_loopback() {
        let place =
            if address.ip().is_unspecified() { ", with this machine's address in the link" } else { "" };
        app.say(format!("others reach it by plain HTTP{place}: put TLS in front of it"));
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Should it ever panic, nothing goes on showing what it saw last.
            let _closing = Closing(&feed);
            while !stop.load(Ordering::Relaxed) {
                room.look(&feed);
                thread::sleep(OFTEN);
            }
        });
        let served = serve(listener, access, Arc::clone(&feed));
        stop.store(true, Ordering::Relaxed);
        served
    })?;
    Ok(Status::Done)
}

struct Closing<'a>(&'a Feed);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The token that viewers need, where there is to be one.
fn token(args: &Args) -> Result<Option<String>> {
    if args.new_token {
        return Ok(Some(base16ct::lower::encode_string(&random::<32>()?)));
    }
    let given = match &args.token_file {
        Some(path) => Some(first_line(path)?),
        None => std::env::var(TOKEN).ok().map(|token| token.trim().to_owned()),
    };
    let place = || args.token_file.as_ref().map_or_else(|| TOKEN.into(), |path| path.display().to_string());
    match given {
        Some(token) if token.chars().count() < SHORTEST_TOKEN => {
            bail!(
                "{}: a token has at least {SHORTEST_TOKEN} characters (--new-token makes a good one)",
                place()
            )
        }
        Some(token) if !token.chars().all(|c| c.is_ascii_graphic()) => {
            bail!("{}: a token is made of letters, digits and signs, without spaces", place())
        }
        other => Ok(other),
    }
}

fn first_line(path: &Path) -> Result<String> {
    let text = files::read_text(path, 4096).with_context(|| format!("--token-file {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
