//! What deployments have in common: the population of a period and its figures, from the facts of each deployment.

mod facts;
mod figures;
mod habits;
mod reconcile;
mod stats;

pub use facts::{CheckFacts, Facts, ItemFacts, Override, Rollback, Shift, SignFacts, TriggerFacts};
pub use figures::{Dora, Figures, Period, PhaseFigures, Rate, figures};
pub use habits::{CheckHabit, ItemHabit, PersonHabit, QUICK_SECONDS, RequirementHabit};
pub use reconcile::{Asked, Foreign, Reconciliation, reconcile};
pub use stats::{Spread, quantile};
