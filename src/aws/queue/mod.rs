//! One queue as a bridge sees it, under the bridge's role.
//!
//! Every call is made once; its result is told entry by entry. Nothing here tries again or deletes on its own: that is
//! the lane's business.

mod attributes;
mod call;
mod incoming;
mod outgoing;
mod wire;

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::QueueAttributeName,
};

use serde::{Serialize, de::DeserializeOwned};

pub use attributes::QueueAttributes;
pub use incoming::{Attribute, AttributeValue, Incoming};
pub use outgoing::{EntryOutcome, Outgoing, SendOutcome};

use self::{
    call::Caller,
    outgoing::{Sums, done, outcomes, request_entry},
    wire::{Batch, Handle, Outcomes, Receive, Received, Taken},
};
use super::{
    Aws,
    client::{self, ATTEMPT},
    error::{Error, Result},
    session::{Held, Session},
};
use crate::domain::queue_url::QueueUrl;

/// The most entries of a batch (Amazon SQS API Reference, `SendMessageBatch`).
pub const MAX_BATCH: usize = 10;

/// A queue under a bridge's role. A clone shares session and connections.
#[derive(Clone)]
pub struct Queue {
    /// Makes clients for calls that are few; one takes a hundred times the memory of all else here.
    aws: Aws,
    /// For the calls that every event goes through.
    caller: Caller,
    session: Arc<Session>,
    url: QueueUrl,
    /// The address as the calls want it.
    address: Arc<str>,
}

impl Queue {
    pub(super) fn new(aws: Aws, endpoint: &str, session: Arc<Session>, url: QueueUrl) -> Self {
        let address = url.to_string().into();
        let connector = aws.inner.http.connector(aws.settings());
        let caller = Caller::new(connector, session.clone(), endpoint, &url.region().to_string());
        Self { aws, caller, session, url, address }
    }

    /// Its address.
    pub fn url(&self) -> &QueueUrl {
        &self.url
    }

    /// AWS's own client.
    fn client(&self) -> aws_sdk_sqs::Client {
        client::sqs(self.aws.settings(), &self.aws.inner.http, &self.url, Held(self.session.clone()))
    }

    /// All that the queue says of itself.
    pub async fn attributes(&self) -> Result<QueueAttributes> {
        self.session.ready().await?;
        let call = self.client().get_queue_attributes().queue_url(&*self.address);
        let answer = call.attribute_names(QueueAttributeName::All).send().await;
        let answer = answer.map_err(|error| self.failed("sqs:GetQueueAttributes", error))?;
        Ok(attributes::read(&answer.attributes.unwrap_or_default()))
    }

    /// Sends up to [`MAX_BATCH`] messages in one call. The outcomes stand in the order of the entries.
    ///
    /// # Errors
    /// Those of the whole call. After a timeout or a lost connection each entry may have been taken.
    pub async fn send(&self, entries: &[Outgoing<'_>]) -> Result<Vec<SendOutcome>> {
        let sums: Vec<_> = entries.iter().map(Sums::of).collect();
        let entries = entries.iter().enumerate().map(request_entry).collect();
        let answer: Outcomes<Taken> = self.batch("sqs:SendMessage", "SendMessageBatch", entries).await?;
        Ok(outcomes(&sums, answer))
    }

    /// Receives up to `max` (at most 10) messages, waiting up to `wait` (at most 20 s) for the first. Each stays hidden
    /// from others for `visibility`.
    pub async fn receive(&self, max: u8, wait: Duration, visibility: Duration) -> Result<Vec<Incoming>> {
        let question = Receive {
            queue_url: &self.address,
            max_number_of_messages: max,
            wait_time_seconds: seconds(wait),
            visibility_timeout: seconds(visibility),
            message_attribute_names: ["All"],
            message_system_attribute_names: incoming::SYSTEM,
        };
        let answer: Received = self.call("sqs:ReceiveMessage", "ReceiveMessage", &question, ATTEMPT + wait).await?;
        Ok(answer.messages.into_iter().map(incoming::read).collect())
    }

    /// Deletes up to [`MAX_BATCH`] messages by their receipts. The outcomes stand in the order of the receipts.
    pub async fn delete(&self, receipts: &[String]) -> Result<Vec<EntryOutcome>> {
        let answer = self.batch("sqs:DeleteMessage", "DeleteMessageBatch", handles(receipts, None)).await?;
        Ok(done(receipts.len(), answer))
    }

    /// Hides up to [`MAX_BATCH`] messages for `visibility` from now on; zero releases them.
    pub async fn extend(&self, receipts: &[String], visibility: Duration) -> Result<Vec<EntryOutcome>> {
        let entries = handles(receipts, Some(seconds(visibility)));
        let answer = self.batch("sqs:ChangeMessageVisibility", "ChangeMessageVisibilityBatch", entries).await?;
        Ok(done(receipts.len(), answer))
    }

    /// A call about many messages.
    async fn batch<S: DeserializeOwned>(
        &self,
        what: &'static str,
        action: &str,
        entries: Vec<impl Serialize + Sync>,
    ) -> Result<Outcomes<S>> {
        self.call(what, action, &Batch { queue_url: &self.address, entries }, ATTEMPT).await
    }

    async fn call<A: DeserializeOwned>(
        &self,
        what: &'static str,
        action: &str,
        question: &(impl Serialize + Sync),
        limit: Duration,
    ) -> Result<A> {
        self.session.ready().await?;
        let answer = self.caller.call(what, action, question, limit).await;
        answer.inspect_err(|error| self.look_at(error))
    }

    /// Assumes the role, and answers the role's unique id.
    pub(super) async fn assume(&self) -> Result<String> {
        self.session.ready().await
    }

    /// Tries to delete by a receipt that cannot exist: the refusal tells whether it would have been allowed.
    pub(super) async fn try_delete(&self, receipt: &str) -> Result<()> {
        self.session.ready().await?;
        let call = self.client().delete_message().queue_url(&*self.address).receipt_handle(receipt);
        call.send().await.map(drop).map_err(|error| self.failed("sqs:DeleteMessage", error))
    }

    /// Tries to hide by a receipt that cannot exist.
    pub(super) async fn try_extend(&self, receipt: &str) -> Result<()> {
        self.session.ready().await?;
        let call = self.client().change_message_visibility().queue_url(&*self.address).receipt_handle(receipt);
        let call = call.visibility_timeout(0);
        call.send().await.map(drop).map_err(|error| self.failed("sqs:ChangeMessageVisibility", error))
    }

    fn failed<E>(&self, what: &'static str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let error = Error::of(what, error);
        self.look_at(&error);
        error
    }

    /// Of a session that has ended, nothing is used again.
    fn look_at(&self, error: &Error) {
        if matches!(error, Error::SessionEnded { .. }) {
            self.session.forget();
        }
    }
}

/// Entries that name messages by their receipts; the place of each is its id.
fn handles(receipts: &[String], visibility_timeout: Option<i32>) -> Vec<Handle<'_>> {
    let places = receipts.iter().enumerate();
    places.map(|(place, receipt)| Handle { id: place.to_string(), receipt, visibility_timeout }).collect()
}

/// SQS's times are whole seconds, up to 12 hours.
fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
