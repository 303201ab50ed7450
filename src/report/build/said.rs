//! Messages, notes and reviews.

use super::Reader;
use crate::report::model::{Message, NoteLine};

pub(super) fn communications(reader: &Reader) -> Vec<Message> {
    let messages = reader.deployment().messages.iter();
    messages
        .map(|record| Message {
            entry: reader.place(&record.meta),
            channel: record.body.channel.clone(),
            delivery: record.body.delivery,
            template: record.body.template.clone(),
            text: reader.text(&record.body.text),
            response: record.body.response.as_ref().map(|response| reader.held(response)),
        })
        .collect()
}

pub(super) fn notes(reader: &Reader) -> Vec<NoteLine> {
    let deployment = reader.deployment();
    let closed = deployment.closed.as_ref().map(|closed| (closed.meta.seq, closed.meta.recorded));
    let after_close = |seq: u64| closed.filter(|(closed, _)| seq > *closed).map(|(_, at)| at);
    let notes = deployment.notes.iter().map(|record| NoteLine {
        entry: reader.place(&record.meta),
        review: false,
        about: record.body.about.as_ref().and_then(|id| reader.seq_of(id)),
        text: reader.text(&record.body.text),
        after_close: after_close(record.meta.seq),
    });
    let reviews = deployment.reviews.iter().map(|record| NoteLine {
        entry: reader.place(&record.meta),
        review: true,
        about: None,
        text: reader.text(&record.body.text),
        after_close: after_close(record.meta.seq),
    });
    let mut all: Vec<NoteLine> = notes.chain(reviews).collect();
    all.sort_by_key(|note| note.entry.seq);
    all
}
