//! Consumer groups.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use tokio::time::Instant;

use super::{Admin, PerItem};
use crate::kafka::admin::{
    Code, Error, Refusal, Result, To,
    backoff::Backoff,
    msg::{
        Api, ClassicAssignment, ClassicGroup, ClassicMember, ConsumerGroup, ConsumerGroupDescribe, ConsumerMember,
        DeleteGroups, DescribeGroups, FetchedGroup, FindCoordinator, LeaveGroup, LeavingMember, ListGroups,
        OffsetFetch, OffsetFetchGroup,
    },
    wire::{Reader, Wire},
};

/// `key_type` of a group.
const GROUP: i8 = 0;

/// The kind of groups of the older protocol.
pub(super) const CLASSIC: &str = "classic";
/// The kind of groups of the newer one (KIP-848).
pub(super) const CONSUMER: &str = "consumer";

/// The state of a group that nobody is in.
const EMPTY: &str = "Empty";
/// The state of a group that is gone.
pub(super) const DEAD: &str = "Dead";

/// A group in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// `classic` or `consumer` (KIP-848), or another kind.
    pub kind: String,
    /// `Stable`, `Empty` and so on, in Kafka's words.
    pub state: String,
    /// The broker that listed it, since it coordinates it.
    pub coordinator: i32,
}

impl Group {
    /// Whether it is one of consumers, which commit how far they have read; not one of shares or of another kind.
    pub fn is_of_consumers(&self) -> bool {
        matches!(self.kind.as_str(), CLASSIC | CONSUMER)
    }

    /// Whether anybody is in it.
    pub fn has_members(&self) -> bool {
        !matches!(self.state.as_str(), EMPTY | DEAD)
    }
}

/// A group and who is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDetail {
    /// Its id.
    pub id: String,
    /// `Stable`, `Empty` and so on, in Kafka's words.
    pub state: String,
    /// Who is in it.
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id the coordinator knows it by.
    pub id: String,
    /// Its static id, if it has one (KIP-345).
    pub instance: Option<String>,
    /// The client's name for itself.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// The partitions it was given, by topic.
    pub assigned: BTreeMap<String, Vec<i32>>,
}

impl Admin {
    /// All groups this login may see, by id.
    ///
    /// Each broker lists those it coordinates: if one does not answer, the call fails.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        let cluster = self.cluster().await?;
        let request = ListGroups { states_filter: Vec::new(), types_filter: Vec::new() };
        let asked = cluster.brokers.iter().map(|broker| self.pool().call(To::Node(broker.id), &request));
        let mut groups = Vec::new();
        for (broker, reply) in cluster.brokers.iter().zip(join_all(asked).await) {
            let reply = reply?;
            Error::check(ListGroups::NAME, reply.error_code, None)?;
            groups.extend(reply.groups.into_iter().map(|group| Group {
                id: group.group_id,
                kind: group.group_type,
                state: group.group_state,
                coordinator: broker.id,
            }));
        }
        groups.sort_unstable();
        // A group that moves to another coordinator in the meantime is listed by both.
        groups.dedup_by(|next, group| next.id == group.id);
        Ok(groups)
    }

    /// A group and its members, of either protocol; `None` if there is no such group.
    pub async fn group(&self, id: &str) -> Result<Option<GroupDetail>> {
        let request = ConsumerGroupDescribe { group_ids: vec![id.to_owned()], include_authorized_operations: false };
        let found = self
            .at_coordinator(id, |to| {
                let request = &request;
                async move {
                    let mut reply = self.pool().call(to, request).await?;
                    let group = reply.groups.pop().ok_or_else(|| unanswered(ConsumerGroupDescribe::NAME))?;
                    Error::check(ConsumerGroupDescribe::NAME, group.error_code, group.error_message.clone())?;
                    Ok(of_new(group))
                }
            })
            .await;
        match found {
            Ok(group) => Ok(Some(group)),
            // What a broker says of a group of the older protocol, or when it speaks only that one.
            Err(error)
                if matches!(error.code(), Some(Code::GROUP_ID_NOT_FOUND | Code::UNSUPPORTED_VERSION))
                    || matches!(error, Error::Version { .. }) =>
            {
                self.classic_group(id).await
            }
            Err(error) => Err(error),
        }
    }

    async fn classic_group(&self, id: &str) -> Result<Option<GroupDetail>> {
        let request = DescribeGroups { groups: vec![id.to_owned()], include_authorized_operations: false };
        let group = self
            .at_coordinator(id, |to| {
                let request = &request;
                async move {
                    let mut reply = self.pool().call(to, request).await?;
                    let group = reply.groups.pop().ok_or_else(|| unanswered(DescribeGroups::NAME))?;
                    Error::check(DescribeGroups::NAME, group.error_code, None)?;
                    Ok(group)
                }
            })
            .await?;
        // In this version "Dead" is how a group that does not exist is described.
        Ok((group.group_state != DEAD).then(|| of_classic(group)))
    }

    /// The offsets a group has committed, by topic and partition. Empty for a group that does not exist.
    pub async fn committed(&self, group: &str) -> Result<BTreeMap<(String, i32), i64>> {
        let wanted = OffsetFetchGroup { group_id: group.to_owned(), topics: None };
        let request = OffsetFetch { groups: vec![wanted], require_stable: false };
        let fetched = self
            .at_coordinator(group, |to| {
                let request = &request;
                async move {
                    let mut reply = self.pool().call(to, request).await?;
                    let group = reply.groups.pop().ok_or_else(|| unanswered(OffsetFetch::NAME))?;
                    Error::check(OffsetFetch::NAME, group.error_code, None)?;
                    Ok(group)
                }
            })
            .await?;
        Ok(offsets(fetched)?
            .into_iter()
            .flat_map(|(topic, of_topic)| {
                of_topic.into_iter().map(move |(partition, offset)| ((topic.clone(), partition), offset))
            })
            .collect())
    }

    /// Deletes groups with their committed offsets (KIP-229); what became of each, in order.
    ///
    /// One with members is refused with [`Code::NON_EMPTY_GROUP`], one that does not exist with
    /// [`Code::GROUP_ID_NOT_FOUND`].
    pub async fn delete_groups(&self, ids: &[String]) -> Result<PerItem> {
        let mut done = Vec::with_capacity(ids.len());
        for id in ids {
            let request = DeleteGroups { groups_names: vec![id.clone()] };
            let deleted = self
                .at_coordinator(id, |to| {
                    let request = &request;
                    async move {
                        let mut reply = self.pool().call(to, request).await?;
                        let group = reply.results.pop().ok_or_else(|| unanswered(DeleteGroups::NAME))?;
                        Error::check(DeleteGroups::NAME, group.error_code, None)
                    }
                })
                .await;
            let outcome = match deleted {
                Ok(()) => Ok(()),
                Err(Error::Broker { refusal, .. }) => Err(refusal),
                Err(error) => return Err(error),
            };
            done.push((id.clone(), outcome));
        }
        Ok(done)
    }

    /// Takes a static member out of a group (KIP-345): by itself it would stay in it for as long as its session lasts.
    /// One that is not in it is no error.
    pub async fn leave_group(&self, group: &str, instance: &str) -> Result<()> {
        let member = LeavingMember { member_id: String::new(), group_instance_id: Some(instance.to_owned()) };
        let request = LeaveGroup { group_id: group.to_owned(), members: vec![member] };
        self.at_coordinator(group, |to| {
            let request = &request;
            async move {
                let reply = self.pool().call(to, request).await?;
                Error::check(LeaveGroup::NAME, reply.error_code, None)?;
                match reply.members.first().map(|member| member.error_code) {
                    None | Some(Code::UNKNOWN_MEMBER_ID) => Ok(()),
                    Some(code) => Error::check(LeaveGroup::NAME, code, None),
                }
            }
        })
        .await
    }

    /// Asks the coordinator of a group, and looks for it again while it moves or loads, for as long as one request
    /// may take.
    async fn at_coordinator<T, F>(&self, group: &str, ask: impl Fn(To) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut backoff = Backoff::until(Instant::now() + self.pool().settings().request_timeout);
        loop {
            let answer = match self.coordinator(group).await {
                Ok(node) => ask(To::Node(node)).await,
                Err(error) => Err(error),
            };
            match answer {
                Err(error) if is_moving(&error) => {
                    if !backoff.again(Duration::ZERO).await {
                        return Err(error);
                    }
                }
                settled => return settled,
            }
        }
    }

    async fn coordinator(&self, group: &str) -> Result<i32> {
        let request = FindCoordinator { key_type: GROUP, coordinator_keys: vec![group.to_owned()] };
        let mut reply = self.pool().call(To::Any, &request).await?;
        let found = reply.coordinators.pop().ok_or_else(|| unanswered(FindCoordinator::NAME))?;
        Error::check(FindCoordinator::NAME, found.error_code, found.error_message)?;
        Ok(found.node_id)
    }
}

fn is_moving(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(Code::COORDINATOR_LOAD_IN_PROGRESS | Code::COORDINATOR_NOT_AVAILABLE | Code::NOT_COORDINATOR)
    )
}

fn unanswered(api: &'static str) -> Error {
    Error::Broker { api, refusal: Refusal::unanswered() }
}

/// What a group has committed, by topic and partition.
pub(super) fn offsets(group: FetchedGroup) -> Result<BTreeMap<String, BTreeMap<i32, i64>>> {
    let mut offsets = BTreeMap::<_, BTreeMap<_, _>>::new();
    for topic in group.topics {
        for partition in topic.partitions {
            Error::check(OffsetFetch::NAME, partition.error_code, None)?;
            // -1 stands for none.
            if partition.committed_offset >= 0 {
                let of_topic = offsets.entry(topic.name.clone()).or_default();
                of_topic.insert(partition.partition_index, partition.committed_offset);
            }
        }
    }
    Ok(offsets)
}

pub(super) fn of_new(group: ConsumerGroup) -> GroupDetail {
    let member = |member: ConsumerMember| Member {
        id: member.member_id,
        instance: member.instance_id,
        client_id: member.client_id,
        host: member.client_host,
        assigned: member
            .assignment
            .topic_partitions
            .into_iter()
            .map(|topic| (topic.topic_name, topic.partitions))
            .collect(),
    };
    GroupDetail {
        id: group.group_id,
        state: group.group_state,
        members: group.members.into_iter().map(member).collect(),
    }
}

pub(super) fn of_classic(group: ClassicGroup) -> GroupDetail {
    let member = |member: ClassicMember| Member {
        assigned: assigned(&member.member_assignment),
        id: member.member_id,
        instance: member.group_instance_id,
        client_id: member.client_id,
        host: member.client_host,
    };
    GroupDetail {
        id: group.group_id,
        state: group.group_state,
        members: group.members.into_iter().map(member).collect(),
    }
}

/// What a member was given; nothing if the bytes are not what consumers write, for they are not Kafka's but theirs.
fn assigned(bytes: &[u8]) -> BTreeMap<String, Vec<i32>> {
    let assignment = ClassicAssignment::read(&mut Reader::new(bytes)).unwrap_or_default();
    assignment.topics.0.into_iter().map(|topic| (topic.name.0, topic.partitions.0)).collect()
}
