//! How far consumer groups have come, of many at once.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join};

use super::{
    Admin, At, Group, GroupDetail,
    groups::{CLASSIC, CONSUMER, DEAD, of_classic, of_new, offsets},
};
use crate::kafka::admin::{
    Result, To,
    msg::{ConsumerGroupDescribe, DescribeGroups, OffsetFetch, OffsetFetchGroup},
};

/// Groups in one request.
const GROUPS: usize = 100;

/// How far a group has come in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicLag {
    /// The topic.
    pub topic: String,
    /// Members that read it: those that were given partitions of it. While the group shares them out, all its members.
    pub members: usize,
    /// Records that are there and that the group has not read. In a partition where it has committed nothing these are
    /// all there are; what retention has taken away does not count.
    pub lag: i64,
}

impl Admin {
    /// How far groups have come in these topics: of each group, those of the topics that it has read or was given.
    ///
    /// Groups are listed ones, since their coordinators are asked: twice or three times for a hundred of them. A group
    /// of which anything is not known, because it moves or goes meanwhile or this login may not see it, is left out.
    pub async fn lags(&self, groups: &[Group], topics: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<TopicLag>>> {
        let mut by_coordinator = BTreeMap::<i32, Vec<Group>>::new();
        for group in groups {
            by_coordinator.entry(group.coordinator).or_default().push(group.clone());
        }
        let asked = by_coordinator.iter().map(|(node, groups)| self.positions_at(*node, groups, topics));
        let mut positions = Vec::new();
        for found in join_all(asked).await {
            match found {
                Ok(found) => positions.extend(found),
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error),
            }
        }
        let read: BTreeSet<_> = positions.iter().flat_map(|position| position.committed.keys().cloned()).collect();
        let bounds = self.bounds(&read.into_iter().collect::<Vec<_>>()).await?;
        let known = positions.into_iter().filter_map(|position| {
            let lags = position.lags(&bounds)?;
            Some((position.group.id, lags))
        });
        Ok(known.collect())
    }

    /// Asks a coordinator for the positions of its groups.
    async fn positions_at(&self, node: i32, groups: &[Group], topics: &BTreeSet<String>) -> Result<Vec<Position>> {
        let mut positions = Vec::with_capacity(groups.len());
        for groups in groups.chunks(GROUPS) {
            let mut details = self.details_at(node, groups).await?;
            let of_group = |group: &Group| OffsetFetchGroup { group_id: group.id.clone(), topics: None };
            let request = OffsetFetch { groups: groups.iter().map(of_group).collect(), require_stable: false };
            let reply = self.pool().call(To::Node(node), &request).await?;
            for fetched in reply.groups.into_iter().filter(|fetched| fetched.error_code.is_none()) {
                let Some(group) = details.remove(&fetched.group_id) else { continue };
                let Ok(committed) = offsets(fetched) else { continue };
                positions.push(Position::new(group, committed, topics));
            }
        }
        Ok(positions)
    }

    /// Asks a coordinator who is in its groups, of either protocol. Of one that is empty nothing has to be asked.
    async fn details_at(&self, node: i32, groups: &[Group]) -> Result<BTreeMap<String, GroupDetail>> {
        let mut details = BTreeMap::new();
        let (mut new, mut classic) = (Vec::new(), Vec::new());
        for group in groups {
            match group.kind.as_str() {
                _ if !group.has_members() => {
                    let Group { id, state, .. } = group.clone();
                    details.insert(id.clone(), GroupDetail { id, state, members: Vec::new() });
                }
                CONSUMER => new.push(group.id.clone()),
                CLASSIC => classic.push(group.id.clone()),
                _ => {}
            }
        }
        if !new.is_empty() {
            let request = ConsumerGroupDescribe { group_ids: new, include_authorized_operations: false };
            let reply = self.pool().call(To::Node(node), &request).await?;
            let found = reply.groups.into_iter().filter(|group| group.error_code.is_none());
            details.extend(found.map(|group| (group.group_id.clone(), of_new(group))));
        }
        if !classic.is_empty() {
            let request = DescribeGroups { groups: classic, include_authorized_operations: false };
            let reply = self.pool().call(To::Node(node), &request).await?;
            let found =
                reply.groups.into_iter().filter(|group| group.error_code.is_none() && group.group_state != DEAD);
            details.extend(found.map(|group| (group.group_id.clone(), of_classic(group))));
        }
        Ok(details)
    }

    /// Where the partitions of topics begin and end; without topics of which that is not known.
    async fn bounds(&self, topics: &[String]) -> Result<BTreeMap<String, Vec<Bounds>>> {
        if topics.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (starts, mut ends) =
            try_join(self.offsets_of(topics, At::Earliest), self.offsets_of(topics, At::Latest)).await?;
        let mut bounds = BTreeMap::new();
        for (topic, starts) in starts {
            let (Ok(starts), Some(Ok(ends))) = (starts, ends.remove(&topic)) else { continue };
            // Both have every partition, in their order.
            let of_partition = |((partition, start), (_, end))| Bounds { partition, start, end };
            bounds.insert(topic, starts.into_iter().zip(ends).map(of_partition).collect());
        }
        Ok(bounds)
    }
}

/// The first record of a partition, and one after the last.
struct Bounds {
    partition: i32,
    start: i64,
    end: i64,
}

/// What a coordinator knows of a group.
struct Position {
    group: GroupDetail,
    /// What it has committed, by topic and partition: nothing in a topic that its members only were given.
    committed: BTreeMap<String, BTreeMap<i32, i64>>,
}

impl Position {
    /// Of the topics that are wanted.
    fn new(group: GroupDetail, mut committed: BTreeMap<String, BTreeMap<i32, i64>>, wanted: &BTreeSet<String>) -> Self {
        for topic in group.members.iter().flat_map(|member| member.assigned.keys()) {
            committed.entry(topic.clone()).or_default();
        }
        committed.retain(|topic, _| wanted.contains(topic));
        Self { group, committed }
    }

    /// How far it has come in each topic; `None` where that is not known of all of them.
    fn lags(&self, bounds: &BTreeMap<String, Vec<Bounds>>) -> Option<Vec<TopicLag>> {
        let lag = |(topic, committed): (&String, &BTreeMap<i32, i64>)| {
            let lag = bounds.get(topic)?.iter().map(|Bounds { partition, start, end }| {
                let next = committed.get(partition).map_or(*start, |next| *next.max(start));
                (end - next).max(0)
            });
            Some(TopicLag { topic: topic.clone(), members: self.readers(topic), lag: lag.sum() })
        };
        self.committed.iter().map(lag).collect()
    }

    fn readers(&self, topic: &str) -> usize {
        let members = &self.group.members;
        if self.group.state == "Stable" {
            let reads = |partitions: &Vec<i32>| !partitions.is_empty();
            members.iter().filter(|member| member.assigned.get(topic).is_some_and(reads)).count()
        } else {
            members.len()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::admin::Member;

    fn member(assigned: &[(&str, &[i32])]) -> Member {
        let assigned = assigned.iter().map(|(topic, partitions)| ((*topic).to_owned(), partitions.to_vec()));
        Member {
            id: "m".into(),
            instance: None,
            client_id: "c".into(),
            host: "/127.0.0.1".into(),
            assigned: assigned.collect(),
        }
    }

    fn position(state: &str, members: Vec<Member>, committed: &[(&str, i32, i64)]) -> Position {
        let mut by_topic = BTreeMap::<String, BTreeMap<i32, i64>>::new();
        for (topic, partition, offset) in committed {
            by_topic.entry((*topic).to_owned()).or_default().insert(*partition, *offset);
        }
        let wanted = BTreeSet::from(["a", "b"].map(str::to_owned));
        Position::new(GroupDetail { id: "g".into(), state: state.into(), members }, by_topic, &wanted)
    }

    fn bounds(of: &[(&str, &[(i64, i64)])]) -> BTreeMap<String, Vec<Bounds>> {
        let of_topic = |partitions: &[(i64, i64)]| {
            let numbered = (0..).zip(partitions);
            numbered.map(|(partition, &(start, end))| Bounds { partition, start, end }).collect::<Vec<_>>()
        };
        of.iter().map(|(topic, partitions)| ((*topic).to_owned(), of_topic(partitions))).collect()
    }

    fn lag(topic: &str, members: usize, lag: i64) -> TopicLag {
        TopicLag { topic: topic.into(), members, lag }
    }

    #[test]
    fn what_is_there_and_not_committed_is_unread() {
        let bounds = bounds(&[("a", &[(0, 10), (0, 10), (5, 10), (5, 10)])]);
        // Read to 4; nothing committed; nothing committed, with the first five gone; committed before they went.
        let behind = position("Empty", vec![], &[("a", 0, 4), ("a", 3, 2), ("other", 0, 1)]);
        assert_eq!(behind.lags(&bounds), Some(vec![lag("a", 0, 6 + 10 + 5 + 5)]));
        // A topic that was made anew ends before what was committed.
        let ahead = position("Empty", vec![], &[("a", 0, 99), ("a", 1, 10), ("a", 2, 10), ("a", 3, 10)]);
        assert_eq!(ahead.lags(&bounds), Some(vec![lag("a", 0, 0)]));
    }

    #[test]
    fn members_count_where_they_read() {
        let bounds = bounds(&[("a", &[(0, 1)]), ("b", &[(0, 2)])]);
        let members = || vec![member(&[("a", &[0])]), member(&[("a", &[]), ("b", &[0])]), member(&[])];
        let stable = position("Stable", members(), &[("a", 0, 1)]);
        assert_eq!(stable.lags(&bounds), Some(vec![lag("a", 1, 0), lag("b", 1, 2)]));
        let sharing = position("PreparingRebalance", members(), &[("a", 0, 1)]);
        assert_eq!(sharing.lags(&bounds), Some(vec![lag("a", 3, 0), lag("b", 3, 2)]));
    }

    #[test]
    fn a_group_of_which_not_all_is_known_is_left_out() {
        let bounds = bounds(&[("a", &[(0, 1)])]);
        assert_eq!(position("Empty", vec![], &[("a", 0, 1), ("b", 0, 1)]).lags(&bounds), None);
        assert_eq!(position("Empty", vec![], &[]).lags(&bounds), Some(vec![]));
    }
}
