//! GitHub's REST API (<https://docs.github.com/en/rest>), as far as deployments need it.
//!
//! What GitHub says in its own words stays out of errors: it may repeat what it was sent.

mod actions;
mod attestations;
mod call;
mod changes;
mod error;
mod said;
mod token;

pub use actions::Dispatched;
pub use attestations::Attested;
pub use call::Client;
pub use changes::{Branch, CheckRun, Commit, Comparison, Pull, Review, Rule, Status};
pub use error::GithubError;
pub use said::{Account, Approval, Artifact, Job, Run, Step, Workflow};
