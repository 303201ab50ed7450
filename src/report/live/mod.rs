//! Where a deployment stands at this moment, as data for whoever follows it live: pure, and small enough to be made anew
//! with each entry.

mod build;

pub use build::{gate_ahead, gate_name, tone_of};

use serde::Serialize;

use crate::core::check::{Decimal, Phase};
use crate::core::event::{Delivery, Outcome};
use crate::core::name::Token;
use crate::core::time::Timestamp;

/// A deployment at one moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// Its id.
    pub deployment: Token,
    /// What is released.
    pub release: String,
    /// Where to.
    pub environment: String,
    /// Whether nothing real is deployed.
    pub rehearsal: bool,
    /// Where it stands, in words.
    pub stage: &'static str,
    /// How bad that is.
    pub tone: Tone,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The checklist by phase; items without a phase come last, in one without an id.
    pub phases: Vec<PhaseLive>,
    /// The roles of this deployment.
    pub roles: Vec<RoleLive>,
    /// What the gate ahead misses.
    pub ahead: Option<Ahead>,
    /// The times that matter.
    pub clocks: Clocks,
    /// Percent of the traffic on Green, by service.
    pub traffic: Vec<(String, u8)>,
    /// What is measured.
    pub checks: Vec<CheckLive>,
    /// The newest messages, oldest first.
    pub messages: Vec<MessageLive>,
    /// What should not have been so, newest last.
    pub issues: Vec<IssueLive>,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// As it should.
    Good,
    /// Not known, or on its way.
    Plain,
    /// A person has to look.
    Warning,
    /// Act now.
    Critical,
}

/// One phase of the checklist.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseLive {
    /// Its id; `None` for items without a phase.
    pub id: Option<String>,
    /// When it begins and ends, relative to the cutover, as the author wrote it.
    pub span: Option<String>,
    /// Items that need nothing more.
    pub done: usize,
    /// In document order.
    pub items: Vec<ItemLive>,
}

/// One item.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemLive {
    /// Its id.
    pub id: String,
    /// The first line of its text, where that is there.
    pub title: Option<String>,
    /// `open`, `partly`, `done`, `na` or `failed`.
    pub state: &'static str,
    /// Who has to sign, or what ticks it.
    pub whose: String,
    /// Who signed last.
    pub by: Option<String>,
    /// When that was recorded.
    pub at: Option<Timestamp>,
    /// Whether the gate ahead waits for it.
    pub blocks: bool,
}

/// One role of the deployment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleLive {
    /// Its name.
    pub role: Token,
    /// Who holds it.
    pub person: Token,
    /// Items that this role may sign and that need nothing more.
    pub done: usize,
    /// Items that this role may sign.
    pub of: usize,
    /// Those of them that the gate ahead waits for.
    pub waits: Vec<String>,
}

/// The gate ahead.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ahead {
    /// What it opens, in words.
    pub gate: &'static str,
    /// What it misses, in words.
    pub missing: Vec<String>,
}

/// The times that matter.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clocks {
    /// When the record began.
    pub opened: Timestamp,
    /// When traffic first moved to Green.
    pub cutover: Option<Timestamp>,
    /// The verification window.
    pub verification: Option<(Timestamp, Timestamp)>,
    /// Until when Blue stands by.
    pub standby: Option<Timestamp>,
    /// When the record was closed.
    pub closed: Option<Timestamp>,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckLive {
    /// Its id.
    pub id: String,
    /// Its newest verdict.
    pub phase: Option<Phase>,
    /// How bad that is, by its rules.
    pub tone: Tone,
    /// The newest value.
    pub value: Option<Decimal>,
    /// The unit of every value.
    pub unit: Option<String>,
    /// Why the verdict is what it is.
    pub detail: Option<String>,
    /// The newest reading's entry.
    pub seq: Option<u64>,
    /// When that was recorded.
    pub at: Option<Timestamp>,
    /// Holds while all is well.
    pub objective: Option<String>,
    /// The number in it.
    pub objective_at: Option<Decimal>,
    /// A breach means: roll back.
    pub rollback: Option<String>,
    /// The number in it.
    pub rollback_at: Option<Decimal>,
    /// Minutes of the window that it covers, and minutes of the window.
    pub covered: Option<(u32, u32)>,
    /// The newest readings: when, what, and how they were judged.
    pub series: Vec<(Timestamp, Option<Decimal>, Option<Phase>)>,
}

/// One message.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageLive {
    /// Its entry.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who sent it.
    pub by: String,
    /// Where it went.
    pub channel: String,
    /// What it was made from.
    pub template: Option<String>,
    /// What became of it.
    pub delivery: Delivery,
    /// Its text, where that is there.
    pub text: Option<String>,
}

/// Something that should not have been so.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssueLive {
    /// Its entry.
    pub seq: u64,
    /// For people.
    pub text: String,
}
