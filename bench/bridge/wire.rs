//! The JSON of the calls that move messages (Amazon SQS API Reference): borrowed, as who answers and as who calls.

#![expect(clippy::struct_field_names, reason = "the names are those of AWS")]

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize, de::IgnoredAny};

/// The queue of all calls.
pub const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/bench";
/// Its region.
pub const REGION: &str = "eu-central-1";
/// What names the call, before its name.
pub const TARGET: &str = "AmazonSQS.";
/// The content type of calls and answers.
pub const JSON: &str = "application/x-amz-json-1.0";

/// `SendMessageBatch`, `DeleteMessageBatch`, `ChangeMessageVisibilityBatch`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Batch<E> {
    /// The queue; not looked at by who answers.
    #[serde(skip_deserializing)]
    pub queue_url: &'static str,
    /// At most ten.
    pub entries: Vec<E>,
}

/// A message to send.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry<'a> {
    /// Names it in the answer.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Body.
    #[serde(borrow)]
    pub message_body: Cow<'a, str>,
    /// Attributes, in the order in which their checksum takes them.
    #[serde(borrow, default)]
    pub message_attributes: BTreeMap<&'a str, Attribute<'a>>,
}

/// The value of a message attribute: texts only.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute<'a> {
    /// `String`.
    #[serde(borrow)]
    pub data_type: Cow<'a, str>,
    /// Value.
    #[serde(borrow)]
    pub string_value: Cow<'a, str>,
}

impl<'a> Attribute<'a> {
    /// A text.
    pub fn text(value: impl Into<Cow<'a, str>>) -> Self {
        Self { data_type: Cow::Borrowed("String"), string_value: value.into() }
    }
}

/// A message to delete, or to hide for so many seconds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Handle<'a> {
    /// Names it in the answer.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Receipt.
    #[serde(borrow)]
    pub receipt_handle: Cow<'a, str>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility_timeout: Option<u64>,
}

/// The answer to a batch: what became of each of its entries.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcomes<S> {
    /// Done.
    pub successful: Vec<S>,
    /// Refused; never by the double.
    #[serde(default)]
    pub failed: Vec<serde_json::Value>,
}

/// A message that was taken.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sent<'a> {
    /// The entry.
    pub id: &'a str,
    /// The id of the message.
    pub message_id: &'a str,
    /// MD5 of the body, in hex.
    #[serde(rename = "MD5OfMessageBody")]
    pub md5_of_body: String,
    /// MD5 of the attributes, in hex.
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    pub md5_of_attributes: Option<String>,
}

/// A message that was deleted or hidden.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Done<'a> {
    /// The entry.
    pub id: &'a str,
}

/// `ReceiveMessage`, as who answers reads it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Receive {
    /// One where nothing is said.
    pub max_number_of_messages: Option<usize>,
    /// Seconds.
    #[serde(default)]
    pub wait_time_seconds: u64,
    /// Seconds.
    pub visibility_timeout: Option<u64>,
    /// What the queue is to say of each message; older clients have another name for it.
    #[serde(default, alias = "AttributeNames")]
    pub message_system_attribute_names: Vec<IgnoredAny>,
}

/// The answer to `ReceiveMessage`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Received<'a> {
    /// Absent where there are none.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message<'a>>,
}

/// A message received.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Message<'a> {
    /// The id of the message.
    #[serde(borrow)]
    pub message_id: Cow<'a, str>,
    /// For deleting and hiding.
    #[serde(borrow)]
    pub receipt_handle: Cow<'a, str>,
    /// MD5 of the body, in hex.
    #[serde(borrow, rename = "MD5OfBody")]
    pub md5_of_body: Cow<'a, str>,
    /// Body.
    #[serde(borrow)]
    pub body: Cow<'a, str>,
    /// What the queue says of it, where that was asked for.
    #[serde(borrow, default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<&'a str, &'a str>,
    /// MD5 of the attributes, in hex.
    #[serde(borrow, default, rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    pub md5_of_attributes: Option<Cow<'a, str>>,
    /// Attributes.
    #[serde(borrow, default)]
    pub message_attributes: BTreeMap<&'a str, Attribute<'a>>,
}
