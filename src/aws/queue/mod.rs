//! One queue as a bridge sees it, under the bridge's role.
//!
//! Every call is made once; its result is told entry by entry. Nothing here tries again or deletes on its own: that is
//! the lane's business.

mod attributes;
mod incoming;
mod outgoing;

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::{
        ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
        QueueAttributeName,
    },
};

pub use attributes::QueueAttributes;
pub use incoming::{Attribute, AttributeValue, Incoming};
pub use outgoing::{EntryOutcome, Outgoing, SendOutcome};

use self::outgoing::{Sums, done, outcomes, request_entry};
use super::{
    client,
    error::{Error, Result},
    session::Session,
};
use crate::domain::queue_url::QueueUrl;

/// The most entries of a batch (Amazon SQS API Reference, `SendMessageBatch`).
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
        Ok(attributes::read(&answer.attributes.unwrap_or_default()))
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
        Ok(answer.messages.unwrap_or_default().into_iter().map(incoming::read).collect())
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
