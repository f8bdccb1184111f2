//! One queue as a bridge sees it, under the bridge's role.
//!
//! Every call is made once; its result is told entry by entry. Nothing here tries again or deletes on its own: that is
//! the lane's business.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
    SendMessageBatchResultEntry,
};
use aws_sdk_sqs::{config::http::HttpResponse, error::ProvideErrorMetadata, error::SdkError, primitives::Blob};
use serde::{Deserialize, Serialize};

use super::{
    checksum::{self, Part, Value},
    client,
    error::{Error, Result},
    session::Session,
};
use crate::domain::queue_url::QueueUrl;

/// The most entries of a batch (Amazon SQS API Reference, "SendMessageBatch").
pub const MAX_BATCH: usize = 10;

/// A queue under a bridge's role. A clone shares session and connections.
#[derive(Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    session: Arc<Session>,
    url: QueueUrl,
    /// The address as the calls want it.
    address: Arc<str>,
}

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

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The body: at least one character of XML 1.0.
    pub body: String,
    /// Message attributes of type `String`, name and value; at most ten, no name twice.
    pub attributes: Vec<(String, String)>,
    /// `MessageGroupId`.
    pub group: Option<String>,
    /// `MessageDeduplicationId`: FIFO queues only.
    pub dedup: Option<String>,
}

/// What became of one message of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The queue has it, with the bytes that were sent.
    Sent {
        /// SQS's id of the message.
        message_id: String,
        /// `SequenceNumber` of a FIFO queue.
        sequence: Option<String>,
    },
    /// The queue does not have it.
    Failed {
        /// AWS's code.
        code: String,
        /// AWS's own text.
        message: String,
        /// What AWS calls the sender's fault; that includes causes that no event is guilty of.
        sender_fault: bool,
    },
    /// SQS did not say, or what it took has another checksum: it may be there.
    Unknown {
        /// Why.
        why: &'static str,
    },
}

/// What became of one receipt of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryOutcome {
    /// Done.
    Done,
    /// Not done.
    Failed {
        /// AWS's code.
        code: String,
        /// AWS's own text.
        message: String,
        /// What AWS calls the sender's fault.
        sender_fault: bool,
    },
    /// SQS did not say.
    Unknown,
}

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

impl Queue {
    pub(super) fn new(client: aws_sdk_sqs::Client, session: Arc<Session>, url: QueueUrl) -> Self {
        let address = url.to_string().into();
        Self { client, session, url, address }
    }

    /// Its address.
    pub fn url(&self) -> &QueueUrl {
        &self.url
    }

    /// All that the queue says of itself.
    pub async fn attributes(&self) -> Result<QueueAttributes> {
        self.session.ready().await?;
        let call = self.client.get_queue_attributes().queue_url(&*self.address);
        let answer = call.attribute_names(QueueAttributeName::All).send().await;
        let answer = answer.map_err(|error| self.failed("sqs:GetQueueAttributes", error))?;
        Ok(read_attributes(&answer.attributes.unwrap_or_default()))
    }

    /// Sends up to [`MAX_BATCH`] messages in one call. The outcomes stand in the order of the entries.
    ///
    /// # Errors
    /// Those of the whole call. After a timeout or a lost connection each entry may have been taken.
    pub async fn send(&self, entries: Vec<Outgoing>) -> Result<Vec<SendOutcome>> {
        const WHAT: &str = "sqs:SendMessage";
        self.session.ready().await?;
        let sums: Vec<_> = entries.iter().map(Sums::of).collect();
        let mut call = self.client.send_message_batch().queue_url(&*self.address);
        for (index, entry) in entries.into_iter().enumerate() {
            call = call.entries(request_entry(index, entry)?);
        }
        let answer = call.send().await.map_err(|error| self.failed(WHAT, error))?;
        Ok(outcomes(&sums, answer.successful, answer.failed))
    }

    /// Receives up to `max` (at most 10) messages, waiting up to `wait` (at most 20 s) for the first. Each stays hidden
    /// from others for `visibility`.
    pub async fn receive(&self, max: u8, wait: Duration, visibility: Duration) -> Result<Vec<Incoming>> {
        self.session.ready().await?;
        let answer = self
            .client
            .receive_message()
            .queue_url(&*self.address)
            .max_number_of_messages(i32::from(max))
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(visibility))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .message_system_attribute_names(MessageSystemAttributeName::MessageDeduplicationId)
            .message_system_attribute_names(MessageSystemAttributeName::SequenceNumber)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .customize()
            .config_override(aws_sdk_sqs::Config::builder().timeout_config(client::long_limits(wait)))
            .send()
            .await
            .map_err(|error| self.failed("sqs:ReceiveMessage", error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(incoming).collect())
    }

    /// Deletes up to [`MAX_BATCH`] messages by their receipts. The outcomes stand in the order of the receipts.
    pub async fn delete(&self, receipts: &[String]) -> Result<Vec<EntryOutcome>> {
        const WHAT: &str = "sqs:DeleteMessage";
        self.session.ready().await?;
        let mut call = self.client.delete_message_batch().queue_url(&*self.address);
        for (index, receipt) in receipts.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build();
            call = call.entries(entry.map_err(|_| Error::incomplete(WHAT))?);
        }
        let answer = call.send().await.map_err(|error| self.failed(WHAT, error))?;
        Ok(done(receipts.len(), answer.successful.into_iter().map(|entry| entry.id), answer.failed))
    }

    /// Hides up to [`MAX_BATCH`] messages for `visibility` from now on; zero releases them.
    pub async fn extend(&self, receipts: &[String], visibility: Duration) -> Result<Vec<EntryOutcome>> {
        const WHAT: &str = "sqs:ChangeMessageVisibility";
        self.session.ready().await?;
        let mut call = self.client.change_message_visibility_batch().queue_url(&*self.address);
        for (index, receipt) in receipts.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(seconds(visibility))
                .build();
            call = call.entries(entry.map_err(|_| Error::incomplete(WHAT))?);
        }
        let answer = call.send().await.map_err(|error| self.failed(WHAT, error))?;
        Ok(done(receipts.len(), answer.successful.into_iter().map(|entry| entry.id), answer.failed))
    }

    /// Assumes the role, and answers the role's unique id.
    pub(super) async fn assume(&self) -> Result<String> {
        self.session.ready().await
    }

    /// Tries to delete by a receipt that cannot exist: the refusal tells whether it would have been allowed.
    pub(super) async fn try_delete(&self, receipt: &str) -> Result<()> {
        self.session.ready().await?;
        let call = self.client.delete_message().queue_url(&*self.address).receipt_handle(receipt);
        call.send().await.map(drop).map_err(|error| self.failed("sqs:DeleteMessage", error))
    }

    /// Tries to hide by a receipt that cannot exist.
    pub(super) async fn try_extend(&self, receipt: &str) -> Result<()> {
        self.session.ready().await?;
        let call = self.client.change_message_visibility().queue_url(&*self.address).receipt_handle(receipt);
        let call = call.visibility_timeout(0);
        call.send().await.map(drop).map_err(|error| self.failed("sqs:ChangeMessageVisibility", error))
    }

    fn failed<E>(&self, what: &'static str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let error = Error::of(what, error);
        if matches!(error, Error::SessionEnded { .. }) {
            self.session.forget();
        }
        error
    }
}

/// SQS's times are whole seconds, up to 12 hours.
fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

/// Amazon SQS API Reference, "GetQueueAttributes". What a server leaves out has SQS's default.
fn read_attributes(given: &HashMap<QueueAttributeName, String>) -> QueueAttributes {
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

/// The checksums that SQS must answer for an entry.
struct Sums {
    body: String,
    attributes: Option<String>,
}

impl Sums {
    fn of(entry: &Outgoing) -> Self {
        let parts = entry.attributes.iter();
        let parts = parts.map(|(name, value)| Part { name, data_type: "String", value: Value::Text(value) });
        Self { body: checksum::body(&entry.body), attributes: checksum::attributes(parts.collect()) }
    }
}

fn request_entry(index: usize, entry: Outgoing) -> Result<SendMessageBatchRequestEntry> {
    let incomplete = |_| Error::incomplete("sqs:SendMessage");
    let Outgoing { body, attributes, group, dedup } = entry;
    let mut request = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(body)
        .set_message_group_id(group)
        .set_message_deduplication_id(dedup);
    for (name, value) in attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
        request = request.message_attributes(name, value.map_err(incomplete)?);
    }
    request.build().map_err(incomplete)
}

/// Each entry must be in exactly one of the two lists.
fn outcomes(
    sums: &[Sums],
    successful: Vec<SendMessageBatchResultEntry>,
    failed: Vec<BatchResultErrorEntry>,
) -> Vec<SendOutcome> {
    let mut outcomes: Vec<Option<SendOutcome>> = sums.iter().map(|_| None).collect();
    let mut put = |id: &str, outcome: SendOutcome| {
        if let Some(place) = id.parse::<usize>().ok().and_then(|index| outcomes.get_mut(index)) {
            let twice = SendOutcome::Unknown { why: "SQS answered it twice" };
            *place = Some(if place.is_some() { twice } else { outcome });
        }
    };
    for entry in successful {
        let sums = entry.id.parse::<usize>().ok().and_then(|index| sums.get(index));
        let is_same = sums.is_some_and(|sums| {
            sums.body == entry.md5_of_message_body && sums.attributes == entry.md5_of_message_attributes
        });
        let outcome = if is_same {
            SendOutcome::Sent { message_id: entry.message_id, sequence: entry.sequence_number }
        } else {
            SendOutcome::Unknown { why: "SQS took it with another checksum" }
        };
        put(&entry.id, outcome);
    }
    for entry in failed {
        let outcome = SendOutcome::Failed {
            code: entry.code,
            message: entry.message.unwrap_or_default(),
            sender_fault: entry.sender_fault,
        };
        put(&entry.id, outcome);
    }
    let silent = SendOutcome::Unknown { why: "SQS did not answer it" };
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| silent.clone())).collect()
}

/// As [`outcomes`], for receipts.
fn done(
    count: usize,
    successful: impl Iterator<Item = String>,
    failed: Vec<BatchResultErrorEntry>,
) -> Vec<EntryOutcome> {
    let mut outcomes = vec![EntryOutcome::Unknown; count];
    let mut put = |id: &str, outcome| {
        if let Some(place) = id.parse::<usize>().ok().and_then(|index| outcomes.get_mut(index)) {
            *place = outcome;
        }
    };
    for id in successful {
        put(&id, EntryOutcome::Done);
    }
    for entry in failed {
        let message = entry.message.unwrap_or_default();
        put(&entry.id, EntryOutcome::Failed { code: entry.code, message, sender_fault: entry.sender_fault });
    }
    outcomes
}

fn incoming(message: Message) -> Incoming {
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
