//! Topics.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Admin, PerItem, in_order};
use crate::kafka::admin::{
    Code, Error, Operation, Refusal, Result, To,
    batch::{self, RECORDS},
    msg::{
        Api, CreatableTopic, CreatePartitions, CreateTopics, DeletableTopic, DeleteTopics, Metadata,
        MetadataReplyTopic, MetadataTopic, PartitionsTopic, TopicConfig,
    },
};

/// The topics of one request: a thousand were the fastest on a real cluster.
const TOPICS: usize = 1_000;

/// The partitions a topic is counted with when the broker chooses them.
const PARTITIONS_BY_DEFAULT: usize = 10;

/// A topic to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 for the broker's default.
    pub partitions: i32,
    /// How many replicas of each; -1 for the broker's default.
    pub replication: i16,
    /// Configuration keys and values that differ from the broker's defaults.
    pub configs: Vec<(String, String)>,
}

impl NewTopic {
    /// What it costs the controller: the topic, its partitions, its configuration.
    fn records(&self) -> usize {
        1 + usize::try_from(self.partitions).unwrap_or(PARTITIONS_BY_DEFAULT) + self.configs.len()
    }
}

/// A topic as a broker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// The id it got when it was made: another topic of the same name has another one. Nil if it has an error.
    pub id: Uuid,
    /// Whether it belongs to Kafka itself.
    pub internal: bool,
    /// Its partitions, by index. Empty if it has an error.
    pub partitions: Vec<Partition>,
    /// Why it cannot be described, as [`Code::UNKNOWN_TOPIC_OR_PARTITION`] for one that does not exist.
    pub error: Option<Code>,
}

impl Topic {
    /// The replicas of its first partition; 0 if it has none.
    pub fn replication(&self) -> usize {
        self.partitions.first().map_or(0, |partition| partition.replicas.len())
    }
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its number within the topic, from 0.
    pub index: i32,
    /// The broker that leads it, if there is one.
    pub leader: Option<i32>,
    /// The brokers that keep it.
    pub replicas: Vec<i32>,
    /// Those of them that are up to date.
    pub in_sync: Vec<i32>,
}

impl Admin {
    /// The topics with these names, or all that this login may see.
    ///
    /// A named topic that cannot be described is there with its `error`. A list of all leaves out what this login may
    /// not see, without a word.
    pub async fn topics(&self, names: Option<&[String]>) -> Result<Vec<Topic>> {
        self.metadata(To::Any, names).await
    }

    /// The topics with these names, as one broker sees them.
    pub async fn topics_on(&self, to: To, names: &[String]) -> Result<Vec<Topic>> {
        self.metadata(to, Some(names)).await
    }

    /// What this login may do with a topic: nothing where it may not even see it; `None` if the broker did not say.
    pub async fn topic_operations(&self, to: To, name: &str) -> Result<Option<BTreeSet<Operation>>> {
        let request = Metadata {
            topics: Some(vec![named(name)]),
            allow_auto_topic_creation: false,
            include_topic_authorized_operations: true,
        };
        let mut reply = self.pool().call(to, &request).await?;
        let topic =
            reply.topics.pop().ok_or_else(|| Error::Broker { api: Metadata::NAME, refusal: Refusal::unanswered() })?;
        if topic.error_code == Code::TOPIC_AUTHORIZATION_FAILED {
            return Ok(Some(BTreeSet::new()));
        }
        Error::check(Metadata::NAME, topic.error_code, None)?;
        Ok(Operation::from_bits(topic.topic_authorized_operations))
    }

    async fn metadata(&self, to: To, names: Option<&[String]>) -> Result<Vec<Topic>> {
        let topics = names.map(|names| names.iter().map(|name| named(name)).collect());
        let request = Metadata { topics, allow_auto_topic_creation: false, include_topic_authorized_operations: false };
        let reply = self.pool().call(to, &request).await?;
        Ok(reply.topics.into_iter().map(topic).collect())
    }

    /// Makes topics; what became of each, in order.
    ///
    /// One that exists is refused with [`Code::TOPIC_ALREADY_EXISTS`], whatever its partitions and configuration.
    pub async fn create_topics(&self, topics: &[NewTopic]) -> Result<PerItem> {
        self.create_or_validate(topics, false).await
    }

    /// Asks what [`Admin::create_topics`] would answer, and makes nothing.
    pub async fn validate_topics(&self, topics: &[NewTopic]) -> Result<PerItem> {
        self.create_or_validate(topics, true).await
    }

    async fn create_or_validate(&self, topics: &[NewTopic], validate_only: bool) -> Result<PerItem> {
        let mut done = Vec::with_capacity(topics.len());
        for batch in batch::cut(topics, TOPICS, RECORDS, NewTopic::records) {
            let request = CreateTopics {
                topics: batch.iter().map(creatable).collect(),
                timeout_ms: self.write_timeout_ms(),
                validate_only,
            };
            let reply = self.pool().call(To::Any, &request).await?;
            let answers = reply
                .topics
                .into_iter()
                .map(|topic| (topic.name, Refusal::check(topic.error_code, topic.error_message)))
                .collect();
            done.extend(in_order(batch.iter().map(|topic| &topic.name), answers));
        }
        Ok(done)
    }

    /// Deletes topics and all that is in them; what became of each, in order.
    pub async fn delete_topics(&self, names: &[String]) -> Result<PerItem> {
        let mut done = Vec::with_capacity(names.len());
        for batch in names.chunks(TOPICS) {
            let request = DeleteTopics {
                topics: batch
                    .iter()
                    .map(|name| DeletableTopic { name: Some(name.clone()), topic_id: Uuid::nil() })
                    .collect(),
                timeout_ms: self.write_timeout_ms(),
            };
            let reply = self.pool().call(To::Any, &request).await?;
            let answers = reply
                .responses
                .into_iter()
                .filter_map(|topic| Some((topic.name?, Refusal::check(topic.error_code, topic.error_message))))
                .collect();
            done.extend(in_order(batch.iter(), answers));
        }
        Ok(done)
    }

    /// Raises topics to these numbers of partitions (KIP-195); what became of each, in order.
    ///
    /// The number cannot go down, and events with the same key go to other partitions afterwards.
    pub async fn create_partitions(&self, totals: &[(String, i32)]) -> Result<PerItem> {
        let mut done = Vec::with_capacity(totals.len());
        let records = |(_, total): &(String, i32)| usize::try_from(*total).unwrap_or_default();
        for batch in batch::cut(totals, TOPICS, RECORDS, records) {
            let request = CreatePartitions {
                topics: batch
                    .iter()
                    .map(|(name, count)| PartitionsTopic { name: name.clone(), count: *count, assignments: None })
                    .collect(),
                timeout_ms: self.write_timeout_ms(),
                validate_only: false,
            };
            let reply = self.pool().call(To::Any, &request).await?;
            let answers = reply
                .results
                .into_iter()
                .map(|topic| (topic.name, Refusal::check(topic.error_code, topic.error_message)))
                .collect();
            done.extend(in_order(batch.iter().map(|(name, _)| name), answers));
        }
        Ok(done)
    }
}

fn named(name: &str) -> MetadataTopic {
    MetadataTopic { topic_id: Uuid::nil(), name: Some(name.to_owned()) }
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    CreatableTopic {
        name: topic.name.clone(),
        num_partitions: topic.partitions,
        replication_factor: topic.replication,
        assignments: Vec::new(),
        configs: topic
            .configs
            .iter()
            .map(|(name, value)| TopicConfig { name: name.clone(), value: Some(value.clone()) })
            .collect(),
    }
}

fn topic(topic: MetadataReplyTopic) -> Topic {
    let mut partitions: Vec<_> = topic
        .partitions
        .into_iter()
        .map(|partition| Partition {
            index: partition.partition_index,
            leader: Some(partition.leader_id).filter(|id| *id >= 0),
            replicas: partition.replica_nodes,
            in_sync: partition.isr_nodes,
        })
        .collect();
    partitions.sort_unstable_by_key(|partition| partition.index);
    Topic {
        name: topic.name.unwrap_or_default(),
        id: topic.topic_id,
        internal: topic.is_internal,
        partitions,
        error: Some(topic.error_code).filter(|code| !code.is_none()),
    }
}
