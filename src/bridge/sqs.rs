//! AWS SQS as the queue of a lane.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    delivery::Fault,
    lane::{Answer, Entry},
    queue::{Access, Facts, HIDDEN, Incoming, Queue, Queues},
};
use crate::{
    aws::{self, AttributeValue, Aws, EntryOutcome, Error, Outgoing, SendOutcome},
    domain::{cloud_event::Message, queue_url::QueueUrl},
};

impl Queues for Aws {
    fn open(&self, access: &Access, queue: &QueueUrl) -> Result<Arc<dyn Queue>, Fault> {
        Ok(Arc::new(self.queue(access.bridge, &access.external_id, &access.role_arn, queue)?))
    }
}

#[async_trait]
impl Queue for aws::Queue {
    async fn facts(&self) -> Result<Facts, Fault> {
        let attributes = self.attributes().await?;
        Ok(Facts { max_message: usize::try_from(attributes.max_message_size).unwrap_or(usize::MAX) })
    }

    async fn send(&self, entries: &[Entry]) -> Answer {
        let entries: Vec<_> = entries.iter().map(outgoing).collect();
        let outcomes = aws::Queue::send(self, &entries).await?;
        Ok(outcomes.into_iter().map(settled).collect())
    }

    async fn receive(&self) -> Result<Vec<Incoming>, Fault> {
        let messages = aws::Queue::receive(self, BATCH, WAIT, HIDDEN).await?;
        Ok(messages.into_iter().map(read).collect())
    }

    async fn delete(&self, receipts: &[String]) -> Answer {
        Ok(aws::Queue::delete(self, receipts).await?.into_iter().map(done).collect())
    }

    async fn hide(&self, receipts: &[String], time: Duration) -> Answer {
        Ok(aws::Queue::extend(self, receipts, time).await?.into_iter().map(done).collect())
    }
}

fn outgoing(entry: &Entry) -> Outgoing<'_> {
    let Entry { message, group, deduplication, .. } = entry;
    let (group, dedup) = (group.as_deref(), deduplication.as_deref());
    Outgoing { body: &message.body, attributes: &message.attributes, group, dedup }
}

/// Messages of one receive at most.
const BATCH: u8 = 10;
/// How long a receive waits for the first message. The longest that SQS allows is 20 s, for the fewest calls; but a
/// receive that is given up may still take a message and hide it, so that its end is waited for when a lane ends.
const WAIT: Duration = Duration::from_secs(8);

fn read(incoming: aws::Incoming) -> Incoming {
    let (mut attributes, mut binary) = (Vec::new(), Vec::new());
    for (name, attribute) in incoming.attributes {
        match attribute.value {
            AttributeValue::Text(text) => attributes.push((name, text)),
            AttributeValue::Binary(bytes) => binary.push((name, bytes)),
        }
    }
    Incoming {
        id: incoming.id,
        receipt: incoming.receipt,
        message: Message { attributes, body: incoming.body },
        binary,
        group: incoming.group,
        sent_at: incoming.sent_at_ms.and_then(|at| at.try_into().ok()),
        intact: incoming.intact,
    }
}

/// What became of one entry of a call that deletes or hides.
fn done(outcome: EntryOutcome) -> Result<(), Fault> {
    match outcome {
        EntryOutcome::Done => Ok(()),
        EntryOutcome::Unknown => Err(Fault::Unreachable("SQS does not say what became of a message".into())),
        EntryOutcome::Failed { code, message, sender_fault } => Err(match entry_fault(&code, &message, sender_fault) {
            // Nothing else of such an entry is ours.
            Fault::Refused(text) => Fault::Receipt(text),
            fault => fault,
        }),
    }
}

/// What became of one entry.
fn settled(outcome: SendOutcome) -> Result<(), Fault> {
    match outcome {
        SendOutcome::Sent { .. } => Ok(()),
        SendOutcome::Unknown { why } => Err(Fault::Unreachable(format!("SQS did not confirm an event: {why}"))),
        SendOutcome::Failed { code, message, sender_fault } => Err(entry_fault(&code, &message, sender_fault)),
    }
}

/// The fault of one entry, by its code (*Amazon SQS API Reference*, `BatchResultErrorEntry` and Common Errors).
fn entry_fault(code: &str, message: &str, sender_fault: bool) -> Fault {
    let text = format!("SQS refuses a message ({code}): {message}");
    let short = code.rsplit(['.', '#']).next().unwrap_or(code);
    match short {
        "ThrottlingException" | "Throttling" | "RequestThrottled" | "OverLimit" | "KmsThrottled" => Fault::Throttled,
        "AccessDenied" | "AccessDeniedException" => Fault::AccessDenied(text),
        _ if short.starts_with("Kms") => Fault::Key(text),
        _ if sender_fault => Fault::Refused(text),
        _ => Fault::Unavailable(text),
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::AccessDenied { what: "sts:AssumeRole", .. }
            | Error::RoleGone { .. }
            | Error::RoleChanged { .. }
            | Error::RoleForeign { .. } => Self::Role(text),
            Error::AccessDenied { .. } => Self::AccessDenied(text),
            Error::QueueGone { .. } => Self::QueueGone(text),
            Error::Key { .. } => Self::Key(text),
            Error::Throttled { .. } => Self::Throttled,
            Error::NoCredentials { .. } | Error::Clock { .. } => Self::Credentials(text),
            Error::SessionEnded { .. } | Error::Unavailable { .. } => Self::Unavailable(text),
            Error::Network { .. } | Error::Timeout { .. } => Self::Unreachable(text),
            Error::Redirected { .. } | Error::Private { .. } | Error::OtherPartition { .. } => Self::Address(text),
            Error::Other { ref code, .. } if code.ends_with("BatchRequestTooLong") => Self::TooLarge,
            // The role and its quota are the console's business; the list of AWS may grow.
            _ => Self::Other(text),
        }
    }
}
