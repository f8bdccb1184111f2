//! What people want, said in Kafka's words: topics, users and ACLs.
//!
//! The rules of access: to publish is WRITE on the topic; to subscribe is READ on the topic and on the group prefix.
//! Topics are named literally, since the Space is the end of a topic's name and no prefix could keep Spaces apart;
//! groups by prefix. WRITE and READ bring DESCRIBE with them (Kafka's documentation, "Authorization and ACLs"). No
//! DENY, no wildcard, no transactions.

use std::collections::BTreeSet;

use super::{
    Settings,
    findings::subject,
    plan::{Desired, Topic, TopicConfig, User},
};
use crate::{
    domain::{
        bridge,
        channel::{heartbeat_topic, topic_name},
        decision::Answer,
        grant::Access,
        ids::ChannelId,
        names::SpaceName,
        principal::group_prefix,
    },
    kafka::admin::{Acl, Operation, Pattern, Permission, ResourceKind},
    store::desired as store,
};

/// The name of a principal in ACLs.
pub fn principal(username: &str) -> String {
    format!("User:{username}")
}

/// What Kafka should hold.
pub fn desired(source: &store::Desired, settings: &Settings) -> Desired {
    let mut desired = Desired::default();
    for topic in &source.topics {
        let name = topic_name(topic.channel, &topic.space_name);
        // Once an admin has said so, whatever is there is ours, or is made.
        let is_decided = source.decisions.contains_key(&subject::of_topic(&name));
        let id = topic.id.filter(|_| !is_decided);
        let spec = Topic { partitions: topic.partitions, replicas: topic.replicas, config: topic.config.clone(), id };
        desired.topics.insert(name, spec);
    }
    let condemned = source.decisions.iter().filter(|(_, answer)| **answer == Answer::Remove);
    desired.condemned = condemned.filter_map(|(about, _)| Some(subject::rule(about)?.to_owned())).collect();
    for environment in &source.environments {
        // Without credentials there is nobody to let in, and nothing of its own that could be in Kafka.
        let Some(credentials) = &environment.principal else { continue };
        let name = principal(&credentials.username);
        let (mut user, mut acls) = (None, BTreeSet::new());
        if environment.enabled {
            let heartbeat = heartbeat_topic(&environment.app, &environment.key);
            acls = of_access(&name, &environment.access, &group_prefix(&environment.app, &environment.key));
            acls.insert(allow(&name, Operation::Write, ResourceKind::Topic, Pattern::Literal, &heartbeat));
            let spec =
                Topic { partitions: 1, replicas: settings.replication, config: TopicConfig::default(), id: None };
            desired.topics.insert(heartbeat, spec);
            user = Some(User {
                iterations: credentials.iterations,
                salt: credentials.salt.clone(),
                is_changed: !credentials.is_applied,
            });
        }
        desired.users.insert(credentials.username.clone(), user);
        desired.acls.insert(name, acls);
    }
    let worker = principal(&settings.worker_username);
    let acls = source.bridges.iter().flat_map(|bridge| of_bridge(&worker, bridge)).collect();
    desired.acls.insert(worker, acls);
    desired
}

/// What the worker needs for one bridge; the right to its consumer groups is the same for all.
pub fn of_bridge(worker: &str, bridge: &store::Bridge) -> BTreeSet<Acl> {
    if bridge.is_leaving {
        return BTreeSet::new();
    }
    let mut acls = of_access(worker, &bridge.access, bridge::GROUP_PREFIX);
    acls.insert(groups(worker, bridge::GROUP_PREFIX));
    acls
}

fn of_access(principal: &str, access: &[(ChannelId, SpaceName, Access)], prefix: &str) -> BTreeSet<Acl> {
    let mut acls = BTreeSet::new();
    for (channel, space, access) in access {
        let topic = topic_name(*channel, space);
        let operation = match access {
            Access::Publish => Operation::Write,
            Access::Subscribe => Operation::Read,
        };
        acls.insert(allow(principal, operation, ResourceKind::Topic, Pattern::Literal, &topic));
        if *access == Access::Subscribe {
            acls.insert(groups(principal, prefix));
        }
    }
    acls
}

fn groups(principal: &str, prefix: &str) -> Acl {
    allow(principal, Operation::Read, ResourceKind::Group, Pattern::Prefixed, prefix)
}

fn allow(principal: &str, operation: Operation, resource: ResourceKind, pattern: Pattern, name: &str) -> Acl {
    Acl {
        principal: principal.to_owned(),
        host: "*".to_owned(),
        resource,
        name: name.to_owned(),
        pattern,
        operation,
        permission: Permission::Allow,
    }
}
