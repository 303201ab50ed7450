//! The shell: one short file per command. Each collects, then appends, then tells people.

mod amend;
mod app;
mod archive;
mod archived;
mod aside;
mod ask;
mod assign;
mod attach;
mod bundle;
mod checkpoint;
mod close;
mod collect;
mod completions;
mod cosign;
mod cosigned;
mod decide;
mod deploy;
mod desk;
mod doctor;
mod doubts;
mod earlier;
mod elsewhere;
mod erase;
mod export;
mod facts;
mod files;
mod follow;
mod formats;
mod gate;
mod github;
mod help;
mod init;
mod join;
mod judge;
mod key;
mod keyring;
mod kit;
mod log;
mod man;
mod memory;
mod nearest;
mod next;
mod note;
mod open;
mod page;
mod paint;
mod papers;
mod pdf;
mod pick;
mod prove;
mod proven;
mod record;
mod record_at;
mod record_check;
mod recorder;
mod records;
mod rehearse;
mod retro;
mod review;
mod rollback;
mod say;
mod screen;
mod serve;
mod shift;
mod show;
mod sign;
mod signed;
mod snapshot;
mod sound;
mod source;
mod spool;
mod stamp;
mod standby;
mod status;
mod status_code;
mod tail;
mod tell;
mod template;
mod traffic;
mod verify;
mod watch;
mod withdraw;
mod witness;
mod words;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{CommandFactory as _, Parser, Subcommand};

pub use app::Clock;
use app::{App, Globals, SystemClock};
use status_code::Status;

/// The signed audit trail and the compliance record of a production deployment
///
/// Exit status: 0 done (verify: everything checked and anchored) · 1 a finding, or a gate that
/// refuses · 2 could not run · 3 a rollback limit is breached · 4 not proven.
#[derive(Parser, Debug)]
#[command(name = "aether-audit", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

// A command's arguments are described only when it is called. What describes `Args` would then describe the command, over
// what stands here: so they have no doc comments.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum Command {
    /// Make a folder ready to use: configuration, checklist, keys, the ledger and its entry 0
    Init(init::Args),
    /// Make keys and bring them on the roster
    #[command(subcommand)]
    Key(key::Command),
    /// Start a deployment record
    Open(open::Args),
    /// Give a role of this deployment to somebody else
    Assign(assign::Args),
    /// Replace the checklist of this deployment
    Amend(amend::Args),
    /// End the deployment without finishing it
    Abort(decide::AbortArgs),
    /// Show where the deployment stands
    Status(status::Args),
    /// List what happened
    Log(log::Args),
    /// Show one entry with its openings
    Show(show::Args),
    /// Sign items of the checklist
    Sign(sign::Args),
    /// Take a sign-off back
    Withdraw(withdraw::Args),
    /// Add your signature to a statement signed elsewhere
    Cosign(cosign::Args),
    /// Give statements signed elsewhere their place
    Join(join::Args),
    /// Collect evidence from the checks, now
    Collect(collect::Args),
    /// Attach a file as evidence
    Attach(attach::Args),
    /// Add a note
    Note(note::Args),
    /// Record a fact from elsewhere
    #[command(subcommand)]
    Record(record::Command),
    /// Decide: go, no-go, all-clear, override
    Decide(decide::Args),
    /// Ask a gate, as an exit status
    Gate(gate::Args),
    /// Take a snapshot of a database, follow it to its end and record it
    Snapshot(snapshot::Args),
    /// Start the workflow that deploys, follow it and record each stage
    Deploy(deploy::Args),
    /// Move traffic to Green or Blue, at once or in steps; each step recorded
    Shift(shift::Args),
    /// Watch the verification window, a reading each minute
    Watch(watch::Args),
    /// Keep Blue longer, or give it up
    Standby(standby::Args),
    /// Go back to Blue: announce, DNS, verify, notify, schedule the review; each step recorded
    Rollback(rollback::Args),
    /// Send a structured message to the channel, and record it
    Say(say::Args),
    /// Seal the record
    Close(close::Args),
    /// Write the completed checklist
    Render(records::RenderArgs),
    /// Write and sign the report
    Report(records::ReportArgs),
    /// Look back over a period: every deployment, the figures of DORA, habits
    Retro(retro::Args),
    /// Write the template of a review, filled with the facts of one deployment
    Review(review::Args),
    /// Show it all live, on a page for the war room
    Serve(serve::Args),
    /// Check a ledger, an export, a record folder or a report.html
    Verify(verify::Args),
    /// Sign and print a checkpoint of the log
    Checkpoint(checkpoint::Args),
    /// Be a witness of other teams' logs: cosign their checkpoints over HTTP
    Witness(witness::Args),
    /// Erase a text for good; that it was erased, by whom and why, stays
    Erase(erase::Args),
    /// Show one entry by itself, with proofs, to somebody who is to see nothing else
    Prove(prove::Args),
    /// Write a folder that any tool can check
    Export(export::Args),
    /// The whole procedure as a dry run, in a ledger of its own
    Rehearse(rehearse::Args),
    /// Before the day: ask for everything that is configured
    Doctor(doctor::Args),
    /// Print the help of a command
    Help(help::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print a manual page, or write them all
    Man(man::Args),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let cli =
        Cli::try_parse_from(&args).unwrap_or_else(|error| help::told(error, &args, Cli::command()).exit());
    let live = io::stdout().is_terminal();
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    ExitCode::from(execute(&cli, &SystemClock, live, &mut out, &mut err))
}

/// Runs the program by its command line (the program's name first) in a time of the caller's; gives the exit status.
pub fn run_at<T: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = T>,
    clock: &dyn Clock,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> u8 {
    match Cli::try_parse_from(args) {
        Ok(cli) => execute(&cli, clock, false, out, err),
        Err(error) => {
            let _ = writeln!(err, "{error}");
            Status::CouldNotRun.code()
        }
    }
}

fn execute(cli: &Cli, clock: &dyn Clock, live: bool, out: &mut dyn io::Write, err: &mut dyn io::Write) -> u8 {
    let mut app = App::new(cli.globals.clone(), clock, out, err);
    app.live = live;
    let status = match run(&mut app, &cli.command) {
        Ok(status) => status,
        Err(error) if closed_pipe(&error) => Status::Done,
        Err(error) => {
            let _ = writeln!(app.err, "aether-audit: {}", app::printable(&chain(&error)));
            status_code::of(&error)
        }
    };
    let _ = app.answer();
    let _ = app.out.flush();
    status.code()
}

/// A dry run that a command does not know would be none: such a command refuses it.
fn refuse_dry_run(command: &Command) -> Result<()> {
    match command {
        Command::Witness(_) => {
            bail!("--dry-run: a witness only works by remembering what it saw; nothing was started")
        }
        Command::Rehearse(_) => {
            bail!("--dry-run: `rehearse` is the dry run of a whole deployment; run it as it is")
        }
        Command::Verify(args) if args.follow.is_some() => {
            bail!("--dry-run: --follow remembers what it sees; leave out one of the two")
        }
        _ => Ok(()),
    }
}

/// What a rollback could not append in time gets its place with the next command that writes.
fn spooled(app: &mut App, command: &Command) {
    match command {
        Command::Init(_)
        | Command::Rollback(_)
        | Command::Join(_)
        | Command::Serve(_)
        | Command::Verify(_)
        | Command::Witness(_)
        | Command::Rehearse(_)
        | Command::Completions(_)
        | Command::Help(_)
        | Command::Man(_) => {}
        Command::Status(_)
        | Command::Log(_)
        | Command::Retro(_)
        | Command::Review(_)
        | Command::Show(_)
        | Command::Gate(_)
        | Command::Render(_) => {
            spool::mention(app);
        }
        _ => {
            spool::settle(app);
            app.recorded.take();
        }
    }
}

fn run(app: &mut App, command: &Command) -> Result<Status> {
    if app.globals.dry_run {
        refuse_dry_run(command)?;
    } else {
        spooled(app, command);
    }
    match command {
        Command::Init(args) => init::run(app, args),
        Command::Key(command) => key::run(app, command),
        Command::Open(args) => open::run(app, args),
        Command::Assign(args) => assign::run(app, args),
        Command::Amend(args) => amend::run(app, args),
        Command::Abort(args) => decide::abort(app, args),
        Command::Status(args) => status::run(app, args),
        Command::Log(args) => log::run(app, args),
        Command::Show(args) => show::run(app, args),
        Command::Sign(args) => sign::run(app, args),
        Command::Withdraw(args) => withdraw::run(app, args),
        Command::Cosign(args) => cosign::run(app, args),
        Command::Join(args) => join::run(app, args),
        Command::Collect(args) => collect::run(app, args),
        Command::Watch(args) => watch::run(app, args),
        Command::Snapshot(args) => snapshot::run(app, args),
        Command::Attach(args) => attach::run(app, args),
        Command::Note(args) => note::run(app, args),
        Command::Record(command) => record::run(app, command),
        Command::Decide(args) => decide::run(app, args),
        Command::Gate(args) => gate::run(app, args),
        Command::Say(args) => say::run(app, args),
        Command::Shift(args) => shift::run(app, args),
        Command::Standby(args) => standby::run(app, args),
        Command::Deploy(args) => deploy::run(app, args),
        Command::Rollback(args) => rollback::run(app, args),
        Command::Close(args) => close::run(app, args),
        Command::Render(args) => records::render(app, args),
        Command::Report(args) => records::report(app, args),
        Command::Retro(args) => retro::run(app, args),
        Command::Review(args) => review::run(app, args),
        Command::Serve(args) => serve::run(app, args),
        Command::Verify(args) => verify::run(app, args),
        Command::Checkpoint(args) => checkpoint::run(app, args),
        Command::Witness(args) => witness::run(app, args),
        Command::Erase(args) => erase::run(app, args),
        Command::Prove(args) => prove::run(app, args),
        Command::Export(args) => export::run(app, args),
        Command::Rehearse(args) => rehearse::run(app, args),
        Command::Doctor(args) => doctor::run(app, args),
        Command::Help(args) => help::run(app, args, Cli::command()),
        Command::Completions(args) => completions::run(app, args, &mut Cli::command()),
        Command::Man(args) => man::run(app, args, Cli::command()),
    }
}

/// The error with its causes, each said once.
fn chain(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !said.contains(&cause) {
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&cause);
        }
    }
    said
}

fn closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
