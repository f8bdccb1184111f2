//! What Kafka holds of somebody, to be compared with what it holds later.

use std::collections::BTreeSet;

use ebm::{
    kafka::admin::{AclFilter, ConfigSource, To},
    reconcile::plan::MANAGED_KEYS,
};

use super::World;

/// A key that the product leaves alone.
const UNMANAGED_KEY: &str = "segment.bytes";

impl World {
    /// Everything in Kafka with this in its name, a line each: topics with what is set on them, ACLs, users.
    pub(super) async fn holdings(&self, of: &str) -> BTreeSet<String> {
        let topics = self.root.topics(None).await.unwrap();
        let topics: Vec<_> = topics.into_iter().filter(|topic| topic.name.contains(of)).collect();
        let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
        let keys = [MANAGED_KEYS, &[UNMANAGED_KEY][..]].concat();
        let configs = self.root.topic_configs(&names, &keys).await.unwrap();
        let acls = self.root.acls(To::Any, AclFilter::Any).await.unwrap();
        let users = self.root.scram_users(To::Any, &[]).await.unwrap();

        let topics = topics.iter().map(|topic| {
            let set = configs[&topic.name].as_ref().unwrap().iter();
            let set = set.filter(|(_, value)| value.source == ConfigSource::Topic);
            let set: Vec<_> = set.map(|(key, value)| format!("{key}={:?}", value.value)).collect();
            let (partitions, replicas) = (topic.partitions.len(), topic.replication());
            format!("topic {} {}: {partitions} partitions, {replicas} replicas, {set:?}", topic.name, topic.id)
        });
        let acls = acls.iter().filter(|acl| acl.principal.contains(of)).map(|acl| format!("rule {acl}"));
        let users = users.iter().filter(|user| user.name.contains(of));
        let users = users.map(|user| format!("user {}: {:?}, {} rounds", user.name, user.mechanism, user.iterations));
        topics.chain(acls).chain(users).collect()
    }
}
