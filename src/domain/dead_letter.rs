//! What is kept of an event that could not be delivered: all that is needed to send it again, byte for byte.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::cloud_event::{Event, Message, Undeliverable};

/// Bytes; in JSON as base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(D::Error::custom)
    }
}

/// An event as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kept {
    /// From a topic.
    Record(KeptRecord),
    /// From a queue.
    Message(KeptMessage),
}

impl Kept {
    /// Whether both came from the same place, whatever is in them.
    pub fn is_of_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Record(one), Self::Record(other)) => {
                (&one.topic, one.partition, one.offset, one.timestamp)
                    == (&other.topic, other.partition, other.offset, other.timestamp)
            }
            (Self::Message(one), Self::Message(other)) => {
                (&one.queue, &one.message_id) == (&other.queue, &other.message_id)
            }
            (Self::Record(_), Self::Message(_)) | (Self::Message(_), Self::Record(_)) => false,
        }
    }

    /// The body; none of a tombstone.
    pub fn body(&self) -> Option<&[u8]> {
        match self {
            Self::Record(record) => record.value.as_ref().map(|value| &*value.0),
            Self::Message(message) => Some(message.body.as_bytes()),
        }
    }

    /// The event in it.
    ///
    /// # Errors
    /// Why it holds none that can be delivered.
    pub fn event(&self) -> Result<Event, Undeliverable> {
        match self {
            Self::Record(record) => record.event(),
            Self::Message(message) => {
                Event::from_queue(Message { attributes: message.attributes.clone(), body: message.body.clone() })
            }
        }
    }
}

/// A record of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptRecord {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Key.
    pub key: Option<Bytes>,
    /// Headers in order.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Whether a header is missing here, because its name is not UTF-8.
    #[serde(default)]
    pub headers_lost: bool,
    /// Value; none is a tombstone.
    pub value: Option<Bytes>,
}

impl KeptRecord {
    /// The event in it.
    ///
    /// # Errors
    /// Why it holds none that can be delivered.
    pub fn event(&self) -> Result<Event, Undeliverable> {
        let bytes = |bytes: &Option<Bytes>| bytes.as_ref().map(|bytes| bytes.0.clone());
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.clone(), bytes(value))).collect();
        Event::from_kafka(&headers, bytes(&self.value))
    }
}

/// A message of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptMessage {
    /// The queue's address.
    pub queue: String,
    /// The queue's id of the message.
    pub message_id: String,
    /// Its group.
    pub group: Option<String>,
    /// Attributes that are texts, by name.
    pub attributes: Vec<(String, String)>,
    /// Attributes that are bytes, by name.
    #[serde(default)]
    pub binary: Vec<(String, Bytes)>,
    /// Body.
    pub body: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_as_it_was() {
        let record = Kept::Record(KeptRecord {
            topic: "t".into(),
            partition: 1,
            offset: 2,
            timestamp: 3,
            key: None,
            headers: vec![("a".into(), Some(Bytes(vec![0, 255]))), ("a".into(), None)],
            headers_lost: true,
            value: Some(Bytes(b"not an event".to_vec())),
        });
        let message = Kept::Message(KeptMessage {
            queue: "q".into(),
            message_id: "m".into(),
            group: Some("g".into()),
            attributes: vec![("a".into(), "x".into())],
            binary: vec![("b".into(), Bytes(vec![1]))],
            body: "{}".into(),
        });
        for kept in [record, message] {
            let text = serde_json::to_string(&kept).unwrap();
            assert_eq!(serde_json::from_str::<Kept>(&text).unwrap(), kept, "{text}");
        }
    }
}
