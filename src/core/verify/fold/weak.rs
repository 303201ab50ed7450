//! Weak spots: what is no finding, and what an auditor wants to know all the same.

use super::{Finding, Fold, summaries};
use crate::core::roster::KeyUse;

impl Fold<'_> {
    pub(super) fn weak_spots(&mut self) {
        let mut notices = Vec::new();
        let mut notice = |seq, code, text| notices.push(Finding { seq, code, text });
        if self.log.rehearsal {
            notice(Some(0), "rehearsal", "this is the log of a rehearsal".into());
        }
        if let Some(version) = self.log.roster() {
            if version.roster.root_threshold == 1 {
                notice(
                    Some(version.seq),
                    "root-threshold",
                    "one person alone can change the roster (rootThreshold 1)".into(),
                );
            }
            for (person, key) in version.roster.keys() {
                let known = self.log.keys.get(&key.public.keyid());
                if let Some(maker) = known.and_then(|known| known.made_by.as_ref()) {
                    let what = if key.key_use == KeyUse::Root { "root key" } else { "key" };
                    let text = if key.made_by.is_some() {
                        format!("the {what} of {} was made by {maker}, who could sign with it", person.id)
                    } else {
                        format!(
                            "the {what} of {} was rotated from one that {maker} made, who could have done that too",
                            person.id
                        )
                    };
                    notice(Some(version.seq), "key-made-by-another", text);
                }
            }
        }
        for (deployment, seq) in &self.log.roster_changed_during {
            notice(
                Some(*seq),
                "roster-changed-during",
                format!("the roster changed while {deployment} was open"),
            );
        }
        for (commit, seq) in self.openings.erased() {
            notice(Some(seq), "opening-erased", format!("opening {commit} was erased"));
        }
        for deployment in summaries(&self.log) {
            if let Some((closed, entries)) = deployment.closed
                && deployment.entries > entries
            {
                let text = format!(
                    "{}: complete up to its closing in entry {closed}; that no later entry is left out is not proven",
                    deployment.id
                );
                if self.chain.given().is_some() {
                    notice(Some(deployment.last), "after-closing", text);
                }
            } else if deployment.closed.is_none() && self.chain.given().is_some() {
                let text =
                    format!("{} is not closed: that no entry of it is left out is not proven", deployment.id);
                notice(Some(deployment.last), "not-closed", text);
            }
        }
        if self.chain.given().is_some() {
            let text = "this is one deployment's export: the rosters are chained to each other, but that no later \
                        roster change is left out takes the whole log";
            notice(None, "deployment-export", text.into());
        }
        self.notices.append(&mut notices);
    }
}
