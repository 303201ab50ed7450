//! How the release's commits came in: by pull requests that somebody else approved, with the required checks passed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, Deployed, EvidenceError, Found};
use crate::remote::github::{Account, Client, Commit, Pull, Review};

pub(super) fn look(
    client: &Client,
    branch: &str,
    deployed: &Deployed,
    since: Option<&str>,
) -> Result<Found, EvidenceError> {
    let since = match since {
        Some(since) => since.to_owned(),
        None => client.newest_release()?,
    };
    let between = client.compare(&since, &deployed.commit)?;
    let none = |answer, note: String| {
        let all = json!({"since": since, "commit": deployed.commit, "status": between.status, "commits": []});
        Ok(Found { answer, note, all })
    };
    match between.status.as_str() {
        "ahead" => {}
        "identical" => return none(Answer::Unknown, format!("no commit since {since}")),
        other => return none(Answer::No, format!("the deployment's commit is {other}, seen from {since}")),
    }
    let required = required(client, branch)?;
    let mut pulls: BTreeMap<u64, (Pull, Vec<&Commit>)> = BTreeMap::new();
    let mut direct = Vec::new();
    for commit in &between.commits {
        let of = client.pulls_of(&commit.sha)?;
        match of.into_iter().find(|pull| pull.merged_at.is_some() && pull.base.reference == branch) {
            Some(pull) => pulls.entry(pull.number).or_insert_with(|| (pull, Vec::new())).1.push(commit),
            None => direct.push(commit.sha.clone()),
        }
    }
    let mut faults = Vec::new();
    if !direct.is_empty() {
        faults.push(format!("{} commits by no merged pull request", direct.len()));
    }
    let mut all = Vec::new();
    for (number, (pull, commits)) in &pulls {
        let reviews = client.reviews(*number)?;
        let approvers = approvers(pull, commits, &reviews);
        if approvers.is_empty() {
            faults.push(format!("#{number} approved by nobody else"));
        }
        if newest(&reviews).values().any(|review| review.state == "CHANGES_REQUESTED") {
            faults.push(format!("#{number} has changes requested"));
        }
        let unmet = unmet(client, &pull.head.sha, &required)?;
        if !unmet.is_empty() {
            faults.push(format!("#{number} without {}", unmet.join(", ")));
        }
        all.push(shown(pull, commits, &reviews, &unmet));
    }
    let counts = format!("{} commits since {since}, {} pull requests", between.commits.len(), pulls.len());
    let (answer, note) = match (faults.is_empty(), required.is_empty()) {
        (false, _) => (Answer::No, format!("{counts}: {}", faults.join("; "))),
        // Nothing that had to pass is no pass.
        (true, true) => (Answer::Unknown, format!("{counts}; no check is required on {branch}")),
        (true, false) => (Answer::Yes, counts),
    };
    let all = json!({
        "since": since, "commit": deployed.commit, "branch": branch, "requiredChecks": required, "direct": direct, "pullRequests": all,
    });
    Ok(Found { answer, note, all })
}

pub(super) fn required(client: &Client, branch: &str) -> Result<BTreeSet<String>, EvidenceError> {
    let rules = client.rules(branch)?;
    let by_rules = rules.iter().flat_map(crate::remote::github::Rule::required_checks);
    Ok(by_rules.chain(client.branch(branch)?.required_checks()).collect())
}

/// The newest verdict of each reviewer; a comment is none.
fn newest(reviews: &[Review]) -> BTreeMap<&str, &Review> {
    let mut newest = BTreeMap::new();
    for review in reviews.iter().filter(|review| review.state != "COMMENTED") {
        if let Some(user) = &review.user {
            newest.insert(user.login.as_str(), review);
        }
    }
    newest
}

/// Who approved, and wrote none of it.
fn approvers<'a>(pull: &Pull, commits: &[&Commit], reviews: &'a [Review]) -> Vec<&'a str> {
    let wrote = |login: &str| {
        let is = |account: Option<&Account>| account.is_some_and(|account| account.login == login);
        is(pull.user.as_ref()) || commits.iter().any(|commit| is(commit.author.as_ref()))
    };
    let approved = newest(reviews).into_iter().filter(|(_, review)| review.state == "APPROVED");
    approved.map(|(login, _)| login).filter(|login| !wrote(login)).collect()
}

/// The required checks that have not passed. GitHub takes neutral and skipped for passed, and says so.
pub(super) fn unmet(
    client: &Client,
    commit: &str,
    required: &BTreeSet<String>,
) -> Result<Vec<String>, EvidenceError> {
    if required.is_empty() {
        return Ok(Vec::new());
    }
    let checks = client.checks(commit)?;
    let statuses = client.statuses(commit)?;
    let passed = |name: &String| {
        let check = checks.iter().any(|check| {
            check.name == *name
                && matches!(check.conclusion.as_deref(), Some("success" | "neutral" | "skipped"))
        });
        check || statuses.iter().any(|status| status.context == *name && status.state == "success")
    };
    Ok(required.iter().filter(|name| !passed(name)).cloned().collect())
}

fn shown(pull: &Pull, commits: &[&Commit], reviews: &[Review], unmet: &[String]) -> Value {
    let login = |account: Option<&Account>| account.map(|account| account.login.clone());
    json!({
        "number": pull.number, "author": login(pull.user.as_ref()), "merged": pull.merged_at,
        "commits": commits.iter().map(|commit| json!({"sha": commit.sha, "author": login(commit.author.as_ref())})).collect::<Vec<_>>(),
        "reviews": reviews.iter().map(|review| json!({"by": login(review.user.as_ref()), "state": review.state})).collect::<Vec<_>>(),
        "checksMissing": unmet,
    })
}
