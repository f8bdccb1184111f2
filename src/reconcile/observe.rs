//! What Kafka holds, read in as few calls as there are kinds of things.
//!
//! A read that is denied is an error, and so is one that may leave things out because this login may not see them: what
//! is not seen must never be taken for what is not there.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Error,
    plan::{Desired, MANAGED_KEYS, Observed, ObservedTopic, TopicConfig},
};
use crate::kafka::admin::{
    self, Acl, AclFilter, Admin, Cluster, Code, ConfigSource, Configs, Mechanism, Operation, Refusal, ScramInfo, To,
    Topic,
};

/// Principals that are asked for one by one; for more, reading all ACLs is cheaper.
const ONE_BY_ONE: usize = 8;

/// Topics whose configuration is read in one call, and how many such calls are under way at a time.
const CONFIGS: usize = 2_000;
const CONFIGS_AT_ONCE: usize = 2;

/// Salts that are looked at side by side: each is a connection of its own.
const SALTS_AT_ONCE: usize = 8;

/// Reads all that a plan needs, from any broker: the cluster, its topics, ACLs and our users in one call each, then the
/// managed configuration of our topics.
pub async fn read(admin: &Admin, desired: &Desired, salts_of: &[String]) -> Result<(Observed, Cluster), Error> {
    let users: Vec<_> = desired.users.keys().cloned().collect();
    // Those that are not there are told as such, which costs less than to wait for who is.
    let (ours, keys): (Vec<_>, _) = (desired.topics.keys().cloned().collect(), keys(desired));
    let (cluster, topics, acls, users, mut configs) = tokio::try_join!(
        admin.cluster(),
        admin.topics(None),
        admin.acls(To::Any, AclFilter::Any),
        read_users(admin, To::Any, &users),
        read_configs(admin, To::Any, &ours, &keys),
    )?;
    require_rights(&cluster)?;
    let mut observed = Observed { acls: acls.into_iter().collect(), users, ..Observed::default() };
    // Asking for one who is not there would be a login for nothing.
    let salts_of: Vec<_> = salts_of.iter().filter(|user| observed.users.contains_key(*user)).cloned().collect();
    let salts = read_salts(admin, &salts_of).await?;
    for topic in topics {
        let config = configs.remove(&topic.name).flatten();
        observed.topics.insert(topic.name.clone(), observed_topic(&topic, config));
    }
    observed.salts = salts;
    Ok((observed, cluster))
}

/// What is read from one broker to see whether a change has reached it.
#[derive(Debug, Default)]
pub struct Scope {
    /// Topics by name.
    pub topics: Vec<String>,
    /// Users by name.
    pub users: Vec<String>,
    /// Principals whose ACLs are wanted.
    pub principals: BTreeSet<String>,
}

/// Reads a few things from any broker, for a plan of these alone.
pub async fn read_only(
    admin: &Admin,
    desired: &Desired,
    scope: &Scope,
    salts_of: &[String],
) -> Result<(Observed, Cluster), Error> {
    let keys = keys(desired);
    let few = async { Ok(read_on(admin, To::Any, scope, &keys).await?) };
    let cluster = async { Ok(admin.cluster().await?) };
    let (cluster, mut observed, salts) = tokio::try_join!(cluster, few, read_salts(admin, salts_of))?;
    require_rights(&cluster)?;
    observed.salts = salts;
    Ok((observed, cluster))
}

/// Reads a few things from one broker. Topics that it does not know are left out.
pub async fn read_on(admin: &Admin, to: To, scope: &Scope, keys: &[&str]) -> admin::Result<Observed> {
    // One after the other, on one connection: each call is short.
    let mut observed = Observed { users: read_users(admin, to, &scope.users).await?, ..Observed::default() };
    let topics = read_topics(admin, to, &scope.topics).await?;
    let mut configs = read_configs(admin, to, &scope.topics, keys).await?;
    for topic in topics {
        let config = configs.remove(&topic.name).flatten();
        observed.topics.insert(topic.name.clone(), observed_topic(&topic, config));
    }
    observed.acls = read_acls(admin, to, &scope.principals).await?;
    Ok(observed)
}

/// These topics, without those that the broker does not know.
async fn read_topics(admin: &Admin, to: To, names: &[String]) -> admin::Result<Vec<Topic>> {
    // No names would mean none to Kafka, too; it is not asked.
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut topics = admin.topics_on(to, names).await?;
    topics.retain(|topic| topic.error != Some(Code::UNKNOWN_TOPIC_OR_PARTITION));
    Ok(topics)
}

/// The ACLs of these principals.
async fn read_acls(admin: &Admin, to: To, principals: &BTreeSet<String>) -> admin::Result<BTreeSet<Acl>> {
    if principals.len() > ONE_BY_ONE {
        let all = admin.acls(to, AclFilter::Any).await?;
        return Ok(all.into_iter().filter(|acl| principals.contains(&acl.principal)).collect());
    }
    let mut acls = BTreeSet::new();
    for principal in principals {
        acls.extend(admin.acls(to, AclFilter::Principal(principal.clone())).await?);
    }
    Ok(acls)
}

/// The configuration keys to ask for: not all, which are thirty times as many.
pub fn keys(desired: &Desired) -> Vec<&str> {
    let wanted = desired.topics.values().flat_map(|topic| topic.config.keys()).map(String::as_str);
    let keys: BTreeSet<_> = MANAGED_KEYS.iter().copied().chain(wanted).collect();
    keys.into_iter().collect()
}

/// The salts of the SCRAM-SHA-512 credentials of these users; without those that have none, and without all of them
/// where this listener does not offer SCRAM.
pub async fn read_salts(admin: &Admin, users: &[String]) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    // Each future owns what it works with: borrowed names would keep the whole pass from moving between threads.
    let salts: Vec<_> = stream::iter(users.to_vec())
        .map(|user| {
            let admin = admin.clone();
            async move {
                match admin.stored_salt(&user, Mechanism::Sha512).await {
                    Ok(salt) => Ok(salt.map(|salt| (user, salt))),
                    Err(error) if error.code() == Some(Code::UNSUPPORTED_SASL_MECHANISM) => Ok(None),
                    Err(error) => Err(error),
                }
            }
        })
        .buffer_unordered(SALTS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(salts.into_iter().flatten().collect())
}

/// Kafka leaves out silently what a login may not see, unless it may describe the cluster.
fn require_rights(cluster: &Cluster) -> Result<(), Error> {
    let Some(operations) = &cluster.operations else { return Err(Error::RightsUnknown) };
    for needed in [Operation::Describe, Operation::Alter] {
        if !operations.contains(&needed) {
            return Err(Error::RightMissing(needed));
        }
    }
    Ok(())
}

async fn read_users(
    admin: &Admin,
    to: To,
    names: &[String],
) -> admin::Result<BTreeMap<String, BTreeMap<Mechanism, i32>>> {
    let mut users = BTreeMap::<String, BTreeMap<Mechanism, i32>>::new();
    // No names would mean all users.
    if !names.is_empty() {
        for ScramInfo { name, mechanism, iterations } in admin.scram_users(to, names).await? {
            if let Some(mechanism) = mechanism {
                users.entry(name).or_default().insert(mechanism, iterations);
            }
        }
    }
    Ok(users)
}

/// What is set on these topics themselves; `None` for a topic the broker does not know yet.
async fn read_configs(
    admin: &Admin,
    to: To,
    names: &[String],
    keys: &[&str],
) -> admin::Result<BTreeMap<String, Option<TopicConfig>>> {
    let batches: Vec<_> = names.chunks(CONFIGS).map(<[String]>::to_vec).collect();
    let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
    // As with salts, each future owns what it works with.
    let read: Vec<_> = stream::iter(batches)
        .map(|batch| {
            let (admin, keys) = (admin.clone(), keys.clone());
            async move {
                let keys: Vec<_> = keys.iter().map(String::as_str).collect();
                let read = admin.topic_configs_on(to, &batch, &keys).await?;
                // Of each batch no more is kept than what is set, so that never all is held at a time.
                read.into_iter()
                    .map(|(name, configs)| match configs {
                        Ok(configs) => Ok((name, Some(own(configs)))),
                        Err(Refusal { code, .. }) if !code.is_denied() => Ok((name, None)),
                        Err(refusal) => Err(admin::Error::Broker { api: "DescribeConfigs", refusal }),
                    })
                    .collect::<admin::Result<Vec<_>>>()
            }
        })
        .buffered(CONFIGS_AT_ONCE)
        .try_collect()
        .await?;
    let mut seen = HashSet::<TopicConfig>::new();
    let mut shared = |config: BTreeMap<String, String>| {
        if let Some(same) = seen.get(&config) {
            return Arc::clone(same);
        }
        let config = Arc::new(config);
        seen.insert(Arc::clone(&config));
        config
    };
    Ok(read.into_iter().flatten().map(|(name, config)| (name, config.map(&mut shared))).collect())
}

fn own(configs: Configs) -> BTreeMap<String, String> {
    let own = configs.into_iter().filter(|(_, value)| value.source == ConfigSource::Topic);
    own.filter_map(|(key, value)| Some((key, value.value?))).collect()
}

/// A topic that cannot be described is there all the same: it is being made, or its leader is away.
fn observed_topic(topic: &Topic, config: Option<TopicConfig>) -> ObservedTopic {
    ObservedTopic {
        id: topic.id,
        partitions: topic.error.is_none().then(|| i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)),
        replicas: i16::try_from(topic.replication()).unwrap_or(i16::MAX),
        config,
    }
}
