//! The JSON Event Format, without ever turning the data into values: numbers keep their digits, objects their
//! duplicate keys, and texts their escapes.

use std::{fmt, fmt::Write as _};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{DATA, DATA_BASE64, DATA_CONTENT_TYPE, Event, Structured, Undeliverable, is_carriable, is_json, is_xml};

/// The members of an object as they stand, in order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

fn not_ce(why: impl Into<String>) -> Undeliverable {
    Undeliverable::NotCloudEvent(why.into())
}

/// The `type` in a structured body, as far as it can be had.
pub(super) fn kind(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_slice::<Kind>(body).ok().map(|kind| kind.kind)
}

/// Reads the JSON form. The text is kept, so that it can go on as it came.
pub(super) fn read(content_type: String, body: Vec<u8>) -> Result<Event, Undeliverable> {
    let text = String::from_utf8(body).map_err(|_| not_ce("the structured body is not UTF-8"))?;
    let Members(members) = serde_json::from_str(&text)
        .map_err(|error| not_ce(format!("the structured body is not a JSON object: {error}")))?;
    let mut event =
        Event { attributes: Vec::new(), content_type: None, data: None, foreign: Vec::new(), structured: None };
    let (mut data, mut data_base64) = (None, None);
    for (index, (name, value)) in members.iter().enumerate() {
        if members[..index].iter().any(|(earlier, _)| earlier == name) {
            return Err(not_ce(format!("the member {name:?} is there twice")));
        }
        match name.as_str() {
            DATA => data = Some(*value),
            DATA_BASE64 => data_base64 = Some(*value),
            name => {
                let Some(value) = attribute(name, value)? else { continue };
                if name == DATA_CONTENT_TYPE {
                    event.content_type = Some(value);
                } else {
                    event.attributes.push((name.to_owned(), value));
                }
            }
        }
    }
    event.data = match (data, data_base64) {
        (Some(_), Some(_)) => return Err(not_ce("both data and data_base64 are there")),
        (Some(value), None) => plain_data(event.content_type.as_deref(), value)?,
        (None, Some(value)) => {
            let encoded: String =
                serde_json::from_str(value.get()).map_err(|_| not_ce("data_base64 is not a string"))?;
            Some(STANDARD.decode(encoded).map_err(|_| not_ce("data_base64 is not base64"))?)
        }
        (None, None) => None,
    };
    event.structured = Some(Structured { content_type, text });
    event.require()
}

/// The text of an attribute: numbers and booleans in their canonical text (*`CloudEvents` 1.0*, Type System).
///
/// Null and empty count as absent.
fn attribute(name: &str, value: &RawValue) -> Result<Option<String>, Undeliverable> {
    let raw = value.get();
    let text = match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).map_err(|_| not_ce(format!("{name} is not text")))?,
        Some(b'n') => return Ok(None),
        Some(b'{' | b'[') | None => return Err(not_ce(format!("{name} is neither text, number nor boolean"))),
        Some(_) => raw.to_owned(),
    };
    Ok((!text.is_empty()).then_some(text))
}

/// The bytes that a `data` member stands for (*JSON Event Format*, 3.1).
fn plain_data(content_type: Option<&str>, value: &RawValue) -> Result<Option<Vec<u8>>, Undeliverable> {
    let raw = value.get();
    if raw == "null" {
        return Ok(None);
    }
    if !is_json(content_type) && raw.starts_with('"') {
        let text: String = serde_json::from_str(raw).map_err(|_| not_ce("data is not text"))?;
        return Ok(Some(text.into_bytes()));
    }
    Ok(Some(raw.as_bytes().to_vec()))
}

/// Writes the JSON form with only characters of XML 1.0, so that SQS takes it.
pub(super) fn write(event: &Event) -> String {
    let mut out = String::with_capacity(256 + event.data.as_ref().map_or(0, Vec::len));
    out.push('{');
    let content_type = event.content_type.as_deref().map(|value| (DATA_CONTENT_TYPE, value));
    let attributes = event.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in attributes.chain(content_type) {
        if out.len() > 1 {
            out.push(',');
        }
        string(&mut out, name);
        out.push(':');
        string(&mut out, value);
    }
    if let Some(data) = &event.data {
        if let Some(json) = spliceable(event.content_type.as_deref(), data) {
            out.push_str(",\"data\":");
            out.push_str(json);
        } else {
            out.push_str(",\"data_base64\":\"");
            STANDARD.encode_string(data, &mut out);
            out.push('"');
        }
    }
    out.push('}');
    out
}

/// Data as text that may stand for itself in a `data` member: whoever reads it gets back these very bytes.
///
/// White space around a value would be lost, and `null` reads as no data.
fn spliceable<'a>(content_type: Option<&str>, data: &'a [u8]) -> Option<&'a str> {
    let text = str::from_utf8(data).ok()?;
    let json: &RawValue = serde_json::from_str(text).ok()?;
    (is_json(content_type) && json.get() == text && text != "null" && is_carriable(text)).then_some(text)
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    let is_plain = |byte: &u8| (b' '..0x7f).contains(byte) && !matches!(byte, b'"' | b'\\');
    if text.as_bytes().iter().all(is_plain) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c >= ' ' && is_xml(c) => out.push(c),
            // All of these are below U+10000.
            c => write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes any text"),
        }
    }
    out.push('"');
}
