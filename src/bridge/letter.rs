//! Dead letters: an event as it came, sealed.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use tokio::time::timeout;

use super::{lane::DeadLetter, queue::Incoming};
use crate::{
    domain::{
        cloud_event::Undeliverable,
        ids::{BridgeId, RouteId},
    },
    kafka::stream::Record,
    secrets::Vault,
    store::{
        PgPool,
        lanes::{self, dead_letter_row},
    },
};

/// How long writing dead letters may take.
const WRITE: Duration = Duration::from_secs(15);

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

/// Writes sealed dead letters down; all of them are durable when this succeeds.
///
/// # Errors
/// Why not, in words: they are to be written again.
pub async fn write(pool: &PgPool, bridge: BridgeId, letters: &[lanes::DeadLetter]) -> Result<(), String> {
    match timeout(WRITE, lanes::insert_dead_letters(pool, bridge, letters)).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the database did not answer in time".to_owned()),
    }
}

/// What people are told while dead letters cannot be written.
pub fn unwritten(why: &str) -> String {
    format!(
        "Events that cannot be delivered cannot be kept as dead letters either: {why}. The operator must see to the \
         database."
    )
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
