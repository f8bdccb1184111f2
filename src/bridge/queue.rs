//! The queue as a lane sees it: a trait, because lost answers, partial failures and refusals cannot be made otherwise
//! in tests.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    delivery::Fault,
    lane::{Answer, Entry},
};
use crate::domain::{ids::BridgeId, queue_url::QueueUrl};

/// A queue under a bridge's role.
#[async_trait]
pub trait Queue: Send + Sync {
    /// What it says of itself. Takes on the role, so that [`Fault::Role`] is told here.
    async fn facts(&self) -> Result<Facts, Fault>;

    /// Sends up to ten entries in one call; the answer names them in order.
    async fn send(&self, entries: &[Entry]) -> Answer;
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
