//! Messages received.

use aws_sdk_sqs::{
    primitives::Blob,
    types::{Message, MessageAttributeValue, MessageSystemAttributeName},
};

use crate::aws::checksum::{self, Part, Value};

/// A message received. It stays in the queue until it is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// SQS's id of the message.
    pub id: String,
    /// For deleting and extending; of this receive only.
    pub receipt: String,
    /// The body.
    pub body: String,
    /// Message attributes, by name.
    pub attributes: Vec<(String, Attribute)>,
    /// `MessageGroupId`.
    pub group: Option<String>,
    /// `MessageDeduplicationId`.
    pub dedup: Option<String>,
    /// `SequenceNumber` of a FIFO queue.
    pub sequence: Option<String>,
    /// `ApproximateReceiveCount`: how often it was received, this time included; 0 where SQS does not say.
    pub receive_count: u32,
    /// `SentTimestamp`: milliseconds since 1970.
    pub sent_at_ms: Option<u64>,
    /// Whether body and attributes have the checksums that SQS gave.
    pub intact: bool,
}

/// A message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `String`, `Number`, `Binary`, each perhaps with a label after a dot.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// The value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// Of `String` and `Number`.
    Text(String),
    /// Of `Binary`.
    Binary(Vec<u8>),
}

/// A message as SQS gives it, its checksums compared.
pub(super) fn read(message: Message) -> Incoming {
    let body = message.body.unwrap_or_default();
    let mut attributes: Vec<_> = message
        .message_attributes
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (name, attribute(value)))
        .collect();
    attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
    let parts = attributes.iter().map(|(name, Attribute { data_type, value })| {
        let value = match value {
            AttributeValue::Text(text) => Value::Text(text),
            AttributeValue::Binary(bytes) => Value::Binary(bytes),
        };
        Part { name, data_type, value }
    });
    let intact = message.md5_of_body.is_some_and(|sum| sum == checksum::body(&body))
        && message.md5_of_message_attributes == checksum::attributes(parts.collect());
    let mut system = message.attributes.unwrap_or_default();
    let mut take = |name| system.remove(&name);
    Incoming {
        group: take(MessageSystemAttributeName::MessageGroupId),
        dedup: take(MessageSystemAttributeName::MessageDeduplicationId),
        sequence: take(MessageSystemAttributeName::SequenceNumber),
        receive_count: take(MessageSystemAttributeName::ApproximateReceiveCount)
            .and_then(|count| count.parse().ok())
            .unwrap_or_default(),
        sent_at_ms: take(MessageSystemAttributeName::SentTimestamp).and_then(|at| at.parse().ok()),
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body,
        attributes,
        intact,
    }
}

fn attribute(value: MessageAttributeValue) -> Attribute {
    let MessageAttributeValue { data_type, string_value, binary_value, .. } = value;
    let value = match (string_value, binary_value.map(Blob::into_inner)) {
        (None, Some(bytes)) => AttributeValue::Binary(bytes),
        (text, _) => AttributeValue::Text(text.unwrap_or_default()),
    };
    Attribute { data_type, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_message_is_intact_only_with_both_checksums() {
        let message = |body_sum: Option<&str>, attributes_sum: Option<&str>| {
            let builder = Message::builder().body("a").message_id("m").receipt_handle("r");
            let builder = builder.set_md5_of_body(body_sum.map(str::to_owned));
            builder.set_md5_of_message_attributes(attributes_sum.map(str::to_owned)).build()
        };
        let sum = checksum::body("a");
        assert!(read(message(Some(&sum), None)).intact);
        assert!(!read(message(None, None)).intact);
        assert!(!read(message(Some("x"), None)).intact);
        assert!(!read(message(Some(&sum), Some("x"))).intact, "attributes were lost");
    }
}
