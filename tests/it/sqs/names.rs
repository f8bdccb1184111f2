//! What callers may ask a queue to say, of itself and of a message (*Amazon SQS API Reference*, `GetQueueAttributes` and
//! `ReceiveMessage`).

use super::refusal::Refusal;

/// Of a queue.
const DESCRIBED: [&str; 22] = [
    "All",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "ContentBasedDeduplication",
    "CreatedTimestamp",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];
/// Of a message.
const TOLD: [&str; 10] = [
    "AWSTraceHeader",
    "All",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
];

/// Refuses names of attributes that no queue has.
pub fn check_described(wanted: &[String]) -> Result<(), Refusal> {
    check(&DESCRIBED, wanted)
}

/// Refuses names of what no queue says of a message.
pub fn check_told(wanted: &[String]) -> Result<(), Refusal> {
    check(&TOLD, wanted)
}

fn check(known: &[&str], wanted: &[String]) -> Result<(), Refusal> {
    match wanted.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Refusal::new("InvalidAttributeName", format!("Unknown Attribute {name}."))),
        None => Ok(()),
    }
}
