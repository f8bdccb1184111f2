//! The difference between what Kafka should hold and what it holds, as steps in a safe order.
//!
//! Pure: no input or output, no clock, no chance. Knows whose things are whose: only topics that are in [`Desired`]
//! and ACLs and users of principals that are in it are ever touched, with the foreign rules that an admin wants away.
//! No topic is ever deleted, and one that was deleted is made anew only when an admin says so.

#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use uuid::Uuid;

use crate::kafka::admin::{Acl, Changes, Mechanism, NewTopic};

/// Topic configuration that is ours: what a contract may set, and nothing else. Such a key that is set by hand and not
/// wanted goes back to the broker's default; every other key is left alone.
pub use crate::domain::contract::TOPIC_KEYS as MANAGED_KEYS;

/// The most ACLs of one principal that Kafka deletes in one go (its limit of records for one request).
const DELETED_IN_ONE_GO: usize = 10_000;

/// Configuration of a topic by key. Thousands of topics have the same, and share it.
pub type TopicConfig = Arc<BTreeMap<String, String>>;

/// What Kafka should hold, in Kafka's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Topics by name.
    pub topics: BTreeMap<String, Topic>,
    /// SCRAM users by name, of every principal that is ours; `None` for one that must not be there.
    pub users: BTreeMap<String, Option<User>>,
    /// ACLs by principal (`User:` and a name), of every principal that is ours; empty for one that may do nothing.
    pub acls: BTreeMap<String, BTreeSet<Acl>>,
    /// Foreign ACLs that an admin wants away, as they are written.
    pub condemned: BTreeSet<String>,
}

/// A topic that should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Partitions.
    pub partitions: i32,
    /// Replicas of each, when it is made.
    pub replicas: i16,
    /// Configuration.
    pub config: TopicConfig,
    /// Kafka's id of the topic that is known to be ours; `None` where whatever is there is.
    pub id: Option<Uuid>,
}

/// A SCRAM-SHA-512 user that should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Rounds of PBKDF2.
    pub iterations: i32,
    /// Salt.
    pub salt: Vec<u8>,
    /// The password is newer than what Kafka is known to have.
    pub is_changed: bool,
}

/// What Kafka holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Topics by name, foreign ones too.
    pub topics: BTreeMap<String, ObservedTopic>,
    /// Credentials by user: mechanism and rounds. Only users that were asked for.
    pub users: BTreeMap<String, BTreeMap<Mechanism, i32>>,
    /// Salts of SCRAM-SHA-512 credentials, where they were looked at.
    pub salts: BTreeMap<String, Vec<u8>>,
    /// ACLs, foreign ones too.
    pub acls: BTreeSet<Acl>,
}

/// A topic that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedTopic {
    /// Kafka's id; nil where it is not known.
    pub id: Uuid,
    /// Partitions; `None` where it could not be described yet.
    pub partitions: Option<i32>,
    /// Replicas of its first partition.
    pub replicas: i16,
    /// The managed keys that are set on the topic itself; `None` where they could not be read yet.
    pub config: Option<TopicConfig>,
}

/// What is to be done, step by step: what is taken comes before what is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// ACLs to delete, by principal.
    pub revoke: BTreeMap<String, Revocation>,
    /// Credentials to delete.
    pub drop_users: Vec<(String, Mechanism)>,
    /// Topics to make.
    pub create_topics: Vec<NewTopic>,
    /// Topics to give more partitions, and how many then.
    pub raise_partitions: Vec<(String, i32)>,
    /// Configuration to set, or to take back to its default.
    pub alter_configs: Vec<(String, Changes)>,
    /// Users to store.
    pub upsert_users: Vec<String>,
    /// ACLs to make.
    pub grant: Vec<Acl>,
    /// Topics that were ours and are not there any more, by name: nothing is done about them before an admin has spoken.
    pub lost: BTreeMap<String, Lost>,
}

/// ACLs of one principal to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// Which.
    pub acls: Vec<Acl>,
    /// They are all it has, so that Kafka can delete them by the principal's name in one go.
    pub all: bool,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self { lost: self.lost.clone(), ..Self::default() }
    }

    /// How many ACLs it takes away.
    pub fn revoked(&self) -> usize {
        self.revoke.values().map(|revocation| revocation.acls.len()).sum()
    }
}

/// What has to be done so that Kafka holds what it should.
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let (revoke, lost) = (revocations(desired, observed), lost(desired, observed));
    let mut plan = Plan { revoke, lost, ..Plan::default() };
    for (name, wanted) in &desired.users {
        let stored = observed.users.get(name);
        let superfluous = |mechanism: &Mechanism| wanted.is_none() || *mechanism != Mechanism::Sha512;
        let stored_mechanisms = stored.into_iter().flat_map(BTreeMap::keys);
        plan.drop_users.extend(stored_mechanisms.filter(|m| superfluous(m)).map(|m| (name.clone(), *m)));
        if let Some(user) = wanted
            && !is_stored(name, user, observed)
        {
            plan.upsert_users.push(name.clone());
        }
    }
    for (name, topic) in desired.topics.iter().filter(|(name, _)| !plan.lost.contains_key(*name)) {
        let Some(found) = observed.topics.get(name) else {
            plan.create_topics.push(NewTopic {
                name: name.clone(),
                partitions: topic.partitions,
                replication: topic.replicas,
                configs: topic.config.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            });
            continue;
        };
        if found.partitions.is_some_and(|found| found < topic.partitions) {
            plan.raise_partitions.push((name.clone(), topic.partitions));
        }
        let changes = found.config.as_ref().map(|config| config_changes(&topic.config, config)).unwrap_or_default();
        if !changes.is_empty() {
            plan.alter_configs.push((name.clone(), changes));
        }
    }
    plan.grant = desired.acls.values().flat_map(|acls| acls.difference(&observed.acls)).cloned().collect();
    plan
}

/// What became of a topic that was ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It was deleted.
    Gone,
    /// Another one has its name.
    Replaced,
}

fn lost(desired: &Desired, observed: &Observed) -> BTreeMap<String, Lost> {
    let lost = desired.topics.iter().filter_map(|(name, topic)| {
        let known = topic.id?;
        match observed.topics.get(name) {
            None => Some((name.clone(), Lost::Gone)),
            Some(found) if !found.id.is_nil() && found.id != known => Some((name.clone(), Lost::Replaced)),
            Some(_) => None,
        }
    });
    lost.collect()
}

fn revocations(desired: &Desired, observed: &Observed) -> BTreeMap<String, Revocation> {
    let mut revoke = BTreeMap::<String, Revocation>::new();
    let mut not_understood = BTreeSet::new();
    for acl in &observed.acls {
        match desired.acls.get(&acl.principal) {
            // What this program has no name for is not its to delete.
            Some(_) if !acl.is_known() => {
                not_understood.insert(&acl.principal);
            }
            Some(wanted) if !wanted.contains(acl) => {
                revoke.entry(acl.principal.clone()).or_default().acls.push(acl.clone());
            }
            None if desired.condemned.contains(&acl.to_string()) => {
                revoke.entry(acl.principal.clone()).or_default().acls.push(acl.clone());
            }
            _ => {}
        }
    }
    for (principal, revocation) in &mut revoke {
        revocation.all = desired.acls.get(principal).is_some_and(BTreeSet::is_empty)
            && !not_understood.contains(principal)
            && revocation.acls.len() <= DELETED_IN_ONE_GO;
    }
    revoke
}

/// Whether Kafka has this credential, as far as it can be seen: of the password it shows the rounds and, to who looks,
/// the salt, which is random and so tells a new password from an old one.
pub fn is_stored(name: &str, user: &User, observed: &Observed) -> bool {
    let iterations = observed.users.get(name).and_then(|credentials| credentials.get(&Mechanism::Sha512));
    iterations == Some(&user.iterations)
        && match observed.salts.get(name) {
            Some(salt) => *salt == user.salt,
            None => !user.is_changed,
        }
}

/// Whether a topic is as it should be. More partitions than wanted cannot be taken back, so they are.
pub fn is_made(topic: &Topic, found: &ObservedTopic) -> bool {
    found.partitions.is_some_and(|found| found >= topic.partitions)
        && found.config.as_ref().is_some_and(|config| config_changes(&topic.config, config).is_empty())
}

fn config_changes(wanted: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Changes {
    let set = wanted
        .iter()
        .filter(|(key, value)| found.get(*key).is_none_or(|found| !is_same(value, found)))
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    let reset = found.keys().filter(|key| !wanted.contains_key(*key)).map(|key| (key.clone(), None));
    set.chain(reset).collect()
}

/// Whether two texts are the same value: Kafka gives back numbers and lists in a spelling of its own.
fn is_same(a: &str, b: &str) -> bool {
    let number = |text: &str| text.trim().parse::<i64>().ok();
    let list = |text: &str| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => list(a) == list(b),
    }
}

impl fmt::Display for Plan {
    /// One line per step, in the order in which they are done.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (principal, Revocation { acls, all }) in &self.revoke {
            let how = if *all { " (all it has)" } else { "" };
            writeln!(f, "revoke from {principal}{how}:")?;
            for acl in acls {
                writeln!(f, "  {acl}")?;
            }
        }
        for (user, mechanism) in &self.drop_users {
            writeln!(f, "drop user {user} ({})", mechanism.name())?;
        }
        for NewTopic { name, partitions, replication, configs } in &self.create_topics {
            write!(f, "create topic {name}: partitions={partitions} replicas={replication}")?;
            for (key, value) in configs {
                write!(f, " {key}={value}")?;
            }
            writeln!(f)?;
        }
        for (topic, partitions) in &self.raise_partitions {
            writeln!(f, "raise topic {topic}: partitions={partitions}")?;
        }
        for (topic, changes) in &self.alter_configs {
            write!(f, "alter topic {topic}:")?;
            for (key, value) in changes {
                write!(f, " {key}={}", value.as_deref().unwrap_or("(default)"))?;
            }
            writeln!(f)?;
        }
        for user in &self.upsert_users {
            writeln!(f, "store user {user}")?;
        }
        for acl in &self.grant {
            writeln!(f, "grant {acl}")?;
        }
        Ok(())
    }
}
