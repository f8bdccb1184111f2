//! Messages received.

use super::wire::Message;
use crate::aws::checksum;

/// What SQS is asked to say of a message besides.
pub(super) const SYSTEM: [&str; 5] =
    ["MessageGroupId", "MessageDeduplicationId", "SequenceNumber", "ApproximateReceiveCount", "SentTimestamp"];

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
    let mut attributes: Vec<_> = message.attributes.into_iter().collect();
    attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
    let parts = attributes.iter().map(|(name, attribute)| attribute.part(name));
    let intact = message.body_sum.is_some_and(|sum| sum == checksum::body(&message.body))
        && message.attributes_sum == checksum::attributes(parts.collect());
    let mut system = message.system;
    let [group, dedup, sequence, receive_count, sent_at] = SYSTEM.map(|name| system.remove(name));
    Incoming {
        id: message.id,
        receipt: message.receipt,
        body: message.body,
        attributes,
        group,
        dedup,
        sequence,
        receive_count: receive_count.and_then(|count| count.parse().ok()).unwrap_or_default(),
        sent_at_ms: sent_at.and_then(|at| at.parse().ok()),
        intact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_message_is_intact_only_with_both_checksums() {
        let message = |body_sum: Option<&str>, attributes_sum: Option<&str>| Message {
            body: "a".into(),
            body_sum: body_sum.map(str::to_owned),
            attributes_sum: attributes_sum.map(str::to_owned),
            ..Message::default()
        };
        let sum = checksum::body("a");
        assert!(read(message(Some(&sum), None)).intact);
        assert!(!read(message(None, None)).intact);
        assert!(!read(message(Some("x"), None)).intact);
        assert!(!read(message(Some(&sum), Some("x"))).intact, "attributes were lost");
    }
}
