//! An event as both sides show it, read by the *Kafka Protocol Binding* and the *JSON Event Format* of `CloudEvents`
//! 1.0 alone: a mistake of the product is not made here a second time.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use rdkafka::{
    Message,
    message::{Header, Headers, OwnedHeaders},
    producer::FutureRecord,
};
use serde_json::{json, value::RawValue};

/// What a header or a message attribute `content-type` carries.
const DATA_CONTENT_TYPE: &str = "datacontenttype";
const STRUCTURED: &str = "application/cloudevents";
/// The most attributes of a message (Amazon SQS Developer Guide, "Amazon SQS message metadata").
const MOST_ATTRIBUTES: usize = 10;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is kept in order by: the key of a record, empty where it has none, or the group of a message. `None`
    /// where the place knows no such thing, as a standard queue.
    pub key: Option<Vec<u8>>,
    /// Attributes by name, `datacontenttype` among them. An empty value stands for an attribute that is absent.
    pub attributes: BTreeMap<String, String>,
    /// `None` is an event without data: in Kafka a tombstone.
    pub data: Option<Vec<u8>>,
}

impl Event {
    /// Reads a record.
    ///
    /// # Errors
    /// What keeps it from being an event.
    pub fn from_record(record: &impl Message) -> Result<Self, String> {
        let mut attributes = BTreeMap::new();
        if let Some(headers) = record.headers() {
            for header in headers.iter() {
                let Some(name) = attribute_name(header.key) else { continue };
                let value = str::from_utf8(header.value.unwrap_or_default());
                let value = value.map_err(|_| format!("{name} is not text"))?;
                if attributes.insert(name.to_owned(), value.to_owned()).is_some() {
                    return Err(format!("{name} is there twice"));
                }
            }
        }
        let key = record.key().unwrap_or_default().to_vec();
        Self::read(Some(key), attributes, record.payload())
    }

    /// Reads a message: its attributes, its body and its group.
    ///
    /// # Errors
    /// What keeps it from being an event.
    pub fn from_message<'a>(
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: &str,
        group: Option<&str>,
    ) -> Result<Self, String> {
        let named = |(name, value): (&str, &str)| Some((attribute_name(name)?.to_owned(), value.to_owned()));
        let attributes = attributes.into_iter().filter_map(named).collect();
        Self::read(group.map(|group| group.as_bytes().to_vec()), attributes, Some(body.as_bytes()))
    }

    fn read(key: Option<Vec<u8>>, attributes: BTreeMap<String, String>, body: Option<&[u8]>) -> Result<Self, String> {
        if attributes.get(DATA_CONTENT_TYPE).is_some_and(|kind| kind.starts_with(STRUCTURED)) {
            let (attributes, data) = structured(body.unwrap_or_default())?;
            return Ok(Self { key, attributes, data });
        }
        Ok(Self { key, attributes, data: body.map(<[u8]>::to_vec) })
    }

    /// The event as a record in binary mode.
    pub fn record<'a>(&'a self, topic: &'a str) -> FutureRecord<'a, [u8], [u8]> {
        let headers = self.attributes.iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
            headers.insert(Header { key: &header_name(name), value: Some(value) })
        });
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).headers(headers);
        record.key = self.key.as_deref();
        record.payload = self.data.as_deref();
        record
    }

    /// The event as a message, attributes and body: in binary mode where SQS can carry it so, else in structured mode.
    pub fn message(&self) -> (Vec<(String, String)>, String) {
        let attributes: Vec<_> = self.present().map(|(name, value)| (header_name(name), value.to_owned())).collect();
        let body = self.data.as_deref().and_then(carriable);
        match body {
            Some(body) if !body.is_empty() && attributes.len() <= MOST_ATTRIBUTES => (attributes, body.to_owned()),
            _ => (vec![("content-type".to_owned(), format!("{STRUCTURED}+json; charset=UTF-8"))], self.json()),
        }
    }

    /// The attributes that are not empty.
    pub fn present(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| !value.is_empty())
    }

    /// An attribute; empty where it is absent.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    fn json(&self) -> String {
        let mut members: Vec<_> =
            self.present().map(|(name, value)| format!("{}:{}", json!(name), json!(value))).collect();
        if let Some(data) = &self.data {
            // White space around a value would be lost.
            let is_value = |text: &&str| {
                *text != "null" && serde_json::from_str::<&RawValue>(text).is_ok_and(|value| value.get() == *text)
            };
            let is_json = is_json(self.attribute(DATA_CONTENT_TYPE));
            members.push(match carriable(data).filter(|_| is_json).filter(is_value) {
                Some(text) => format!("\"data\":{text}"),
                None => format!("\"data_base64\":\"{}\"", STANDARD.encode(data)),
            });
        }
        format!("{{{}}}", members.join(","))
    }
}

/// The attribute that a header or a message attribute carries.
fn attribute_name(header: &str) -> Option<&str> {
    if header.eq_ignore_ascii_case("content-type") { Some(DATA_CONTENT_TYPE) } else { header.strip_prefix("ce_") }
}

fn header_name(attribute: &str) -> String {
    if attribute == DATA_CONTENT_TYPE { "content-type".to_owned() } else { format!("ce_{attribute}") }
}

/// Whether `data` is a value of JSON and not a text (*JSON Event Format*, 3.1.1); of no content type, it is.
fn is_json(content_type: &str) -> bool {
    content_type.is_empty() || content_type.contains("json")
}

/// Bytes as text, where all of its characters are ones that SQS takes (Amazon SQS API Reference, `SendMessage`).
fn carriable(bytes: &[u8]) -> Option<&str> {
    let is_taken = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    str::from_utf8(bytes).ok().filter(|text| text.chars().all(is_taken))
}

/// Attributes and data of an event in the JSON form.
type Parts = (BTreeMap<String, String>, Option<Vec<u8>>);

fn structured(body: &[u8]) -> Result<Parts, String> {
    let mut members: BTreeMap<String, &RawValue> =
        serde_json::from_slice(body).map_err(|error| format!("the structured body cannot be read: {error}"))?;
    let (data, encoded) = (members.remove("data"), members.remove("data_base64"));
    let attributes: BTreeMap<_, _> = members.into_iter().map(|(name, value)| (name, text(value))).collect();
    let is_json = is_json(attributes.get(DATA_CONTENT_TYPE).map_or("", String::as_str));
    let data = match (data, encoded) {
        (Some(_), Some(_)) => return Err("both data and data_base64 are there".to_owned()),
        (None, None) => None,
        (Some(value), None) if value.get() == "null" => None,
        (Some(value), None) if is_json => Some(value.get().as_bytes().to_vec()),
        (Some(value), None) => Some(text(value).into_bytes()),
        (None, Some(value)) => Some(STANDARD.decode(text(value)).map_err(|error| format!("data_base64: {error}"))?),
    };
    Ok((attributes, data))
}

/// The text of a member; numbers and booleans as they stand, null as nothing.
fn text(value: &RawValue) -> String {
    match value.get() {
        "null" => String::new(),
        raw => serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()),
    }
}
