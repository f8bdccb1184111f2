//! Bridges: what connects a Space with a queue outside.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    grant::Access,
    ids::{BridgeId, EventId, RouteId},
    queue_url::QueueUrl,
};

/// A route begins in a partition of its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Which route.
    pub route: RouteId,
    /// The partition's number.
    pub partition: i32,
    /// The offset of the first record that can be of concern to it.
    pub offset: i64,
}

/// Where an event lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// How the events of a key go to their queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// To a FIFO queue one after the other, so that nothing breaks their order; to a standard queue as they come.
    #[default]
    Usual,
    /// To a FIFO queue many in one request: faster, and out of order where the queue refuses one and takes a later one.
    Batched,
    /// To a standard queue with their key for a group, so that no key holds up the others there (Amazon SQS Developer
    /// Guide, "Amazon SQS fair queues").
    Fair,
}

impl Mode {
    /// All, in the order of the screens.
    pub const ALL: &[Self] = &[Self::Usual, Self::Batched, Self::Fair];

    /// The word used in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Batched => "batched",
            Self::Fair => "fair",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == word)
    }

    /// The words of the screens.
    pub fn label(self) -> &'static str {
        match self {
            Self::Usual => "as usual",
            Self::Batched => "in batches (FIFO only)",
            Self::Fair => "fair by key (standard only)",
        }
    }

    /// Why a route to such a queue cannot have it.
    pub fn refusal(self, direction: Direction, is_fifo: bool) -> Option<&'static str> {
        match (self, direction) {
            (Self::Usual, _) => None,
            (_, Direction::Inbound) => Some("is for the way to SQS alone"),
            (Self::Batched, Direction::Outbound) => {
                (!is_fifo).then_some("needs a FIFO queue: a standard queue has no order")
            }
            (Self::Fair, Direction::Outbound) => {
                is_fifo.then_some("needs a standard queue: a FIFO queue has its groups already")
            }
        }
    }
}

/// Which way a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the broker to the queue.
    Outbound,
    /// From the queue to the broker.
    Inbound,
}

impl Direction {
    /// Both, in the order of the screens.
    pub const ALL: &[Self] = &[Self::Outbound, Self::Inbound];

    /// The word used in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "outbound" => Some(Self::Outbound),
            "inbound" => Some(Self::Inbound),
            _ => None,
        }
    }

    /// The words of the screens.
    pub fn label(self) -> &'static str {
        match self {
            Self::Outbound => "to SQS",
            Self::Inbound => "from SQS",
        }
    }

    /// The grant that the bridge needs on the event.
    pub fn needs(self) -> Access {
        match self {
            Self::Outbound => Access::Subscribe,
            Self::Inbound => Access::Publish,
        }
    }
}

/// One event, one direction, one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Id.
    pub id: RouteId,
    /// The event.
    pub event: EventId,
    /// Direction.
    pub direction: Direction,
    /// The queue's canonical address.
    pub queue: QueueUrl,
}

/// What people want of a bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Desired {
    /// Being made: owns nothing in Kafka, and in AWS only its role.
    Draft,
    /// Kept, moves nothing.
    Stopped,
    /// Moves events.
    Running,
    /// To be taken away, with all it owns.
    Deleted,
}

impl Desired {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Draft, Self::Stopped, Self::Running, Self::Deleted].into_iter().find(|d| d.as_str() == word)
    }
}

/// How a bridge fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being made.
    Draft,
    /// Starting: access, queue, Kafka, lane.
    Provisioning,
    /// Moves events.
    Running,
    /// Kafka or AWS is away; goes on by itself.
    Waiting,
    /// Changes to a new configuration.
    Reconfiguring,
    /// Moves nothing, by wish.
    Stopped,
    /// Cannot start as it is configured.
    Misconfigured,
    /// Stopped by an error that someone must mend; loses nothing and goes on by itself afterwards.
    Halted,
}

impl Status {
    /// The word used in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Provisioning => "provisioning",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Reconfiguring => "reconfiguring",
            Self::Stopped => "stopped",
            Self::Misconfigured => "misconfigured",
            Self::Halted => "halted",
        }
    }

    /// All of them, in the order in which a bridge meets them.
    pub const ALL: &[Self] = &[
        Self::Draft,
        Self::Provisioning,
        Self::Running,
        Self::Waiting,
        Self::Reconfiguring,
        Self::Stopped,
        Self::Misconfigured,
        Self::Halted,
    ];

    /// Reads the word; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The consumer group of a bridge's outbound lanes.
pub fn consumer_group(bridge: BridgeId) -> String {
    format!("{GROUP_PREFIX}{bridge}")
}

/// What every bridge's consumer group begins with, with its closing dot.
pub const GROUP_PREFIX: &str = "ebm.bridge.";

/// The name of a bridge's IAM role.
pub fn role_name(bridge: BridgeId) -> String {
    format!("ebm-{bridge}")
}

/// The IAM path of all roles of bridges.
pub const ROLE_PATH: &str = "/event-broker/";
