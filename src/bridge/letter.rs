//! Dead letters: an event as it came, sealed; and back.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::{lane::DeadLetter, queue::Incoming};
use crate::{
    domain::{
        cloud_event::{Message, Undeliverable},
        dead_letter::{Bytes, Kept, KeptMessage, KeptRecord},
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

/// Seals a record for its row. Its time is a part of its source: a topic that is made again begins at 0 again.
pub fn seal(vault: &Vault, bridge: BridgeId, letter: &DeadLetter) -> lanes::DeadLetter {
    let (partition, offset) = &letter.source;
    let source = format!("{}/{}/{offset}@{}", partition.topic, partition.number, letter.record.timestamp);
    row(vault, bridge, letter.route, &letter.reason, source, &of_record(&letter.record))
}

/// Seals a message that cannot be carried for its row.
pub fn seal_message(
    vault: &Vault,
    bridge: BridgeId,
    queue: &str,
    message: &Incoming,
    route: Option<RouteId>,
    reason: &Undeliverable,
) -> lanes::DeadLetter {
    let source = format!("{queue}/{}", message.id);
    row(vault, bridge, route, reason, source, &of_message(queue, message))
}

fn row(
    vault: &Vault,
    bridge: BridgeId,
    route: Option<RouteId>,
    reason: &Undeliverable,
    source: String,
    kept: &Kept,
) -> lanes::DeadLetter {
    let kept = serde_json::to_vec(kept).expect("what is kept has text for names");
    let event = vault.seal("dead_letter", &dead_letter_row(bridge, &source), &kept);
    // Postgres takes no zero in a text.
    let detail = without_nul(&reason.to_string());
    lanes::DeadLetter { route, reason: reason.code(), detail, source, event }
}

/// Opens what was sealed.
///
/// # Errors
/// Why it cannot be opened, in words.
pub fn open(vault: &Vault, bridge: BridgeId, source: &str, event: &[u8]) -> Result<Kept, String> {
    let opened = vault.open("dead_letter", &dead_letter_row(bridge, source), event);
    let opened = opened.map_err(|error| format!("the event cannot be opened: {error}"))?;
    serde_json::from_slice(opened.expose_secret()).map_err(|error| format!("the event cannot be read: {error}"))
}

fn of_record(record: &Record) -> Kept {
    let bytes = |bytes: &Option<Vec<u8>>| bytes.clone().map(Bytes);
    Kept::Record(KeptRecord {
        topic: record.partition.topic.to_string(),
        partition: record.partition.number,
        offset: record.offset,
        timestamp: record.timestamp,
        key: bytes(&record.key),
        headers: record.headers.iter().map(|(name, value)| (name.clone(), bytes(value))).collect(),
        headers_lost: !record.headers_readable,
        value: bytes(&record.value),
    })
}

fn of_message(queue: &str, message: &Incoming) -> Kept {
    Kept::Message(KeptMessage {
        queue: queue.to_owned(),
        message_id: message.id.clone(),
        group: message.group.clone(),
        attributes: message.message.attributes.clone(),
        binary: message.binary.iter().map(|(name, bytes)| (name.clone(), Bytes(bytes.clone()))).collect(),
        body: message.message.body.clone(),
    })
}

/// The message again; there is no receipt for it any more.
pub fn message(kept: KeptMessage) -> Incoming {
    Incoming {
        id: kept.message_id,
        receipt: String::new(),
        message: Message { attributes: kept.attributes, body: kept.body },
        binary: kept.binary.into_iter().map(|(name, bytes)| (name, bytes.0)).collect(),
        group: kept.group,
        sent_at: None,
        intact: true,
    }
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

/// A text as Postgres takes it.
pub fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
