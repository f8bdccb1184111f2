//! The queue as a lane sees it: a trait, because lost answers, partial failures and refusals cannot be made otherwise
//! in tests.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    delivery::Fault,
    lane::{Answer, Entry},
};
use crate::domain::{cloud_event::Message, ids::BridgeId, queue_url::QueueUrl};

/// A queue under a bridge's role.
#[async_trait]
pub trait Queue: Send + Sync {
    /// What it says of itself. Takes on the role, so that [`Fault::Role`] is told here.
    async fn facts(&self) -> Result<Facts, Fault>;

    /// Sends up to ten entries in one call; the answer names them in order.
    async fn send(&self, entries: &[Entry]) -> Answer;

    /// Receives up to ten messages, waiting a while for the first. They stay hidden from others for [`HIDDEN`].
    async fn receive(&self) -> Result<Vec<Incoming>, Fault>;

    /// Deletes up to ten messages by their receipts; the answer names them in order.
    async fn delete(&self, receipts: &[String]) -> Answer;

    /// Hides up to ten messages for so long from now on; zero releases them. The answer names them in order.
    async fn hide(&self, receipts: &[String], time: Duration) -> Answer;
}

/// How long messages that are being carried stay hidden from others; they are hidden anew long before it is over.
pub const HIDDEN: Duration = Duration::from_mins(1);

/// A message received. It stays in the queue until it is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The queue's id of the message.
    pub id: String,
    /// For deleting and hiding; of this receive only.
    pub receipt: String,
    /// Attributes that are texts, and the body.
    pub message: Message,
    /// Attributes that are bytes, by name.
    pub binary: Vec<(String, Vec<u8>)>,
    /// The group whose order counts.
    pub group: Option<String>,
    /// When it was sent: milliseconds since 1970, where the queue says so.
    pub sent_at: Option<i64>,
    /// Whether body and attributes are as the queue says they are.
    pub intact: bool,
}

/// What a queue says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The most bytes of a message, attributes included.
    pub max_message: usize,
}

/// By what a bridge is let to its queues.
#[derive(Clone, Debug)]
pub struct Access {
    /// Bridge.
    pub bridge: BridgeId,
    /// Its role.
    pub role_arn: String,
    /// What the role's trust policy asks for.
    pub external_id: String,
}

/// Where queues come from.
pub trait Queues: Send + Sync {
    /// A queue; nothing is called yet.
    fn open(&self, access: &Access, queue: &QueueUrl) -> Result<Arc<dyn Queue>, Fault>;
}
