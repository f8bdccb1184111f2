//! A contract: what a service promises, read from a document and stripped of its notation.

use serde::{Deserialize, Serialize};

use super::{ids::ChannelId, names::ServiceKey};

/// What a document says about one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// The service's key: `x-ebm-service`, else the slug of the title.
    pub service: ServiceKey,
    /// The title, as display text of at most 200 characters.
    pub title: String,
    /// `info.version`: display text of at most 100 characters.
    pub version: String,
    /// `info.description`, empty where there is none.
    pub description: String,
    /// Channels in the order of the document; at least one event among them.
    pub channels: Vec<Channel>,
}

/// A channel of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The key of the channel in the document.
    pub address: String,
    /// The channel's UUID where the document gives one.
    pub id: Option<ChannelId>,
    /// What the document asks of the topic.
    pub topic: TopicWishes,
    /// The events in it, in the order of the document.
    pub events: Vec<Event>,
}

/// Topic configuration that a contract may set, by Kafka's names. These keys are ours on every topic of ours; all
/// others are left alone.
pub const TOPIC_KEYS: &[&str] =
    &["cleanup.policy", "delete.retention.ms", "max.message.bytes", "retention.bytes", "retention.ms"];

/// What a document asks of a channel's topic; `None` leaves it to the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicWishes {
    /// Number of partitions.
    pub partitions: Option<i32>,
    /// Number of replicas.
    pub replicas: Option<i16>,
    /// Topic configuration by Kafka's names, for example `retention.ms`.
    pub config: std::collections::BTreeMap<String, String>,
}

/// An event of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its name: the `ce_type`.
    pub name: String,
    /// A title or summary for people; empty where there is none.
    pub title: String,
    /// A description; empty where there is none.
    pub description: String,
    /// Whether the defining app sends it, so that others may subscribe.
    pub app_sends: bool,
    /// Whether the defining app receives it, so that others may publish.
    pub app_receives: bool,
    /// Attributes of the payload.
    pub attributes: Vec<Attribute>,
}

/// An attribute of an event's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Name.
    pub name: String,
    /// Type in words: `string`, `integer`, `string (date-time)`, `array of string`, `object`, …
    pub kind: String,
    /// Whether the payload must have it.
    pub required: bool,
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// JSON Pointer (RFC 6901) to the place; empty for the document as a whole.
    pub pointer: String,
    /// Line in the text, from 1, where it is known.
    pub line: Option<u32>,
    /// What is wrong and what to do.
    pub message: String,
}
