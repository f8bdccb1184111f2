//! What is not ours, and still matters: shown, never touched.

use std::collections::BTreeSet;

use super::{
    Settings,
    brake::Held,
    desired::principal,
    plan::{Desired, Lost, Observed, Plan},
};
use crate::{
    domain::{channel::TOPIC_PREFIX, decision::Answer},
    kafka::admin::{Acl, Operation, Pattern, Permission, ResourceKind},
};

/// The most findings that are kept.
const LIMIT: usize = 200;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A plan that was stopped, since it would take much away without anybody's decision.
    Held(Held),
    /// A principal that is not ours may use a topic of ours: Spaces are not isolated against it.
    ForeignAccess(Acl),
    /// A topic of ours was deleted.
    TopicGone(String),
    /// A topic of ours was deleted, and another one has its name.
    TopicReplaced(String),
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
            Self::Held(Held { acls, users, .. }) => {
                ("Stopped: this would take away what nobody decided to take", format!("{users} users, {acls} rules"))
            }
            Self::TopicGone(name) => ("A topic was deleted in Kafka", name.clone()),
            Self::TopicReplaced(name) => ("A topic was deleted in Kafka and made anew", name.clone()),
            Self::ForeignAccess(acl) => ("Access of a foreign user to a topic of ours", acl.to_string()),
            Self::NotUnderstood(acl) => ("A rule that is not understood here", acl.to_string()),
            Self::ForeignTopic(name) => ("A topic named like a channel's", name.clone()),
            Self::MorePartitions(name, partitions) => ("More partitions than wanted", format!("{name}: {partitions}")),
            Self::OtherReplicas(name, replicas) => ("Other replicas than wanted", format!("{name}: {replicas}")),
        }
    }

    /// What an answer to it is about: the same as long as it is the same thing that was found.
    pub fn subject(&self) -> String {
        match self {
            Self::Held(held) => subject::of_plan(&held.version),
            Self::TopicGone(name) | Self::TopicReplaced(name) => subject::of_topic(name),
            Self::ForeignAccess(acl) => subject::of_rule(&acl.to_string()),
            other => {
                let (kind, text) = other.words();
                format!("{kind}: {text}")
            }
        }
    }

    /// What an admin may answer.
    pub fn answers(&self) -> &'static [Answer] {
        match self {
            Self::Held(_) => &[Answer::Apply],
            Self::TopicGone(_) => &[Answer::Recreate],
            Self::TopicReplaced(_) => &[Answer::Adopt],
            Self::ForeignAccess(_) => &[Answer::Remove, Answer::Accept],
            _ => &[Answer::Accept],
        }
    }

    /// All of it, a line each, where it is more than one thing.
    pub fn lines(&self) -> &[String] {
        match self {
            Self::Held(held) => &held.lines,
            _ => &[],
        }
    }
}

/// What decisions are about, as they are kept.
pub mod subject {
    const RULE: &str = "rule: ";

    /// A plan that was stopped, by its version.
    pub fn of_plan(version: &str) -> String {
        format!("plan: {version}")
    }

    /// A topic, by its name.
    pub fn of_topic(name: &str) -> String {
        format!("topic: {name}")
    }

    /// A rule, as it is written.
    pub fn of_rule(rule: &str) -> String {
        format!("{RULE}{rule}")
    }

    /// The rule that a decision is about.
    pub fn rule(subject: &str) -> Option<&str> {
        subject.strip_prefix(RULE)
    }
}

/// Everything to look at, the gravest first.
pub fn findings(plan: &Plan, desired: &Desired, observed: &Observed, settings: &Settings) -> Vec<Finding> {
    let own: BTreeSet<_> = settings.own_users.iter().map(|user| principal(user)).collect();
    let acls = observed.acls.iter().filter_map(|acl| {
        if desired.acls.contains_key(&acl.principal) {
            (!acl.is_known()).then(|| Finding::NotUnderstood(acl.clone()))
        } else {
            (!own.contains(&acl.principal) && opens(acl, desired)).then(|| Finding::ForeignAccess(acl.clone()))
        }
    });
    let lost = plan.lost.iter().map(|(name, lost)| match lost {
        Lost::Gone => Finding::TopicGone(name.clone()),
        Lost::Replaced => Finding::TopicReplaced(name.clone()),
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
    let mut findings: Vec<_> = acls.chain(lost).chain(topics).collect();
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
