//! `CloudEvents` on both sides of a bridge: a Kafka record read as an event, and the event as an SQS message; and back.
//!
//! Kafka's side follows the *Kafka Protocol Binding for `CloudEvents` 1.0*. No official binding exists for SQS; ours puts
//! each attribute into a message attribute `ce_<name>`, `datacontenttype` into `content-type` and the data into the
//! body, and what does not fit into the *JSON Event Format for `CloudEvents` 1.0*. No attribute is dropped, nothing is
//! cut, and the data's bytes are those that came.
//!
//! Refuses to know who sends or receives, and to repair what is not a `CloudEvent`.

use std::borrow::Cow;

mod json;
mod kafka;
mod sqs;
#[cfg(test)]
mod tests;

pub use kafka::{Header, kind};
pub use sqs::Message;

/// What names of attributes begin with in headers and message attributes.
pub const PREFIX: &str = "ce_";
/// The header or message attribute that carries `datacontenttype`, or the mark of structured mode.
pub const CONTENT_TYPE: &str = "content-type";
/// Our counter of bridges that an event has passed.
pub const HOPS: &str = "ebmhops";
/// The most bridges an event may pass: one more is a loop.
pub const MAX_HOPS: u32 = 16;

/// The context attributes that every event has (*`CloudEvents` 1.0*, Required Attributes).
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];
/// Members of the JSON format that are not attributes.
const DATA: &str = "data";
const DATA_BASE64: &str = "data_base64";
const DATA_CONTENT_TYPE: &str = "datacontenttype";

/// An event, whichever side it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Attributes by name, without `datacontenttype`, in the order they came. No value is empty.
    attributes: Vec<(String, String)>,
    /// `datacontenttype`.
    content_type: Option<String>,
    /// The data; `None` is an event without any, which in Kafka is a tombstone.
    data: Option<Vec<u8>>,
    /// What came along that is not of `CloudEvents`, such as `traceparent`. No value is empty.
    foreign: Vec<(String, String)>,
    /// The JSON text and its content type, when the event came in structured mode.
    structured: Option<Structured>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Structured {
    content_type: String,
    text: String,
}

/// Why an event cannot be delivered, whatever is tried: the closed list of reasons for a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undeliverable {
    /// It is not an event of `CloudEvents` 1.0.
    #[error("is not a CloudEvent: {0}")]
    NotCloudEvent(String),
    /// Its type is not the one of the route.
    #[error("has the type {found}, which this route does not carry")]
    WrongType {
        /// The event's type.
        found: String,
    },
    /// Headers that cannot be read, or a `ce_` header or content type given twice.
    #[error("has headers that cannot be read one way: {0}")]
    Headers(String),
    /// Attributes beside a structured body say other than the body.
    #[error("says two things: {0}")]
    Conflict(String),
    /// Larger than the other side takes.
    #[error("has {size} bytes, and the other side takes at most {max}")]
    Oversize {
        /// Size as the other side counts it, in bytes.
        size: usize,
        /// The most it takes, in bytes.
        max: usize,
    },
    /// Larger than the topic takes.
    #[error("has {size} bytes, more than the topic takes")]
    TooLargeForTopic {
        /// Bytes of the data.
        size: usize,
    },
    /// Someone has set it aside, so that those behind it go on.
    #[error("was set aside by hand: {0}")]
    SetAside(String),
    /// It has passed too many bridges.
    #[error("has passed {MAX_HOPS} bridges: the bridges form a loop")]
    Loop,
}

impl Undeliverable {
    /// The one word kept with a dead letter.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotCloudEvent(_) => "not-ce",
            Self::WrongType { .. } => "wrong-type",
            Self::Headers(_) => "headers",
            Self::Conflict(_) => "conflict",
            Self::Oversize { .. } | Self::TooLargeForTopic { .. } => "oversize",
            Self::SetAside(_) => "set-aside",
            Self::Loop => "loop",
        }
    }
}

impl Event {
    /// An attribute by name; `datacontenttype` included.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        if name == DATA_CONTENT_TYPE {
            return self.content_type.as_deref();
        }
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The `type`.
    pub fn kind(&self) -> &str {
        self.attribute("type").unwrap_or_default()
    }

    /// Attributes by name, without `datacontenttype`, in the order they came.
    pub fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// The data's bytes; `None` is an event without any.
    pub fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }

    /// The event with its passage through one more bridge counted.
    ///
    /// A count that is not a number is taken for none: whoever sends an event cannot be kept from writing one, but
    /// cannot end the counting either.
    ///
    /// # Errors
    /// [`Undeliverable::Loop`] after [`MAX_HOPS`].
    pub fn count_hop(mut self) -> Result<Self, Undeliverable> {
        let hops = self.attribute(HOPS).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        if hops >= MAX_HOPS {
            return Err(Undeliverable::Loop);
        }
        let hops = (hops + 1).to_string();
        match self.attributes.iter_mut().find(|(name, _)| name == HOPS) {
            Some((_, value)) => *value = hops,
            None => self.attributes.push((HOPS.to_owned(), hops)),
        }
        // Its text has the old count.
        self.structured = None;
        Ok(self)
    }

    fn require(self) -> Result<Self, Undeliverable> {
        for name in REQUIRED {
            let Some(value) = self.attribute(name) else {
                return Err(Undeliverable::NotCloudEvent(format!("{name} is missing or empty")));
            };
            if name == "specversion" && value != "1.0" {
                return Err(Undeliverable::NotCloudEvent("specversion is not 1.0".into()));
            }
        }
        Ok(self)
    }
}

/// Whether a content type marks the JSON form of structured mode; `None` when it marks a form that we do not read.
///
/// A batch, or another encoding than JSON, is not one event that can be carried.
fn is_structured(content_type: &str) -> Option<bool> {
    match media_type(content_type).as_ref() {
        "application/cloudevents" | "application/cloudevents+json" => Some(true),
        other if other.starts_with("application/cloudevents") => None,
        _ => Some(false),
    }
}

/// Whether data of this type is JSON (*JSON Event Format*, 3.1.1); absent is taken for JSON, as there.
fn is_json(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else { return true };
    let media = media_type(content_type);
    media == "application/json" || media == "text/json" || media.ends_with("+json")
}

fn media_type(content_type: &str) -> Cow<'_, str> {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if media.bytes().any(|b| b.is_ascii_uppercase()) { media.to_ascii_lowercase().into() } else { media.into() }
}

/// Whether a character is one of XML 1.0, section 2.2: the only ones that SQS takes.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_carriable(text: &str) -> bool {
    // Bodies are long and mostly plain: byte by byte without a branch, and by character only where that decides.
    let plain = |byte: &u8| (0x20..0x80).contains(byte) | matches!(byte, b'\t' | b'\n' | b'\r');
    let is_plain = text.as_bytes().iter().fold(true, |so_far, byte| so_far & plain(byte));
    !text.is_empty() && (is_plain || text.chars().all(is_xml))
}
