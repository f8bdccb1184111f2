//! The JSON of the calls of the data path (Amazon SQS API Reference: `SendMessageBatch`, `ReceiveMessage`,
//! `DeleteMessageBatch`, `ChangeMessageVisibilityBatch`).

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap as _};

use super::{
    super::checksum::{Part, Value},
    Attribute, AttributeValue,
};

/// A call about many messages.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<'a, E> {
    pub queue_url: &'a str,
    pub entries: Vec<E>,
}

/// A message to send.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry<'a> {
    pub id: String,
    #[serde(rename = "MessageBody")]
    pub body: &'a str,
    #[serde(rename = "MessageAttributes", skip_serializing_if = "Texts::is_empty")]
    pub attributes: Texts<'a>,
    #[serde(rename = "MessageGroupId", skip_serializing_if = "Option::is_none")]
    pub group: Option<&'a str>,
    #[serde(rename = "MessageDeduplicationId", skip_serializing_if = "Option::is_none")]
    pub dedup: Option<&'a str>,
}

/// Message attributes of type `String`.
pub(super) struct Texts<'a>(pub &'a [(String, String)]);

impl Texts<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &Text { data_type: "String", string_value: value })?;
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Text<'a> {
    data_type: &'static str,
    string_value: &'a str,
}

/// A message to delete, or to hide for some seconds.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Handle<'a> {
    pub id: String,
    #[serde(rename = "ReceiptHandle")]
    pub receipt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility_timeout: Option<i32>,
}

/// What became of the entries of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound = "S: Deserialize<'de>")]
pub(super) struct Outcomes<S> {
    #[serde(default, deserialize_with = "or_none")]
    pub successful: Vec<S>,
    #[serde(default, deserialize_with = "or_none")]
    pub failed: Vec<Refused>,
}

/// A message that was taken.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Taken {
    pub id: String,
    #[serde(default)]
    pub message_id: String,
    #[serde(rename = "MD5OfMessageBody", default)]
    pub body_sum: String,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub attributes_sum: Option<String>,
    pub sequence_number: Option<String>,
}

/// A message that was deleted or hidden.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Done {
    pub id: String,
}

/// An entry that was refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Refused {
    pub id: String,
    #[serde(default)]
    pub code: String,
    pub message: Option<String>,
    #[serde(default)]
    pub sender_fault: bool,
}

/// Asks for messages.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Receive<'a> {
    pub queue_url: &'a str,
    pub max_number_of_messages: u8,
    pub wait_time_seconds: i32,
    pub visibility_timeout: i32,
    pub message_attribute_names: [&'static str; 1],
    pub message_system_attribute_names: [&'static str; 5],
}

/// Messages received.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Received {
    #[serde(default, deserialize_with = "or_none")]
    pub messages: Vec<Message>,
}

/// A message received.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Message {
    #[serde(rename = "MessageId")]
    pub id: String,
    #[serde(rename = "ReceiptHandle")]
    pub receipt: String,
    pub body: String,
    #[serde(rename = "MD5OfBody")]
    pub body_sum: Option<String>,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub attributes_sum: Option<String>,
    #[serde(rename = "Attributes", deserialize_with = "or_none")]
    pub system: HashMap<String, String>,
    #[serde(rename = "MessageAttributes", deserialize_with = "or_none")]
    pub attributes: HashMap<String, Attribute>,
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Raw {
            #[serde(default)]
            data_type: String,
            string_value: Option<String>,
            binary_value: Option<String>,
        }
        let Raw { data_type, string_value, binary_value } = Raw::deserialize(deserializer)?;
        let value = match (string_value, binary_value) {
            (None, Some(text)) => AttributeValue::Binary(STANDARD.decode(text).map_err(serde::de::Error::custom)?),
            (text, _) => AttributeValue::Text(text.unwrap_or_default()),
        };
        Ok(Self { data_type, value })
    }
}

impl Attribute {
    /// As the checksum sees it.
    pub(super) fn part<'a>(&'a self, name: &'a str) -> Part<'a> {
        let value = match &self.value {
            AttributeValue::Text(text) => Value::Text(text),
            AttributeValue::Binary(bytes) => Value::Binary(bytes),
        };
        Part { name, data_type: &self.data_type, value }
    }
}

/// A list or map that may be null as well as absent.
fn or_none<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
