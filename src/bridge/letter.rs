//! Dead letters: an event as it came, sealed.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{lane::DeadLetter, queue::Incoming};
use crate::{
    domain::{
        cloud_event::Undeliverable,
        ids::{BridgeId, RouteId},
    },
    kafka::stream::Record,
    secrets::Vault,
    store::lanes::{self, dead_letter_row},
};

/// Seals a dead letter for its row. The record's bytes are kept in base64, headers in order.
pub fn seal(vault: &Vault, bridge: BridgeId, letter: &DeadLetter) -> lanes::DeadLetter {
    let (partition, offset) = &letter.source;
    let source = format!("{}/{}/{offset}", partition.topic, partition.number);
    let event = vault.seal("dead_letter", &dead_letter_row(bridge, &source), record(&letter.record).as_bytes());
    lanes::DeadLetter {
        route: letter.route,
        reason: letter.reason.code(),
        detail: without_nul(&letter.reason),
        source,
        event,
    }
}

/// Seals a message that cannot be carried for its row. The body is text, as queues have it.
pub fn seal_message(
    vault: &Vault,
    bridge: BridgeId,
    queue: &str,
    message: &Incoming,
    route: Option<RouteId>,
    reason: &Undeliverable,
) -> lanes::DeadLetter {
    let source = format!("{queue}/{}", message.id);
    let event = json!({
        "queue": queue,
        "message_id": message.id,
        "group": message.group,
        "attributes": message.message.attributes,
        "binary_attributes": message.binary,
        "body": message.message.body,
    });
    let event = vault.seal("dead_letter", &dead_letter_row(bridge, &source), event.to_string().as_bytes());
    lanes::DeadLetter { route, reason: reason.code(), detail: without_nul(reason), source, event }
}

/// Postgres takes no zero in a text.
fn without_nul(reason: &Undeliverable) -> String {
    reason.to_string().replace('\0', "\u{fffd}")
}

fn record(record: &Record) -> String {
    let encode = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| STANDARD.encode(bytes));
    let headers: Vec<_> = record.headers.iter().map(|(name, value)| json!([name, encode(value)])).collect();
    json!({
        "topic": &*record.partition.topic,
        "partition": record.partition.number,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": encode(&record.key),
        "headers": headers,
        "value": encode(&record.value),
    })
    .to_string()
}
