//! `open`: a deployment record begins.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use super::app::App;
use super::desk::{Desk, Draft, Hand, check_person, opened_bytes, opened_text};
use super::doubts;
use super::elsewhere::{Elsewhere, Fate};
use super::files;
use super::key::separate;
use super::nearest;
use super::status_code::Status;
use super::template;
use crate::config::Config;
use crate::core::check::{Check, CheckSpec};
use crate::core::checklist;
use crate::core::event::{Assignment, ChangeType, DeploymentOpened, Event, FrozenChecklist, Policy, Risk};
use crate::core::hash::Hash;
use crate::core::name::{Label, Token};
use crate::core::opening::Opening;
use crate::core::roster::{COMMS_LEAD, LEAD_DEPLOYER, QA_ENGINEER, Roster};
use crate::core::statement::Subject;
use crate::evidence;

const MAX_CHECKLIST: u64 = 1 << 20;

#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// What is released, for example v2.14.0; in lower case it is the deployment's id unless --deployment gives one
    pub release: String,
    /// The full Git commit, 40 hex digits
    #[arg(long, value_name = "SHA")]
    pub commit: String,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    pub lead_deployer: String,
    /// Who speaks to the channel and the stakeholders
    #[arg(long, value_name = "NAME")]
    pub comms_lead: String,
    /// Who verifies
    #[arg(long, value_name = "NAME")]
    pub qa_engineer: String,
    /// A service whose traffic moves; may be given again [default: those of aether.toml]
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// An artifact, by digest; may be given again
    #[arg(long, value_name = "NAME@sha256:HEX")]
    pub artifact: Vec<String>,
    /// The change ticket
    #[arg(long)]
    pub ticket: Option<String>,
    /// Why the change is made
    #[arg(long)]
    pub reason: Option<String>,
    /// The risk that the team gives it
    #[arg(long, value_enum)]
    pub risk: Option<RiskArg>,
    /// The type of change
    #[arg(long = "type", value_enum, default_value = "normal")]
    pub change_type: TypeArg,
    /// The deployment that this one repeats
    #[arg(long, value_name = "ID")]
    pub redeploy_of: Option<Token>,
    /// The environment [default: the one of aether.toml]
    #[arg(long, value_name = "NAME", env = "AETHER_AUDIT_ENV")]
    pub env: Option<String>,
    /// The checklist [default: templates/Deployment_Checklist.md]
    #[arg(long, value_name = "FILE", env = "AETHER_AUDIT_CHECKLIST")]
    pub checklist: Option<PathBuf>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
}

/// `--risk`
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RiskArg {
    Low,
    Medium,
    High,
}

/// `--type`
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum TypeArg {
    Standard,
    #[default]
    Normal,
    Emergency,
}

pub fn run(app: &mut App, args: &Args) -> Result<Status> {
    let config = app.config()?;
    let who = app.who()?;
    let mut desk = args.elsewhere.desk(app, None)?;
    let id = deployment_id(app, args)?;
    if desk.ledger.deployments()?.iter().any(|(used, _)| *used == id) {
        bail!(
            "the deployment id {id} was used before, and ids are never used again: give another with --deployment, for example {id}-2"
        );
    }
    let mut openings = Vec::new();
    let frozen = freeze(app, &config, args.checklist.as_ref(), &mut openings)?;
    let roster = &desk.roster()?.roster;
    warn_about(app, &frozen, &openings, roster);
    if let Some(text) = separate::differs(&config, roster) {
        app.warn(text);
    }
    if let Some(text) = openings.first().filter(|_| args.checklist.is_none()) {
        let path = default_checklist(app);
        if let Some(said) = template::outdated(&path, &String::from_utf8_lossy(&text.bytes), &config)? {
            app.warn(said);
        }
    }
    let body = body(app, &desk, &config, args, frozen, &mut openings)?;
    let subject = subject(&config, args)?;
    let draft =
        Draft { event: Event::DeploymentOpened(body), openings, deployment: Some(id.clone()), subject };
    let hand = Hand { person: who.clone(), role: Token::new(LEAD_DEPLOYER)? };
    if let Fate::Appended(appended) = args.elsewhere.settle(app, &mut desk, draft, hand, &[LEAD_DEPLOYER])? {
        if app.json() {
            app.print_json(
                &serde_json::json!({"deployment": id, "seq": appended.seq, "leaf": appended.leaf}),
            )?;
        } else {
            app.data(id.as_str())?;
            app.say(format!("entry {}: deployment {id} is open. Next: `aether-audit status`", appended.seq));
        }
    }
    Ok(Status::Done)
}

fn deployment_id(app: &App, args: &Args) -> Result<Token> {
    let text = app.globals.deployment.clone().unwrap_or_else(|| args.release.to_lowercase());
    Token::new(text).context("the release cannot be the deployment's id: give one with --deployment ID")
}

/// Where `init` puts the checklist.
pub fn default_checklist(app: &App) -> PathBuf {
    app.home().join("templates/Deployment_Checklist.md")
}

/// Reads a checklist and freezes its shape in clear and its text as an opening.
///
/// # Errors
/// Where it cannot be read, is wrong, or names an unknown check.
pub fn freeze(
    app: &App,
    config: &Config,
    path: Option<&PathBuf>,
    openings: &mut Vec<Opening>,
) -> Result<FrozenChecklist> {
    let default = default_checklist(app);
    let path = path.unwrap_or(&default);
    let text = files::read_text(path, MAX_CHECKLIST)?;
    let parsed = checklist::parse(&text).with_context(|| format!("{}", path.display()))?;
    if let Some(line) = checklist::imitations(&text).first() {
        bail!(
            "{}:{line}: this looks like a line of the completed checklist, which only the signed record writes: begin from a \
             checklist that nobody has completed",
            path.display()
        );
    }
    for item in &parsed.items {
        if let Some(check) = item.spec.check.as_ref().filter(|check| config.find(check).is_none()) {
            bail!(
                "{}:{}: item {} is bound to the check {check}, which aether.toml does not define",
                path.display(),
                item.line,
                item.spec.id
            );
        }
    }
    let text = opened_bytes(text.into_bytes(), "text/markdown", openings)?;
    let items = parsed.items.into_iter().map(|item| item.spec).collect();
    Ok(FrozenChecklist { items, phases: parsed.phases, text })
}

/// Says what is odd about a checklist that is about to be frozen.
pub fn warn_about(app: &mut App, frozen: &FrozenChecklist, openings: &[Opening], roster: &Roster) {
    let text = openings.first().map(|opening| String::from_utf8_lossy(&opening.bytes)).unwrap_or_default();
    if text.contains("to be set") {
        app.warn(
            "the checklist still says \"to be set\" (escalation contacts?): set it there and in aether.toml; \
                  in a deployment that is open, `aether-audit amend FILE` puts the new checklist in force",
        );
    }
    let ticked = doubts::ticked(&text);
    if !ticked.is_empty() {
        app.warn(format!(
            "the author's file has boxes that are ticked already, and nobody signed them; they stay ticked in the record, \
             which says so: {}",
            ticked.join(", ")
        ));
    }
    if let Some(text) = doubts::near(&text) {
        app.warn(text);
    }
    for doubt in doubts::unsignable(&frozen.items, roster) {
        app.warn(format!(
            "nobody can sign {doubt}: mend the checklist, or bring people on (`aether-audit key enroll`)"
        ));
    }
    if frozen.items.is_empty() {
        app.warn("the checklist has no task item: nothing can be signed");
    }
    if frozen.phases.is_empty() {
        app.warn(
            "the checklist has no phases, so that go gates nothing: go will need `--override phases/none`",
        );
    }
}

fn body(
    app: &App,
    desk: &Desk,
    config: &Config,
    args: &Args,
    checklist: FrozenChecklist,
    openings: &mut Vec<Opening>,
) -> Result<DeploymentOpened> {
    let named = [
        (LEAD_DEPLOYER, &args.lead_deployer),
        (COMMS_LEAD, &args.comms_lead),
        (QA_ENGINEER, &args.qa_engineer),
    ];
    let roster = &desk.roster()?.roster;
    let assignments = named
        .iter()
        .map(|(role, person)| {
            let person = Token::new(person.as_str())?;
            check_person(roster, &person)?;
            Ok(Assignment { person, role: Token::new(*role)? })
        })
        .collect::<Result<Vec<_>>>()?;
    let known = &config.project.services;
    if let Some(service) = args.service.iter().find(|service| !known.is_empty() && !known.contains(service)) {
        let hint =
            nearest::hint(service, known.iter().map(String::as_str), &format!("it has {}", known.join(", ")));
        bail!("--service {service}: aether.toml has no such service under [project]: {hint}");
    }
    let services = if args.service.is_empty() { known } else { &args.service };
    let services =
        services.iter().map(|service| Ok(Label::new(service.as_str())?)).collect::<Result<Vec<_>>>()?;
    if services.is_empty() {
        bail!("no service is named: --service NAME, or services in aether.toml");
    }
    let environment = args.env.clone().or_else(|| config.project.environment.clone());
    let checks = config.check.iter().map(|check| frozen_check(app, config, check)).collect();
    Ok(DeploymentOpened {
        assignments,
        checklist,
        checks,
        environment: Label::new(environment.unwrap_or_else(|| "production".into()))?,
        policy: Policy {
            coverage: config.deployment.coverage.clone(),
            machine_rollback: config.deployment.machine_rollback,
            standby_minutes: config.deployment.standby_minutes,
            verification_minutes: config.deployment.verification_minutes,
        },
        reason: args.reason.as_ref().map(|reason| opened_text(reason, openings)).transpose()?,
        redeploy_of: args.redeploy_of.clone(),
        rehearsal: desk.log.rehearsal,
        release: Label::new(args.release.as_str())?,
        risk: args.risk.map(|risk| match risk {
            RiskArg::Low => Risk::Low,
            RiskArg::Medium => Risk::Medium,
            RiskArg::High => Risk::High,
        }),
        services,
        ticket: args.ticket.as_ref().map(|ticket| Label::new(ticket.as_str())).transpose()?,
        change_type: match args.change_type {
            TypeArg::Standard => ChangeType::Standard,
            TypeArg::Normal => ChangeType::Normal,
            TypeArg::Emergency => ChangeType::Emergency,
        },
    })
}

/// A check as a deployment freezes it: with what its source is asked.
pub fn frozen_check(app: &App, config: &Config, check: &Check) -> CheckSpec {
    let source = evidence::source(check, &config.aws, &app.home());
    let query = Hash::of(&[evidence::query(source.as_ref()).as_bytes()]);
    CheckSpec { query: Some(query), ..check.spec.clone() }
}

fn subject(config: &Config, args: &Args) -> Result<Vec<Subject>> {
    let commit = args.commit.as_str();
    if commit.len() != 40 || !commit.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        bail!(
            "--commit {commit:?}: the full commit is needed, 40 lower-case hex digits (`git rev-parse HEAD`)"
        );
    }
    let source = config.project.name.clone().unwrap_or_else(|| "source".into());
    let mut subject = vec![Subject::git_commit(Label::new(source)?, commit)];
    for artifact in &args.artifact {
        let (name, digest) = artifact.rsplit_once("@sha256:").with_context(|| {
            format!("--artifact {artifact:?}: write NAME@sha256:HEX, as `docker inspect` prints it")
        })?;
        let digest = Hash::parse(digest).with_context(|| format!("--artifact {artifact:?}"))?;
        let name = Label::new(name)?;
        if subject.iter().any(|s| s.name == name) {
            bail!("--artifact {artifact:?}: the name {name} stands twice");
        }
        subject.push(Subject::sha256(name, digest));
    }
    Ok(subject)
}
