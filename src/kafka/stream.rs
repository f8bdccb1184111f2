//! Moving records: consumers and producers, over librdkafka.
//!
//! | module | owns |
//! |---|---|
//! | [`identity`] | which topic a name stands for |
//! | [`consumer`] | a member of a consumer group, on a thread of its own |
//! | [`probe`] | what the worker may see: topics, where they end, what its group has committed |
//! | [`producer`] | a producer that acknowledges only what is stored |
//!
//! Every call of librdkafka that may block runs on a thread that may be blocked. Refuses to administer.

use std::{fmt, path::PathBuf, sync::Arc};

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode as Code},
};
use secrecy::{ExposeSecret, SecretString};

use crate::domain::cloud_event::Header;

pub mod consumer;
mod context;
pub mod identity;
pub mod probe;
pub mod producer;

/// How the worker reaches Kafka.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port,host:port`
    pub bootstrap_servers: String,
    /// How to connect.
    pub security: Security,
    /// The worker's principal.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// PEM file of the authorities to trust; the system's where it is absent.
    pub ca_file: Option<PathBuf>,
    /// How batches are packed that are produced: Kafka's `compression.type`.
    pub compression: &'static str,
}

/// How Kafka is connected to. The SASL forms sign in by SCRAM-SHA-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Over TLS.
    SaslSsl,
    /// Without encryption.
    SaslPlaintext,
    /// Without encryption and without signing in.
    Plaintext,
}

impl Settings {
    /// What consumers and producers have in common (librdkafka, *Configuration properties*).
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "ebm-worker")
            // No call hangs on a broker that does not answer.
            .set("socket.timeout.ms", "10000")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "2000");
        let protocol = match self.security {
            Security::SaslSsl => "SASL_SSL",
            Security::SaslPlaintext => "SASL_PLAINTEXT",
            Security::Plaintext => "PLAINTEXT",
        };
        config.set("security.protocol", protocol);
        if self.security != Security::Plaintext {
            config
                .set("sasl.mechanism", "SCRAM-SHA-512")
                .set("sasl.username", &self.username)
                .set("sasl.password", self.password.expose_secret());
        }
        if let Some(file) = &self.ca_file {
            config.set("ssl.ca.location", file.to_string_lossy());
        }
        config
    }
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// Topic.
    pub topic: Arc<str>,
    /// Number in the topic.
    pub number: i32,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)
    }
}

/// An offset in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Partition.
    pub partition: Partition,
    /// The offset of the next record that is wanted.
    pub offset: i64,
}

/// A record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where it was read.
    pub partition: Partition,
    /// At which offset.
    pub offset: i64,
    /// Milliseconds since 1970, UTC; 0 where it has none.
    pub timestamp: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<Header>,
    /// Whether the headers could be read: a name that is not UTF-8 cannot.
    pub headers_readable: bool,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

impl Record {
    /// About how many bytes it takes in memory.
    pub fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(n, v)| 64 + n.len() + v.as_ref().map_or(0, Vec::len)).sum();
        128 + headers + self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len)
    }
}

/// Why Kafka cannot be used as wished.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No broker answers, or the one that should is away: passes by itself.
    #[error("Kafka cannot be reached: {0}")]
    Unreachable(String),
    /// The name or password is refused.
    #[error("Kafka refuses the worker's name or password: {0}")]
    Authentication(String),
    /// The worker may not do this.
    #[error("Kafka does not let the worker do this: {0}")]
    Unauthorized(String),
    /// There is no such topic.
    #[error("the topic {0} does not exist")]
    NoTopic(String),
    /// Records are gone that were not read.
    #[error(
        "{missing} records of {partition} were deleted before they were read (the next wanted has offset {wanted}, the first there is has {first})"
    )]
    Gap {
        /// Partition.
        partition: Partition,
        /// The offset that was wanted.
        wanted: i64,
        /// The first offset there is.
        first: i64,
        /// How many are missing.
        missing: i64,
    },
    /// The partition ends before the place where reading should go on.
    #[error("{partition} ends at offset {end}, and reading had come to {wanted}: the topic was deleted and made again")]
    Recreated {
        /// Partition.
        partition: Partition,
        /// The offset that was wanted.
        wanted: i64,
        /// Where the partition ends.
        end: i64,
    },
    /// A topic of this name was read, and there is another one now.
    #[error("the topic {0} was deleted and made again: what was in it and not yet moved is gone")]
    Replaced(String),
    /// A record is damaged.
    #[error("a record is damaged: {0}")]
    Corrupt(String),
    /// Another worker has taken this one's place.
    #[error("another worker has taken this one's place in the group")]
    Fenced,
    /// A broker did not have a place that was asked for, though nothing seems to be gone.
    #[error("a broker does not have what is to be read next: {0}")]
    Misplaced(String),
    /// Partitions are being shared out anew: what concerns the group is to be asked again.
    #[error("partitions are being shared out anew among the workers")]
    Rebalancing,
    /// Anything else.
    #[error("Kafka: {0}")]
    Other(String),
}

impl Error {
    fn new(error: &KafkaError, reason: Option<&str>) -> Self {
        let text = || reason.map_or_else(|| error.to_string(), str::to_owned);
        let Some(code) = error.rdkafka_error_code() else { return Self::Other(text()) };
        match code {
            Code::Authentication | Code::SaslAuthenticationFailed => Self::Authentication(text()),
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed => Self::Unauthorized(text()),
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => Self::NoTopic(text()),
            Code::BadMessage | Code::InvalidMessage => Self::Corrupt(text()),
            Code::Fenced | Code::FencedInstanceId => Self::Fenced,
            // The client joins again by itself; partitions that it loses by that are told.
            Code::UnknownMemberId | Code::IllegalGeneration | Code::RebalanceInProgress => Self::Rebalancing,
            code if is_passing(code) => Self::Unreachable(text()),
            _ => Self::Other(text()),
        }
    }

    /// Whether events are gone that were not moved: somebody has to decide whether to go on without them.
    pub fn is_gap(&self) -> bool {
        matches!(self, Self::Gap { .. } | Self::Recreated { .. } | Self::Replaced(_))
    }

    /// Whether it may pass without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Misplaced(_) | Self::Fenced | Self::Rebalancing)
    }

    /// One line on what to do about it.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Unreachable(_) | Self::Misplaced(_) | Self::Fenced | Self::Rebalancing => {
                "Nothing to do: it goes on by itself."
            }
            Self::Authentication(_) => "The operator must give the worker its Kafka user and password.",
            Self::Unauthorized(_) => {
                "The console gives the worker its rights by itself; if this lasts, see the reconciler."
            }
            Self::NoTopic(_) => "Create the topic again from the channel's page, or delete the bridge.",
            Self::Gap { .. } => {
                "Raise the topic's retention. To go on without these events, say so on the bridge's page."
            }
            Self::Recreated { .. } | Self::Replaced(_) => {
                "To go on with what the new topic holds, from its first event on, say so on the bridge's page."
            }
            Self::Corrupt(_) => "The operators of Kafka must mend or remove the record.",
            Self::Other(_) => "It is tried again by itself; see the worker's log.",
        }
    }
}

/// Errors that pass when brokers come back or have agreed.
fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::WaitingForCoordinator
            | Code::InProgress
            | Code::PreviousInProgress
            | Code::Retry
            | Code::AssignmentLost
            | Code::RequestTimedOut
            | Code::NetworkException
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::PreferredLeaderNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::KafkaStorageError
            | Code::UnstableOffsetCommit
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::ThrottlingQuotaExceeded
    )
}
