//! `key list`: the roster in force.

use std::fmt::Write as _;

use anyhow::Result;

use crate::cli::app::App;
use crate::cli::desk::Desk;
use crate::cli::status_code::Status;
use crate::core::name::Token;
use crate::core::roster::{KeyUse, PersonKind};

#[derive(clap::Args, Debug)]
pub struct Args {}

pub fn run(app: &mut App, _: &Args) -> Result<Status> {
    let desk = Desk::read(app, None)?;
    let version = desk.roster()?;
    if app.json() {
        let ids: serde_json::Map<_, _> = version
            .roster
            .keys()
            .map(|(person, key)| {
                let of = serde_json::json!({"person": person.id, "use": key.key_use});
                (key.public.keyid().to_string(), of)
            })
            .collect();
        app.print_json(&serde_json::json!({
            "sha256": version.hash, "inForceAfterSeq": version.seq, "keyids": ids, "roster": *version.roster,
        }))?;
        return Ok(Status::Done);
    }
    let roster = &version.roster;
    let mut text = format!(
        "{}, roster version {} (after entry {}), changed by {} of the root holders\n",
        roster.log, roster.version, version.seq, roster.root_threshold
    );
    for person in &roster.people {
        let kind = if person.kind == PersonKind::Machine { " (machine)" } else { "" };
        let roles: Vec<&str> = person.roles.iter().map(Token::as_str).collect();
        let _ = writeln!(
            text,
            "{}{kind}: {}",
            person.id,
            if roles.is_empty() { "no role".into() } else { roles.join(", ") }
        );
        for key in &person.keys {
            let key_use = if key.key_use == KeyUse::Root { "root" } else { "role" };
            let known = desk.log.keys.get(&key.public.keyid());
            let made = match (&key.made_by, known.and_then(|known| known.made_by.as_ref())) {
                (Some(by), _) => format!("  made by {by}, who could sign as {}", person.id),
                (None, Some(by)) => {
                    format!("  rotated from one that {by} made, who could have done that too")
                }
                (None, None) => String::new(),
            };
            let _ = writeln!(text, "  {key_use}  {}{made}", key.public.keyid());
        }
    }
    app.data(text)?;
    Ok(Status::Done)
}
