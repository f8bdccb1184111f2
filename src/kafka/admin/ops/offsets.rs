//! Where the records of topics begin and end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use tokio::time::Instant;

use super::Admin;
use crate::kafka::admin::{
    Code, Error, Refusal, Result, To,
    backoff::Backoff,
    msg::{Api, ListOffsets, ListOffsetsReply, OffsetsPartition, OffsetsTopic},
};

/// Which offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The first record there is.
    Earliest,
    /// One after the last record that a reader of committed records can get.
    Latest,
    /// The first record not older than this time, in milliseconds since 1970; -1 where there is none.
    Time(i64),
}

impl At {
    fn timestamp(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::Time(millis) => millis.max(0),
        }
    }
}

/// `isolation_level` of a reader that leaves out records of unfinished transactions (KIP-98).
const READ_COMMITTED: i8 = 1;

/// `replica_id` of a client.
const NO_REPLICA: i32 = -1;

type Found = BTreeMap<String, std::result::Result<Vec<(i32, i64)>, Refusal>>;

impl Admin {
    /// An offset of every partition of a topic, by partition.
    ///
    /// # Errors
    ///
    /// [`Error::Broker`] with the topic's refusal, as in [`Admin::offsets_of`].
    pub async fn offsets(&self, topic: &str, at: At) -> Result<Vec<(i32, i64)>> {
        let name = topic.to_owned();
        let mut found = self.offsets_of(std::slice::from_ref(&name), at).await?;
        found
            .remove(&name)
            .unwrap_or_else(|| Err(Refusal::unanswered()))
            .map_err(|refusal| Error::Broker { api: ListOffsets::NAME, refusal })
    }

    /// An offset of every partition of many topics, by topic and partition; every name is in the result.
    ///
    /// Each broker is asked once for the partitions it leads. Where leaders have moved, or are not known yet, they are
    /// looked up again for as long as one request may take.
    pub async fn offsets_of(&self, topics: &[String], at: At) -> Result<Found> {
        let mut backoff = Backoff::until(Instant::now() + self.pool().settings().request_timeout);
        let mut sought: BTreeSet<String> = topics.iter().cloned().collect();
        let mut found = Found::new();
        loop {
            let round = self.offsets_round(&sought, at).await?;
            found.extend(round.settled());
            sought.retain(|topic| !found.contains_key(topic));
            if sought.is_empty() {
                return Ok(found);
            }
            if !backoff.again(Duration::ZERO).await {
                found.extend(sought.into_iter().map(|topic| {
                    let refusal = round.unsettled.get(&topic).cloned().unwrap_or_else(Refusal::unanswered);
                    (topic, Err(refusal))
                }));
                return Ok(found);
            }
        }
    }

    /// Looks up the leaders and asks each of them once.
    async fn offsets_round(&self, sought: &BTreeSet<String>, at: At) -> Result<Round> {
        let names: Vec<_> = sought.iter().cloned().collect();
        let mut round = Round::default();
        let mut by_leader: BTreeMap<i32, BTreeMap<String, Vec<i32>>> = BTreeMap::new();
        for topic in self.topics(Some(&names)).await? {
            if let Some(code) = topic.error {
                round.refused.insert(topic.name, Refusal::new(code, None));
                continue;
            }
            round.partitions.insert(topic.name.clone(), topic.partitions.len());
            for partition in topic.partitions {
                if let Some(leader) = partition.leader {
                    by_leader.entry(leader).or_default().entry(topic.name.clone()).or_default().push(partition.index);
                } else {
                    round.unsettled.insert(topic.name.clone(), Refusal::new(Code::LEADER_NOT_AVAILABLE, None));
                }
            }
        }
        let asked = by_leader.iter().map(|(leader, topics)| self.offsets_at(*leader, topics, at));
        for ((_, topics), reply) in by_leader.iter().zip(join_all(asked).await) {
            match reply {
                Ok(reply) => round.add(reply),
                Err(error) if error.is_transient() => {
                    let refusal = Refusal::new(Code::NETWORK_EXCEPTION, Some(error.to_string()));
                    round.unsettled.extend(topics.keys().map(|topic| (topic.clone(), refusal.clone())));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(round)
    }

    async fn offsets_at(&self, leader: i32, topics: &BTreeMap<String, Vec<i32>>, at: At) -> Result<ListOffsetsReply> {
        let topics = topics.iter().map(|(name, partitions)| OffsetsTopic {
            name: name.clone(),
            partitions: partitions
                .iter()
                .map(|index| OffsetsPartition {
                    partition_index: *index,
                    current_leader_epoch: -1,
                    timestamp: at.timestamp(),
                })
                .collect(),
        });
        let request = ListOffsets { replica_id: NO_REPLICA, isolation_level: READ_COMMITTED, topics: topics.collect() };
        self.pool().call(To::Node(leader), &request).await
    }
}

/// What one round of questions has brought.
#[derive(Default)]
struct Round {
    /// How many partitions each topic has.
    partitions: BTreeMap<String, usize>,
    offsets: BTreeMap<String, Vec<(i32, i64)>>,
    /// Topics that are refused for good.
    refused: BTreeMap<String, Refusal>,
    /// Why topics have to be asked about again.
    unsettled: BTreeMap<String, Refusal>,
}

impl Round {
    fn add(&mut self, reply: ListOffsetsReply) {
        for topic in reply.topics {
            for partition in topic.partitions {
                let code = partition.error_code;
                if code.is_none() {
                    let offset = (partition.partition_index, partition.offset);
                    self.offsets.entry(topic.name.clone()).or_default().push(offset);
                } else if code.is_retriable() {
                    self.unsettled.insert(topic.name.clone(), Refusal::new(code, None));
                } else {
                    self.refused.insert(topic.name.clone(), Refusal::new(code, None));
                }
            }
        }
    }

    /// The topics that are refused, and those with an offset for every partition.
    fn settled(&self) -> Found {
        let mut settled: Found =
            self.refused.iter().map(|(topic, refusal)| (topic.clone(), Err(refusal.clone()))).collect();
        for (topic, count) in &self.partitions {
            let mut offsets = self.offsets.get(topic).cloned().unwrap_or_default();
            if offsets.len() == *count && !self.refused.contains_key(topic) {
                offsets.sort_unstable();
                settled.insert(topic.clone(), Ok(offsets));
            }
        }
        settled
    }
}
