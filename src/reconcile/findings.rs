//! What is not ours, and still matters: shown, never touched.

use std::collections::BTreeSet;

use super::{
    Settings,
    desired::principal,
    plan::{Desired, Observed},
};
use crate::{
    domain::channel::TOPIC_PREFIX,
    kafka::admin::{Acl, Operation, Pattern, Permission, ResourceKind},
};

/// The most findings that are kept.
const LIMIT: usize = 200;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A principal that is not ours may use a topic of ours: Spaces are not isolated against it.
    ForeignAccess(Acl),
    /// A rule about a principal of ours that this program does not understand, and so leaves.
    NotUnderstood(Acl),
    /// A topic is named like a channel's and is not one.
    ForeignTopic(String),
    /// A topic of ours has more partitions than wanted; they cannot be taken back.
    MorePartitions(String, i32),
    /// A topic of ours has another number of replicas than wanted.
    OtherReplicas(String, i16),
}

impl Finding {
    /// Its kind and what it is, for people.
    pub fn words(&self) -> (&'static str, String) {
        match self {
            Self::ForeignAccess(acl) => ("Access of a foreign user to a topic of ours", acl.to_string()),
            Self::NotUnderstood(acl) => ("A rule that is not understood here", acl.to_string()),
            Self::ForeignTopic(name) => ("A topic named like a channel's", name.clone()),
            Self::MorePartitions(name, partitions) => ("More partitions than wanted", format!("{name}: {partitions}")),
            Self::OtherReplicas(name, replicas) => ("Other replicas than wanted", format!("{name}: {replicas}")),
        }
    }
}

/// Everything to look at, the gravest first.
pub fn findings(desired: &Desired, observed: &Observed, settings: &Settings) -> Vec<Finding> {
    let own: BTreeSet<_> = settings.own_users.iter().map(|user| principal(user)).collect();
    let acls = observed.acls.iter().filter_map(|acl| {
        if desired.acls.contains_key(&acl.principal) {
            (!acl.is_known()).then(|| Finding::NotUnderstood(acl.clone()))
        } else {
            (!own.contains(&acl.principal) && opens(acl, desired)).then(|| Finding::ForeignAccess(acl.clone()))
        }
    });
    let topics = observed.topics.iter().filter_map(|(name, found)| {
        let Some(wanted) = desired.topics.get(name) else {
            return name.starts_with(TOPIC_PREFIX).then(|| Finding::ForeignTopic(name.clone()));
        };
        match found.partitions {
            Some(partitions) if partitions > wanted.partitions => {
                Some(Finding::MorePartitions(name.clone(), partitions))
            }
            Some(_) if found.replicas != wanted.replicas => Some(Finding::OtherReplicas(name.clone(), found.replicas)),
            _ => None,
        }
    });
    let mut findings: Vec<_> = acls.chain(topics).collect();
    findings.sort();
    findings.truncate(LIMIT);
    findings
}

/// Whether an ACL lets someone read, write or change a topic of ours.
fn opens(acl: &Acl, desired: &Desired) -> bool {
    let harmless = matches!(acl.operation, Operation::Describe | Operation::DescribeConfigs);
    acl.permission == Permission::Allow
        && acl.resource == ResourceKind::Topic
        && !harmless
        && match acl.pattern {
            Pattern::Literal if acl.name == "*" => !desired.topics.is_empty(),
            Pattern::Literal => desired.topics.contains_key(&acl.name),
            Pattern::Prefixed => {
                let first = desired.topics.range(acl.name.clone()..).next();
                first.is_some_and(|(topic, _)| topic.starts_with(&acl.name))
            }
            Pattern::Unknown(_) => false,
        }
}
