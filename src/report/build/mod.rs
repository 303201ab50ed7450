//! From the fold to the data of the report.

mod acts;
mod approvals;
pub(super) mod attention;
mod evidence;
mod identity;
mod people;
mod reader;
mod said;
mod timeline;

use std::collections::BTreeMap;

use super::controls::mapped;
use super::model::{Report, SCHEMA};
use super::{Input, ReportError};

pub use evidence::FILE_SHOWN_MAX;
pub(super) use reader::{Reader, title_of};

pub(super) fn report(input: &Input) -> Result<Report, ReportError> {
    let reader = Reader::new(input);
    let titles: BTreeMap<String, String> = match reader.checklist()? {
        Some((_, checklist)) => {
            checklist.items.iter().map(|item| (item.spec.id.clone(), title_of(item))).collect()
        }
        None => BTreeMap::new(),
    };
    let deployment = input.deployment;
    let checks = evidence::checks(&reader);
    let items = approvals::items(&reader, &titles);
    let control = people::control(&reader);
    let separation = people::separation(&reader);
    let rollbacks = acts::rollbacks(&reader);
    let timeline = timeline::timeline(&reader);
    let approvals = approvals::approvals(&reader, &titles);
    let attention = attention::attention(
        &reader,
        &attention::Found {
            approvals: &approvals,
            items: &items,
            checks: &checks,
            rollbacks: &rollbacks,
            control: &control,
            separation: &separation,
        },
    );
    let mut report = Report {
        schema: SCHEMA.into(),
        interim: deployment.closed.is_none(),
        rehearsal: reader.rehearsal(),
        summary: identity::summary(&reader, &items),
        attention,
        identity: identity::identity(&reader),
        people: people::participants(&reader),
        control,
        separation,
        approvals,
        items,
        window: evidence::window(&reader),
        checks,
        attachments: evidence::attachments(&reader),
        acts: acts::acts(&reader),
        shifts: acts::shifts(&reader),
        rollbacks,
        communications: said::communications(&reader),
        notes: said::notes(&reader),
        timeline,
        controls: Vec::new(),
        integrity: identity::integrity(&reader),
    };
    report.controls = mapped(&report);
    Ok(report)
}
