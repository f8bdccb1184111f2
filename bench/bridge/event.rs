//! The events that are moved: each follows from its number, so that nobody has to keep any.

use std::{
    borrow::Cow,
    collections::HashMap,
    iter,
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use ebm::domain::cloud_event::{CONTENT_TYPE, HOPS, PREFIX};
use serde_json::value::RawValue;

/// The `type` of all of them.
pub const KIND: &str = "order.placed";
/// The most attributes of a message (Amazon SQS Developer Guide, "Amazon SQS message metadata").
pub const MOST_ATTRIBUTES: usize = 10;
/// The content type of an event whose attributes lie beside its data (*JSON Event Format for `CloudEvents` 1.0*).
pub const STRUCTURED: &str = "application/cloudevents+json";

/// What an event has beside its id, as headers and as message attributes; the first three belong to every event.
const ATTRIBUTES: [(&str, &str); 11] = [
    ("ce_source", "/bench/orders"),
    ("ce_specversion", "1.0"),
    ("ce_type", KIND),
    (CONTENT_TYPE, "application/json"),
    ("ce_time", "2026-11-05T08:30:00Z"),
    ("ce_subject", "orders/4711"),
    ("ce_dataschema", "https://example.com/schemas/orders/placed/1"),
    ("ce_traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("ce_tenant", "north"),
    ("ce_region", "eu-central-1"),
    ("ce_correlationid", "7d1f0a52-6c3b-4a8e-9f10-2b5c8d7e6a41"),
];

/// Bytes of the data.
const SIZE: usize = 1024;
/// Bytes of the text that data is cut from: far more than a compressor looks back.
const TEXT_SIZE: usize = 1 << 20;
/// Words of a vocabulary of 256, which compress about as JSON of business events does.
static TEXT: LazyLock<String> = LazyLock::new(text);

/// The context attributes of an event, so many of them.
pub fn attributes(number: u32, count: usize) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
    let id = iter::once(("ce_id", Cow::from(format!("e{number}"))));
    id.chain(ATTRIBUTES.iter().take(count - 1).map(|(name, value)| (*name, Cow::from(*value))))
}

/// The data of an event made at a moment, in microseconds since 1970: 1 KiB of JSON.
pub fn data(number: u32, at: u64) -> String {
    let mut data = format!("{{\"at\":{at},\"number\":{number},\"text\":\"");
    let (from, left) = (number as usize * SIZE % (TEXT_SIZE - SIZE), SIZE - data.len() - 2);
    data.push_str(&TEXT[from..from + left]);
    data.push_str("\"}");
    data
}

/// An event with all of its attributes in its body. The data must be JSON.
pub fn structured<'a>(attributes: impl Iterator<Item = (&'a str, &'a str)>, data: &str) -> String {
    let mut body = String::with_capacity(2 * SIZE);
    for (name, value) in attributes {
        let name = name.strip_prefix(PREFIX).unwrap_or("datacontenttype");
        body.push(if body.is_empty() { '{' } else { ',' });
        for text in [name, value] {
            // Text is always JSON.
            body.push_str(&serde_json::to_string(text).unwrap_or_default());
            body.push(':');
        }
        body.pop();
    }
    body.push_str(",\"data\":");
    body.push_str(data);
    body.push('}');
    body
}

/// Whose event arrived, by its number, and how many attributes it still has, those that were added apart. `None` where
/// it is none of ours.
pub fn read<'a>(attributes: impl Iterator<Item = (&'a str, &'a str)>, body: &str) -> Option<(u32, usize)> {
    let (mut id, mut count) = (None, 0);
    for (name, value) in attributes {
        match name.strip_prefix(PREFIX) {
            None if name == CONTENT_TYPE && value == STRUCTURED => return read_structured(body),
            None if name == CONTENT_TYPE => {}
            None | Some(HOPS) => continue,
            Some("id") => id = Some(value),
            Some(_) => {}
        }
        count += 1;
    }
    Some((number(id?)?, count))
}

fn read_structured(body: &str) -> Option<(u32, usize)> {
    let members: HashMap<&str, &RawValue> = serde_json::from_str(body).ok()?;
    let number = number(members.get("id")?.get().trim_matches('"'))?;
    Some((number, members.keys().filter(|name| !matches!(**name, "data" | "data_base64" | HOPS)).count()))
}

fn number(id: &str) -> Option<u32> {
    id.strip_prefix('e')?.parse().ok()
}

/// When the event was made whose data lies in this body, in microseconds since 1970.
pub fn made_at(body: &str) -> Option<u64> {
    let (_, rest) = body.split_once("\"at\":")?;
    rest.split_once(',')?.0.parse().ok()
}

/// Microseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn text() -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    // Xorshift (Marsaglia 2003): the same text in every process.
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [.., byte] = state.to_le_bytes();
        byte
    };
    let mut words = Vec::with_capacity(256);
    for _ in 0..256 {
        let letters = 3 + byte() % 6;
        words.push((0..letters).map(|_| char::from(b'a' + byte() % 26)).collect::<String>());
    }
    let mut text = String::with_capacity(TEXT_SIZE + 16);
    while text.len() < TEXT_SIZE {
        text.push_str(&words[usize::from(byte())]);
        text.push(' ');
    }
    text
}
