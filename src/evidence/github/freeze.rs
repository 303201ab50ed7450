//! Whether the branch is locked, and nothing came to it since the deployment opened.

use serde_json::json;

use super::{Answer, Deployed, EvidenceError, Found};
use crate::remote::github::{Client, GithubError};

pub(super) fn look(client: &Client, branch: &str, deployed: &Deployed) -> Result<Found, EvidenceError> {
    let state = client.branch(branch)?;
    // A ruleset that restricts updates locks as well as the protection's own lock, and is there for all to see.
    let rules = client.rules(branch)?;
    let by_rule = rules.iter().any(|rule| rule.kind == "update");
    let locked = by_rule
        || (state.protected
            && match client.locked(branch) {
                // Protected by rulesets alone, and none of them locks.
                Err(GithubError::NotFound { .. }) if !rules.is_empty() => false,
                locked => locked?,
            });
    let at = state.commit.sha.clone();
    let mut said =
        vec![if locked { format!("{branch} is locked") } else { format!("{branch} is not locked") }];
    let (mut commits, mut merged) = (Vec::new(), Vec::new());
    if at == deployed.commit {
        said.push("it points to the deployment's commit".to_owned());
    } else {
        commits =
            client.commits_since(branch, deployed.opened)?.into_iter().map(|commit| commit.sha).collect();
        let pulls = client.newest_closed_pulls(branch)?;
        if pulls.len() >= 100 && pulls.iter().all(|pull| pull.updated_at >= deployed.opened) {
            return Err(GithubError::TooMuch { what: format!("closed pull requests into {branch}") }.into());
        }
        let since = |at| at >= deployed.opened;
        merged =
            pulls.iter().filter(|pull| pull.merged_at.is_some_and(since)).map(|pull| pull.number).collect();
        said.push(format!(
            "it points to {at}; since the opening {} commits, {} pull requests merged",
            commits.len(),
            merged.len()
        ));
    }
    let all = json!({
        "branch": branch, "locked": locked, "byRuleset": by_rule, "at": at, "opened": deployed.opened, "commitsSince": commits,
        "mergedSince": merged,
    });
    let answer = if locked && at == deployed.commit { Answer::Yes } else { Answer::No };
    Ok(Found { answer, note: said.join("; "), all })
}
