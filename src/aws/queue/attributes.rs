//! What a queue says of itself.

use std::{collections::HashMap, time::Duration};

use aws_sdk_sqs::types::QueueAttributeName;
use serde::{Deserialize, Serialize};

/// What a queue says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueAttributes {
    /// `MaximumMessageSize`: bytes of body and attributes together.
    pub max_message_size: u32,
    /// `VisibilityTimeout`: how long a received message stays hidden unless the receiver says otherwise.
    pub visibility_timeout: Duration,
    /// `MessageRetentionPeriod`: after this a message is lost.
    pub retention: Duration,
    /// Of `RedrivePolicy`: after so many receives a message goes to the owner's dead-letter queue.
    pub max_receive_count: Option<u32>,
    /// `Policy`: the access policy, JSON.
    pub policy: Option<String>,
    /// `KmsMasterKeyId`: key id, key ARN, or alias, where the queue is encrypted with a KMS key.
    pub kms_key: Option<String>,
    /// `FifoQueue`.
    pub fifo: bool,
    /// `ContentBasedDeduplication`.
    pub content_based_deduplication: bool,
    /// `ApproximateNumberOfMessages`: messages that wait.
    pub waiting: u64,
    /// `ApproximateNumberOfMessagesNotVisible`: messages received and not yet deleted.
    pub in_flight: u64,
}

/// Amazon SQS API Reference, `GetQueueAttributes`. What a server leaves out has SQS's default.
pub(super) fn read(given: &HashMap<QueueAttributeName, String>) -> QueueAttributes {
    let text = |name| given.get(&name).filter(|text| !text.is_empty());
    let number = |name, default| text(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let is_true = |name| text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let redrive = text(QueueAttributeName::RedrivePolicy);
    let redrive: Option<serde_json::Value> = redrive.and_then(|text| serde_json::from_str(text).ok());
    // A number, or a number in quotes: SQS takes and shows both.
    let max_receive_count = redrive.as_ref().and_then(|redrive| redrive.get("maxReceiveCount")).and_then(|count| {
        let number = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
        u32::try_from(number).ok()
    });
    QueueAttributes {
        max_message_size: u32::try_from(number(QueueAttributeName::MaximumMessageSize, 262_144)).unwrap_or(u32::MAX),
        visibility_timeout: Duration::from_secs(number(QueueAttributeName::VisibilityTimeout, 30)),
        retention: Duration::from_secs(number(QueueAttributeName::MessageRetentionPeriod, 345_600)),
        max_receive_count,
        policy: text(QueueAttributeName::Policy).cloned(),
        kms_key: text(QueueAttributeName::KmsMasterKeyId).cloned(),
        fifo: is_true(QueueAttributeName::FifoQueue),
        content_based_deduplication: is_true(QueueAttributeName::ContentBasedDeduplication),
        waiting: number(QueueAttributeName::ApproximateNumberOfMessages, 0),
        in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_queue_leaves_out_has_sqs_s_default() {
        let none = read(&HashMap::new());
        assert_eq!((none.retention, none.visibility_timeout), (Duration::from_hours(96), Duration::from_secs(30)));
        assert_eq!((none.max_message_size, none.max_receive_count), (262_144, None));
        for (redrive, count) in
            [("{\"maxReceiveCount\":3}", Some(3)), ("{\"maxReceiveCount\":\"3\"}", Some(3)), ("x", None)]
        {
            let given = HashMap::from([(QueueAttributeName::RedrivePolicy, redrive.to_owned())]);
            assert_eq!(read(&given).max_receive_count, count, "{redrive}");
        }
    }
}
