//! The JSON of calls and answers (*Amazon SQS API Reference*).

#![expect(clippy::struct_field_names, reason = "the names are those of AWS")]

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    message::{Attribute, Attributes, Draft, Value, md5_of_attributes, md5_of_body},
    queue::{Kept, Taken},
    refusal::Refusal,
};

/// What every call names.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OfQueue {
    pub queue_url: Option<String>,
}

/// A call with entries. Those of other calls are read where they are wanted.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Batch<E> {
    #[serde(default = "Vec::new")]
    pub entries: Vec<E>,
}

/// A message to send; alone it has no id.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Send {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    message_body: String,
    #[serde(default)]
    message_attributes: BTreeMap<String, AttributeShape>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeShape {
    #[serde(default)]
    data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

impl Send {
    pub fn draft(self) -> Result<Draft, Refusal> {
        let mut attributes = Attributes::new();
        for (name, shape) in self.message_attributes {
            let value = match (shape.string_value, shape.binary_value) {
                (Some(text), None) => Value::Text(text),
                (None, Some(text)) => Value::Binary(
                    STANDARD.decode(&text).map_err(|_| Refusal::parameter(format!("{name} is no base64")))?,
                ),
                _ => {
                    let message = format!("The message attribute '{name}' must contain exactly one value.");
                    return Err(Refusal::parameter(message));
                }
            };
            attributes.insert(name, Attribute { data_type: shape.data_type, value });
        }
        Ok(Draft {
            body: self.message_body,
            attributes,
            group: self.message_group_id,
            deduplication: self.message_deduplication_id,
        })
    }
}

/// A message to delete or to hide; alone it has no id.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Handle {
    #[serde(default)]
    pub id: String,
    pub receipt_handle: Option<String>,
    pub visibility_timeout: Option<i64>,
}

/// `ReceiveMessage`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Receive {
    pub max_number_of_messages: Option<i64>,
    pub wait_time_seconds: Option<i64>,
    pub visibility_timeout: Option<i64>,
    #[serde(default)]
    pub message_attribute_names: Vec<String>,
    #[serde(default, alias = "AttributeNames")]
    pub message_system_attribute_names: Vec<String>,
}

/// `GetQueueAttributes`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Describe {
    #[serde(default)]
    pub attribute_names: Vec<String>,
}

/// What became of the entries of a batch.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcomes {
    pub successful: Vec<Done>,
    pub failed: Vec<Failed>,
}

/// An entry that was done; alone it has no id.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Done {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(rename = "MD5OfMessageBody", skip_serializing_if = "Option::is_none")]
    md5_of_body: Option<String>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_attributes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

impl Done {
    /// The same as an entry of a batch.
    pub fn named(self, id: String) -> Self {
        Self { id, ..self }
    }

    /// A message that was taken; its checksums are those of what was sent.
    pub fn taken(body: &str, attributes: &Attributes, taken: Taken) -> Self {
        Self {
            id: String::new(),
            message_id: Some(taken.id),
            md5_of_body: Some(md5_of_body(body)),
            md5_of_attributes: md5_of_attributes(attributes),
            sequence_number: taken.sequence,
        }
    }
}

/// An entry that was refused.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Failed {
    pub id: String,
    code: String,
    message: String,
    sender_fault: bool,
}

impl Failed {
    pub fn of(id: String, refusal: Refusal) -> Self {
        Self { id, code: refusal.code.to_owned(), message: refusal.message, sender_fault: refusal.sender }
    }
}

/// The answer to `ReceiveMessage`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Received {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Given>,
}

/// A message as it is given.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Given {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<String, AttributeShape>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_attributes: Option<String>,
}

impl Given {
    pub fn new(receipt: String, kept: &Kept, asked: &Receive) -> Self {
        let is_asked = |name: &str| {
            asked.message_attribute_names.iter().any(|wanted| match wanted.strip_suffix(".*") {
                Some(prefix) => name.starts_with(prefix),
                None => wanted == "All" || wanted == name,
            })
        };
        let attributes: Attributes = kept
            .draft
            .attributes
            .iter()
            .filter(|(name, _)| is_asked(name))
            .map(|(n, a)| (n.clone(), a.clone()))
            .collect();
        let millis = |at: Duration| (1_700_000_000_000 + at.as_millis()).to_string();
        let told = [
            ("SentTimestamp", Some(millis(kept.sent_at))),
            ("ApproximateReceiveCount", Some(kept.receives.to_string())),
            ("MessageGroupId", kept.draft.group.clone()),
            ("MessageDeduplicationId", kept.draft.deduplication.clone()),
            ("SequenceNumber", kept.sequence.clone()),
        ];
        let wanted = &asked.message_system_attribute_names;
        let is_told = |name: &str| wanted.iter().any(|wanted| wanted == "All" || wanted == name);
        Self {
            message_id: kept.id.clone(),
            receipt_handle: receipt,
            body: kept.draft.body.clone(),
            md5_of_body: md5_of_body(&kept.draft.body),
            attributes: told
                .into_iter()
                .filter(|(name, _)| is_told(name))
                .filter_map(|(n, value)| Some((n, value?)))
                .collect(),
            md5_of_attributes: md5_of_attributes(&attributes),
            message_attributes: attributes.into_iter().map(|(name, attribute)| (name, shape(attribute))).collect(),
        }
    }
}

fn shape(attribute: Attribute) -> AttributeShape {
    let (string_value, binary_value) = match attribute.value {
        Value::Text(text) => (Some(text), None),
        Value::Binary(bytes) => (None, Some(STANDARD.encode(bytes))),
    };
    AttributeShape { data_type: attribute.data_type, string_value, binary_value }
}
