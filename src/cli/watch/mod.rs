//! `watch`: the verification window, minute by minute, until it is proven or something speaks against it.
//!
//! What there is to do is folded from the ledger each time, so that a watch can end anywhere and be started again: it
//! goes on where the ledger stands. It decides nothing.

mod board;
mod end;
mod lease;
mod plan;
mod read;
mod show;
mod trigger;

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::app::App;
use super::collect::frozen;
use super::desk::Desk;
use super::open::frozen_check;
use super::status_code::{Refused, Status};
use crate::config::Config;
use crate::core::deployment::Deployment;
use crate::core::name::Token;
use crate::core::time::Timestamp;
use board::Board;
use end::{End, end};
use lease::Lease;
use plan::{Stretch, Watched, minute};
use read::Round;
use show::Show;

/// So many rounds in a row may fail before the watch gives up.
const PATIENCE: u32 = 3;

#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Look for so many minutes from now on, whatever the traffic; proves nothing of the verification window
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub minutes: Option<u32>,
    /// Where a rollback limit fires, go on to roll back
    #[arg(long)]
    pub auto_rollback: bool,
    /// Stop then, wherever it stands: for a rehearsal, where one person plays all
    #[arg(skip)]
    pub until: Option<Timestamp>,
}

struct Watch<'a> {
    id: Token,
    config: Config,
    args: &'a Args,
    began: Timestamp,
    lease: Lease,
    mine: bool,
    attached: bool,
    until: Timestamp,
    last: Option<u64>,
    failures: u32,
    show: Show,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let (id, desk) = Desk::read_at(app, false)?;
    let began = app.now();
    let stretch = stretch(desk.deployment(&id)?, args, began)?;
    let checks = watched(app, &config, &desk, &id)?;
    if app.globals.dry_run {
        let names: Vec<&str> = checks.iter().map(|watched| watched.spec.id.as_str()).collect();
        let until = stretch.to().human();
        app.would(format!("watch {id} until {until}, a reading each minute of {}", names.join(", ")))?;
        return Ok(Status::Done);
    }
    if checks.is_empty() {
        app.warn("no check is watched: such a window can never be proven (`watch = true` in aether.toml, when it is opened)");
    }
    let until = stretch.to();
    drop(desk);
    let lease = Lease::new(app, &app.ledger_path()?, &id)?;
    let mut watch = Watch {
        id,
        config,
        args,
        began,
        lease,
        mine: false,
        attached: false,
        until,
        last: None,
        failures: 0,
        show: Show::default(),
    };
    let status = watch.run(app);
    if watch.mine {
        watch.lease.release();
    }
    status
}

/// What is watched: the verification window, or with `--minutes` a stretch from `began` on.
fn stretch(deployment: &Deployment, args: &Args, began: Timestamp) -> Result<Stretch> {
    if let Some(of) = args.minutes {
        return Ok(Stretch { from: began, of, look: true });
    }
    let Some(from) = deployment.green_since() else {
        let what = format!("watch of {}: its verification window has not begun", deployment.id);
        let behind = deployment.green_percent().into_iter().filter(|(_, share)| *share < 100);
        let missing = behind.map(|(service, share)| format!("{service} is at {share} % Green")).collect();
        let next =
            "It begins when all services are at 100 %. For a look before: `aether-audit watch --minutes 10`";
        return Err(Refused { what, missing, next: next.into() }.into());
    };
    Ok(Stretch { from, of: deployment.opened.body.policy.verification_minutes, look: false })
}

/// The watched checks of the deployment, as it froze them.
fn watched(app: &App, config: &Config, desk: &Desk, id: &Token) -> Result<Vec<Watched>> {
    let specs = desk.deployment(id)?.opened.body.checks.iter().filter(|spec| spec.watch);
    specs
        .map(|spec| {
            let check = config.find(&spec.id).with_context(|| {
                format!(
                    "aether.toml no longer defines the check {}, with which {id} was opened: put it back",
                    spec.id
                )
            })?;
            let spec = frozen(desk, id, check, &frozen_check(app, config, check))?;
            Ok(Watched { check: check.clone(), spec })
        })
        .collect()
}

impl Watch<'_> {
    fn run(&mut self, app: &mut App) -> Result<Status> {
        let mut read = None;
        loop {
            let mut desk = Desk::read(app, Some(&self.id))?;
            if let Some(status) = self.look(app, &desk)? {
                return Ok(status);
            }
            let now = app.now();
            if self.args.until.is_some_and(|until| until <= now) {
                return Ok(Status::Done);
            }
            if read != Some(minute(now)) {
                read = Some(minute(now));
                self.claim(app, now)?;
                if self.mine {
                    desk = Desk::open(app, Some(&self.id))?;
                    self.round(app, &mut desk)?;
                    if let Some(status) = self.look(app, &desk)? {
                        return Ok(status);
                    }
                }
            }
            drop(desk);
            self.wait(app)?;
        }
    }

    /// Takes the lease, or moves its heartbeat on; tells when it changes hands.
    fn claim(&mut self, app: &mut App, now: Timestamp) -> Result<()> {
        let holder = self.lease.take(now)?;
        self.mine = holder.is_none();
        if self.mine && self.attached {
            self.tell(app, "nobody watches any more: taking over");
        }
        if let Some(holder) = holder.as_ref().filter(|_| !self.attached) {
            let (owner, pid, host) = (&holder.owner, holder.pid, &holder.host);
            self.tell(
                app,
                &format!("{owner} watches already (process {pid} on {host}): attached, reading nothing"),
            );
        }
        self.attached = holder.is_some();
        Ok(())
    }

    /// Says something below what is drawn.
    fn tell(&mut self, app: &mut App, text: &str) {
        self.show.leave();
        app.say(text);
    }

    fn round(&mut self, app: &mut App, desk: &mut Desk) -> Result<()> {
        let stretch = stretch(desk.deployment(&self.id)?, self.args, self.began)?;
        let checks = watched(app, &self.config, desk, &self.id)?;
        match read::round(app, &self.config, desk, &self.id, &stretch, &checks, &self.lease) {
            Ok(Round::Read) => {
                self.failures = 0;
                Ok(())
            }
            Ok(Round::Lost) => {
                (self.mine, self.attached) = (false, true);
                self.tell(app, "somebody else watches now: attached, reading nothing");
                Ok(())
            }
            Err(error) if self.last.is_some() && self.failures + 1 < PATIENCE => {
                self.failures += 1;
                self.show.leave();
                app.warn(format!(
                    "this minute could not be recorded, and is tried again in the next: {error:#}"
                ));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Shows where it stands by the ledger, answers what fires, and says whether that is the end.
    fn look(&mut self, app: &mut App, desk: &Desk) -> Result<Option<Status>> {
        let deployment = desk.deployment(&self.id)?;
        let stretch = match stretch(deployment, self.args, self.began) {
            Err(_) if !deployment.rollbacks.is_empty() => Stretch { from: self.began, of: 1, look: true },
            stretch => stretch?,
        };
        self.until = stretch.to();
        let checks = watched(app, &self.config, desk, &self.id)?;
        let now = app.now();
        let board = Board::new(deployment, &stretch, &checks, now);
        let new = board::lines(deployment, &checks, &stretch, self.last);
        self.last = new.last().map(|line| line.seq).or(self.last);
        let who = if self.mine { "reading" } else { "attached" };
        self.show.update(app, &board, &new, who)?;
        let fires = trigger::fired(deployment, &stretch, &checks).filter(|_| deployment.rollbacks.is_empty());
        if let Some(fired) = fires.filter(|_| self.mine) {
            trigger::record(app, &self.id, &self.lease, &fired)?;
            let said = format!("{} fires: {}", fired.check, fired.reason);
            self.show.finish(app, "trigger", &said, Status::Breached.code())?;
            if self.args.auto_rollback {
                if let Err(error) = trigger::go_back(app, &fired) {
                    app.warn(format!("the rollback could not go on: {error:#}"));
                }
            } else {
                trigger::tell_channel(app, &self.config, &self.id, &fired);
                let check = &fired.check;
                app.say(format!("Go back: `aether-audit rollback --check {check} --reason TEXT`"));
            }
            return Ok(Some(Status::Breached));
        }
        let found = end(deployment, &stretch, &checks, now);
        self.finish(app, &found, &stretch)
    }

    fn finish(&mut self, app: &mut App, found: &End, stretch: &Stretch) -> Result<Option<Status>> {
        let (verdict, text, status) = match found {
            End::NotYet => return Ok(None),
            End::Proven if stretch.look => {
                let text = "all passed; this was a look, and proves nothing of the verification window";
                ("passed", text.to_owned(), Status::Done)
            }
            End::Proven => {
                let text = format!(
                    "{} minutes measured and within every limit. Next: `aether-audit decide all-clear --reason TEXT`",
                    stretch.of
                );
                ("proven", text, Status::Done)
            }
            End::Person(why) => ("a person must decide", why.join("; "), Status::Finding),
            End::NotProven(why) => ("not proven", why.join("; "), Status::NotProven),
            End::Triggered(seq) => (
                "trigger",
                format!("a rollback trigger stands (entry {seq}): `aether-audit rollback --reason TEXT`"),
                Status::Breached,
            ),
            End::Decided(seq) => {
                ("over", format!("it was decided (entry {seq}): there is nothing to watch"), Status::Done)
            }
            End::RolledBack(seq) => (
                "rollback",
                format!("a rollback was begun (entry {seq}): there is nothing to watch"),
                Status::Breached,
            ),
        };
        self.show.finish(app, verdict, &text, status.code())?;
        Ok(Some(status))
    }

    /// Until the next minute, or the end of the stretch; a terminal is drawn each second.
    fn wait(&mut self, app: &mut App) -> Result<()> {
        let start = app.now();
        let mut wake = (minute(start) + 1) * 60_000;
        if self.until > start {
            wake = wake.min(self.until.millis());
        }
        loop {
            let left = u64::try_from(wake - app.now().millis()).unwrap_or(0);
            if left == 0 {
                return Ok(());
            }
            let most = if app.live { 1000 } else { 60_000 };
            app.clock.sleep(Duration::from_millis(left.min(most)));
            if app.live {
                self.redraw(app)?;
            }
        }
    }

    fn redraw(&mut self, app: &mut App) -> Result<()> {
        let desk = Desk::read(app, Some(&self.id))?;
        let deployment = desk.deployment(&self.id)?;
        let Ok(stretch) = stretch(deployment, self.args, self.began) else { return Ok(()) };
        let checks = watched(app, &self.config, &desk, &self.id)?;
        let board = Board::new(deployment, &stretch, &checks, app.now());
        self.show.draw(app, &board, if self.mine { "reading" } else { "attached" })
    }
}
